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

	mu        sync.Mutex
	open      int         // connections that exist or are being made
	pinned    int         // connections that plugins may not use
	idle      []*physical // the most recently used last
	inUse     map[*physical]struct{}
	waiters   []*waiter // the longest waiting first
	replacing int       // connections being made in place of one to another database: one at a time, or making them would be all that is done
	reaper    *time.Timer
	// impatience dispatches at impatientAt, for those who wait for something better than they could have at once.
	impatience  *time.Timer
	impatientAt time.Time
	held        time.Duration // how long connections were held of late
	reserved    bool          // one of the pinned is for control calls
	closed      bool
	empty       chan struct{} // closed when the pool is closed and the last connection is gone
}

// waiter is one call that waits for a connection.
type waiter struct {
	borrower *Borrower
	control  bool
	since    time.Time
	dialing  bool // a connection is being made because of it
	replaces bool // and one to another database was closed for that
	ready    chan *physical
	failed   chan error
}

// before reports whether w gets c rather than an older waiter: control calls go first; then, as long as nobody waits long, whose session c is set to; then those who hold less, so that one plugin under load does not starve the others.
func (w *waiter) before(older *waiter, c *physical, patient bool) bool {
	if w.control != older.control {
		return w.control
	}
	if mine, theirs := c.owner == w.borrower, c.owner == older.borrower; patient && mine != theirs {
		return mine
	}
	return w.borrower.inUse < older.borrower.inUse
}

// ownPatience is how long a caller waits for a connection that is set to its session already, while there is one in use: a few times as long as connections have been held of late, within bounds.
// Setting another costs about as much as a query, and takes it from somebody who then sets the next; under load one's own is free before that. The lock is held.
func (p *Pool) ownPatience() time.Duration {
	return min(max(4*p.held, 500*time.Microsecond), 10*time.Millisecond)
}

// fairness is how long those who wait longest let those go first for whom a connection need not be set anew.
const fairness = 5 * time.Millisecond

// patience is how long a caller waits for a connection to its own database before one to another database is closed for it: a new connection costs about as much, so changing sooner would make everybody slower.
const patience = 20 * time.Millisecond

// hot is how long after its last use a connection is likely to be used again.
const hot = 100 * time.Millisecond

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

// acquire waits for a connection and sets it to b's session. A control call is one of the portal's own, such as keeping a lease: it is short, it is not bound by the quota, and it has a connection that plugins may not use.
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
		if c := p.takeIdle(b, control || b.settled == 0); c != nil {
			p.lend(c, b)
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
	if errors.Is(cause, context.Canceled) {
		return fmt.Errorf("wait for a connection: %w", cause) // the caller did not want it any more
	}
	if b.inUse >= b.quota {
		return fault.Unavailable(fmt.Sprintf("%s holds all %d connections it may have; look for queries that take long and rows or transactions that are not closed, or raise its knexConfig.pool.max", b.name, b.quota), cause)
	}
	if p.open >= p.plainLimit() {
		return fault.Unavailable(fmt.Sprintf("all %d connections of this process are in use; raise maxConnections or lower the plugins' shares", p.options.Limit), cause)
	}
	return fault.Unavailable(fmt.Sprintf("connecting to %s takes too long", b.target.Name()), cause)
}

// plainLimit leaves those connections to control calls that they have need of.
func (p *Pool) plainLimit() int { return max(1, p.options.Limit-p.pinned) }

// pin keeps n more connections from plugins: for one that is held for good, or so that there is one for control calls whatever plugins do.
func (p *Pool) pin(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pinned += n
}

// reserve keeps one connection for control calls, once.
func (p *Pool) reserve() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reserved {
		p.reserved = true
		p.pinned++
	}
}

func (p *Pool) limitFor(control bool) int {
	if control {
		return p.options.Limit
	}
	return p.plainLimit()
}

// takeIdle removes and returns an idle connection to b's database: b's own warmest; or else, if any will do, one that must be set anew anyway, or whose last user has another; or else any. Which one is left to chance:
// whatever order is chosen, some pattern of use asks next for just the session that was given away last.
func (p *Pool) takeIdle(b *Borrower, anyOne bool) *physical {
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
		case !anyOne:
			continue
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
	if rank == 1 && time.Since(p.idle[found].idleSince) < hot {
		p.grow(b.target)
	}
	return p.removeIdle(found)
}

