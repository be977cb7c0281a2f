package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/proxy"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

func TestCheck(t *testing.T) {
	plugintest.Check(t, plugintest.Options{Config: "proxy: {endpoints: {/example: 'https://example.com'}}"}, proxy.Plugin())
}

// newTarget is a server that tells what it was asked.
func newTarget(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: hello\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		if r.Header.Get("Upgrade") == "websocket" {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			line, _ := rw.ReadString('\n')
			_, _ = io.WriteString(conn, strings.ToUpper(line))
			return
		}
		w.Header().Set("Etag", `"tag"`)
		_, _ = fmt.Fprintf(w, "%s %s token=%q cookie=%q", r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Cookie"))
	}))
	t.Cleanup(s.Close)
	return s
}

// other is a plugin that adds an endpoint.
func other(target string) pluginapi.Plugin {
	return pluginapi.Plugin{ID: "other", Extensions: []pluginapi.Extension{
		proxynode.Endpoints.From("api", proxynode.Endpoint{Path: "/other", Target: target}, func(_ context.Context, out *http.Request) error {
			out.Header.Set("Authorization", "Bearer fetched")
			return nil
		}),
	}}
}

func TestInAPortal(t *testing.T) {
	t.Parallel()
	target := newTarget(t)
	p := plugintest.StartWith(t, plugintest.Options{
		Environ: []string{"TOKEN=geheim"},
		Config: fmt.Sprintf(`
proxy:
  skipInvalidProxies: false
  endpoints:
    /plain: %[1]s/base
    jenkins/api:
      target: %[1]s
      changeOrigin: true
      secure: false
      timeout: 30000
      proxyTimeout: {seconds: 20}
      allowedMethods: [GET]
      headers: {Authorization: 'Basic ${TOKEN}'}
      pathRewrite: {'^/api/proxy/jenkins/api/': '/job/'}
      ws: true
      logLevel: debug
app:
  extensions:
    - proxy-endpoint:other/api: {config: {path: /renamed}}
`, target.URL),
	}, proxy.Plugin(), other(target.URL))
	for path, want := range map[string]string{
		"/api/proxy/plain/a%20b/c?d=e":   `GET /base/a%20b/c?d=e token="" cookie=""`,
		"/api/proxy/plain/a%2Fb":         `GET /base/a%2Fb token="" cookie=""`,
		"/api/proxy/jenkins/api/build/1": `GET /job/build/1 token="Basic geheim" cookie=""`,
		"/api/proxy/renamed/x":           `GET /x token="Bearer fetched" cookie=""`,
	} {
		r := p.Do(http.MethodGet, path, http.Header{"Cookie": {"session=1"}}, nil)
		if r.Status != http.StatusOK || string(r.Body) != want || r.Header.Get("Etag") != `"tag"` {
			t.Errorf("%s = %d %s, want %s", path, r.Status, r.Body, want)
		}
	}
	for path, status := range map[string]int{"/api/proxy": 404, "/api/proxy/": 404, "/api/proxy/nothing": 404, "/api/proxy/plain/%2e%2e/x": 400, "/api/proxy/other": 404} {
		if r := p.Do(http.MethodGet, path, nil, nil); r.Status != status || !strings.Contains(string(r.Body), `"error"`) {
			t.Errorf("%s = %d %s, want %d in the one shape", path, r.Status, r.Body, status)
		}
	}
	if r := p.Do(http.MethodPost, "/api/proxy/jenkins/api/x", nil, nil); r.Status != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET" {
		t.Errorf("POST = %d %s", r.Status, r.Body)
	}

	res, err := http.Get(p.URL + "/api/proxy/plain/../events")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	res, err = http.Get(p.URL + "/api/proxy/renamed/events")
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "data: hello\n" {
		t.Errorf("event = %q, %v", line, err)
	}
	_ = res.Body.Close()

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+"/api/proxy/jenkins/api/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	res, err = http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	socket, ok := res.Body.(io.ReadWriter)
	if res.StatusCode != http.StatusSwitchingProtocols || !ok {
		t.Fatalf("handshake = %d", res.StatusCode)
	}
	_, _ = io.WriteString(socket, "hello\n")
	if line, err := bufio.NewReader(socket).ReadString('\n'); err != nil || line != "HELLO\n" {
		t.Errorf("echo = %q, %v", line, err)
	}
	if strings.Contains(p.Log(), "geheim") {
		t.Errorf("the log tells a secret:\n%s", p.Log())
	}
}

func TestFaultsAreFoundBeforeTheStart(t *testing.T) {
	t.Parallel()
	faults := plugintest.Faults(t, plugintest.Options{Config: `
proxy:
  endpoints:
    /a: {target: 'ftp://example.com', credentials: nobody}
    /b: {target: 'https://example.com', allowedMethod: [GET]}
`}, proxy.Plugin(), pluginapi.Plugin{ID: "other", Extensions: []pluginapi.Extension{
		proxynode.Endpoints.From("x", proxynode.Endpoint{Path: "/x"}, proxynode.AsItIs),
	}})
	all := strings.Join(faults, "\n")
	for _, want := range []string{"test.yaml:4:", "proxy.endpoints./a.target: must be a URL", "proxy.endpoints./a.credentials: \"nobody\" is unknown", "test.yaml:5:", "allowedMethod"} {
		if !strings.Contains(all, want) {
			t.Errorf("faults are\n%s\nwant %q among them", all, want)
		}
	}
}

// TestAnUpgradedConnectionDoesNotHoldUpTheEnd stops a portal while a client keeps a connection open that the target has closed.
func TestAnUpgradedConnectionDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	p := plugintest.StartWith(t, plugintest.Options{Config: "proxy: {endpoints: {/t: {target: '" + newTarget(t).URL + "', ws: true}}}"}, proxy.Plugin())
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /api/proxy/t HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	from := bufio.NewReader(conn)
	if res, err := http.ReadResponse(from, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if said, err := io.ReadAll(from); err != nil || !strings.HasSuffix(string(said), "HELLO\n") {
		t.Errorf("the target says %q, %v", said, err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}
