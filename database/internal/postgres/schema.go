package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Created tells what [Borrower.CreateSchema] found or did.
type Created struct {
	Schema bool   // it was not there
	Owner  string // whom it belongs to
	Shared bool   // its owner is not the borrower's own role although it could have one
}

// Do runs fn on a connection, outside of any quota, as the user that logs in.
func (b *Borrower) Do(ctx context.Context, fn func(*pgx.Conn) error) error {
	pool := b.target.pool
	c, err := pool.acquire(ctx, b, true)
	if err != nil {
		return err
	}
	defer func() {
		c.dirty = true
		pool.release(c, true)
	}()
	return b.target.explain(fn(c.pg))
}

// CreateSchema makes the borrower's schema if it is not there. It belongs to the role that is configured; or else to the borrower's own role, which is made if the user that logs in may; or else to that user.
func (b *Borrower) CreateSchema(ctx context.Context) (created Created, err error) {
	err = b.Do(ctx, func(c *pgx.Conn) error {
		if _, err := c.Exec(ctx, "reset role"); err != nil {
			return err
		}
		// Two replicas that begin at once take turns; names of roles are the whole server's, so conflicts over those are met below.
		return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "proscenium schema "+b.options.Schema); err != nil {
				return err
			}
			created, err = b.createSchema(ctx, tx)
			return err
		})
	})
	if err == nil {
		b.sessionMu.Lock()
		b.known = false // who owns the schema may be known only now
		b.sessionMu.Unlock()
	}
	return created, err
}

func (b *Borrower) createSchema(ctx context.Context, tx pgx.Tx) (created Created, err error) {
	err = tx.QueryRow(ctx, "select r.rolname from pg_catalog.pg_namespace n join pg_catalog.pg_roles r on r.oid = n.nspowner where n.nspname = $1", b.options.Schema).Scan(&created.Owner)
	if err == nil {
		created.Shared = b.options.OwnRole != "" && created.Owner != b.options.OwnRole
		return created, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return created, err
	}
	created.Schema = true
	owner := b.options.Role
	if owner == "" && b.options.OwnRole != "" {
		if owner, err = b.createRole(ctx, tx); err != nil {
			return created, err
		}
		created.Shared = owner == ""
	}
	text := "create schema " + QuoteName(b.options.Schema)
	if owner != "" {
		text += " authorization " + QuoteName(owner)
	}
	created.Owner = owner
	_, err = tx.Exec(ctx, text)
	return created, err
}

// createRole makes the borrower's own role and lets the user that logs in act as it. It returns nothing when that user may not.
func (b *Borrower) createRole(ctx context.Context, tx pgx.Tx) (string, error) {
	role := b.options.OwnRole
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		var exists, member bool
		if err := tx.QueryRow(ctx, "select exists (select 1 from pg_catalog.pg_roles where rolname = $1)", role).Scan(&exists); err != nil {
			return err
		}
		if exists {
			if err := tx.QueryRow(ctx, "select pg_catalog.pg_has_role($1, 'member')", role).Scan(&member); err != nil {
				return err
			}
			if member {
				return nil
			}
		} else if _, err := tx.Exec(ctx, "create role "+QuoteName(role)+" nologin"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "grant "+QuoteName(role)+" to current_user")
		return err
	})
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "42501" {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("create role %q: %w", role, err)
	}
	return role, nil
}
