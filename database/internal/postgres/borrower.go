package postgres

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/proscenium-dev/proscenium/database/internal/observe"
	"github.com/proscenium-dev/proscenium/database/internal/sqltext"
)

// BorrowerOptions say who a [Borrower] is.
type BorrowerOptions struct {
	// Name is what messages call the borrower.
	Name string
	// ApplicationName is what the server shows in pg_stat_activity when the borrower has a database of its own; where it shares one, the texts tell who runs them.
	ApplicationName string
	// Schema is the only one on the search path. Empty leaves the path as the server sets it.
	Schema string
	// Role is set on every connection. Empty means the role that owns Schema if that is OwnRole, and the login's role otherwise.
	Role string
	// OwnRole is the role made for this borrower alone, if there is one.
	OwnRole string
	// Quota is the greatest number of connections it may hold. Zero or more than the pool has means as many as the pool has.
	Quota int
	// MinIdle is how many connections to the target stay open although nobody uses them.
	MinIdle int
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
	texts    *sqltext.Cache[statement]

	// programmed says that statements may run code of the borrower's own, which can change the session without a word of it in their texts.
	programmed atomic.Bool

	sessionMu sync.Mutex
	known     bool
	session   string // the text that sets the session, once it is known

	// Guarded by the pool's mu.
	inUse, dialing, waiting int
	settled                 int // connections that are set to this session
	waits                   int
	waited                  time.Duration
}

// NewBorrower returns a share of the pool's connections to t. It does no I/O.
func (t *Target) NewBorrower(o BorrowerOptions) *Borrower {
	quota := o.Quota
	if most := t.pool.options.Limit; quota <= 0 || quota > most {
		quota = most
	}
	if o.Wait <= 0 {
		o.Wait = 30 * time.Second
	}
	if o.Observer == nil {
		o.Observer = observe.Nobody{}
	}
	t.pool.mu.Lock()
	t.minIdle = max(t.minIdle, o.MinIdle)
	t.pool.mu.Unlock()
	tag := "/*" + strings.ReplaceAll(o.Name, "*/", "") + "*/ "
	return &Borrower{
		target: t, name: o.Name, tag: tag, quota: quota, wait: o.Wait, options: o, observer: o.Observer,
		texts: sqltext.NewCache(func(text string) statement { return statement{tag + text, sqltext.SessionOf(text)} }),
	}
}

// statement is what is known about a text.
type statement struct {
	tagged string          // as it is sent
	effect sqltext.Session // what it may do to the session
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

// forget undoes everything a session can hold that outlives a transaction, except prepared statements, which are the connection's own.
const forget = "close all; unlisten *; set session authorization default; reset all; select pg_advisory_unlock_all(); discard temp; discard sequences"

// settle brings c into b's session, whatever session it was in before.
func (b *Borrower) settle(ctx context.Context, c *physical) error {
	text, err := b.settling(ctx, c)
	if err != nil {
		return err
	}
	if c.dirty {
		text = forget + "; " + text
	}
	if text == "" {
		return nil
	}
	return c.simple(ctx, text)
}

// settling returns the text that sets b's session. Which role that is depends on who owns the schema, so the first call asks the server.
func (b *Borrower) settling(ctx context.Context, c *physical) (string, error) {
	b.sessionMu.Lock()
	defer b.sessionMu.Unlock()
	if b.known {
		return b.session, nil
	}
	var (
		owner string
		code  bool
	)
	err := c.pg.QueryRow(ctx, aboutSchema, b.options.Schema).Scan(&owner, &code)
	if err != nil {
		return "", err
	}
	if code {
		b.programmed.Store(true)
	}
	role := b.options.Role
	if role == "" && owner == b.options.OwnRole {
		role = owner
	}
	parts := []string{"reset role"}
	if role != "" {
		parts[0] = "set role " + QuoteName(role)
	}
	if b.options.Schema != "" {
		parts = append(parts, "set search_path to "+QuoteName(b.options.Schema))
	} else if b.options.ApplicationName != "" {
		parts = append(parts, "set application_name to "+quoteText(b.options.ApplicationName))
	}
	b.session = strings.Join(parts, "; ")
	// A schema that is yet to be made may get another owner than nobody.
	b.known = b.options.Schema == "" || owner != ""
	return b.session, nil
}

// aboutSchema asks who owns a schema, and whether there is code that a statement of its plugin could run: in it, in public, or, when the plugin has the whole database, anywhere. Code in C comes from the server's administrator.
const aboutSchema = `/*session*/
select coalesce((select r.rolname::text from pg_catalog.pg_namespace n join pg_catalog.pg_roles r on r.oid = n.nspowner where n.nspname = $1), ''),
	exists (select 1 from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace join pg_catalog.pg_language l on l.oid = p.prolang
		where l.lanname not in ('c', 'internal') and n.nspname not in ('pg_catalog', 'information_schema') and ($1 = '' or n.nspname in ($1, 'public')))`

// QuoteName quotes an identifier.
func QuoteName(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoteText(text string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, "\x00", ""), "'", "''") + "'"
}
