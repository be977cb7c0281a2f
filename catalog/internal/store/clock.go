package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/proscenium-dev/proscenium/database"
)

// clock knows what time it is for the database. On PostgreSQL all replicas go by its clock, so that none takes over what another still holds only because its own is fast; an SQLite database has one process, and that process' clock.
// Times that callers give are those of their process, and are stored as the database's.
type clock struct {
	process func() time.Time
	ahead   atomic.Int64 // how far the database's clock was ahead when somebody last looked, in nanoseconds
	known   atomic.Bool
}

// inDatabase is a statement of PostgreSQL that says how late it is, in milliseconds, and sees to it that what follows in the transaction is looked up by keys, as nearly all here is: a plan that was made while a table was still
// empty, and kept, reads the whole table for each of them once it is large. The few that do read whole tables then seem so dear that they would be compiled first, which takes longer than they do.
const inDatabase = `select floor(extract(epoch from clock_timestamp()) * 1000)::bigint from set_config('enable_seqscan', 'off', true) as plans, set_config('jit', 'off', true) as compiled`

// look takes note of what time it is in the database, where it was asked for after start.
func (c *clock) look(start time.Time, millis int64) time.Time {
	now := time.UnixMilli(millis)
	c.ahead.Store(int64(now.Sub(start)))
	c.known.Store(true)
	return now
}

// database returns the database's time at a time of this process.
func (c *clock) database(at time.Time) time.Time { return at.Add(time.Duration(c.ahead.Load())) }

// stored returns how the database writes a time of this process; never if it is zero.
func (c *clock) stored(at time.Time) int64 {
	if at.IsZero() {
		return never
	}
	return c.database(at).UnixMilli()
}

// about returns the time that it is in the database at a time of this process, in milliseconds. It may be a little late.
func (s *Store) about(ctx context.Context, at time.Time) (int64, error) {
	if s.dialect == database.Postgres && !s.clock.known.Load() {
		start, millis := s.clock.process(), int64(0)
		if err := s.db.GetContext(ctx, &millis, `select floor(extract(epoch from clock_timestamp()) * 1000)::bigint`); err != nil {
			return 0, fmt.Errorf("ask for the time: %w", err)
		}
		s.clock.look(start, millis)
	}
	return s.clock.stored(at), nil
}
