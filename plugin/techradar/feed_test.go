package techradar_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// origin is a server with a radar that can change and fail.
type origin struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []*http.Request
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	o := &origin{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.asked = append(o.asked, r)
		answer := o.answer
		o.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *origin) set(answer http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
}

func (o *origin) requests() []*http.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]*http.Request(nil), o.asked...)
}

// serve answers with a document and its ETag.
func serve(document []byte, etag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", etag)
		_, _ = w.Write(document)
	}
}

func refuse(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", status) }
}

// store is a database that outlives a portal.
func store(t *testing.T) string {
	t.Helper()
	return "backend: {database: {client: better-sqlite3, connection: {directory: '" + t.TempDir() + "'}}}\n"
}

const badDocument = `{"quadrants": [{"id": "q", "name": "Q"}], "rings": [{"id": "r", "name": "R"}], "entries": [{"title": "Rust", "quadrant": "x", "timeline": []}]}`

// TestLastGoodCopy follows a radar through good and bad days, and restarts.
func TestLastGoodCopy(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		testLastGoodCopy(t, store(t))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		testLastGoodCopy(t, plugintest.Postgres(t))
	})
}

func testLastGoodCopy(t *testing.T, config string) {
	o := newOrigin(t)
	config += "techRadar: {url: '" + o.URL + "/radar.json', headers: {Authorization: 'Bearer ${TOKEN}'}}"
	start := func() *plugintest.Portal {
		return plugintest.StartWith(t, plugintest.Options{Config: config, Environ: []string{"TOKEN=s3cret"}}, techradar.Plugin())
	}
	stop := func(p *plugintest.Portal) {
		t.Helper()
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if strings.Contains(p.Log(), "s3cret") {
			t.Error("the log shows the token")
		}
	}

	// Nothing was ever good: the page says why, and shows nothing invented.
	o.set(refuse(http.StatusUnauthorized))
	p := start()
	p.Get("/tech-radar").Want(200).HasText(".ui-notice", "The radar cannot be shown").HasText(".ui-notice li", "401 Unauthorized").HasText(".ui-notice li", "does the document need a header with a token").HasNot("tr").HasNot("ui-module")
	p.Get("/api/tech-radar/data").Want(502).HasText("body", "401")
	stop(p)

	o.set(serve(sample(t, 12), `"one"`))
	p = start()
	waitFor(t, p, ".tr-twin")
	if rows := p.Get("/tech-radar").Want(200).HasNot(".ui-notice").Find(".tr-twin tbody tr"); len(rows) != 12 {
		t.Errorf("%d rows", len(rows))
	}
	if got := p.Get("/api/tech-radar/data").Want(200).Body; string(got) != string(sample(t, 12)) {
		t.Errorf("the document came as %.200s", got)
	}
	if got := o.requests()[0].Header.Get("Authorization"); got != "Bearer s3cret" {
		t.Errorf("asked with authorization %q", got)
	}
	stop(p)

	// Unchanged: asked for with what was known of it.
	asked := len(o.requests())
	p = start()
	p.Eventually("it is asked for again", func() bool {
		p.Get("/tech-radar").Want(200).HasNot(".ui-notice").Has(".tr-twin")
		return len(o.requests()) > asked
	})
	if all := o.requests(); all[len(all)-1].Header.Get("If-None-Match") != `"one"` {
		t.Error("asked for the whole document although the copy has an ETag")
	}
	stop(p)

	for name, day := range map[string]struct {
		answer http.HandlerFunc
		says   []string
	}{
		"gone":      {refuse(http.StatusNotFound), []string{"404 Not Found"}},
		"broken":    {refuse(http.StatusInternalServerError), []string{"500 Internal Server Error"}},
		"bad data":  {serve([]byte(badDocument), `"bad"`), []string{`entries[0] (Rust).quadrant: there is no quadrant "x"; there are q`, "entries[0] (Rust).timeline: is empty"}},
		"a page":    {serve([]byte("<html>"), `"page"`), []string{"the document is a web page, not JSON"}},
		"too large": {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, "%3000000d", 1) }, []string{"it has more than 2 MiB"}},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}, []string{"cannot be reached"}},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.invalid/radar.json", http.StatusFound)
		}, []string{"redirects to http://elsewhere.invalid; configure the address there"}},
		"in rounds": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path+"x", http.StatusFound) }, []string{"redirects more than 5 times"}},
	} {
		o.set(day.answer)
		p := start()
		waitForText(t, p, ".ui-notice li", day.says[0])
		page := p.Get("/tech-radar").Want(200).HasText(".ui-notice", "This is an older copy of the radar").Has(".ui-notice time")
		for _, text := range day.says {
			page.HasText(".ui-notice li", text)
		}
		if rows := page.Find(".tr-twin tbody tr"); len(rows) != 12 {
			t.Errorf("%s: %d rows of the last good copy", name, len(rows))
		}
		stop(p)
	}

	// Well again.
	o.set(serve(sample(t, 13), `"two"`))
	p = start()
	waitFor(t, p, ".tr-twin tbody tr:nth-child(13)")
	p.Get("/tech-radar").HasNot(".ui-notice")
	stop(p)
}

