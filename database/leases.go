package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// Leases let one replica at a time do something. A holder renews its lease while it works; one that died loses it within [LeaseTime].
// On SQLite, which one process uses, they are kept in the process. On PostgreSQL they are rows of the plugin's own, kept alive over a connection that no plugin can use up.
// Its methods may be called from many goroutines.
type Leases struct {
	open   func() *sql.DB // for PostgreSQL: sets a connection aside for leases
	logger *slog.Logger
	holder string
	made   sync.Mutex
	table  bool     // the table is there; guarded by made
	opened *sqlx.DB // by open, on first use; guarded by made

	mu    sync.Mutex
	held  map[string]bool // by this process, on SQLite
	token int64           // the last one given, on SQLite
}

// LeaseTime is how long a lease outlives the last sign of life of its holder. A holder renews it three times as often, and stops working before it runs out.
const LeaseTime = 6 * time.Second

func newLeases(open func() *sql.DB, logger *slog.Logger) *Leases {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &Leases{open: open, logger: logger, holder: host + "/" + strconv.Itoa(os.Getpid()), held: map[string]bool{}, token: time.Now().UnixMicro()}
}

// Leases returns the plugin's leases; the same value for the same id. It does no I/O.
func (d *Databases) Leases(id string) (*Leases, error) {
	p, err := d.plugin(id)
	if err != nil {
		return nil, err
	}
	return p.leases, nil
}

// TryHold runs fn if nobody holds the lease, and reports whether it did. It does not wait for another holder. It returns fn's error, or why the lease could not be asked for.
//
// While fn runs the lease is renewed. When that fails for too long, or somebody else has it, fn's context ends before anybody else can begin, and with [ErrLeaseLost] as its cause; TryHold still waits for fn to return.
// A process may be stopped at any point for longer than a lease lasts, so what must not be done twice calls [CheckLease] in the transaction that does it.
func (l *Leases) TryHold(ctx context.Context, name string, fn func(context.Context) error) (held bool, err error) {
	if l.open == nil {
		return l.holdLocally(ctx, name, fn)
	}
	asked := time.Now()
	token, err := l.take(ctx, name)
	if err != nil || token == 0 {
		return false, err
	}
	return true, l.hold(ctx, lease{name: name, token: token}, asked, fn)
}

// db returns the handle that leases are kept over.
func (l *Leases) db() *sqlx.DB {
	l.made.Lock()
	defer l.made.Unlock()
	if l.opened == nil {
		l.opened = sqlx.NewDb(l.open(), postgresDriver)
	}
	return l.opened
}

func (l *Leases) close() error {
	l.made.Lock()
	defer l.made.Unlock()
	if l.opened == nil {
		return nil
	}
	return l.opened.Close()
}

// ErrLeaseLost is the cause of the end of a context whose lease was lost.
var ErrLeaseLost = errors.New("lease lost")

// lease is what a holder's context carries.
type lease struct {
	name  string
	token int64
	local bool
}

type leaseKey struct{}

// LeaseToken returns the number of the lease that ctx is held under: each holder of a lease has a greater one than those before it, so a store that remembers the greatest it has seen can refuse the others. It is false outside [Leases.TryHold].
func LeaseToken(ctx context.Context) (int64, bool) {
	l, ok := ctx.Value(leaseKey{}).(lease)
	return l.token, ok
}

// CheckLease fails with [ErrLeaseLost] unless the lease that ctx is held under still is its holder's, and keeps it so until tx ends: no other holder can begin before that. tx is a transaction on the plugin's own database.
func CheckLease(ctx context.Context, tx *sqlx.Tx) error {
	l, ok := ctx.Value(leaseKey{}).(lease)
	if !ok {
		return errors.New("check lease: this context is not held under a lease")
	}
	if l.local {
		return nil // nothing can take it from a process but the end of the process
	}
	var one int
	err := tx.GetContext(ctx, &one, "select 1 from proscenium_leases where name = $1 and token = $2 for update", l.name, l.token)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("check lease %q: %w", l.name, ErrLeaseLost)
	}
	if err != nil {
		return fmt.Errorf("check lease %q: %w", l.name, err)
	}
	return nil
}

