package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// counted answers with how often it was asked, and the headers that the query names. A request that has a matching condition gets a 304.
func counted(w http.ResponseWriter, r *http.Request, n int) {
	for name, values := range r.URL.Query() {
		if name != "status" && name != "size" {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
	}
	if tag := w.Header().Get("Etag"); tag != "" && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	var status, size int
	_, _ = fmt.Sscan(r.URL.Query().Get("status"), &status)
	_, _ = fmt.Sscan(r.URL.Query().Get("size"), &size)
	if status != 0 {
		w.WriteHeader(status)
	}
	_, _ = fmt.Fprintf(w, "answer %d%s", n, strings.Repeat(".", size))
}

func TestCache(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) { counted(w, r, int(asked.Add(1))) })
	cached := proxynode.Endpoint{Target: g.URL, Cache: proxynode.Caching{Enabled: true, MaxBody: 1000}, RequestHeaders: []string{"X-Custom"}}
	short, forward, owned := cached, cached, cached
	short.Cache.TTL = time.Hour
	forward.Credentials = "forward"
	owned.Headers = map[string]pluginapi.Secret{"Authorization": pluginapi.NewSecret("Basic ours")}
	p := newPortal(t, options{config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/c": cached, "/ttl": short, "/off": {Target: g.URL}, "/forward": forward, "/owned": owned}}})

	n := 0
	twice := func(path string, headers ...string) (first, second answer, times int) {
		n++
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		path += fmt.Sprintf("%sx-n=%d", separator, n)
		before := asked.Load()
		first = p.get(t, path, headers...)
		second = p.get(t, path, headers...)
		return first, second, int(asked.Load() - before)
	}
	for _, test := range []struct {
		path    string
		headers []string
		asked   int
	}{
		{"/c/a?cache-control=max-age%3D60", nil, 1},
		{"/c/a?cache-control=public,+s-maxage%3D60,+max-age%3D0", nil, 1},
		{"/c/a?cache-control=max-age%3D60,+s-maxage%3D0", nil, 2},
		{"/c/a?cache-control=max-age%3D60&age=60", nil, 2},
		{"/c/a?expires=" + httpTime(time.Hour), nil, 1},
		{"/c/a?expires=Fri,+31+Dec+9999+23:59:59+GMT", nil, 1},
		{"/c/a?expires=0", nil, 2},
		{"/c/a?expires=" + httpTime(-time.Hour), nil, 2},
		{"/c/a?cache-control=no-store,+max-age%3D60", nil, 2},
		{"/c/a?cache-control=private,+max-age%3D60", nil, 2},
		{"/c/a?cache-control=max-age%3D60&set-cookie=a", nil, 2},
		{"/c/a?cache-control=max-age%3D60&vary=*", nil, 2},
		{"/c/a?cache-control=max-age%3Dnonsense", nil, 2},
		{"/c/a", nil, 2},
		{"/ttl/a", nil, 1},
		{"/ttl/a?cache-control=max-age%3D0", nil, 2},
		{"/off/a?cache-control=max-age%3D60", nil, 2},
		{"/c/a?cache-control=max-age%3D60&status=404", nil, 1},
		{"/ttl/a?status=404", nil, 2},
		{"/c/a?cache-control=max-age%3D60&status=500", nil, 2},
		{"/c/a?cache-control=max-age%3D60&status=302", nil, 2},
		{"/c/a?cache-control=max-age%3D60&size=2000", nil, 2},
		{"/c/a?cache-control=max-age%3D60", []string{"Cache-Control", "no-cache"}, 2},
		{"/c/a?cache-control=max-age%3D60", []string{"Cache-Control", "no-store"}, 2},
		{"/c/a?cache-control=max-age%3D60", []string{"Cache-Control", "max-age=0"}, 2},
		{"/c/a?cache-control=max-age%3D60", []string{"Cache-Control", "max-age=30"}, 1},
		{"/c/a?cache-control=max-age%3D60", []string{"Pragma", "no-cache"}, 2},
		{"/c/a?cache-control=max-age%3D60", []string{"Range", "bytes=0-1"}, 2},
		{"/c/a?cache-control=max-age%3D60", []string{"Authorization", "Bearer me"}, 1}, // it is not passed on
		{"/forward/a?cache-control=max-age%3D60", []string{"Authorization", "Bearer me"}, 2},
		{"/forward/a?cache-control=max-age%3D60", nil, 1},
		{"/owned/a?cache-control=max-age%3D60", nil, 1}, // everybody's answer is the same
	} {
		first, second, times := twice(test.path, test.headers...)
		if times != test.asked {
			t.Errorf("%s %q: the target was asked %d times for two requests, want %d", test.path, test.headers, times, test.asked)
		}
		if first.StatusCode != second.StatusCode || test.asked == 1 && first.body != second.body {
			t.Errorf("%s: answers were %d %q and %d %q", test.path, first.StatusCode, first.body, second.StatusCode, second.body)
		}
		if test.asked == 1 && (second.Header.Get("Age") == "" || !strings.Contains(second.Header.Get("Cache-Status"), "hit") || second.Header.Get("Content-Type") != first.Header.Get("Content-Type")) {
			t.Errorf("%s: the kept answer has the header %v", test.path, second.Header)
		}
	}

	// Asking whether it still holds.
	first, second, times := twice(`/c/a?cache-control=no-cache&etag="one"`)
	if times != 2 || first.body != second.body || second.StatusCode != http.StatusOK || g.last(t).Header.Get("If-None-Match") != `"one"` {
		t.Errorf("revalidated: %d %q and %d %q", first.StatusCode, first.body, second.StatusCode, second.body)
	}
	// The client has it already.
	path := `/c/b?cache-control=max-age%3D60&etag="one"&last-modified=` + httpTime(-time.Hour)
	p.get(t, path)
	before := asked.Load()
	for _, condition := range [][2]string{{"If-None-Match", `"zero", W/"one"`}, {"If-None-Match", "*"}, {"If-Modified-Since", time.Now().UTC().Format(http.TimeFormat)}} {
		a := p.get(t, path, condition[0], condition[1])
		if a.StatusCode != http.StatusNotModified || a.body != "" || a.Header.Get("Etag") != `"one"` {
			t.Errorf("%s: %d %q", condition, a.StatusCode, a.body)
		}
	}
	for _, condition := range [][2]string{{"If-None-Match", `"two"`}, {"If-Modified-Since", time.Now().Add(-48 * time.Hour).UTC().Format(http.TimeFormat)}} {
		if a := p.get(t, path, condition[0], condition[1]); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", condition, a.StatusCode)
		}
	}
	if asked.Load() != before {
		t.Error("the target was asked about what is kept and good")
	}
	// Answers that vary.
	vary := "/c/vary?cache-control=max-age%3D60&vary=X-Custom,accept-language"
	one := p.get(t, vary, "X-Custom", "1")
	two := p.get(t, vary, "X-Custom", "2")
	if again := p.get(t, vary, "X-Custom", "1"); one.body == two.body || again.body != one.body {
		t.Errorf("answers that vary were %q, %q and %q again", one.body, two.body, again.body)
	}
	if other := p.get(t, vary, "X-Custom", "1", "Accept-Language", "de"); other.body == one.body {
		t.Error("an answer in another language was taken from the cache")
	}
	// Changing something through the proxy.
	path = "/c/changing?cache-control=max-age%3D60"
	one = p.get(t, path)
	p.do(t, http.MethodDelete, path, nil, nil)
	if two = p.get(t, path); one.body == two.body {
		t.Error("an answer was kept although what it is about was deleted")
	}
	// HEAD comes from the target.
	if a := p.do(t, http.MethodHead, path, nil, nil); a.StatusCode != http.StatusOK {
		t.Error(a.StatusCode)
	}
}

