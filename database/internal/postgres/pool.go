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
	"math/rand/v2"
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
	// MinIdle is how many connections to each database stay open although nobody uses them.
	MinIdle int
}

// Pool bounds and keeps the connections of a process. Its methods may be called from many goroutines.
type Pool struct {
	options Options
	dialing sync.WaitGroup

	mu      sync.Mutex
	open    int         // connections that exist or are being made
	pinned  int         // of those in use, the ones that are held for good
	idle    []*physical // the most recently used last
	inUse   map[*physical]struct{}
	waiters []*waiter // the longest waiting first
	reaper  *time.Timer
	// impatience is set while somebody may run out of patience; see makeRoom.
	impatience *time.Timer
	closed     bool
	empty      chan struct{} // closed when the pool is closed and the last connection is gone
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

// before reports whether w is served before an older waiter for the same database: control calls are, and those who hold less, so that one plugin under load does not starve the others.
func (w *waiter) before(older *waiter) bool {
	if w.control != older.control {
		return w.control
	}
	return w.borrower.inUse < older.borrower.inUse
}

// patience is how long a caller waits for a connection to its own database before one to another database is closed for it: a new connection costs about as much, so changing sooner would make everybody slower.
const patience = 10 * time.Millisecond

// NewPool returns a pool without connections. It does no I/O.
func NewPool(o Options) *Pool {
	return &Pool{options: o, inUse: map[*physical]struct{}{}, empty: make(chan struct{})}
}

// Limit returns the greatest number of connections.
func (p *Pool) Limit() int { return p.options.Limit }

// Counts tells how many connections are open, idle and waited for.
func (p *Pool) Counts() (open, idle, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open, len(p.idle), len(p.waiters)
}

// acquire waits for a connection and sets it to b's session. A control call is one of the portal's own, such as keeping a lease: it is short, passes the quota, and may use the one connection that plugins may not.
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
		p.release(c, b, false)
		if !dead || ctx.Err() != nil {
			return nil, err
		}
		died = err
	}
	return nil, died
}

func (p *Pool) take(ctx context.Context, b *Borrower, control bool) (*physical, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if b.mayTake(control) {
		if c := p.takeIdle(b); c != nil {
			b.lend()
			p.inUse[c] = struct{}{}
			p.mu.Unlock()
			return c, nil
		}
	}
	w := &waiter{borrower: b, control: control, since: time.Now(), ready: make(chan *physical, 1), failed: make(chan error, 1)}
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
		p.release(c, b, true)
	case <-w.failed:
	}
	return nil, cause
}

// exhausted says who holds what b waited for.
func (p *Pool) exhausted(b *Borrower, cause error) error {
	if b.inUse >= b.quota {
		return fault.Unavailable(fmt.Sprintf("%s holds all %d connections it may have; look for queries that take long and rows or transactions that are not closed, or raise its knexConfig.pool.max", b.name, b.quota), cause)
	}
	if p.open >= p.plainLimit() {
		return fault.Unavailable(fmt.Sprintf("all %d connections of this process are in use; raise maxConnections or lower the plugins' shares", p.options.Limit), cause)
	}
	return fault.Unavailable(fmt.Sprintf("connecting to %s takes too long", b.target.Name()), cause)
}

// plainLimit leaves one connection to control calls, beside those that are kept for good.
func (p *Pool) plainLimit() int { return max(1, p.options.Limit-1-p.pinned) }

// pin counts a connection that is held for good.
func (p *Pool) pin(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pinned += n
}

func (p *Pool) limitFor(control bool) int {
	if control {
		return p.options.Limit
	}
	return p.plainLimit()
}

// takeIdle removes and returns an idle connection to b's database: b's own warmest; or else one that must be set anew anyway, or whose last user has another; or else any. Which one is left to chance:
// whatever order is chosen, some pattern of use asks next for just the session that was given away last.
func (p *Pool) takeIdle(b *Borrower) *physical {
	found, rank, equals := -1, 0, 0
	for i := len(p.idle) - 1; i >= 0; i-- {
		c := p.idle[i]
		if c.target != b.target {
			continue
		}
		r := 1
		switch {
		case c.owner == b:
			return p.removeIdle(i)
		case c.owner == nil:
			r = 3
		case c.owner.idle > 1:
			r = 2
		}
		switch {
		case r > rank:
			found, rank, equals = i, r, 1
		case r == rank:
			equals++
			if rand.IntN(equals) == 0 {
				found = i
			}
		}
	}
	if found < 0 {
		return nil
	}
	return p.removeIdle(found)
}

func (p *Pool) removeIdle(i int) *physical {
	c := p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	if c.owner != nil {
		c.owner.idle--
	}
	return c
}

