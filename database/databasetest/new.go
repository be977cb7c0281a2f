package databasetest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/database"
)

// Engine is a way to store data.
type Engine string

// The engines.
const (
	SQLite            Engine = "sqlite"             // a file per plugin
	SQLiteMemory      Engine = "sqlite-memory"      // memory only
	PostgresSchemas   Engine = "postgres-schemas"   // a schema per plugin in one database
	PostgresDatabases Engine = "postgres-databases" // a database per plugin
)

// Engines returns all engines.
func Engines() []Engine {
	return []Engine{SQLite, SQLiteMemory, PostgresSchemas, PostgresDatabases}
}

// Each runs fn as a subtest on every engine, each time with databases of its own.
func Each(t *testing.T, fn func(t *testing.T, d *database.Databases)) {
	t.Helper()
	for _, e := range Engines() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			fn(t, New(t, e))
		})
	}
}

// New returns databases on an engine that nobody else uses and that are gone after the test.
func New(t testing.TB, e Engine) *database.Databases {
	t.Helper()
	return Open(t, Options(t, e))
}

// Options returns how [New] opens an engine, to change before [Open], or to open the same databases more than once.
func Options(t testing.TB, e Engine) database.Options {
	t.Helper()
	o := database.Options{Logger: slog.New(slog.NewTextHandler(logWriter{t}, nil))}
	switch e {
	case SQLite:
		o.DataDir = t.TempDir()
	case SQLiteMemory:
		o.Config.Connection.Text = ":memory:"
	case PostgresSchemas:
		s := Postgres(t)
		o.Config.Client = "pg"
		o.Config.PluginDivisionMode = "schema"
		o.Config.Connection = s.Connection(s.Database(t))
	case PostgresDatabases:
		s := Postgres(t)
		o.Config.Client = "pg"
		o.Config.Connection = s.Connection("postgres")
		o.Config.Prefix = uniqueName() + "_"
		t.Cleanup(func() {
			for _, name := range s.Query(backgroundContext{t}, "postgres", "select datname from pg_database where starts_with(datname, $1)", o.Config.Prefix) {
				s.drop(t, name)
			}
		})
	default:
		t.Fatalf("unknown engine %q", e)
	}
	return o
}

// Open opens databases and closes them at the end of the test.
func Open(t testing.TB, o database.Options) *database.Databases {
	t.Helper()
	d, err := database.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := d.Close(ctx); err != nil {
			t.Errorf("close databases: %v", err)
		}
	})
	return d
}

// backgroundContext is a test whose context has not ended, for use while it is cleaned up.
type backgroundContext struct{ testing.TB }

func (backgroundContext) Context() context.Context { return context.Background() }

// logWriter writes to a test's log.
type logWriter struct{ t testing.TB }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// uniqueName is a name that nothing on a server has.
func uniqueName() string { return "test_" + strings.ToLower(rand.Text()[:12]) }

func listenLoopback() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
