package database_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

func TestServerDownAtStart(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"schema", "database"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := databasetest.StartPostgres(t)
			s.Halt(true)
			d := databasetest.Open(t, on(s, mode))
			db, err := d.For("a")
			if err != nil {
				t.Fatalf("a handle needs no server: %v", err)
			}
			for name, use := range map[string]func(context.Context) error{
				"Prepare": func(ctx context.Context) error { return d.Prepare(ctx, "a") },
				"Ping":    func(ctx context.Context) error { return d.Ping(ctx, "a") },
				"query":   func(ctx context.Context) error { return db.GetContext(ctx, new(int), "select 1") },
				"lease": func(ctx context.Context) error {
					l, _ := d.Leases("a")
					_, err := l.TryHold(ctx, "x", func(context.Context) error { return nil })
					return err
				},
				"signal": func(ctx context.Context) error {
					signals, _ := d.Signals("a")
					return signals.Publish(ctx, "x", "y")
				},
			} {
				err := use(t.Context())
				if !errors.Is(err, database.ErrUnavailable) {
					t.Errorf("%s gives %v, want ErrUnavailable", name, err)
				}
				wantMessage(t, err, fmt.Sprintf("127.0.0.1:%d", s.Port), "refused")
				if coded, ok := errors.AsType[interface {
					error
					StatusCode() int
				}](err); !ok || coded.StatusCode() != 503 {
					t.Errorf("%s: %v has no status 503", name, err)
				}
			}
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			exec1(t, prepare(t, d, "a"), "create table t (n int)")
		})
	}
}

// TestServerRestartedUnderLoad has writers write while the server is restarted, in an orderly way and as if the power failed. What a writer was told is committed must be there, and everybody goes on by himself.
func TestServerRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	s := databasetest.StartPostgres(t)
	d := databasetest.Open(t, on(s, "schema"))
	const writers = 6
	var (
		stop      atomic.Bool
		failures  atomic.Int64
		committed [writers][]int
		work      sync.WaitGroup
	)
	for w := range writers {
		db := prepare(t, d, fmt.Sprint("p", w))
		exec1(t, db, "create table t (n int primary key)")
		work.Go(func() {
			for n := 0; !stop.Load(); n++ {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				err := database.InTx(ctx, db, func(tx *sqlx.Tx) error {
					_, err := tx.ExecContext(ctx, "insert into t values ($1)", n)
					return err
				})
				cancel()
				switch {
				case err == nil:
					committed[w] = append(committed[w], n)
				case errors.Is(err, database.ErrUnavailable):
					failures.Add(1)
					time.Sleep(5 * time.Millisecond)
				default:
					t.Errorf("writer %d: %v is not ErrUnavailable", w, err)
				}
			}
		})
	}
	for _, fast := range []bool{true, false} {
		time.Sleep(150 * time.Millisecond)
		s.Halt(fast)
		time.Sleep(50 * time.Millisecond)
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		for w := range writers {
			eventually(t, "reach the database again", func() error { return d.Ping(t.Context(), fmt.Sprint("p", w)) })
		}
		time.Sleep(150 * time.Millisecond)
	}
	stop.Store(true)
	work.Wait()
	if failures.Load() == 0 {
		t.Error("nobody noticed that the server was gone; the test tests nothing")
	}
	for w := range writers {
		db, _ := d.For(fmt.Sprint("p", w))
		var there []int
		if err := db.SelectContext(t.Context(), &there, "select n from t"); err != nil {
			t.Fatal(err)
		}
		found := map[int]bool{}
		for _, n := range there {
			found[n] = true
		}
		for _, n := range committed[w] {
			if !found[n] {
				t.Errorf("writer %d: %d was committed and is gone", w, n)
			}
		}
	}
}

func TestConnectionKilledInTransaction(t *testing.T) {
	t.Parallel()
	d := databasetest.New(t, databasetest.PostgresSchemas)
	db := prepare(t, d, "a")
	exec1(t, db, "create table t (n int)")
	err := database.InTx(t.Context(), db, func(tx *sqlx.Tx) error {
		exec1(t, tx, "insert into t values (1)")
		pid := get[int](t, tx, "select pg_backend_pid()")
		if err := databasetest.Postgres(t).Exec(t.Context(), "postgres", fmt.Sprintf("select pg_terminate_backend(%d)", pid)); err != nil {
			t.Fatal(err)
		}
		_, err := tx.ExecContext(t.Context(), "insert into t values (2)")
		return err
	})
	if !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if n := get[int](t, db, "select count(*) from t"); n != 0 {
		t.Errorf("%d rows of a transaction that was cut are there", n)
	}
	exec1(t, db, "insert into t values (3)")
}

