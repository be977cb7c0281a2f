package databasetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

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
