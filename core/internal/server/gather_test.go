package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// counted is a connection of which one knows how often something small was written to it: what is sent together goes past Write.
type counted struct {
	*net.TCPConn
	writes *atomic.Int32
}

func (c counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.TCPConn.Write(p)
}

// sized answers with as many bytes as it is asked for: in one piece, of a known length, or again and again.
func sized(w http.ResponseWriter, r *http.Request) error {
	var size int
	if _, err := fmt.Sscan(r.URL.Query().Get("size"), &size); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/png")
	times := 1 + strings.Count(r.URL.RawQuery, "again")
	if times == 1 {
		w.Header().Set("Content-Length", strconv.Itoa(size))
	}
	for range times {
		if _, err := w.Write(bytes.Repeat([]byte("x"), size)); err != nil {
			return err
		}
	}
	return nil
}

func TestHeadAndBodyAreSentTogether(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(get("/sized", sized)), Logger: slog.New(slog.DiscardHandler)})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var writes atomic.Int32
	s, err := server.Serve(&wrapping{inner, func(c net.Conn) net.Conn { return counted{c.(*net.TCPConn), &writes} }}, h, server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: time.Minute}
	t.Cleanup(client.CloseIdleConnections)
	for _, test := range []struct {
		query       string
		size, wrote int
	}{
		{"size=10", 10, 1},             // it fits into the buffer
		{"size=10000", 10000, 0},       // the header and it are more than the buffer holds
		{"size=1000000", 1000000, 0},   // on one and the same connection
		{"size=30000&again", 60000, 1}, // of unknown length, in chunks: the mark of their end
		{"size=10", 10, 1},
	} {
		writes.Store(0)
		res, err := client.Get("http://" + inner.Addr().String() + "/api/hello/sized?" + test.query)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || len(body) != test.size || strings.Trim(string(body), "x") != "" {
			t.Errorf("%s: %d bytes, %v", test.query, len(body), err)
		}
		if got := int(writes.Load()); got != test.wrote {
			t.Errorf("%s: written to the connection %d times alone, want %d", test.query, got, test.wrote)
		}
	}
}

// TestAnswersFollowEachOther sends requests of all kinds without waiting for answers.
func TestAnswersFollowEachOther(t *testing.T) {
	t.Parallel()
	address, _ := served(t, handler(t, server.Settings{Table: routes(get("/sized", sized))}), server.Config{})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	asked := []struct {
		method, query, proto string
		size                 int
	}{
		{"GET", "size=4000", "HTTP/1.1", 4000},
		{"GET", "size=4096", "HTTP/1.1", 4096},
		{"HEAD", "size=10000", "HTTP/1.1", 0},
		{"GET", "size=5000&again&again", "HTTP/1.1", 15000},
		{"GET", "size=0", "HTTP/1.1", 0},
		{"GET", "size=300000", "HTTP/1.1", 300000},
		{"GET", "size=20000&again", "HTTP/1.0", 40000},
	}
	go func() {
		for _, r := range asked {
			_, _ = fmt.Fprintf(conn, "%s /api/hello/sized?%s %s\r\nHost: localhost\r\n\r\n", r.method, r.query, r.proto)
		}
	}()
	from := bufio.NewReader(conn)
	for _, r := range asked {
		res, err := http.ReadResponse(from, &http.Request{Method: r.method})
		if err != nil {
			t.Fatalf("%v: %v", r, err)
		}
		if body := read(t, res.Body); len(body) != r.size || strings.Trim(body, "x") != "" || res.StatusCode != http.StatusOK {
			t.Errorf("%v: status %d, %d bytes", r, res.StatusCode, len(body))
		}
	}
}

