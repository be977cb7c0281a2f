package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

var page = strings.Repeat("<p>All the world's a stage.</p>\n", 200)

func unzip(t *testing.T, text []byte) string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestCompression(t *testing.T) {
	t.Parallel()
	answer := func(text string, header ...string) pluginapi.RouteFunc {
		return func(w http.ResponseWriter, _ *http.Request) error {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			for chunk := range strings.SplitAfterSeq(text, "\n") {
				if _, err := io.WriteString(w, chunk); err != nil {
					return err
				}
			}
			return nil
		}
	}
	status := func(code int, next pluginapi.RouteFunc) pluginapi.RouteFunc {
		return func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(code)
			return next(w, r)
		}
	}
	for name, c := range map[string]struct {
		run    pluginapi.RouteFunc
		accept string
		spec   pluginapi.Route
		method string
		packed bool
		status int
	}{
		"page":              {run: answer(page, "Content-Type", "text/html; charset=utf-8"), accept: "gzip, deflate, br", packed: true},
		"without type":      {run: answer(page), accept: "gzip", packed: true},
		"with length":       {run: answer(page, "Content-Type", "text/html", "Content-Length", strconv.Itoa(len(page))), accept: "gzip", packed: true},
		"JSON":              {run: answer(page, "Content-Type", "application/json"), accept: "gzip", packed: true},
		"error status":      {run: status(404, answer(page)), accept: "gzip", packed: true, status: 404},
		"anything accepted": {run: answer(page), accept: "*", packed: true},
		"low preference":    {run: answer(page), accept: "br;q=1, gzip;q=0.1", packed: true},
		"not accepted":      {run: answer(page)},
		"refused":           {run: answer(page), accept: "gzip;q=0"},
		"refused at length": {run: answer(page), accept: "br, gzip; q=0.000"},
		"other coding":      {run: answer(page), accept: "br, gzipped"},
		"small":             {run: answer("small", "Content-Type", "text/html"), accept: "gzip"},
		"small with length": {run: answer("small", "Content-Type", "text/html", "Content-Length", "5"), accept: "gzip"},
		"picture":           {run: answer(page, "Content-Type", "image/png"), accept: "gzip"},
		"compressed before": {run: answer(page, "Content-Encoding", "br"), accept: "gzip"},
		"part":              {run: status(206, answer(page, "Content-Range", "bytes 0-1/2")), accept: "gzip", status: 206},
		"no-transform":      {run: answer(page, "Cache-Control", "no-transform"), accept: "gzip"},
		"stream":            {run: answer(page), accept: "gzip", spec: pluginapi.Route{Stream: true}},
		"events":            {run: answer(page, "Content-Type", "text/event-stream"), accept: "gzip"},
		"head":              {run: answer(page, "Content-Type", "text/html"), accept: "gzip", method: "HEAD"},
	} {
		c.spec.Pattern = "GET /x"
		if c.method == "" {
			c.method = "GET"
		}
		if c.status == 0 {
			c.status = 200
		}
		h := handler(t, server.Settings{Table: routes(route("hello", c.spec, c.run))})
		url, client := serving(t, h)
		r, err := http.NewRequest(c.method, url+"/api/hello/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", c.accept) // also keeps the client from decoding
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text := read(t, res.Body)
		if packed := res.Header.Get("Content-Encoding") == "gzip"; packed != c.packed || res.StatusCode != c.status {
			t.Errorf("%s: %d, compressed %v, want %d, %v", name, res.StatusCode, packed, c.status, c.packed)
			continue
		}
		if c.packed {
			text = unzip(t, []byte(text))
			if res.Header.Get("Vary") != "Accept-Encoding" || res.Header.Get("Content-Type") == "" {
				t.Errorf("%s: headers %v", name, res.Header)
			}
		}
		if c.method == "GET" && text != page && text != "small" {
			t.Errorf("%s: body of %d bytes, want %d", name, len(text), len(page))
		}
	}
}

