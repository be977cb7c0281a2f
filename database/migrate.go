package database

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
)

// ErrNewerSchema is what errors.Is finds when the tables were migrated by a newer version of the program.
var ErrNewerSchema = errors.New("the tables are newer than this program")

// MigrationError tells which migration failed, and where in it.
type MigrationError struct {
	File      string // the file's name
	Statement string // the statement that failed, or empty when the file could not be read
	Line      int    // of the statement's fault, counted from its beginning; 0 when unknown
	Err       error
}

// Error names the file and the statement.
func (e *MigrationError) Error() string {
	if e.Statement == "" {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf(", its line %d", e.Line)
	}
	return fmt.Sprintf("%s: statement %q%s: %v", e.File, shorten(e.Statement), where, e.Err)
}

// Unwrap returns the cause.
func (e *MigrationError) Unwrap() error { return e.Err }

// shorten keeps a message readable: one line, and not the whole of a long statement.
func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	const most = 200
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}

// migrationTable is where goose keeps, beside the plugin's tables, which migrations were applied.
const migrationTable = "proscenium_migrations"

// noTransaction is goose's mark of a migration that cannot run in a transaction.
var noTransaction = regexp.MustCompile(`(?mi)^--\s*\+goose\s+NO\s+TRANSACTION`)

// Migrate brings the plugin's tables up to date with the migrations in fsys, at its root or in its folder migrations: files named NUMBER_name.sql with "-- +goose Up" at the top, applied in the order of
// their numbers, each once.
// On PostgreSQL a file in the folder postgres/ stands in for the one of the same name beside it.
//
// Replicas that migrate at the same time take turns, and the first does the work. What is pending is applied as a whole or not at all, so after a failure, which is a [*MigrationError], the version before goes on working.
// Only where a pending file says "-- +goose NO TRANSACTION" (to build an index concurrently, say) is each file on its own; such a file should hold one statement.
// On SQLite everything runs in a transaction; a table that others refer to is rebuilt with PRAGMA defer_foreign_keys = 1.
//
// Tables that a newer version has migrated are refused with [ErrNewerSchema] unless allowNewerSchema is set. With skipMigrations nothing is done.
func (d *Databases) Migrate(ctx context.Context, id string, fsys fs.FS) error {
	p, err := d.plugin(id)
	if err != nil {
		return err
	}
	if p.settings.skipMigrations {
		return nil
	}
	if folder, err := fs.Stat(fsys, "migrations"); err == nil && folder.IsDir() {
		if fsys, err = fs.Sub(fsys, "migrations"); err != nil {
			return fmt.Errorf("migrate the database of %s: %w", id, err)
		}
	}
	m := migration{settings: p.settings, fsys: fsys, dialect: goose.DialectSQLite3}
	if p.settings.dialect == Postgres {
		m.dialect = goose.DialectPostgres
		if m.fsys, err = overlay(fsys); err != nil {
			return fmt.Errorf("migrate the database of %s: %w", id, err)
		}
	}
	work, err := d.exclusive(ctx, p, m.fsys)
	if err != nil {
		return fmt.Errorf("migrate the database of %s: %w", id, err)
	}
	db := work.DB()
	applied, err := m.run(ctx, db, work.Failed)
	_ = db.Close() // its connection is the work's
	if err != nil {
		err = errors.Join(err, work.Rollback())
	} else {
		err = work.Commit()
	}
	if err != nil {
		return fmt.Errorf("migrate the database of %s: %w", id, err)
	}
	if applied > 0 {
		d.logger.InfoContext(ctx, "database migrated", "plugin", id, "migrations", applied)
	}
	return nil
}

// exclusive is what both engines offer for work that one process does at a time.
type exclusive interface {
	DB() *sql.DB
	Failed() string
	Commit() error
	Rollback() error
}

