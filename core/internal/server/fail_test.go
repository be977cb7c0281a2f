package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

func TestErrorsHaveOneShape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err     error
		status  int
		wire    string
		message string
		level   string
	}{
		"bad input":   {pluginapi.BadInput("limit must be at least 0"), 400, "InputError", "limit must be at least 0", ""},
		"wrapped":     {fmt.Errorf("read: %w", pluginapi.NotFound("there is no such entity").Because(errBoom)), 404, "NotFoundError", "there is no such entity", ""},
		"conflict":    {pluginapi.Conflict("it exists"), 409, "ConflictError", "it exists", ""},
		"down":        {&pluginapi.UnavailableError{Plugin: "hello", State: "degraded", Err: errBoom}, 503, "ServiceUnavailableError", "plugin hello is degraded", "WARN"},
		"internal":    {errBoom, 500, "Error", "an internal error occurred", "ERROR"},
		"own timeout": {fmt.Errorf("query: %w", context.DeadlineExceeded), 500, "Error", "an internal error occurred", "ERROR"},
	} {
		var log logged
		h := handler(t, server.Settings{Logger: log.logger(slog.LevelInfo), Table: routes(get("/x", func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/csv")
			w.Header().Set("ETag", `"1"`)
			return c.err
		}))})
		w := ask(t, h, "GET", "/api/hello/x?q=1", "Accept", "text/html", "X-Request-Id", "r1")
		wantError(t, w, c.status, c.wire, c.message)
		if w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers of an answer that was not given: %v", name, w.Header())
		}
		entries := log.entries(t, "request failed")
		if c.level == "" {
			if len(entries) > 0 {
				t.Errorf("%s: logged %v", name, entries)
			}
			continue
		}
		if len(entries) != 1 || entries[0]["level"] != c.level || entries[0]["request"] != "r1" || entries[0]["plugin"] != "hello" || entries[0]["error"] != "route:hello/GET /x: "+c.err.Error() {
			t.Errorf("%s: logged %v", name, entries)
		}
	}
	h := handler(t, server.Settings{Table: routes(get("/x", func(http.ResponseWriter, *http.Request) error {
		return &pluginapi.Error{Status: http.StatusNotModified, Name: "NotModifiedError"}
	}))})
	if w := ask(t, h, "GET", "/api/hello/x"); w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("not modified: %d %q", w.Code, w.Body)
	}
}

func TestPanicsOfRoutes(t *testing.T) {
	t.Parallel()
	var log logged
	h := handler(t, server.Settings{Logger: log.logger(slog.LevelInfo), Table: routes(get("/x", func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "half a page that nobody has seen yet")
		panic(errBoom)
	}))})
	r := httptest.NewRequest("GET", "/api/hello/x", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	wantError(t, w, 500, "Error", "an internal error occurred")
	entries := log.entries(t, "request failed")
	if len(entries) != 1 || !strings.Contains(fmt.Sprint(entries[0]["stack"]), "fail_test.go") || !strings.Contains(fmt.Sprint(entries[0]["error"]), "swordfish") || entries[0]["plugin"] != "hello" {
		t.Errorf("logged %v", entries)
	}
	if entries := log.entries(t, "request"); len(entries) != 1 || entries[0]["status"] != 500.0 {
		t.Errorf("access log %v", entries)
	}
}

// tracedError is how the host's errors carry the stack of a panic.
type tracedError struct{ error }

func (tracedError) StackTrace() []byte { return []byte("the stack") }

func TestStackOfAPanicCaughtElsewhere(t *testing.T) {
	t.Parallel()
	var log logged
	h := handler(t, server.Settings{Logger: log.logger(slog.LevelInfo), Table: routes(get("/x", func(http.ResponseWriter, *http.Request) error { return tracedError{errBoom} }))})
	ask(t, h, "GET", "/api/hello/x")
	if entries := log.entries(t, "request failed"); len(entries) != 1 || entries[0]["stack"] != "the stack" {
		t.Errorf("logged %v", entries)
	}
}