// holdLocally keeps the lease in the process.
func (l *Leases) holdLocally(ctx context.Context, name string, fn func(context.Context) error) (bool, error) {
	l.mu.Lock()
	if l.held[name] {
		l.mu.Unlock()
		return false, nil
	}
	l.held[name] = true
	l.token++
	token := l.token
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, name)
	}()
	return true, fn(context.WithValue(ctx, leaseKey{}, lease{name: name, token: token, local: true}))
}

// take asks for the lease, and returns zero when somebody else has it. The server's clock decides, so the replicas' clocks need not agree.
func (l *Leases) take(ctx context.Context, name string) (token int64, err error) {
	if err := l.makeTable(ctx); err != nil {
		return 0, err
	}
	err = l.db().GetContext(ctx, &token, `
		insert into proscenium_leases as mine (name, holder, token, expires) values ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
		on conflict (name) do update set holder = excluded.holder, token = mine.token + 1, expires = excluded.expires
		where mine.expires <= clock_timestamp()
		returning token`, name, l.holder, LeaseTime.Milliseconds())
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("take lease %q: %w", name, err)
	}
	return token, nil
}

// makeTable makes the table the first time. It is not one of the plugin's migrations: a plugin that has none can hold leases.
func (l *Leases) makeTable(ctx context.Context) error {
	l.made.Lock()
	there := l.table
	l.made.Unlock()
	if there {
		return nil
	}
	var err error
	for range 3 {
		_, err = l.db().ExecContext(ctx, "create table if not exists proscenium_leases (name text primary key, holder text not null, token bigint not null, expires timestamptz not null)")
		if err == nil {
			l.made.Lock()
			l.table = true
			l.made.Unlock()
			return nil
		}
		// Two replicas that make it at once meet here, in spite of "if not exists"; then it is there.
		if !IsUniqueViolation(err) {
			break
		}
	}
	return fmt.Errorf("make the table of leases: %w", err)
}

// hold runs fn and renews the lease meanwhile.
func (l *Leases) hold(ctx context.Context, lease lease, asked time.Time, fn func(context.Context) error) error {
	working, lose := context.WithCancelCause(context.WithValue(ctx, leaseKey{}, lease))
	stop := make(chan struct{})
	var renewing sync.WaitGroup
	renewing.Go(func() { l.renew(ctx, lease, asked, stop, lose) })
	defer func() {
		close(stop)
		renewing.Wait()
		lose(nil)
		l.giveUp(ctx, lease)
	}()
	return fn(working)
}

// renew keeps the lease until stop, and ends the work when that does not succeed in time. Time counts from when a renewal was sent, so it never counts more than the server does.
func (l *Leases) renew(ctx context.Context, lease lease, last time.Time, stop <-chan struct{}, lose func(error)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	const margin = LeaseTime / 6
	every := time.NewTicker(LeaseTime / 6)
	defer every.Stop()
	deadline := time.AfterFunc(time.Until(last.Add(LeaseTime-margin)), func() { lose(ErrLeaseLost) })
	defer deadline.Stop()
	go func() {
		<-stop
		cancel()
	}()
	for {
		select {
		case <-stop:
			return
		case <-every.C:
		}
		sent := time.Now()
		attempt, done := context.WithTimeout(ctx, LeaseTime/3)
		result, err := l.db().ExecContext(attempt, "update proscenium_leases set expires = clock_timestamp() + $3 * interval '1 millisecond' where name = $1 and token = $2", lease.name, lease.token, LeaseTime.Milliseconds())
		done()
		if err != nil {
			if ctx.Err() == nil {
				l.logger.Warn("renewing a lease failed", "lease", lease.name, "error", err)
			}
			continue
		}
		if n, err := result.RowsAffected(); err == nil && n == 0 {
			lose(ErrLeaseLost)
			return
		}
		deadline.Reset(time.Until(sent.Add(LeaseTime - margin)))
	}
}

// giveUp lets the next holder begin at once. When it does not succeed the lease runs out.
func (l *Leases) giveUp(ctx context.Context, lease lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LeaseTime/3)
	defer cancel()
	if _, err := l.db().ExecContext(ctx, "update proscenium_leases set expires = clock_timestamp() where name = $1 and token = $2", lease.name, lease.token); err != nil {
		l.logger.Warn("giving up a lease failed; it runs out by itself", "lease", lease.name, "error", err)
	}
}
