package database_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	type config = database.Config
	tests := map[string]struct {
		config config
		want   []string // in the message; none means valid
	}{
		"nothing":               {config{}, nil},
		"create-app's default":  {config{Client: "better-sqlite3", Connection: database.Connection{Text: ":memory:"}}, nil},
		"directory":             {config{Client: "better-sqlite3", Connection: database.Connection{Directory: "/tmp"}}, nil},
		"postgres object":       {config{Client: "pg", Connection: database.Connection{Host: "db", Port: 5432, User: "u", Password: database.NewPassword("p")}}, nil},
		"postgres URL":          {config{Client: "pg", Connection: database.Connection{Text: "postgres://u:p@db:5432/x?sslmode=disable"}}, nil},
		"postgres keywords":     {config{Client: "pg", Connection: database.Connection{Text: "host=db user=u dbname=x"}}, nil},
		"schema mode":           {config{Client: "pg", PluginDivisionMode: "schema", SchemaPrefix: "x_"}, nil},
		"one plugin elsewhere":  {config{Plugin: map[string]database.PluginConfig{"a": {Client: "pg", Connection: database.Connection{Host: "db"}}}}, nil},
		"one plugin's own file": {config{Plugin: map[string]database.PluginConfig{"a": {Connection: database.Connection{Text: "a.sqlite"}}}}, nil},

		"mysql":                       {config{Client: "mysql2"}, []string{"client", `"mysql2"`, "pg", "better-sqlite3"}},
		"a plugin's mysql":            {config{Plugin: map[string]database.PluginConfig{"a": {Client: "mysql"}}}, []string{"plugin.a.client", "pg"}},
		"unknown mode":                {config{PluginDivisionMode: "table"}, []string{"pluginDivisionMode", `"table"`, "database or schema"}},
		"schema mode on SQLite":       {config{PluginDivisionMode: "schema"}, []string{"pluginDivisionMode", "needs client pg"}},
		"schema prefix":               {config{Client: "pg", SchemaPrefix: "1x"}, []string{"schemaPrefix", "letter"}},
		"one file for all":            {config{Connection: database.Connection{Filename: "x.sqlite"}}, []string{"connection", "connection.directory"}},
		"file URL":                    {config{Plugin: map[string]database.PluginConfig{"a": {Connection: database.Connection{Text: "file:x?mode=ro"}}}}, []string{"plugin.a.connection", "file:"}},
		"SQLite with a PostgreSQL":    {config{Connection: database.Connection{Text: "postgres://u:p@db/x"}}, []string{"connection", "client: pg"}},
		"SQLite with a host":          {config{Connection: database.Connection{Host: "db"}}, []string{"connection", "client pg"}},
		"PostgreSQL with a directory": {config{Client: "pg", Connection: database.Connection{Directory: "x"}}, []string{"connection", "SQLite"}},
		"PostgreSQL in memory":        {config{Client: "pg", Connection: database.Connection{Text: ":memory:"}}, []string{"connection", ":memory:"}},
		"unreadable":                  {config{Client: "pg", Connection: database.Connection{Text: "postgres://u:sesame@db:port/x"}}, []string{"connection", "neither a PostgreSQL URL"}},
		"rds":                         {config{Client: "pg", Connection: database.Connection{Type: "rds", Host: "db"}}, []string{"connection", `"rds"`, "user and password"}},
		"ssl mode":                    {config{Client: "pg", Connection: database.Connection{SSL: database.SSL{Mode: "yes"}}}, []string{"ssl", `"yes"`, "verify-full"}},
		"ssl ca":                      {config{Client: "pg", Connection: database.Connection{SSL: database.SSL{CA: "sesame"}}}, []string{"ssl", "ca", "PEM"}},
		"too few":                     {config{Client: "pg", MaxConnections: 2}, []string{"maxConnections", "3"}},
		"negative pool":               {config{Client: "pg", Knex: database.Knex{Pool: database.Pool{Max: -1}}}, []string{"knexConfig.pool", "-1"}},
		"a plugin's idle timeout":     {config{Client: "pg", Plugin: map[string]database.PluginConfig{"a": {Knex: database.Knex{Pool: database.Pool{IdleTimeoutMillis: 1}}}}}, []string{"plugin.a.knexConfig.pool.idleTimeoutMillis", "whole process"}},
		"pool upside down":            {config{Client: "pg", Knex: database.Knex{Pool: database.Pool{Min: 5, Max: 2}}}, []string{"knexConfig.pool", "min 5"}},
		"role on SQLite":              {config{Role: "x"}, []string{"role", "SQLite"}},
		"two at once":                 {config{Client: "mysql", PluginDivisionMode: "x"}, []string{"client", "pluginDivisionMode"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.config.Validate()
			if len(test.want) == 0 {
				if err != nil {
					t.Errorf("valid, but: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatalf("no error, want one about %q", test.want)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not mention %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "sesame") {
				t.Errorf("%q shows a secret", err)
			}
			if _, openErr := database.Open(database.Options{Config: test.config}); openErr == nil {
				t.Error("Open takes it")
			}
		})
	}
}

func TestNothingPrintsAConnection(t *testing.T) {
	t.Parallel()
	c := database.Connection{Text: "postgres://user:sesame@db/x"}
	object := database.Connection{Host: "db", User: "user", Password: database.NewPassword("sesame"), SSL: database.SSL{Key: database.NewPassword("sesame")}}
	config := database.Config{Client: "pg", Connection: c, Plugin: map[string]database.PluginConfig{"a": {Connection: object}}}
	var out bytes.Buffer
	for _, v := range []any{c, &c, object, &object, object.Password, object.SSL, config, &config, database.Options{Config: config}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		if text, err := json.Marshal(v); err == nil {
			out.Write(text)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	if strings.Contains(out.String(), "sesame") || strings.Contains(out.String(), fmt.Sprintf("%x", "sesame")) {
		t.Errorf("a password was printed:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing says that something was left out")
	}
}

func TestScalarsFromConfiguration(t *testing.T) {
	t.Parallel()
	var (
		c database.Connection
		p database.Port
		s database.Switch
	)
	if err := c.UnmarshalText([]byte(":memory:")); err != nil || c.Text != ":memory:" {
		t.Errorf("connection: %v, %q", err, c.Text)
	}
	if err := p.UnmarshalText([]byte(" 5433 ")); err != nil || p != 5433 {
		t.Errorf("port: %v, %d", err, p)
	}
	for _, bad := range []string{"", "0", "65536", "-1", "x"} {
		if err := p.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("port %q was taken", bad)
		}
	}
	if err := s.UnmarshalText([]byte("false")); err != nil || s != database.Off {
		t.Errorf("switch: %v, %v", err, s)
	}
	if err := s.UnmarshalText([]byte("nope")); err == nil {
		t.Error("switch took nope")
	}
}

func TestWhereSQLiteFilesAre(t *testing.T) {
	t.Parallel()
	base, own := t.TempDir(), t.TempDir()
	o := database.Options{DataDir: filepath.Join(base, "data"), Config: database.Config{
		Client:     "better-sqlite3",
		Connection: database.Connection{Directory: filepath.Join(base, "configured")},
		Plugin: map[string]database.PluginConfig{
			"file":   {Connection: database.Connection{Filename: filepath.Join(own, "x.db")}},
			"text":   {Connection: database.Connection{Text: filepath.Join(own, "y.db")}},
			"folder": {Connection: database.Connection{Directory: own}},
			"memory": {Connection: database.Connection{Text: ":memory:"}},
		},
	}}
	d := databasetest.Open(t, o)
	for id, want := range map[string]string{
		"plain":  filepath.Join(base, "configured", "plain.sqlite"),
		"file":   filepath.Join(own, "x.db"),
		"text":   filepath.Join(own, "y.db"),
		"folder": filepath.Join(own, "folder.sqlite"),
		"memory": "",
	} {
		exec1(t, prepare(t, d, id), "create table t (n int)")
		if want == "" {
			continue
		}
		if _, err := os.Stat(want); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if made, _ := filepath.Glob(filepath.Join(base, "*", "memory*")); len(made) > 0 {
		t.Errorf("a database in memory made %v", made)
	}
	if got := d.String(); !strings.Contains(got, filepath.Join(base, "configured")) {
		t.Errorf("String says %q", got)
	}
	o.Config.Connection = database.Connection{}
	exec1(t, prepare(t, databasetest.Open(t, o), "plain"), "create table t (n int)")
	if _, err := os.Stat(filepath.Join(base, "data", "plain.sqlite")); err != nil {
		t.Error(err)
	}
	o.DataDir = ""
	if _, err := databasetest.Open(t, o).For("plain"); err == nil {
		t.Error("without any folder there is a file")
	}
}

func TestDataStays(t *testing.T) {
	t.Parallel()
	for _, e := range []databasetest.Engine{databasetest.SQLite, databasetest.PostgresSchemas, databasetest.PostgresDatabases} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			o := databasetest.Options(t, e)
			d := databasetest.Open(t, o)
			exec1(t, prepare(t, d, "a"), "create table t (n int)")
			if err := d.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			exec1(t, prepare(t, databasetest.Open(t, o), "a"), "insert into t values (1)")
		})
	}
}