func httpTime(from time.Duration) string {
	return strings.ReplaceAll(time.Now().Add(from).UTC().Format(http.TimeFormat), " ", "+")
}

// What is kept is for those only who may ask.
func TestCacheIsBehindTheChecks(t *testing.T) {
	t.Parallel()
	g := newTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "hello")
	})
	allowed := true
	p := newPortal(t, options{
		config: one(proxynode.Endpoint{Target: g.URL, Cache: proxynode.Caching{Enabled: true}, Permission: "p"}),
		authorizer: decide(func(pluginapi.Permission) pluginapi.Effect {
			if allowed {
				return pluginapi.Allow
			}
			return pluginapi.Deny
		}),
	})
	p.get(t, "/t").is(t, http.StatusOK, "hello")
	p.get(t, "/t").is(t, http.StatusOK, "hello")
	p.get(t, "/t", "X-Nobody", "1").fails(t, http.StatusUnauthorized, "AuthenticationError", "")
	allowed = false
	p.get(t, "/t").fails(t, http.StatusForbidden, "NotAllowedError", "")
	if g.count() != 1 {
		t.Errorf("the target was asked %d times", g.count())
	}
	// Another target has other answers.
	other := newTarget(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "other") })
	allowed = true
	p.set(one(proxynode.Endpoint{Target: other.URL, Cache: proxynode.Caching{Enabled: true}}))
	eventually(t, "the endpoint has another target", func() bool { return p.get(t, "/t").body == "other" })
}
