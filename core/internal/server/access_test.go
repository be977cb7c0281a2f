package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// rules allows what it lists, to anybody who is somebody.
type rules map[string]bool

func (r rules) Authorize(ctx context.Context, p pluginapi.Permission, _ string) (pluginapi.Decision, error) {
	switch {
	case p.Name == "broken":
		return pluginapi.Decision{}, errBoom
	case r[p.Name] && !pluginapi.PrincipalFrom(ctx).IsZero():
		return pluginapi.Decision{Effect: pluginapi.Allow}, nil
	}
	return pluginapi.Decision{}, nil
}

func TestIdentityAndPermission(t *testing.T) {
	t.Parallel()
	who := func(w http.ResponseWriter, r *http.Request) error {
		_, err := w.Write([]byte("for " + pluginapi.PrincipalFrom(r.Context()).Ref))
		return err
	}
	table := routes(
		get("/private", who),
		route("hello", pluginapi.Route{Pattern: "GET /public", Public: true}, who),
		route("hello", pluginapi.Route{Pattern: "GET /allowed", Permission: &pluginapi.Permission{Name: "read"}}, who),
		route("hello", pluginapi.Route{Pattern: "GET /denied", Permission: &pluginapi.Permission{Name: "delete"}}, who),
		route("hello", pluginapi.Route{Pattern: "GET /broken", Permission: &pluginapi.Permission{Name: "broken"}}, who),
		route("hello", pluginapi.Route{Pattern: "GET /public-but-allowed", Public: true, Permission: &pluginapi.Permission{Name: "read"}}, who),
	)
	h := handler(t, server.Settings{Table: table, Authorizer: rules{"read": true}, Identify: func(r *http.Request) (pluginapi.Principal, error) {
		switch name := r.Header.Get("Authorization"); name {
		case "":
			return pluginapi.Principal{}, nil
		case "expired":
			return pluginapi.Principal{}, pluginapi.Unauthenticated("the session has ended")
		case "store is down":
			return pluginapi.Principal{}, errBoom
		default:
			return pluginapi.Principal{Kind: pluginapi.UserPrincipal, Ref: name}, nil
		}
	}})
	for _, c := range []struct {
		path, who string
		status    int
		want      string
	}{
		{"private", "user:default/ann", 200, "for user:default/ann"},
		{"private", "", 401, "AuthenticationError"},
		{"private", "expired", 401, "AuthenticationError"},
		{"private", "store is down", 500, "Error"},
		{"public", "user:default/ann", 200, "for user:default/ann"},
		{"public", "", 200, "for "},
		{"public", "expired", 200, "for "},
		{"public", "store is down", 200, "for "},
		{"allowed", "user:default/ann", 200, "for user:default/ann"},
		{"allowed", "", 401, "AuthenticationError"},
		{"denied", "user:default/ann", 403, "NotAllowedError"},
		{"broken", "user:default/ann", 403, "NotAllowedError"},
		{"public-but-allowed", "", 401, "AuthenticationError"},
	} {
		w := ask(t, h, "GET", "/api/hello/"+c.path, "Authorization", c.who)
		if c.status != 200 {
			wantError(t, w, c.status, c.want, "")
			if challenge := w.Header().Get("WWW-Authenticate"); (challenge != "") != (c.status == 401) {
				t.Errorf("%s for %q: WWW-Authenticate %q", c.path, c.who, challenge)
			}
		} else if w.Code != 200 || w.Body.String() != c.want {
			t.Errorf("%s for %q: %d %s", c.path, c.who, w.Code, w.Body)
		}
	}
	guests := handler(t, server.Settings{Table: table})
	if w := ask(t, guests, "GET", "/api/hello/private"); w.Body.String() != "for user:default/guest" {
		t.Errorf("without sign-in: %d %s", w.Code, w.Body)
	}
	wantError(t, ask(t, guests, "GET", "/api/hello/allowed"), 403, "NotAllowedError", "read is denied")
}

// fixed is a portal's links.
type fixed struct{}

func (fixed) Pattern(pluginapi.RouteRef) (string, bool) { return "/moved/{name}", true }
func (fixed) Asset(string, string) (string, bool)       { return "", false }

