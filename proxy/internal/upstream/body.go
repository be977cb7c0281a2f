package upstream

import (
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// body is the body of an answer that ends when the target is silent for too long. On an upgraded connection it is both directions.
type body struct {
	io.ReadCloser
	w    *watch
	next time.Time // when to wind the timer up again: doing so for each piece would be dear
}

type upgradedBody struct {
	body
	writer io.Writer
}

func (w *watch) body(inner io.ReadCloser) io.ReadCloser {
	if both, ok := inner.(io.ReadWriteCloser); ok {
		return &upgradedBody{body{ReadCloser: inner, w: w}, both}
	}
	return &body{ReadCloser: inner, w: w}
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.alive()
	if err != nil && err != io.EOF {
		err = b.w.explain(err)
	}
	return n, err
}

// Write implements [io.Writer].
func (b *upgradedBody) Write(p []byte) (int, error) {
	n, err := b.writer.Write(p)
	b.w.timer.Reset(b.w.idle) // Read runs at the same time: only what is safe for that
	return n, err
}

// Read implements [io.Reader].
func (b *upgradedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.w.timer.Reset(b.w.idle)
	return n, err
}

// CloseWrite tells the target that the client has said all it has to say, and may still listen.
func (b *upgradedBody) CloseWrite() error {
	if half, ok := b.writer.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.w.end()
	return b.ReadCloser.Close()
}

func (b *body) alive() {
	now := time.Now()
	if now.Before(b.next) {
		return
	}
	b.next = now.Add(b.w.idle / 8)
	d := b.w.idle
	if !b.w.total.IsZero() {
		d = min(d, b.w.total.Sub(now))
	}
	b.w.timer.Reset(d)
}

// sentBody is a request's body that remembers why reading it failed: that is not the target's doing.
type sentBody struct {
	io.ReadCloser
	err atomic.Pointer[error]
}

// Read implements [io.Reader].
func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.err.Store(&err)
	}
	return n, err
}

// failure returns why reading failed, or nil.
func (b *sentBody) failure() error {
	if b == nil {
		return nil
	}
	if err := b.err.Load(); err != nil {
		return *err
	}
	return nil
}
