package gateway_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// nowhere is an address where nothing listens. A port that was free a moment ago would not do: a test beside this one may get it.
const nowhere = "http://127.0.0.1:1"

// says is a server that answers every connection with the same bytes, after the first bytes of a request, and leaves it open if it is told so.
func says(t *testing.T, text string, open bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { close(done); _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, text)
				if open {
					<-done
					return
				}
				// What was not read would make the system take back what was written.
				_ = conn.(*net.TCPConn).CloseWrite()
				_ = conn.SetReadDeadline(time.Now().Add(time.Second))
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestTargetFaults(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	quick := proxynode.Timeouts{Header: 50 * time.Millisecond}
	private := false
	tests := []struct {
		name     string
		endpoint proxynode.Endpoint
		status   int
		code     string
		message  string
	}{
		{"nothing listens", proxynode.Endpoint{Target: nowhere}, 504, "TargetUnreachableError", "refused the connection"},
		{"unknown host", proxynode.Endpoint{Target: "http://does-not-exist.invalid"}, 504, "TargetUnreachableError", "host name that is unknown"},
		{"closes at once", proxynode.Endpoint{Target: says(t, "", false)}, 504, "TargetUnreachableError", "closed the connection"},
		{"closes within the header", proxynode.Endpoint{Target: says(t, "HTTP/1.1 200 OK\r\nContent-Le: 1\r\n", false)}, 504, "TargetUnreachableError", "closed the connection"},
		{"is silent", proxynode.Endpoint{Target: says(t, "", true), Timeouts: quick}, 504, "TargetTimeoutError", "did not answer within 50ms"},
		{"is silent within the header", proxynode.Endpoint{Target: says(t, "HTTP/1.1 200 OK\r\nA: b\r\n", true), Timeouts: quick}, 504, "TargetTimeoutError", "did not answer within 50ms"},
		{"is silent, with Backstage's option", proxynode.Endpoint{Target: says(t, "", true), ProxyTimeout: 50 * time.Millisecond}, 504, "TargetTimeoutError", "did not answer within 50ms"},
		{"speaks something else", proxynode.Endpoint{Target: says(t, "220 mail.example.com ESMTP\r\n", true)}, 502, "TargetResponseError", "not HTTP"},
		{"endless header", proxynode.Endpoint{Target: says(t, "HTTP/1.1 200 OK\r\n"+strings.Repeat("A: b\r\n", 100_000), true)}, 502, "TargetResponseError", "not HTTP"},
		{"two lengths", proxynode.Endpoint{Target: says(t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", true)}, 502, "TargetResponseError", "not HTTP"},
		{"two encodings", proxynode.Endpoint{Target: says(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", true)}, 502, "TargetResponseError", "not HTTP"},
		{"status below 100", proxynode.Endpoint{Target: says(t, "HTTP/1.1 042 Hm\r\nContent-Length: 0\r\n\r\n", true)}, 502, "TargetResponseError", "not HTTP"},
		{"switches protocols", proxynode.Endpoint{Target: says(t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", true)}, 502, "TargetResponseError", "not HTTP"},
		{"certificate of nobody", proxynode.Endpoint{Target: secure.URL}, 502, "TargetUntrustedError", "no certificate that can be trusted"},
		{"no TLS", proxynode.Endpoint{Target: strings.Replace(says(t, "HTTP/1.1 400 Bad Request\r\n\r\n", false), "http:", "https:", 1)}, 502, "TargetUntrustedError", "no certificate"},
		{"private address", proxynode.Endpoint{Target: "http://localhost:1", PrivateNetworks: &private}, 502, "TargetForbiddenError", "must not be used"},
		{"private number", proxynode.Endpoint{Target: "http://127.0.0.1:1", PrivateNetworks: &private}, 502, "TargetForbiddenError", "must not be used"},
		{"no host", proxynode.Endpoint{Target: "http://0.0.0.0:1"}, 502, "TargetForbiddenError", "must not be used"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.endpoint.Retries.Attempts = -1
			p := newPortal(t, options{config: one(test.endpoint)})
			for _, body := range []string{"", strings.Repeat("x", 50_000)} { // these take different ways
				method := http.MethodGet
				if body != "" {
					method = http.MethodPost
				}
				a := p.do(t, method, "/t/secret-path", nil, strings.NewReader(body))
				if body == "" || !strings.Contains(a.body, "closed the connection") { // as it may look while a body is still being sent
					a.fails(t, test.status, test.code, test.message)
				}
				if !strings.Contains(a.body, "proxy endpoint /t") || strings.Contains(a.body, "secret-path") || strings.Contains(a.body, "127.0.0.1") {
					t.Errorf("the message should name the endpoint, and not the target's address: %s", a.body)
				}
			}
		})
	}
}

func TestTargetOverTLS(t *testing.T) {
	t.Parallel()
	var protocol atomic.Value
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol.Store(r.Proto)
		hello(w, r)
	}))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	no := false
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: secure.URL, Secure: &no}), tls: true})
	a := p.get(t, "/t")
	a.is(t, http.StatusOK, "hello")
	if a.Proto != "HTTP/2.0" || protocol.Load() != "HTTP/2.0" {
		t.Errorf("the client spoke %s with the proxy, the proxy %s with the target, want HTTP/2.0", a.Proto, protocol.Load())
	}
	p.do(t, http.MethodPost, "/t", nil, strings.NewReader(strings.Repeat("x", 100_000))).is(t, http.StatusOK, "hello")
}

// An answer that breaks off must not look complete.
func TestAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	quick := proxynode.Timeouts{Idle: 50 * time.Millisecond, Total: time.Minute}
	short := proxynode.Timeouts{Idle: time.Minute, Total: 100 * time.Millisecond}
	for name, e := range map[string]proxynode.Endpoint{
		"closed within a body":               {Target: says(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", false)},
		"closed within a long body":          {Target: says(t, "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\nhello", false)},
		"closed within chunks":               {Target: says(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false)},
		"bad chunk":                          {Target: says(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n", false)},
		"silent within a body":               {Target: says(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", true), Timeouts: quick},
		"silent within a long body":          {Target: says(t, "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\nhello", true), Timeouts: quick},
		"silent within chunks":               {Target: says(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true), Timeouts: quick},
		"silent within a body of any length": {Target: says(t, "HTTP/1.1 200 OK\r\n\r\nhello", true), Timeouts: quick},
		"takes too long as a whole":          {Target: says(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", true), Timeouts: short},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, options{config: one(e)})
			for _, method := range []string{http.MethodGet, http.MethodPost} { // these take different ways
				r, err := http.NewRequestWithContext(t.Context(), method, p.URL+"/t", strings.NewReader(strings.Repeat("x", map[string]int{http.MethodGet: 0, http.MethodPost: 50_000}[method])))
				if err != nil {
					t.Fatal(err)
				}
				res, err := p.client().Do(r)
				if err != nil {
					continue // it broke off before anything was sent
				}
				data, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if err == nil {
					t.Errorf("%s: an answer that broke off came as complete: %d %q", method, res.StatusCode, data)
				}
			}
		})
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	g := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/chunked":
			_, _ = io.WriteString(w, "hel")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "lo")
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		case "/same":
			w.WriteHeader(http.StatusNotModified)
		case "/long":
			_, _ = w.Write(make([]byte, 300_000))
		default:
			hello(w, r)
		}
	}))
	g.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	g.Start()
	t.Cleanup(g.Close)
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL})})
	for range 5 {
		for path, want := range map[string]int{"/x": 5, "/chunked": 5, "/nothing": 0, "/same": 0, "/long": 300_000} {
			if a := p.get(t, "/t"+path); len(a.body) != want {
				t.Errorf("GET %s: %d bytes, want %d", path, len(a.body), want)
			}
			p.do(t, http.MethodHead, "/t"+path, nil, nil)
			p.do(t, http.MethodPost, "/t"+path, nil, strings.NewReader("short"))
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("75 requests one after the other took %d connections to the target, want 1", n)
	}
	// The target closes its connections: what must not be sent twice finds a new one, too.
	g.CloseClientConnections()
	time.Sleep(10 * time.Millisecond)
	p.do(t, http.MethodPost, "/t/x", nil, strings.NewReader("short")).is(t, http.StatusOK, "hello")
	g.CloseClientConnections()
	p.get(t, "/t/x").is(t, http.StatusOK, "hello")
}

