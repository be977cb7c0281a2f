// Package store keeps the catalog's data in a database, SQLite or PostgreSQL. It knows how the stages of ingestion hand over to each other, each in one transaction, and nothing of what they do.
//
// What providers and Location entities bring is in refresh_state with its body, and edges say what leads to what. Processing adds a processed body and relations, and queues what must be put together anew.
// Stitching takes the queue, writes final_entities, and appends to change_log, whose numbers have no gaps and are given in the order of commits: a reader that knows a number can ask for what came after.
//
// Several replicas can work on one PostgreSQL database: work is claimed for a while, and a claim that is not renewed runs out.
package store

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the SQL files that make the tables.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return migrations // cannot be: the folder is built in
	}
	return sub
}

// Store keeps the catalog's data. It is safe for concurrent use.
type Store struct {
	db      *sqlx.DB
	dialect database.Dialect
	replica string // whose claims are whose
	resting resting
	clock   clock
}

// New returns a store on a database that has the tables of [Migrations]. It does no I/O.
func New(db *sqlx.DB) *Store {
	return &Store{db: db, dialect: database.DialectOf(db), replica: rand.Text(), resting: resting{until: map[int64]time.Time{}}, clock: clock{process: time.Now}}
}

// never is a due date that does not come.
const never = int64(1) << 60

func fromMillis(ms int64) time.Time {
	if ms >= never || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// attempts bounds how often a transaction is tried that met another one.
const attempts = 5

// write runs fn in a transaction, and again when PostgreSQL ended it in favour of another.
func (s *Store) write(ctx context.Context, what string, fn func(t *tx) error) error {
	pause := 25 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := database.InTx(ctx, s.db, func(inner *sqlx.Tx) error {
			t := &tx{Tx: inner, ctx: ctx, dialect: s.dialect, replica: s.replica, clock: &s.clock, now: s.clock.process()}
			if t.postgres() {
				var millis int64
				if err := inner.GetContext(ctx, &millis, inDatabase); err != nil {
					return err
				}
				t.now = s.clock.look(t.now, millis)
			}
			if err := fn(t); err != nil {
				return err
			}
			return t.queue()
		})
		switch {
		case err == nil:
			return nil
		case attempt == attempts || !database.IsSerializationFailure(err) && !errors.Is(err, errTryAgain):
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, errors.Join(ctx.Err(), err))
		}
	}
}

// errTryAgain says that another replica was faster with something that this transaction had looked at.
var errTryAgain = errors.New("another replica made the same entity at the same time")

// read runs fn in a transaction that sees one state of the database.
func (s *Store) read(ctx context.Context, what string, fn func(t *tx) error) error {
	err := database.InReadTx(ctx, s.db, func(inner *sqlx.Tx) error {
		return fn(&tx{Tx: inner, ctx: ctx, dialect: s.dialect, replica: s.replica, clock: &s.clock, now: s.clock.database(s.clock.process())})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// readCommitted runs fn in a transaction that sees nothing of what others have not committed. Any transaction does, but for a reading one that sees what is under way; there it takes the writer's turn.
func (s *Store) readCommitted(ctx context.Context, what string, fn func(t *tx) error) error {
	early, err := s.seesUncommitted(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case early:
		return s.write(ctx, what, fn)
	}
	return s.read(ctx, what, fn)
}

// seesUncommitted reports whether reading sees what other transactions have not committed, as in an SQLite database in memory.
func (s *Store) seesUncommitted(ctx context.Context) (early bool, err error) {
	if s.dialect == database.SQLite {
		err = s.db.GetContext(ctx, &early, `select read_uncommitted from pragma_read_uncommitted`)
	}
	return early, err
}

// tx is a transaction with what its statements need.
type tx struct {
	*sqlx.Tx
	ctx     context.Context //nolint:containedctx // lives as long as the transaction
	dialect database.Dialect
	replica string
	clock   *clock
	now     time.Time // of the database

	queueRefs []string // see queue
	queueIDs  []int64
}

func (t *tx) postgres() bool { return t.dialect == database.Postgres }
