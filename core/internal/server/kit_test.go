package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBoom = errors.New("boom: the password is swordfish")

// route is a plugin's route as a host hands it out.
func route(plugin string, spec pluginapi.Route, run pluginapi.RouteFunc) pluginapi.Extended[pluginapi.Route, pluginapi.RouteFunc] {
	id := fmt.Sprintf("route:%s/%s", plugin, strings.Trim(spec.Pattern, "/ "))
	list := pluginapi.Routes.List([]pluginapi.Contribution{{ID: id, Plugin: plugin, Spec: spec, Call: func(ctx context.Context, fn func(context.Context, any) error) error {
		if err := fn(ctx, run); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		return nil
	}}})
	return list[0]
}

// get is the route "GET /path" of plugin hello.
func get(path string, run pluginapi.RouteFunc) pluginapi.Extended[pluginapi.Route, pluginapi.RouteFunc] {
	return route("hello", pluginapi.Route{Pattern: "GET " + path}, run)
}

func routes(list ...pluginapi.Extended[pluginapi.Route, pluginapi.RouteFunc]) server.Table {
	return server.Table{Routes: list}
}

// say answers with a text.
func say(text string) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func handler(t testing.TB, s server.Settings) *server.Handler {
	t.Helper()
	h, err := server.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask sends a request to a handler without a connection between them.
func ask(t testing.TB, h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// wire is the error shape.
type wire struct {
	Error    struct{ Name, Message string }
	Request  struct{ Method, URL string }
	Response struct{ StatusCode int }
}

func wantError(t testing.TB, w *httptest.ResponseRecorder, status int, name, message string) {
	t.Helper()
	var got wire
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		t.Errorf("answer is not JSON: %s %q", w.Header().Get("Content-Type"), w.Body)
		return
	}
	if w.Code != status || got.Response.StatusCode != status || got.Error.Name != name || !strings.Contains(got.Error.Message, message) || got.Request.Method == "" || got.Request.URL == "" {
		t.Errorf("answer is %d %+v, want %d, %s and something about %q", w.Code, got, status, name, message)
	}
	if strings.Contains(w.Body.String(), "swordfish") {
		t.Errorf("answer tells the cause: %s", w.Body)
	}
}

// logged is a logger, and what it has logged.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level}))
}

// entries returns what was logged with a message.
func (l *logged) entries(t testing.TB, message string) (entries []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.buf.Bytes()) {
		var entry map[string]any
		if err := json.Unmarshal(line, &entry); err != nil {
			t.Fatal(err)
		}
		if entry["msg"] == message {
			entries = append(entries, entry)
		}
	}
	return entries
}

// serving is a handler behind a real connection.
func serving(t testing.TB, h http.Handler) (url string, client *http.Client) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, s.Client()
}

func read(t testing.TB, r io.ReadCloser) string {
	t.Helper()
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