func TestVaryOfCompressedAnswers(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		"":                         "Accept-Encoding",
		"X-Accept-Encoding":        "X-Accept-Encoding,Accept-Encoding",
		"Origin, accept-encoding ": "Origin, accept-encoding",
		"*":                        "*",
	} {
		h := handler(t, server.Settings{Table: routes(get("/x", func(w http.ResponseWriter, _ *http.Request) error {
			if before != "" {
				w.Header().Set("Vary", before)
			}
			_, err := io.WriteString(w, strings.Repeat("text ", 1000))
			return err
		}))})
		url, client := serving(t, h)
		r, err := http.NewRequest(http.MethodGet, url+"/api/hello/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "gzip")
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := strings.Join(res.Header.Values("Vary"), ","); got != want {
			t.Errorf("Vary %q becomes %q, want %q", before, got, want)
		}
	}
}

func TestCompressedAnswersHaveWeakTags(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(get("/x", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("ETag", `"1"`)
		return say(page)(w, nil)
	}))})
	if tag := ask(t, h, "GET", "/api/hello/x", "Accept-Encoding", "gzip").Header().Get("ETag"); tag != `W/"1"` {
		t.Errorf("compressed: %s", tag)
	}
	if tag := ask(t, h, "GET", "/api/hello/x").Header().Get("ETag"); tag != `"1"` {
		t.Errorf("plain: %s", tag)
	}
}

func TestEventsReachTheClientAtOnce(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{"events": "text/event-stream", "page drawn in steps": "text/html"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := make(chan struct{})
			h := handler(t, server.Settings{Logger: slog.New(slog.DiscardHandler), Table: routes(get("/x", func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("Content-Type", kind)
				flusher, ok := w.(http.Flusher)
				if !ok {
					t.Error("the writer cannot flush")
				}
				for i := range 3 {
					_, _ = fmt.Fprintf(w, "data: %d\n", i)
					if i == 1 {
						if err := http.NewResponseController(w).Flush(); err != nil {
							t.Error(err)
						}
					} else {
						flusher.Flush()
					}
					<-more
				}
				return nil
			}))})
			url, client := serving(t, h)
			res, err := client.Get(url + "/api/hello/x") // the client asks for gzip, and decodes as it reads
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(res.Body)
			for i := range 3 {
				if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) {
					t.Errorf("line %d is %q, %v", i, lines.Text(), lines.Err())
				}
				more <- struct{}{}
			}
			if lines.Scan() {
				t.Errorf("one line more: %q", lines.Text())
			}
			_ = res.Body.Close()
		})
	}
}

func TestUpgrades(t *testing.T) {
	t.Parallel()
	var log logged
	h := handler(t, server.Settings{Logger: log.logger(slog.LevelInfo), Table: routes(route("hello", pluginapi.Route{Pattern: "GET /x", Stream: true}, func(w http.ResponseWriter, r *http.Request) error {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, err := rw.ReadString('\n')
		if err != nil {
			return err
		}
		_, _ = rw.WriteString("you said " + line)
		return rw.Flush()
	}))})
	url, _ := serving(t, h)
	answer, conn := dial(t, strings.TrimPrefix(url, "http://"), "GET /api/hello/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	res, err := http.ReadResponse(answer, nil)
	if err != nil || res.StatusCode != 101 {
		t.Fatalf("%v %v", res, err)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := answer.ReadString('\n'); line != "you said hello\n" {
		t.Errorf("%q %v", line, err)
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if entries := log.entries(t, "request"); len(entries) != 1 || entries[0]["status"] != 101.0 {
		t.Errorf("access log %v", entries)
	}
}

func TestFilesAreSentWhole(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file.bin")
	content := bytes.Repeat([]byte{0, 1, 2, 3}, 1<<16)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var log logged
	h := handler(t, server.Settings{Logger: log.logger(slog.LevelInfo), Table: routes(get("/x", func(w http.ResponseWriter, r *http.Request) error {
		http.ServeFile(w, r, name)
		return nil
	}))})
	url, client := serving(t, h)
	res, err := client.Get(url + "/api/hello/x")
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, res.Body); text != string(content) {
		t.Errorf("%d bytes, want %d", len(text), len(content))
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if entries := log.entries(t, "request"); entries[0]["bytes"] != float64(len(content)) {
		t.Errorf("access log %v", entries)
	}
}

func TestEarlyHints(t *testing.T) {
	t.Parallel()
	h := handler(t, server.Settings{Table: routes(get("/x", func(w http.ResponseWriter, r *http.Request) error {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // too late
		return nil
	}))})
	url, client := serving(t, h)
	res, err := client.Get(url + "/api/hello/x")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusTeapot {
		t.Errorf("%d", res.StatusCode)
	}
}

func BenchmarkRequest(b *testing.B) {
	answer := []byte(`{"hello":"world"}`)
	run := func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write(answer)
		return err
	}
	html := func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, err := io.WriteString(w, page)
		return err
	}
	h := handler(b, server.Settings{
		Logger: slog.New(slog.NewJSONHandler(io.Discard, nil)), Links: fixed{}, Authorizer: rules{"read": true},
		Table: routes(get("/by/{kind}/{name}", run), route("hello", pluginapi.Route{Pattern: "GET /checked/{name}", Permission: &pluginapi.Permission{Name: "read"}}, run), get("/page", html)),
	})
	for name, path := range map[string]string{"route": "/api/hello/by/component/shop", "permission": "/api/hello/checked/shop", "unknown": "/api/hello/a/b/c", "page": "/api/hello/page", "probe": "/.backstage/health/v1/liveness"} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Accept-Encoding", "gzip")
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(&discard{header: http.Header{}}, r)
			}
		})
	}
}