func TestRetries(t *testing.T) {
	t.Parallel()
	var failures atomic.Int32
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Connection", "close") // a kept connection that breaks is tried again by itself
		if failures.Add(-1) >= 0 {
			if r.URL.Path == "/status" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			panic(http.ErrAbortHandler)
		}
		hello(w, r)
	})
	quick := proxynode.Retries{Attempts: 2, Pause: time.Millisecond, Statuses: []int{503}}
	off := proxynode.Retries{Attempts: -1}
	p := newPortal(t, options{config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/t": {Target: g.URL, Retries: quick}, "/off": {Target: g.URL, Retries: off}, "/default": {Target: g.URL}}}})
	tests := []struct {
		method, path, body string
		failures, status   int
		asked              int
	}{
		{"GET", "/t/break", "", 2, 200, 3},
		{"GET", "/t/break", "", 3, 504, 3},
		{"HEAD", "/t/break", "", 2, 200, 3},
		{"GET", "/t/status", "", 2, 200, 3},
		{"GET", "/t/status", "", 9, 503, 3},
		{"POST", "/t/break", "body", 1, 504, 1},
		{"POST", "/t/status", "body", 1, 503, 1},
		{"POST", "/t/break", "", 1, 504, 1},
		{"GET", "/off/break", "", 1, 504, 1},
		{"GET", "/default/break", "", 1, 200, 2},
		{"GET", "/default/status", "", 1, 503, 1},
	}
	for _, test := range tests {
		failures.Store(int32(test.failures))
		before := g.count()
		a := p.do(t, test.method, test.path, nil, strings.NewReader(test.body))
		if asked := g.count() - before; a.StatusCode != test.status || asked != test.asked {
			t.Errorf("%s %s with %d failures = %d after %d attempts, want %d after %d", test.method, test.path, test.failures, a.StatusCode, asked, test.status, test.asked)
		}
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			panic(http.ErrAbortHandler)
		}
		http.Error(w, "an error is an answer", http.StatusInternalServerError)
	})
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, Retries: proxynode.Retries{Attempts: -1}, Breaker: proxynode.Breaker{Failures: 3, Pause: 200 * time.Millisecond}})})
	for range 3 {
		p.do(t, http.MethodPost, "/t", nil, nil).fails(t, http.StatusGatewayTimeout, "TargetUnreachableError", "closed the connection")
	}
	before := g.count()
	a := p.get(t, "/t")
	a.fails(t, http.StatusServiceUnavailable, "ServiceUnavailableError", "is asked again soon")
	if a.Header.Get("Retry-After") != "1" || g.count() != before {
		t.Errorf("Retry-After = %q; the target was asked %d times more, want never", a.Header.Get("Retry-After"), g.count()-before)
	}
	if !strings.Contains(p.log.String(), "given a rest") {
		t.Errorf("the log does not say so:\n%s", p.log)
	}
	broken.Store(false)
	eventually(t, "the target is asked again", func() bool { return p.get(t, "/t").StatusCode == http.StatusInternalServerError })
	for range 10 {
		if a := p.get(t, "/t"); a.StatusCode != http.StatusInternalServerError {
			t.Errorf("answer = %d after the target is back", a.StatusCode)
		}
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var base string
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		hello(w, r)
	})
	base = g.URL + "/base"
	plain := proxynode.Endpoint{Target: base}
	rewriting, passing, following := plain, plain, plain
	rewriting.PathRewrite = map[string]string{"^/api/proxy/rewriting": ""}
	passing.AllowedHeaders = []string{"Location"}
	following.FollowRedirects = true
	p := newPortal(t, options{prefix: "/portal", config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/t": plain, "/rewriting": rewriting, "/passing": passing, "/following": following}}})
	for _, test := range []struct{ endpoint, to, want string }{
		{"/t", "/base/x?y=1#z", "/portal/api/proxy/t/x?y=1#z"},
		{"/t", base + "/x", "/portal/api/proxy/t/x"},
		{"/t", "x", "/portal/api/proxy/t/x"},
		{"/t", "/base", "/portal/api/proxy/t"},
		{"/t", "/other", ""},
		{"/t", "/based", ""},
		{"/t", "/base/..%2f..%2fx", ""},
		{"/t", "http://internal.example/base/x", ""},
		{"/t", "//internal.example/base/x", ""},
		{"/t", "https://" + strings.TrimPrefix(base, "http://") + "/x", ""},
		{"/t", "javascript:alert(1)", ""},
		{"/rewriting", "/base/x", ""},
		{"/passing", "http://internal.example/x", "http://internal.example/x"},
	} {
		a := p.get(t, test.endpoint+"/from?to="+url.QueryEscape(test.to))
		if got := a.Header.Get("Location"); a.StatusCode != http.StatusFound || got != test.want {
			t.Errorf("%s: redirect to %q = %d with Location %q, want %q", test.endpoint, test.to, a.StatusCode, got, test.want)
		}
	}
	p.get(t, "/following/from?to="+url.QueryEscape("/elsewhere?to=end")).is(t, http.StatusOK, "hello")
	if got := g.last(t).RequestURI; got != "/end" {
		t.Errorf("redirects were followed to %s, want /end", got)
	}
	before := g.count()
	for to, message := range map[string]string{
		"http://internal.example/": "another host", "https://" + strings.TrimPrefix(g.URL, "http://"): "another host", "http://169.254.169.254/latest": "another host", "/a/%2e%2e/x": "nowhere",
		"http://user@" + strings.TrimPrefix(g.URL, "http://"): "another host",
	} {
		p.get(t, "/following/from?to="+url.QueryEscape(to)).fails(t, http.StatusBadGateway, "TargetRedirectError", message)
	}
	if asked := g.count() - before; asked != 5 {
		t.Errorf("the target was asked %d times for 5 redirects that must not be followed", asked)
	}
	loop := url.QueryEscape("/from?to=x")
	for range 7 {
		loop = url.QueryEscape("/from?to=" + loop)
	}
	p.get(t, "/following/from?to="+loop).fails(t, http.StatusBadGateway, "TargetRedirectError", "one place after the other")
	if a := p.do(t, http.MethodPost, "/following/from?to=/x", nil, strings.NewReader("body")); a.StatusCode != http.StatusFound {
		t.Errorf("POST = %d, want the redirect, which must not be followed", a.StatusCode)
	}
}

// A client that leaves takes the request to the target with it.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	arrived, left := make(chan struct{}, 1), make(chan struct{}, 1)
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/streaming" {
			_, _ = io.WriteString(w, "hello")
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, Breaker: proxynode.Breaker{Failures: 1}})})
	for _, path := range []string{"/waiting", "/streaming"} {
		for _, body := range []string{"", strings.Repeat("x", 50_000)} {
			conn := dial(t, p)
			method := "GET"
			if body != "" {
				method = "POST"
			}
			conn.send(method + " /api/proxy/t" + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
			<-arrived
			_ = conn.Close()
			select {
			case <-left:
			case <-time.After(10 * time.Second):
				t.Fatalf("%s %s: the target was not told that the client left", method, path)
			}
		}
	}
	if a := p.do(t, http.MethodOptions, "/nothing", nil, nil); a.StatusCode != http.StatusNotFound {
		t.Error(a.StatusCode)
	}
	if strings.Contains(p.log.String(), "given a rest") {
		t.Errorf("clients that left count against the target:\n%s", p.log)
	}
}

// Nobody watches for clients that leave as long as targets answer at once; those that do not are waited for all the same.
func TestTargetsThatTakeTheirTime(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	pieces := []string{"HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-", "Length: 6\r\n\r\nhel", "lo\n"}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				_, _ = conn.Read(make([]byte, 4096))
				for _, piece := range pieces {
					time.Sleep(600 * time.Millisecond)
					_, _ = io.WriteString(conn, piece)
				}
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: "http://" + l.Addr().String()})})
	p.get(t, "/t").is(t, 200, "hello\n")
}
