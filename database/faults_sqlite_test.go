//go:build linux

package database_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

func TestTwoProcessesOnOneFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	d := databasetest.Open(t, database.Options{DataDir: folder})
	db := prepare(t, d, "a")
	exec1(t, db, "create table t (who text, n int, primary key (who, n))")
	exec1(t, db, "create table counter (n int)")
	exec1(t, db, "insert into counter values (0)")
	others := []*exec.Cmd{inChild(t, "write", folder, "one"), inChild(t, "write", folder, "two")}
	for _, c := range others {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 100 {
		exec1(t, db, "insert into t values ('here', $1)", n)
		exec1(t, db, "update counter set n = n + 1")
	}
	for _, c := range others {
		if err := c.Wait(); err != nil {
			t.Errorf("another process: %v", err)
		}
	}
	if n := get[int](t, db, "select count(*) from t"); n != 300 {
		t.Errorf("%d rows, want 300", n)
	}
	if n := get[int](t, db, "select n from counter"); n != 300 {
		t.Errorf("counted %d, want 300: an update was lost", n)
	}
}

func TestAnotherProcessHoldsTheFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	d := databasetest.Open(t, database.Options{DataDir: folder})
	db := prepare(t, d, "a")
	exec1(t, db, "create table t (n int)")
	c := inChild(t, "hold", folder)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("the other process does not write: %v", err)
	}
	if n := get[int](t, db, "select count(*) from t"); n != 0 {
		t.Errorf("read %d", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := db.ExecContext(ctx, "insert into t values (1)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at its deadline a writer gets %v", err)
	}
	_, err = db.ExecContext(t.Context(), "insert into t values (1)")
	if !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	wantMessage(t, err, "a.sqlite", "another process")
	// A process that dies while it writes holds nobody up.
	_ = c.Process.Kill()
	_ = c.Wait()
	exec1(t, db, "insert into t values (2)")
}

// TestDiskFull fills a file system, of which a small one is mounted for the test where that is allowed. Elsewhere SQLite's own bound on the file stands in for it.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	limits := map[string]func(*testing.T) (folder string, full, room func(*sqlx.DB)){"page limit": fewPages}
	if mayMount(t) {
		limits["file system"] = smallFileSystem
	}
	for name, limit := range limits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, full, room := limit(t)
			o := databasetest.Options(t, databasetest.SQLite)
			o.DataDir = folder
			d := databasetest.Open(t, o)
			db := prepare(t, d, "a")
			exec1(t, db, "create table t (n int primary key, stuff blob)")
			exec1(t, db, "insert into t values (0, null)")
			full(db)
			committed := 0
			var err error
			for n := 1; n < 1000 && err == nil; n++ {
				err = database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
					_, err := tx.ExecContext(t.Context(), "insert into t values ($1, $2)", n, bytes.Repeat([]byte("x"), 64<<10))
					return err
				})
				if err == nil {
					committed = n
				}
			}
			if !errors.Is(err, database.ErrUnavailable) {
				t.Fatalf("got %v, want ErrUnavailable", err)
			}
			wantMessage(t, err, "no space left", "make room")
			if n := get[int](t, db, "select max(n) from t"); n != committed {
				t.Errorf("%d is the last row, want %d: what was committed last", n, committed)
			}
			if err := d.Ping(t.Context(), "a"); err != nil {
				t.Errorf("reading does not go on: %v", err)
			}
			room(db)
			exec1(t, db, "insert into t values (-1, $1)", bytes.Repeat([]byte("x"), 64<<10))
		})
	}
}

// mayMount reports whether the test may mount file systems, which takes root and a kernel that lets it.
func mayMount(t *testing.T) bool {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, ""); err != nil {
		t.Logf("without a file system of its own, since mounting is not allowed: %v", err)
		return false
	}
	_ = syscall.Unmount(folder, 2)
	return true
}

func smallFileSystem(t *testing.T) (string, func(*sqlx.DB), func(*sqlx.DB)) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=4m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, 2) })
	ballast := filepath.Join(folder, "ballast")
	return folder, func(*sqlx.DB) {
			if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
				t.Fatal(err)
			}
		}, func(*sqlx.DB) {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		}
}

func fewPages(t *testing.T) (string, func(*sqlx.DB), func(*sqlx.DB)) {
	pages := func(n int) func(*sqlx.DB) {
		return func(db *sqlx.DB) { exec1(t, db, fmt.Sprintf("pragma max_page_count = %d", n)) }
	}
	return t.TempDir(), pages(200), pages(100_000)
}

