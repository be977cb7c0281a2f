package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{
		"/default": {Target: g.URL}, "/require": {Target: g.URL, Credentials: "require"}, "/forward": {Target: g.URL, Credentials: "forward"},
		"/open": {Target: g.URL, Credentials: "dangerously-allow-unauthenticated"},
	}}})
	for _, path := range []string{"/default", "/require", "/forward"} {
		for _, extra := range []string{"", "Upgrade"} {
			h := headers("X-Nobody", "1", "Authorization", "Bearer foreign")
			if extra != "" {
				h.Set("Connection", "Upgrade")
				h.Set("Upgrade", "websocket")
			}
			p.do(t, http.MethodGet, path, h, nil).fails(t, http.StatusUnauthorized, "AuthenticationError", "sign in")
		}
	}
	if g.count() != 0 {
		t.Fatal("the target was asked")
	}
	p.get(t, "/open", "X-Nobody", "1", "Authorization", "Bearer foreign").is(t, http.StatusOK, "hello")
	if got := g.last(t).Header.Get("Authorization"); got != "" {
		t.Errorf("the target got Authorization %q", got)
	}
	for _, path := range []string{"/default", "/require", "/forward", "/open"} {
		p.get(t, path, "Authorization", "Bearer user").is(t, http.StatusOK, "hello")
		want := ""
		if path == "/forward" {
			want = "Bearer user"
		}
		if got := g.last(t).Header.Get("Authorization"); got != want {
			t.Errorf("%s: the target got Authorization %q, want %q", path, got, want)
		}
	}
}

func TestPermission(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	var asked []pluginapi.Permission
	p := newPortal(t, options{
		config: one(proxynode.Endpoint{Target: g.URL, Permission: "jenkins.use"}),
		authorizer: decide(func(p pluginapi.Permission) pluginapi.Effect {
			asked = append(asked, p)
			if p.Action == "read" {
				return pluginapi.Allow
			}
			return pluginapi.Deny
		}),
	})
	p.get(t, "/t").is(t, http.StatusOK, "hello")
	for method, action := range map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "update", http.MethodDelete: "delete"} {
		asked = nil
		p.do(t, method, "/t", nil, nil).fails(t, http.StatusForbidden, "NotAllowedError", "jenkins.use")
		if len(asked) != 1 || asked[0] != (pluginapi.Permission{Name: "jenkins.use", Action: action}) {
			t.Errorf("%s: asked for %+v, want action %s", method, asked, action)
		}
	}
	if g.count() != 1 {
		t.Errorf("the target was asked %d times, want once", g.count())
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/some": {Target: g.URL, AllowedMethods: []string{"GET", "DELETE"}}, "/all": {Target: g.URL}}}})
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		before := g.count()
		a := p.do(t, method, "/some", nil, nil)
		if allowed := method == "GET" || method == "DELETE"; (a.StatusCode == http.StatusOK) != allowed || (g.count() > before) != allowed {
			t.Errorf("%s = %d", method, a.StatusCode)
		} else if !allowed && (a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET, DELETE") {
			t.Errorf("%s = %d, Allow %q", method, a.StatusCode, a.Header.Get("Allow"))
		}
		if a := p.do(t, method, "/all", nil, nil); a.StatusCode != http.StatusOK || g.last(t).Method != method {
			t.Errorf("%s = %d, and the target got %s", method, a.StatusCode, g.last(t).Method)
		}
	}
	if a := p.do(t, "HEAD", "/all", nil, nil); a.body != "" || a.Header.Get("Content-Length") != "5" {
		t.Errorf("HEAD: body %q, Content-Length %q", a.body, a.Header.Get("Content-Length"))
	}
}

func TestTraversal(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL + "/base"})})
	for _, path := range []string{
		"..", "../", "../x", "a/../../x", "a/..", ".", "./x", "a/./b", "%2e%2e/x", "%2E%2E%2Fx", "a/%2e%2e/x", "..%2fx", "..%5cx", "a%5c..%5c..%5cx", ".%2e/x", "%252e%252e/x", "%252e%252e%252fx", "..;/x", "..;a=b/x",
		"%252e%252e/%25zz", "%252e%252e%252fx%25",
		"a%00b", "a%7fb",
	} {
		conn := dial(t, p)
		conn.send("GET /api/proxy/t/" + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		conn.expect("HTTP/1.1 400 Bad Request")
	}
	if g.count() != 0 {
		t.Errorf("the target was asked for %s", g.last(t).RequestURI)
	}
	for _, path := range []string{"a%zz", "%"} {
		conn := dial(t, p)
		conn.send("GET /api/proxy/t/" + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		conn.expect("HTTP/1.1 400 Bad Request")
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			_, _ = w.Write(make([]byte, 2000))
		case "/endless":
			for range 100 {
				if _, err := w.Write(make([]byte, 500)); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
			}
		default:
			hello(w, r)
		}
	})
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, Limits: proxynode.Limits{Request: 1000, Response: 1500}})})
	small, large := strings.Repeat("x", 1000), strings.Repeat("x", 1001)
	p.do(t, http.MethodPost, "/t", nil, strings.NewReader(small)).is(t, http.StatusOK, "hello")
	p.do(t, http.MethodPost, "/t", nil, strings.NewReader(large)).fails(t, http.StatusRequestEntityTooLarge, "PayloadTooLargeError", "at most 1000 bytes")
	p.do(t, http.MethodPost, "/t", nil, struct{ *strings.Reader }{strings.NewReader(small)}).is(t, http.StatusOK, "hello")

	p.get(t, "/t/long").fails(t, http.StatusBadGateway, "TargetResponseError", "more than 1500 bytes")
	res, err := p.client().Get(p.URL + "/t/endless")
	if err != nil { // nothing was sent before the limit was met
		return
	}
	defer func() { _ = res.Body.Close() }()
	got := 0
	for {
		n, err := res.Body.Read(make([]byte, 1000))
		got += n
		if err != nil {
			if err.Error() == "EOF" || got > 1500 {
				t.Errorf("an answer beyond the limit ended after %d bytes with %v, want an error", got, err)
			}
			break
		}
	}
}