// TestAnswersBeginWhileTheBodyIsAwaited answers with a long piece while somebody else reads the request's body.
func TestAnswersBeginWhileTheBodyIsAwaited(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(route("hello", pluginapi.Route{Pattern: "POST /both"}, func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "image/png")
		read := make(chan struct{})
		go func() { // which has the client asked to go on, on the connection that the answer is written to
			defer close(read)
			_, _ = io.Copy(io.Discard, r.Body)
		}()
		wait, _ := strconv.Atoi(r.URL.RawQuery)
		time.Sleep(time.Duration(wait) * 100 * time.Microsecond) // either may come first
		_, err := w.Write(make([]byte, 10000))
		<-read
		return err
	}))})
	address, _ := served(t, h, server.Config{})
	for i := range 20 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "POST /api/hello/both?%d HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", i)
		answer, err := io.ReadAll(conn)
		_ = conn.Close()
		answer = bytes.TrimPrefix(answer, []byte("HTTP/1.1 100 Continue\r\n\r\n"))
		if _, body, found := bytes.Cut(answer, []byte("\r\n\r\n")); err != nil || !found || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 OK\r\n")) || len(body) < 10000 {
			t.Errorf("%d bytes, %v: %.200s", len(answer), err, answer)
		}
	}
}

// failing is a connection that takes nothing once, and then again, as one does whose client was away for too long.
type failing struct {
	net.Conn
	writes *atomic.Int32
}

func (c failing) Write(p []byte) (int, error) {
	if c.writes.Add(1) == 1 {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Write(p)
}

// TestNothingFollowsWhatWasLost has an endpoint go on although a piece of its answer could not be sent.
func TestNothingFollowsWhatWasLost(t *testing.T) {
	t.Parallel()
	first := make(chan error, 1)
	h := handler(t, server.Settings{Table: routes(route("hello", pluginapi.Route{Pattern: "GET /x", Stream: true}, func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write(make([]byte, 5000))
		first <- err
		_, err = io.WriteString(w, "the rest")
		return err
	}))})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Serve(&wrapping{inner, func(c net.Conn) net.Conn { return failing{c, new(atomic.Int32)} }}, h, server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	conn, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /api/hello/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
	got, _ := io.ReadAll(conn)
	if err := <-first; len(got) > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the client got %d bytes of an answer whose beginning is lost; the endpoint was told %v", len(got), err)
	}
}

// TestConnectionsCanBeHalfClosed hijacks a connection and closes one direction of it, as both ends of an upgraded one may.
func TestConnectionsCanBeHalfClosed(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(route("hello", pluginapi.Route{Pattern: "GET /x", Stream: true}, func(w http.ResponseWriter, _ *http.Request) error {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		half, can := conn.(interface{ CloseWrite() error })
		if !can {
			return fmt.Errorf("a %T cannot be half closed", conn)
		}
		_, _ = io.WriteString(conn, "all I have to say")
		if err := half.CloseWrite(); err != nil {
			return err
		}
		said, err := io.ReadAll(conn)
		if err != nil || string(said) != "and so have I" {
			t.Errorf("the client says %q, %v", said, err)
		}
		return nil
	}))})
	address, _ := served(t, h, server.Config{})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /api/hello/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if said, err := io.ReadAll(conn); err != nil || string(said) != "all I have to say" {
		t.Errorf("the server says %q, %v", said, err)
	}
	_, _ = io.WriteString(conn, "and so have I")
}

// halfClosed tells when one direction of a connection was closed.
type halfClosed struct {
	*net.TCPConn
	told chan<- struct{}
}

func (c halfClosed) CloseWrite() error {
	c.told <- struct{}{}
	return c.TCPConn.CloseWrite()
}

// TestAnAnswerToTooLongABodyEnds sends more than an endpoint takes: net/http has to close its direction first, or what it says may be lost with the connection.
func TestAnAnswerToTooLongABodyEnds(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(route("hello", pluginapi.Route{Pattern: "POST /x", MaxBody: 10}, func(_ http.ResponseWriter, r *http.Request) error {
		_, err := io.ReadAll(r.Body)
		return err
	}))})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{}, 1)
	s, err := server.Serve(&wrapping{inner, func(c net.Conn) net.Conn { return halfClosed{c.(*net.TCPConn), told} }}, h, server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	conn, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST /api/hello/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 1000))
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 413 ")) {
		t.Errorf("%.100s, %v", answer, err)
	}
	select {
	case <-told:
	default:
		t.Error("the connection was closed as a whole")
	}
}

// wrapping is a listener with connections of one's own.
type wrapping struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (l *wrapping) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(conn), nil
}