func TestUnusableFolders(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("not a database, and long enough to tell"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	tests := map[string]struct {
		options database.Options
		want    []string
	}{
		"a file in place of the folder": {database.Options{DataDir: filepath.Join(file, "data")}, []string{"make folder", file}},
		"missing, not to be made":       {database.Options{DataDir: missing, Config: database.Config{EnsureExists: database.Off}}, []string{"folder " + missing, "does not exist"}},
		"not a database": {database.Options{Config: database.Config{Plugin: map[string]database.PluginConfig{"a": {Connection: database.Connection{Filename: file}}}}, DataDir: missing},
			[]string{file, "no SQLite database"}},
		"a folder in place of the file": {database.Options{Config: database.Config{Plugin: map[string]database.PluginConfig{"a": {Connection: database.Connection{Filename: filepath.Dir(file)}}}}, DataDir: missing},
			[]string{filepath.Dir(file), "cannot be opened"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := databasetest.Open(t, test.options)
			db, err := d.For("a")
			if err != nil {
				t.Fatalf("a handle needs no file: %v", err)
			}
			for _, err := range []error{d.Prepare(t.Context(), "a"), d.Ping(t.Context(), "a"), db.GetContext(t.Context(), new(int), "select 1")} {
				if !errors.Is(err, database.ErrUnavailable) {
					t.Errorf("got %v, want ErrUnavailable", err)
				}
				wantMessage(t, err, test.want...)
			}
		})
	}
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	switch {
	case mayMount(t):
		if err := syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(folder, 2) })
	case os.Getuid() == 0:
		t.Log("nothing is read-only for root, whom the permissions of a folder do not bind")
		return
	default:
		if err := os.Chmod(folder, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	}
	d := databasetest.Open(t, database.Options{DataDir: folder})
	err := d.Prepare(t.Context(), "a")
	if !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	wantMessage(t, err, folder, "writable", fmt.Sprintf("user id %d", os.Getuid()))
}

// TestFolderComesBack lets a database recover without a restart.
func TestFolderComesBack(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "later")
	d := databasetest.Open(t, database.Options{DataDir: folder, Config: database.Config{EnsureExists: database.Off}})
	if err := d.Prepare(t.Context(), "a"); err == nil {
		t.Fatal("a folder that is not there was prepared")
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	exec1(t, prepare(t, d, "a"), "create table t (n int)")
}

func TestSlowSQLiteQueryPastItsDeadline(t *testing.T) {
	t.Parallel()
	for _, e := range []databasetest.Engine{databasetest.SQLite, databasetest.SQLiteMemory} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			d := databasetest.New(t, e)
			db := prepare(t, d, "a")
			exec1(t, db, "create table t (n int)")
			exec1(t, db, "insert into t values (1)")
			for _, text := range []string{
				"with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c",
				"insert into t with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c",
			} {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				_, err := db.ExecContext(ctx, text)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, database.ErrUnavailable) {
					t.Errorf("%s: got %v, want the deadline", text, err)
				}
			}
			exec1(t, db, "insert into t values (2)")
			if n := get[int](t, db, "select count(*) from t"); n != 2 {
				t.Errorf("%d rows, want 2", n)
			}
		})
	}
}

// TestDataSurvivesAKill kills a process that writes, and looks for what it was told is committed.
func TestDataSurvivesAKill(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	d := databasetest.Open(t, database.Options{DataDir: folder})
	db := prepare(t, d, "a")
	exec1(t, db, "create table t (who text, n int, primary key (who, n))")
	exec1(t, db, "create table counter (n int)")
	exec1(t, db, "insert into counter values (0)")
	c := inChild(t, "write", folder, "one")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other process writes", func() error {
		if n := get[int](t, db, "select count(*) from t"); n < 3 {
			return fmt.Errorf("%d rows", n)
		}
		return nil
	})
	_ = c.Process.Kill()
	_ = c.Wait()
	n := get[int](t, db, "select count(*) from t")
	if last := get[int](t, db, "select max(n) from t"); last != n-1 {
		t.Errorf("%d rows, but the last is %d", n, last)
	}
	if check := get[string](t, db, "pragma integrity_check"); check != "ok" {
		t.Error(check)
	}
	exec1(t, db, "insert into t values ('here', 1)")
}

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	d := databasetest.New(t, databasetest.SQLite)
	db := prepare(t, d, "a")
	for pragma, want := range map[string]string{"journal_mode": "wal", "foreign_keys": "1", "synchronous": "1"} {
		if got := get[string](t, db, "pragma "+pragma); got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	for _, text := range []string{"begin", "commit", "savepoint x"} {
		if _, err := db.ExecContext(t.Context(), text); err == nil || !strings.Contains(err.Error(), "BeginTx") {
			t.Errorf("%s: %v", text, err)
		}
	}
	err := database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
		exec1(t, tx, "create table t (n int)")
		exec1(t, tx, "savepoint x")
		exec1(t, tx, "insert into t values (1)")
		exec1(t, tx, "rollback to x")
		exec1(t, tx, "release x")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if n := get[int](t, db, "select count(*) from t"); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
	exec1(t, db, "vacuum")
	if _, err := db.ExecContext(t.Context(), "insert into t values ($1), ($2)", 1, 2); err != nil {
		t.Error(err)
	}
	// A function that writes from within what looks like a read would be refused, not let through.
	rows, err := db.QueryContext(t.Context(), "insert into t values (3) returning n")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	if err := rows.Close(); err != nil {
		t.Error(err)
	}
	if n := get[int](t, db, "select count(*) from t"); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

// TestReadersGoOnBesideAWriter holds a write transaction open and reads with everybody.
func TestReadersGoOnBesideAWriter(t *testing.T) {
	t.Parallel()
	d := databasetest.New(t, databasetest.SQLite)
	db := prepare(t, d, "a")
	exec1(t, db, "create table t (n int)")
	exec1(t, db, "insert into t values (1)")
	err := database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
		exec1(t, tx, "update t set n = 2")
		// More writers wait than there are connections for readers.
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		defer waiting.Wait()
		defer cancel()
		for range 100 {
			waiting.Go(func() { _, _ = db.ExecContext(ctx, "update t set n = 3") })
		}
		for range 50 {
			if n := get[int](t, db, "select n from t"); n != 1 {
				t.Errorf("a reader saw %d, which is not committed", n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