func TestUploadTooLongWithoutLength(t *testing.T) {
	t.Parallel()
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := http.MaxBytesReader(w, r.Body, 1<<20).Read(make([]byte, 10)); err == nil {
			for {
				if _, err := r.Body.Read(make([]byte, 1000)); err != nil {
					break
				}
			}
		}
	})
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, Limits: proxynode.Limits{Request: 1000}})})
	p.do(t, http.MethodPost, "/t", nil, struct{ reader }{strings.NewReader(strings.Repeat("x", 100_000))}).fails(t, http.StatusRequestEntityTooLarge, "PayloadTooLargeError", "at most 1000 bytes")
}

// reader hides what else a reader can, so that its length is not known.
type reader interface{ Read([]byte) (int, error) }

func TestRateLimit(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	who := func(r *http.Request) pluginapi.Principal {
		return pluginapi.Principal{Kind: pluginapi.UserPrincipal, Ref: "user:default/" + r.Header.Get("X-User")}
	}
	p := newPortal(t, options{who: who, config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{
		"/all":  {Target: g.URL, RateLimit: proxynode.RateLimit{Requests: 3, Per: time.Hour}},
		"/each": {Target: g.URL, RateLimit: proxynode.RateLimit{Requests: 1, Per: time.Hour, Burst: 2, PerUser: true}},
	}}})
	for range 3 {
		p.get(t, "/all", "X-User", "a").is(t, http.StatusOK, "hello")
	}
	for _, user := range []string{"a", "b"} {
		a := p.get(t, "/all", "X-User", user)
		a.fails(t, http.StatusTooManyRequests, "TooManyRequestsError", "/all takes no more requests")
		if wait := a.Header.Get("Retry-After"); wait != "1200" && wait != "1199" {
			t.Errorf("Retry-After = %q, want the 20 minutes until the next one is allowed", wait)
		}
	}
	for _, user := range []string{"a", "b"} {
		for range 2 {
			p.get(t, "/each", "X-User", user).is(t, http.StatusOK, "hello")
		}
		p.get(t, "/each", "X-User", user).fails(t, http.StatusTooManyRequests, "TooManyRequestsError", "/each")
	}
}

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/break" {
			panic(http.ErrAbortHandler)
		}
		hello(w, r)
	})
	e := proxynode.Endpoint{Target: g.URL, Headers: map[string]pluginapi.Secret{"Authorization": pluginapi.NewSecret("Basic geheim"), "X-Other": pluginapi.NewSecret("geheim")}}
	p := newPortal(t, options{config: one(e)})
	answers := []answer{p.get(t, "/t"), p.get(t, "/t/break"), p.get(t, "/t/../x")}
	p.set(one(proxynode.Endpoint{Target: "nonsense", Headers: map[string]pluginapi.Secret{"X-Bad": pluginapi.NewSecret("geheim\n")}}))
	eventually(t, "the new configuration is refused", func() bool { return strings.Contains(p.log.String(), "stay as they were") })
	for _, a := range answers {
		if strings.Contains(a.body, "geheim") {
			t.Errorf("an answer tells a secret: %s", a.body)
		}
		for name, values := range a.Header {
			if strings.Contains(strings.Join(values, ""), "geheim") {
				t.Errorf("header %s tells a secret", name)
			}
		}
	}
	if strings.Contains(p.log.String(), "geheim") {
		t.Errorf("the log tells a secret:\n%s", p.log)
	}
}

// A client that begins a body and does not go on must not hold anything for ever.
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, Timeouts: proxynode.Timeouts{Idle: 50 * time.Millisecond}})})
	for name, message := range map[string]string{"short": "Content-Length: 100\r\n\r\nbegin", "long": "Content-Length: 100000\r\n\r\nbegin", "of any length": "Transfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, p)
			conn.send("POST /api/proxy/t HTTP/1.1\r\nHost: x\r\n" + message)
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			conn.expect("HTTP/1.1 408 Request Timeout")
		})
	}
}
