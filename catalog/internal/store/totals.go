package store

import "context"

// Totals are sizes and delays of the whole catalog, whatever process asks. Nothing is counted further than to [MostCounted].
type Totals struct {
	Changes   int64 // ever, which is the number of the last one
	Locations int   // registered

	Processing, Stitching Queue

	// What is wrong at present: entities whose last processing failed, targets and files that cannot be read or not completely, and sources that bring an entity which is another's.
	FailedEntities, FailedTargets, FailedFiles, Conflicts int
}

// Queue is work that is due, including what somebody is at.
type Queue struct {
	Length  int
	Seconds float64 // that the oldest of it has been due
}

// MostCounted bounds what counting costs, since databases go through what they count.
const MostCounted = 100_000

// Totals counts.
func (s *Store) Totals(ctx context.Context) (totals Totals, err error) {
	err = s.read(ctx, "count", func(t *tx) error {
		if t.postgres() { // for the plans, as much as for the time
			var millis int64
			if err := t.GetContext(t.ctx, &millis, inDatabase); err != nil {
				return err
			}
			t.now = s.clock.look(s.clock.process(), millis)
		}
		now := t.now.UnixMilli()
		processing, stitching := now, now
		// The oldest of the stitching queue is among the first, as those are taken first.
		err := t.QueryRowxContext(t.ctx, `select
			(select value from counters where name = 'change'),
			(select count(*) from (select 1 from locations limit $2) as l),
			(select count(*) from (select 1 from refresh_state where next_update_at <= $1 order by next_update_at limit $2) as p),
			(select coalesce((select next_update_at from refresh_state where next_update_at <= $1 order by next_update_at limit 1), $1)),
			(select count(*) from (select 1 from stitch_queue limit $2) as q),
			(select coalesce(min(due_at), $1) from (select due_at from stitch_queue order by entity_id limit $2) as q),
			(select count(*) from (select 1 from refresh_state where errors is not null limit $2) as e),
			(select count(*) from (select 1 from targets where fault is not null limit $2) as t),
			(select count(*) from (select 1 from target_files where faults is not null limit $2) as f),
			(select count(*) from (select 1 from conflicts limit $2) as c)`, now, MostCounted).Scan(
			&totals.Changes, &totals.Locations, &totals.Processing.Length, &processing, &totals.Stitching.Length, &stitching,
			&totals.FailedEntities, &totals.FailedTargets, &totals.FailedFiles, &totals.Conflicts)
		totals.Processing.Seconds, totals.Stitching.Seconds = seconds(now-processing), seconds(now-stitching)
		return err
	})
	return totals, err
}

// seconds makes seconds of milliseconds, and none of less.
func seconds(millis int64) float64 { return float64(max(millis, 0)) / 1000 }
