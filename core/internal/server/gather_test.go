package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/server"
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

type countedListener struct {
	net.Listener
	writes atomic.Int32
}

func (l *countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return counted{conn.(*net.TCPConn), &l.writes}, nil
}

func TestHeadAndBodyAreSentTogether(t *testing.T) {
	t.Parallel()
	sized := func(w http.ResponseWriter, r *http.Request) error {
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
	h := handler(t, server.Settings{Table: routes(get("/sized", sized)), Logger: slog.New(slog.DiscardHandler)})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &countedListener{Listener: inner}
	s, err := server.Serve(l, h, server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: 10 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	for _, test := range []struct {
		query        string
		size, writes int
	}{
		{"size=10", 10, 1},             // it fits into the buffer
		{"size=10000", 10000, 0},       // the header and it are more than the buffer holds
		{"size=1000000", 1000000, 0},   // on one and the same connection
		{"size=30000&again", 60000, 1}, // of unknown length, in chunks: the mark of their end
		{"size=10", 10, 1},
	} {
		l.writes.Store(0)
		res, err := client.Get("http://" + inner.Addr().String() + "/api/hello/sized?" + test.query)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || len(body) != test.size || strings.Trim(string(body), "x") != "" {
			t.Errorf("%s: %d bytes, %v", test.query, len(body), err)
		}
		if got := int(l.writes.Load()); got != test.writes {
			t.Errorf("%s: written to the connection %d times alone, want %d", test.query, got, test.writes)
		}
	}
}