// eager reports whether w takes any connection rather than wait for one of its own.
func (p *Pool) eager(w *waiter) bool {
	return w.control || w.borrower.settled == 0 || time.Since(w.since) >= p.ownPatience()
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
		eager := p.eager(w)
		if c := p.takeIdle(w.borrower, eager); c != nil {
			p.serve(i, c)
			continue
		}
		if !eager {
			p.lookAgain(p.ownPatience())
			i++
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

// makeRoom closes an idle connection to another database when w needs a new one and the limit is reached. That is dear, so it comes at once only when it costs nobody much;
// otherwise w waits a little: where its database has connections, one of those is likely to be free sooner than a new one is made, and where it has none, the others get something done in between.
func (p *Pool) makeRoom(w *waiter) {
	if p.open < p.limitFor(w.control) || len(p.idle) == 0 {
		return
	}
	impatient := w.control || time.Since(w.since) >= patience
	if !w.control && p.replacing > 0 || w.borrower.target.open > 0 && !impatient {
		p.lookAgain(patience)
		return
	}
	victim, cheap := rand.IntN(len(p.idle)), false
	for i, c := range p.idle {
		if c.target.open > 1 || time.Since(c.idleSince) > hot {
			victim, cheap = i, true
			break
		}
	}
	if !cheap && !impatient {
		p.lookAgain(patience)
		return
	}
	p.discard(p.removeIdle(victim))
	w.replaces = true
	p.replacing++
}

// lookAgain dispatches once more before long, because somebody may have run out of patience by then. The lock is held.
func (p *Pool) lookAgain(after time.Duration) {
	due := time.Now().Add(after)
	switch {
	case p.impatience == nil:
		p.impatience = time.AfterFunc(after, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.impatientAt = time.Time{}
			p.dispatch()
		})
	case p.impatientAt.IsZero() || due.Before(p.impatientAt):
		p.impatience.Reset(after)
	default:
		return
	}
	p.impatientAt = due
}

func (p *Pool) lend(c *physical, b *Borrower) {
	b.inUse++
	c.lentAt = time.Now()
	p.inUse[c] = struct{}{}
}

// serve hands c to the waiter at i. The lock is held.
func (p *Pool) serve(i int, c *physical) {
	w := p.waiters[i]
	p.dropWaiter(i)
	p.lend(c, w.borrower)
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
	w.dialing = true
	w.borrower.dialing++
	target := w.borrower.target
	p.begin(target)
	p.dialing.Go(func() {
		c, err := target.connect()
		p.mu.Lock()
		defer p.mu.Unlock()
		target.dialing--
		w.borrower.dialing--
		if w.replaces {
			p.replacing--
			w.replaces = false
		}
		w.dialing = false
		if err != nil {
			p.gone(target)
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

// begin counts a connection that is about to be made.
func (p *Pool) begin(t *Target) {
	p.open++
	t.open++
	t.dialing++
}

// grow makes a connection nobody waits for, because many want different sessions at the same time and keep setting the few connections there are. The lock is held.
func (p *Pool) grow(t *Target) {
	if t.dialing > 0 || p.open >= p.plainLimit() || p.closed {
		return
	}
	p.begin(t)
	p.dialing.Go(func() {
		c, err := t.connect()
		p.mu.Lock()
		defer p.mu.Unlock()
		t.dialing--
		if err != nil {
			p.gone(t) // whoever needs one meets the error
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
	p.held += (min(time.Since(c.lentAt), 10*time.Millisecond) - p.held) / 16
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
	best, impatient, patientOnes := -1, false, true
	for i, w := range p.waiters {
		switch {
		case !w.borrower.mayTake(w.control):
		case w.borrower.target != c.target:
			impatient = impatient || best < 0 && !w.dialing && time.Since(w.since) > patience
		case c.owner != w.borrower && !p.eager(w):
		case best < 0:
			best = i
			patientOnes = time.Since(w.since) < fairness
		case w.before(p.waiters[best], c, patientOnes):
			best = i
		}
	}
	switch {
	case impatient && p.open >= p.plainLimit() && p.replacing == 0:
		p.addIdle(c) // dispatch closes one in favour of the other database
	case best >= 0:
		p.serve(best, c)
	default:
		p.addIdle(c)
	}
	p.dispatch()
}

// discard closes c. The lock is held.
func (p *Pool) discard(c *physical) {
	if c.owner != nil {
		c.owner.settled--
	}
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