func TestErrorAfterTheAnswerBeganCutsTheConnection(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error": func() error { return errBoom },
		"panic": func() error { panic(errBoom) },
		"abort": func() error { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log logged
			h := handler(t, server.Settings{Logger: log.logger(slog.LevelInfo), Table: routes(get("/x", func(w http.ResponseWriter, _ *http.Request) error {
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				return fail()
			}))})
			url, client := serving(t, h)
			res, err := client.Get(url + "/api/hello/x")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if text, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("the answer looks complete: %q", text)
			}
			if entries := log.entries(t, "request"); len(entries) != 1 || entries[0]["aborted"] != true || entries[0]["status"] != 200.0 {
				t.Errorf("access log %v", entries)
			}
			if n := len(log.entries(t, "request failed")); n != map[string]int{"error": 1, "panic": 1}[name] {
				t.Errorf("%d failures logged", n)
			}
		})
	}
}

func TestErrorsForPeople(t *testing.T) {
	t.Parallel()
	fail := server.Table{
		Routes: []pluginapi.Extended[pluginapi.Route, pluginapi.RouteFunc]{get("/x", func(http.ResponseWriter, *http.Request) error { return errBoom })},
		Endpoints: []server.Endpoint{{ID: "page:hello", Plugin: "hello", Pattern: "GET /hello", Run: func(http.ResponseWriter, *http.Request) error {
			return pluginapi.NotFound("there is no <b>entity</b>").Because(errBoom)
		}}},
	}
	plain := handler(t, server.Settings{Table: fail})
	w := ask(t, plain, "GET", "/hello", "Accept", "text/html,*/*;q=0.8", "X-Request-Id", "r1")
	if text := w.Body.String(); w.Code != 404 || !strings.Contains(text, "there is no &lt;b&gt;entity&lt;/b&gt;") || !strings.Contains(text, "r1") || strings.Contains(text, "swordfish") {
		t.Errorf("plain page: %d %s", w.Code, text)
	}
	wantError(t, ask(t, plain, "GET", "/hello", "Accept", "application/json"), 404, "NotFoundError", "")
	wantError(t, ask(t, plain, "GET", "/hello"), 404, "NotFoundError", "")
	wantError(t, ask(t, plain, "GET", "/api/hello/x", "Accept", "text/html"), 500, "Error", "")

	var got server.ErrorDetails
	drawn := handler(t, server.Settings{Table: fail, ErrorPage: func(r *http.Request, e server.ErrorDetails) pluginapi.Component {
		got = e
		return pluginapi.ComponentFunc(func(ctx context.Context, w io.Writer) error {
			if pluginapi.PrincipalFrom(r.Context()).IsZero() && e.Plugin != "" {
				t.Error("the page is drawn for nobody")
			}
			_, err := io.WriteString(w, "<p>drawn</p>")
			return err
		})
	}})
	w = ask(t, drawn, "GET", "/hello", "Accept", "text/html", "X-Request-Id", "r1")
	if want := (server.ErrorDetails{Status: 404, Name: "NotFoundError", Message: "there is no <b>entity</b>", RequestID: "r1", Plugin: "hello"}); w.Body.String() != "<p>drawn</p>" || got != want {
		t.Errorf("drawn page: %d %s, details %+v", w.Code, w.Body, got)
	}
	if w := ask(t, drawn, "GET", "/nowhere", "Accept", "text/html"); w.Code != 404 || w.Body.String() != "<p>drawn</p>" || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("nowhere: %d %s", w.Code, w.Body)
	}
	for name, draw := range map[string]func(context.Context, io.Writer) error{
		"error": func(context.Context, io.Writer) error { return errBoom },
		"panic": func(context.Context, io.Writer) error { panic(errBoom) },
	} {
		h := handler(t, server.Settings{Table: fail, ErrorPage: func(*http.Request, server.ErrorDetails) pluginapi.Component { return pluginapi.ComponentFunc(draw) }})
		if w := ask(t, h, "GET", "/hello", "Accept", "text/html"); w.Code != 404 || !strings.Contains(w.Body.String(), "there is no") || strings.Contains(w.Body.String(), "swordfish") {
			t.Errorf("a page that fails with %s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	table := server.Table{Routes: []pluginapi.Extended[pluginapi.Route, pluginapi.RouteFunc]{
		get("/slow", func(_ http.ResponseWriter, r *http.Request) error {
			<-r.Context().Done()
			return fmt.Errorf("query: %w", r.Context().Err())
		}),
		route("hello", pluginapi.Route{Pattern: "GET /stream", Stream: true}, func(w http.ResponseWriter, r *http.Request) error {
			if _, ok := r.Context().Deadline(); ok {
				t.Error("a stream has a deadline")
			}
			return nil
		}),
	}}
	h := handler(t, server.Settings{RequestTimeout: 10 * time.Millisecond, Table: table, ErrorPage: func(r *http.Request, e server.ErrorDetails) pluginapi.Component {
		return pluginapi.ComponentFunc(func(ctx context.Context, _ io.Writer) error { return ctx.Err() })
	}})
	wantError(t, ask(t, h, "GET", "/api/hello/slow"), 503, "ServiceUnavailableError", "took longer than 10ms")
	if w := ask(t, h, "GET", "/api/hello/stream"); w.Code != 200 {
		t.Errorf("stream: %d %s", w.Code, w.Body)
	}
}

