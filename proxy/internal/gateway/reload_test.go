package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// contribute makes an endpoint as another plugin adds it.
func contribute(id string, spec proxynode.Endpoint, prepare proxynode.PrepareFunc) gateway.Added {
	return proxynode.Endpoints.List([]pluginapi.Contribution{{
		ID: "proxy-endpoint:other/" + id, Plugin: "other", Spec: spec,
		Call: func(ctx context.Context, fn func(context.Context, any) error) error { return fn(ctx, prepare) },
	}})[0]
}

func TestReload(t *testing.T) {
	t.Parallel()
	a, b, code := newTarget(t, named("a")), newTarget(t, named("b")), newTarget(t, named("code"))
	p := newPortal(t, options{
		config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/one": {Target: a.URL}, "/two": {Target: a.URL, RateLimit: proxynode.RateLimit{Requests: 1, Per: time.Hour}}}},
		code:   []gateway.Added{contribute("code", proxynode.Endpoint{Path: "/code", Target: code.URL}, proxynode.AsItIs), contribute("covered", proxynode.Endpoint{Path: "/one", Target: code.URL}, proxynode.AsItIs)},
	})
	is := func(path, body string) {
		t.Helper()
		p.get(t, path).is(t, http.StatusOK, body)
	}
	is("/one", "a")
	is("/two", "a")
	is("/code", "code")

	// A change replaces all; what did not change keeps its count.
	p.set(gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/three": {Target: b.URL}, "/two": {Target: a.URL, RateLimit: proxynode.RateLimit{Requests: 1, Per: time.Hour}}}})
	eventually(t, "the new endpoints are there", func() bool { return p.get(t, "/three").StatusCode == http.StatusOK })
	is("/one", "code") // no longer covered by configuration
	is("/code", "code")
	p.get(t, "/two").fails(t, http.StatusTooManyRequests, "TooManyRequestsError", "")

	// A change that is not valid changes nothing.
	p.set(gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/four": {Target: b.URL}, "/five": {Target: "nonsense"}}})
	eventually(t, "the log says that it is not valid", func() bool { return strings.Contains(p.log.String(), "stay as they were") })
	is("/three", "b")
	is("/code", "code")
	p.get(t, "/four").fails(t, http.StatusNotFound, "NotFoundError", "")

	// Unless that is wished for.
	p.set(gateway.Config{SkipInvalidProxies: true, Endpoints: map[string]proxynode.Endpoint{"/four": {Target: b.URL}, "/five": {Target: "nonsense"}}})
	eventually(t, "the valid endpoint is there", func() bool { return p.get(t, "/four").StatusCode == http.StatusOK })
	p.get(t, "/five").fails(t, http.StatusNotFound, "NotFoundError", "")
	if !strings.Contains(p.log.String(), `proxy endpoint is left out`) {
		t.Errorf("the log does not say what is left out:\n%s", p.log)
	}

	// Endpoints from code can be switched off and set, too.
	p.add([]gateway.Added{contribute("code", proxynode.Endpoint{Path: "/moved", Target: code.URL}, proxynode.AsItIs)})
	eventually(t, "the endpoint has moved", func() bool { return p.get(t, "/moved").StatusCode == http.StatusOK })
	p.get(t, "/code").fails(t, http.StatusNotFound, "NotFoundError", "")
	is("/four", "b")
	p.add([]gateway.Added{contribute("code", proxynode.Endpoint{Path: "/moved"}, proxynode.AsItIs)})
	eventually(t, "the log says that it is not valid", func() bool { return strings.Contains(p.log.String(), "proxy-endpoint:other/code: target: is missing") })
	is("/moved", "code")
}

func named(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(name)) }
}

// A request that is under way ends as it began.
func TestReloadSparesRequests(t *testing.T) {
	t.Parallel()
	arrived, proceed := make(chan struct{}), make(chan struct{})
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-proceed
		hello(w, r)
	})
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL})})
	done := make(chan answer)
	go func() { done <- p.get(t, "/t") }()
	<-arrived
	p.set(gateway.Config{})
	eventually(t, "the endpoint is gone", func() bool { return p.get(t, "/t").StatusCode == http.StatusNotFound })
	close(proceed)
	(<-done).is(t, http.StatusOK, "hello")
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	cached := proxynode.Endpoint{Path: "/cached", Target: g.URL, Cache: proxynode.Caching{Enabled: true, TTL: time.Hour}}
	tells, narrows, same, token := cached, cached, cached, cached
	tells.Path, narrows.Path, same.Path, token.Path = "/tells", "/narrows", "/same", "/tokens"
	var user atomic.Int64
	p := newPortal(t, options{code: []gateway.Added{
		contribute("token", proxynode.Endpoint{Path: "/token", Target: g.URL, Headers: map[string]pluginapi.Secret{"X-Set": pluginapi.NewSecret("set")}, WS: true},
			func(ctx context.Context, out *http.Request) error {
				if pluginapi.PrincipalFrom(ctx).IsZero() {
					return errors.New("nobody asks")
				}
				out.Header.Set("Authorization", "Bearer fetched")
				out.URL.RawQuery = "key=1"
				return nil
			}),
		contribute("refuses", proxynode.Endpoint{Path: "/refuses", Target: g.URL}, func(context.Context, *http.Request) error { return pluginapi.NotAllowed("not today") }),
		contribute("injects", proxynode.Endpoint{Path: "/injects", Target: g.URL}, func(_ context.Context, out *http.Request) error {
			out.Header.Set("X-Bad", "a\r\nX-Injected: b")
			return nil
		}),
		contribute("cached", cached, func(_ context.Context, out *http.Request) error {
			out.Header.Set("Authorization", "Bearer one person's")
			return nil
		}),
		contribute("tells who", tells, func(_ context.Context, out *http.Request) error {
			out.Header.Set("X-User", fmt.Sprint(user.Load()))
			return nil
		}),
		contribute("narrows", narrows, func(_ context.Context, out *http.Request) error {
			out.URL.RawQuery = fmt.Sprint("user=", user.Load())
			return nil
		}),
		contribute("has a token", token, func(_ context.Context, out *http.Request) error {
			out.Header.Set("X-Token", "ours")
			return nil
		}),
		contribute("changes nothing", same, proxynode.AsItIs),
	}})
	p.get(t, "/token/x?a=1").is(t, http.StatusOK, "hello")
	r := g.last(t)
	if r.Header.Get("Authorization") != "Bearer fetched" || r.Header.Get("X-Set") != "set" || r.RequestURI != "/x?key=1" {
		t.Errorf("the target got %s %v", r.RequestURI, r.Header)
	}
	before := g.count()
	p.get(t, "/refuses").fails(t, http.StatusForbidden, "NotAllowedError", "not today")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		body := strings.Repeat("x", map[string]int{http.MethodGet: 0, http.MethodPost: 50_000}[method])
		if a := p.do(t, method, "/injects", nil, strings.NewReader(body)); a.StatusCode < 500 {
			t.Errorf("%s with a header that cannot be sent = %d", method, a.StatusCode)
		}
	}
	if g.count() != before {
		t.Error("the target was asked")
	}
	for path, want := range map[string]int{"/cached": 4, "/tells": 2, "/narrows": 2, "/tokens": 1, "/same": 1} {
		before := g.count()
		for i := range 4 { // two users, each twice
			user.Store(int64(i % 2))
			p.get(t, path).is(t, http.StatusOK, "hello")
		}
		if asked := g.count() - before; asked != want {
			t.Errorf("%s: the target was asked %d times, want %d: answers to one person are for nobody else", path, asked, want)
		}
	}
}