// waitFor asks for the page until something is on it: the task that reads radars runs right after the start.
func waitFor(t *testing.T, p *plugintest.Portal, selector string) {
	t.Helper()
	waitForText(t, p, selector, "")
}

func waitForText(t *testing.T, p *plugintest.Portal, selector, text string) {
	t.Helper()
	p.Eventually(fmt.Sprintf("%q is in %s", text, selector), func() bool {
		return slices.ContainsFunc(p.Get("/tech-radar").Want(200).Find(selector), func(e plugintest.Element) bool { return strings.Contains(e.Text(), text) })
	})
}

// TestAnotherSource shows that the copy of one address does not stand for another one.
func TestAnotherSource(t *testing.T) {
	t.Parallel()
	o, config := newOrigin(t), store(t)
	o.set(serve(sample(t, 3), `"x"`))
	p := plugintest.StartWith(t, plugintest.Options{Config: config + "techRadar: {url: '" + o.URL + "/a.json'}"}, techradar.Plugin())
	p.Get("/tech-radar").Want(200).Has(".tr-twin")
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	o.set(refuse(http.StatusNotFound))
	p = plugintest.StartWith(t, plugintest.Options{Config: config + "techRadar: {url: '" + o.URL + "/b.json'}"}, techradar.Plugin())
	p.Get("/tech-radar").Want(200).HasNot(".tr-twin").HasText(".ui-notice", "404")
}