func TestClientThatLeft(t *testing.T) {
	t.Parallel()
	var log logged
	entered := make(chan struct{})
	h := handler(t, server.Settings{Logger: log.logger(slog.LevelInfo), Table: routes(get("/slow", func(_ http.ResponseWriter, r *http.Request) error {
		close(entered)
		<-r.Context().Done()
		return fmt.Errorf("query: %w", r.Context().Err())
	}))})
	url, client := serving(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	r, err := http.NewRequestWithContext(ctx, "GET", url+"/api/hello/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(r); err == nil {
		t.Error("an answer")
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if entries := log.entries(t, "request"); len(entries) != 1 || entries[0]["status"] != 499.0 {
		t.Errorf("access log %v", entries)
	}
	if entries := log.entries(t, "request failed"); len(entries) > 0 {
		t.Errorf("logged %v", entries)
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	decode := func(w http.ResponseWriter, r *http.Request) error {
		var v any
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		return nil
	}
	h := handler(t, server.Settings{MaxBody: 100, Table: routes(
		route("hello", pluginapi.Route{Pattern: "POST /default"}, decode),
		route("hello", pluginapi.Route{Pattern: "POST /small", MaxBody: 10}, decode),
		route("hello", pluginapi.Route{Pattern: "POST /any", MaxBody: -1}, decode),
		route("hello", pluginapi.Route{Pattern: "POST /catalog", MaxBody: 10}, func(w http.ResponseWriter, r *http.Request) error {
			err := decode(w, r)
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				return pluginapi.BadInput("request entity too large").Because(err)
			}
			return err
		}),
	)})
	url, client := serving(t, h)
	for path, limits := range map[string]struct{ fits, status int }{
		"default": {90, 413}, "small": {8, 413}, "any": {1 << 20, 200}, "catalog": {8, 400},
	} {
		for _, size := range []int{limits.fits, limits.fits + 20} {
			for _, chunked := range []bool{false, true} {
				var body io.Reader = strings.NewReader(`"` + strings.Repeat("x", size) + `"`)
				if chunked {
					body = struct{ io.Reader }{body}
				}
				res, err := client.Post(url+"/api/hello/"+path, "application/json", body)
				if err != nil {
					t.Fatal(err)
				}
				text := read(t, res.Body)
				want := 200
				if size > limits.fits {
					want = limits.status
				}
				if res.StatusCode != want || want == 413 && !strings.Contains(text, "larger than") {
					t.Errorf("%s with %d bytes, chunked %v: %d %s, want %d", path, size, chunked, res.StatusCode, text, want)
				}
			}
		}
	}
}

// dial sends a request by hand and returns what comes back.
func dial(t *testing.T, address, request string) (*bufio.Reader, net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return bufio.NewReader(conn), conn
}

func TestBodyThatDoesNotArrive(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(route("hello", pluginapi.Route{Pattern: "POST /x"}, func(w http.ResponseWriter, r *http.Request) error {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now()); err != nil { // instead of waiting for the server's own
			t.Error(err)
		}
		_, err := io.ReadAll(r.Body)
		return err
	}))})
	url, _ := serving(t, h)
	answer, _ := dial(t, strings.TrimPrefix(url, "http://"), "POST /api/hello/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	res, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, res.Body); res.StatusCode != 408 || !strings.Contains(text, "did not arrive in time") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}
