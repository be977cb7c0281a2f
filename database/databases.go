package database

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/proscenium-dev/proscenium/database/internal/fault"
	"github.com/proscenium-dev/proscenium/database/internal/postgres"
	"github.com/proscenium-dev/proscenium/database/internal/sqlite"
)

// ErrUnavailable is what errors.Is finds in an error when a database cannot serve now: it is down, it refuses, its disk is full, or no connection came free in time.
// The statement may be tried again later. Such an error has StatusCode() 503, and its message is fit for the operator.
var ErrUnavailable = fault.ErrUnavailable

// Options are what a program gives to [Open].
type Options struct {
	// Config is the operator's.
	Config Config
	// DataDir is the folder for SQLite files when the configuration names none.
	DataDir string
	// Logger gets what happens outside of anybody's call. The default discards it.
	Logger *slog.Logger
	// Metrics is where the metrics are registered; see [Open]. The default measures nothing. A registry serves one Databases.
	Metrics prometheus.Registerer
	// Tracer makes a span for every statement, with its text but not its arguments. The default makes none.
	Tracer trace.TracerProvider
}

// Databases hands each plugin its database. Its methods may be called from many goroutines.
type Databases struct {
	options   Options
	logger    *slog.Logger
	telemetry *telemetry
	pool      *postgres.Pool // empty while nobody uses PostgreSQL

	mu      sync.Mutex
	plugins map[string]*plugin
	files   map[string]*sqlite.File // by path
	targets map[targetKey]*postgres.Target
	hubs    map[*postgres.Target]*postgres.Hub
	closed  bool
}

// targetKey tells connections apart.
type targetKey struct {
	connection Connection
	database   string
	timeout    time.Duration
}

// plugin is one plugin's database.
type plugin struct {
	settings settings
	db       *sqlx.DB
	file     *sqlite.File // one of file and borrower is set
	borrower *postgres.Borrower
	signals  *Signals
	leases   *Leases
}

// Open reads the configuration. It does no I/O: a server that is down is met by whoever uses it.
//
// With [Options.Metrics] it registers, each with the label plugin:
//
//   - proscenium_database_statement_duration_seconds, a histogram of the time until a statement had its result or its first row, which includes the wait for a connection
//   - proscenium_database_statement_errors_total, by kind: unavailable, timeout, canceled or failed
//   - proscenium_database_connections, those in use, and proscenium_database_connections_max, the plugin's quota (PostgreSQL only)
//   - proscenium_database_connection_waiters, _waits_total and _wait_seconds_total (PostgreSQL only)
//
// and for the process proscenium_database_pool_connections by state (in_use, idle), and proscenium_database_pool_limit.
func Open(o Options) (*Databases, error) {
	if err := o.Config.Validate(); err != nil {
		return nil, fmt.Errorf("read backend.database: %w", err)
	}
	d := &Databases{
		options: o,
		logger:  o.Logger,
		plugins: map[string]*plugin{},
		files:   map[string]*sqlite.File{},
		targets: map[targetKey]*postgres.Target{},
		hubs:    map[*postgres.Target]*postgres.Hub{},
	}
	if d.logger == nil {
		d.logger = slog.New(slog.DiscardHandler)
	}
	d.telemetry = newTelemetry(d, o.Metrics != nil, o.Tracer)
	pool := o.Config.Knex.Pool
	d.pool = postgres.NewPool(postgres.Options{
		Limit:       cmp.Or(o.Config.MaxConnections, DefaultMaxConnections),
		IdleTimeout: time.Duration(cmp.Or(pool.IdleTimeoutMillis, 30_000)) * time.Millisecond,
		MaxLifetime: time.Hour,
	})
	if o.Metrics != nil {
		if err := o.Metrics.Register(d.telemetry); err != nil {
			return nil, fmt.Errorf("register the database's metrics: %w", err)
		}
	}
	return d, nil
}

// String says in a line, fit for a log, where the data is.
func (d *Databases) String() string {
	c := d.options.Config
	dialect, _ := dialectOf(c.Client) // Open has validated it
	if dialect == Postgres {
		host := "the configured server"
		if parsed, err := c.Connection.postgres(""); err == nil {
			host = net.JoinHostPort(parsed.Host, strconv.Itoa(int(parsed.Port)))
		}
		return fmt.Sprintf("PostgreSQL at %s, a %s per plugin, at most %d connections", host, cmp.Or(c.PluginDivisionMode, modeDatabase), d.pool.Limit())
	}
	s := settings{id: "*"}
	if err := s.placeFile(c.Connection, Connection{}, d.options.DataDir); err != nil {
		return "SQLite"
	}
	if s.file == "" {
		return "SQLite in memory; nothing is kept"
	}
	return "SQLite files " + s.file
}

