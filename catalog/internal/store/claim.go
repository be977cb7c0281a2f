package store

import (
	"context"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
)

// Work is an entity to process.
type Work struct {
	ID         int64
	Ref        string
	UID        string
	Revision   int64 // of the reasons to process it; see [Result.Revision]
	Body       string
	Hash       string // of Body
	Positions  string
	ResultHash string // of the last processing; empty if there was none
	Failed     bool   // the last processing ended with errors
	Bare       bool   // nothing is stored of what it was processed to, besides Body
	Cache      string
	Failures   int // in a row
}

// Claim returns up to n entities that are due, and has nobody else get them for the time of hold. Those without a body are left out.
func (s *Store) Claim(ctx context.Context, n int, hold time.Duration) ([]Work, error) {
	// Looking costs no writer's turn, and is all there is to do most of the time. It asks for the first one in order, which no plan answers without the index: one for exists that
	// PostgreSQL made while the table was empty, and keeps, reads the whole of it.
	var due bool
	now, err := s.about(ctx, s.clock.process())
	if err != nil {
		return nil, err
	}
	if err := s.db.GetContext(ctx, &due, `select (select 1 from refresh_state where next_update_at <= $1 and claimed_until <= $1 order by next_update_at limit 1) is not null`, now); err != nil || !due {
		return nil, err
	}
	var work []Work
	err = s.write(ctx, "claim entities", func(t *tx) error {
		work = work[:0]
		now := t.now.UnixMilli()
		var ids []int64
		err := t.collect(`update refresh_state set claimed_until = $2, claimed_by = $3 where id in (
			select id from refresh_state where next_update_at <= $1 and claimed_until <= $1 order by next_update_at, id limit $4`+t.dialect.SkipLocked()+`) returning id`,
			[]any{now, now + hold.Milliseconds(), t.replica, n}, scanID(&ids))
		if err != nil || len(ids) == 0 {
			return err
		}
		return t.collect(`select s.id, s.entity_ref, s.uid, s.revision, s.unprocessed_hash, coalesce(s.result_hash, ''), s.errors is not null, s.failures, b.processed is null,
			b.unprocessed, coalesce(b.positions, ''), coalesce(b.cache, '') from refresh_state s join entity_bodies b on b.id = s.id where `+t.in("s.id", 1), []any{t.ids(ids)}, func(row *sqlx.Rows) error {
			var w Work
			err := row.Scan(&w.ID, &w.Ref, &w.UID, &w.Revision, &w.Hash, &w.ResultHash, &w.Failed, &w.Failures, &w.Bare, &w.Body, &w.Positions, &w.Cache)
			work = append(work, w)
			return err
		})
	})
	slices.SortFunc(work, func(a, b Work) int { return int(a.ID - b.ID) })
	return work, err
}

// Renew holds on to claimed entities for another time of hold.
func (s *Store) Renew(ctx context.Context, ids []int64, hold time.Duration) error {
	return s.write(ctx, "renew claims", func(t *tx) error {
		_, err := t.ExecContext(t.ctx, `update refresh_state set claimed_until = $2 where claimed_by = $3 and `+t.in("id", 1), t.ids(ids), t.now.Add(hold).UnixMilli(), t.replica)
		return err
	})
}

// Release gives claimed entities back without having processed them.
func (s *Store) Release(ctx context.Context, ids []int64) error {
	return s.write(ctx, "give claims back", func(t *tx) error {
		_, err := t.ExecContext(t.ctx, `update refresh_state set claimed_until = 0, claimed_by = null where claimed_by = $2 and `+t.in("id", 1), t.ids(ids), t.replica)
		return err
	})
}

// Alone gives back the claims of others when nobody else can be using the database: on SQLite, where one process has the file, they are a dead process'.
func (s *Store) Alone(ctx context.Context) error {
	return s.write(ctx, "give claims back", func(t *tx) error {
		if t.postgres() {
			return nil
		}
		_, err := t.ExecContext(t.ctx, `update refresh_state set claimed_until = 0, claimed_by = null where claimed_until > 0`)
		return err
	})
}

// DueBefore reports whether an entity that nobody holds, or anything in the stitch queue, is due before a time.
func (s *Store) DueBefore(ctx context.Context, at time.Time) (bool, error) {
	var due bool
	now, err := s.about(ctx, at)
	if err != nil {
		return false, err
	}
	err = s.db.GetContext(ctx, &due, `select (select 1 from refresh_state where next_update_at <= $1 order by next_update_at limit 1) is not null or exists (select 1 from stitch_queue where due_at <= $1)`, now)
	return due, err
}

// ProcessAgain has entities processed again if what decides about them is not what last did: every one for another pipeline, which is whatever makes something else of an entity, and for other rules those that may bring others.
func (s *Store) ProcessAgain(ctx context.Context, pipeline, rules string) error {
	return s.write(ctx, "compare what decides about entities", func(t *tx) error {
		before := map[string]string{}
		err := t.collect(`select name, value from meta where name in ('pipeline', 'rules')`+t.dialect.ForUpdate(), nil, func(row *sqlx.Rows) error {
			var name, value string
			err := row.Scan(&name, &value)
			before[name] = value
			return err
		})
		if err != nil {
			return err
		}
		which := ``
		switch {
		case before["pipeline"] != pipeline:
		case before["rules"] != rules:
			// Those that are looked at now and then, as Locations are; those that were not let bring something, which is an error; and those that were.
			which = ` where next_update_at < $2 or errors is not null or id in (select source_id from child_edges)`
		default:
			return nil
		}
		for name, value := range map[string]string{"pipeline": pipeline, "rules": rules} {
			if _, err := t.ExecContext(t.ctx, `insert into meta (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value`, name, value); err != nil {
				return err
			}
		}
		args := []any{t.now.UnixMilli(), never}
		if which == `` {
			args = args[:1]
		}
		_, err = t.ExecContext(t.ctx, `update refresh_state set next_update_at = $1, revision = revision + 1`+which, args...)
		return err
	})
}
