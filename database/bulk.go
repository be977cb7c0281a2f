package database

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database/internal/postgres"
)

// BulkInsert inserts many rows into one table, all or none of them, and returns how many. Each row has the columns' values in their order. It is the fast way in: COPY on PostgreSQL, one prepared statement in one transaction on SQLite.
// table is one of the plugin's own, by its plain name. On PostgreSQL the values' types must be those of the columns: an int for a bigint, a string for text, a time.Time for a timestamp.
func BulkInsert(ctx context.Context, db *sqlx.DB, table string, columns []string, rows iter.Seq[[]any]) (int64, error) {
	insert := insertPrepared
	if DialectOf(db) == Postgres {
		insert = insertByCopy
	}
	n, err := insert(ctx, db, table, columns, rows)
	if err != nil {
		return 0, fmt.Errorf("insert rows into %s: %w", table, err)
	}
	return n, nil
}

func insertByCopy(ctx context.Context, db *sqlx.DB, table string, columns []string, rows iter.Seq[[]any]) (n int64, err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	err = c.Raw(func(driverConn any) error {
		conn, err := driverConn.(postgres.Unwrapper).Unwrap(ctx)
		if err != nil {
			return err
		}
		next, stop := iter.Pull(rows)
		defer stop()
		n, err = conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
			row, _ := next()
			return row, nil
		}))
		return err
	})
	return n, err
}

func insertPrepared(ctx context.Context, db *sqlx.DB, table string, columns []string, rows iter.Seq[[]any]) (n int64, err error) {
	names, places := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], places[i] = postgres.QuoteName(c), "$"+strconv.Itoa(i+1)
	}
	text := fmt.Sprintf("insert into %s (%s) values (%s)", postgres.QuoteName(table), strings.Join(names, ", "), strings.Join(places, ", "))
	err = InTx(ctx, db, func(tx *sqlx.Tx) error {
		for row := range rows {
			if _, err := tx.ExecContext(ctx, text, row...); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}
