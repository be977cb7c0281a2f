package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/proxy/internal/gateway"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

func TestEventStream(t *testing.T) {
	t.Parallel()
	say, said := make(chan string), make(chan struct{})
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		for {
			_ = http.NewResponseController(w).Flush()
			select {
			case text, more := <-say:
				if !more {
					return
				}
				_, _ = io.WriteString(w, text)
			case <-r.Context().Done():
				close(said)
				return
			}
		}
	})
	// Neither the limit of time nor that of size is meant for streams.
	e := proxynode.Endpoint{Target: g.URL, Timeouts: proxynode.Timeouts{Total: 50 * time.Millisecond, Idle: 50 * time.Millisecond, Header: 10 * time.Second}, Limits: proxynode.Limits{Response: 10}}
	p := newPortal(t, options{config: one(e)})
	for _, method := range []string{http.MethodGet, http.MethodPost} { // these take different ways
		r, err := http.NewRequestWithContext(t.Context(), method, p.URL+"/t", strings.NewReader(strings.Repeat("x", map[string]int{http.MethodGet: 0, http.MethodPost: 50_000}[method])))
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(res.Body)
		for i := range 5 {
			say <- fmt.Sprintf("data: %d\n", i) // and nothing more is said before this one has come
			line, err := lines.ReadString('\n')
			if want := fmt.Sprintf("data: %d\n", i); err != nil || line != want {
				t.Fatalf("line = %q, %v, want %q", line, err, want)
			}
			time.Sleep(30 * time.Millisecond)
		}
		_ = res.Body.Close()
		select {
		case <-said:
		case <-time.After(10 * time.Second):
			t.Fatal("the target was not told that the client left")
		}
		said = make(chan struct{})
	}
	// The target ends the stream.
	res, err := p.client().Get(p.URL + "/t")
	if err != nil {
		t.Fatal(err)
	}
	say <- "data: last\n"
	close(say)
	data, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || string(data) != "data: last\n" {
		t.Errorf("the stream ended with %q, %v", data, err)
	}
}

func TestStreamOfAnotherKind(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	g := newTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "piece\n")
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL})})
	res, err := p.client().Get(p.URL + "/t")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewReader(res.Body)
	for range 3 {
		if line, err := lines.ReadString('\n'); err != nil || line != "piece\n" {
			t.Fatalf("line = %q, %v", line, err)
		}
		next <- struct{}{}
	}
}

func TestStreamingUpload(t *testing.T) {
	t.Parallel()
	got := make(chan string)
	g := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				hello(w, r)
				return
			}
			got <- line
		}
	})
	p := newPortal(t, options{config: one(proxynode.Endpoint{Target: g.URL})})
	reader, writer := io.Pipe()
	go func() {
		defer func() { _ = writer.Close() }()
		for i := range 3 {
			_, _ = fmt.Fprintf(writer, "line %d\n", i)
			if line := <-got; line != fmt.Sprintf("line %d\n", i) { // before the next one is sent
				t.Errorf("the target got %q", line)
			}
		}
	}()
	p.do(t, http.MethodPost, "/t", nil, reader).is(t, http.StatusOK, "hello")
}

