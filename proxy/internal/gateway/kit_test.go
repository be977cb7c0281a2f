package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// portal is the proxy behind a server that does what a portal's does around a route.
type portal struct {
	URL     string // of /api/proxy
	gateway *gateway.Gateway
	set     func(gateway.Config)
	add     func([]gateway.Added)
	log     *logs
	metrics *prometheus.Registry
	*httptest.Server
}

// options change what newPortal does.
type options struct {
	config     gateway.Config
	authorizer pluginapi.Authorizer // default: allows all
	code       []gateway.Added
	who        func(*http.Request) pluginapi.Principal // default: a guest, except for requests with the header X-Nobody
	prefix     string                                  // before /api/proxy
	tls        bool
}

func newPortal(t testing.TB, o options) *portal {
	t.Helper()
	caches, err := cache.Open(cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	live, set := pluginapi.NewLive(o.config)
	added, add := pluginapi.NewLive(o.code)
	p := &portal{set: set, add: add, log: new(logs), metrics: prometheus.NewRegistry()}
	if o.authorizer == nil {
		o.authorizer = decide(func(pluginapi.Permission) pluginapi.Effect { return pluginapi.Allow })
	}
	if o.who == nil {
		o.who = func(r *http.Request) pluginapi.Principal {
			if r.Header.Get("X-Nobody") != "" {
				return pluginapi.Principal{}
			}
			return pluginapi.Guest()
		}
	}
	p.gateway, err = gateway.New(live, slog.New(slog.NewTextHandler(p.log, nil)), caches.For("proxy"), o.authorizer, p.metrics, added)
	if err != nil {
		t.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // unlike http.ServeMux, a portal's router leaves paths as they are
		rest, _ := strings.CutPrefix(r.URL.Path, o.prefix+"/api/proxy")
		r.SetPathValue("path", strings.TrimPrefix(rest, "/"))
		if who := o.who(r); !who.IsZero() {
			r = r.WithContext(pluginapi.WithPrincipal(r.Context(), who))
		}
		w.Header().Set("X-Request-Id", "request-1")
		if err := p.gateway.Answer(w, r); err != nil {
			p.log.add(err.Error())
			if strings.Contains(err.Error(), http.ErrAbortHandler.Error()) {
				panic(http.ErrAbortHandler)
			}
			writeError(w, err)
		}
	})
	p.Server = httptest.NewUnstartedServer(handler)
	p.Server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if o.tls {
		p.Server.EnableHTTP2 = true
		p.Server.StartTLS()
	} else {
		p.Server.Start()
	}
	p.URL = p.Server.URL + o.prefix + "/api/proxy"
	ctx, stop := context.WithCancel(context.Background())
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		_ = p.gateway.Follow(ctx)
	}()
	t.Cleanup(func() {
		p.Server.Close()
		stop()
		<-followed
		_ = caches.Close(context.Background())
	})
	return p
}

// writeError answers with an error in the one shape.
func writeError(w http.ResponseWriter, err error) {
	status, name, message := pluginapi.Describe(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"name": name, "message": message}})
}

// one returns a configuration with one endpoint, /t.
func one(e proxynode.Endpoint) gateway.Config {
	return gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/t": e}}
}

// decide is an authorizer.
type decide func(pluginapi.Permission) pluginapi.Effect

func (d decide) Authorize(ctx context.Context, p pluginapi.Permission, _ string) (pluginapi.Decision, error) {
	return pluginapi.Decision{Effect: d(p)}, nil
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// do sends a request to the proxy, without following redirects.
func (p *portal) do(t testing.TB, method, path string, header http.Header, body io.Reader) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	res, err := p.client().Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: read body: %v", method, path, err)
	}
	return answer{res, string(data)}
}

func (p *portal) get(t testing.TB, path string, header ...string) answer {
	t.Helper()
	return p.do(t, http.MethodGet, path, headers(header...), nil)
}

func (p *portal) client() *http.Client {
	client := *p.Server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// headers makes a header of names and values in turn.
func headers(pairs ...string) http.Header {
	h := make(http.Header)
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// fails checks that an answer is an error in the one shape.
func (a answer) fails(t testing.TB, status int, name, message string) {
	t.Helper()
	var wire struct {
		Error struct{ Name, Message string }
	}
	if err := json.Unmarshal([]byte(a.body), &wire); err != nil || a.StatusCode != status || wire.Error.Name != name || !strings.Contains(wire.Error.Message, message) {
		t.Errorf("answer = %d %s, want %d %s with %q", a.StatusCode, a.body, status, name, message)
	}
}

// is checks status and body.
func (a answer) is(t testing.TB, status int, body string) {
	t.Helper()
	if a.StatusCode != status || a.body != body {
		t.Errorf("answer = %d %.200q, want %d %.200q", a.StatusCode, a.body, status, body)
	}
}

// target is a server behind the proxy that remembers the requests it got.
type target struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func newTarget(t testing.TB, handler http.HandlerFunc) *target {
	t.Helper()
	g := &target{}
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.requests = append(g.requests, r)
		g.mu.Unlock()
		handler(w, r)
	}))
	g.Server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	g.Server.Start()
	t.Cleanup(g.Close)
	return g
}

func (g *target) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.requests)
}

// last returns the last request that the target got.
func (g *target) last(t testing.TB) *http.Request {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.requests) == 0 {
		t.Fatal("the target got no request")
	}
	return g.requests[len(g.requests)-1]
}

// hello answers every request the same.
func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

// logs collects what is logged and which errors were returned.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.add(string(p))
	return len(p), nil
}

func (l *logs) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(text + "\n")
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// eventually waits for something that has no other sign than that it is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
