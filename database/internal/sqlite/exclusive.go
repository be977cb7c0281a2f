package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/proscenium-dev/proscenium/database/internal/observe"
)

// Exclusive is one write transaction in which a whole piece of work runs, also work that begins and commits transactions of its own: those become savepoints.
// Until it ends nobody else writes to the file, in this process or another.
type Exclusive struct {
	file   *File
	on     *physical
	tx     driver.Tx
	failed string
}

// Exclusive begins.
func (f *File) Exclusive(ctx context.Context) (*Exclusive, error) {
	p, err := f.lockWriter(ctx)
	if err != nil {
		return nil, err
	}
	e := &Exclusive{file: f, on: p}
	err = f.retry(ctx, func() (err error) {
		// The transaction outlives ctx: it is ended by Commit or Rollback only.
		e.tx, err = p.conn.(driver.ConnBeginTx).BeginTx(context.WithoutCancel(ctx), driver.TxOptions{})
		return err
	})
	if err != nil {
		f.unlockWriter(p)
		return nil, f.explain(err)
	}
	return e, nil
}

// DB returns a handle all of whose statements run in the transaction. Close it before the transaction ends.
func (e *Exclusive) DB() *sql.DB {
	db := sql.OpenDB(&exclusiveConnector{e})
	db.SetMaxOpenConns(1)
	return db
}

// Failed returns the last statement that failed.
func (e *Exclusive) Failed() string { return e.failed }

// Commit keeps the work.
func (e *Exclusive) Commit() error {
	defer e.file.unlockWriter(e.on)
	return e.file.explain(e.tx.Commit())
}

// Rollback undoes it.
func (e *Exclusive) Rollback() error {
	defer e.file.unlockWriter(e.on)
	if err := e.tx.Rollback(); err != nil {
		e.on.broken = true
	}
	return nil
}

type exclusiveConnector struct{ *Exclusive }

func (c *exclusiveConnector) Connect(context.Context) (driver.Conn, error) {
	return &conn{file: c.file, observer: observe.Nobody{}, alone: c.Exclusive}, nil
}

func (c *exclusiveConnector) Driver() driver.Driver { return noDriver{} }

// nest begins a transaction inside this one.
func (e *Exclusive) nest(ctx context.Context) (driver.Tx, error) {
	if _, err := e.on.exec(ctx, "savepoint nested", nil); err != nil {
		return nil, fmt.Errorf("begin a nested transaction: %w", err)
	}
	return nested{e}, nil
}

type nested struct{ *Exclusive }

func (n nested) Commit() error {
	_, err := n.on.exec(context.Background(), "release nested", nil)
	return err
}

func (n nested) Rollback() error {
	if _, err := n.on.exec(context.Background(), "rollback to nested", nil); err != nil {
		return err
	}
	return n.Commit()
}
