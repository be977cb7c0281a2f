package database

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Config is what operators write under backend.database. The zero value means SQLite files in [Options.DataDir].
type Config struct {
	// Client is better-sqlite3, sqlite3 or sqlite, which all mean SQLite, or pg, which means PostgreSQL. The default is better-sqlite3.
	Client string `yaml:"client"`
	// Connection says where the databases are. For SQLite the default is one file per plugin in [Options.DataDir].
	Connection Connection `yaml:"connection"`

	// Prefix is in front of a plugin's id in the name of its database. The default is backstage_plugin_.
	Prefix string `yaml:"prefix"`
	// PluginDivisionMode is database, a database per plugin, which is the default; or, with pg, schema: one database, a schema per plugin.
	PluginDivisionMode string `yaml:"pluginDivisionMode"`
	// SchemaPrefix is in front of a plugin's id in the name of its schema. The default is nothing.
	SchemaPrefix string `yaml:"schemaPrefix"`
	// EnsureExists creates databases, and folders of SQLite files, that are missing. The default is true.
	EnsureExists Switch `yaml:"ensureExists"`
	// EnsureSchemaExists creates schemas that are missing. They are created when this or EnsureExists is true. The default is false.
	EnsureSchemaExists Switch `yaml:"ensureSchemaExists"`
	// Role is set on every connection, with SET ROLE, and owns what is created. The default is, in schema mode, a role per plugin, if the user that logs in may create roles.
	Role string `yaml:"role"`
	// Knex holds the settings of the pool.
	Knex Knex `yaml:"knexConfig"`
	// SkipMigrations leaves the tables to somebody else. The default is false.
	SkipMigrations Switch `yaml:"skipMigrations"`
	// AllowNewerSchema starts on tables that a newer version has already migrated, as happens when a release is rolled back. The default is false.
	AllowNewerSchema Switch `yaml:"allowNewerSchema"`
	// MaxConnections bounds the connections of this process to all PostgreSQL servers together. The default is 20, the least is 3: of those one is kept for leases, and one listens once a plugin uses signals.
	MaxConnections int `yaml:"maxConnections"`

	// Plugin holds what differs for one plugin, by its id.
	Plugin map[string]PluginConfig `yaml:"plugin"`
}

// PluginConfig is what differs for one plugin. What is not set is as for all. A different client starts from an empty connection.
type PluginConfig struct {
	Client             string     `yaml:"client"`
	Connection         Connection `yaml:"connection"`
	EnsureExists       Switch     `yaml:"ensureExists"`
	EnsureSchemaExists Switch     `yaml:"ensureSchemaExists"`
	Role               string     `yaml:"role"`
	Knex               Knex       `yaml:"knexConfig"`
	SkipMigrations     Switch     `yaml:"skipMigrations"`
	AllowNewerSchema   Switch     `yaml:"allowNewerSchema"`
}

// Knex holds the settings that Backstage hands to the library it is named after; those of the pool mean something here too.
type Knex struct {
	Pool Pool `yaml:"pool"`
}

// Pool bounds one plugin's use of PostgreSQL's connections.
type Pool struct {
	// Min is how many connections to a plugin's database stay open although nobody uses them. Where plugins share a database the greatest counts. The default is 0.
	Min int `yaml:"min"`
	// Max is how many connections one plugin may hold. The default is half of [Config.MaxConnections].
	Max int `yaml:"max"`
	// AcquireTimeoutMillis bounds the wait for a connection, besides the caller's deadline. The default is 30000.
	AcquireTimeoutMillis int `yaml:"acquireTimeoutMillis"`
	// CreateTimeoutMillis bounds the making of one connection. The default is 5000.
	CreateTimeoutMillis int `yaml:"createTimeoutMillis"`
	// IdleTimeoutMillis is how long a connection nobody uses stays open. The default is 30000. It holds for the whole process, so a plugin cannot have its own.
	IdleTimeoutMillis int `yaml:"idleTimeoutMillis"`
}

// Defaults of [Config].
const (
	DefaultPrefix         = "backstage_plugin_"
	DefaultMaxConnections = 20
)

const (
	modeDatabase = "database"
	modeSchema   = "schema"
)

// Dialect is the language an engine speaks.
type Dialect string

// The dialects.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// dialectOf returns the engine behind a client's name.
func dialectOf(client string) (Dialect, error) {
	switch client {
	case "", "better-sqlite3", "sqlite3", "sqlite":
		return SQLite, nil
	case "pg":
		return Postgres, nil
	}
	return "", fmt.Errorf("client %q is not supported; use pg (PostgreSQL), or better-sqlite3, sqlite3 or sqlite (all SQLite)", client)
}

// maxName is PostgreSQL's limit for names, in bytes; it cuts longer ones silently, so two plugins could meet.
const maxName = 63