func TestContextOfARequest(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Links: fixed{}, Table: routes(get("/", func(_ http.ResponseWriter, r *http.Request) error {
		ctx := r.Context()
		if _, ok := ctx.Deadline(); !ok {
			t.Error("no deadline")
		}
		if url := pluginapi.RouteRef("page:x").URL(ctx, "name", "ann"); url != "/moved/ann" {
			t.Errorf("link = %q", url)
		}
		if id := server.RequestID(ctx); id != "given-by.proxy_1" {
			t.Errorf("request id = %q", id)
		}
		if r.Pattern != "GET /" {
			t.Errorf("pattern = %q", r.Pattern)
		}
		return nil
	}))})
	if w := ask(t, h, "GET", "/api/hello/", "X-Request-Id", "given-by.proxy_1"); w.Code != 200 || w.Header().Get("X-Request-Id") != "given-by.proxy_1" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if server.RequestID(t.Context()) != "" || server.Nonce(t.Context()) != "" {
		t.Error("something outside a request")
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{})
	seen := map[string]bool{}
	for _, bad := range []string{"", "a b", "<script>", "ä", strings.Repeat("x", 65), `a"b`, "a\tb"} {
		id := ask(t, h, "GET", "/", "X-Request-Id", bad).Header().Get("X-Request-Id")
		if len(id) != 16 || id == bad || seen[id] {
			t.Errorf("for %q: %q", bad, id)
		}
		seen[id] = true
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	var log logged
	h := handler(t, server.Settings{Logger: log.logger(slog.LevelInfo), Table: routes(get("/{name}", say("12345")))})
	ask(t, h, "GET", "/api/hello/ann?token=swordfish", "X-Request-Id", "r1")
	ask(t, h, "GET", "/nowhere")
	ask(t, h, "GET", "/.backstage/health/v1/liveness")
	entries := log.entries(t, "request")
	if len(entries) != 2 {
		t.Fatalf("%d entries, want 2 (probes are not worth one): %v", len(entries), entries)
	}
	want := map[string]any{
		"method": "GET", "path": "/api/hello/ann", "route": "/api/hello/{name}", "plugin": "hello", "status": 200.0, "bytes": 5.0, "request": "r1", "principal": "user:default/guest",
	}
	for key, value := range want {
		if entries[0][key] != value {
			t.Errorf("%s = %v, want %v", key, entries[0][key], value)
		}
	}
	if _, ok := entries[0]["duration"]; !ok {
		t.Error("no duration")
	}
	if entries[1]["status"] != 404.0 || entries[1]["route"] != nil {
		t.Errorf("entry = %v", entries[1])
	}
	if text := log.buf.String(); strings.Contains(text, "swordfish") {
		t.Errorf("the query is logged: %s", text)
	}
}

