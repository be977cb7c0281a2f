package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/proscenium-dev/proscenium/database/internal/observe"
	"github.com/proscenium-dev/proscenium/database/internal/sqltext"
)

// DB returns a handle for one caller, who may be observed.
func (f *File) DB(o observe.Observer) *sql.DB {
	if o == nil {
		o = observe.Nobody{}
	}
	db := sql.OpenDB(&connector{f, o})
	db.SetMaxIdleConns(64) // they hold nothing
	return db
}

type connector struct {
	file     *File
	observer observe.Observer
}

// Connect returns a connection. It does no I/O.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	return &conn{file: c.file, observer: c.observer}, nil
}

// Driver returns a driver that opens nothing: connections come from the connector.
func (c *connector) Driver() driver.Driver { return noDriver{} }

type noDriver struct{}

func (noDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("open by name is not supported")
}

// conn is what database/sql takes for a connection. Outside a transaction it holds nothing between statements.
type conn struct {
	file     *File
	observer observe.Observer
	tx       *tx
	alone    *Exclusive // set when every statement belongs to one exclusive transaction
}

var (
	_ driver.Conn               = (*conn)(nil)
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
)

var (
	errTransactionText = errors.New("transactions are begun with BeginTx and ended with Commit or Rollback, not by statements")
	errSavepointText   = errors.New("a savepoint needs a transaction; begin one with BeginTx")
)

// place returns the connection a statement runs on, and what to do with it afterwards.
func (c *conn) place(ctx context.Context, text string) (*physical, func(), error) {
	access := c.file.texts.Of(text)
	switch {
	case access == sqltext.Transaction:
		return nil, nil, errTransactionText
	case c.tx != nil:
		return c.tx.on, func() {}, nil
	case c.alone != nil:
		return c.alone.on, func() {}, nil
	case access == sqltext.Savepoint:
		return nil, nil, errSavepointText
	case access == sqltext.Read:
		p, err := c.file.takeReader(ctx)
		return p, func() { c.file.putReader(p) }, err
	}
	p, err := c.file.lockWriter(ctx)
	return p, func() { c.file.unlockWriter(p) }, err
}

// ExecContext runs text on the connection it belongs on.
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (_ driver.Result, err error) {
	ctx, done := c.observer.Statement(ctx, text)
	defer func() { done(err) }()
	p, release, err := c.place(ctx, text)
	if err != nil {
		return nil, c.noteFailure(text, err)
	}
	defer release()
	var result driver.Result
	err = c.file.retry(ctx, func() (err error) {
		result, err = p.exec(ctx, text, args)
		return err
	})
	return result, c.noteFailure(text, c.file.explainOn(p, err))
}

// QueryContext runs text on the connection it belongs on, which the rows keep until they are closed.
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (_ driver.Rows, err error) {
	ctx, done := c.observer.Statement(ctx, text)
	defer func() { done(err) }()
	p, release, err := c.place(ctx, text)
	if err != nil {
		return nil, c.noteFailure(text, err)
	}
	var (
		inner driver.Rows
		s     *statement
	)
	err = c.file.retry(ctx, func() (err error) {
		inner, s, err = p.query(ctx, text, args)
		return err
	})
	if err != nil {
		release()
		return nil, c.noteFailure(text, c.file.explainOn(p, err))
	}
	return &rows{Rows: inner, file: c.file, on: p, statement: s, release: release}, nil
}

func (c *conn) noteFailure(text string, err error) error {
	if err != nil && c.alone != nil {
		c.alone.failed = text
	}
	return err
}

// PrepareContext returns a statement that finds its place each time it runs; the connection it runs on keeps it prepared.
func (c *conn) PrepareContext(_ context.Context, text string) (driver.Stmt, error) {
	return &prepared{c, text}, nil
}

// Prepare is PrepareContext.
func (c *conn) Prepare(text string) (driver.Stmt, error) { return &prepared{c, text}, nil }

