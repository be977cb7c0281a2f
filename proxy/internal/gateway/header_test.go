package gateway_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// sent returns the names of headers that the target got, without those that every request has.
func sent(r *http.Request) []string {
	var list []string
	for name := range r.Header {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	all := headers("Accept", "a", "Accept-Language", "de", "Accept-Encoding", "gzip", "Authorization", "Bearer user", "Cache-Control", "no-cache", "Content-Language", "de", "Content-Type", "text/x",
		"Cookie", "session=1", "Expires", "0", "If-None-Match", `"x"`, "If-Modified-Since", "x", "If-Match", "x", "If-Unmodified-Since", "x", "If-Range", "x", "Range", "bytes=0-1",
		"Last-Modified", "x", "Pragma", "x", "User-Agent", "test", "Traceparent", "00-1", "Tracestate", "a=1", "Baggage", "b=1", "X-Request-Id", "mine", "X-Custom", "1", "X-Forwarded-For", "1.2.3.4",
		"X-Token", "the client's", "Te", "trailers", "Keep-Alive", "x", "Proxy-Authorization", "x", "Upgrade", "h2c", "Link", "x", "Connection", "X-Token, X-Listed, close", "X-Listed", "x")
	always := []string{"Accept", "Accept-Language", "Baggage", "Cache-Control", "Content-Language", "Content-Type", "Expires", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
		"If-Unmodified-Since", "Last-Modified", "Pragma", "Range", "Traceparent", "Tracestate", "User-Agent", "X-Request-Id"}
	tests := []struct {
		name     string
		endpoint proxynode.Endpoint
		more     []string
	}{
		{"default", proxynode.Endpoint{}, nil},
		{"allowed both ways", proxynode.Endpoint{AllowedHeaders: []string{"x-custom", "COOKIE", "te", "connection", "host", "x-listed"}}, []string{"Cookie", "X-Custom"}},
		{"allowed in requests", proxynode.Endpoint{RequestHeaders: []string{"X-Custom"}}, []string{"X-Custom"}},
		{"allowed in answers", proxynode.Endpoint{ResponseHeaders: []string{"X-Custom"}}, nil},
		{"set", proxynode.Endpoint{Headers: map[string]pluginapi.Secret{"authorization": pluginapi.NewSecret("Basic ours"), "x-token": pluginapi.NewSecret("ours")}}, []string{"Authorization", "X-Token"}},
		{"forwarded credentials", proxynode.Endpoint{Credentials: "forward"}, []string{"Authorization"}},
		{"who asked", proxynode.Endpoint{XFwd: true}, []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}},
	}
	for _, test := range tests {
		test.endpoint.Target = g.URL
		p := newPortal(t, options{config: one(test.endpoint)})
		p.do(t, http.MethodGet, "/t/x", all, nil).is(t, http.StatusOK, "hello")
		got := g.last(t)
		want := slices.Sorted(slices.Values(slices.Concat(always, test.more)))
		if !slices.Equal(sent(got), want) {
			t.Errorf("%s: the target got the headers\n%q, want\n%q", test.name, sent(got), want)
		}
		for name, value := range map[string]string{"set/Authorization": "Basic ours", "set/X-Token": "ours", "forwarded credentials/Authorization": "Bearer user", "who asked/X-Forwarded-For": "127.0.0.1"} {
			if which, header, _ := strings.Cut(name, "/"); which == test.name && got.Header.Get(header) != value {
				t.Errorf("%s: %s = %q, want %q", test.name, header, got.Header.Get(header), value)
			}
		}
		if got.Header.Get("X-Request-Id") != "mine" || got.Header.Get("User-Agent") != "test" {
			t.Errorf("%s: headers came changed: %v", test.name, got.Header)
		}
	}
}

func TestHeadersThatAreNotThere(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL})})
	conn := dial(t, p)
	conn.send("GET /api/proxy/t HTTP/1.1\r\nHost: portal\r\n\r\n")
	conn.expect("HTTP/1.1 200 OK")
	if got, want := sent(g.last(t)), []string{"X-Request-Id"}; !slices.Equal(got, want) {
		t.Errorf("the target got the headers %q, want %q", got, want)
	}
	if got := g.last(t).Header.Get("X-Request-Id"); got != "request-1" {
		t.Errorf("X-Request-Id = %q, want the portal's", got)
	}
}

func TestHostHeader(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	off := false
	for want, e := range map[string]proxynode.Endpoint{
		strings.TrimPrefix(g.URL, "http://"): {},
		"portal.example":                     {ChangeOrigin: &off},
		"set.example":                        {Headers: map[string]pluginapi.Secret{"Host": pluginapi.NewSecret("set.example")}},
	} {
		e.Target = g.URL
		conn := dial(t, newPortal(t, options{config: one(e)}))
		conn.send("GET /api/proxy/t HTTP/1.1\r\nHost: portal.example\r\n\r\n")
		conn.expect("HTTP/1.1 200 OK")
		if got := g.last(t).Host; got != want {
			t.Errorf("the target got Host %q, want %q", got, want)
		}
	}
}

