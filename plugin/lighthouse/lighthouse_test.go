package lighthouse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditservice"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/guard"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/runner"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/store"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// auditor is a fake Lighthouse: each audit of a page is ten points better than the one before; pages with "bad" in their address fail, those with "slow" wait.
type auditor struct {
	mu    sync.Mutex
	runs  map[string]int
	hold  chan struct{}
	asked []runner.Job
}

func (a *auditor) Run(ctx context.Context, job runner.Job) (runner.Outcome, error) {
	a.mu.Lock()
	a.asked = append(a.asked, job)
	if a.runs == nil {
		a.runs = map[string]int{}
	}
	n := a.runs[job.URL]
	a.runs[job.URL]++
	a.mu.Unlock()
	if strings.Contains(job.URL, "slow") {
		select {
		case <-a.hold:
		case <-ctx.Done():
			return runner.Outcome{}, context.Cause(ctx)
		}
	}
	if strings.Contains(job.URL, "bad") {
		return runner.Outcome{}, &runner.FailedError{Reason: "the page did not answer within 30s: connection refused"}
	}
	score := min(1, 0.4+float64(n)*0.1)
	categories := map[string]auditapi.Category{}
	for _, id := range []string{"performance", "accessibility", "best-practices", "seo"} {
		categories[id] = auditapi.Category{ID: id, Title: id, Score: &score}
	}
	report, err := json.Marshal(map[string]any{
		"lighthouseVersion": "12.8.2", "categories": categories,
		"audits": map[string]any{
			"largest-contentful-paint": map[string]any{"title": "Largest Contentful Paint", "score": score, "displayValue": fmt.Sprintf("%.1f s", 4-score), "numericValue": 1000 * (4 - score), "numericUnit": "millisecond"},
			"document-title":           map[string]any{"title": "Document has a title", "score": min(n, 1), "scoreDisplayMode": "binary"},
			"viewport":                 map[string]any{"title": "Has a viewport", "score": 1, "scoreDisplayMode": "binary"},
		},
	})
	return runner.Outcome{Report: report, Categories: categories}, err
}

type renderer struct{}

func (renderer) Render(json.RawMessage) string {
	return "<!doctype html><title>Report</title><script>try { parent.document.title = 'taken over'; parent.postMessage('it could', '*') } catch (e) { parent.postMessage(e.name, '*') }</script>"
}

// startService runs an audit service around a fake Lighthouse and returns its address.
func startService(t *testing.T, a *auditor, change func(*auditservice.Settings)) string {
	t.Helper()
	d := databasetest.New(t, databasetest.SQLiteMemory)
	if err := errors.Join(d.Prepare(t.Context(), "audits"), d.Migrate(t.Context(), "audits", store.Migrations())); err != nil {
		t.Fatal(err)
	}
	db, err := d.For("audits")
	if err != nil {
		t.Fatal(err)
	}
	signals, err := d.Signals("audits")
	if err != nil {
		t.Fatal(err)
	}
	settings := auditservice.Settings{
		Store: store.New(db, 0), Signals: signals, Auditor: a, Renderer: renderer{}, Ping: func(ctx context.Context) error { return d.Ping(ctx, "audits") },
		Policy:      &guard.Policy{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }}},
		Concurrency: 2, Timeout: 20 * time.Second, Alone: database.DialectOf(db) == database.SQLite, Token: "s3cret",
	}
	if change != nil {
		change(&settings)
	}
	service := auditservice.New(settings)
	server := httptest.NewServer(service.Handler())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the service: %v", err)
		}
		server.Close()
	})
	return server.URL
}

