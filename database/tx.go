package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// InTx runs fn in a transaction and commits it when fn returns nil. When fn returns an error or panics, or ctx ends, nothing of it is kept; the error is returned as it is, and the panic goes on.
// fn uses tx for everything: on SQLite a write on the handle would wait for the transaction that waits for it.
func InTx(ctx context.Context, db *sqlx.DB, fn func(tx *sqlx.Tx) error) error {
	return inTx(ctx, db, nil, fn)
}

// InReadTx runs fn in a transaction that only reads, and in which every read sees the same state. On SQLite it waits for nobody.
func InReadTx(ctx context.Context, db *sqlx.DB, fn func(tx *sqlx.Tx) error) error {
	return inTx(ctx, db, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}, fn)
}

func inTx(ctx context.Context, db *sqlx.DB, o *sql.TxOptions, fn func(tx *sqlx.Tx) error) (err error) {
	tx, err := db.BeginTxx(ctx, o)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	finished := false
	defer func() {
		if !finished { // fn panicked or ended its goroutine
			_ = tx.Rollback()
		}
	}()
	err = fn(tx)
	finished = true
	if err != nil {
		if rollbackErr := tx.Rollback(); rollbackErr != nil && !errors.Is(rollbackErr, sql.ErrTxDone) {
			return errors.Join(err, fmt.Errorf("roll back transaction: %w", rollbackErr))
		}
		return err
	}
	err = tx.Commit()
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		// database/sql has rolled it back already, because the context ended.
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}
