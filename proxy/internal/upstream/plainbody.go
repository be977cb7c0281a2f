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
	stop   func() bool // undoes what ends the connection with the request's context
	chunks io.Reader   // the body where its length is not known; else nil
	left   int64       // of a body whose length is known
	keep   bool        // the connection may be used again
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

// piece is how much the kernel may move from one connection to the other before the deadline is looked at again.
const piece = 1 << 20

// WriteTo implements [io.WriterTo]. Where w knows how, long bodies go from one connection to the other without coming by.
func (b *plainBody) WriteTo(w io.Writer) (total int64, err error) {
	if b.chunks != nil || b.done {
		return b.copy(w)
	}
	from, direct := w.(io.ReaderFrom)
	if waiting := int64(b.c.reader.Buffered()); waiting > 0 && b.left > 0 {
		data, err := b.c.reader.Peek(int(min(waiting, b.left)))
		if err != nil {
			return total, err
		}
		n, err := w.Write(data)
		_, _ = b.c.reader.Discard(n) // it is there
		b.left -= int64(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	for b.left > 0 {
		b.extend()
		if !direct || b.left < smallRest {
			n, err := b.copy(w)
			return total + n, err
		}
		want := min(b.left, piece)
		n, err := from.ReadFrom(&io.LimitedReader{R: b.c.Conn, N: want})
		b.left -= n
		total += n
		if err == nil && n < want {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return total, b.ended(err)
		}
	}
	if !b.done {
		b.finish(true)
	}
	return total, nil
}

// copy passes on what is left through a buffer.
func (b *plainBody) copy(w io.Writer) (int64, error) {
	pool := &b.c.plain.buffers
	buffer, ok := pool.Get().(*[]byte)
	if !ok {
		fresh := make([]byte, 32<<10)
		buffer = &fresh
	}
	defer pool.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{b}, *buffer)
}

// smallRest is how much is faster copied than given to the kernel, in bytes.
const smallRest = 16 << 10

func (b *plainBody) extend() {
	if b.chunks == nil && int64(b.c.reader.Buffered()) >= b.left { // all is here
		return
	}
	now := time.Now()
	d := b.idle
	if !b.end.IsZero() {
		d = min(d, b.end.Sub(now))
	}
	b.c.allow(now, d)
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
	stopped := !b.stop()
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
	if b.stop() && complete && b.keep && b.c.reader.Buffered() == 0 {
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
