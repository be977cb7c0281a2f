package core_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// tellAll writes what the host of browser-side pages offers into the page.
const tellAll = `
import { word } from "./neighbour.js";
export async function mount(element, host) {
	const result = {
		data: host.data, word, twin: element.querySelector("p").textContent, theme: host.theme,
		own: host.url("hello"), top: host.url("/api/other/x"), page: host.url(host.data.link),
		answer: await (await host.fetch("hello")).json(),
		greeting: (await host.config()).browser.greeting,
	};
	for (const address of ["https://elsewhere.example/x", "//elsewhere.example/x", "javascript:alert(1)"]) {
		try { host.url(address); result.accepted = address; } catch { /* right */ }
	}
	try { await host.fetch("missing"); } catch ({ name, message, status }) { result.error = { name, message, status }; }
	host.addEventListener("theme", () => { element.dataset.theme = host.theme; });
	element.querySelector("p").textContent = "drawn";
	element.dataset.result = JSON.stringify(result);
	host.toast("mounted", "success");
	return () => { document.body.dataset.unmounted = "yes"; };
}`

// hostile is text that would end the script element, or a line of a script, if it were not escaped.
const hostile = "</script><!--<script> \u2028 \" & '"

func browserPlugin() pluginapi.Plugin {
	type config struct {
		Greeting string `yaml:"greeting" visibility:"frontend"`
		Secret   string `yaml:"secret"`
	}
	page := func(script string) pluginapi.PageFunc {
		return func(r *http.Request) (pluginapi.View, error) {
			data := map[string]string{"text": hostile, "link": pluginapi.RouteRef("page:browser/page").URL(r.Context())}
			return pluginapi.View{Body: ui.Module{Plugin: "browser", Script: script, Data: data, Body: pluginapi.Drawn("<p>twin</p>")}}, nil
		}
	}
	return pluginapi.Plugin{
		ID:     "browser",
		Config: pluginapi.ConfigOf(config{Greeting: "Hello"}),
		Assets: fstest.MapFS{
			"tell.js":      {Data: []byte(tellAll)},
			"neighbour.js": {Data: []byte(`export const word = "beside";`)},
			"broken.js":    {Data: []byte(`export function mount() { throw new Error("out of order"); }`)},
		},
		Extensions: []pluginapi.Extension{
			pluginapi.Pages.From("page", pluginapi.Page{Path: "/browser", Title: "Browser"}, page("tell.js")),
			pluginapi.Pages.From("broken", pluginapi.Page{Path: "/broken", Title: "Broken"}, page("broken.js")),
			pluginapi.Pages.From("absent", pluginapi.Page{Path: "/absent", Title: "Absent"}, page("absent.js")),
			pluginapi.Pages.From("plain", pluginapi.Page{Path: "/plain", Title: "Plain"}, func(*http.Request) (pluginapi.View, error) { return pluginapi.View{}, nil }),
			pluginapi.Routes.From("hello", pluginapi.Route{Pattern: "GET /hello"}, func(w http.ResponseWriter, r *http.Request) error {
				w.Header().Set("Content-Type", "application/json")
				return json.NewEncoder(w).Encode(map[string]string{"for": pluginapi.PrincipalFrom(r.Context()).Ref, "accept": r.Header.Get("Accept")})
			}),
			pluginapi.Routes.From("missing", pluginapi.Route{Pattern: "GET /missing"}, func(http.ResponseWriter, *http.Request) error {
				return pluginapi.NotFound("there is no such thing")
			}),
		},
	}
}

// TestAPageWithAModule looks at what is sent: the data cannot break out, nothing else changes, and other pages load nothing.
func TestAPageWithAModule(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, browserPlugin())
	r := p.Get("/browser").Want(200).HasText("ui-module > p", "twin").Has(`link[rel=modulepreload][href$="/browser/tell.js"]`).Has(`script[type=module][src$="/ui/module.js"]`)
	data := r.Find("ui-module > script[type='application/json']")
	if len(data) != 1 {
		t.Fatalf("%d data blocks", len(data))
	}
	var sent map[string]string
	if text := data[0].Text(); json.Unmarshal([]byte(text), &sent) != nil || sent["text"] != hostile {
		t.Errorf("the data came as %s", text)
	}
	p.Get("/plain").Want(200).HasNot("ui-module").HasNot(`script[src$="/module.js"]`)
	p.Get("/absent").Want(500)
	if log := p.Log(); !strings.Contains(log, `page:browser/absent: draw module: there is no file \"absent.js\" among the assets of plugin browser`) {
		t.Errorf("the log does not say what is missing:\n%s", log)
	}
}

// TestAModuleInTheBrowser runs a module under the portal's own policy, in a portal that is mounted below a path.
func TestAModuleInTheBrowser(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	p := plugintest.StartWith(t, plugintest.Options{Config: "app: {baseUrl: 'http://localhost/portal'}\nbrowser: {secret: hidden}"}, browserPlugin())
	b.Open(p.URL + "/portal/browser")
	b.Wait(`document.querySelector("ui-module").dataset.result !== undefined`)
	var got struct {
		Data                                        map[string]string
		Word, Twin, Theme, Own, Top, Page, Greeting string
		Accepted                                    string
		Answer                                      struct{ For, Accept string }
		Error                                       struct {
			Name, Message string
			Status        int
		}
	}
	if err := json.Unmarshal([]byte(browsertest.Eval[string](b, `document.querySelector("ui-module").dataset.result`)), &got); err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]string{
		"data": {got.Data["text"], hostile}, "import": {got.Word, "beside"}, "twin": {got.Twin, "twin"}, "theme": {got.Theme, "light"},
		"own API": {got.Own, "/portal/api/browser/hello"}, "other API": {got.Top, "/portal/api/other/x"}, "link": {got.Page, "/portal/browser"},
		"config": {got.Greeting, "Hello"}, "addresses of other sites": {got.Accepted, ""}, "identity": {got.Answer.For, "user:default/guest"}, "accept": {got.Answer.Accept, "application/json"},
		"error name": {got.Error.Name, "NotFoundError"}, "error message": {got.Error.Message, "there is no such thing"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	if got.Error.Status != 404 {
		t.Errorf("error status %d", got.Error.Status)
	}
	b.Wait(`document.querySelector(".ui-toast")?.textContent.includes("mounted")`)
	b.Media(map[string]string{"prefers-color-scheme": "dark"})
	b.Wait(`document.querySelector("ui-module").dataset.theme === "dark"`)
	if complaints := b.Complaints(); len(complaints) != 1 || !strings.Contains(complaints[0], "404") { // the request that is meant to fail
		t.Errorf("console: %q", complaints)
	}
	browsertest.Eval[any](b, `document.querySelector("ui-module").remove()`)
	b.Wait(`document.body.dataset.unmounted === "yes"`)

	// A module that fails leaves the page as it was, and says so.
	b.Open(p.URL + "/portal/broken")
	b.Wait(`document.querySelector(".ui-toast")?.textContent.includes("out of order")`)
	if text := browsertest.Eval[string](b, `document.querySelector("ui-module p").textContent`); text != "twin" {
		t.Errorf("the page says %q", text)
	}
	if complaints := b.Complaints(); len(complaints) != 1 {
		t.Errorf("console: %q", complaints)
	}

	b.Scripts(false)
	b.Open(p.URL + "/portal/browser")
	b.Wait(`document.querySelector("main p").textContent === "twin"`)
}