func (p *Pool) addIdle(c *physical) {
	p.idle = append(p.idle, c)
	if c.owner != nil {
		c.owner.idle++
	}
}

// dispatch serves waiters as far as it can: with idle connections, with new ones within the limit, and with new ones in place of idle ones to other databases. The lock is held.
func (p *Pool) dispatch() {
	for i := 0; i < len(p.waiters); {
		w := p.waiters[i]
		if !w.borrower.mayTake(w.control) {
			i++
			continue
		}
		if c := p.takeIdle(w.borrower); c != nil {
			p.serve(i, c)
			continue
		}
		if !w.dialing && w.borrower.inUse+w.borrower.dialing < w.borrower.quotaFor(w.control) {
			p.makeRoom(w)
			if p.open < p.limitFor(w.control) {
				p.dial(w)
			}
		}
		i++
	}
	p.scheduleReaper()
}

// makeRoom closes an idle connection to another database when w needs a new one and the limit is reached. Where w's database has connections, one of those is likely to be free sooner than a new one is made.
func (p *Pool) makeRoom(w *waiter) {
	if p.open < p.limitFor(w.control) || len(p.idle) == 0 {
		return
	}
	if w.borrower.target.open > 0 && time.Since(w.since) < patience {
		if p.impatience == nil {
			p.impatience = time.AfterFunc(patience, func() {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.impatience = nil
				p.dispatch()
			})
		}
		return
	}
	p.discard(p.removeIdle(rand.IntN(len(p.idle))))
}

// serve hands c to the waiter at i. The lock is held.
func (p *Pool) serve(i int, c *physical) {
	w := p.waiters[i]
	p.dropWaiter(i)
	w.borrower.lend()
	p.inUse[c] = struct{}{}
	w.ready <- c
}

func (p *Pool) dropWaiter(i int) {
	w := p.waiters[i]
	p.waiters = slices.Delete(p.waiters, i, i+1)
	w.borrower.waiting--
	w.borrower.waited += time.Since(w.since)
	w.borrower.waits++
}

// dial makes a connection because w waits. Whoever waits for the same database when it is ready gets it: w's own caller may be gone by then. The lock is held.
func (p *Pool) dial(w *waiter) {
	p.open++
	w.borrower.target.open++
	w.dialing = true
	w.borrower.dialing++
	p.dialing.Go(func() {
		c, err := w.borrower.target.connect()
		p.mu.Lock()
		defer p.mu.Unlock()
		w.borrower.dialing--
		w.dialing = false
		if err != nil {
			p.gone(w.borrower.target)
			if i := slices.Index(p.waiters, w); i >= 0 {
				p.dropWaiter(i)
				w.failed <- err
			}
			p.dispatch()
			return
		}
		p.giveBack(c)
	})
}

// release takes back what acquire gave. A connection that is not usable is closed.
func (p *Pool) release(c *physical, b *Borrower, usable bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.inUse, c)
	b.inUse--
	if p.closed || !usable || c.dead() || time.Since(c.made) > c.lifetime {
		p.discard(c)
		p.dispatch()
		return
	}
	p.giveBack(c)
}

// giveBack gives c to whoever should have it next, or keeps it idle. The lock is held.
func (p *Pool) giveBack(c *physical) {
	if p.closed {
		p.discard(c)
		return
	}
	c.idleSince = time.Now()
	best, impatient := -1, false
	for i, w := range p.waiters {
		switch {
		case !w.borrower.mayTake(w.control):
		case w.borrower.target != c.target:
			impatient = impatient || best < 0 && !w.dialing && time.Since(w.since) > patience
		case best < 0 || w.before(p.waiters[best]):
			best = i
		}
	}
	switch {
	case impatient && p.open >= p.plainLimit():
		p.discard(c) // dispatch makes one to the other database in its place
	case best >= 0:
		p.serve(best, c)
	default:
		p.addIdle(c)
	}
	p.dispatch()
}

// discard closes c. The lock is held.
func (p *Pool) discard(c *physical) {
	p.dialing.Go(c.close)
	p.gone(c.target)
}

// gone counts one connection less. The lock is held.
func (p *Pool) gone(t *Target) {
	p.open--
	t.open--
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
		case time.Since(c.made) > c.lifetime, time.Since(c.idleSince) > p.options.IdleTimeout && kept[c.target] >= p.options.MinIdle:
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
		err = fmt.Errorf("close database: %d connections were still in use: %w", len(p.inUse), ctx.Err())
		for c := range p.inUse {
			c.cut()
		}
		p.mu.Unlock()
	}
	p.dialing.Wait()
	return err
}
