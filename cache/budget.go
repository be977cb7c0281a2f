package cache

import (
	"context"
	"sync"
	"time"
)

// budgeted is a caller's context with the budget as its deadline. It is what context.WithTimeout makes, only cheaper: it starts its timer when somebody wants to wait for it, and has fewer parts.
// Most calls end long before, and the timer would be the most expensive thing about them.
type budgeted struct {
	context.Context // the caller's
	deadline        time.Time

	mu    sync.Mutex
	ended chan struct{} // nil until somebody waits; closed when err is set
	err   error
	timer *time.Timer
	leave func() bool // ends following the caller's context; nil if that never ends
}

var _ context.Context = (*budgeted)(nil)

// spend returns ctx with a deadline that is at most budget away. The caller calls done afterwards.
func spend(ctx context.Context, budget time.Duration) *budgeted {
	deadline := time.Now().Add(budget)
	if theirs, ok := ctx.Deadline(); ok && theirs.Before(deadline) {
		deadline = theirs
	}
	return &budgeted{Context: ctx, deadline: deadline}
}

// Deadline returns the earlier of the caller's deadline and the budget's.
func (b *budgeted) Deadline() (time.Time, bool) { return b.deadline, true }

// Done starts the timer.
func (b *budgeted) Done() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended == nil {
		b.ended = make(chan struct{})
		b.timer = time.AfterFunc(time.Until(b.deadline), func() { b.end(context.DeadlineExceeded) })
		if b.Context.Done() != nil {
			b.leave = context.AfterFunc(b.Context, func() { b.end(b.Context.Err()) })
		}
	}
	return b.ended
}

// end ends the context for those who wait for it, unless it has ended.
func (b *budgeted) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
		close(b.ended)
	}
}

// Err is not nil when the caller left or the deadline has passed.
func (b *budgeted) Err() error {
	b.mu.Lock()
	ended, err := b.ended, b.err
	b.mu.Unlock()
	switch {
	case ended != nil:
		return err // not before Done is closed
	case b.Context.Err() != nil:
		return b.Context.Err()
	case !time.Now().Before(b.deadline):
		return context.DeadlineExceeded
	}
	return nil
}

// done ends the context and frees the timer, if anybody has waited.
func (b *budgeted) done() {
	b.mu.Lock()
	timer, leave := b.timer, b.leave
	b.mu.Unlock()
	if timer == nil {
		return
	}
	timer.Stop()
	if leave != nil {
		leave()
	}
	b.end(context.Canceled)
}

// theirs reports whether the deadline is the caller's own, or the caller left: that nothing came by then says nothing about the store.
func (b *budgeted) theirs() bool {
	if b.Context.Err() != nil {
		return true
	}
	deadline, ok := b.Context.Deadline()
	return ok && deadline.Equal(b.deadline)
}
