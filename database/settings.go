package database

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// settings are what holds for one plugin once defaults, common values and its own are put together.
type settings struct {
	id      string
	dialect Dialect

	file string // SQLite's; empty means in memory

	connection      Connection
	database        string // PostgreSQL's, where the plugin's tables are
	maintenance     string // the database to connect to when database must be created
	schema          string // empty in database mode
	role            string
	applicationName string
	quota           int
	minIdle         int
	wait            time.Duration
	connectTimeout  time.Duration

	ensureExists       bool
	ensureSchemaExists bool
	skipMigrations     bool
	allowNewerSchema   bool
}

// settings puts together what holds for the plugin id.
func (o Options) settings(id string) (settings, error) {
	c := o.Config
	if !validID.MatchString(id) {
		return settings{}, fmt.Errorf("plugin id %q cannot name a database: use letters, digits, '_', '.' and '-'", id)
	}
	p := c.Plugin[id]
	dialect, err := dialectOf(cmp.Or(p.Client, c.Client))
	if err != nil {
		return settings{}, err
	}
	common, _ := dialectOf(c.Client)
	s := settings{
		id:                 id,
		dialect:            dialect,
		ensureExists:       p.EnsureExists.or(c.EnsureExists.or(true)),
		ensureSchemaExists: p.EnsureSchemaExists.or(c.EnsureSchemaExists.or(false)),
		skipMigrations:     p.SkipMigrations.or(c.SkipMigrations.or(false)),
		allowNewerSchema:   p.AllowNewerSchema.or(c.AllowNewerSchema.or(false)),
	}
	base := c.Connection
	if common != dialect {
		base = Connection{} // what was written for another engine means nothing to this one
	}
	if dialect == SQLite {
		return s, s.placeFile(base, p.Connection, o.DataDir)
	}
	return s, s.placeDatabase(c, p, base)
}

// placeFile finds the plugin's SQLite file.
func (s *settings) placeFile(base, own Connection, dataDir string) error {
	file := cmp.Or(own.Filename, own.Text)
	if file == "" && own.Directory == "" {
		file = cmp.Or(base.Filename, base.Text)
	}
	switch {
	case file == memory:
		return nil
	case file != "":
		s.file = file
	default:
		directory := cmp.Or(own.Directory, base.Directory, dataDir)
		if directory == "" {
			return errors.New("no folder for SQLite files: set connection.directory, or connection: ':memory:' to keep nothing")
		}
		s.file = filepath.Join(directory, s.id+".sqlite")
	}
	absolute, err := filepath.Abs(s.file)
	if err != nil {
		return fmt.Errorf("find the SQLite file %s: %w", s.file, err)
	}
	s.file = absolute
	return nil
}

// placeDatabase finds the plugin's database and schema.
func (s *settings) placeDatabase(c Config, p PluginConfig, base Connection) error {
	prefix := cmp.Or(c.Prefix, DefaultPrefix)
	s.role = cmp.Or(p.Role, c.Role)
	common, err := base.databaseName()
	if err != nil {
		return fmt.Errorf("connection: %w", err)
	}
	own, err := p.Connection.databaseName()
	if err != nil {
		return fmt.Errorf("plugin.%s.connection: %w", s.id, err)
	}
	s.connection = base.over(p.Connection)
	s.maintenance = cmp.Or(common, "postgres")
	if c.PluginDivisionMode == modeSchema {
		s.database = cmp.Or(own, common, "postgres")
		s.schema = c.SchemaPrefix + s.id
		s.maintenance = "postgres"
		if len(s.schema) > maxName {
			return fmt.Errorf("schema name %q is longer than PostgreSQL's %d bytes; shorten schemaPrefix", s.schema, maxName)
		}
	} else {
		s.database = cmp.Or(own, prefix+s.id)
		if len(s.database) > maxName {
			return fmt.Errorf("database name %q is longer than PostgreSQL's %d bytes; shorten prefix", s.database, maxName)
		}
	}
	s.applicationName = cmp.Or(s.connection.ApplicationName, prefix) + s.id
	limit := cmp.Or(c.MaxConnections, DefaultMaxConnections)
	s.quota = cmp.Or(p.Knex.Pool.Max, c.Knex.Pool.Max, max(1, limit/2))
	s.minIdle = cmp.Or(p.Knex.Pool.Min, c.Knex.Pool.Min)
	s.wait = time.Duration(cmp.Or(p.Knex.Pool.AcquireTimeoutMillis, c.Knex.Pool.AcquireTimeoutMillis, 30_000)) * time.Millisecond
	s.connectTimeout = time.Duration(cmp.Or(s.connection.ConnectionTimeoutMillis, p.Knex.Pool.CreateTimeoutMillis, c.Knex.Pool.CreateTimeoutMillis, 5_000)) * time.Millisecond
	return nil
}

