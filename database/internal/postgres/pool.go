// Package postgres shares few connections to PostgreSQL among many borrowers.
//
// One [Pool] bounds all connections of a process, to whatever servers and databases they go. A [Borrower] is one plugin: it has a quota, so that it cannot take everything,
// and a session (role, schema, name) which every connection it gets is set to. Connections that were last used by the same borrower are preferred, since they need no setting.
// When the bound is reached, whoever waits gets the next connection that is given back; one to another database is closed for it and replaced.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/proscenium-dev/proscenium/database/internal/fault"
)

// ErrClosed is returned once the pool was closed.
var ErrClosed = errors.New("database is closed")

// Options bound a [Pool].
type Options struct {
	// Limit is the greatest number of connections at any time, all uses included. It is at least 3.
	Limit int
	// IdleTimeout is how long a connection nobody uses stays open.
	IdleTimeout time.Duration
	// MaxLifetime is how old a connection may get, so that a server behind a changed name or a load balancer is found again.
	MaxLifetime time.Duration
}

// Pool bounds and keeps the connections of a process. Its methods may be called from many goroutines.
//
// Calls are plain or control. Control calls are the portal's own, such as keeping a lease: they are short, no quota binds them, and what [Pool.reserve] and [Pool.pin] set aside plain calls cannot use.
type Pool struct {
	options Options
	working sync.WaitGroup // goroutines that make or close connections

	mu       sync.Mutex
	open     int                    // connections that exist, are being made or are being closed
	all      map[*physical]struct{} // that exist and are not being closed
	idle     []*physical            // of those; the most recently used last
	plain    int                    // of those in use, by plain calls
	dialing  int                    // being made for plain calls
	aside    int                    // connections that plain calls may not use
	reserved bool                   // one of those is for control calls in general
	held     time.Duration          // how long connections were held of late
	waiters  []*waiter              // the longest waiting first

	growing     bool        // a connection nobody waits for is being made
	replacing   int         // connections being made in place of one to another database
	reaper      *time.Timer // set while there are idle connections
	impatience  *time.Timer // dispatches at impatientAt, for those who wait for something better than they could have at once
	impatientAt time.Time
	closed      bool
	empty       chan struct{} // closed when the pool is closed and the last connection is gone
}

// waiter is one call that waits for a connection.
type waiter struct {
	borrower *Borrower
	control  bool
	since    time.Time
	dialing  bool // a connection is being made because of it
	ready    chan *physical
	failed   chan error
}

// NewPool returns a pool without connections. It does no I/O.
func NewPool(o Options) *Pool {
	return &Pool{options: o, all: map[*physical]struct{}{}, empty: make(chan struct{})}
}

// Limit returns the greatest number of connections.
func (p *Pool) Limit() int { return p.options.Limit }

// Counts tells how many connections are open, idle and waited for.
func (p *Pool) Counts() (open, idle, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open, len(p.idle), len(p.waiters)
}

// pin sets n more connections aside for one use that holds them for good.
func (p *Pool) pin(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aside += n
}

// reserve sets one connection aside for control calls, once.
func (p *Pool) reserve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reserved {
		p.reserved = true
		p.aside++
	}
}

// acquire waits for a connection and sets it to b's session.
func (p *Pool) acquire(ctx context.Context, b *Borrower, control bool) (*physical, error) {
	var died error
	// Every connection may have died while idle; after those a new one is made, which either works or says why not.
	for range p.options.Limit + 2 {
		c, err := p.take(ctx, b, control)
		if err != nil {
			return nil, err
		}
		if err = c.ready(ctx, b); err == nil {
			return c, nil
		}
		dead := c.dead()
		p.release(c, false)
		if !dead || ctx.Err() != nil {
			return nil, err
		}
		died = err
	}
	return nil, died
}

func (p *Pool) take(ctx context.Context, b *Borrower, control bool) (*physical, error) {
	now := waiter{borrower: b, control: control, since: time.Now()} // not for the heap: most calls do not wait
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if p.eligible(&now) {
		if c := p.takeIdle(&now); c != nil {
			p.lend(c, &now, now.since)
			p.mu.Unlock()
			return c, nil
		}
	}
	w := &waiter{borrower: b, control: control, since: now.since, ready: make(chan *physical, 1), failed: make(chan error, 1)}
	p.waiters = append(p.waiters, w)
	b.waiting++
	p.dispatch()
	p.mu.Unlock()

	patient := time.NewTimer(b.wait)
	defer patient.Stop()
	var cause error
	select {
	case c := <-w.ready:
		return c, nil
	case err := <-w.failed:
		return nil, err
	case <-ctx.Done():
		cause = ctx.Err()
	case <-patient.C:
		cause = fmt.Errorf("waited %v: %w", b.wait, context.DeadlineExceeded)
	}
	p.mu.Lock()
	if i := slices.Index(p.waiters, w); i >= 0 {
		p.dropWaiter(i)
		err := p.exhausted(b, cause)
		p.mu.Unlock()
		return nil, err
	}
	p.mu.Unlock()
	// It was served in this very moment.
	select {
	case c := <-w.ready:
		p.release(c, true)
	case <-w.failed:
	}
	return nil, cause
}

