package ui_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// policy is at least as strict as the one a portal sends.
const policy = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; report-uri /violation"

// site serves the gallery and a list page whose filters work, under the policy, and gathers violations of it.
type site struct {
	*httptest.Server
	mu         sync.Mutex
	violations []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(ui.Assets())))
	for name, page := range galleryPages() {
		html := draw(t, page)
		mux.HandleFunc("GET /gallery/"+name, func(w http.ResponseWriter, _ *http.Request) { send(w, html) })
		bare := html
		for _, script := range []string{"early.js", "ui.js"} {
			bare = strings.ReplaceAll(bare, "/assets/"+script, "/none")
		}
		mux.HandleFunc("GET /bare/"+name, func(w http.ResponseWriter, _ *http.Request) { send(w, bare) })
	}
	mux.HandleFunc("GET /list", func(w http.ResponseWriter, r *http.Request) { send(w, draw(t, listPage(r))) })
	mux.HandleFunc("GET /tabs", func(w http.ResponseWriter, _ *http.Request) {
		var tabs []ui.Tab
		for i := range 12 {
			tabs = append(tabs, ui.Tab{Label: fmt.Sprintf("Tab number %d", i), Href: "#", Active: i == 10})
		}
		send(w, draw(t, frame("Tabs", "Catalog", nil, ui.PageHeader{Title: "Tabs", Tabs: tabs})))
	})
	mux.HandleFunc("GET /dialog", func(w http.ResponseWriter, _ *http.Request) {
		send(w, draw(t, ui.Document{Body: ui.Frame{Body: ui.Dialog{ID: "inspect", Title: "Inspect", Open: true, CloseHref: "/gallery/entity"}}}))
	})
	mux.HandleFunc("GET /part", func(w http.ResponseWriter, _ *http.Request) { send(w, `<p id="arrived">Arrived</p>`) })
	mux.HandleFunc("GET /part.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, `export function mount(element, host) { element.firstElementChild.textContent = host.data; }`)
	})
	mux.HandleFunc("POST /violation", func(_ http.ResponseWriter, r *http.Request) {
		report, _ := io.ReadAll(io.LimitReader(r.Body, 4<<10))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.violations = append(s.violations, string(report))
	})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func send(w http.ResponseWriter, html string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, html)
}

// listPage says in its heading what the filters in the address are.
func listPage(r *http.Request) pluginapi.Component {
	query := r.URL.Query()
	facet := ui.Facet{Legend: "Type", Name: "type"}
	for _, value := range []string{"service", "website"} {
		facet.Options = append(facet.Options, ui.FacetOption{Value: value, Count: 1, Selected: slices.Contains(query["type"], value)})
	}
	return frame("List", "Catalog", nil, ui.PageHeader{Title: fmt.Sprintf("types %v, text %q", query["type"], query.Get("q"))}, ui.Content(ui.ListLayout{
		Filters: ui.FilterForm{Keep: []ui.Param{{Name: "sort", Value: "name"}}, Fields: []pluginapi.Component{ui.SearchBox{Value: query.Get("q")}, facet}},
		Body:    ui.Group(ui.Deferred{Src: "/part"}, living(query)),
	}))
}

// living is a part that follows, and, once there is a filter, one that has a module: neither's script is on the page before.
func living(query url.Values) pluginapi.Component {
	if len(query["type"]) == 0 {
		return nil
	}
	return ui.Group(ui.Refresh{Every: time.Hour, Body: ui.Text("live")}, pluginapi.Drawn(`<script type="module" src="/assets/module.js"></script><ui-module data-src="/part.js" data-plugin="x"><p>Body</p><script type="application/json">"mounted"</script></ui-module>`))
}

// browser starts a browser of its own, or skips the test where none is installed.
func browser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Skip("no browser: install chromium (on Debian: apt-get install chromium)")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	))
	t.Cleanup(stop)
	return ctx
}

type session struct {
	*testing.T
	ctx context.Context
}

func (s session) do(steps ...chromedp.Action[chromedp.Void]) {
	s.Helper()
	if err := chromedp.Do(s.ctx, steps...); err != nil {
		s.Fatal(err)
	}
}

