package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// named answers with the route's name and the values of its parameters.
func named(name string, params ...string) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		_, _ = fmt.Fprint(w, name)
		for _, p := range params {
			_, _ = fmt.Fprintf(w, " %s=%q", p, r.PathValue(p))
		}
		return nil
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	spec := func(pattern string) pluginapi.Route { return pluginapi.Route{Pattern: pattern} }
	table := server.Table{
		Routes: []pluginapi.Extended[pluginapi.Route, pluginapi.RouteFunc]{
			route("hello", spec("GET /{$}"), named("root")),
			route("hello", spec("GET /greet"), named("greet")),
			route("hello", spec("POST /{name}"), named("post", "name")),
			route("hello", spec("GET /{name}"), named("name", "name")),
			route("hello", spec("/any"), named("any")),
			route("hello", spec("DELETE /any"), named("delete any")),
			route("hello", spec("GET /by/{kind}/{name}/x"), named("x", "kind", "name")),
			route("hello", spec("GET /by/{a}/{b}/y"), named("y", "a", "b")),
			route("files", spec("GET /v1/{path...}"), named("files", "path")),
			route("files", spec("HEAD /v1/{path...}"), func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("X-Own-Head", "yes")
				return nil
			}),
			route("files", spec("GET /v2/"), named("below")),
			route("proxy", spec("/{rest...}"), named("proxy", "rest")),
		},
		Endpoints: []server.Endpoint{
			{ID: "page:home", Pattern: "GET /{$}", Run: named("home")},
			{ID: "page:entity", Pattern: "GET /catalog/{kind}/{name}", Run: named("entity", "kind", "name")},
		},
	}
	h := handler(t, server.Settings{Table: table})
	below := handler(t, server.Settings{Table: table, BasePath: "/portal/"})
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/", 200, `home`},
		{"GET", "/api/hello", 200, `root`},
		{"GET", "/api/hello/", 200, `root`},
		{"GET", "/api/hello/greet", 200, `greet`},
		{"HEAD", "/api/hello/greet", 200, ``},
		{"POST", "/api/hello/greet", 200, `post name="greet"`},
		{"GET", "/api/hello/you", 200, `name name="you"`},
		{"GET", "/api/hello/you%20two", 200, `name name="you two"`},
		{"GET", "/api/hello/a%2Fb", 200, `name name="a/b"`},
		{"GET", "/api/hello/a%2fb%25", 200, `name name="a/b%"`},
		{"GET", "/api/hello/100%25", 200, `name name="100%"`},
		{"GET", "/api/hello/%2525", 200, `name name="%25"`},
		{"GET", "/api/h%65llo/gr%65et", 200, `greet`},
		{"GET", "/api/hello/%C3%B6", 200, `name name="ö"`},
		{"GET", "/api/hello/you/", 404, ``},
		{"GET", "/api/hello/greet/", 404, ``},
		{"PATCH", "/api/hello/any", 200, `any`},
		{"DELETE", "/api/hello/any", 200, `delete any`},
		{"GET", "/api/hello/any", 200, `any`},
		{"GET", "/api/hello/by/component/shop/x", 200, `x kind="component" name="shop"`},
		{"GET", "/api/hello/by/component/shop/y", 200, `y a="component" b="shop"`},
		{"GET", "/api/hello/by//shop/x", 404, ``},
		{"GET", "/api/files/v1/", 200, `files path=""`},
		{"GET", "/api/files/v1/a/b%2Fc//d", 200, `files path="a/b/c//d"`},
		{"GET", "/api/files/v1", 404, ``},
		{"GET", "/api/files/v2/x/y", 200, `below`},
		{"GET", "/api/proxy", 200, `proxy rest=""`},
		{"PUT", "/api/proxy/circleci/x", 200, `proxy rest="circleci/x"`},
		{"GET", "/api/nobody/x", 404, ``},
		{"GET", "/catalog/component/shop", 200, `entity kind="component" name="shop"`},
		{"GET", "/catalog/component", 404, ``},
		{"GET", "/api/files/v1/../../etc/passwd", 400, ``},
		{"GET", "/api/files/v1/%2e%2e/passwd", 400, ``},
		{"GET", "/api/files/v1/a%2F..%2Fb", 400, ``},
		{"GET", "/api/files/v1/./x", 400, ``},
		{"GET", "/api/files/v1/x/..", 400, ``},
		{"GET", "/api/files/v1/.well-known/..x/x..", 200, `files path=".well-known/..x/x.."`},
		{"GET", "/api/hello/a%00b", 400, ``},
	} {
		for base, h := range map[string]http.Handler{"": h, "/portal": below} {
			w := ask(t, h, c.method, base+c.path)
			if w.Code != c.status || c.status == 200 && c.method != "HEAD" && w.Body.String() != c.want {
				t.Errorf("%s %s: %d %s, want %d %s", c.method, base+c.path, w.Code, w.Body, c.status, c.want)
			}
			if w.Code != 200 {
				name := map[int]string{400: "InputError", 404: "NotFoundError"}[w.Code]
				wantError(t, w, c.status, name, "")
			}
		}
	}
	if w := ask(t, h, "HEAD", "/api/files/v1/x"); w.Header().Get("X-Own-Head") != "yes" {
		t.Error("HEAD of a route that has its own is answered by GET")
	}
	if w := ask(t, below, "GET", "/portal"); w.Body.String() != "home" {
		t.Errorf("GET of the base path itself: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/", "/portals", "/api/hello/greet"} {
		wantError(t, ask(t, below, "GET", path), 404, "NotFoundError", "the portal is at /portal/")
	}
}

