package database_test

import (
	"errors"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// files returns migrations, given as names and texts in turn.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + pairs[i+1])}
	}
	return m
}

// TestReplicasMigrateOnce starts five portals at once on the same databases.
func TestReplicasMigrateOnce(t *testing.T) {
	t.Parallel()
	for _, e := range []databasetest.Engine{databasetest.SQLite, databasetest.PostgresSchemas, databasetest.PostgresDatabases} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			o := databasetest.Options(t, e)
			migrations := files("00001_t.sql", "create table t (n integer);", "00002_row.sql", "insert into t values (1);", "00003_row.sql", "insert into t values (1);")
			var starting sync.WaitGroup
			for range 5 {
				d := databasetest.Open(t, o)
				for _, id := range []string{"a", "b", "c"} {
					starting.Go(func() {
						if err := d.Prepare(t.Context(), id); err != nil {
							t.Error(err)
						}
						if err := d.Migrate(t.Context(), id, migrations); err != nil {
							t.Error(err)
						}
					})
				}
			}
			starting.Wait()
			d := databasetest.Open(t, o)
			for _, id := range []string{"a", "b", "c"} {
				if n := get[int](t, prepare(t, d, id), "select count(*) from t"); n != 2 {
					t.Errorf("%s: %d rows, want 2", id, n)
				}
			}
		})
	}
}

// TestWithoutTransaction builds an index concurrently, with several replicas at once, which a lock held in a transaction would not survive.
func TestWithoutTransaction(t *testing.T) {
	t.Parallel()
	o := databasetest.Options(t, databasetest.PostgresSchemas)
	migrations := files("00001_t.sql", "create table t (n integer);", "00002_index.sql", "create index i on t (n);")
	migrations["postgres/00002_index.sql"] = &fstest.MapFile{Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\ncreate index concurrently i on t (n);")}
	var starting sync.WaitGroup
	for range 3 {
		d := databasetest.Open(t, o)
		starting.Go(func() {
			if err := d.Prepare(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			if err := d.Migrate(t.Context(), "a", migrations); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	db := prepare(t, databasetest.Open(t, o), "a")
	if n := get[int](t, db, "select count(*) from pg_index where indisvalid and indexrelid = 'i'::regclass"); n != 1 {
		t.Errorf("%d valid indexes, want 1", n)
	}
}

func TestAllowNewerSchema(t *testing.T) {
	t.Parallel()
	for _, e := range []databasetest.Engine{databasetest.SQLite, databasetest.PostgresSchemas} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			o := databasetest.Options(t, e)
			d := databasetest.Open(t, o)
			prepare(t, d, "a")
			if err := d.Migrate(t.Context(), "a", files("00001_t.sql", "create table t (n integer);", "00007_u.sql", "create table u (n integer);")); err != nil {
				t.Fatal(err)
			}
			older := files("00001_t.sql", "create table t (n integer);")
			err := d.Migrate(t.Context(), "a", older)
			if !errors.Is(err, database.ErrNewerSchema) {
				t.Errorf("got %v, want ErrNewerSchema", err)
			}
			wantMessage(t, err, "migration 7", "newest is 1", "allowNewerSchema")
			o.Config.AllowNewerSchema = database.On
			d = databasetest.Open(t, o)
			if err := d.Migrate(t.Context(), "a", older); err != nil {
				t.Errorf("allowed, but: %v", err)
			}
			exec1(t, prepare(t, d, "a"), "insert into t values (1)")
		})
	}
}

func TestMigrationErrorsPointAtTheFault(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, d *database.Databases) {
		db := prepare(t, d, "a")
		err := d.Migrate(t.Context(), "a", files("00001_t.sql", "create table t (n integer);\ninsert into t\n  (n)\n  valuess (1);"))
		failed, ok := errors.AsType[*database.MigrationError](err)
		if !ok {
			t.Fatalf("got %v", err)
		}
		if database.DialectOf(db) == database.Postgres && failed.Line != 3 {
			t.Errorf("line %d of the statement, want 3", failed.Line)
		}
		wantMessage(t, err, "migrate the database of a", "00001_t.sql", "insert into t (n) valuess (1)", "syntax error")
	})
}

func TestOverrideWithoutNamesake(t *testing.T) {
	t.Parallel()
	d := databasetest.New(t, databasetest.PostgresSchemas)
	prepare(t, d, "a")
	err := d.Migrate(t.Context(), "a", files("00001_t.sql", "create table t (n int);", "postgres/0001_t.sql", "create table t (n int);"))
	wantMessage(t, err, "postgres/0001_t.sql", "replaces no file")
}
