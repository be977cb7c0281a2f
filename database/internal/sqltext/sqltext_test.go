package sqltext_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/database/internal/sqltext"
)

func TestAccessOf(t *testing.T) {
	t.Parallel()
	tests := map[string]sqltext.Access{
		"":                                     sqltext.Read,
		"select 1":                             sqltext.Read,
		" /* x */ -- y\n SELECT * from t":      sqltext.Read,
		"values (1)":                           sqltext.Read,
		"explain insert into t values (1)":     sqltext.Read,
		"insert into t values (1)":             sqltext.Write,
		"select 1; delete from t":              sqltext.Write,
		"select ';delete from t'":              sqltext.Read,
		"select 'it''s'; select \"a;b\"":       sqltext.Read,
		"select `a;`; update t set a=1":        sqltext.Write,
		"with a as (select 1) select * from a": sqltext.Read,
		"with a as (values (1)) insert into t select * from a": sqltext.Write,
		"with a(x) as (select 'delete') delete from t":         sqltext.Write,
		"with recursive a(x) as (select 1) select x from a":    sqltext.Read,
		"pragma table_info(t)":                                 sqltext.Read,
		"pragma user_version":                                  sqltext.Read,
		"pragma user_version = 3":                              sqltext.Write,
		"pragma wal_checkpoint(truncate)":                      sqltext.Write,
		"vacuum":                                               sqltext.Write,
		"begin immediate":                                      sqltext.Transaction,
		"select 1; commit":                                     sqltext.Transaction,
		"end":                                                  sqltext.Transaction,
		"rollback":                                             sqltext.Transaction,
		"rollback to savepoint a":                              sqltext.Savepoint,
		"savepoint a":                                          sqltext.Savepoint,
		"release a":                                            sqltext.Savepoint,
		"create table t (a int); select 1":                     sqltext.Write,
		"create trigger x after insert on t begin select 1; end;":                                 sqltext.Write,
		"create trigger x after insert on t begin select case 1 when 1 then 2 end; end; select 1": sqltext.Write,
		"nonsense":               sqltext.Write,
		"select [a;b] from t":    sqltext.Read,
		"select 'unterminated":   sqltext.Read,
		"/* unterminated delete": sqltext.Read,
	}
	for text, want := range tests {
		if got := sqltext.AccessOf(text); got != want {
			t.Errorf("AccessOf(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestSessionOf(t *testing.T) {
	t.Parallel()
	tests := map[string]sqltext.Session{
		"":                                             sqltext.Clean,
		"select 1":                                     sqltext.Clean,
		"update t set a = 1":                           sqltext.Clean,
		"insert into t values ('set role x')":          sqltext.Clean,
		"select $$ ; set role x; $$":                   sqltext.Clean,
		"select $tag$ ; reset all $tag$, $1":           sqltext.Clean,
		`select E'\'; set role x; --'`:                 sqltext.Clean,
		"set local statement_timeout = '1s'":           sqltext.Clean,
		"set transaction isolation level serializable": sqltext.Clean,
		"SET search_path = x":                          sqltext.Changed,
		"select 1; reset role":                         sqltext.Changed,
		"/* a /* b */ c */ set role x":                 sqltext.Changed,
		"-- a\nset role x":                             sqltext.Changed,
		"create temp table t (a int)":                  sqltext.Changed,
		"create temporary table t (a int)":             sqltext.Changed,
		"create table pg_temp.t (a int)":               sqltext.Changed,
		"select set_config('role', 'x', false)":        sqltext.Changed,
		"select pg_advisory_lock(1)":                   sqltext.Changed,
		"select pg_try_advisory_lock(1)":               sqltext.Changed,
		"listen x":                                     sqltext.Changed,
		"do $$ begin perform 1; end $$":                sqltext.Changed,
		"declare c cursor with hold for select 1":      sqltext.Changed,
		"create or replace function f() returns int language sql as 'select 1'": sqltext.Programmed,
		"create extension pg_trgm":            sqltext.Programmed,
		"create table function_calls (n int)": sqltext.Clean,
		"prepare x as select 1":               sqltext.Spoiled,
		"select 1; deallocate all":            sqltext.Spoiled,
	}
	for text, want := range tests {
		if got := sqltext.SessionOf(text); got != want {
			t.Errorf("SessionOf(%q) = %v, want %v", text, got, want)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{"select 1", "with a as (select 1) delete from t", "select $a$ x $a$", "E'\\'", "/* /* */", "[", "$", "$1$", "\"", "create trigger begin case end;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// A leading write or session change must be seen whatever follows it.
		if got := sqltext.AccessOf("delete from t;" + text); got == sqltext.Read {
			t.Errorf("a delete before %q counts as a read", text)
		}
		if got := sqltext.SessionOf("set role x;" + text); got == sqltext.Clean {
			t.Errorf("a set before %q counts as clean", text)
		}
	})
}
