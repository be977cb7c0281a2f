// Package lines collects the lines of a log, so that a portal under load does not spend its time on one system call per request.
package lines

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	capacity = 32 << 10               // bytes
	delay    = 100 * time.Millisecond // how long a line may wait; less than people notice
)

// Buffer writes lines to another writer: together, in the order in which they came, once there are 32 KiB of them or 100 ms after the first. Each call of Write is one line, which is never divided between two writes.
// It is safe for concurrent use. Make one with [New].
type Buffer struct {
	to io.Writer

	mu     sync.Mutex
	held   []byte
	timer  *time.Timer // runs while something is held
	closed bool
}

var _ io.Writer = (*Buffer)(nil)

// New makes a buffer in front of a writer, which does not need to be safe for concurrent use.
func New(to io.Writer) *Buffer {
	b := &Buffer{to: to, held: make([]byte, 0, capacity)}
	b.timer = time.AfterFunc(delay, b.Flush)
	b.timer.Stop()
	return b
}

// Write takes a line. An error is about that line or those before it, which are gone then; the next are tried again.
func (b *Buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	if len(b.held)+len(line) > capacity {
		err = b.flush()
	}
	if b.closed || len(line) > capacity {
		if _, late := b.to.Write(line); late != nil {
			err = late
		}
		return len(line), err
	}
	if len(b.held) == 0 {
		b.timer.Reset(delay)
	}
	b.held = append(b.held, line...)
	return len(line), err
}

// Flush writes what is held.
func (b *Buffer) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.flush() // there is nobody to tell: this is the log
}

// Close writes what is held, and from then on each line as it comes. It leaves nothing running.
func (b *Buffer) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	_ = b.flush()
}

func (b *Buffer) flush() error {
	if len(b.held) == 0 {
		return nil
	}
	b.timer.Stop() // or it is waiting for the lock, and will find nothing, or what came a little later
	_, err := b.to.Write(b.held)
	b.held = b.held[:0]
	return err
}

// Handler hands records to another handler, which writes to the buffer. What may be the last thing that a program says, warnings and errors, it does not leave there.
func (b *Buffer) Handler(inner slog.Handler) slog.Handler { return &handler{inner, b} }

type handler struct {
	slog.Handler
	buffer *Buffer
}

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.buffer.Flush()
	}
	return err
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.buffer}
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.buffer}
}
