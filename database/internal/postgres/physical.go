package postgres

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/proscenium-dev/proscenium/database/internal/fault"
)

// physical is a connection to a server. One goroutine uses it at a time.
type physical struct {
	*stdlib.Conn
	pg       *pgx.Conn
	target   *Target
	made     time.Time
	lifetime time.Duration

	owner     *Borrower // whose session it is set to; nil when it must be set anew
	dirty     bool      // the session may hold more than its settings
	user      *Borrower // who has it; nil while it is idle
	control   bool      // and for a control call
	lentAt    time.Time
	idleSince time.Time
	losses    int64 // of the target, when this connection was last known to live
}

// idleTrust is how long a connection is believed to live without being tried.
const idleTrust = time.Second

// ready sets the connection to b's session, if it is not, and makes sure that it lives, if that is in doubt.
func (c *physical) ready(ctx context.Context, b *Borrower) error {
	losses := c.target.losses.Load()
	settled := c.owner == b && !c.dirty
	if settled && c.losses == losses && c.lentAt.Sub(c.idleSince) < idleTrust {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	if settled {
		if err := c.pg.Ping(ctx); err != nil {
			return c.target.explain(err)
		}
	} else {
		// Setting the session tells as well whether the connection lives.
		if err := b.settle(ctx, c); err != nil {
			return fault.Unavailable("set up a session on "+c.target.Name(), c.target.explain(err))
		}
		c.dirty = false
		c.setOwner(b)
	}
	c.losses = losses
	return nil
}

func (c *physical) setOwner(b *Borrower) {
	if c.owner == b {
		return
	}
	c.target.pool.mu.Lock()
	defer c.target.pool.mu.Unlock()
	c.target.pool.settle(c, b)
}

// dead reports whether the connection cannot go back to the pool: it is closed, or in the middle of something.
func (c *physical) dead() bool {
	return c.pg.IsClosed() || c.pg.PgConn().IsBusy() || c.pg.PgConn().TxStatus() != 'I'
}

// close ends the connection and waits until the server has seen it: as long as it has not, it counts against the server's limit.
func (c *physical) close() {
	const bound = 5 * time.Second
	pg := c.pg.PgConn()
	if pg.IsClosed() {
		// pgx is closing it, and cancels what runs on it.
		late := time.NewTimer(bound)
		defer late.Stop()
		select {
		case <-pg.CleanupDone():
		case <-late.C:
		}
		return
	}
	// Whatever goes wrong here, the connection is closed in the end.
	_ = pg.Conn().SetDeadline(time.Now().Add(bound))
	pg.Frontend().Send(&pgproto3.Terminate{})
	if pg.Frontend().Flush() == nil {
		_, _ = io.Copy(io.Discard, pg.Conn())
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	_ = c.pg.Close(ctx)
}

// cut ends the connection under whoever uses it.
func (c *physical) cut() { _ = c.pg.PgConn().Conn().Close() }

// simple runs texts that return nothing of interest, in one round trip.
func (c *physical) simple(ctx context.Context, text string) error {
	_, err := c.pg.PgConn().Exec(ctx, text).ReadAll()
	if err != nil {
		return fmt.Errorf("%w", err)
	}
	return nil
}