func TestOnePluginExhaustsItsShare(t *testing.T) {
	t.Parallel()
	for _, e := range []databasetest.Engine{databasetest.PostgresSchemas, databasetest.PostgresDatabases} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			o := databasetest.Options(t, e)
			o.Config.MaxConnections = 6
			o.Config.Plugin = map[string]database.PluginConfig{"hog": {Knex: database.Knex{Pool: database.Pool{AcquireTimeoutMillis: 2000}}}}
			d := databasetest.Open(t, o)
			hog, other := prepare(t, d, "hog"), prepare(t, d, "other")
			for range 3 { // half of all
				tx, err := hog.BeginTxx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback()
			}
			_, err := hog.ExecContext(t.Context(), "select 1")
			if !errors.Is(err, database.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			wantMessage(t, err, "hog holds all 3 connections", "knexConfig.pool.max")
			for range 20 {
				exec1(t, other, "select 1")
			}
			held := false
			l, _ := d.Leases("hog")
			if held, err = l.TryHold(t.Context(), "x", func(context.Context) error { return nil }); !held || err != nil {
				t.Errorf("a plugin without connections cannot hold a lease: %v, %v", held, err)
			}
		})
	}
}

func TestAllConnectionsInUse(t *testing.T) {
	t.Parallel()
	o := databasetest.Options(t, databasetest.PostgresSchemas)
	o.Config.MaxConnections = 4
	o.Config.Knex.Pool = database.Pool{Max: 4, AcquireTimeoutMillis: 3000}
	d := databasetest.Open(t, o)
	a, b := prepare(t, d, "a"), prepare(t, d, "b")
	l, _ := d.Leases("b")
	lease := func() (bool, error) {
		return l.TryHold(t.Context(), "x", func(context.Context) error { return nil })
	}
	if held, err := lease(); !held || err != nil {
		t.Fatalf("TryHold = %v, %v", held, err)
	}
	for range 3 { // one of the four is the leases'
		tx, err := a.BeginTxx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
	}
	_, err := b.ExecContext(t.Context(), "select 1")
	if !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	wantMessage(t, err, "all 4 connections", "maxConnections")
	if held, err := lease(); !held || err != nil {
		t.Errorf("without free connections TryHold = %v, %v", held, err)
	}
}

// TestLimitHolds has many plugins work at once and watches how many connections the server sees.
func TestLimitHolds(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"schema", "database"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := databasetest.StartPostgres(t, "fsync=off")
			o := on(s, mode)
			o.Config.MaxConnections = 7
			d := databasetest.Open(t, o)
			var dbs []*sqlx.DB
			for i := range 50 {
				dbs = append(dbs, prepare(t, d, fmt.Sprint("p", i)))
			}
			ctx, cancel := context.WithCancel(t.Context())
			var work, watch sync.WaitGroup
			most := 0
			watch.Go(func() {
				for ctx.Err() == nil {
					seen := s.Query(t, "postgres", "select count(*)::text from pg_stat_activity where application_name <> ''")
					var n int
					_, _ = fmt.Sscan(seen[0], &n)
					most = max(most, n)
				}
			})
			signals, _ := d.Signals("p0")
			watch.Go(func() { _ = signals.Listen(ctx, "x", func(string) {}) })
			for i, db := range dbs {
				work.Go(func() {
					l, _ := d.Leases(fmt.Sprint("p", i))
					for range 10 {
						exec1(t, db, "select pg_sleep(0.002)")
					}
					if _, err := l.TryHold(t.Context(), "x", func(context.Context) error { return nil }); err != nil {
						t.Error(err)
					}
				})
			}
			work.Wait()
			cancel()
			watch.Wait()
			if most > 7 || most < 4 {
				t.Errorf("the server saw %d connections, want no more than 7 and most of them", most)
			}
		})
	}
}

func TestSlowQueryPastItsDeadline(t *testing.T) {
	t.Parallel()
	d := databasetest.New(t, databasetest.PostgresSchemas)
	db := prepare(t, d, "a")
	exec1(t, db, "create table t (n int)")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := db.ExecContext(ctx, "insert into t select 1 from pg_sleep(30)")
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want the deadline and not the database's fault", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a deadline of 50 ms was kept after %v", took)
	}
	eventually(t, "the server gives up too", func() error {
		if n := get[int](t, db, "select count(*) from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid() and state = 'active'"); n > 0 {
			return fmt.Errorf("%d still run", n)
		}
		return nil
	})
	if n := get[int](t, db, "select count(*) from t"); n != 0 {
		t.Error("a query past its deadline wrote")
	}
}

