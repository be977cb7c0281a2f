package upstream

import (
	"errors"
	"io"
	"os"
	"time"
)

// plainBody is the body of an answer on a connection of our own. When it was read to its end the connection goes back.
type plainBody struct {
	c      *plainConn
	vigil  *vigil
	chunks io.Reader // the body where its length is not known; else nil
	left   int64     // of a body whose length is known
	keep   bool      // the connection may be used again
	idle   time.Duration
	end    time.Time // of all; zero: no limit
	done   bool
}

var _ io.WriterTo = (*plainBody)(nil)

// Read implements [io.Reader].
func (b *plainBody) Read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF
	}
	b.extend()
	if b.chunks != nil {
		n, err := b.chunks.Read(p)
		return n, b.ended(err)
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.c.reader.Read(p)
	if b.left -= int64(n); b.left == 0 && err == nil {
		err = io.EOF
	} else if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, b.ended(err)
}

// WriteTo implements [io.WriterTo]. What came with the header goes without a copy, what is left of a long body in large pieces: these take fewer calls, and are faster than having the kernel move the body.
func (b *plainBody) WriteTo(w io.Writer) (int64, error) {
	if b.done {
		return 0, nil
	}
	total, err := b.writeBuffered(w)
	if err != nil || b.done {
		return total, err
	}
	pool := &b.c.plain.small
	buffer := pool.get()
	if b.left > int64(len(*buffer)) {
		if large := b.c.plain.large.get(); large != nil {
			pool.put(buffer)
			pool, buffer = &b.c.plain.large, large
		}
	}
	defer pool.put(buffer)
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{b}, *buffer)
	return total + n, err
}

// writeBuffered passes on what came with the header.
func (b *plainBody) writeBuffered(w io.Writer) (int64, error) {
	waiting := min(int64(b.c.reader.Buffered()), b.left)
	if waiting <= 0 || b.chunks != nil {
		return 0, nil
	}
	data, err := b.c.reader.Peek(int(waiting))
	if err != nil {
		return 0, err
	}
	n, err := w.Write(data)
	_, _ = b.c.reader.Discard(n) // it is there
	if b.left -= int64(n); b.left == 0 {
		b.finish(true)
	}
	return int64(n), err
}

// extend sees to it that the next read ends: with the request, or when the target is silent for too long.
func (b *plainBody) extend() {
	if b.chunks == nil && int64(b.c.reader.Buffered()) >= b.left { // all is here
		return
	}
	b.vigil.watch()
	now := time.Now()
	d := b.idle
	if !b.end.IsZero() {
		d = min(d, b.end.Sub(now))
	}
	b.c.allow(now, d, d/8)
}

// ended deals with the end of the body and with failures.
func (b *plainBody) ended(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF:
		b.finish(true)
		return err
	}
	stopped := !b.vigil.end()
	b.finish(false)
	switch {
	case stopped:
		return &Error{Kind: Reset, Err: errors.New("the client has left")}
	case errors.Is(err, os.ErrDeadlineExceeded) && !b.end.IsZero() && !time.Now().Before(b.end):
		return &Error{Kind: Timeout, During: WhileTotal, Err: err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Error{Kind: Timeout, During: WhileIdle, Err: err}
	}
	return classify(err)
}

// finish gives the connection back, or closes it.
func (b *plainBody) finish(complete bool) {
	if b.done {
		return
	}
	b.done = true
	if b.vigil.end() && complete && b.keep && b.c.reader.Buffered() == 0 {
		b.c.plain.idle.put(b.c)
		return
	}
	_ = b.c.Close()
}

// Close implements [io.Closer].
func (b *plainBody) Close() error {
	b.finish(false)
	return nil
}
