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
	"time"
)

const (
	gzipLevel   = gzip.BestSpeed // the pages of a portal are small and many
	gzipMinimum = 1024           // bytes; what is smaller costs more to compress than it saves
)

const (
	writeTimeout = 2 * time.Minute // at least half of it is how long the client of a stream may take for a piece
	writePiece   = 256 << 10       // bytes
)

// responseWriter is what endpoints write to. It notes status and size, and compresses what is worth it.
//
// The answer's first bytes are kept back until there are enough of them to know whether compressing pays, unless the headers tell; sent is false until then.
type responseWriter struct {
	inner http.ResponseWriter
	conn  *gatherer // nil: the connection does not gather
	gzips *sync.Pool
	gzip  bool // may be compressed, as far as the request and the endpoint are concerned

	late  time.Time     // when the connection gives up what is written; of a stream it moves on
	idle  time.Duration // of a stream: how long the client may take for one piece; else 0
	until time.Time     // the connection's deadline; zero: not set yet

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
		w.extend()
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
	if kind := first(h["Content-Type"]); kind != "" && !textual(kind) {
		return false
	}
	if first(h["Content-Encoding"]) != "" || first(h["Content-Range"]) != "" || strings.Contains(first(h["Cache-Control"]), "no-transform") {
		return false
	}
	if given := first(h["Content-Length"]); given != "" {
		if length, err := strconv.Atoi(given); err == nil && length < gzipMinimum {
			return false
		}
	}
	addVary(h, "Accept-Encoding")
	return w.gzip
}

// first is [http.Header.Get] for a name that is in its usual form already.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// Write implements [http.ResponseWriter].
func (w *responseWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.holding {
		if w.held == nil && len(p) >= gzipMinimum { // no need to keep a copy
			w.held = p
		} else {
			w.held = append(w.held, p...)
		}
		if len(w.held) >= gzipMinimum {
			return len(p), w.decide(true)
		}
		return len(p), nil
	}
	if w.to != nil {
		return w.to.Write(p)
	}
	return w.write(p)
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

func (c counter) Write(p []byte) (int, error) { return c.w.write(p) }

// write sends a part of the body, a long one in pieces if the client has only so long for each.
func (w *responseWriter) write(p []byte) (written int, err error) {
	for w.idle > 0 && len(p)-written > writePiece {
		w.extend()
		n, err := w.inner.Write(p[written : written+writePiece])
		w.bytes += int64(n)
		if written += n; err != nil {
			return written, err
		}
	}
	w.extend()
	var n int
	if rest := p[written:]; w.conn != nil && len(rest) >= gatherMinimum {
		n, err = w.conn.write(w.inner, rest)
	} else {
		n, err = w.inner.Write(rest)
	}
	w.bytes += int64(n)
	return written + n, err
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
	w.extend() // for what is still on its way
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
	w.extend()
	return http.NewResponseController(w.inner).Flush()
}

// stream lets the answer to r take as long as it likes, as long as the client takes what it is sent.
func (w *responseWriter) stream(r *http.Request) {
	w.gzip = false
	w.idle = writeTimeout
	if r.ProtoMajor > 1 { // there a deadline that passes while nothing is written ends the stream
		w.late, w.idle = time.Time{}, 0
	}
}

// extend sees to the connection's deadline, before something is sent. That of a stream is moved on only when it has come near: this costs less, and the client has at least half of the time.
func (w *responseWriter) extend() {
	if w.idle > 0 {
		if now := time.Now(); w.until.Sub(now) < w.idle/2 {
			w.late = now.Add(w.idle)
		}
	}
	if w.until.Equal(w.late) {
		return
	}
	w.until = w.late
	_ = http.NewResponseController(w.inner).SetWriteDeadline(w.late) // a writer that has none says so; that is all right
}

// SetWriteDeadline is what [http.ResponseController] calls: an endpoint that sets deadlines itself has no others.
func (w *responseWriter) SetWriteDeadline(t time.Time) error {
	w.idle, w.late, w.until = 0, t, t
	return http.NewResponseController(w.inner).SetWriteDeadline(t)
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
	if g, ok := conn.(*gatherer); ok {
		conn = g.Conn // with all that it can do
	}
	return conn, rw, err
}

// ReadFrom implements [io.ReaderFrom], so that files that are not compressed are sent by the kernel. What a stream sends comes by here, piece by piece: the kernel would hold the client to one deadline
// for all of it, and for what its source takes.
func (w *responseWriter) ReadFrom(from io.Reader) (int64, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	direct, ok := w.inner.(io.ReaderFrom)
	if !ok || w.holding || w.to != nil || w.idle > 0 {
		return io.Copy(struct{ io.Writer }{w}, from)
	}
	w.extend()
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
		for there := range strings.SplitSeq(value, ",") {
			if there = strings.TrimSpace(there); there == "*" || strings.EqualFold(there, name) {
				return
			}
		}
	}
	h["Vary"] = append(h["Vary"], name)
}