// discard is a connection that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header              { return d.header }
func (d *discard) Write(p []byte) (int, error)      { return len(p), nil }
func (d *discard) WriteHeader(int)                  {}
func (d *discard) SetReadDeadline(time.Time) error  { return nil }
func (d *discard) SetWriteDeadline(time.Time) error { return nil }

// deadlines is a connection that remembers its deadlines.
type deadlines struct {
	discard
	read, write time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = t; return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

func TestConnectionsHaveDeadlines(t *testing.T) {
	t.Parallel()
	connections := map[string]*deadlines{}
	read := func(w http.ResponseWriter, r *http.Request) error {
		if conn := connections[r.URL.Path]; conn.read.IsZero() == (r.URL.Path == "/api/hello/x") {
			t.Errorf("%s: deadline for reading %v while it runs", r.URL.Path, conn.read)
		}
		_, err := io.Copy(w, r.Body)
		return err
	}
	h := handler(t, server.Settings{RequestTimeout: time.Hour, Table: routes(
		route("hello", pluginapi.Route{Pattern: "POST /x"}, read), route("hello", pluginapi.Route{Pattern: "POST /stream", Stream: true}, read),
		route("hello", pluginapi.Route{Pattern: "POST /own", Stream: true}, func(w http.ResponseWriter, r *http.Request) error {
			if err := http.NewResponseController(w).SetWriteDeadline(time.Unix(2, 0)); err != nil {
				t.Error(err)
			}
			return read(w, r)
		}),
		route("hello", pluginapi.Route{Pattern: "POST /silent", Stream: true}, func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(204)
			return nil
		}),
	)})
	hour := time.Now().Add(time.Hour)
	late := func(deadline time.Time) bool { return !deadline.Before(hour) }
	soon := func(deadline time.Time) bool { return deadline.Before(hour) && deadline.After(time.Now()) } // the client may take some time for a piece
	for path, want := range map[string]struct{ read, write func(time.Time) bool }{
		"/api/hello/x": {late, late}, "/nowhere": {late, late}, "/.backstage/health/v1/liveness": {late, late},
		"/api/hello/stream": {soon, soon}, // while it runs it may read for as long as it likes
		"/api/hello/silent": {soon, soon},
		"/api/hello/own":    {soon, func(deadline time.Time) bool { return deadline.Equal(time.Unix(2, 0)) }},
	} {
		conn := &deadlines{discard: discard{http.Header{}}, read: time.Unix(1, 0), write: time.Unix(1, 0)}
		connections[path] = conn
		h.ServeHTTP(conn, httptest.NewRequest("POST", path, strings.NewReader("x")))
		if !want.read(conn.read) || !want.write(conn.write) {
			t.Errorf("%s: deadlines for reading %v, for writing %v", path, conn.read, conn.write)
		}
	}
}
