package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

// talkative is a target that sends, after its answers to some paths, another one that nobody asked for. Others it answers with their path.
func talkative(t *testing.T, said chan<- struct{}) string {
	t.Helper()
	const unasked = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nunasked"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	serve := func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		reader := bufio.NewReader(conn)
		for {
			r, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			switch r.URL.Path {
			case "/long":
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n%s%s", strings.Repeat("x", 50_000), unasked)
			case "/late":
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
			case "/chunks":
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlate\r\n0\r\n\r\n")
			case "/nothing":
				_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			case "/head":
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
			default:
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(r.URL.Path), r.URL.Path)
				continue
			}
			if r.URL.Path != "/long" {
				time.Sleep(20 * time.Millisecond) // the proxy is done with the answer
				_, _ = io.WriteString(conn, unasked)
			}
			said <- struct{}{}
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

// What a target sends unasked must not become the answer to whoever asks next.
func TestAnswersNobodyAskedFor(t *testing.T) {
	t.Parallel()
	said := make(chan struct{}, 1)
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: talkative(t, said)})})
	for _, path := range []string{"/long", "/late", "/chunks", "/nothing", "/head"} {
		method := http.MethodGet
		if path == "/head" {
			method = http.MethodHead
		}
		p.do(t, method, "/t"+path, nil, nil)
		<-said
		p.get(t, "/t/next").is(t, http.StatusOK, "/next")
	}
}

// TRACE would show the caller what the endpoint's headers add, CONNECT asks for a tunnel.
func TestMethodsThatShowSecrets(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, Headers: map[string]pluginapi.Secret{"Authorization": pluginapi.NewSecret("Basic ours")}})})
	for _, method := range []string{"TRACE", "CONNECT"} {
		conn := dial(t, p)
		conn.send(method + " /api/proxy/t/x HTTP/1.1\r\nHost: x\r\n\r\n")
		conn.expect("HTTP/1.1 405 Method Not Allowed")
	}
	if g.count() != 0 {
		t.Errorf("the target got a %s", g.last(t).Method)
	}
}

func TestCacheKnowsWhatTargetsAreTold(t *testing.T) {
	t.Parallel()
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, r.Header.Get("X-Forwarded-Host"))
	})
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, XFwd: true, Cache: proxynode.Caching{Enabled: true}})})
	for _, host := range []string{"evil.example", "portal.example"} {
		conn := dial(t, p)
		conn.send("GET /api/proxy/t HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
		if text, _ := io.ReadAll(conn); !strings.HasSuffix(string(text), "\r\n\r\n"+host) {
			t.Errorf("%s got the answer\n%s", host, text)
		}
	}
}

// A short body is read before a connection is taken, so it has no share in the limit of what is sent.
func TestBodyThatComesInDrops(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, Timeouts: proxynode.Timeouts{Total: 300 * time.Millisecond}})})
	conn := dial(t, p)
	conn.send("POST /api/proxy/t HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n")
	ctx, stop := context.WithCancel(t.Context())
	dropped := make(chan struct{})
	go func() {
		defer close(dropped)
		for ctx.Err() == nil {
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	conn.expect("HTTP/1.1 408 Request Timeout")
	stop()
	<-dropped
}

func TestPreparedHost(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{code: []gateway.Added{contribute("host", proxynode.Endpoint{Path: "/t", Target: g.URL}, func(_ context.Context, out *http.Request) error {
		out.Header.Set("Host", "other.example")
		return nil
	})}})
	p.get(t, "/t").is(t, http.StatusOK, "hello") // two Hosts would be a bad request
}

// The protocol h2c is HTTP itself: within it nothing would be checked any more.
func TestUpgradeToHTTP(t *testing.T) {
	t.Parallel()
	g := newTarget(t, hello)
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL, WS: true})})
	for _, protocol := range []string{"h2c", "websocket, H2C", "HTTP/2.0", "TLS/1.2"} {
		p.get(t, "/t", "Connection", "Upgrade", "Upgrade", protocol).fails(t, http.StatusBadRequest, "InputError", "upgrade")
	}
	if g.count() != 0 {
		t.Error("the target was asked")
	}
}
