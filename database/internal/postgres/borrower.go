package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/proscenium-dev/proscenium/database/internal/observe"
	"github.com/proscenium-dev/proscenium/database/internal/sqltext"
)

// BorrowerOptions say who a [Borrower] is.
type BorrowerOptions struct {
	// Name is what messages call the borrower.
	Name string
	// ApplicationName is what the server shows in pg_stat_activity.
	ApplicationName string
	// Schema is the only one on the search path. Empty leaves the path as the server sets it.
	Schema string
	// Role is set on every connection. Empty means the role that owns Schema if that is OwnRole, and the login's role otherwise.
	Role string
	// OwnRole is the role made for this borrower alone, if there is one.
	OwnRole string
	// Quota is the greatest number of connections it may hold. Zero or more than the pool has means as many as the pool has.
	Quota int
	// Wait bounds the wait for a connection beside the caller's context.
	Wait time.Duration
	// Observer follows its statements.
	Observer observe.Observer
}

// Borrower is one plugin's share of a [Pool]. Its methods may be called from many goroutines.
type Borrower struct {
	target   *Target
	name     string
	tag      string // in front of every text: statements are cached by text, and one text means different tables to different borrowers
	quota    int
	wait     time.Duration
	options  BorrowerOptions
	observer observe.Observer
	texts    *sqltext.Cache[sqltext.Session]

	sessionMu sync.Mutex
	session   string // the text that sets the session; empty until it is known

	// Guarded by the pool's mu.
	inUse, dialing, waiting int
	waits                   int
	waited                  time.Duration
}

// NewBorrower returns a share of the pool's connections to t. It does no I/O.
func (t *Target) NewBorrower(o BorrowerOptions) *Borrower {
	quota := o.Quota
	if most := t.pool.plainLimit(); quota <= 0 || quota > most {
		quota = most
	}
	if o.Wait <= 0 {
		o.Wait = 30 * time.Second
	}
	if o.Observer == nil {
		o.Observer = observe.Nobody{}
	}
	return &Borrower{
		target: t, name: o.Name, quota: quota, wait: o.Wait, options: o, observer: o.Observer,
		tag:   "/*" + strings.ReplaceAll(o.Name, "*/", "") + "*/ ",
		texts: sqltext.NewCache(sqltext.SessionOf),
	}
}

// Target returns where b's connections go.
func (b *Borrower) Target() *Target { return b.target }

// Quota returns the greatest number of connections b may hold.
func (b *Borrower) Quota() int { return b.quota }

// Use tells how many connections b holds and waits for, how often it has waited, and for how long in all.
func (b *Borrower) Use() (inUse, waiting, waits int, waited time.Duration) {
	b.target.pool.mu.Lock()
	defer b.target.pool.mu.Unlock()
	return b.inUse, b.waiting, b.waits, b.waited
}

// mayTake reports whether b's quota leaves room. The pool's lock is held.
func (b *Borrower) mayTake(control bool) bool { return b.inUse < b.quotaFor(control) }

func (b *Borrower) quotaFor(control bool) int {
	if control {
		return b.target.pool.options.Limit
	}
	return b.quota
}

// lend counts one connection more. The pool's lock is held.
func (b *Borrower) lend() { b.inUse++ }

// forget undoes everything a session can hold that outlives a transaction, except prepared statements, which are the connection's own.
const forget = "close all; unlisten *; set session authorization default; reset all; select pg_advisory_unlock_all(); discard temp; discard sequences"

// settle brings c into b's session, whatever session it was in before.
func (b *Borrower) settle(ctx context.Context, c *physical) error {
	text, err := b.settling(ctx, c)
	if err != nil {
		return err
	}
	return c.simple(ctx, text)
}

// settling returns the text that sets b's session. Which role that is depends on who owns the schema, so the first call asks the server.
func (b *Borrower) settling(ctx context.Context, c *physical) (string, error) {
	b.sessionMu.Lock()
	defer b.sessionMu.Unlock()
	if b.session != "" {
		return b.session, nil
	}
	role, known := b.options.Role, true
	if role == "" && b.options.OwnRole != "" {
		var owner string
		err := c.pg.QueryRow(ctx, "/*session*/ select r.rolname from pg_catalog.pg_namespace n join pg_catalog.pg_roles r on r.oid = n.nspowner where n.nspname = $1", b.options.Schema).Scan(&owner)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			known = false // the schema is yet to be made
		case err != nil:
			return "", err
		case owner == b.options.OwnRole:
			role = owner
		}
	}
	parts := []string{forget}
	if b.options.ApplicationName != "" {
		parts = append(parts, "set application_name to "+quoteText(b.options.ApplicationName))
	}
	if role != "" {
		parts = append(parts, "set role "+QuoteName(role))
	}
	if b.options.Schema != "" {
		parts = append(parts, "set search_path to "+QuoteName(b.options.Schema))
	}
	text := strings.Join(parts, "; ")
	if known {
		b.session = text
	}
	return text, nil
}

// QuoteName quotes an identifier.
func QuoteName(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoteText(text string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, "\x00", ""), "'", "''") + "'"
}
