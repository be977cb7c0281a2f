package server

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const (
	gzipLevel   = gzip.BestSpeed // the pages of a portal are small and many
	gzipMinimum = 1024           // bytes; what is smaller costs more to compress than it saves
)

// responseWriter is what endpoints write to. It notes status and size, and compresses what is worth it.
//
// The answer's first bytes are kept back until there are enough of them to know whether compressing pays, unless the headers tell; sent is false until then.
type responseWriter struct {
	inner http.ResponseWriter
	gzips *sync.Pool
	gzip  bool // may be compressed, as far as the request and the endpoint are concerned

	status   int
	bytes    int64 // of body, sent to the client
	sent     bool  // the header is
	hijacked bool
	held     []byte       // body that waits for a decision; nil when none does
	holding  bool         // waiting for that decision
	to       *gzip.Writer // nil when not compressing
}

var (
	_ http.Flusher  = (*responseWriter)(nil)
	_ http.Hijacker = (*responseWriter)(nil)
	_ io.ReaderFrom = (*responseWriter)(nil)
)

// Header implements [http.ResponseWriter].
func (w *responseWriter) Header() http.Header { return w.inner.Header() }

// Unwrap lets [http.ResponseController] reach the connection's deadlines.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.inner }

// WriteHeader implements [http.ResponseWriter].
func (w *responseWriter) WriteHeader(status int) {
	switch {
	case w.hijacked || w.status != 0:
		return
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols: // more will follow
		w.inner.WriteHeader(status)
		return
	}
	w.status = status
	if w.compressible() {
		w.holding = true
		return
	}
	w.send()
}

func (w *responseWriter) send() {
	w.holding, w.sent = false, true
	w.inner.WriteHeader(w.status)
}

// compressible reports whether the answer's header allows compression. An answer without a type may turn out to be anything.
func (w *responseWriter) compressible() bool {
	switch w.status {
	case http.StatusSwitchingProtocols, http.StatusNoContent, http.StatusNotModified, http.StatusPartialContent:
		return false
	}
	h := w.Header()
	if kind := h.Get("Content-Type"); kind != "" && !textual(kind) {
		return false
	}
	if h.Get("Content-Encoding") != "" || h.Get("Content-Range") != "" || strings.Contains(h.Get("Cache-Control"), "no-transform") {
		return false
	}
	if given := h.Get("Content-Length"); given != "" {
		if length, err := strconv.Atoi(given); err == nil && length < gzipMinimum {
			return false
		}
	}
	addVary(h, "Accept-Encoding")
	return w.gzip
}

// Write implements [http.ResponseWriter].
func (w *responseWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.holding {
		if w.held = append(w.held, p...); len(w.held) >= gzipMinimum {
			return len(p), w.decide(true)
		}
		return len(p), nil
	}
	if w.to != nil {
		return w.to.Write(p)
	}
	n, err := w.inner.Write(p)
	w.bytes += int64(n)
	return n, err
}

// decide sends the header and what was held back, compressed or not.
func (w *responseWriter) decide(compress bool) error {
	h := w.Header()
	if h.Get("Content-Type") == "" && len(w.held) > 0 {
		h.Set("Content-Type", http.DetectContentType(w.held))
	}
	if compress && textual(h.Get("Content-Type")) {
		h.Del("Content-Length")
		h.Set("Content-Encoding", "gzip")
		if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) { // no longer byte for byte
			h.Set("ETag", "W/"+tag)
		}
		w.to = w.gzips.Get().(*gzip.Writer)
		w.to.Reset(counter{w})
	}
	w.send()
	held := w.held
	w.held = nil
	if len(held) == 0 {
		return nil
	}
	_, err := w.Write(held)
	return err
}

// counter is where compressed bytes go.
type counter struct{ w *responseWriter }

func (c counter) Write(p []byte) (int, error) {
	n, err := c.w.inner.Write(p)
	c.w.bytes += int64(n)
	return n, err
}

// reset forgets an answer that has not been sent, as an error takes its place.
func (w *responseWriter) reset() {
	w.status, w.held, w.holding = 0, nil, false
	h := w.Header()
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition", "Content-Range", "Etag", "Last-Modified", "Expires", "Location"} {
		delete(h, name)
	}
}

// finish completes the answer. An error means that the client does not have all of it.
func (w *responseWriter) finish() error {
	if w.hijacked {
		return nil
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	var err error
	if w.holding {
		err = w.decide(false)
	}
	if w.to != nil {
		err = w.to.Close()
		w.to.Reset(io.Discard)
		w.gzips.Put(w.to)
		w.to = nil
	}
	return err
}

// Flush implements [http.Flusher].
func (w *responseWriter) Flush() { _ = w.FlushError() }

// FlushError is what [http.ResponseController] calls.
func (w *responseWriter) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.holding {
		if err := w.decide(true); err != nil {
			return err
		}
	}
	if w.to != nil {
		if err := w.to.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(w.inner).Flush()
}

// Hijack implements [http.Hijacker], for upgrades.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.holding {
		return nil, nil, fmt.Errorf("hijack connection: the answer has begun")
	}
	conn, rw, err := http.NewResponseController(w.inner).Hijack()
	if err == nil {
		w.hijacked = true
		if w.status == 0 {
			w.status = http.StatusSwitchingProtocols
		}
	}
	return conn, rw, err
}

// ReadFrom implements [io.ReaderFrom], so that files that are not compressed are sent by the kernel.
func (w *responseWriter) ReadFrom(from io.Reader) (int64, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	direct, ok := w.inner.(io.ReaderFrom)
	if !ok || w.holding || w.to != nil {
		return io.Copy(struct{ io.Writer }{w}, from)
	}
	n, err := direct.ReadFrom(from)
	w.bytes += n
	return n, err
}

// textual reports whether a content type is worth compressing.
func textual(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch {
	case kind == "text/event-stream":
		return false
	case strings.HasPrefix(kind, "text/"), strings.HasSuffix(kind, "+json"), strings.HasSuffix(kind, "+xml"):
		return true
	}
	switch kind {
	case "application/json", "application/javascript", "application/xml", "application/yaml", "application/x-ndjson", "application/wasm", "image/svg+xml", "image/bmp":
		return true
	}
	return false
}

// acceptsGzip reports whether the answer to r may be compressed.
func acceptsGzip(r *http.Request) bool {
	if r.Method == http.MethodHead {
		return false
	}
	for _, value := range r.Header["Accept-Encoding"] {
		for coding := range strings.SplitSeq(value, ",") {
			name, params, _ := strings.Cut(coding, ";")
			if name = strings.TrimSpace(name); !strings.EqualFold(name, "gzip") && name != "*" {
				continue
			}
			q := strings.ReplaceAll(strings.ToLower(params), " ", "")
			return !strings.HasPrefix(q, "q=0") || strings.Trim(q[3:], ".0") != ""
		}
	}
	return false
}

// addVary adds a name to Vary unless it is there.
func addVary(h http.Header, name string) {
	for _, value := range h["Vary"] {
		if value == "*" || strings.Contains(strings.ToLower(value), strings.ToLower(name)) {
			return
		}
	}
	h["Vary"] = append(h["Vary"], name)
}