func TestWrongMethod(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(
		get("/greet", say("x")),
		route("hello", pluginapi.Route{Pattern: "POST /greet"}, say("x")),
		route("hello", pluginapi.Route{Pattern: "DELETE /{name}"}, say("x")),
	)})
	const allow = "DELETE, GET, HEAD, OPTIONS, POST"
	w := ask(t, h, "PUT", "/api/hello/greet")
	wantError(t, w, 405, "MethodNotAllowedError", "only "+allow)
	if got := w.Header().Get("Allow"); got != allow {
		t.Errorf("Allow = %q", got)
	}
	if w := ask(t, h, "OPTIONS", "/api/hello/greet"); w.Code != 204 || w.Header().Get("Allow") != allow {
		t.Errorf("OPTIONS: %d %q", w.Code, w.Header().Get("Allow"))
	}
	wantError(t, ask(t, h, "BREW", "/api/hello/greet"), 405, "MethodNotAllowedError", "BREW")
	wantError(t, ask(t, h, "OPTIONS", "/api/hello/a/b"), 404, "NotFoundError", "/api/hello/a/b")
}

func TestTrailingSlashOfPages(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: server.Table{Endpoints: []server.Endpoint{
		{ID: "page:hello", Pattern: "GET /hello/{name}", Run: say("x")},
		{ID: "page:any", Pattern: "GET /{name}", Run: say("x")},
	}}})
	if w := ask(t, h, "GET", "/hello/a%2Fb/?q=1"); w.Code != 301 || w.Header().Get("Location") != "/hello/a%2Fb?q=1" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
	}
	// Two slashes at the start would lead to another site.
	r := httptest.NewRequest("GET", "/", nil)
	r.URL = &url.URL{Path: "//evil.example/"}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 404 {
		t.Errorf("//evil.example/: %d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestNewNamesAllFaults(t *testing.T) {
	t.Parallel()
	spec := func(pattern string) pluginapi.Route { return pluginapi.Route{Pattern: pattern} }
	_, err := server.New(server.Settings{
		BasePath:       "portal",
		TrustedOrigins: []string{"portal.example.com"},
		Table: server.Table{
			Routes: []pluginapi.Extended[pluginapi.Route, pluginapi.RouteFunc]{
				route("hello", spec("GET /{a}"), say("")),
				route("hello", spec("GET /{b}"), say("")),
				route("hello", spec("FETCH /x"), say("")),
				route("hello", spec("GET x"), say("")),
				route("hello", spec("GET /x{y}"), say("")),
				route("hello", spec("GET /{x}y"), say("")),
				route("hello", spec("GET /{x...}/y"), say("")),
				route("hello", spec("GET /{$}/y"), say("")),
				route("hello", spec("GET /{x}/{x}"), say("")),
				route("hello", spec("GET /{1}"), say("")),
				route("hello", spec("GET /*"), say("")),
				route("hello", spec("GET /a//b"), say("")),
				route("hello", spec("GET /a/../b"), say("")),
			},
			Endpoints: []server.Endpoint{
				{ID: "page:a", Pattern: "GET /api/hello/{c}", Run: say("")},
				{ID: "page:b", Pattern: "GET /.backstage/health/v1/liveness", Run: say("")},
				{ID: "page:c", Pattern: "GET /nothing"},
				{ID: "page:d", Pattern: "GET /below/", Run: say("")},
				{ID: "page:e", Pattern: "GET /below/{rest...}", Run: say("")},
			},
		},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`"portal"`, `portal.example.com`,
		`route:hello/GET /{a} and route:hello/GET /{b} both answer "GET /api/hello/{}"`,
		`route:hello/GET /{b} and page:a both answer`, `liveness and page:b both answer`, `page:c: nothing answers`, `page:d and page:e both answer`,
		`"FETCH" is none of the methods`, `must start with a slash`, `"x{y}" is neither`, `"{x}y" is not a whole segment`, `{x...} must come last`, `{$} must come last`,
		`"x" is not a name, or given twice`, `"1" is not a name`, `"*" is neither`, `"//"`, `"/../"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %s in:\n%v", want, err)
		}
	}
}

func TestSetTable(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(get("/old", say("old")))})
	if err := h.SetTable(routes(get("/{$", say("x")))); err == nil {
		t.Error("a faulty table was accepted")
	}
	if w := ask(t, h, "GET", "/api/hello/old"); w.Body.String() != "old" {
		t.Errorf("after a faulty table: %d %s", w.Code, w.Body)
	}
	if err := h.SetTable(routes(get("/new", say("new")))); err != nil {
		t.Error(err)
	}
	if w := ask(t, h, "GET", "/api/hello/new"); w.Body.String() != "new" {
		t.Errorf("the new route: %d %s", w.Code, w.Body)
	}
	if w := ask(t, h, "GET", "/api/hello/old"); w.Code != 404 {
		t.Errorf("the old route: %d %s", w.Code, w.Body)
	}
}

func TestInsideAnotherServer(t *testing.T) {
	t.Parallel()
	outer := http.NewServeMux()
	outer.Handle("/one/", handler(t, server.Settings{BasePath: "/one", Table: routes(get("/{name}", named("one", "name")))}))
	outer.Handle("/two/{rest...}", handler(t, server.Settings{BasePath: "/two", Table: routes(get("/{name}", named("two", "name", "rest")))}))
	if w := ask(t, outer, "GET", "/one/api/hello/a%2Fb"); w.Body.String() != `one name="a/b"` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(t, outer, "GET", "/two/api/hello/a"); !strings.HasPrefix(w.Body.String(), `two name="a"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/api/hello/x", "/api/files/%2e%2e/x", "//x", "/a%2fb%25", "/%00", "/a/./b", "/..", "*", ""} {
		f.Add(seed)
	}
	h, err := server.New(server.Settings{Table: server.Table{Endpoints: []server.Endpoint{{ID: "all", Pattern: "/{rest...}", Run: func(w http.ResponseWriter, r *http.Request) error {
		rest := r.PathValue("rest")
		for segment := range strings.SplitSeq(rest, "/") {
			if segment == ".." || segment == "." || strings.Contains(segment, "\x00") {
				return fmt.Errorf("dangerous rest %q", rest)
			}
		}
		if "/"+rest != r.URL.Path {
			return fmt.Errorf("rest %q of %q", rest, r.URL.Path)
		}
		return nil
	}}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
			t.Skip("no request line can hold it")
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.URL = u
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 400 && w.Code != 404 {
			t.Errorf("%q: %d %s", path, w.Code, w.Body)
		}
	})
}
