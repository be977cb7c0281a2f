package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/proscenium-dev/proscenium/database/internal/fault"
)

// Target is where connections go: a server, a database on it and whom they log in as. Targets are compared by address.
type Target struct {
	pool   *Pool
	config *pgx.ConnConfig
	// losses counts connections that died under somebody. Those made before the last loss are tried before they are used again: a restarted server kills them all, but tells of one at a time.
	losses atomic.Int64

	// Guarded by the pool's mu.
	open    int // connections that exist or are being made
	spare   int // connections that are set to a session to which another one is set as well
	minIdle int // connections that stay open although nobody uses them: as many as the borrower wants who wants most
}

// NewTarget describes a target whose connections come out of p. It does no I/O.
func (p *Pool) NewTarget(c *pgx.ConnConfig) *Target {
	c = c.Copy()
	// All borrowers of a connection share its statements.
	c.StatementCacheCapacity = max(c.StatementCacheCapacity, 1024)
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	return &Target{pool: p, config: c}
}

// Name tells which database of which server this is.
func (t *Target) Name() string {
	return fmt.Sprintf("database %q at %s", t.config.Database, net.JoinHostPort(t.config.Host, strconv.Itoa(int(t.config.Port))))
}

// Config returns a copy of how connections are made.
func (t *Target) Config() *pgx.ConnConfig { return t.config.Copy() }

// connect makes a connection. It is bounded by the connect timeout, not by whoever asked: the next caller can use it too.
func (t *Target) connect() (*physical, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*t.config.ConnectTimeout)
	defer cancel()
	losses := t.losses.Load()
	made, err := stdlib.GetConnector(*t.config).Connect(ctx)
	if err != nil {
		return nil, t.explain(err)
	}
	std := made.(*stdlib.Conn)
	lifetime := t.pool.options.MaxLifetime
	if lifetime <= 0 {
		lifetime = time.Hour
	}
	lifetime += rand.N(lifetime/10 + 1) // so that what was made together is not renewed together
	return &physical{Conn: std, pg: std.Conn(), target: t, made: time.Now(), idleSince: time.Now(), lifetime: lifetime, losses: losses}, nil
}

// explain puts what a person can do in front of an error that means the server or the database cannot serve; any other error stays as it is.
func (t *Target) explain(err error) error {
	if err == nil {
		return nil
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pgErr.Code {
		case "3D000":
			return fault.Unavailable(t.Name()+" does not exist; create it, or set ensureExists", err)
		case "28P01", "28000":
			return fault.Unavailable(fmt.Sprintf("%s refuses user %q; check user, password and pg_hba.conf", t.Name(), t.config.User), err)
		case "53300":
			return fault.Unavailable(t.Name()+" has no connection left; lower maxConnections here or raise max_connections there", err)
		}
		// Class 08 is the connection, 57P the operator's intervention, 58 the system, 53 its resources.
		if class := pgErr.Code[:2]; class == "08" || pgErr.Code[:3] == "57P" || class == "58" || class == "53" {
			return fault.Unavailable(t.Name()+" cannot serve now", err)
		}
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) {
		return fault.Unavailable("connection to "+t.Name()+" lost", err)
	}
	if connectErr, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		// One line, without the credentials' part: the name says where.
		return fault.Unavailable("connect to "+t.Name(), errors.New(strings.Join(strings.Fields(errors.Unwrap(connectErr).Error()), " ")))
	}
	return err
}