// TestFrozenServer stops a server in its tracks: deadlines hold, and it goes on when the server does.
func TestFrozenServer(t *testing.T) {
	t.Parallel()
	s := databasetest.StartPostgres(t)
	o := on(s, "schema")
	o.Config.Connection.ConnectionTimeoutMillis = 300
	d := databasetest.Open(t, o)
	prepare(t, d, "a")
	// The main process answers new connections, and it is the one that is stopped.
	if err := s.Exec(t.Context(), "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'"); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err := d.Ping(t.Context(), "a")
	if !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	if err := s.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "reach the server again", func() error { return d.Ping(t.Context(), "a") })
}

func TestSignalsSurviveARestart(t *testing.T) {
	t.Parallel()
	s := databasetest.StartPostgres(t)
	d, other := databasetest.Open(t, on(s, "database")), databasetest.Open(t, on(s, "database"))
	here, err := d.Signals("a")
	if err != nil {
		t.Fatal(err)
	}
	there, err := other.Signals("a")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1000)
	var listening sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer listening.Wait()
	defer cancel()
	listening.Go(func() { _ = here.Listen(ctx, "topic", func(p string) { heard <- p }) })
	next := func() string {
		select {
		case p := <-heard:
			return p
		case <-time.After(20 * time.Second):
			t.Fatal("nothing was heard")
			return ""
		}
	}
	if p := next(); p != "" {
		t.Errorf("first heard %q, want to be told to look", p)
	}
	if err := there.Publish(t.Context(), "topic", "one"); err != nil {
		t.Fatal(err)
	}
	if p := next(); p != "one" {
		t.Errorf("heard %q from another process, want one", p)
	}
	s.Halt(true)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if p := next(); p != "" {
		t.Errorf("after the restart heard %q, want to be told to look again", p)
	}
	eventually(t, "publish again", func() error { return there.Publish(t.Context(), "topic", "two") })
	for p := next(); p != "two"; p = next() {
		if p != "" {
			t.Errorf("heard %q", p)
		}
	}
	long := make([]byte, 9000)
	for i := range long {
		long[i] = 'x'
	}
	if err := there.Publish(t.Context(), "topic", string(long)); err != nil {
		t.Fatal(err)
	}
	if p := next(); p != "" {
		t.Errorf("heard %d bytes, want to be told to look", len(p))
	}
}

func TestLeaseOfADeadHolder(t *testing.T) {
	t.Parallel()
	s := databasetest.Postgres(t)
	o := databasetest.Options(t, databasetest.PostgresSchemas)
	d := databasetest.Open(t, o)
	db := prepare(t, d, "a")
	l, _ := d.Leases("a")

	// Another process takes the lease and dies.
	c := inChild(t, "lease", s.URL(o.Config.Connection.Database))
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatalf("the other process did not get the lease: %v", err)
	}
	if held, err := l.TryHold(t.Context(), "job", func(context.Context) error { return nil }); held || err != nil {
		t.Fatalf("beside a living holder TryHold = %v, %v", held, err)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	died := time.Now()
	eventually(t, "get the dead holder's lease", func() error {
		held, err := l.TryHold(t.Context(), "job", func(ctx context.Context) error {
			if token, _ := database.LeaseToken(ctx); token != 2 {
				t.Errorf("token %d, want 2", token)
			}
			return nil
		})
		if err == nil && !held {
			err = errors.New("somebody holds it")
		}
		return err
	})
	if took := time.Since(died); took > database.LeaseTime+5*time.Second {
		t.Errorf("it took %v", took)
	}

	// A lease that is taken away ends its holder's context, and its transactions.
	held, err := l.TryHold(t.Context(), "job", func(ctx context.Context) error {
		exec1(t, db, "update proscenium_leases set token = token + 1, holder = 'somebody else'")
		err := database.InTx(t.Context(), db, func(tx *sqlx.Tx) error { return database.CheckLease(ctx, tx) })
		if !errors.Is(err, database.ErrLeaseLost) {
			t.Errorf("CheckLease gives %v", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Second):
			return errors.New("the context goes on")
		}
	})
	if !held || !errors.Is(err, database.ErrLeaseLost) {
		t.Errorf("TryHold = %v, %v, want the lease to be lost", held, err)
	}
}
