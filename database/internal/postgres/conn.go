package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/proscenium-dev/proscenium/database/internal/fault"
	"github.com/proscenium-dev/proscenium/database/internal/sqltext"
)

// DB returns a handle on b's connections.
//
// What database/sql sees as connections are light: one takes a real connection when it is first used, and gives it back when database/sql puts it aside, which is after a statement, a transaction, or the life of an sql.Conn.
func (b *Borrower) DB() *sql.DB { return openDB(&connector{b, false}) }

// ControlDB returns a handle for the portal's own short statements, and from now on keeps a connection for those of all borrowers.
func (b *Borrower) ControlDB() *sql.DB {
	b.target.pool.reserve()
	return openDB(&connector{b, true})
}

func openDB(c driver.Connector) *sql.DB {
	db := sql.OpenDB(c)
	db.SetMaxIdleConns(64) // they hold nothing
	return db
}

type connector struct {
	borrower *Borrower
	control  bool
}

// Connect returns a connection. It does no I/O.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	return &conn{borrower: c.borrower, control: c.control}, nil
}

// Driver returns a driver that opens nothing: connections come from the connector.
func (c *connector) Driver() driver.Driver { return noDriver{} }

type noDriver struct{}

func (noDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("open by name is not supported")
}

// conn is what database/sql takes for a connection.
type conn struct {
	borrower *Borrower
	control  bool
	physical *physical       // nil while it holds none
	effect   sqltext.Session // the most that any statement may have done to the session
}

var (
	_ driver.Conn               = (*conn)(nil)
	_ driver.ConnBeginTx        = (*conn)(nil)
	_ driver.ConnPrepareContext = (*conn)(nil)
	_ driver.ExecerContext      = (*conn)(nil)
	_ driver.QueryerContext     = (*conn)(nil)
	_ driver.NamedValueChecker  = (*conn)(nil)
	_ driver.Pinger             = (*conn)(nil)
	_ driver.Validator          = (*conn)(nil)
)

// hold takes a real connection unless c has one.
func (c *conn) hold(ctx context.Context) error {
	if c.physical != nil {
		return nil
	}
	p, err := c.borrower.target.pool.acquire(ctx, c.borrower, c.control)
	if err != nil {
		return err
	}
	c.physical, c.effect = p, sqltext.Clean
	return nil
}

// release gives the real connection back. One whose session was changed is set anew before anybody gets it, its last borrower included.
func (c *conn) release() {
	p := c.physical
	if p == nil {
		return
	}
	c.physical = nil
	p.dirty = p.dirty || c.effect != sqltext.Clean || c.borrower.programmed.Load()
	p.target.pool.release(p, c.effect != sqltext.Spoiled)
}

// IsValid is called by database/sql when it puts the connection aside.
func (c *conn) IsValid() bool {
	c.release()
	return true
}

// Close gives the real connection back.
func (c *conn) Close() error {
	c.release()
	return nil
}

// Unwrapper is what a connection of database/sql's is, as its Raw method gives it.
type Unwrapper interface {
	Unwrap(context.Context) (*pgx.Conn, error)
}

var _ Unwrapper = (*conn)(nil)

// Unwrap returns pgx's connection, for what database/sql has no words for, such as COPY. What is done to its session is undone when it is given back.
func (c *conn) Unwrap(ctx context.Context) (*pgx.Conn, error) {
	if err := c.hold(ctx); err != nil {
		return nil, err
	}
	c.effect = max(c.effect, sqltext.Changed)
	return c.physical.pg, nil
}

func (c *conn) lost(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	explained := c.physical.target.explain(err)
	if !c.physical.pg.IsClosed() || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || err == driver.ErrBadConn {
		return explained // pgx closes the connection of a cancelled query itself; any other that is closed was lost
	}
	c.physical.target.losses.Add(1)
	if !errors.Is(explained, fault.ErrUnavailable) {
		explained = fault.Unavailable("connection to "+c.physical.target.Name()+" lost", err)
	}
	return explained
}

// lostIn is lost for an error of a statement: the server counts its positions from the beginning of what it was sent, the caller from that of its own text.
func (c *conn) lostIn(err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		if pgErr.Code == "26000" {
			c.effect = sqltext.Spoiled // code of the caller's has dropped the statements that the connection keeps prepared
		}
		pgErr.Position = max(0, pgErr.Position-int32(utf8.RuneCountInString(c.borrower.tag)))
	}
	return c.lost(err)
}

