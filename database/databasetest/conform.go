package databasetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

// Conform tests that an engine does what package database promises. open returns databases that nobody else uses.
func Conform(t *testing.T, open func(t *testing.T) *database.Databases) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *database.Databases){
		"HandlesAreStable":      handlesAreStable,
		"SameStatements":        sameStatements,
		"TimesAreUTC":           timesAreUTC,
		"Dialect":               dialectExpressions,
		"Violations":            violations,
		"PreparedStatements":    preparedStatements,
		"BulkInsert":            bulkInsert,
		"NestedQueries":         nestedQueries,
		"TxKeepsOrUndoes":       txKeepsOrUndoes,
		"TxEndsWithContext":     txEndsWithContext,
		"ReadTx":                readTx,
		"ReadersAndWriters":     readersAndWriters,
		"WaitsKeepDeadlines":    waitsKeepDeadlines,
		"PluginsAreApart":       pluginsAreApart,
		"Migrate":               migrate,
		"MigrateOnce":           migrateOnce,
		"FailedMigration":       failedMigration,
		"NewerSchema":           newerSchema,
		"MigrationFilesAreRead": migrationFiles,
		"Signals":               signals,
		"SignalsStayApart":      signalsStayApart,
		"Leases":                leases,
		"CloseEndsListening":    closeEndsListening,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// prepared returns the handle of a plugin whose database is there.
func prepared(t *testing.T, d *database.Databases, id string) *sqlx.DB {
	t.Helper()
	db, err := d.For(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Prepare(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return db
}

func mustExec(t *testing.T, db sqlx.ExecerContext, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func get[T any](t *testing.T, db sqlx.QueryerContext, text string, args ...any) T {
	t.Helper()
	var value T
	if err := sqlx.GetContext(t.Context(), db, &value, text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

func handlesAreStable(t *testing.T, d *database.Databases) {
	a, err := d.For("a")
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.For("a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.For("b")
	if err != nil {
		t.Fatal(err)
	}
	if a != again || a == b {
		t.Errorf("For(a) = %p, then %p; For(b) = %p", a, again, b)
	}
	if _, err := d.For("../a"); err == nil {
		t.Error("an id that leaves its folder was taken")
	}
	for range 2 {
		if err := d.Prepare(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Ping(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

func sameStatements(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table t (k varchar(20) primary key, n bigint not null, ok boolean, data text)")
	mustExec(t, db, "insert into t (k, n, ok) values ($1, $2, $3)", "x", 1, true)
	mustExec(t, db, "insert into t (k, n) values ($1, $2) on conflict (k) do update set n = t.n + excluded.n", "x", 41)
	if n := get[int](t, db, "update t set n = n where k = $1 returning n", "x"); n != 42 {
		t.Errorf("n = %d, want 42", n)
	}
	if ok := get[bool](t, db, db.Rebind("select ok from t where k = ?"), "x"); !ok {
		t.Error("a true came back false")
	}
	text, args, err := sqlx.In("select count(*) from t where k in (?)", []string{"x", "y"})
	if err != nil {
		t.Fatal(err)
	}
	if n := get[int](t, db, db.Rebind(text), args...); n != 1 {
		t.Errorf("%d rows in a list, want 1", n)
	}
	if _, err := db.NamedExecContext(t.Context(), "insert into t (k, n) values (:k, :n)", map[string]any{"k": "y", "n": 7}); err != nil {
		t.Error(err)
	}
	if name := get[sql.NullString](t, db, "select data from t where k = $1", "y"); name.Valid {
		t.Errorf("a null came back as %q", name.String)
	}
	var none int
	if err := db.GetContext(t.Context(), &none, "select n from t where k = $1", "z"); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("no row gives %v", err)
	}
}

func timesAreUTC(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table t (n int, at timestamp)")
	want := time.Date(2026, 3, 1, 1, 30, 0, 123456000, time.FixedZone("", 3*60*60))
	mustExec(t, db, "insert into t values (1, $1)", want)
	mustExec(t, db, "insert into t values (2, $1)", want.Add(time.Microsecond).In(time.FixedZone("", -9*60*60)))
	mustExec(t, db, "insert into t values (3, $1)", sql.NullTime{Time: want.Add(-time.Second), Valid: true})
	got := get[time.Time](t, db, "select at from t where n = 1")
	if !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("stored %v, got %v", want, got)
	}
	var order []int
	if err := db.SelectContext(t.Context(), &order, "select n from t order by at"); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(order) != "[3 1 2]" {
		t.Errorf("order %v, want [3 1 2]", order)
	}
	now := database.DialectOf(db).Now()
	mustExec(t, db, "insert into t values (4, "+now+")")
	if past := get[int](t, db, "select count(*) from t where at < $1", time.Now().Add(time.Minute)); past != 4 {
		t.Errorf("%d times before the next minute, want 4", past)
	}
	if got := get[time.Time](t, db, "select at from t where n = 4"); time.Since(got).Abs() > time.Minute {
		t.Errorf("the database's clock says %v", got)
	}
}

func dialectExpressions(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	dialect := database.DialectOf(db)
	jsonType := map[database.Dialect]string{database.SQLite: "text", database.Postgres: "jsonb"}[dialect]
	mustExec(t, db, "create table t (k text, data "+jsonType+")")
	mustExec(t, db, "insert into t values ('A', $1)", `{"metadata": {"it's": "here"}}`)
	if got := get[string](t, db, "select "+dialect.JSONText("data", "metadata", "it's")+" from t"); got != "here" {
		t.Errorf("JSONText found %q", got)
	}
	if n := get[int](t, db, "select count(*) from t where k "+dialect.Like()+" 'a'"); n != 1 {
		t.Errorf("Like found %d, want 1", n)
	}
	if n := get[int](t, db, "select count(*) from t where "+dialect.InJSON("k", "$1"), `["A", "B"]`); n != 1 {
		t.Errorf("InJSON found %d, want 1", n)
	}
	err := database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
		if database.DialectOf(tx) != dialect {
			t.Error("a transaction has another dialect than its handle")
		}
		if got := get[string](t, tx, "select k from t"+dialect.ForUpdate()); got != "A" {
			t.Errorf("locked %q", got)
		}
		if got := get[string](t, tx, "select k from t"+dialect.SkipLocked()); got != "A" {
			t.Errorf("locked %q", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func violations(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table parent (id int primary key, name text unique)")
	mustExec(t, db, "create table child (parent int references parent (id))")
	mustExec(t, db, "insert into parent values (1, 'x')")
	mustExec(t, db, "insert into child values (1)")
	for text, is := range map[string]func(error) bool{
		"insert into parent values (1, 'y')": database.IsUniqueViolation,
		"insert into parent values (2, 'x')": database.IsUniqueViolation,
		"insert into child values (2)":       database.IsForeignKeyViolation,
		"delete from parent":                 database.IsForeignKeyViolation,
	} {
		_, err := db.ExecContext(t.Context(), text)
		if !is(err) {
			t.Errorf("%s: %v is not recognised", text, err)
		}
		if errors.Is(err, database.ErrUnavailable) {
			t.Errorf("%s: %v counts as the database's fault", text, err)
		}
	}
}

func preparedStatements(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table t (n int)")
	s, err := db.PreparexContext(t.Context(), "insert into t values ($1)")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var writing sync.WaitGroup
	for i := range 20 {
		writing.Go(func() {
			if _, err := s.ExecContext(t.Context(), i); err != nil {
				t.Error(err)
			}
		})
	}
	writing.Wait()
	if n := get[int](t, db, "select count(*) from t"); n != 20 {
		t.Errorf("%d rows, want 20", n)
	}
	// A statement that is used again after its table changed sees the change.
	for _, want := range []int{1, 2} {
		rows, err := db.QueryxContext(t.Context(), "select * from t where n < $1", 3)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil || len(columns) != want {
			t.Errorf("%d columns (%v), want %d", len(columns), err, want)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
		if want == 1 {
			mustExec(t, db, "alter table t add column more text")
			if database.DialectOf(db) == database.Postgres {
				return // there the first use after the change fails, and drops what was prepared
			}
		}
	}
}

func bulkInsert(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, `create table "Rows" (n bigint primary key, "Text" text)`)
	rows := func(numbers ...int) func(func([]any) bool) {
		return func(yield func([]any) bool) {
			for _, n := range numbers {
				if !yield([]any{n, fmt.Sprint(n)}) {
					return
				}
			}
		}
	}
	if n, err := database.BulkInsert(t.Context(), db, "Rows", []string{"n", "Text"}, rows(1, 2, 3)); n != 3 || err != nil {
		t.Errorf("BulkInsert = %d, %v", n, err)
	}
	if _, err := database.BulkInsert(t.Context(), db, "Rows", []string{"n", "Text"}, rows(4, 5, 1)); !database.IsUniqueViolation(err) {
		t.Errorf("a key twice gives %v", err)
	}
	if sum := get[int](t, db, `select sum(n) from "Rows"`); sum != 6 {
		t.Errorf("sum %d, want 6", sum)
	}
}

func nestedQueries(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table t (n int)")
	mustExec(t, db, "create table seen (n int)")
	mustExec(t, db, "insert into t values (1), (2), (3)")
	rows, err := db.QueryContext(t.Context(), "select n from t order by n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		if same := get[int](t, db, "select n from t where n = $1", n); same != n {
			t.Errorf("read %d inside of %d", same, n)
		}
		mustExec(t, db, "insert into seen values ($1)", n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if n := get[int](t, db, "select count(*) from seen"); n != 3 {
		t.Errorf("%d rows written while reading, want 3", n)
	}
}

func txKeepsOrUndoes(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table t (n int)")
	insert := func(n int) func(*sqlx.Tx) error {
		return func(tx *sqlx.Tx) error {
			_, err := tx.ExecContext(t.Context(), "insert into t values ($1)", n)
			return err
		}
	}
	if err := database.InTx(t.Context(), db, insert(1)); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("no")
	err := database.InTx(t.Context(), db, func(tx *sqlx.Tx) error { return errors.Join(insert(2)(tx), failure) })
	if !errors.Is(err, failure) {
		t.Errorf("InTx gives %v, want its function's error", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not go on")
			}
		}()
		_ = database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
			_ = insert(3)(tx)
			panic("no")
		})
	}()
	err = database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
		_ = insert(4)(tx)
		_, err := tx.ExecContext(t.Context(), "insert into nowhere values (1)")
		return err
	})
	if err == nil {
		t.Error("a failed statement committed")
	}
	if sum := get[int](t, db, "select sum(n) from t"); sum != 1 {
		t.Errorf("sum %d, want 1: something that failed was kept", sum)
	}
	if err := database.InTx(t.Context(), db, insert(10)); err != nil {
		t.Errorf("after failures: %v", err)
	}
}

func txEndsWithContext(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table t (n int)")
	ctx, cancel := context.WithCancel(t.Context())
	err := database.InTx(ctx, db, func(tx *sqlx.Tx) error {
		mustExec(t, tx, "insert into t values (1)")
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a transaction whose context ended gives %v", err)
	}
	// Counted in a transaction that writes: database/sql undoes the other one in the background, and in memory readers see what is not committed.
	err = database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
		if n := get[int](t, tx, "select count(*) from t"); n != 0 {
			t.Error("what a transaction wrote was kept although its context ended")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func readTx(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table t (n int)")
	err := database.InReadTx(t.Context(), db, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(t.Context(), "insert into t values (1)")
		return err
	})
	if err == nil {
		t.Error("a transaction that only reads has written")
	}
	if errors.Is(err, database.ErrUnavailable) {
		t.Errorf("%v counts as the database's fault", err)
	}
	if n := get[int](t, db, "select count(*) from t"); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
}

// readersAndWriters has everybody work at once: nobody may fail, and what is read is always whole.
func readersAndWriters(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table account (id int primary key, money int not null)")
	mustExec(t, db, "insert into account values (1, 500), (2, 500)")
	const writers, readers, rounds = 4, 4, 40
	var work sync.WaitGroup
	for range writers {
		work.Go(func() {
			for range rounds {
				err := database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
					var money int
					if err := tx.GetContext(t.Context(), &money, "select money from account where id = 1"+database.DialectOf(tx).ForUpdate()); err != nil {
						return err
					}
					if _, err := tx.ExecContext(t.Context(), "update account set money = $1 where id = 1", money-1); err != nil {
						return err
					}
					_, err := tx.ExecContext(t.Context(), "update account set money = money + 1 where id = 2")
					return err
				})
				if err != nil {
					t.Errorf("transfer: %v", err)
					return
				}
			}
		})
	}
	for range readers {
		work.Go(func() {
			for range rounds {
				var n int
				if err := db.GetContext(t.Context(), &n, "select count(*) from account"); err != nil || n != 2 {
					t.Errorf("read %d accounts: %v", n, err)
					return
				}
			}
		})
	}
	work.Wait()
	if money := get[int](t, db, "select money from account where id = 2"); money != 500+writers*rounds {
		t.Errorf("%d, want %d: a transfer was lost", money, 500+writers*rounds)
	}
}

func waitsKeepDeadlines(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	mustExec(t, db, "create table t (n int)")
	mustExec(t, db, "insert into t values (1)")
	err := database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
		mustExec(t, tx, "update t set n = 2")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := db.ExecContext(ctx, "update t set n = 3"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a write that waits for another gives %v at its deadline", err)
		}
		var n int
		if err := db.GetContext(t.Context(), &n, "select count(*) from t"); err != nil {
			t.Errorf("a reader beside a writer: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := get[int](t, db, "select n from t"); n != 2 {
		t.Errorf("n = %d, want 2", n)
	}
}

func pluginsAreApart(t *testing.T, d *database.Databases) {
	a, b := prepared(t, d, "a"), prepared(t, d, "b")
	mustExec(t, a, "create table mine (secret text)")
	mustExec(t, a, "insert into mine values ('a')")
	for _, table := range []string{"mine", "a.mine", "main.a.mine"} {
		var found string
		if err := b.GetContext(t.Context(), &found, "select secret from "+table); err == nil {
			t.Errorf("b reads %q from %s", found, table)
		}
	}
	// The same text means b's own table, whatever shape it has.
	mustExec(t, b, "create table mine (n int, secret text)")
	mustExec(t, b, "insert into mine values (1, 'b')")
	for range 3 {
		for db, want := range map[*sqlx.DB]string{a: "a", b: "b"} {
			row := map[string]any{}
			if err := db.QueryRowxContext(t.Context(), "select * from mine").MapScan(row); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(row["secret"]) != want {
				t.Errorf("%s reads %v", want, row)
			}
		}
	}
}

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
		"none":      {},
		"in folder": {"migrations/00001_t.sql": {Data: []byte("-- +goose Up\nselect 1;")}},
		"no mark":   {"00001_t.sql": {Data: []byte("create table t (n integer);")}},
		"twice":     {"00001_t.sql": {Data: []byte("-- +goose Up\nselect 1;")}, "00001_u.sql": {Data: []byte("-- +goose Up\nselect 1;")}},
	} {
		if err := d.Migrate(t.Context(), "a", files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// listen collects what arrives on a topic until the test ends.
func listen(t *testing.T, s *database.Signals, topic string) <-chan string {
	t.Helper()
	heard := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = s.Listen(ctx, topic, func(payload string) { heard <- payload }) })
	t.Cleanup(func() { cancel(); done.Wait() })
	if first := receive(t, heard); first != "" {
		t.Errorf("the first thing heard is %q", first)
	}
	return heard
}

func receive(t *testing.T, c <-chan string) string {
	t.Helper()
	select {
	case s := <-c:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was heard")
		return ""
	}
}

func signalsOf(t *testing.T, d *database.Databases, id string) *database.Signals {
	t.Helper()
	prepared(t, d, id)
	s, err := d.Signals(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signals(t *testing.T, d *database.Databases) {
	s := signalsOf(t, d, "a")
	one, two := listen(t, s, "topic"), listen(t, s, "topic")
	for _, payload := range []string{"1", "2", "it's ünïcode"} {
		if err := s.Publish(t.Context(), "topic", payload); err != nil {
			t.Fatal(err)
		}
		for _, heard := range []<-chan string{one, two} {
			if got := receive(t, heard); got != payload {
				t.Errorf("heard %q, want %q", got, payload)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Listen(ctx, "topic", func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Listen ends with %v", err)
	}
}

func signalsStayApart(t *testing.T, d *database.Databases) {
	a, b := signalsOf(t, d, "a"), signalsOf(t, d, "b")
	heardA, heardB := listen(t, a, "topic"), listen(t, b, "topic")
	other := listen(t, a, "other")
	for _, s := range []*database.Signals{b, a} {
		if err := s.Publish(t.Context(), "topic", map[*database.Signals]string{a: "a", b: "b"}[s]); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Publish(t.Context(), "other", "o"); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, heardA) + receive(t, heardB) + receive(t, other); got != "abo" {
		t.Errorf("heard %q, want %q", got, "abo")
	}
}

func leases(t *testing.T, d *database.Databases) {
	db := prepared(t, d, "a")
	l, err := d.Leases("a")
	if err != nil {
		t.Fatal(err)
	}
	var tokens []int64
	for range 2 {
		held, err := l.TryHold(t.Context(), "job", func(ctx context.Context) error {
			token, ok := database.LeaseToken(ctx)
			if !ok {
				t.Error("no token")
			}
			tokens = append(tokens, token)
			if again, err := l.TryHold(t.Context(), "job", func(context.Context) error { return nil }); again || err != nil {
				t.Errorf("held twice: %v, %v", again, err)
			}
			if other, err := l.TryHold(t.Context(), "other", func(context.Context) error { return nil }); !other || err != nil {
				t.Errorf("another lease: %v, %v", other, err)
			}
			return database.InTx(ctx, db, func(tx *sqlx.Tx) error { return database.CheckLease(ctx, tx) })
		})
		if !held || err != nil {
			t.Fatalf("TryHold = %v, %v", held, err)
		}
	}
	if tokens[1] <= tokens[0] {
		t.Errorf("tokens %v do not rise", tokens)
	}
	failure := errors.New("no")
	if held, err := l.TryHold(t.Context(), "job", func(context.Context) error { return failure }); !held || !errors.Is(err, failure) {
		t.Errorf("TryHold = %v, %v, want its function's error", held, err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = l.TryHold(t.Context(), "job", func(context.Context) error { panic("no") })
	}()
	var running, ran atomic.Int32
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			held, err := l.TryHold(t.Context(), "job", func(context.Context) error {
				if running.Add(1) > 1 {
					t.Error("two hold one lease")
				}
				time.Sleep(5 * time.Millisecond)
				running.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if held {
				ran.Add(1)
			}
		})
	}
	work.Wait()
	if ran.Load() == 0 {
		t.Error("nobody got the lease after it was given up by a panic")
	}
}

func closeEndsListening(t *testing.T, d *database.Databases) {
	s := signalsOf(t, d, "a")
	ended, began := make(chan error, 1), make(chan struct{}, 1)
	go func() {
		ended <- s.Listen(t.Context(), "topic", func(string) { began <- struct{}{} })
	}()
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := d.Close(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("Listen ended without a reason")
		}
	case <-ctx.Done():
		t.Fatal("Listen goes on after Close")
	}
	if _, err := d.For("b"); err == nil {
		t.Error("a closed Databases opens more")
	}
}