// TestOverrides has plugins of one portal on SQLite, on two PostgreSQL servers, and in a database with another name.
func TestOverrides(t *testing.T) {
	t.Parallel()
	one, two := databasetest.Postgres(t), databasetest.StartPostgres(t, "fsync=off")
	o := databasetest.Options(t, databasetest.PostgresDatabases)
	named := one.Database(t)
	o.DataDir = t.TempDir()
	o.Config.Plugin = map[string]database.PluginConfig{
		"lite":      {Client: "better-sqlite3"},
		"elsewhere": {Connection: database.Connection{Port: database.Port(two.Port)}},
		"text":      {Connection: database.Connection{Text: two.URL("postgres")}},
		"named":     {Connection: database.Connection{Database: named}},
		"absent":    {EnsureExists: database.Off},
	}
	d := databasetest.Open(t, o)
	for _, id := range []string{"plain", "lite", "elsewhere", "text", "named"} {
		exec1(t, prepare(t, d, id), "create table "+id+"_t (n int)")
	}
	tables := func(s *databasetest.Server, name string) string {
		return strings.Join(s.Query(t, name, "select tablename::text from pg_tables where schemaname = 'public' order by 1"), " ")
	}
	for got, want := range map[string]string{
		tables(one, o.Config.Prefix+"plain"):     "plain_t",
		tables(two, o.Config.Prefix+"elsewhere"): "elsewhere_t",
		tables(two, "postgres"):                  "text_t",
		tables(one, named):                       "named_t",
	} {
		if got != want {
			t.Errorf("found tables %q, want %q", got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(o.DataDir, "lite.sqlite")); err != nil {
		t.Error(err)
	}
	err := d.Prepare(t.Context(), "absent")
	if !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	wantMessage(t, err, o.Config.Prefix+"absent", "does not exist", "ensureExists")
	name := get[string](t, prepare(t, d, "plain"), "select current_setting('application_name')")
	if name != o.Config.Prefix+"plain" {
		t.Errorf("application name %q", name)
	}
}

// A user that may not create databases, and a server whose database "postgres" is closed to it.
func TestUserThatCreatesNothing(t *testing.T) {
	t.Parallel()
	s := databasetest.StartPostgres(t, "fsync=off")
	if err := s.Exec(t.Context(), "postgres", "create role plain login", "create database backstage_plugin_there owner plain", "revoke connect on database postgres from public"); err != nil {
		t.Fatal(err)
	}
	o := on(s, "database")
	o.Config.Connection.User = "plain"
	d := databasetest.Open(t, o)
	exec1(t, prepare(t, d, "there"), "create table t (n int)") // it exists, so nobody needs the database "postgres"
	err := d.Prepare(t.Context(), "missing")
	wantMessage(t, err, "backstage_plugin_missing", `from database "postgres"`, "by hand", `"plain"`)
}

// TestIdleConnections watches what stays open once nobody uses it: what the server tells is compared with what min and idleTimeoutMillis say.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	s := databasetest.StartPostgres(t, "fsync=off")
	o := on(s, "database")
	o.Config.Connection.ApplicationName = "portal_"
	o.Config.Knex.Pool = database.Pool{Min: 1, IdleTimeoutMillis: 50}
	o.Config.Plugin = map[string]database.PluginConfig{"many": {Knex: database.Knex{Pool: database.Pool{Min: 3}}}}
	d := databasetest.Open(t, o)
	for _, id := range []string{"few", "many"} {
		db := prepare(t, d, id)
		var work sync.WaitGroup
		for range 5 {
			work.Go(func() { exec1(t, db, "select pg_sleep(0.2)") })
		}
		work.Wait()
	}
	eventually(t, "idle connections are closed but for those wanted", func() error {
		const query = "select application_name || ' ' || count(*) from pg_stat_activity where application_name like 'portal%' group by application_name order by 1"
		if got := strings.Join(s.Query(t, "postgres", query), ", "); got != "portal_few 1, portal_many 3" {
			return fmt.Errorf("open: %s", got)
		}
		return nil
	})
}

// A server that takes the call but never answers is given up after connectionTimeoutMillis, or createTimeoutMillis, and not only when the caller gives up.
func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	var o database.Options
	o.Config.Client = "pg"
	o.Config.Connection = database.Connection{Host: "127.0.0.1", Port: database.Port(silent.Addr().(*net.TCPAddr).Port), User: "x"}
	o.Config.Plugin = map[string]database.PluginConfig{
		"connection": {Connection: database.Connection{ConnectionTimeoutMillis: 50}},
		"create":     {Knex: database.Knex{Pool: database.Pool{CreateTimeoutMillis: 50}}},
	}
	d := databasetest.Open(t, o)
	for id := range o.Config.Plugin {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // less than the default
		defer cancel()
		err := d.Ping(ctx, id)
		if !errors.Is(err, database.ErrUnavailable) || ctx.Err() != nil {
			t.Errorf("%s: got %v, want ErrUnavailable while the caller waits", id, err)
		}
		wantMessage(t, err, "connect to", silent.Addr().String())
	}
}

