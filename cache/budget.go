package cache

import (
	"context"
	"sync"
	"time"
)

// budgeted is a caller's context with the budget as its deadline. It is what context.WithTimeout makes, except that it starts its timer only when somebody wants to wait for it:
// most calls end long before, and a timer would be the most expensive thing about them.
type budgeted struct {
	context.Context // the caller's
	deadline        time.Time

	mu     sync.Mutex
	armed  context.Context // nil until somebody waits
	cancel context.CancelFunc
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
	if b.armed == nil {
		b.armed, b.cancel = context.WithDeadline(b.Context, b.deadline)
	}
	return b.armed.Done()
}

// Err is not nil when the caller left or the deadline has passed.
func (b *budgeted) Err() error {
	b.mu.Lock()
	armed := b.armed
	b.mu.Unlock()
	switch {
	case armed != nil:
		return armed.Err()
	case b.Context.Err() != nil:
		return b.Context.Err()
	case !time.Now().Before(b.deadline):
		return context.DeadlineExceeded
	}
	return nil
}

// done frees the timer, if there is one.
func (b *budgeted) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cancel != nil {
		b.cancel()
	}
}

// theirs reports whether the deadline is the caller's own, or the caller left: that nothing came by then says nothing about the store.
func (b *budgeted) theirs() bool {
	if b.Context.Err() != nil {
		return true
	}
	deadline, ok := b.Context.Deadline()
	return ok && deadline.Equal(b.deadline)
}