func TestCrossOriginRequests(t *testing.T) {
	t.Parallel()
	table := routes(route("hello", pluginapi.Route{Pattern: "POST /x"}, say("done")), get("/x", say("read")))
	h := handler(t, server.Settings{Table: table, TrustedOrigins: []string{"https://trusted.example"}, CORS: &server.CORS{
		Origin: server.Words{"https://*.portal.example", "http://localhost:3000"}, Credentials: true, MaxAge: 60, ExposedHeaders: server.Words{"X-Total"},
	}})
	for _, c := range []struct {
		name   string
		method string
		header []string
		status int
		allow  string
	}{
		{"a program", "POST", nil, 200, ""},
		{"the portal's own page", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://example.com"}, 200, ""},
		{"an old browser on the portal's own page", "POST", []string{"Origin", "http://example.com"}, 200, ""},
		{"another site", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403, ""},
		{"an old browser on another site", "POST", []string{"Origin", "https://evil.example"}, 403, ""},
		{"a sandboxed page", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, 403, ""},
		{"a trusted site", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://trusted.example"}, 200, ""},
		{"an allowed site", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://A.portal.example"}, 200, "https://A.portal.example"},
		{"a site that looks allowed", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example/.portal.example"}, 403, ""},
		{"a site that looks allowed, too", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://a.portal.example.evil"}, 403, ""},
		{"an allowed site reads", "GET", []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://localhost:3000"}, 200, "http://localhost:3000"},
		{"another site reads", "GET", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 200, ""},
	} {
		w := ask(t, h, c.method, "http://example.com/api/hello/x", c.header...)
		if w.Code != c.status || w.Header().Get("Access-Control-Allow-Origin") != c.allow || !strings.Contains(strings.Join(w.Header()["Vary"], ","), "Origin") {
			t.Errorf("%s: %d %v", c.name, w.Code, w.Header())
		}
		if c.status == 403 {
			wantError(t, w, 403, "NotAllowedError", "backend.cors")
		}
		if c.allow != "" && (w.Header().Get("Access-Control-Allow-Credentials") != "true" || w.Header().Get("Access-Control-Expose-Headers") != "X-Total") {
			t.Errorf("%s: %v", c.name, w.Header())
		}
	}
	preflight := []string{"Origin", "http://localhost:3000", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type, authorization"}
	w := ask(t, h, "OPTIONS", "/api/hello/x", preflight...)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "http://localhost:3000", "Access-Control-Allow-Methods": "GET, HEAD, PUT, PATCH, POST, DELETE",
		"Access-Control-Allow-Headers": "content-type, authorization", "Access-Control-Max-Age": "60",
	} {
		if got := w.Header().Get(name); w.Code != 204 || got != want {
			t.Errorf("preflight: %d %s = %q, want %q", w.Code, name, got, want)
		}
	}
	preflight[1] = "https://evil.example"
	if w := ask(t, h, "OPTIONS", "/api/hello/x", preflight...); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of another site: %v", w.Header())
	}
	without := handler(t, server.Settings{Table: table})
	if w := ask(t, without, "GET", "/api/hello/x", "Origin", "http://localhost:3000"); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without CORS: %v", w.Header())
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Hosts: server.GuestHosts("https://Portal.example.com/x"), Table: routes(get("/", say("x")))})
	for host, status := range map[string]int{
		"localhost": 200, "localhost:7007": 200, "LOCALHOST": 200, "127.0.0.1:7007": 200, "[::1]:7007": 200, "portal.example.com": 200,
		"evil.example": 421, "localhost.evil.example:7007": 421, "127.0.0.1.evil.example": 421,
	} {
		w := ask(t, h, "GET", "http://"+host+"/api/hello/")
		if w.Code != status {
			t.Errorf("%s: %d", host, w.Code)
		}
		if status == 421 {
			wantError(t, w, 421, "MisdirectedRequestError", "backend.baseUrl")
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	const standard = "base-uri 'none'; connect-src 'self'; default-src 'self'; form-action 'self'; frame-ancestors 'self'; img-src 'self' data: https:; object-src 'none'; script-src 'self'; style-src 'self'"
	page := func(use *string) server.Table {
		return server.Table{Endpoints: []server.Endpoint{{ID: "page", Pattern: "GET /page", Run: func(_ http.ResponseWriter, r *http.Request) error {
			*use = server.Nonce(r.Context())
			if again := server.Nonce(r.Context()); again != *use {
				t.Errorf("nonces %q and %q in one request", *use, again)
			}
			return nil
		}}}}
	}
	var nonce string
	h := handler(t, server.Settings{Table: page(&nonce)})
	w := ask(t, h, "GET", "/nowhere")
	for name, want := range map[string]string{"Content-Security-Policy": standard, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
		if got := w.Header()[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	w = ask(t, h, "GET", "/page")
	if want := strings.Replace(standard, "script-src 'self'", "script-src 'self' 'nonce-"+nonce+"'", 1); len(nonce) < 20 || w.Header().Get("Content-Security-Policy") != want {
		t.Errorf("nonce %q, policy %q", nonce, w.Header().Get("Content-Security-Policy"))
	}
	first := nonce
	if ask(t, h, "GET", "/page"); nonce == first {
		t.Error("the same nonce twice")
	}
	if got := ask(t, h, "GET", "/nowhere").Header().Get("Content-Security-Policy"); got != standard {
		t.Errorf("a nonce stays in the policy: %q", got)
	}

	changed := handler(t, server.Settings{Table: page(&nonce), CSP: map[string]server.Directive{
		"connect-src": {"'self'", "http:", "https:"}, "img-src": {"false"}, "upgrade-insecure-requests": {}, "script-src": {"'self'", "'unsafe-inline'"},
	}})
	const want = "base-uri 'none'; connect-src 'self' http: https:; default-src 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self'; upgrade-insecure-requests"
	if got := ask(t, changed, "GET", "/page").Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("changed policy = %q", got)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	notYet := errors.New("plugins are starting")
	h := handler(t, server.Settings{
		Ready:  func() error { return notYet },
		Health: func(context.Context) any { return map[string]string{"status": "degraded"} },
		Identify: func(*http.Request) (pluginapi.Principal, error) {
			t.Error("somebody wants to know who asks")
			return pluginapi.Principal{}, nil
		},
	})
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"liveness":  {200, `{"status":"ok"}`},
		"readiness": {503, `{"status":"error","message":"plugins are starting"}`},
		"plugins":   {200, `{"status":"degraded"}`},
	} {
		w := ask(t, h, "GET", "/.backstage/health/v1/"+path)
		if w.Code != want.status || strings.TrimSpace(w.Body.String()) != want.body || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	notYet = nil
	if w := ask(t, h, "GET", "/.backstage/health/v1/readiness"); w.Code != 200 {
		t.Errorf("readiness: %d %s", w.Code, w.Body)
	}
	if w := ask(t, handler(t, server.Settings{}), "GET", "/.backstage/health/v1/plugins"); w.Code != 404 {
		t.Errorf("report that nobody makes: %d", w.Code)
	}
}
