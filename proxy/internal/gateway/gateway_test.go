package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

func TestForward(t *testing.T) {
	t.Parallel()
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/x-test")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("a teapot"))
	})
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL + "/base?fixed=1"})})
	a := p.get(t, "/t/some/path?x=1&y=%20;z")
	a.is(t, http.StatusTeapot, "a teapot")
	if got := a.Header.Get("Content-Type"); got != "text/x-test" {
		t.Errorf("Content-Type = %q", got)
	}
	if got, want := g.last(t).RequestURI, "/base/some/path?fixed=1&x=1&y=%20;z"; got != want {
		t.Errorf("the target was asked for %s, want %s", got, want)
	}
	if got := g.last(t).Host; got != strings.TrimPrefix(g.URL, "http://") {
		t.Errorf("Host = %q, want the target's", got)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{prefix: "/portal", config: gateway.Config{
		Endpoints: map[string]proxynode.Endpoint{
			"/a":         {Target: g.URL + "/a-target"},
			"/a/b":       {Target: g.URL + "/ab-target/"},
			"no-slash":   {Target: g.URL},
			"/rewritten": {Target: g.URL + "/base", PathRewrite: map[string]string{"^/api/proxy/rewritten/v1/?": "/one/", "^/api/proxy/rewritten/v1/(x+)y": "/two/$1y", "q$": "?q=1"}},
			"/gone":      {Target: g.URL, PathRewrite: map[string]string{"^.*$": "/"}},
		},
		Older:              map[string]proxynode.Endpoint{"/older": {Target: g.URL + "/older-target"}, "/a": {Target: "http://127.0.0.1:1/never"}},
		SkipInvalidProxies: true,
	}})
	tests := []struct{ path, want string }{
		{"/a", "/a-target/"},
		{"/a/", "/a-target/"},
		{"/a/c", "/a-target/c"},
		{"/a/b", "/ab-target/"},
		{"/a/b/", "/ab-target/"},
		{"/a/b/c/", "/ab-target/c/"},
		{"/a/bc", "/a-target/bc"},
		{"/%61/%62/c", "/ab-target/c"},
		{"/a/b%2Fc", "/a-target/b%2Fc"},
		{"/a/c%20d%2fe%3Ff?x=%2F", "/a-target/c%20d%2fe%3Ff?x=%2F"},
		{"/a//x///y", "/a-target//x///y"},
		{"/a/%E2%82%AC", "/a-target/%E2%82%AC"},
		{"/a/...", "/a-target/..."},
		{"/a/.well-known/x", "/a-target/.well-known/x"},
		{"/a/?", "/a-target/"},
		{"/no-slash/x", "/x"},
		{"/older/x", "/older-target/x"},
		{"/rewritten/v1/x", "/base/one/x"},
		{"/rewritten/v1", "/base/one/"},
		{"/rewritten/v1/xxy", "/base/two/xxy"},
		{"/rewritten/v2", "/base/api/proxy/rewritten/v2"},
		{"/rewritten/q?r=2", "/base/api/proxy/rewritten/?q=1&r=2"},
		{"/gone/anything", "/"},
	}
	for _, test := range tests {
		p.get(t, test.path).is(t, http.StatusOK, "hello")
		if got := g.last(t).RequestURI; got != test.want {
			t.Errorf("%s: the target was asked for %s, want %s", test.path, got, test.want)
		}
	}
	before := g.count()
	for _, path := range []string{"", "/", "/nothing", "/ab", "/A"} {
		p.get(t, path).fails(t, http.StatusNotFound, "NotFoundError", "there is no proxy endpoint")
	}
	if g.count() != before {
		t.Error("the target was asked")
	}
}
