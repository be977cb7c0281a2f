package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/guard"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/runner"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// The browser of these tests is a script that says it listens, and goes on until it is killed; it leaves a child as Chromium does. Its process id is left in the scratch folder.
const browser = `#!/bin/sh
for a in "$@"; do case "$a" in --user-data-dir=*) dir="${a#--user-data-dir=}";; esac; done
mkdir -p "$dir"
sleep 1000 &
echo $! > "$dir/../../child"
printf '1234\n/devtools/browser/x' > "$dir/DevToolsActivePort"
wait
`

// run runs an audit of a page that answers with status, with scripts in place of the real programs.
func run(t *testing.T, chromium, node string, handle http.HandlerFunc, change func(*runner.Settings)) (outcome runner.Outcome, scratch string, err error) {
	t.Helper()
	site := httptest.NewServer(handle)
	defer site.Close()
	dir := t.TempDir()
	scratch = filepath.Join(dir, "scratch")
	if err := os.Mkdir(scratch, 0o755); err != nil {
		t.Fatal(err)
	}
	s := runner.Settings{
		Node: write(t, filepath.Join(dir, "node"), "#!/bin/sh\n"+node), Chromium: write(t, filepath.Join(dir, "chromium"), chromium), Scratch: scratch, Timeout: 20 * time.Second,
		Policy: &guard.Policy{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, Install: runner.Install{Dir: "/lighthouse"},
	}
	if change != nil {
		change(&s)
	}
	outcome, err = runner.New(s).Run(t.Context(), runner.Job{URL: site.URL, Config: json.RawMessage(`{}`), UpTimeout: 2 * time.Second})
	left, readErr := filepath.Glob(filepath.Join(scratch, "audit-*"))
	if readErr != nil || len(left) > 0 {
		t.Errorf("profiles were left: %v %v", left, readErr)
	}
	return outcome, scratch, err
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func TestRun(t *testing.T) {
	t.Parallel()
	outcome, scratch, err := run(t, browser, `cat > request; grep -q '"module":"/lighthouse/core/index.js","port":1234' request || exit 3
echo '{"milliseconds":1500,"result":{"categories":{"seo":{"id":"seo","title":"SEO","score":0.5}},"x":1}}'`, ok, nil)
	if err != nil || outcome.Lighthouse != 1500*time.Millisecond || *outcome.Categories["seo"].Score != 0.5 || !strings.Contains(string(outcome.Report), `"x":1`) {
		t.Errorf("%+v, %v", outcome, err)
	}
	pid, err := os.ReadFile(filepath.Join(scratch, "child"))
	if err != nil {
		t.Fatal(err)
	}
	var child int
	if err := json.Unmarshal(pid, &child); err != nil {
		t.Fatal(err)
	}
	// The child belongs to init, or whoever stands in for it, which may take a moment to notice its end; a zombie does nothing any more.
	for deadline := time.Now().Add(10 * time.Second); syscall.Kill(child, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if state, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "stat")); err == nil && strings.Contains(string(state), ") Z ") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a process of the browser was left running")
		}
	}
}