var (
	validID     = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)
	validSchema = regexp.MustCompile(`^[a-zA-Z_]`)
)

// keyError is what is wrong with one key.
type keyError struct {
	key string
	err error
}

// Error names the key.
func (e *keyError) Error() string { return e.key + ": " + e.err.Error() }

// Unwrap returns what is wrong.
func (e *keyError) Unwrap() error { return e.err }

// ConfigPath returns the key, so that a report can place it.
func (e *keyError) ConfigPath() string { return e.key }

// Validate reports everything that is wrong with c, each problem with its key below backend.database. It does no I/O.
func (c Config) Validate() error {
	var errs []error
	add := func(key string, err error) {
		if err != nil {
			errs = append(errs, &keyError{key, err})
		}
	}
	dialect, err := dialectOf(c.Client)
	add("client", err)
	switch {
	case c.PluginDivisionMode != "" && c.PluginDivisionMode != modeDatabase && c.PluginDivisionMode != modeSchema:
		add("pluginDivisionMode", fmt.Errorf("unknown mode %q; use database or schema", c.PluginDivisionMode))
	case c.PluginDivisionMode == modeSchema && dialect == SQLite:
		add("pluginDivisionMode", errors.New("schema needs client pg; SQLite has a file per plugin, which is mode database"))
	}
	if c.SchemaPrefix != "" && !validSchema.MatchString(c.SchemaPrefix) {
		add("schemaPrefix", fmt.Errorf("%q must start with a letter or an underscore", c.SchemaPrefix))
	}
	if c.MaxConnections != 0 && c.MaxConnections < 3 {
		add("maxConnections", fmt.Errorf("%d is too few; the least is 3, two of which are kept for leases and signals", c.MaxConnections))
	}
	if err == nil {
		add("connection", c.Connection.validate(dialect, true))
	}
	add("knexConfig.pool", c.Knex.Pool.validate())
	for _, id := range slices.Sorted(maps.Keys(c.Plugin)) {
		p := c.Plugin[id]
		own := dialect
		if p.Client != "" {
			own, err = dialectOf(p.Client)
			add("plugin."+id+".client", err)
			if err != nil {
				continue
			}
		}
		if own != "" {
			add("plugin."+id+".connection", p.Connection.validate(own, false))
		}
		if own == SQLite && p.Role != "" {
			add("plugin."+id+".role", errors.New("SQLite has no roles"))
		}
		add("plugin."+id+".knexConfig.pool", p.Knex.Pool.validate())
		if p.Knex.Pool.IdleTimeoutMillis != 0 {
			add("plugin."+id+".knexConfig.pool.idleTimeoutMillis", errors.New("holds for the whole process; set knexConfig.pool.idleTimeoutMillis"))
		}
	}
	if dialect == SQLite && c.Role != "" {
		add("role", errors.New("SQLite has no roles"))
	}
	return errors.Join(errs...)
}

func (p Pool) validate() error {
	for _, n := range []int{p.Min, p.Max, p.AcquireTimeoutMillis, p.CreateTimeoutMillis, p.IdleTimeoutMillis} {
		if n < 0 {
			return fmt.Errorf("%d is negative", n)
		}
	}
	if p.Max > 0 && p.Min > p.Max {
		return fmt.Errorf("min %d is more than max %d", p.Min, p.Max)
	}
	return nil
}

// validate looks at what c says for one dialect. A common connection serves all plugins, so it cannot name one file.
func (c Connection) validate(d Dialect, common bool) error {
	if c.Type != "" && c.Type != "default" {
		return fmt.Errorf("type %q is not supported; use user and password, or a client certificate under ssl", c.Type)
	}
	if d == Postgres {
		if c.Directory != "" || c.Filename != "" {
			return errors.New("directory and filename belong to SQLite, but the client is pg")
		}
		if c.Text == memory {
			return errors.New(":memory: belongs to SQLite, but the client is pg")
		}
		_, err := c.postgres("")
		return err
	}
	if c.Host != "" || c.Port != 0 || c.User != "" || c.Password != (Password{}) || c.Database != "" || !c.SSL.IsZero() {
		return errors.New("host, port, user, password, database and ssl belong to client pg, but the client is SQLite")
	}
	file := c.Filename
	put(&file, c.Text)
	if u, err := url.Parse(file); err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") {
		return errors.New("this is a PostgreSQL connection, but the client is SQLite; set client: pg")
	}
	if strings.HasPrefix(file, "file:") {
		return errors.New("give the path of the file, without file: and without parameters")
	}
	if common && file != "" && file != memory {
		return errors.New("one file cannot serve all plugins; set connection.directory, or plugin.<id>.connection for one plugin")
	}
	if c.Directory != "" && file != "" {
		return errors.New("directory and filename exclude each other")
	}
	return nil
}

const memory = ":memory:"
