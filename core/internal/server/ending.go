package server

import (
	"context"
	"time"
)

// An exchange is a context that ends with its request, at its deadline or, of a stream, when the portal shuts down. Most endpoints never wait for that, so what can be waited for is only made when
// somebody asks for it: a timer and a place among the children of the connection's context cost more than all else that the server does for a request.

var _ context.Context = (*exchange)(nil)

// Deadline implements [context.Context].
func (x *exchange) Deadline() (time.Time, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	given, bounded := x.Context.Deadline()
	if x.deadline.IsZero() || bounded && given.Before(x.deadline) {
		return given, bounded
	}
	return x.deadline, true
}

// Done implements [context.Context].
func (x *exchange) Done() <-chan struct{} { return x.armed().Done() }

// Err implements [context.Context].
func (x *exchange) Err() error {
	x.mu.Lock()
	armed := x.ending != nil || x.mayHaveEnded()
	x.mu.Unlock()
	if armed {
		return x.armed().Err()
	}
	return x.Context.Err()
}

// mayHaveEnded reports whether there is a reason of our own to end.
func (x *exchange) mayHaveEnded() bool {
	if x.deadline.IsZero() {
		return x.over || x.handler.draining.Load()
	}
	return x.over || !time.Now().Before(x.deadline)
}

// armed returns the context that really ends.
func (x *exchange) armed() context.Context {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ending != nil {
		return x.ending
	}
	ctx, cancel := context.WithCancelCause(x.Context)
	x.ending, x.end = ctx, cancel
	switch {
	case x.over:
		cancel(nil)
	case x.deadline.IsZero():
		if x.handler.draining.Load() {
			cancel(errShuttingDown)
		}
	default:
		var stop context.CancelFunc
		x.ending, stop = context.WithDeadlineCause(ctx, x.deadline, errTooSlow)
		x.end = func(cause error) { cancel(cause); stop() }
	}
	return x.ending
}

// stream takes the deadline away.
func (x *exchange) stream() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.deadline = time.Time{}
}

// shutDown ends a stream.
func (x *exchange) shutDown() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.deadline.IsZero() && x.ending != nil {
		x.end(errShuttingDown)
	}
}

// finish ends the context, as the request is answered.
func (x *exchange) finish() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	if x.ending != nil {
		x.end(nil)
	}
}