func TestWhyAnAuditFailed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		chromium, node string
		handle         http.HandlerFunc
		change         func(*runner.Settings)
		reason         string // for people
		log            string // for the log
	}{
		"lighthouse's error":   {browser, `echo '{"error":"Something went wrong"}'`, ok, nil, "Lighthouse: Something went wrong", ""},
		"runtime error":        {browser, `echo '{"result":{"runtimeError":{"code":"NO_FCP","message":"Nothing was painted (NO_FCP)"}}}'`, ok, nil, "could not audit the page: Nothing was painted (NO_FCP)", ""},
		"led elsewhere":        {browser, `echo '{"result":{"finalDisplayedUrl":"https://other.example/","categories":{}}}'`, ok, func(s *runner.Settings) { s.Policy.Hosts = []string{"127.0.0.1"} }, "not among the hosts", ""},
		"no json":              {browser, `echo oops; echo because >&2`, ok, nil, "could not run it", "it said: because"},
		"node fails":           {browser, `echo "cannot find module" >&2; exit 1`, ok, nil, "could not run it", "cannot find module"},
		"no browser":           {"#!/bin/sh\necho no display >&2\nexit 1", ``, ok, nil, "could not run it", "no display"},
		"too slow":             {browser, `sleep 1000`, ok, func(s *runner.Settings) { s.Timeout = 500 * time.Millisecond }, "took more than 500ms", ""},
		"browser too slow":     {"#!/bin/sh\nsleep 1000", ``, ok, func(s *runner.Settings) { s.Timeout = 500 * time.Millisecond }, "took more than 500ms", ""},
		"page does not answer": {browser, ``, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, nil, "did not answer within 2s: it answers with status 503", ""},
		"refused":              {browser, ``, ok, func(s *runner.Settings) { s.Policy.Networks = nil }, "127.0.0.1 may not be audited", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := run(t, test.chromium, test.node, test.handle, test.change)
			var failed *runner.FailedError
			if !errors.As(err, &failed) || !strings.Contains(failed.Reason, test.reason) || !strings.Contains(err.Error(), test.log) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestSecretsStayInTheService: what Node.js and the browser run is others' code, so they do not get the service's environment.
func TestSecretsStayInTheService(t *testing.T) {
	t.Setenv("LAS_TOKEN", "hunter2")
	t.Setenv("PGPASSWORD", "hunter3")
	_, _, err := run(t, browser, `env >&2; exit 1`, ok, nil)
	if err == nil || !strings.Contains(err.Error(), "PATH=") || strings.Contains(err.Error(), "hunter") {
		t.Errorf("%v", err)
	}
}

func TestTheCallersEndIsNoFailure(t *testing.T) {
	t.Parallel()
	why := errors.New("the service stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	s := runner.Settings{Policy: &guard.Policy{}, Timeout: time.Minute}
	if _, err := runner.New(s).Run(ctx, runner.Job{URL: "https://example.com", UpTimeout: time.Minute}); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}

func TestFindInstallAndRender(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	home := filepath.Join(dir, "lib", "node_modules", "lighthouse")
	write(t, filepath.Join(home, "package.json"), `{"name":"lighthouse","version":"12.8.2"}`)
	program := write(t, filepath.Join(home, "cli", "index.js"), "")
	if _, err := runner.FindInstall(home); err == nil || !strings.Contains(err.Error(), "no core/index.js") {
		t.Errorf("without its core: %v", err)
	}
	write(t, filepath.Join(home, "core", "index.js"), "")
	link := filepath.Join(dir, "lighthouse")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{home, link, filepath.Join(dir, "lib")} {
		install, err := runner.FindInstall(place)
		if err != nil || install.Version != "12.8.2" || filepath.Base(install.Dir) != "lighthouse" {
			t.Errorf("%s: %+v, %v", place, install, err)
		}
	}
	if _, err := runner.FindInstall(dir + "/lib/nothing"); err == nil {
		t.Error("a place that is not there was taken")
	}
	install, err := runner.FindInstall(home)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runner.NewRenderer(install); err == nil {
		t.Error("rendered without a template")
	}
	write(t, filepath.Join(home, "report", "assets", "standalone-template.html"), `<script>a = %%LIGHTHOUSE_JSON%%;</script><script>%%LIGHTHOUSE_JAVASCRIPT%%</script>`)
	write(t, filepath.Join(home, "dist", "report", "standalone.js"), `b = "</script>"`)
	renderer, err := runner.NewRenderer(install)
	if err != nil {
		t.Fatal(err)
	}
	got := renderer.Render(json.RawMessage(`{"title":"</script><script>alert(1)//","line":"` + "\u2028" + `"}`))
	if want := `<script>a = {"title":"\u003c/script>\u003cscript>alert(1)//","line":"\u2028"};</script><script>b = "\u003c/script>"</script>`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
