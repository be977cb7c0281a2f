package postgres

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Who gets which connection. Everything here is called with the pool's lock held.

// fairness is how long those who wait longest let those go first for whom a connection need not be set anew.
const fairness = 5 * time.Millisecond

// patience is how long a caller waits for a connection to its own database before one to another database is closed for it: a new connection costs about as much, so changing sooner would make everybody slower.
const patience = 20 * time.Millisecond

// hot is how long after its last use a connection is likely to be used again.
const hot = 100 * time.Millisecond

// ownPatience is how long a caller waits for a connection that is set to its session already, while there is one in use: a few times as long as connections have been held of late, within bounds.
// Setting another costs about as much as a query, and takes it from somebody who then sets the next; under load one's own is free before that.
func (p *Pool) ownPatience() time.Duration {
	return min(max(4*p.held, 500*time.Microsecond), 25*time.Millisecond)
}

// plainLimit is how many connections plain calls may use.
func (p *Pool) plainLimit() int { return max(1, p.options.Limit-p.aside) }

// eligible reports whether w may have a connection now, if there is one.
func (p *Pool) eligible(w *waiter) bool {
	return w.control || w.borrower.inUse < w.borrower.quota && p.plain < p.plainLimit()
}

// mayDial reports whether w, which is eligible, may have one more made than are being made already.
func (p *Pool) mayDial(w *waiter) bool {
	return !w.dialing && (w.control || w.borrower.inUse+w.borrower.dialing < w.borrower.quota && p.plain+p.dialing < p.plainLimit())
}

// eager reports whether w takes any connection to its database. Otherwise it waits a little for one that suits it: for one of its own, if it has any, and else for one that its owner can spare, if there is any.
func (p *Pool) eager(w *waiter) bool {
	return w.control || w.borrower.settled == 0 && w.borrower.target.spare == 0 || time.Since(w.since) >= p.ownPatience()
}

// suits reports whether w takes c even if it is not eager: c is its own, or nobody's yet, or w has none and c's owner has another.
func (w *waiter) suits(c *physical) bool {
	return c.owner == nil || c.owner == w.borrower || w.borrower.settled == 0 && c.owner.settled > 1
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

// takeIdle removes and returns an idle connection to w's database: its own warmest; or else, if w is eager, one that must be set anew anyway, or whose last user has another, or any. Which one is left to chance:
// whatever order is chosen, some pattern of use asks next for just the session that was given away last.
func (p *Pool) takeIdle(w *waiter) *physical {
	b, eager := w.borrower, p.eager(w)
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
		case !eager && !w.suits(c):
			continue
		case c.owner == nil:
			r = 3
		case c.owner.settled > 1:
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
		// Many want different sessions at the same time and keep setting the few connections there are.
		p.grow(b.target)
	}
	return p.removeIdle(found)
}

func (p *Pool) removeIdle(i int) *physical {
	c := p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	return c
}

// settle counts c as set to b's session, and no longer to that of its owner. b may be nil.
func (p *Pool) settle(c *physical, b *Borrower) {
	if c.owner != nil {
		if c.owner.settled > 1 {
			c.target.spare--
		}
		c.owner.settled--
	}
	c.owner = b
	if b != nil {
		if b.settled > 0 {
			c.target.spare++
		}
		b.settled++
	}
}

// dispatch serves waiters as far as it can: with idle connections, with new ones within the limit, and with new ones in place of idle ones to other databases.
func (p *Pool) dispatch() {
	for i := 0; i < len(p.waiters); {
		w := p.waiters[i]
		if !p.eligible(w) {
			i++
			continue
		}
		if c := p.takeIdle(w); c != nil {
			p.serve(i, c)
			continue
		}
		switch {
		case !p.eager(w) && (w.borrower.settled > 0 || p.open >= p.options.Limit):
			p.lookAgain(p.ownPatience())
		case !p.mayDial(w):
		case p.open < p.options.Limit:
			p.dial(w, nil)
		default:
			if victim := p.victim(w); victim != nil {
				p.dial(w, victim)
			}
		}
		i++
	}
	p.scheduleReaper()
}

// victim returns an idle connection to another database that is to be closed so that w gets a new one, or nothing. Replacing is dear, so it comes at once only when it costs nobody much;
// otherwise w waits a little: where its database has connections, one of those is likely to be free sooner than a new one is made, and where it has none, the others get something done in between.
// And it comes one at a time, or under load nothing else would be done.
func (p *Pool) victim(w *waiter) *physical {
	if len(p.idle) == 0 {
		return nil
	}
	impatient := w.control || time.Since(w.since) >= patience
	if !w.control && p.replacing > 0 || w.borrower.target.open > 0 && !impatient {
		p.lookAgain(patience)
		return nil
	}
	for i, c := range p.idle {
		if c.target.open > 1 || time.Since(c.idleSince) > hot {
			return p.removeIdle(i)
		}
	}
	if !impatient {
		p.lookAgain(patience)
		return nil
	}
	return p.removeIdle(rand.IntN(len(p.idle)))
}

// lookAgain dispatches once more before long, because somebody may have run out of patience by then.
func (p *Pool) lookAgain(after time.Duration) {
	due := time.Now().Add(after)
	switch {
	case p.closed:
		return
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

// serve hands c to the waiter at i.
func (p *Pool) serve(i int, c *physical) {
	w := p.waiters[i]
	p.dropWaiter(i)
	p.lend(c, w, time.Now())
	w.ready <- c
}

func (p *Pool) dropWaiter(i int) {
	w := p.waiters[i]
	p.waiters = slices.Delete(p.waiters, i, i+1)
	w.borrower.waiting--
	w.borrower.waited += time.Since(w.since)
	w.borrower.waits++
}

// giveBack gives c to whoever should have it next, or keeps it idle.
func (p *Pool) giveBack(c *physical) {
	if p.closed {
		p.discard(c)
		return
	}
	best, impatient, patientOnes := -1, false, true
	for i, w := range p.waiters {
		switch {
		case !p.eligible(w):
		case w.borrower.target != c.target:
			impatient = impatient || best < 0 && p.mayDial(w) && time.Since(w.since) > patience
		case !w.suits(c) && !p.eager(w):
		case best < 0:
			best, patientOnes = i, time.Since(w.since) < fairness
		case w.before(p.waiters[best], c, patientOnes):
			best = i
		}
	}
	if best >= 0 && !(impatient && p.open >= p.options.Limit && p.replacing == 0) {
		p.serve(best, c)
	} else {
		p.idle = append(p.idle, c) // for dispatch to give away, or to replace by one to the database of somebody who has waited longer
	}
	p.dispatch()
}