// A connection through a Unix socket, given by its folder.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	s := databasetest.StartPostgres(t, "fsync=off")
	o := on(s, "schema")
	o.Config.Connection.Host = s.Query(t, "postgres", "select current_setting('unix_socket_directories')")[0]
	db := prepare(t, databasetest.Open(t, o), "a")
	if !get[bool](t, db, "select inet_server_addr() is null") {
		t.Error("the connection is not through the socket")
	}
}

func TestSkipMigrations(t *testing.T) {
	t.Parallel()
	o := databasetest.Options(t, databasetest.SQLite)
	o.Config.SkipMigrations = database.On
	o.Config.Plugin = map[string]database.PluginConfig{"b": {SkipMigrations: database.Off}}
	d := databasetest.Open(t, o)
	for id, want := range map[string]int{"a": 0, "b": 1} {
		db := prepare(t, d, id)
		if err := d.Migrate(t.Context(), id, files("00001_t.sql", "create table t (n int);")); err != nil {
			t.Fatal(err)
		}
		if n := get[int](t, db, "select count(*) from sqlite_schema where name = 't'"); n != want {
			t.Errorf("%s has %d tables, want %d", id, n, want)
		}
	}
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	s := databasetest.StartPostgres(t, "fsync=off")
	if err := s.RequirePassword("sesame"); err != nil {
		t.Fatal(err)
	}
	o := on(s, "schema")
	for password, fine := range map[string]bool{"sesame": true, "other": false, "": false} {
		o.Config.Connection.Password = database.NewPassword(password)
		d := databasetest.Open(t, o)
		err := d.Ping(t.Context(), "a")
		if fine != (err == nil) {
			t.Errorf("password %q: %v", password, err)
		}
		if !fine {
			wantMessage(t, err, `user "postgres"`, "password")
			if password != "" && strings.Contains(err.Error(), password) {
				t.Errorf("%v shows the password", err)
			}
		}
	}
}
