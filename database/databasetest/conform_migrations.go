package databasetest

import (
	"errors"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/database"
)

func migrations(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
	}
	return m
}

func migrate(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	first := migrations(map[string]string{
		"00001_t.sql":            "create table t (n integer primary key, kind text);",
		"00002_row.sql":          "insert into t values (1, 'sqlite');\ninsert into t values (2, 'x;y');",
		"postgres/00002_row.sql": "insert into t values (1, 'postgres');\ninsert into t values (2, 'x;y');",
	})
	for range 2 {
		if err := d.Migrate(t.Context(), "a", first); err != nil {
			t.Fatal(err)
		}
	}
	if kind := get[string](t, db, "select kind from t where n = 1"); kind != string(database.DialectOf(db)) {
		t.Errorf("the migration for %s ran", kind)
	}
	first["00003_more.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nalter table t add column more text;")}
	if err := d.Migrate(t.Context(), "a", first); err != nil {
		t.Fatal(err)
	}
	mustExec(t, db, "update t set more = 'x'")
	if n := get[int](t, db, "select count(*) from t"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func migrateOnce(t *testing.T, d *database.Databases) {
	prepared(t, d, "a")
	files := migrations(map[string]string{
		"00001_t.sql": "create table t (n integer);",
		"00002_r.sql": "insert into t values (1);",
	})
	var work sync.WaitGroup
	for range 5 {
		work.Go(func() {
			if err := d.Migrate(t.Context(), "a", files); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	db, _ := d.For("a")
	if n := get[int](t, db, "select count(*) from t"); n != 1 {
		t.Errorf("migrated %d times", n)
	}
}

func failedMigration(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	files := migrations(map[string]string{"00001_t.sql": "create table t (n integer);"})
	if err := d.Migrate(t.Context(), "a", files); err != nil {
		t.Fatal(err)
	}
	files["00002_fine.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\ncreate table fine (n integer);")}
	files["00003_broken.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\ncreate table half (n integer);\ninsert into half\n  values (1, nonsense, 2);")}
	err := d.Migrate(t.Context(), "a", files)
	failed, ok := errors.AsType[*database.MigrationError](err)
	if !ok {
		t.Fatalf("got %v, want a MigrationError", err)
	}
	if failed.File != "00003_broken.sql" || failed.Statement != "insert into half\n  values (1, nonsense, 2);" {
		t.Errorf("blames %s, %q", failed.File, failed.Statement)
	}
	for _, table := range []string{"half", "fine"} {
		var n int
		if err := db.GetContext(t.Context(), &n, "select count(*) from "+table); err == nil {
			t.Errorf("table %s was left behind", table)
		}
	}
	delete(files, "00002_fine.sql")
	delete(files, "00003_broken.sql")
	if err := d.Migrate(t.Context(), "a", files); err != nil {
		t.Errorf("the version before does not start: %v", err)
	}
	mustExec(t, db, "insert into t values (1)")
}

func newerSchema(t *testing.T, d *database.Databases) {
	prepared(t, d, "a")
	files := migrations(map[string]string{"00001_t.sql": "create table t (n integer);", "00002_u.sql": "create table u (n integer);"})
	if err := d.Migrate(t.Context(), "a", files); err != nil {
		t.Fatal(err)
	}
	delete(files, "00002_u.sql")
	if err := d.Migrate(t.Context(), "a", files); !errors.Is(err, database.ErrNewerSchema) {
		t.Errorf("an older program on newer tables gives %v", err)
	}
}

func migrationFiles(t *testing.T, d *database.Databases) {
	prepared(t, d, "a")
	for name, files := range map[string]fstest.MapFS{
		"none":              {},
		"in another folder": {"sql/00001_t.sql": {Data: []byte("-- +goose Up\nselect 1;")}},
		"no mark":           {"00001_t.sql": {Data: []byte("create table t (n integer);")}},
		"without a number":  {"00001_t.sql": {Data: []byte("-- +goose Up\nselect 1;")}, "u.sql": {Data: []byte("-- +goose Up\nselect 1;")}},
		"twice":             {"00001_t.sql": {Data: []byte("-- +goose Up\nselect 1;")}, "00001_u.sql": {Data: []byte("-- +goose Up\nselect 1;")}},
	} {
		if err := d.Migrate(t.Context(), "a", files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	files := fstest.MapFS{"migrations/00001_t.sql": {Data: []byte("-- +goose Up\ncreate table t (n integer);")}}
	if err := d.Migrate(t.Context(), "a", files); err != nil {
		t.Errorf("in the folder migrations: %v", err)
	}
}