func (d *Databases) exclusive(ctx context.Context, p *plugin, fsys fs.FS) (exclusive, error) {
	if p.file != nil {
		return p.file.Exclusive(ctx)
	}
	apart, err := anyWithoutTransaction(fsys)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte("proscenium migrations\x00" + p.settings.schema))
	return p.borrower.Exclusive(ctx, int64(binary.BigEndian.Uint64(sum[:8])), !apart)
}

func anyWithoutTransaction(fsys fs.FS) (bool, error) {
	files, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return false, err
	}
	for _, name := range files {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return false, fmt.Errorf("read migration: %w", err)
		}
		if noTransaction.Match(text) {
			return true, nil
		}
	}
	return false, nil
}

// migration is one call of Migrate.
type migration struct {
	settings settings
	fsys     fs.FS
	dialect  goose.Dialect
}

// run applies what is pending on db, and returns how many files that were.
func (m migration) run(ctx context.Context, db *sql.DB, failed func() string) (int, error) {
	if err := checkMarks(m.fsys); err != nil {
		return 0, err
	}
	provider, err := goose.NewProvider(m.dialect, db, m.fsys,
		goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true))
	if errors.Is(err, goose.ErrNoMigrations) {
		return 0, errors.New("no file at the root of the file system or of its folder migrations is named like 00001_name.sql")
	}
	if err != nil {
		return 0, fmt.Errorf("read migrations: %w", err)
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return 0, fmt.Errorf("read which migrations were applied: %w", err)
	}
	if current > newest {
		if m.settings.allowNewerSchema {
			return 0, nil
		}
		return 0, fmt.Errorf("%w: they are at migration %d and its newest is %d; start the newer version again, or set allowNewerSchema if it can work with those tables", ErrNewerSchema, current, newest)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return 0, m.explain(err, failed())
	}
	return len(results), nil
}

// upMark begins what a migration does.
var upMark = regexp.MustCompile(`(?mi)^--\s*\+goose\s+Up`)

// migrationName is how goose wants files to be named; it passes over others.
var migrationName = regexp.MustCompile(`^0*[1-9][0-9]*_.*\.sql$`)

// checkMarks finds files that goose would refuse in words of its own, or pass over.
func checkMarks(fsys fs.FS) error {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return fmt.Errorf("read migration: %w", err)
		}
		if !migrationName.MatchString(name) {
			return fmt.Errorf("%s: name it NUMBER_name.sql, such as 001_%s, or it would not be applied", name, strings.TrimLeft(name, "0123456789-_"))
		}
		if !upMark.Match(text) {
			return fmt.Errorf(`%s: put a line "-- +goose Up" before the first statement`, name)
		}
	}
	return nil
}

// explain finds the file and the statement.
func (m migration) explain(err error, statement string) error {
	partial, ok := errors.AsType[*goose.PartialError](err)
	if !ok {
		return err
	}
	e := &MigrationError{File: path.Base(partial.Failed.Source.Path), Statement: statement, Err: partial.Err}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Position > 0 {
		// The position counts characters.
		runes := []rune(statement)
		e.Line = 1 + strings.Count(string(runes[:min(int(pgErr.Position), len(runes))]), "\n")
	}
	return e
}

// overlaid is base with some files replaced.
type overlaid struct{ base, over fs.FS }

// Open opens the replacement, if there is one.
func (o overlaid) Open(name string) (fs.File, error) {
	if path.Ext(name) == ".sql" {
		if f, err := o.over.Open(name); err == nil {
			return f, nil
		}
	}
	return o.base.Open(name)
}

// overlay puts the files of the folder postgres over those beside it. A file without a namesake is a slip: on SQLite its number would be missing.
func overlay(base fs.FS) (fs.FS, error) {
	over, err := fs.Sub(base, "postgres")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(over, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := fs.Stat(base, name); err != nil {
			return nil, fmt.Errorf("postgres/%s replaces no file: add %s for SQLite beside the folder, if only an empty one", name, name)
		}
	}
	if len(names) == 0 {
		return base, nil
	}
	return overlaid{base, over}, nil
}