// databaseName returns the database that the connection itself names, if it does.
func (c Connection) databaseName() (string, error) {
	if c.Text == "" {
		return c.Database, nil
	}
	parsed, err := c.postgres("")
	if err != nil {
		return "", err
	}
	if !namesDatabase(c.Text) {
		return c.Database, nil // pgx has taken the user's name, as libpq does; nobody means that
	}
	return parsed.Database, nil
}

// namesDatabase reports whether a URL or a text of keywords and values, which can be read, says which database it means.
func namesDatabase(text string) bool {
	if u, err := url.Parse(text); err == nil && u.Scheme != "" {
		return strings.Trim(u.Path, "/") != "" || u.Query().Has("dbname")
	}
	return strings.Contains(text, "dbname") || strings.Contains(text, "database")
}

// postgres returns how to connect to a database; an empty name keeps the connection's own.
func (c Connection) postgres(database string) (*pgx.ConnConfig, error) {
	text := c.Text
	if text == "" {
		query := url.Values{}
		// As parameters, because a Unix socket's folder does not fit a URL's host.
		query.Set("host", cmp.Or(c.Host, "localhost"))
		query.Set("port", strconv.Itoa(int(cmp.Or(c.Port, 5432))))
		for key, value := range map[string]string{"user": c.User, "password": c.Password.Reveal(), "dbname": c.Database} {
			if value != "" {
				query.Set(key, value)
			}
		}
		text = "postgres://?" + query.Encode()
	}
	parsed, err := pgx.ParseConfig(text)
	if err != nil {
		// pgx's error shows the text, less the password it recognises; what it does not recognise it shows.
		return nil, errors.New("this is neither a PostgreSQL URL nor keyword=value pairs that can be read")
	}
	if database != "" {
		parsed.Database = database
	}
	if err := c.SSL.apply(parsed); err != nil {
		return nil, fmt.Errorf("ssl: %w", err)
	}
	// Times without a zone are UTC on both engines.
	parsed.RuntimeParams["timezone"] = "UTC"
	if parsed.RuntimeParams["application_name"] == "" {
		parsed.RuntimeParams["application_name"] = cmp.Or(c.ApplicationName, "proscenium")
	}
	return parsed, nil
}

// apply turns what is configured into TLS settings.
func (s SSL) apply(c *pgx.ConnConfig) error {
	if s.IsZero() {
		return nil
	}
	mode := s.Mode
	switch mode {
	case "", "true":
		mode = "verify-full"
	case "false":
		mode = "disable"
	case "disable", "prefer", "require", "verify-ca", "verify-full":
	default:
		return fmt.Errorf("unknown mode %q; use true, false, disable, prefer, require, verify-ca or verify-full", mode)
	}
	if s.RejectUnauthorized == Off && mode != "disable" {
		mode = "require"
	}
	if mode == "disable" {
		c.TLSConfig, c.Fallbacks = nil, nil
		return nil
	}
	t := &tls.Config{ServerName: cmp.Or(s.ServerName, c.Host), MinVersion: tls.VersionTLS12}
	if s.CA != "" {
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM([]byte(s.CA)) {
			return errors.New("ca: holds no certificate in PEM form")
		}
	}
	if s.Cert != "" || s.Key != (Password{}) {
		pair, err := tls.X509KeyPair([]byte(s.Cert), []byte(s.Key.Reveal()))
		if err != nil {
			return fmt.Errorf("cert and key: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	if mode != "verify-full" {
		t.InsecureSkipVerify = true
		if mode == "verify-ca" {
			t.VerifyConnection = verifyAuthority(t.RootCAs)
		}
	}
	plain := *c
	c.TLSConfig, c.Fallbacks = t, nil
	if mode == "prefer" {
		c.Fallbacks = append(c.Fallbacks, fallback(&plain))
	}
	return nil
}