// Ping reads from the file.
func (c *conn) Ping(ctx context.Context) error {
	r, err := c.QueryContext(ctx, "select count(*) from sqlite_schema", nil)
	if err != nil {
		return err
	}
	return r.Close()
}

// Begin is BeginTx.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx waits for the writing connection and begins, taking SQLite's write lock at once; a read-only transaction takes a reading connection instead and sees one state of the file until it ends.
// SQLite's transactions are serializable, which is as strong as any level that may be asked for.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (_ driver.Tx, err error) {
	if c.alone != nil {
		return c.alone.nest(ctx)
	}
	ctx, done := c.observer.Statement(ctx, "begin")
	defer func() { done(err) }()
	take, put := c.file.lockWriter, c.file.unlockWriter
	if o.ReadOnly {
		take, put = c.file.takeReader, c.file.putReader
	}
	p, err := take(ctx)
	if err != nil {
		return nil, err
	}
	var inner driver.Tx
	err = c.file.retry(ctx, func() (err error) {
		inner, err = p.conn.(driver.ConnBeginTx).BeginTx(ctx, driver.TxOptions{ReadOnly: o.ReadOnly})
		return err
	})
	if err != nil {
		put(p)
		return nil, c.file.explain(err)
	}
	c.tx = &tx{inner: inner, conn: c, on: p, put: put}
	return c.tx, nil
}

// Close ends a transaction that was left open.
func (c *conn) Close() error {
	if c.tx != nil {
		return c.tx.Rollback()
	}
	return nil
}

// tx holds its connection until it ends.
type tx struct {
	inner driver.Tx
	conn  *conn
	on    *physical
	put   func(*physical)
}

// Commit ends the transaction; after an error nothing of it is kept.
func (t *tx) Commit() error {
	err := t.inner.Commit()
	t.end()
	return t.conn.file.explain(err)
}

// Rollback ends the transaction.
func (t *tx) Rollback() error {
	if err := t.inner.Rollback(); err != nil {
		// SQLite rolls back by itself when the disk is full or fails, and then has nothing left to roll back. In any other case closing the connection does it.
		t.on.broken = true
	}
	t.end()
	return nil
}

func (t *tx) end() {
	t.conn.tx = nil
	t.put(t.on)
}

// prepared is a statement of database/sql's.
type prepared struct {
	conn *conn
	text string
}

var (
	_ driver.StmtExecContext  = (*prepared)(nil)
	_ driver.StmtQueryContext = (*prepared)(nil)
)

// Close does nothing: the connections keep their statements.
func (*prepared) Close() error { return nil }

// NumInput is unknown; SQLite counts when it runs.
func (*prepared) NumInput() int { return -1 }

// Exec is not used: database/sql prefers ExecContext.
func (*prepared) Exec([]driver.Value) (driver.Result, error) {
	return nil, errors.ErrUnsupported
}

// Query is not used: database/sql prefers QueryContext.
func (*prepared) Query([]driver.Value) (driver.Rows, error) {
	return nil, errors.ErrUnsupported
}

// ExecContext runs the statement.
func (s *prepared) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.text, args)
}

// QueryContext runs the statement.
func (s *prepared) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.text, args)
}

// rows keep their connection until they are closed.
type rows struct {
	driver.Rows
	file      *File
	on        *physical
	statement *statement
	release   func()
}

var _ driver.RowsColumnTypeDatabaseTypeName = (*rows)(nil)

// ColumnTypeDatabaseTypeName returns the type a column was declared with.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if named, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return named.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

// Next reads a row.
func (r *rows) Next(dest []driver.Value) error { return r.file.explainOn(r.on, r.Rows.Next(dest)) }

// Close gives the connection back.
func (r *rows) Close() error {
	err := r.Rows.Close()
	if releaseErr := r.on.release(r.statement); err == nil {
		err = releaseErr
	}
	r.release()
	if err != nil {
		return fmt.Errorf("close rows: %w", r.file.explainOn(r.on, err))
	}
	return nil
}
