package gateway_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	const target = "https://example.com"
	secret := pluginapi.NewSecret
	for _, test := range []struct {
		name   string
		config gateway.Config
		want   []string // key: message
	}{
		{"nothing", gateway.Config{}, nil},
		{"endpoint", one(proxynode.Endpoint{Target: target}), nil},
		{"no target", one(proxynode.Endpoint{}), []string{"endpoints./t.target: is missing"}},
		{"no URL", one(proxynode.Endpoint{Target: "example.com"}), []string{"endpoints./t.target: must be a URL"}},
		{"another scheme", one(proxynode.Endpoint{Target: "ftp://example.com"}), []string{"endpoints./t.target: must be a URL"}},
		{"password", one(proxynode.Endpoint{Target: "https://user:geheim@example.com"}), []string{"endpoints./t.target: must not hold a user or a password"}},
		{"credentials", one(proxynode.Endpoint{Target: target, Credentials: "none"}), []string{`endpoints./t.credentials: "none" is unknown`}},
		{"permission of nobody", one(proxynode.Endpoint{Target: target, Credentials: "dangerously-allow-unauthenticated", Permission: "x"}), []string{"endpoints./t.permission: cannot be decided"}},
		{"method", one(proxynode.Endpoint{Target: target, AllowedMethods: []string{"GET", "get"}}), []string{`endpoints./t.allowedMethods[1]: "get" is no method`}},
		{"header names", one(proxynode.Endpoint{Target: target, AllowedHeaders: []string{"a b"}, RequestHeaders: []string{""}, ResponseHeaders: []string{"x:"}}),
			[]string{"endpoints./t.allowedHeaders[0]: ", "endpoints./t.requestHeaders[0]: ", "endpoints./t.responseHeaders[0]: "}},
		{"headers", one(proxynode.Endpoint{Target: target, Headers: map[string]pluginapi.Secret{"Connection": secret("x"), "Content-Length": secret("1"), "X-Broken": secret("geheim\r\nX: y"), "X Y": secret("z")}}),
			[]string{"endpoints./t.headers.Connection: ", "endpoints./t.headers.Content-Length: ", "endpoints./t.headers.X-Broken: has a line break", "endpoints./t.headers.X Y: "}},
		{"expression", one(proxynode.Endpoint{Target: target, PathRewrite: map[string]string{"(?=x)": "y"}}), []string{"endpoints./t.pathRewrite: \"(?=x)\" is no regular expression here"}},
		{"numbers", one(proxynode.Endpoint{Target: target, Timeouts: proxynode.Timeouts{Connect: -1, Stream: -1}, Retries: proxynode.Retries{Attempts: 11, Statuses: []int{200}}, RateLimit: proxynode.RateLimit{Requests: -1}, Cache: proxynode.Caching{MaxBody: -1}}),
			[]string{"endpoints./t.timeouts.connect: must not be negative", "endpoints./t.timeouts.stream: ", "endpoints./t.retries.attempts: ", "endpoints./t.retries.statuses[0]: ", "endpoints./t.rateLimit: ", "endpoints./t.cache.maxBody: "}},
		{"paths", gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/": {Target: target}, "/a//b": {Target: target}, "/a/../b": {Target: target}, "/a b": {Target: target}, "/x": {Target: target}, "x/": {Target: target}, "/y": {Target: target, Path: "/z"}}},
			[]string{`endpoints./: "/" is no path`, "endpoints./a//b: ", "endpoints./a/../b: ", "endpoints./a b: ", `endpoints.x/: the path is the same as that of "/x"`, "endpoints./y.path: the key is the path"}},
		{"older form", gateway.Config{Older: map[string]proxynode.Endpoint{"/a": {Target: target}}}, nil},
		{"older form with faults", gateway.Config{Older: map[string]proxynode.Endpoint{"/a": {}, "endpoint": {Target: target}}}, []string{"/a.target: is missing", "endpoint: unknown key"}},
		{"left out", gateway.Config{SkipInvalidProxies: true, Endpoints: map[string]proxynode.Endpoint{"/a": {}}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.config.Validate()
			var got []string
			if list, ok := err.(interface{ Unwrap() []error }); ok {
				for _, err := range list.Unwrap() {
					key := ""
					if located, ok := err.(interface{ ConfigPath() string }); ok {
						key = located.ConfigPath()
					}
					got = append(got, key+": "+err.Error())
				}
			}
			if len(got) != len(test.want) {
				t.Fatalf("faults are %d: %q, want %d: %q", len(got), got, len(test.want), test.want)
			}
			all := strings.Join(got, "\n")
			for _, want := range test.want {
				if !strings.Contains(all, want) {
					t.Errorf("faults are\n%s\nwant %q among them", all, want)
				}
			}
			if strings.Contains(all, "geheim") {
				t.Errorf("a message tells a secret: %s", all)
			}
			live, _ := pluginapi.NewLive(test.config)
			added, _ := pluginapi.NewLive([]gateway.Added(nil))
			if _, err := gateway.New(live, slog.New(slog.DiscardHandler), nil, nil, prometheus.NewRegistry(), added); (err != nil) != (len(test.want) > 0) {
				t.Errorf("New = %v", err)
			}
		})
	}
}

