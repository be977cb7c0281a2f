package database

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// DialectOf returns the dialect of a handle, a transaction or anything else of sqlx's that has a driver name.
func DialectOf(db interface{ DriverName() string }) Dialect {
	if db.DriverName() == postgresDriver {
		return Postgres
	}
	return SQLite
}

// The names by which sqlx knows how placeholders are written.
const (
	postgresDriver = "pgx"
	sqliteDriver   = "sqlite3"
)

// Now is the current time in UTC as an expression, to compare with and store in TIMESTAMP columns. On PostgreSQL it is the time at which the transaction began.
func (d Dialect) Now() string {
	if d == Postgres {
		return "(now() at time zone 'UTC')"
	}
	return "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')"
}

// ForUpdate locks the selected rows until the transaction ends. SQLite needs no such thing: a transaction that writes has the whole file.
func (d Dialect) ForUpdate() string {
	if d == Postgres {
		return " for update"
	}
	return ""
}

// SkipLocked selects only rows that nobody else has locked, and locks them: how several workers share a queue.
func (d Dialect) SkipLocked() string {
	if d == Postgres {
		return " for update skip locked"
	}
	return ""
}

// Like is the operator that matches a pattern whatever the case. SQLite folds ASCII letters only.
func (d Dialect) Like() string {
	if d == Postgres {
		return "ilike"
	}
	return "like"
}

// JSONText is the text at a path inside the JSON column; numbers are given as text on PostgreSQL and as numbers on SQLite. The path is part of the statement, so it must not come from a user; quotes in it are escaped.
func (d Dialect) JSONText(column string, path ...string) string {
	var b strings.Builder
	b.WriteString(column)
	for i, key := range path {
		operator := "->"
		if i == len(path)-1 {
			operator = "->>"
		}
		b.WriteString(operator + "'" + strings.ReplaceAll(key, "'", "''") + "'")
	}
	return b.String()
}

// InJSON is a condition: column is one of the texts in the JSON array that placeholder stands for. One placeholder for a list of any length keeps the statement's text the same.
func (d Dialect) InJSON(column, placeholder string) string {
	if d == Postgres {
		return column + " in (select json_array_elements_text(" + placeholder + "::json))"
	}
	return column + " in (select value from json_each(" + placeholder + "))"
}

// IsUniqueViolation reports whether err says that a row with such a key exists.
func IsUniqueViolation(err error) bool { return violates(err, "23505", 2067, 1555) }

// IsForeignKeyViolation reports whether err says that a row refers to one that does not exist, or is referred to.
func IsForeignKeyViolation(err error) bool { return violates(err, "23503", 787) }

// IsSerializationFailure reports whether err says that a transaction met another and can be tried again from its beginning. It happens on PostgreSQL only.
func IsSerializationFailure(err error) bool {
	return violates(err, "40001") || violates(err, "40P01")
}

// violates looks for PostgreSQL's state or one of SQLite's extended result codes.
func violates(err error, state string, codes ...int) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code == state
	}
	if liteErr, ok := errors.AsType[*sqlite.Error](err); ok {
		for _, code := range codes {
			if liteErr.Code() == code {
				return true
			}
		}
	}
	return false
}
