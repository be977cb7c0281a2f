package database

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// Connection says where the databases are: a string, or an object. It never prints: whatever formats it (fmt, slog, encoding/json, YAML) writes [redacted] instead.
//
//	connection: ':memory:'
//	connection: postgres://portal:${PASSWORD}@db.example.com:5432/portal
//	connection:
//	  host: db.example.com
//	  user: portal
//	  password: ${PASSWORD}
//
// The zero value is "not configured".
type Connection struct {
	// Text is the scalar form: for SQLite ":memory:" or, for one plugin, a file; for PostgreSQL a URL or a keyword=value string. An object may hold it as connectionString.
	Text string `yaml:"connectionString"`
	// Type names a way to log in. Only "default", user and password or a client certificate, is supported.
	Type string `yaml:"type"`

	// Host is a name, an address, or the folder of a Unix socket. The default is localhost.
	Host string `yaml:"host"`
	// Port is the server's. The default is 5432.
	Port Port `yaml:"port"`
	// User logs in. The default is the operating system's user.
	User string `yaml:"user"`
	// Password is the user's.
	Password Password `yaml:"password"`
	// Database is, in schema mode, the one that all plugins share. In database mode, where each plugin has its own, it is the one that is connected to when a database must be created (the default is "postgres"); for a single plugin it is that plugin's own.
	Database string `yaml:"database"`
	// SSL turns encryption on. Without it a connection is encrypted if the server offers it, and the server is not verified.
	SSL SSL `yaml:"ssl"`
	// ConnectionTimeoutMillis bounds the making of one connection. The default is 5000.
	ConnectionTimeoutMillis int `yaml:"connectionTimeoutMillis"`
	// ApplicationName is what the server shows in pg_stat_activity, before the plugin's id. The default is prefix.
	ApplicationName string `yaml:"application_name"`

	// Directory holds one SQLite file per plugin, <id>.sqlite.
	Directory string `yaml:"directory"`
	// Filename is ":memory:" or, for one plugin, an SQLite file.
	Filename string `yaml:"filename"`
}

const redacted = "[redacted]"

// UnmarshalText takes the scalar form.
func (c *Connection) UnmarshalText(text []byte) error {
	*c = Connection{Text: string(text)}
	return nil
}

// IsZero reports whether nothing was configured.
func (c Connection) IsZero() bool { return c == Connection{} }

// String returns "[redacted]", or nothing when nothing was configured.
func (c Connection) String() string {
	if c.IsZero() {
		return ""
	}
	return redacted
}

// Format writes "[redacted]" for every verb.
func (c Connection) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// LogValue keeps the connection out of structured logs.
func (c Connection) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText keeps the connection out of JSON, YAML and every other text encoding.
func (c Connection) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// over returns c with what is configured in o put over it: a plugin that names only a host keeps the common user.
func (c Connection) over(o Connection) Connection {
	if o.Text != "" {
		return o
	}
	if c.Text != "" && o.IsZero() {
		return c
	}
	put(&c.Type, o.Type)
	put(&c.Host, o.Host)
	put(&c.Port, o.Port)
	put(&c.User, o.User)
	put(&c.Password, o.Password)
	put(&c.Database, o.Database)
	put(&c.SSL, o.SSL)
	put(&c.ConnectionTimeoutMillis, o.ConnectionTimeoutMillis)
	put(&c.ApplicationName, o.ApplicationName)
	put(&c.Directory, o.Directory)
	put(&c.Filename, o.Filename)
	return c
}

func put[T comparable](to *T, value T) {
	var zero T
	if value != zero {
		*to = value
	}
}

// Port is a TCP port. In YAML it may be a number or a string, since environment variables give strings.
type Port uint16

// UnmarshalText reads a decimal number.
func (p *Port) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("read port %q: want a number from 1 to 65535", text)
	}
	*p = Port(n)
	return nil
}

// Password is a text that never prints.
type Password struct{ text string }

// NewPassword wraps text.
func NewPassword(text string) Password { return Password{text} }

// Reveal returns the text.
func (p Password) Reveal() string { return p.text }

// UnmarshalText takes the text from configuration.
func (p *Password) UnmarshalText(text []byte) error {
	p.text = string(text)
	return nil
}

// String returns "[redacted]", or nothing when there is no password.
func (p Password) String() string {
	if p.text == "" {
		return ""
	}
	return redacted
}

// Format writes "[redacted]" for every verb.
func (p Password) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// LogValue keeps the text out of structured logs.
func (p Password) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText keeps the text out of every text encoding.
func (p Password) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// SSL says how a connection to PostgreSQL is encrypted: true, false, a mode of libpq's (disable, prefer, require, verify-ca, verify-full), or an object. The zero value is "not configured".
type SSL struct {
	// Mode is the scalar form. True means verify-full, the server's certificate is checked against the system's authorities or CA; false means disable.
	Mode string `yaml:"mode"`
	// CA holds the authorities to trust, as PEM text.
	CA string `yaml:"ca"`
	// Cert is the client's certificate, as PEM text.
	Cert string `yaml:"cert"`
	// Key belongs to Cert, as PEM text.
	Key Password `yaml:"key"`
	// ServerName is expected in the server's certificate. The default is the host.
	ServerName string `yaml:"servername"`
	// RejectUnauthorized false accepts any certificate. The default is true.
	RejectUnauthorized Switch `yaml:"rejectUnauthorized"`
}

// UnmarshalText takes the scalar form.
func (s *SSL) UnmarshalText(text []byte) error {
	*s = SSL{Mode: string(text)}
	return nil
}

// IsZero reports whether nothing was configured.
func (s SSL) IsZero() bool { return s == SSL{} }

// Switch is a boolean that may be left out. In YAML it may be true, false, or one of them as a string, since environment variables give strings.
type Switch string

// The states of a [Switch].
const (
	Unset Switch = ""
	On    Switch = "true"
	Off   Switch = "false"
)

// UnmarshalText reads a boolean.
func (s *Switch) UnmarshalText(text []byte) error {
	b, err := strconv.ParseBool(string(text))
	if err != nil {
		return fmt.Errorf("read switch %q: want true or false", text)
	}
	*s = Off
	if b {
		*s = On
	}
	return nil
}

// or returns what s says, or what an unset one means.
func (s Switch) or(unset bool) bool {
	if s == Unset {
		return unset
	}
	return s == On
}