var errClosed = errors.New("databases are closed")

// plugin returns the plugin's database, described but not opened.
func (d *Databases) plugin(id string) (*plugin, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	if p, ok := d.plugins[id]; ok {
		return p, nil
	}
	s, err := d.options.settings(id)
	if err != nil {
		return nil, fmt.Errorf("configure the database of %s: %w", id, err)
	}
	p := &plugin{settings: s}
	if s.dialect == SQLite {
		err = d.describeSQLite(p)
	} else {
		err = d.describePostgres(p)
	}
	if err != nil {
		return nil, fmt.Errorf("configure the database of %s: %w", id, err)
	}
	d.plugins[id] = p
	return p, nil
}

// For returns the plugin's handle; the same one for the same id. It does no I/O, and the handle stays good when the database goes down and comes back. The caller does not close it.
//
// The handle reaches the plugin's own tables only. On SQLite those are a file. On PostgreSQL in database mode they are a database, and no statement reaches another one.
// In schema mode they are a schema, owned by a role of the plugin's own where the user that logs in may create roles (CREATEROLE); then neither a plain nor a qualified name reaches another plugin's tables.
// Where it may not, or where role names one for all, qualified names do. And SQL written to escape can: RESET ROLE returns to the user that logs in, who may use every plugin's role.
// A plugin that must be kept apart even then gets credentials of its own:
//
//	backend:
//	  database:
//	    plugin:
//	      billing:
//	        connection: {user: billing, password: '${BILLING_PASSWORD}', database: billing}
//
// Connections are shared. What a plugin does to a session (SET, roles, temporary tables, advisory locks, LISTEN) holds until it gives the connection back: at the end of a statement, a transaction, or an sqlx.Conn.
func (d *Databases) For(id string) (*sqlx.DB, error) {
	p, err := d.plugin(id)
	if err != nil {
		return nil, err
	}
	return p.db, nil
}

// Prepare makes what is configured to be made: the folder and the file, or the database, the role and the schema. It may be called again.
func (d *Databases) Prepare(ctx context.Context, id string) error {
	p, err := d.plugin(id)
	if err != nil {
		return err
	}
	if p.file != nil {
		err = p.file.Prepare(ctx)
	} else {
		err = d.preparePostgres(ctx, p)
	}
	if err != nil {
		return fmt.Errorf("prepare the database of %s: %w", id, err)
	}
	return nil
}

// Ping reports whether the plugin's database serves, with a round trip to it.
func (d *Databases) Ping(ctx context.Context, id string) error {
	p, err := d.plugin(id)
	if err != nil {
		return err
	}
	if err := p.db.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the database of %s: %w", id, err)
	}
	return nil
}

// Close waits for what is running, until ctx ends, and closes everything. Databases in memory are gone. Close stops listeners and gives up leases.
func (d *Databases) Close(ctx context.Context) error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	var errs []error
	for _, h := range d.hubs {
		errs = append(errs, h.Close(ctx))
	}
	for _, p := range d.plugins {
		errs = append(errs, p.db.Close(), p.leases.close())
		if p.signals.local != nil {
			p.signals.local.close()
		}
	}
	for _, f := range d.files {
		errs = append(errs, f.Close(ctx))
	}
	errs = append(errs, d.pool.Close(ctx))
	if d.options.Metrics != nil {
		d.options.Metrics.Unregister(d.telemetry)
	}
	return errors.Join(errs...)
}

// describeSQLite sets p up on SQLite. The lock is held.
func (d *Databases) describeSQLite(p *plugin) error {
	key := cmp.Or(p.settings.file, memory+p.settings.id)
	f, ok := d.files[key]
	if !ok {
		var err error
		f, err = sqlite.New(sqlite.Options{Path: p.settings.file, Create: p.settings.ensureExists})
		if err != nil {
			return err
		}
		d.files[key] = f
	}
	p.file = f
	p.db = sqlx.NewDb(f.DB(d.telemetry.observer(p.settings)), sqliteDriver)
	p.signals = &Signals{local: newLocalSignals()}
	p.leases = newLeases(nil, d.logger)
	return nil
}