// exhausted says who holds what b waited for.
func (p *Pool) exhausted(b *Borrower, cause error) error {
	switch {
	case errors.Is(cause, context.Canceled):
		return fmt.Errorf("wait for a connection: %w", cause) // the caller did not want it any more
	case b.inUse >= b.quota:
		return fault.Unavailable(fmt.Sprintf("%s holds all %d connections it may have; look for queries that take long and rows or transactions that are not closed, or raise its knexConfig.pool.max", b.name, b.quota), cause)
	case p.plain >= p.plainLimit() || p.open >= p.options.Limit:
		return fault.Unavailable(fmt.Sprintf("all %d connections of this process are in use; raise maxConnections or lower the plugins' shares", p.options.Limit), cause)
	}
	return fault.Unavailable(fmt.Sprintf("connecting to %s takes too long", b.target.Name()), cause)
}

// lend counts c as w's. The lock is held.
func (p *Pool) lend(c *physical, w *waiter, at time.Time) {
	c.user, c.control, c.lentAt = w.borrower, w.control, at
	w.borrower.inUse++
	if !w.control {
		p.plain++
	}
}

// release takes back what acquire gave. A connection that is not usable is closed.
func (p *Pool) release(c *physical, usable bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.user.inUse--
	if !c.control {
		p.plain--
	}
	c.user = nil
	c.idleSince = time.Now()
	p.held += (min(c.idleSince.Sub(c.lentAt), 25*time.Millisecond) - p.held) / 16
	if p.closed || !usable || c.dead() || c.idleSince.Sub(c.made) > c.lifetime {
		p.discard(c)
		p.dispatch()
		return
	}
	p.giveBack(c)
}

// dial makes a connection because w waits, in place of one to another database if there is one given. Whoever waits for the same database when it is ready gets it: w's own caller may be gone by then. The lock is held.
func (p *Pool) dial(w *waiter, inPlaceOf *physical) {
	target := w.borrower.target
	w.dialing = true
	w.borrower.dialing++
	if !w.control {
		p.dialing++
	}
	if inPlaceOf == nil {
		p.open++
	} else {
		p.replacing++
		p.forget(inPlaceOf)
	}
	target.open++
	p.working.Go(func() {
		if inPlaceOf != nil {
			inPlaceOf.close()
		}
		c, err := target.connect()
		p.mu.Lock()
		defer p.mu.Unlock()
		w.dialing = false
		w.borrower.dialing--
		if !w.control {
			p.dialing--
		}
		if inPlaceOf != nil {
			p.replacing--
		}
		if err != nil {
			target.open--
			p.gone()
			if i := slices.Index(p.waiters, w); i >= 0 {
				p.dropWaiter(i)
				w.failed <- err
			}
			p.dispatch()
			return
		}
		p.all[c] = struct{}{}
		p.giveBack(c)
	})
}

// grow makes a connection nobody waits for. The lock is held.
func (p *Pool) grow(t *Target) {
	if p.growing || p.open >= p.plainLimit() || p.closed {
		return
	}
	p.growing = true
	p.open++
	t.open++
	p.working.Go(func() {
		c, err := t.connect()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.growing = false
		if err != nil {
			t.open--
			p.gone() // whoever needs one meets the error
			return
		}
		p.all[c] = struct{}{}
		p.giveBack(c)
	})
}

// forget stops counting c as its database's and its owner's. The lock is held.
func (p *Pool) forget(c *physical) {
	delete(p.all, c)
	c.target.open--
	p.settle(c, nil)
}

// discard closes c. It counts until the server has seen it go. The lock is held.
func (p *Pool) discard(c *physical) {
	p.forget(c)
	p.working.Go(func() {
		c.close()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.gone()
		p.dispatch()
	})
}

// gone counts one connection less. The lock is held.
func (p *Pool) gone() {
	p.open--
	if p.closed && p.open == 0 {
		close(p.empty)
	}
}

// scheduleReaper sees to it that idle connections are looked at. The lock is held.
func (p *Pool) scheduleReaper() {
	if len(p.idle) == 0 || p.closed || p.reaper != nil {
		return
	}
	p.reaper = time.AfterFunc(max(p.options.IdleTimeout/2, 10*time.Millisecond), p.reap)
}

// reap closes what was idle for too long.
func (p *Pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaper = nil
	kept := map[*Target]int{}
	for i := len(p.idle) - 1; i >= 0; i-- {
		c := p.idle[i]
		switch {
		case time.Since(c.made) > c.lifetime, time.Since(c.idleSince) > p.options.IdleTimeout && kept[c.target] >= c.target.minIdle:
			p.discard(p.removeIdle(i))
		default:
			kept[c.target]++
		}
	}
	p.scheduleReaper()
}

// Close refuses new calls, waits until every connection was given back or ctx ends, and closes them; those still in use when ctx ends are cut.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	for _, timer := range []*time.Timer{p.reaper, p.impatience} {
		if timer != nil {
			timer.Stop()
		}
	}
	for len(p.waiters) > 0 {
		w := p.waiters[0]
		p.dropWaiter(0)
		w.failed <- ErrClosed
	}
	if p.open == 0 {
		close(p.empty)
	}
	for len(p.idle) > 0 {
		p.discard(p.removeIdle(0))
	}
	p.mu.Unlock()

	var err error
	select {
	case <-p.empty:
	case <-ctx.Done():
		p.mu.Lock()
		err = fmt.Errorf("close database: %d connections were still in use: %w", len(p.all), ctx.Err())
		for c := range p.all { // none is idle any more
			c.cut()
		}
		p.mu.Unlock()
	}
	p.working.Wait()
	return err
}
