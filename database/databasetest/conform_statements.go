package databasetest

import (
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

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