// echoSocket answers a handshake and then says back what it hears, in capital letters.
func echoSocket(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "websocket" {
		hello(w, r)
		return
	}
	if r.URL.Path == "/refuse" {
		w.Header().Set("Set-Cookie", "a=1")
		http.Error(w, "not here", http.StatusForbidden)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nX-Custom: 1\r\n\r\n", r.Header.Get("Sec-WebSocket-Key"))
	for {
		line, err := rw.ReadString('\n')
		if err != nil || line == "quit\n" {
			_, _ = io.WriteString(conn, "BYE\n")
			return
		}
		_, _ = io.WriteString(conn, strings.ToUpper(line))
	}
}

const handshake = "GET /api/proxy%s HTTP/1.1\r\nHost: portal\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: key\r\nSec-WebSocket-Version: 13\r\nX-Custom: 1\r\nCookie: a=1\r\n%s\r\n"

func TestWebSocket(t *testing.T) {
	t.Parallel()
	g := newTarget(t, echoSocket)
	ws := proxynode.Endpoint{Target: g.URL, WS: true}
	open, resting := ws, ws
	open.Credentials = "dangerously-allow-unauthenticated"
	resting.Timeouts.Stream = 100 * time.Millisecond
	p := newPortal(t, options{config: gateway.Config{Endpoints: map[string]proxynode.Endpoint{"/ws": ws, "/off": {Target: g.URL}, "/open": open, "/resting": resting, "/gone": {Target: nowhere, WS: true}}}})

	connected := func(path, more string) *wire {
		t.Helper()
		conn := dial(t, p)
		conn.send(fmt.Sprintf(handshake, path, more))
		res, err := http.ReadResponse(conn.reader, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Sec-WebSocket-Accept") != "key" || res.Header.Get("Upgrade") != "websocket" || res.Header.Get("X-Custom") != "" {
			t.Fatalf("handshake = %+v, %v", res, err)
		}
		return conn
	}
	echoed := func(conn *wire) {
		t.Helper()
		for range 3 {
			conn.send("hello\n")
			if line, err := conn.reader.ReadString('\n'); err != nil || line != "HELLO\n" {
				t.Fatalf("echo = %q, %v", line, err)
			}
		}
	}
	for _, test := range []struct{ path, more string }{
		{"/ws", ""}, {"/ws", "Origin: http://portal\r\n"}, {"/ws", "Origin: http://portal\r\nSec-Fetch-Site: same-origin\r\n"},
		{"/open", "X-Nobody: 1\r\n"}, {"/open", "Origin: http://evil.example\r\n"}, {"/resting", ""},
	} {
		conn := connected(test.path, test.more)
		if r := g.last(t); r.Header.Get("X-Custom") != "" || r.Header.Get("Cookie") != "" || r.Header.Get("Sec-WebSocket-Key") != "key" || r.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("the target got the headers %v", r.Header)
		}
		echoed(conn)
		_ = conn.Close()
	}
	half := connected("/ws", "")
	half.send("hello\n")
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(half.reader); err != nil || string(rest) != "HELLO\nBYE\n" {
		t.Errorf("after the client has closed its half the target says %q, %v", rest, err)
	}
	refused := func(path, more, status string) {
		t.Helper()
		before := g.count()
		conn := dial(t, p)
		conn.send(fmt.Sprintf(handshake, path, more))
		conn.expect("HTTP/1.1 " + status)
		if g.count() != before {
			t.Errorf("%s: the target was asked", path)
		}
	}
	refused("/ws", "X-Nobody: 1\r\n", "401 Unauthorized")
	refused("/ws", "Origin: http://evil.example\r\n", "403 Forbidden")
	refused("/ws", "Origin: http://portal\r\nSec-Fetch-Site: cross-site\r\n", "403 Forbidden")
	refused("/ws", "Origin: null\r\n", "403 Forbidden")
	refused("/off", "", "400 Bad Request")
	refused("/ws/../x", "", "400 Bad Request")
	refused("/gone", "", "504 Gateway Timeout")

	// The target may refuse as well.
	conn := dial(t, p)
	conn.send(fmt.Sprintf(handshake, "/ws/refuse", ""))
	res, err := http.ReadResponse(conn.reader, nil)
	if err != nil || res.StatusCode != http.StatusForbidden || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("handshake = %+v, %v, want the target's 403 without its cookie", res, err)
	}
	// A connection on which nobody says anything is closed.
	conn = connected("/resting", "")
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.reader.ReadByte(); err != io.EOF {
		t.Errorf("a connection without anything said ended with %v, want EOF", err)
	}
	// So is one that the target has closed, and on which the client says no more.
	conn = connected("/resting", "")
	conn.send("quit\n")
	if rest, err := io.ReadAll(conn.reader); err != nil || string(rest) != "BYE\n" {
		t.Errorf("the target's end is %q, %v", rest, err)
	}
	eventually(t, "the connection is closed", func() bool { open, _ := p.metric(t, "streams", "endpoint", "/resting"); return open == 0 })
	// Ordinary requests work before and after.
	p.get(t, "/ws").is(t, http.StatusOK, "hello")
}
