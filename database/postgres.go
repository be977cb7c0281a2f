package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database/internal/postgres"
)

// describePostgres sets p up on PostgreSQL. The lock is held.
func (d *Databases) describePostgres(p *plugin) error {
	s := p.settings
	target, err := d.target(s, s.database)
	if err != nil {
		return err
	}
	o := postgres.BorrowerOptions{
		Name:            s.id,
		ApplicationName: s.applicationName,
		Schema:          s.schema,
		Role:            s.role,
		Quota:           s.quota,
		MinIdle:         s.minIdle,
		Wait:            s.wait,
		Observer:        d.telemetry.observer(s),
	}
	if s.schema != "" && s.role == "" {
		o.OwnRole = ownRole(s.database, s.schema)
	}
	p.borrower = target.NewBorrower(o)
	p.db = sqlx.NewDb(p.borrower.DB(), postgresDriver)
	p.leases = newLeases(p.borrower.ControlDB, d.logger.With("plugin", s.id))

	// Notifications do not cross databases, so all listen in one that they share.
	common, scope := s.database, s.schema
	if s.schema == "" {
		common, scope = s.maintenance, s.database
	}
	meeting, err := d.target(s, common)
	if err != nil {
		return err
	}
	hub, ok := d.hubs[meeting]
	if !ok {
		hub = meeting.NewHub(s.applicationName, d.logger)
		d.hubs[meeting] = hub
	}
	p.signals = &Signals{hub: hub, scope: scope}
	return nil
}

// target returns where connections to a database go; the same one for the same connection. The lock is held.
func (d *Databases) target(s settings, database string) (*postgres.Target, error) {
	c, err := s.connection.postgres(database)
	if err != nil {
		return nil, err
	}
	c.ConnectTimeout = s.connectTimeout
	connection := s.connection
	connection.ConnectionTimeoutMillis, connection.ApplicationName, connection.Database = 0, "", ""
	key := targetKey{connection, database, s.connectTimeout}
	t, ok := d.targets[key]
	if !ok {
		t = d.pool.NewTarget(c)
		d.targets[key] = t
	}
	return t, nil
}

// ownRole names the role made for one plugin. Roles belong to the whole server, so the database is part of the name.
func ownRole(database, schema string) string {
	name := database + "_" + schema
	if len(name) > maxName {
		sum := sha256.Sum256([]byte(name))
		name = name[:maxName-17] + "_" + hex.EncodeToString(sum[:8])
	}
	return name
}

// preparePostgres makes the database, the role and the schema.
func (d *Databases) preparePostgres(ctx context.Context, p *plugin) error {
	s := p.settings
	err := p.db.PingContext(ctx)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "3D000" && s.ensureExists {
		if err = d.createDatabase(ctx, p); err == nil {
			err = p.db.PingContext(ctx)
		}
	}
	if err != nil {
		return err
	}
	if s.schema != "" && (s.ensureExists || s.ensureSchemaExists) {
		return d.createSchema(ctx, p)
	}
	return nil
}

// createDatabase makes the plugin's database, from a connection to another one.
func (d *Databases) createDatabase(ctx context.Context, p *plugin) error {
	s := p.settings
	d.mu.Lock()
	target, err := d.target(s, s.maintenance)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	text := "create database " + postgres.QuoteName(s.database)
	if s.role != "" {
		text += " owner " + postgres.QuoteName(s.role)
	}
	b := target.NewBorrower(postgres.BorrowerOptions{Name: s.id, ApplicationName: s.applicationName, Wait: s.wait})
	err = b.Do(ctx, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, text)
		return err
	})
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && (pgErr.Code == "42P04" || pgErr.Code == "23505") {
		return nil // another replica was faster
	}
	if err != nil {
		return fmt.Errorf("create database %q from database %q: %w; create it by hand, or let user %q create databases", s.database, s.maintenance, err, target.Config().User)
	}
	d.logger.Info("database created", "plugin", s.id, "database", s.database)
	return nil
}

// createSchema makes the plugin's schema and, where that is possible, a role to own it that may nothing else.
func (d *Databases) createSchema(ctx context.Context, p *plugin) error {
	s := p.settings
	created, err := p.borrower.CreateSchema(ctx)
	if err != nil {
		return fmt.Errorf("create schema %q in database %q: %w", s.schema, s.database, err)
	}
	if created.Schema {
		d.logger.Info("schema created", "plugin", s.id, "database", s.database, "schema", s.schema, "owner", created.Owner)
	}
	if created.Shared {
		d.logger.Warn("the schema belongs to no role of the plugin's own, so other plugins can read it by its full name; let the user that logs in create roles (alter role … createrole), or give the plugin its own credentials",
			"plugin", s.id, "schema", s.schema)
	}
	return nil
}