func TestAnswerHeaders(t *testing.T) {
	t.Parallel()
	g := newTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range map[string]string{"Cache-Control": "x", "Content-Language": "x", "Content-Type": "text/x", "Expires": "x", "Last-Modified": "x", "Pragma": "x", "Etag": `"x"`, "Accept-Ranges": "bytes",
			"Content-Range": "bytes 0-1/2", "Content-Encoding": "x", "Vary": "X-Custom", "Retry-After": "3", "Set-Cookie": "a=1", "Link": "x", "Www-Authenticate": "Basic", "X-Custom": "1", "Server": "x",
			"X-Request-Id": "theirs", "Access-Control-Allow-Origin": "*", "Content-Security-Policy": "x", "Keep-Alive": "x", "Proxy-Authenticate": "x", "Connection": "X-Listed", "X-Listed": "x",
		} {
			w.Header().Set(name, value)
		}
		_, _ = io.WriteString(w, "hello")
	})
	always := []string{"Accept-Ranges", "Cache-Control", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range", "Content-Security-Policy", "Content-Type", "Date", "Etag", "Expires", "Last-Modified", "Pragma", "Retry-After",
		"Vary", "X-Request-Id"}
	for _, test := range []struct {
		name     string
		endpoint proxynode.Endpoint
		more     []string
		policy   string
	}{
		{"default", proxynode.Endpoint{}, nil, "sandbox"},
		{"allowed both ways", proxynode.Endpoint{AllowedHeaders: []string{"x-custom", "set-cookie", "keep-alive", "x-listed"}}, []string{"Set-Cookie", "X-Custom"}, "sandbox"},
		{"allowed in requests", proxynode.Endpoint{RequestHeaders: []string{"X-Custom", "Content-Security-Policy"}}, nil, "sandbox"},
		{"allowed in answers", proxynode.Endpoint{ResponseHeaders: []string{"X-Custom", "Link"}}, []string{"Link", "X-Custom"}, "sandbox"},
		{"trusted with the portal's origin", proxynode.Endpoint{ResponseHeaders: []string{"content-security-policy"}}, nil, "x"},
	} {
		test.endpoint.Target = g.URL
		a := newPortal(t, options{config: one(test.endpoint)}).get(t, "/t")
		var got []string
		for name := range a.Header {
			got = append(got, name)
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(slices.Concat(always, test.more))); !slices.Equal(got, want) {
			t.Errorf("%s: the client got the headers\n%q, want\n%q", test.name, got, want)
		}
		if policy := a.Header.Values("Content-Security-Policy"); !slices.Equal(policy, []string{test.policy}) {
			t.Errorf("%s: Content-Security-Policy is %q, want %q", test.name, policy, test.policy)
		}
		if a.Header.Get("X-Request-Id") != "request-1" {
			t.Errorf("%s: the portal's own header was replaced", test.name)
		}
	}
}

// Requests that two servers could read differently must not reach the target.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, AllowedHeaders: []string{"X-Custom", "Transfer-Encoding", "Content-Length", "Connection"}})})
	for name, message := range map[string]string{
		"a request as body":    "POST /api/proxy/t HTTP/1.1\r\nHost: x\r\nContent-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
		"and of a GET":         "GET /api/proxy/t HTTP/1.1\r\nHost: x\r\nContent-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
		"and in chunks":        "POST /api/proxy/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n23\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n\r\n0\r\n\r\n",
		"two lengths":          "POST /api/proxy/t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"unknown encoding":     "POST /api/proxy/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"blank before colon":   "GET /api/proxy/t HTTP/1.1\r\nHost: x\r\nX-Custom : x\r\n\r\n",
		"line feed in a value": "GET /api/proxy/t HTTP/1.1\r\nHost: x\r\nX-Custom: a\rX-Injected: b\r\n\r\n",
		"blank in the path":    "GET /api/proxy/t/a b HTTP/1.1\r\nHost: x\r\n\r\n",
		"bad chunk":            "POST /api/proxy/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
	} {
		conn := dial(t, p)
		conn.send(message)
		_ = conn.CloseWrite()
		_, _ = io.ReadAll(conn)
		g.mu.Lock()
		for _, r := range g.requests {
			if strings.Contains(r.URL.Path, "smuggled") || r.Header.Get("X-Injected") != "" {
				t.Errorf("%s: the target got %s %v", name, r.RequestURI, r.Header)
			}
		}
		g.mu.Unlock()
	}
	// An escaped line break in the path stays one.
	p.get(t, "/t/a%0d%0aX-Injected:%20b").fails(t, http.StatusBadRequest, "InputError", "control character")
	p.get(t, "/t/a%250d%250aX-Injected:%20b").fails(t, http.StatusBadRequest, "InputError", "control character")
	p.get(t, "/t/q?a=%0d%0aX-Injected:%20b").is(t, http.StatusOK, "hello")
	// A request that was cut off above may still arrive after this one, so it need not be the last.
	var came []string
	g.mu.Lock()
	for _, r := range g.requests {
		came = append(came, r.RequestURI)
	}
	g.mu.Unlock()
	if !slices.Contains(came, "/q?a=%0d%0aX-Injected:%20b") {
		t.Errorf("the query did not come as it was: %q", came)
	}
	// A length that is read once and a connection that is used again.
	conn := dial(t, p)
	for range 3 {
		conn.send("POST /api/proxy/t HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
		conn.expect("HTTP/1.1 200 OK")
	}
}

// wire is a connection to the proxy on which anything can be said.
type wire struct {
	*net.TCPConn
	t      *testing.T
	reader *bufio.Reader
}

func dial(t *testing.T, p *portal) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.Server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &wire{conn.(*net.TCPConn), t, bufio.NewReader(conn)}
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

// expect reads an answer and checks its status line.
func (w *wire) expect(status string) {
	w.t.Helper()
	res, err := http.ReadResponse(w.reader, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if got := res.Proto + " " + res.Status; got != status {
		w.t.Errorf("answer = %s, want %s", got, status)
	}
	_, _ = io.Copy(io.Discard, res.Body)
}
