package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"time"
)

// Exclusive is a piece of work that only one connection of all processes does at a time: it holds an advisory lock.
// In a transaction, work that begins and commits transactions of its own runs in savepoints, so that it is kept or undone as a whole.
type Exclusive struct {
	conn   *conn
	key    int64
	tx     driver.Tx // nil outside a transaction
	failed string
}

// Exclusive waits for the lock named by key. Between its attempts it holds neither a connection nor a snapshot, so a holder that builds an index concurrently is not kept from finishing.
func (b *Borrower) Exclusive(ctx context.Context, key int64, transaction bool) (*Exclusive, error) {
	for {
		e, err := b.tryExclusive(ctx, key, transaction)
		if e != nil || err != nil {
			return e, err
		}
		select {
		case <-time.After(25*time.Millisecond + rand.N(50*time.Millisecond)):
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another process: %w", ctx.Err())
		}
	}
}

// tryExclusive returns nothing when somebody else has the lock.
func (b *Borrower) tryExclusive(ctx context.Context, key int64, transaction bool) (_ *Exclusive, err error) {
	p, err := b.target.pool.acquire(ctx, b, false)
	if err != nil {
		return nil, err
	}
	e := &Exclusive{conn: &conn{physical: p, borrower: b}, key: key}
	held := false
	defer func() {
		if !held {
			err = firstError(err, e.Rollback())
		}
	}()
	try := "select pg_try_advisory_lock($1)"
	if transaction {
		// The transaction outlives ctx: it is ended by Commit or Rollback only.
		if e.tx, err = p.BeginTx(context.WithoutCancel(ctx), driver.TxOptions{}); err != nil {
			return nil, e.conn.lost(err)
		}
		try = "select pg_try_advisory_xact_lock($1)"
	}
	if err = p.pg.QueryRow(ctx, try, key).Scan(&held); err != nil {
		return nil, e.conn.lost(err)
	}
	if !held {
		return nil, nil
	}
	return e, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// DB returns a handle all of whose statements run on the one connection. Close it before the work ends.
func (e *Exclusive) DB() *sql.DB {
	db := sql.OpenDB(&exclusiveConnector{e})
	db.SetMaxOpenConns(1)
	return db
}

// Failed returns the last statement that failed.
func (e *Exclusive) Failed() string { return e.failed }

// Commit keeps the work and gives the lock up.
func (e *Exclusive) Commit() error {
	defer func() { _ = e.conn.Close() }()
	if e.tx != nil {
		return e.conn.lost(e.tx.Commit())
	}
	return e.unlock()
}

// Rollback undoes the work, if it was in a transaction, and gives the lock up.
func (e *Exclusive) Rollback() error {
	defer func() { _ = e.conn.Close() }()
	if e.conn.physical.pg.IsClosed() {
		return nil // the server does it
	}
	if e.tx != nil {
		return e.conn.lost(e.tx.Rollback())
	}
	return e.unlock()
}

func (e *Exclusive) unlock() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// Whatever the work left behind, nobody else gets to see.
	e.conn.physical.dirty = true
	return e.conn.lost(e.conn.physical.simple(ctx, forget))
}

type exclusiveConnector struct{ *Exclusive }

func (c *exclusiveConnector) Connect(context.Context) (driver.Conn, error) {
	return &exclusiveConn{c.conn, c.Exclusive}, nil
}

func (c *exclusiveConnector) Driver() driver.Driver { return noDriver{} }

type exclusiveConn struct {
	*conn
	exclusive *Exclusive
}

// Close leaves the connection to the Exclusive.
func (c *exclusiveConn) Close() error { return nil }

// IsValid leaves it, too.
func (c *exclusiveConn) IsValid() bool { return true }

func (c *exclusiveConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.ExecContext(ctx, text, args)
	if err != nil {
		c.exclusive.failed = text
	}
	return result, err
}

func (c *exclusiveConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.QueryContext(ctx, text, args)
	if err != nil {
		c.exclusive.failed = text
	}
	return rows, err
}

// BeginTx begins a transaction inside this one, if there is one.
func (c *exclusiveConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if c.exclusive.tx == nil {
		return c.conn.BeginTx(ctx, o)
	}
	if err := c.physical.simple(ctx, "savepoint nested"); err != nil {
		return nil, fmt.Errorf("begin a nested transaction: %w", c.lost(err))
	}
	return nested{c}, nil
}

type nested struct{ conn *exclusiveConn }

func (n nested) Commit() error {
	return n.conn.lost(n.conn.physical.simple(context.Background(), "release savepoint nested"))
}

func (n nested) Rollback() error {
	return n.conn.lost(n.conn.physical.simple(context.Background(), "rollback to savepoint nested; release savepoint nested"))
}