// wait returns once the expression is true in the page.
func (s session) wait(expression string) {
	s.Helper()
	if _, err := chromedp.Run(s.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(20*time.Second), chromedp.WithPollingInterval(20*time.Millisecond))); err != nil {
		s.Fatalf("wait for %s: %v; the page is at %s", expression, err, eval[string](s, "location.href"))
	}
}

func eval[T any](s session, expression string) T {
	s.Helper()
	value, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		s.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// TestInBrowser uses the components as a visitor does, under a strict policy.
func TestInBrowser(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	s := session{t, browser(t)}
	click := func(selector string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(selector)) }

	// Each page, as it comes: no complaint on the console.
	messages := chromedp.Console(s.ctx)
	for name := range galleryPages() {
		s.do(chromedp.Navigate(site.URL + "/gallery/" + name))
		s.wait(`customElements.get("ui-filters") !== undefined`)
	}
	eval[any](s, `console.log("end of pages")`)
	for message, err := range messages {
		if err != nil {
			t.Fatal(err)
		}
		if message.Text == "end of pages" {
			break
		}
		t.Errorf("console: %v", message)
	}

	// The theme goes light, dark, system, and is remembered.
	background := `getComputedStyle(document.body).backgroundColor`
	s.do(click("ui-theme button"))
	light := eval[string](s, background)
	s.do(click("ui-theme button"))
	if dark := eval[string](s, background); dark == light {
		t.Errorf("both themes have the background %s", dark)
	}
	s.do(chromedp.Reload())
	if theme := eval[string](s, `document.documentElement.dataset.theme`); theme != "dark" {
		t.Errorf("theme after reload: %q, want dark", theme)
	}
	s.wait(`document.querySelector("ui-theme button").title === "Theme: dark"`)
	s.do(click("ui-theme button"))
	if eval[bool](s, `"theme" in document.documentElement.dataset`) {
		t.Error("the third click does not return to the system's theme")
	}

	// The rail folds, stays so, and its items keep their names.
	s.do(click("ui-rail-fold button"), chromedp.Reload())
	if width := eval[float64](s, `document.getElementById("ui-rail").offsetWidth`); width != 56 {
		t.Errorf("folded rail is %v px wide, want 56", width)
	}
	s.wait(`document.querySelector(".ui-rail-item").title === "Home"`)
	s.do(click("ui-rail-fold button"))

	// A filter becomes the address, without an entry in the history; the focus and the other parameters stay.
	s.do(chromedp.Navigate(site.URL + "/list"))
	s.wait(`document.getElementById("arrived") !== null`)
	entries := eval[int](s, `history.length`)
	eval[any](s, `window.here = true`)
	s.do(click("input[value=website]"))
	s.wait(`location.search === "?sort=name&type=website" && document.querySelector("h1").textContent === 'types [website], text ""'`)
	if active := eval[string](s, `document.activeElement.value`); active != "website" {
		t.Errorf("focus is on %q after a filter was set", active)
	}
	s.wait(`customElements.get("ui-refresh") && document.querySelector("ui-module > p")?.textContent === "mounted"`)
	if !eval[bool](s, `window.here === true`) {
		t.Error("the whole page was loaded, because of parts that are modules")
	}
	s.do(chromedp.SendKeys(chromedp.CSS(".ui-search input"), "pay"))
	s.wait(`location.search === "?sort=name&q=pay&type=website" && document.querySelector("h1").textContent.includes('"pay"')`)
	s.do(chromedp.KeyEvent("ments"))
	s.wait(`location.search.includes("q=payments") && document.querySelector(".ui-search input").value === "payments"`)
	s.do(click("input[value=website]"))
	s.wait(`location.search === "?sort=name&q=payments"`)
	if now := eval[int](s, `history.length`); now != entries {
		t.Errorf("filters made %d entries in the history", now-entries)
	}

	// Keys, menus and dialogs.
	s.do(chromedp.Navigate(site.URL + "/gallery/entity"))
	s.wait(`customElements.get("ui-filters") !== undefined`)
	eval[any](s, `document.activeElement.blur()`)
	s.do(chromedp.KeyEvent("/"))
	s.wait(`document.activeElement.type === "search"`)
	s.do(click("ui-theme + .ui-menu summary"))
	s.wait(`document.querySelector("ui-theme + .ui-menu").open`)
	s.do(chromedp.KeyEvent(kb.Escape))
	s.wait(`!document.querySelector("ui-theme + .ui-menu").open`)
	s.do(click(".ui-page-head .ui-menu summary"), click(".ui-page-head [commandfor=inspect]"))
	s.wait(`document.querySelector("#inspect:modal") !== null && !document.querySelector(".ui-page-head .ui-menu").open`)
	s.do(chromedp.KeyEvent(kb.Escape))
	s.wait(`document.querySelector("dialog[open]") === null`)
	s.do(chromedp.Navigate(site.URL + "/dialog?inspect"))
	s.wait(`document.querySelector("#inspect:modal") !== null && location.search === "?inspect"`)
	s.do(chromedp.KeyEvent(kb.Escape))
	s.do(chromedp.WaitVisible(chromedp.CSS(".ui-columns"))) // the page it leads back to
	s.wait(`customElements.get("ui-filters") !== undefined`)
	s.do(click(".ui-request-id ui-copy button"))
	s.wait(`document.querySelector(".ui-toasts .ui-toast") !== null`)

	// The page's clock says what the server's says.
	for _, past := range []time.Duration{0, 50 * time.Second, 7*time.Minute + 40*time.Second, 5 * time.Hour, 3 * 24 * time.Hour, -90 * time.Minute} {
		want := textOf(parse(t, draw(t, ui.Time(now.Add(-past)))))
		got := eval[string](s, fmt.Sprintf(`(() => {
			const element = document.createElement("ui-time"), time = document.createElement("time");
			time.dateTime = new Date(Date.now() - %d).toISOString();
			element.append(time); document.body.append(element);
			return time.textContent;
		})()`, past.Milliseconds()))
		if got != want {
			t.Errorf("%v: ui.js says %q, the server %q", past, got, want)
		}
	}

	// On a narrow screen the open tab is in sight, however far to the right it is.
	s.do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(site.URL+"/tabs"))
	s.wait(`(() => { const { left, right } = document.querySelector(".ui-tabs [aria-current]").getBoundingClientRect(); return left > 0 && right < innerWidth; })()`)

	// Without scripts, on a narrow screen: the drawer opens, closes on Escape, and nothing that needs a script is in sight.
	s.do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(site.URL+"/bare/catalog"))
	if eval[bool](s, `document.getElementById("ui-rail").checkVisibility()`) {
		t.Error("the drawer is open from the start")
	}
	s.do(click(".ui-topbar-menu"))
	s.wait(`document.getElementById("ui-rail").matches(":popover-open") && document.getElementById("ui-rail").checkVisibility()`)
	s.do(chromedp.KeyEvent(kb.Escape))
	s.wait(`!document.getElementById("ui-rail").checkVisibility()`)
	if eval[bool](s, `[...document.querySelectorAll("ui-theme, ui-copy, ui-rail-fold")].some((e) => e.checkVisibility())`) {
		t.Error("something that needs ui.js is shown without it")
	}
	if eval[bool](s, `document.querySelector(".ui-list-filters form").checkVisibility()`) {
		t.Error("filters are unfolded on a narrow screen from the start")
	}
	s.do(click(".ui-list-fold summary"))
	s.wait(`document.querySelector(".ui-filters-end button").checkVisibility()`)
	for name := range galleryPages() {
		s.do(chromedp.Navigate(site.URL + "/bare/" + name))
		if eval[bool](s, `document.documentElement.scrollWidth > innerWidth`) {
			t.Errorf("%s is wider than a narrow screen", name)
		}
	}

	site.mu.Lock()
	defer site.mu.Unlock()
	for _, violation := range site.violations {
		t.Errorf("policy violated: %s", violation)
	}
}
