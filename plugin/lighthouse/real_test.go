package lighthouse_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/runner"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// realPrograms skips the test where Node.js, Chromium or npm's lighthouse is missing, and returns where Lighthouse is: LIGHTHOUSE_PATH, or what lighthouse on the PATH leads to.
func realPrograms(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the real Lighthouse, which takes half a minute")
	}
	databasetest.Binary(t, "apt-get install nodejs", "node")
	databasetest.Binary(t, "apt-get install chromium", "chromium")
	install, err := runner.FindInstall(os.Getenv("LIGHTHOUSE_PATH"))
	if err != nil {
		databasetest.Missing(t, "lighthouse is not installed; install it with: npm install -g lighthouse@12.8.2, or set LIGHTHOUSE_PATH to the folder of the package")
	}
	return install.Dir
}

// program is the audit service as it is shipped, in a process of its own.
type program struct {
	url     string
	process *exec.Cmd
	log     *os.File
}

// startProgram builds and starts the service. env is beside what it needs to run at all.
func startProgram(t testing.TB, env ...string) *program {
	t.Helper()
	install := realPrograms(t)
	dir := t.TempDir()
	binary := filepath.Join(dir, "lighthouse-audit-service")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/lighthouse-audit-service").CombinedOutput(); err != nil {
		t.Fatalf("build the service: %v\n%s", err, out)
	}
	return runProgram(t, binary, append([]string{"LAS_LIGHTHOUSE=" + install, "LAS_DATA=" + dir, "LAS_TOKEN=s3cret", "LAS_ALLOW_NETWORKS=127.0.0.0/8", "LAS_CHROMIUM_FLAGS=--no-sandbox"}, env...))
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

func runProgram(t testing.TB, binary string, env []string) *program {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &program{process: exec.Command(binary), log: log}
	p.process.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LAS_PORT=0", "LAS_HOST=127.0.0.1"}, env...)
	errors, err := p.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(errors); lines.Scan(); {
			_, _ = fmt.Fprintln(log, lines.Text())
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- "http://" + found[1]
			}
		}
	}()
	t.Cleanup(func() {
		_ = p.process.Process.Signal(syscall.SIGTERM)
		<-drained
		_ = p.process.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the service's log:\n%s", text)
		}
		_ = log.Close()
	})
	select {
	case p.url = <-address:
	case <-drained:
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("the service ended:\n%s", text)
	case <-time.After(30 * time.Second):
		t.Fatal("the service does not listen after 30 s")
	}
	return p
}

// page is a website to audit, with things to find for Lighthouse: an image without a text, and no description.
const page = `<!doctype html><html lang="en"><head><title>Ferry timetable</title><meta name="viewport" content="width=device-width"><style>body{font:1rem sans-serif}</style></head>
<body><h1>Ferry timetable</h1><p>The first ferry leaves at six.</p><img width="10" height="10" src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></body></html>`

func startWebsite(t testing.TB) *httptest.Server {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, page)
		case "/away":
			http.Redirect(w, r, "http://10.255.255.1/", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(site.Close)
	return site
}

