package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// oneConnection opens databases whose plugins all take turns on a single connection, so whatever one leaves behind the next would meet.
func oneConnection(t *testing.T, e databasetest.Engine) *database.Databases {
	t.Helper()
	o := databasetest.Options(t, e)
	o.Config.MaxConnections = 3
	o.Config.Knex.Pool.Max = 1
	return databasetest.Open(t, o)
}

// state is what a borrower can tell about its session.
func state(t *testing.T, db *sqlx.DB) string {
	t.Helper()
	c, err := db.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return get[string](t, c, `select format('%s %s %s %s %s %s locks=%s cursors=%s temp=%s',
		current_user, current_schemas(false), current_setting('statement_timeout'), current_setting('timezone'), current_setting('custom.thing', true), current_setting('transaction_isolation'),
		(select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
		(select count(*) from pg_cursors where is_holdable),
		(select count(*) from pg_class where relpersistence = 't' and pg_table_is_visible(oid)))`)
}

func TestNothingReachesTheNextBorrower(t *testing.T) {
	t.Parallel()
	d := oneConnection(t, databasetest.PostgresSchemas)
	a, b := prepare(t, d, "a"), prepare(t, d, "b")
	exec1(t, a, "create table t (n int)")
	exec1(t, a, "create function sly() returns void language plpgsql as $$ begin perform set_config('custom.thing', 'sly', false); perform pg_advisory_lock(7); end $$")
	exec1(t, b, "create table t (n int)")
	wantA, wantB := state(t, a), state(t, b)

	// Each runs on one connection of a's, which ends it in its own way.
	for name, use := range map[string]func(ctx context.Context, c *sqlx.Conn) error{
		"set":                  run("set statement_timeout = '5s'"),
		"set timezone":         run("set timezone to 'Europe/Berlin'"),
		"custom":               run("select set_config('custom.thing', 'x', false)"),
		"hidden in code":       run("select sly()"),
		"search path":          run("set search_path to public"),
		"comment first":        run("/* x */ set search_path to public"),
		"role":                 run("set role pg_monitor"),
		"reset role":           run("reset role"),
		"reset all":            run("reset all"),
		"discard all":          run("discard all"),
		"authorization":        run("set session authorization default"),
		"isolation":            run("set session characteristics as transaction isolation level serializable"),
		"temporary table":      run("create temp table t (n text)"),
		"pg_temp":              run("create table pg_temp.t (n text)"),
		"advisory lock":        run("select pg_advisory_lock(1)"),
		"held cursor":          run("begin", "declare c cursor with hold for select 1", "commit"),
		"listen":               run("listen x"),
		"prepare":              run("prepare x as select 1"),
		"do":                   run("do $$ begin perform set_config('custom.thing', 'x', false); end $$"),
		"open transaction":     run("begin", "set local search_path to public"),
		"failed transaction":   run("begin", "set search_path to public", "select nonsense"),
		"set, then an error":   run("set search_path to public", "select nonsense"),
		"error in one":         run("select set_config('custom.thing', 'x', false), 1/(select 0)"),
		"set in transaction":   run("begin", "set search_path to public", "commit"),
		"set, then cancelled":  cancelled("set search_path to public"),
		"lock, then cancelled": cancelled("select pg_advisory_lock(2)"),
		"temp, then cancelled": cancelled("create temp table t (n text)"),
	} {
		c, err := a.Connx(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = use(t.Context(), c)
		_ = c.Close()
		if got := state(t, b); got != wantB {
			t.Errorf("after %s (%v) b has %s, want %s", name, err, got, wantB)
		}
		c, err = a.Connx(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = use(t.Context(), c)
		_ = c.Close()
		if got := state(t, a); got != wantA {
			t.Errorf("after %s (%v) a itself has %s, want %s", name, err, got, wantA)
		}
	}
	if n := get[int](t, b, "select count(*) from pg_prepared_statements where name = 'x'"); n != 0 {
		t.Error("a prepared statement reached the next borrower")
	}
	if n := get[int](t, b, "select count(*) from pg_listening_channels()"); n != 0 {
		t.Error("a channel reached the next borrower")
	}
}

func run(texts ...string) func(context.Context, *sqlx.Conn) error {
	return func(ctx context.Context, c *sqlx.Conn) error {
		for _, text := range texts {
			if _, err := c.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		return nil
	}
}

func cancelled(text string) func(context.Context, *sqlx.Conn) error {
	return func(ctx context.Context, c *sqlx.Conn) error {
		if _, err := c.ExecContext(ctx, text); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, err := c.ExecContext(ctx, "select pg_sleep(10)")
		return err
	}
}

func TestTablesOfOthersAreOutOfReach(t *testing.T) {
	t.Parallel()
	o := databasetest.Options(t, databasetest.PostgresSchemas)
	o.Config.SchemaPrefix = "plug_"
	d := databasetest.Open(t, o)
	a, b := prepare(t, d, "a"), prepare(t, d, "b")
	exec1(t, a, "create table secrets (text text)")
	exec1(t, a, "insert into secrets values ('a')")
	for _, text := range []string{
		"select text from secrets",
		"select text from plug_a.secrets",
		"select text from " + o.Config.Connection.Database + ".plug_a.secrets",
		"insert into plug_a.secrets values ('b')",
		"drop table plug_a.secrets",
		"drop schema plug_a cascade",
		"create table plug_a.other (n int)",
		"create table public.other (n int)",
	} {
		if _, err := b.ExecContext(t.Context(), text); err == nil {
			t.Errorf("b may do: %s", text)
		}
	}
	if got := get[string](t, a, "select text from plug_a.secrets"); got != "a" {
		t.Errorf("a reads %q of its own by its full name", got)
	}
}

// A user that may not create roles has one for all; then a portal still works, as upstream's does.
func TestUserWithoutRoles(t *testing.T) {
	t.Parallel()
	s := databasetest.Postgres(t)
	o := databasetest.Options(t, databasetest.PostgresSchemas)
	name := o.Config.Connection.Database
	if err := s.Exec(t.Context(), "postgres", "create role "+name+"_plain login", "grant create on database "+name+" to "+name+"_plain"); err != nil {
		t.Fatal(err)
	}
	o.Config.Connection.User = name + "_plain"
	d := databasetest.Open(t, o)
	a := prepare(t, d, "a")
	exec1(t, a, "create table t (n int)")
	if user := get[string](t, a, "select current_user::text"); user != name+"_plain" {
		t.Errorf("a acts as %s", user)
	}
}

// A user that may create roles, but is not all-powerful, gets a role per plugin.
func TestUserThatCreatesRoles(t *testing.T) {
	t.Parallel()
	s := databasetest.Postgres(t)
	o := databasetest.Options(t, databasetest.PostgresSchemas)
	name := o.Config.Connection.Database
	if err := s.Exec(t.Context(), "postgres", "create role "+name+"_maker login createrole", "grant create on database "+name+" to "+name+"_maker"); err != nil {
		t.Fatal(err)
	}
	o.Config.Connection.User = name + "_maker"
	for range 2 { // the second time everything is there already
		d := databasetest.Open(t, o)
		a, b := prepare(t, d, "a"), prepare(t, d, "b")
		exec1(t, a, "create table if not exists t (n int)")
		var n int
		if err := b.GetContext(t.Context(), &n, "select count(*) from a.t"); err == nil {
			t.Error("b reads a's table")
		}
		if user := get[string](t, a, "select current_user::text"); user != name+"_a" {
			t.Errorf("a acts as %s", user)
		}
	}
}

// A schema that somebody else made stays theirs, and usable.
func TestSchemaMadeByHand(t *testing.T) {
	t.Parallel()
	o := databasetest.Options(t, databasetest.PostgresSchemas)
	if err := databasetest.Postgres(t).Exec(t.Context(), o.Config.Connection.Database, "create schema a"); err != nil {
		t.Fatal(err)
	}
	o.Config.EnsureExists = database.Off
	d := databasetest.Open(t, o)
	exec1(t, prepare(t, d, "a"), "create table t (n int)")
	// Nobody made b's, and nobody may.
	b := prepare(t, d, "b")
	if _, err := b.ExecContext(t.Context(), "create table t (n int)"); err == nil {
		t.Error("a schema was made although ensureExists and ensureSchemaExists are off")
	}
	o.Config.EnsureSchemaExists = database.On
	exec1(t, prepare(t, databasetest.Open(t, o), "b"), "create table t (n int)")
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for _, e := range []databasetest.Engine{databasetest.PostgresSchemas, databasetest.PostgresDatabases} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := databasetest.Postgres(t)
			o := databasetest.Options(t, e)
			name := o.Config.Connection.Database
			if e == databasetest.PostgresDatabases {
				name = o.Config.Prefix
			}
			all, own := name+"_all", name+"_own"
			if err := s.Exec(t.Context(), "postgres", "create role "+all, "create role "+own); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				// Whichever database they own things in is dropped before.
				_ = s.Exec(context.Background(), "postgres", "drop role if exists "+all+", "+own)
			})
			o.Config.Role = all
			o.Config.Plugin = map[string]database.PluginConfig{"b": {Role: own}}
			d := databasetest.Open(t, o)
			for id, want := range map[string]string{"a": all, "b": own} {
				db := prepare(t, d, id)
				exec1(t, db, "create table t (n int)")
				got := get[string](t, db, "select current_user || ' ' || tableowner from pg_tables where tablename = 't' and schemaname = current_schema()")
				if got != want+" "+want {
					t.Errorf("%s acts and owns as %q, want %q", id, got, want)
				}
			}
		})
	}
}