// note remembers what text may do to the session, and returns it as it is sent.
func (c *conn) note(text string) string {
	s := c.borrower.texts.Of(text)
	c.effect = max(c.effect, s.effect)
	if s.effect == sqltext.Programmed {
		c.borrower.programmed.Store(true)
	}
	return s.tagged
}

// ExecContext runs text.
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (_ driver.Result, err error) {
	ctx, done := c.borrower.observer.Statement(ctx, text)
	defer func() { done(err) }()
	if err := c.hold(ctx); err != nil {
		return nil, err
	}
	result, err := c.physical.ExecContext(ctx, c.note(text), args)
	return result, c.lostIn(err)
}

// QueryContext runs text.
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (_ driver.Rows, err error) {
	ctx, done := c.borrower.observer.Statement(ctx, text)
	defer func() { done(err) }()
	if err := c.hold(ctx); err != nil {
		return nil, err
	}
	inner, err := c.physical.QueryContext(ctx, c.note(text), args)
	if err != nil {
		return nil, c.lostIn(err)
	}
	return &rows{inner.(*stdlib.Rows), c}, nil
}

// BeginTx begins a transaction.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (_ driver.Tx, err error) {
	ctx, done := c.borrower.observer.Statement(ctx, "begin")
	defer func() { done(err) }()
	if err := c.hold(ctx); err != nil {
		return nil, err
	}
	inner, err := c.physical.BeginTx(ctx, o)
	if err != nil {
		return nil, c.lost(err)
	}
	return &tx{inner, c}, nil
}

// PrepareContext returns a statement that runs text. The server prepares it when it first runs, once a connection: preparing here, on a connection that is borrowed for one statement, would cost a round trip each time.
func (c *conn) PrepareContext(_ context.Context, text string) (driver.Stmt, error) {
	return &prepared{c, text}, nil
}

// Prepare is PrepareContext.
func (c *conn) Prepare(text string) (driver.Stmt, error) { return &prepared{c, text}, nil }

// Begin is BeginTx.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// Ping asks the server.
func (c *conn) Ping(ctx context.Context) error {
	if err := c.hold(ctx); err != nil {
		return err
	}
	return c.lost(c.physical.pg.Ping(ctx))
}

// CheckNamedValue lets pgx encode every value as it knows how; times are brought to UTC, since a column without time zone would drop the zone and keep the clock's face.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	switch t := v.Value.(type) {
	case time.Time:
		v.Value = t.UTC()
	case *time.Time:
		if t != nil {
			v.Value = t.UTC()
		}
	case sql.NullTime:
		v.Value = nil
		if t.Valid {
			v.Value = t.Time.UTC()
		}
	case sql.Null[time.Time]:
		v.Value = nil
		if t.Valid {
			v.Value = t.V.UTC()
		}
	}
	return nil
}

// rows explain their errors and give times in UTC.
type rows struct {
	*stdlib.Rows
	conn *conn
}

var _ driver.RowsColumnTypeDatabaseTypeName = (*rows)(nil)

// Next reads a row.
func (r *rows) Next(dest []driver.Value) error {
	if err := r.Rows.Next(dest); err != nil {
		return r.conn.lost(err)
	}
	for i, v := range dest {
		if t, ok := v.(time.Time); ok {
			dest[i] = t.UTC()
		}
	}
	return nil
}

// Close ends the query.
func (r *rows) Close() error { return r.conn.lost(r.Rows.Close()) }

type tx struct {
	driver.Tx
	conn *conn
}

func (t *tx) Commit() error   { return t.conn.lost(t.Tx.Commit()) }
func (t *tx) Rollback() error { return t.conn.lost(t.Tx.Rollback()) }

// prepared is a statement of database/sql's.
type prepared struct {
	conn *conn
	text string
}

var (
	_ driver.StmtExecContext   = (*prepared)(nil)
	_ driver.StmtQueryContext  = (*prepared)(nil)
	_ driver.NamedValueChecker = (*prepared)(nil)
)

// Close does nothing: the connection's cache owns the server's statement.
func (*prepared) Close() error { return nil }

// NumInput is unknown; the server counts when it runs.
func (*prepared) NumInput() int { return -1 }

// Exec is not used: database/sql prefers ExecContext.
func (*prepared) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }

// Query is not used: database/sql prefers QueryContext.
func (*prepared) Query([]driver.Value) (driver.Rows, error) { return nil, errors.ErrUnsupported }

// CheckNamedValue is the connection's.
func (s *prepared) CheckNamedValue(v *driver.NamedValue) error { return s.conn.CheckNamedValue(v) }

// ExecContext runs the statement.
func (s *prepared) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.text, args)
}

// QueryContext runs the statement.
func (s *prepared) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.text, args)
}