// TestRealLighthouse goes the whole way with the real programs: from the form in the portal, through the service, Node.js, Lighthouse and Chromium, to the score on the entity's page.
func TestRealLighthouse(t *testing.T) {
	service := startProgram(t, "LAS_CONCURRENCY=1")
	site := startWebsite(t)
	file := filepath.Join(t.TempDir(), "ferry.yaml")
	entity := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: ferry, annotations: {lighthouse.com/website-url: '" + site.URL + "'}}\nspec: {type: website, lifecycle: production, owner: crew}\n"
	if err := os.WriteFile(file, []byte(entity), 0o600); err != nil {
		t.Fatal(err)
	}
	portal := plugintest.StartWith(t, plugintest.Options{Config: "catalog:\n  locations:\n    - {type: file, target: " + file + "}\n" + configured(service.url)}, catalog.Plugin(), lighthouse.Plugin())
	portal.Eventually("the entity is there", func() bool { return portal.Get("/catalog/default/component/ferry").Status == http.StatusOK })

	button := portal.Get("/catalog/default/component/ferry").Find("section[aria-label=Lighthouse] form")
	if len(button) != 1 {
		t.Fatal("the entity's card has no button")
	}
	audit := submit(t, portal, map[string][]string{"url": {site.URL}, "device": {"mobile"}})
	portal.Get(audit).Want(200).Has("ui-refresh")
	deadline := time.Now().Add(4 * time.Minute)
	for len(portal.Get(audit).Find("ui-refresh")) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("the audit has not ended after 4 minutes")
		}
		time.Sleep(500 * time.Millisecond)
	}
	view := portal.Get(audit).Want(200).HasText("dd", "Completed")
	src := view.Find("iframe.lighthouse-report")
	if len(src) != 1 {
		t.Fatalf("no report is shown:\n%s", view.Body)
	}
	report := portal.Get(src[0].Attr("src")).Want(200)
	for _, text := range []string{"__LIGHTHOUSE_JSON__", "Ferry timetable"} {
		if !strings.Contains(string(report.Body), text) {
			t.Errorf("the report does not contain %q", text)
		}
	}
	if dir := os.Getenv("LIGHTHOUSE_PICTURES"); dir != "" {
		look(t, portal, dir, map[string]string{"report": audit})
	}
	portal.Eventually("the score is on the entity's page", func() bool {
		for _, value := range portal.Get("/catalog/default/component/ferry").Find("section[aria-label=Lighthouse] dd .ui-status") {
			if regexp.MustCompile(`^\d+$`).MatchString(value.Text()) {
				return true
			}
		}
		return false
	})
	var website struct {
		LastAudit struct {
			Categories map[string]struct{ Score float64 }
		}
	}
	ask(t, service.url, "/v1/websites/"+strings.ReplaceAll(site.URL, "/", "%2F"), &website)
	if score := website.LastAudit.Categories["accessibility"].Score; score <= 0 || score >= 1 {
		t.Errorf("accessibility %v of a page with an image without a text", score)
	}

	away := submit(t, portal, map[string][]string{"url": {site.URL + "/away"}})
	for len(portal.Get(away).Find("ui-refresh")) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("the second audit has not ended")
		}
		time.Sleep(500 * time.Millisecond)
	}
	portal.Get(away).HasText(".ui-error-panel", "may not be reached: 10.255.255.1")
}

func ask(t testing.TB, base, path string, target any) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer s3cret")
	r.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode >= 300 {
		t.Fatalf("%s: status %d\n%s", path, res.StatusCode, text)
	}
	if target != nil {
		if err := json.Unmarshal(text, target); err != nil {
			t.Fatalf("%s: %v\n%s", path, err, text)
		}
	}
}

// TestKilledInTheMiddle kills the service while an audit runs, and starts it again on the same data: the audit comes to an end.
func TestKilledInTheMiddle(t *testing.T) {
	realPrograms(t)
	t.Run("sqlite", func(t *testing.T) { killedInTheMiddle(t, "LAS_DATA="+t.TempDir()) })
	t.Run("postgres", func(t *testing.T) {
		server := databasetest.Postgres(t)
		killedInTheMiddle(t, "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(server.Port), "PGUSER="+server.User, "PGDATABASE="+server.Database(t), "PGSSLMODE=disable")
	})
}

func killedInTheMiddle(t *testing.T, env ...string) {
	asked := make(chan struct{}, 64)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		http.Error(w, "starting", http.StatusServiceUnavailable)
	}))
	defer site.Close()
	first := startProgram(t, env...)
	body := strings.NewReader(`{"url":"` + site.URL + `","options":{"upTimeout":3000}}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, first.url+"/v1/audits", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer s3cret"}, "Content-Type": {"application/json"}}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	var audit struct{ ID, Status, Reason string }
	if err := json.NewDecoder(res.Body).Decode(&audit); err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	<-asked // it runs
	if err := first.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.process.Wait()

	second := runProgram(t, first.process.Path, first.process.Env)
	audit.Status = "RUNNING"
	for deadline := time.Now().Add(time.Minute); audit.Status == "RUNNING" && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		ask(t, second.url, "/v1/audits/"+audit.ID, &audit)
	}
	if audit.Status != "FAILED" || !strings.Contains(audit.Reason, "did not answer within 3s") {
		t.Errorf("%+v", audit)
	}
}