func TestAddedFaults(t *testing.T) {
	t.Parallel()
	for want, list := range map[string][]gateway.Added{
		"proxy-endpoint:other/a: path: \"\" is no path":                                {contribute("a", proxynode.Endpoint{Target: "http://x"}, proxynode.AsItIs)},
		"proxy-endpoint:other/a: target: is missing":                                   {contribute("a", proxynode.Endpoint{Path: "/a"}, proxynode.AsItIs)},
		"proxy-endpoint:other/a and proxy-endpoint:other/b both are proxy endpoint /a": {contribute("a", proxynode.Endpoint{Path: "/a", Target: "http://x"}, proxynode.AsItIs), contribute("b", proxynode.Endpoint{Path: "a/", Target: "http://y"}, proxynode.AsItIs)},
	} {
		live, _ := pluginapi.NewLive(gateway.Config{})
		added, _ := pluginapi.NewLive(list)
		if _, err := gateway.New(live, slog.New(slog.DiscardHandler), nil, nil, prometheus.NewRegistry(), added); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want %q", err, want)
		}
	}
}

func TestOlderFormWarnsOnce(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	config := gateway.Config{Older: map[string]proxynode.Endpoint{"/a": {Target: g.URL}, "/b": {Target: g.URL}}}
	p := newPortal(t, options{config: config})
	p.get(t, "/a").is(t, 200, "hello")
	config.ReviveConsumedRequestBodies = true
	p.set(config)
	p.set(gateway.Config{Older: map[string]proxynode.Endpoint{"/c": {Target: g.URL}}})
	eventually(t, "the endpoint is there", func() bool { return p.get(t, "/c").StatusCode == 200 })
	if n := strings.Count(p.log.String(), "move them to proxy.endpoints"); n != 1 {
		t.Errorf("the log warns %d times of the older form, want once:\n%s", n, p.log)
	}
}

func TestEndpointText(t *testing.T) {
	t.Parallel()
	var e proxynode.Endpoint
	if err := e.UnmarshalText([]byte("https://example.com")); err != nil || e.Target != "https://example.com" {
		t.Errorf("endpoint = %+v, %v", e, err)
	}
	if err := e.Check(); err != nil {
		t.Error(err)
	}
}

// FuzzPath sends any path to an endpoint with a path of its own, which the target must not be asked outside of.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"x", "", "/", "..", "a/../b", "%2e%2e/x", "..%2f", "%252e%252e%252fx", "a//b", "%", "%zz", "x?y#z", ";..", "..;/", "a%00", "\\..\\", "%5c..%5c", "é", "a b"} {
		f.Add(path)
	}
	g := newTarget(f, hello)
	p := newPortal(f, options{config: one(proxynode.Endpoint{Target: g.URL + "/base/deep"})})
	f.Fuzz(func(t *testing.T, path string) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		before := g.count()
		status := askRaw(ctx, t, p, path)
		if g.count() == before {
			if status == 200 {
				t.Errorf("%q: answered without the target", path)
			}
			return
		}
		got := g.last(t)
		if got.URL.Path != "/base/deep" && !strings.HasPrefix(got.URL.Path, "/base/deep/") {
			t.Errorf("%q: the target was asked for %q", path, got.RequestURI)
		}
		for segment := range strings.FieldsFuncSeq(got.URL.Path, func(r rune) bool { return r == '/' || r == '\\' }) {
			if segment == ".." || segment == "." {
				t.Errorf("%q: the target was asked for %q", path, got.RequestURI)
			}
		}
	})
}

// askRaw asks for a path that need not be one, and returns the status; 0 when there is none.
func askRaw(ctx context.Context, t *testing.T, p *portal, path string) int {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(p.Server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	path = strings.Map(func(r rune) rune { // what ends a request would make it two
		if r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, path)
	_, _ = io.WriteString(conn, "GET /api/proxy/t/"+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}
