package database_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

// child is what this test binary does as another process.
func child(job string) int {
	args := strings.Split(os.Getenv("DATABASE_TEST_ARGS"), "\n")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var err error
	switch job {
	case "lease":
		err = holdLease(ctx, args[0])
	case "write":
		err = writeRows(ctx, args[0], args[1])
	case "hold":
		err = holdFile(ctx, args[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, job+":", err)
		return 1
	}
	return 0
}

// holdLease takes a lease, says so, and holds it until it is killed.
func holdLease(ctx context.Context, url string) error {
	var c database.Config
	c.Client, c.PluginDivisionMode, c.Connection.Text = "pg", "schema", url
	d, err := database.Open(database.Options{Config: c})
	if err != nil {
		return err
	}
	l, err := d.Leases("a")
	if err != nil {
		return err
	}
	held, err := l.TryHold(ctx, "job", func(ctx context.Context) error {
		fmt.Print("!")
		<-ctx.Done()
		return nil
	})
	if !held {
		return fmt.Errorf("not held: %w", err)
	}
	return err
}

// writeRows writes a hundred rows, each in a transaction of its own.
func writeRows(ctx context.Context, folder, who string) error {
	d, err := database.Open(database.Options{DataDir: folder})
	if err != nil {
		return err
	}
	db, err := d.For("a")
	if err != nil {
		return err
	}
	for n := range 100 {
		err := database.InTx(ctx, db, func(tx *sqlx.Tx) error {
			var rows int
			if err := tx.GetContext(ctx, &rows, "select count(*) from t"); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "insert into t values ($1, $2)", who, n)
			return err
		})
		if err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, "update counter set n = n + 1"); err != nil {
			return err
		}
	}
	return d.Close(ctx)
}

// holdFile begins to write to a file and does not end.
func holdFile(ctx context.Context, folder string) error {
	d, err := database.Open(database.Options{DataDir: folder})
	if err != nil {
		return err
	}
	db, err := d.For("a")
	if err != nil {
		return err
	}
	return database.InTx(ctx, db, func(*sqlx.Tx) error {
		fmt.Print("!")
		<-ctx.Done()
		return nil
	})
}