const entities = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shop, annotations: {lighthouse.com/website-url: 'https://shop.example/'}}
spec: {type: website, lifecycle: production, owner: team-a}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: broken, annotations: {lighthouse.com/website-url: 'https://bad.example'}}
spec: {type: website, lifecycle: production, owner: team-a}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: inside, annotations: {lighthouse.com/website-url: 'http://10.0.0.1/'}}
spec: {type: website, lifecycle: production, owner: team-a}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: bare}
spec: {type: website, lifecycle: production, owner: team-a}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: backend}
spec: {type: service, lifecycle: production, owner: team-a}
`

// startPortal runs a portal with a catalog of some websites. config is more YAML.
func startPortal(t *testing.T, config string) *plugintest.Portal {
	t.Helper()
	return startFor(t, config, nil)
}

// startFor is startPortal with an authorizer; nil is the portal's own.
func startFor(t *testing.T, config string, authorizer pluginapi.Authorizer) *plugintest.Portal {
	t.Helper()
	file := filepath.Join(t.TempDir(), "entities.yaml")
	if err := os.WriteFile(file, []byte(entities), 0o600); err != nil {
		t.Fatal(err)
	}
	options := plugintest.Options{Config: "catalog:\n  locations:\n    - {type: file, target: " + file + "}\n" + config, Authorizer: authorizer}
	portal := plugintest.StartWith(t, options, catalog.Plugin(), lighthouse.Plugin())
	portal.Eventually("the catalog has its entities", func() bool {
		var answer struct {
			TotalItems int `json:"totalItems"`
		}
		portal.Get("/api/catalog/entities/by-query?filter=kind=component").JSON(&answer)
		return answer.TotalItems == 5
	})
	return portal
}

func configured(base string) string {
	return "lighthouse: {baseUrl: '" + base + "', token: s3cret, schedule: {frequency: 0}}\n"
}

// submit sends the form as a browser does, and returns where it leads.
func submit(t *testing.T, portal *plugintest.Portal, form url.Values) string {
	t.Helper()
	answer := portal.Do("POST", "/api/lighthouse/audits", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, strings.NewReader(form.Encode())).Want(http.StatusSeeOther)
	return answer.Header.Get("Location")
}

// audited submits the form of a page and waits for the end of the audit, whose page it returns.
func audited(t *testing.T, portal *plugintest.Portal, address, device string) string {
	t.Helper()
	page := submit(t, portal, url.Values{"url": {address}, "device": {device}})
	if !strings.HasPrefix(page, "/lighthouse/audits/") {
		t.Fatalf("the form leads to %s", page)
	}
	portal.Eventually("the audit has ended", func() bool { return len(portal.Get(page).Want(200).Find("ui-refresh")) == 0 })
	return page
}

func TestAuditsNeedTheirPermission(t *testing.T) {
	t.Parallel()
	service := startService(t, &auditor{}, nil)
	page := audited(t, startPortal(t, configured(service)), "https://shop.example", "mobile")
	portal := startFor(t, configured(service), plugintest.Policy{"lighthouse.audit.create": {}})
	tab := "/catalog/default/component/shop/lighthouse"
	for _, path := range []string{"/lighthouse", page, tab, "/catalog/default/component/shop", "/catalog/default/component/broken"} {
		portal.Get(path).Want(200).HasNot(`form[action="/api/lighthouse/audits"]`).HasNot(`a[href^="/lighthouse/new"]`)
	}
	portal.Get(page).HasText("h1", "shop.example")
	portal.Get("/lighthouse/new").Want(403)
	portal.Do("POST", "/api/lighthouse/audits", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, strings.NewReader("url=https://shop.example/&device=mobile")).Want(403)
}

func TestFromButtonToScore(t *testing.T) {
	t.Parallel()
	portal := startPortal(t, configured(startService(t, &auditor{}, nil)))
	portal.Get("/lighthouse").Want(200).HasText(".ui-empty-title", "No website was audited yet").HasText("nav a[href='/lighthouse']", "Lighthouse")
	portal.Get("/catalog/default/component/shop").Want(200).HasText("section[aria-label=Lighthouse]", "Not audited yet")

	form := portal.Get("/lighthouse/new?url=https://shop.example/&device=desktop").Want(200).Has("input[name=url][value='https://shop.example/']").Has("input[value=desktop][checked]")
	if action := form.Find("form[action='/api/lighthouse/audits'][method=post]"); len(action) != 1 {
		t.Error("the form does not lead to the route")
	}
	first := audited(t, portal, "https://shop.example/", "mobile")
	page := portal.Get(first).HasText("h1", "shop.example").HasText(".ui-kicker", "Mobile").HasText("dl.ui-facts", "Performance 40").HasText("dd", "guest").HasText("a", "shop")
	frame := page.Find("iframe.lighthouse-report")
	if len(frame) != 1 || strings.Contains(frame[0].Attr("sandbox"), "allow-same-origin") || !strings.Contains(frame[0].Attr("sandbox"), "allow-scripts") {
		t.Fatalf("the report's frame: %d", len(frame))
	}
	report := portal.Get(frame[0].Attr("src")).Want(200).HasText("title", "Report")
	policy := report.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "sandbox ") || strings.Contains(policy, "allow-same-origin") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'self'") {
		t.Errorf("the report's policy: %s", policy)
	}
	if len(report.Header.Values("Content-Security-Policy")) != 1 {
		t.Error("two policies are sent")
	}

	second := audited(t, portal, "https://SHOP.example", "mobile")
	portal.Get(second).HasText("dl.ui-facts", "Performance 50").HasText(".ui-actions a", "Compare").HasText(".ui-badge", "shown")
	list := portal.Get("/lighthouse").Want(200).HasText("tbody a", "shop.example").Has("svg.ui-spark[aria-label*='Performance: 50, between 40 and 50 over 2 values']").HasText("td a", "shop")
	if rows := list.Find("tbody tr"); len(rows) != 1 {
		t.Errorf("%d websites are listed", len(rows))
	}
	portal.Get("/catalog/default/component/shop").HasText("section[aria-label=Lighthouse] dd", "50")
	tab := portal.Get("/catalog/default/component/shop/lighthouse").Want(200).HasText("td", "50").HasText("td", "40").HasText("td", "Mobile")
	if rows := tab.Find("tbody tr"); len(rows) != 2 {
		t.Errorf("%d audits on the tab", len(rows))
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	portal := startPortal(t, configured(startService(t, &auditor{}, nil)))
	before := strings.TrimPrefix(audited(t, portal, "https://shop.example", "mobile"), "/lighthouse/audits/")
	after := strings.TrimPrefix(audited(t, portal, "https://shop.example", "mobile"), "/lighthouse/audits/")
	page := portal.Get("/lighthouse/compare?before=" + before + "&after=" + after).Want(200)
	page.HasText("section[aria-label=Scores] td", "+10").HasText("section[aria-label=Metrics] td", "-100 ms").HasText("section[aria-label='Checks that changed'] td", "Document has a title").HasText("td", "Passed")
	for _, cell := range page.Find("section[aria-label='Checks that changed'] td") {
		if cell.Text() == "Has a viewport" {
			t.Error("a check that did not change is listed")
		}
	}
	if options := page.Find("select[name=before] option"); len(options) != 2 {
		t.Errorf("%d audits to choose from", len(options))
	}
	desktop := strings.TrimPrefix(audited(t, portal, "https://other.example", "desktop"), "/lighthouse/audits/")
	portal.Get("/lighthouse/compare?before="+before+"&after="+desktop).Want(200).HasText(".ui-panel-title", "different websites").HasText(".ui-panel-title", "different devices")
	failed := strings.TrimPrefix(audited(t, portal, "https://bad.example", "mobile"), "/lighthouse/audits/")
	portal.Get("/lighthouse/compare?before="+before+"&after="+failed).Want(200).HasText(".ui-error-panel", "has no report")
	portal.Get("/lighthouse/compare").Want(200).HasText(".ui-empty-title", "Nothing to compare")
	portal.Get("/lighthouse/compare?before=x&after=y").Want(200).HasText(".ui-error-panel", "no such audit")
}

func TestAuditsThatRunOrFailed(t *testing.T) {
	t.Parallel()
	fake := &auditor{hold: make(chan struct{})}
	portal := startPortal(t, configured(startService(t, fake, func(s *auditservice.Settings) { s.Concurrency = 1 })))
	running := submit(t, portal, url.Values{"url": {"https://slow.example"}})
	waiting := submit(t, portal, url.Values{"url": {"https://slow2.example"}})
	portal.Eventually("the first runs", func() bool { fake.mu.Lock(); defer fake.mu.Unlock(); return len(fake.asked) == 1 })
	portal.Get(running).Want(200).HasText("ui-refresh h2", "The audit is running").Has("script[type=module][src*='refresh.js']").HasNot("iframe")
	portal.Get(waiting).Want(200).HasText("ui-refresh h2", "waits for its turn")
	portal.Get("/lighthouse").Has("ui-refresh tbody tr").HasText(".ui-running", "Running").HasText(".ui-pending", "Waiting")
	close(fake.hold)
	failed := audited(t, portal, "https://bad.example", "mobile")
	portal.Get(failed).HasText(".ui-error-panel", "The page did not answer within 30s: connection refused.").HasText("header button", "Run again").HasNot("iframe")
	portal.Get("/catalog/default/component/broken").HasText("section[aria-label=Lighthouse]", "Failed")
	portal.Get("/lighthouse/audits/none").Want(404).HasText("p", "There is no audit none")
}

func TestWhatIsWrongWithTheForm(t *testing.T) {
	t.Parallel()
	portal := startPortal(t, configured(startService(t, &auditor{}, nil)))
	for address, want := range map[string]string{
		"shop.example":              "This is no web address",
		"":                          "This is no web address",
		"javascript:alert(1)":       "This is no web address",
		"http://10.0.0.1/":          "10.0.0.1 may not be audited",
		"http://u:p@shop.example/x": "it holds a password",
	} {
		back := submit(t, portal, url.Values{"url": {address}, "device": {"desktop"}})
		page := portal.Get(back).Want(200).HasText(".ui-field-error", want).Has("input[aria-invalid=true]").Has("input[value=desktop][checked]")
		if value := page.Find("input[name=url]")[0].Attr("value"); value != address {
			t.Errorf("%q became %q", address, value)
		}
	}
	portal.Get("/lighthouse/new?problem=service&note=<script>").Want(200).HasText(".ui-field-error", "did not take it")
	portal.Do("POST", "/api/lighthouse/audits", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"cross-site"}}, strings.NewReader("url=https://shop.example")).Want(http.StatusForbidden)
}

func TestEntitiesWithoutTheAnnotation(t *testing.T) {
	t.Parallel()
	portal := startPortal(t, configured(startService(t, &auditor{}, nil)))
	portal.Get("/catalog/default/component/bare").Want(200).HasText("section[aria-label=Lighthouse]", "Annotation missing").HasText("code", "lighthouse.com/website-url").HasNot("nav.ui-tabs a[href$='/lighthouse']")
	portal.Get("/catalog/default/component/backend").Want(200).HasNot("section[aria-label=Lighthouse]")
	widened := startPortal(t, "app: {extensions: [{'entity-tab:lighthouse/audits': {config: {filter: 'kind:component'}}}]}\n"+configured("http://127.0.0.1:1"))
	widened.Get("/catalog/default/component/backend/lighthouse").Want(200).HasText(".ui-empty-title", "Annotation missing")
}

// TestStates goes through what an audit service can do wrong; each has words for people on every page, and none takes the page down.
func TestStates(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	answering := func(status int, contentType, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	for name, test := range map[string]struct{ config, want string }{
		"not configured": {"", "No audit service is configured"},
		"gone":           {configured(gone.URL), "cannot be reached"},
		"wrong token":    {strings.Replace(configured(startService(t, &auditor{}, nil)), "s3cret", "wrong", 1), "does not accept the portal's token"},
		"broken":         {configured(answering(500, "text/plain", "oops")), "The audit service failed"},
		"busy":           {configured(answering(503, "text/plain", "later")), "busy"},
		"bad json":       {configured(answering(200, "application/json", `{"items"`)), "no audit service"},
		"another server": {configured(answering(404, "text/html", "<h1>nginx</h1>")), "no audit service"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			portal := startPortal(t, test.config)
			for _, page := range []string{"/catalog/default/component/shop", "/catalog/default/component/shop/lighthouse"} {
				portal.Get(page).Want(200).HasText("main", test.want)
			}
			if name == "another server" {
				return // it has no lists and no audits either, which is what its status says
			}
			for _, page := range []string{"/lighthouse", "/lighthouse/audits/x", "/lighthouse/compare?before=x&after=y"} {
				portal.Get(page).Want(200).HasText("main", test.want)
			}
			back := submit(t, portal, url.Values{"url": {"https://shop.example"}})
			portal.Get(back).Want(200).HasText("main", test.want)
		})
	}
}

// TestReportOfAServiceInTrouble: a route answers with an error, not with half a page.
func TestReportOfAServiceInTrouble(t *testing.T) {
	t.Parallel()
	portal := startPortal(t, configured(startService(t, &auditor{}, nil)))
	failed := audited(t, portal, "https://bad.example", "mobile")
	answer := portal.Get("/api" + strings.Replace(failed, "/lighthouse/", "/lighthouse/", 1) + "/report").Want(404)
	if strings.HasPrefix(answer.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Error("the error page is in a sandbox")
	}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	fake := &auditor{}
	config := "lighthouse: {baseUrl: '" + startService(t, fake, nil) + "', token: s3cret, schedule: {frequency: {days: 1}, initialDelay: 0, spread: 0, timeout: {minutes: 10}, scope: global}}\n" +
		"app: {extensions: [{'task:lighthouse/schedule': {config: {every: 50ms}}}]}\n"
	portal := startPortal(t, config)
	portal.Eventually("the annotated websites are audited", func() bool {
		fake.mu.Lock()
		defer fake.mu.Unlock()
		return fake.runs["https://shop.example"] == 1 && fake.runs["https://bad.example"] == 1
	})
	portal.Eventually("the refusal is shown", func() bool {
		return len(portal.Get("/catalog/default/component/inside/lighthouse").Want(200).Find(".ui-notice")) == 1
	})
	portal.Get("/catalog/default/component/inside/lighthouse").HasText(".ui-notice", "10.0.0.1 may not be audited")
	portal.Eventually("the tab shows it", func() bool {
		return len(portal.Get("/catalog/default/component/shop/lighthouse").Find("tbody td")) > 0
	})
	portal.Get("/catalog/default/component/shop/lighthouse").HasText("td", "the schedule")
	fake.mu.Lock()
	defer fake.mu.Unlock()
	if len(fake.asked) != 2 {
		t.Errorf("%d audits ran, of 2 websites", len(fake.asked))
	}
}

// TestConfigurationFaults are told before the portal starts.
func TestConfigurationFaults(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		"lighthouse: {baseUrl: localhost}":              "baseUrl",
		"lighthouse: {schedule: {frequency: -1}}":       "frequency",
		"lighthouse: {schedule: {budget: -1}}":          "budget",
		"lighthouse: {schedule: {frequency: sometime}}": "frequency",
		"lighthouse: {url: x}":                          "unknown key",
	} {
		faults := strings.Join(plugintest.Faults(t, plugintest.Options{Config: config}, catalog.Plugin(), lighthouse.Plugin()), "\n")
		if !strings.Contains(faults, want) {
			t.Errorf("%s: %q", config, faults)
		}
	}
	if faults := plugintest.Faults(t, plugintest.Options{}, lighthouse.Plugin()); !strings.Contains(strings.Join(faults, "\n"), "catalog.Plugin()") {
		t.Errorf("without the catalog: %q", faults)
	}
}

func TestCheck(t *testing.T) {
	plugintest.Check(t, plugintest.Options{}, lighthouse.Plugin(), catalog.Plugin())
}
