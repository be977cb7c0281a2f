package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// plain sends requests without TLS and with no or a short body, which is most of them, in the goroutine that asks. The standard transport hands each request to two goroutines of the connection and its
// answer back, to be ready for whatever HTTP allows; for these requests that costs as much as all the rest.
type plain struct {
	o    Options
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	host string // host:port

	direct bool // it is reached without TLS and without another proxy
	idle   idleConns
	busy   atomic.Int32 // requests that wait for an answer

	messages     sync.Pool // of *[]byte
	small, large buffers   // for pieces of bodies
}

// maxPlainBody is the longest body, in bytes, that is sent at once. It is read before a connection is taken.
const maxPlainBody = 16 << 10

// fits reports whether a request is one for plain.
func (p *plain) fits(out *http.Request) bool {
	return p.direct && out.URL.Scheme == "http" && out.ContentLength >= 0 && out.ContentLength <= maxPlainBody && (out.ContentLength > 0 || out.Body == nil || out.Body == http.NoBody) &&
		out.Header["Upgrade"] == nil && out.URL.Host == p.o.URL.Host
}

// do is [Target.Do] for requests that fit.
func (p *plain) do(out *http.Request) (*http.Response, error) {
	buffer, ok := p.messages.Get().(*[]byte)
	if !ok {
		fresh := make([]byte, 0, 1024)
		buffer = &fresh
	}
	defer p.messages.Put(buffer)
	message, err := p.message((*buffer)[:0], out)
	if err != nil {
		return nil, err
	}
	*buffer = message
	start := time.Now()
	for {
		c, err := p.conn(out)
		if err != nil {
			return nil, err
		}
		res, err := p.exchange(c, out, message, start)
		if err == nil {
			return res, nil
		}
		_ = c.Close()
		if out.Context().Err() != nil {
			return nil, context.Cause(out.Context())
		}
		failure := classify(err)
		if c.used && c.silent() && failure.Kind == Reset && idempotent(out.Method) {
			continue // it was closed while nobody used it, so this says nothing about the target
		}
		return nil, failure
	}
}

func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// message appends a request as it is sent to m.
func (p *plain) message(m []byte, out *http.Request) ([]byte, error) {
	uri := out.URL.RequestURI()
	host := out.Host
	if host == "" {
		host = out.URL.Host
	}
	if !validURI(uri) || !httpguts.ValidHostHeader(host) || !httpguts.ValidHeaderFieldName(out.Method) {
		return nil, errors.New("send request: method, URL or host has a character that cannot be sent")
	}
	m = append(m, out.Method...)
	m = append(m, ' ')
	m = append(m, uri...)
	m = append(m, " HTTP/1.1\r\nHost: "...)
	m = append(m, host...)
	m = append(m, "\r\n"...)
	for name, values := range out.Header {
		if name == "User-Agent" && len(values) == 1 && values[0] == "" || unsent(name) {
			continue
		}
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, fmt.Errorf("send request: %q is no name of a header", name)
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return nil, fmt.Errorf("send request: header %s has a value that cannot be sent", name)
			}
			m = append(m, name...)
			m = append(m, ": "...)
			m = append(m, value...)
			m = append(m, "\r\n"...)
		}
	}
	if out.ContentLength > 0 || out.Method == http.MethodPost || out.Method == http.MethodPut || out.Method == http.MethodPatch {
		m = append(m, "Content-Length: "...)
		m = strconv.AppendInt(m, out.ContentLength, 10)
		m = append(m, "\r\n"...)
	}
	m = append(m, "\r\n"...)
	if out.ContentLength == 0 {
		return m, nil
	}
	end := len(m)
	m = slices.Grow(m, int(out.ContentLength))[:end+int(out.ContentLength)]
	if _, err := io.ReadFull(out.Body, m[end:]); err != nil {
		return nil, fmt.Errorf("read request's body: %w", err)
	}
	return m, nil
}

// unsent reports whether a header is made of other parts of the request, so that one in its Header is not sent.
func unsent(name string) bool {
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	}
	return false
}

func validURI(uri string) bool {
	for i := range len(uri) {
		if uri[i] <= ' ' || uri[i] == 0x7f {
			return false
		}
	}
	return uri != ""
}

// conn returns a connection: one that was used before, if there is one.
func (p *plain) conn(out *http.Request) (*plainConn, error) {
	for {
		c := p.idle.get()
		if c == nil {
			break
		}
		// What the target has sent without being asked would be taken for the answer to this request. And one that must not be sent twice must not meet a connection that is closed.
		if closed(c.Conn) {
			_ = c.Close()
			continue
		}
		c.used = true
		return c, nil
	}
	ctx, cancel := context.WithTimeout(out.Context(), p.o.Connect)
	defer cancel()
	inner, err := p.dial(ctx, "tcp", p.host)
	if err != nil {
		if out.Context().Err() != nil {
			return nil, context.Cause(out.Context())
		}
		failure := classify(err)
		failure.During = WhileConnect
		return nil, failure
	}
	c := &plainConn{Conn: inner, plain: p}
	c.reader = bufio.NewReader(c)
	return c, nil
}

// grace is how long an answer may take before anybody cares whether the client is still there. Most answers are here by then, and to watch for the client costs as much as to send a request.
const grace = 250 * time.Millisecond

