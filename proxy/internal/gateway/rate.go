package gateway

import (
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/proxy/node"
)

// limiter lets a number of requests through in each period. A nil limiter lets all through.
type limiter struct {
	every   time.Duration // a token
	burst   int
	perUser bool

	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket holds what one caller has left. Rather than tokens it holds the time at which it will be full again.
type bucket struct{ full time.Time }

// maxBuckets bounds how many callers are remembered. Beyond it those that have used nothing lately are forgotten.
const maxBuckets = 10_000

func newLimiter(c proxynode.RateLimit) *limiter {
	if c.Requests == 0 {
		return nil
	}
	return &limiter{every: max(c.Per/time.Duration(c.Requests), 1), burst: c.Burst, perUser: c.PerUser, buckets: make(map[string]*bucket)}
}

// allow takes a token for who asks, or tells how long to wait for one.
func (l *limiter) allow(who string) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	if !l.perUser {
		who = ""
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[who]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			l.forget(now)
		}
		b = &bucket{}
		l.buckets[who] = b
	}
	if b.full.Before(now) {
		b.full = now
	}
	if wait := b.full.Sub(now) - l.every*time.Duration(l.burst-1); wait > 0 {
		return wait, false
	}
	b.full = b.full.Add(l.every)
	return 0, true
}

// forget drops full buckets, and if there are none, all: more callers than that at once are better let through than remembered.
func (l *limiter) forget(now time.Time) {
	for who, b := range l.buckets {
		if !b.full.After(now) {
			delete(l.buckets, who)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}
