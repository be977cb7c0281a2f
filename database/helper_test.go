package database_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"go.uber.org/goleak"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

func TestMain(m *testing.M) {
	if job := os.Getenv("DATABASE_TEST_CHILD"); job != "" {
		os.Exit(child(job))
	}
	goleak.VerifyTestMain(m)
}

// inChild runs this test binary again, as another process, to do a job; see child.
func inChild(t *testing.T, job string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, os.Args[0])
	c.Env = append(os.Environ(), "DATABASE_TEST_CHILD="+job, "DATABASE_TEST_ARGS="+strings.Join(args, "\n"))
	c.Stderr = os.Stderr
	return c
}

// prepare returns the handle of a plugin whose database is there.
func prepare(t testing.TB, d *database.Databases, id string) *sqlx.DB {
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

func exec1(t testing.TB, db sqlx.ExecerContext, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func get[T any](t testing.TB, db sqlx.QueryerContext, text string, args ...any) T {
	t.Helper()
	var value T
	if err := sqlx.GetContext(t.Context(), db, &value, text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

// wantMessage checks that an error says certain things to the person who reads it.
func wantMessage(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one about %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not mention %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q has more than one line", err)
	}
}

// eventually waits until try succeeds.
func eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: still %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// on returns options for databases on a server of the test's own.
func on(s *databasetest.Server, mode string) database.Options {
	var o database.Options
	o.Config.Client = "pg"
	o.Config.PluginDivisionMode = mode
	o.Config.Connection = s.Connection("postgres")
	return o
}