// crowd is from how many requests on that wait for an answer it is quicker to let others go first.
const crowd = 32

// exchange sends a request and reads the header of the answer.
func (p *plain) exchange(c *plainConn, out *http.Request, message []byte, start time.Time) (*http.Response, error) {
	if err := out.Context().Err(); err != nil {
		return nil, err
	}
	w := &vigil{c: c, ctx: out.Context(), start: start, limit: min(p.o.Header, p.o.Total)}
	res, err := p.answer(w, out, message)
	if err != nil {
		w.end()
		return nil, err
	}
	b := &plainBody{c: c, vigil: w, left: res.ContentLength, keep: !res.Close && !out.Close, idle: p.o.Idle, end: start.Add(p.o.Total)}
	if IsEventStream(res) {
		b.idle, b.end = p.o.Stream, time.Time{}
	}
	switch {
	case out.Method == http.MethodHead || res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified:
		b.left = 0
	case res.ContentLength < 0:
		b.chunks = res.Body
	}
	if b.left == 0 {
		b.finish(true)
	}
	res.Body = b
	return res, nil
}

// answer is the part of exchange up to the answer's header.
func (p *plain) answer(w *vigil, out *http.Request, message []byte) (*http.Response, error) {
	p.busy.Add(1)
	defer p.busy.Add(-1)
	c := w.c
	d := min(grace, w.limit)
	c.allow(w.start, d, d)
	c.allowed = maxHeader
	sent, err := c.Write(message)
	if w.begin(err) {
		_, err = c.Write(message[sent:])
	}
	if err != nil {
		return nil, err
	}
	if p.busy.Load() > crowd {
		runtime.Gosched() // the answer is here when this goroutine's turn comes again: that saves a read that finds nothing, and waiting for the network poller
	}
	for range maxInterim {
		_, err := c.reader.Peek(1)
		if w.begin(err) {
			_, err = c.reader.Peek(1)
		}
		if err != nil {
			return nil, err
		}
		here, _ := c.reader.Peek(c.reader.Buffered()) // that much is here
		end := bytes.Index(here, headerEnd)
		if end < 0 {
			w.begin(os.ErrDeadlineExceeded) // since this one takes its time
		} else if res := readUsual(string(here[:end+len(headerEnd)]), out); res != nil {
			_, _ = c.reader.Discard(end + len(headerEnd))
			c.allowed = -1
			return res, nil
		}
		res, err := http.ReadResponse(c.reader, out)
		switch {
		case err != nil:
			return nil, err
		case res.StatusCode < http.StatusContinue:
			return nil, &Error{Kind: Malformed, Err: errStatus}
		case res.StatusCode == http.StatusSwitchingProtocols:
			return nil, &Error{Kind: Malformed, Err: errUnasked}
		case res.StatusCode >= http.StatusOK:
			c.allowed = -1
			return res, nil
		}
	}
	return nil, &Error{Kind: Malformed, Err: errors.New("answers with one interim answer after the other")}
}

var headerEnd = []byte("\r\n\r\n")

// vigil closes a connection when the request that it is used for ends before its answer does.
type vigil struct {
	c     *plainConn
	ctx   context.Context
	start time.Time
	limit time.Duration // for the header
	stop  func() bool   // nil before it began
}

// begin begins, if err says that the grace is over; then what failed may be tried again.
func (w *vigil) begin(err error) bool {
	if err == nil || w.stop != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	w.watch()
	w.c.allow(w.start, w.limit, w.limit/8)
	return true
}

func (w *vigil) watch() {
	if w.stop == nil {
		w.stop = context.AfterFunc(w.ctx, func() { _ = w.c.Close() })
	}
}

// end reports whether the connection is as it was.
func (w *vigil) end() bool { return w.stop == nil || w.stop() }

// maxInterim is how many answers with a status of 1xx may come first.
const maxInterim = 5

// plainConn is a connection, used by one request at a time.
type plainConn struct {
	net.Conn
	plain   *plain
	reader  *bufio.Reader
	allowed int64 // bytes that may still be read of a header; negative: no limit
	got     int64 // bytes read since the request was sent
	used    bool
	until   time.Time // the deadline
	since   time.Time // not in use
}

var errHeaderTooLarge = errors.New("malformed answer: its header is too large")

// allow sets the deadline to d from now, or up to slack more, since setting it each time would be dear.
func (c *plainConn) allow(now time.Time, d, slack time.Duration) {
	if end := now.Add(d); c.until.Before(end) || c.until.After(end.Add(slack)) {
		c.until = end.Add(slack)
		_ = c.SetDeadline(c.until) // fails only on a closed connection, as what follows then does
	}
}

// Read is for the reader: it limits headers.
func (c *plainConn) Read(p []byte) (int, error) {
	if c.allowed == 0 {
		return 0, errHeaderTooLarge
	}
	if c.allowed > 0 && int64(len(p)) > c.allowed {
		p = p[:c.allowed]
	}
	n, err := c.Conn.Read(p)
	c.got += int64(n)
	if c.allowed > 0 {
		c.allowed -= int64(n)
	}
	return n, err
}

// silent reports whether nothing came since the request was sent.
func (c *plainConn) silent() bool { return c.got == 0 }
