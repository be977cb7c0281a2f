package gateway

import (
	"sync/atomic"
	"time"
)

// breaker stops requests to a target that keeps failing to answer, and lets one through now and then to see whether it is back. A nil breaker lets all through.
type breaker struct {
	limit    int32
	pause    time.Duration
	failures atomic.Int32
	until    atomic.Int64 // Unix nanoseconds; 0: closed
}

// allow reports whether a request may be sent, and if not how long to wait.
func (b *breaker) allow() (wait time.Duration, ok bool) {
	if b == nil {
		return 0, true
	}
	until := b.until.Load()
	if until == 0 {
		return 0, true
	}
	now := time.Now()
	if left := time.Duration(until - now.UnixNano()); left > 0 {
		return left, false
	}
	// Whoever moves the time on is the one to try.
	if !b.until.CompareAndSwap(until, now.Add(b.pause).UnixNano()) {
		return b.pause, false
	}
	return 0, true
}

// answered tells that there was an answer, whichever. It reports whether that closed the breaker.
func (b *breaker) answered() (closed bool) {
	if b == nil || b.failures.Load() == 0 {
		return false
	}
	b.failures.Store(0)
	return b.until.Swap(0) != 0
}

// failed tells that there was none. It reports whether that opened the breaker.
func (b *breaker) failed() (opened bool) {
	if b == nil {
		return false
	}
	if b.failures.Add(1) < b.limit {
		return false
	}
	return b.until.Swap(time.Now().Add(b.pause).UnixNano()) == 0
}