// TestFile edits a file while the portal runs.
func TestFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "radar.json")
	write := func(document []byte) {
		t.Helper()
		if err := os.WriteFile(file, document, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := plugintest.StartWith(t, plugintest.Options{Config: "techRadar: {file: '" + file + "'}"}, techradar.Plugin())
	p.Get("/tech-radar").Want(200).HasText(".ui-notice li", "there is no file "+file)
	write(sample(t, 3))
	p.Get("/tech-radar").Want(200).Has(".tr-twin tbody tr:nth-child(3)").HasNot(".ui-notice")
	write([]byte(badDocument))
	p.Get("/tech-radar").Want(200).Has(".tr-twin tbody tr:nth-child(3)").HasText(".ui-notice li", "entries[0] (Rust).timeline: is empty")
	if body := p.Get("/.backstage/health/v1/readiness").Want(200).Body; len(body) == 0 {
		t.Error("a radar that cannot be renewed makes the portal unready")
	}
	write(sample(t, 4))
	p.Get("/tech-radar").Want(200).Has(".tr-twin tbody tr:nth-child(4)").HasNot(".ui-notice")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	good := sample(t, 1)
	for name, test := range map[string]struct {
		config string
		radars []techradar.Radar
		want   []string
	}{
		"configuration": {config: "techRadar: {radars: [{id: A b, file: x}, {id: a}, {id: b, url: 'http://x', file: y}, {id: c, file: x, headers: {A: b}}]}", want: []string{
			`.id: "A b" has to be of lower-case letters, digits and dashes`, "radar a has neither url nor file", "url and file are both set", "headers are for a url",
		}},
		"twice":        {config: "techRadar: {file: x, radars: [{id: default, file: y}, {id: a, file: z}, {id: a, file: z}]}", want: []string{`two radars have the id "default"`, `two radars have the id "a"`}},
		"url":          {config: "techRadar: {url: radar.json}", want: []string{`techRadar.url: "radar.json" is not an address such as https://example.com/radar.json`}},
		"unknown key":  {config: "techRadar: {urls: x}", want: []string{"did you mean"}},
		"embedded":     {radars: []techradar.Radar{{JSON: []byte(badDocument)}, {ID: "other", JSON: []byte("{}")}}, want: []string{"embedded radar default cannot be used", "entries[0] (Rust).timeline: is empty", "embedded radar other", "rings: is missing"}},
		"embedded ids": {radars: []techradar.Radar{{JSON: good}, {JSON: good}, {ID: "A", JSON: good}}, want: []string{`embedded radar "default"`, `embedded radar "A"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := strings.Join(plugintest.Faults(t, plugintest.Options{Config: test.config}, techradar.Plugin(techradar.Options{Radars: test.radars})), "\n")
			for _, want := range test.want {
				if !strings.Contains(faults, want) {
					t.Errorf("nothing says %q in:\n%s", want, faults)
				}
			}
		})
	}
}

// catalogPlugin stands for the catalog: the page that entries lead to.
func catalogPlugin() pluginapi.Plugin {
	_, name, _ := strings.Cut(string(catalogapi.ListPage), "/")
	return pluginapi.Plugin{ID: "catalog", Extensions: []pluginapi.Extension{
		pluginapi.Pages.From(name, pluginapi.Page{Path: "/catalog", Title: "Catalog"}, func(*http.Request) (pluginapi.View, error) { return pluginapi.View{}, nil }),
	}}
}

func TestPage(t *testing.T) {
	t.Parallel()
	document := []byte(`{"title": "Ours", "quadrants": [{"id": "q", "name": "<Q>"}, {"id": "p", "name": "P"}, {"id": "o", "name": "O"}], "rings": [{"id": "in", "name": "In", "color": "red"}, {"id": "out", "name": "Out", "color": "javascript:x", "description": "Leave it"}], "entries": [
		{"id": "go", "title": "Go", "quadrant": "p", "description": "Good for **servers** <script>alert(1)</script>", "url": "javascript:alert(1)", "links": [{"url": "https://go.dev", "title": "Home"}],
		 "timeline": [{"date": "2020-01-01", "ringId": "out"}, {"date": "2022-02-02", "ringId": "in", "moved": 1, "description": "Proven"}]},
		{"id": "cobol", "title": "COBOL", "quadrant": "q", "timeline": [{"date": "2021-01-01", "ringId": "out", "moved": -1, "description": "Runs the bank"}]}]}`)
	p := plugintest.StartWith(t, plugintest.Options{Config: "app: {extensions: [{page:tech-radar: {config: {path: /radar, title: Radar, subtitle: What we use, pageTitle: Our radar, width: 1500, height: 800}}}]}"},
		techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: document}}}), catalogPlugin())
	page := p.Get("/radar").Want(200).HasText("h1", "Our radar").HasText(".ui-subtitle", "What we use").HasText("nav a", "Radar")
	var rows [][]string
	for i := range page.Find(".tr-twin tbody tr") {
		var cells []string
		for _, selector := range []string{"td:nth-child(1)", "td:nth-child(2) a", "td:nth-child(3)", "td:nth-child(4)", "td:nth-child(5)", "td:nth-child(6)"} {
			cells = append(cells, page.Find(fmt.Sprintf(".tr-twin tbody tr:nth-child(%d) %s", i+1, selector))[0].Text())
		}
		rows = append(rows, cells)
	}
	want := [][]string{{"1", "COBOL", "<Q>", "Out", "moved down", "1 Jan 2021"}, {"2", "Go", "P", "In", "moved up", "2 Feb 2022"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows -want +got:\n%s", diff)
	}
	page.HasText(".tr-meaning dd", "Leave it").HasNot(`[fill^="javascript"]`).HasNot(".tr-single").Has(`#entry-2 a[href="/radar?entry=go"]`)

	p.Get("/radar?q=bank+RUNS").Has("#entry-1:not([hidden])").Has("#entry-2[hidden]").HasText(".tr-count", "1 of 2 entries")
	p.Get("/radar?ring=in&ring=nonsense").Has("#entry-1[hidden]").Has("#entry-2:not([hidden])").Has(`input[value=in][checked]`)
	p.Get("/radar?quadrant=p").Has("#entry-1[hidden]").Has("#entry-2:not([hidden])").Has(`option[value=p][selected]`)
	p.Get("/radar?entry=go").HasText(".tr-single h2", "Go").HasText(".tr-single", "P · In · moved up").HasText(".tr-about strong", "servers").HasNot(".tr-about script").HasNot(`a[href^="javascript:"]`).
		Has(`.tr-links a[href="https://go.dev"]`).Has(`.tr-links a[href="/catalog?kind=all&tag=go"]`).HasText(".tr-timeline li:first-child", "Proven").HasText(".tr-timeline li:last-child", "Out")
	p.Get("/radar?radar=absent").Want(404)

	// Without the catalog there is nothing to lead to.
	alone := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: document}}}))
	alone.Get("/tech-radar?entry=go").Want(200).Has(".tr-single").HasNot(`a[href*="tag="]`)

	plugintest.Start(t, techradar.Plugin()).Get("/tech-radar").Want(200).HasText(".ui-empty-title", "There is no radar yet").HasText("code", "techRadar:")
}

// TestSeveral shows radars of the app and of the configuration side by side.
func TestSeveral(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(file, sample(t, 7), 0o600); err != nil {
		t.Fatal(err)
	}
	p := plugintest.StartWith(t, plugintest.Options{Config: "techRadar: {radars: [{id: data, title: Data, file: '" + file + "'}, {id: web, file: /does/not/exist}]}"},
		techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 3)}}}))
	page := p.Get("/tech-radar").Want(200).HasText(".ui-tabs a[aria-current]", "Technology at Example").Has(`.ui-tabs a[href="/tech-radar?radar=data"]`)
	if n := len(page.Find(".ui-tabs a")); n != 3 {
		t.Errorf("%d tabs", n)
	}
	page = p.Get("/tech-radar?radar=data").Want(200).HasText(".ui-tabs a[aria-current]", "Data").Has(`input[name=radar][value=data]`)
	if n := len(page.Find(".tr-twin tbody tr")); n != 7 {
		t.Errorf("%d rows", n)
	}
	p.Get("/tech-radar?radar=web").Want(200).HasText(".ui-notice", "The radar cannot be shown")
	p.Get("/api/tech-radar/data?radar=data").Want(200)
	p.Get("/api/tech-radar/data?radar=none").Want(404)
}
