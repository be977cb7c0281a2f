package store

import (
	"context"
)

// Reconcile looks for what was lost between stages, and queues it again: processed entities that were never put together, and orphans that nobody noted. It returns how many it found. Since each hand-over is one transaction it
// should find nothing; that is what it is there to tell.
func (s *Store) Reconcile(ctx context.Context) (found int, err error) {
	err = s.write(ctx, "look for lost entities", func(t *tx) error {
		found = 0
		var lost []int64
		err := t.collect(`select s.id from refresh_state s join entity_bodies b on b.id = s.id where (s.as_is = 1 or b.processed is not null)
			and not exists (select 1 from final_entities f where f.id = s.id) and not exists (select 1 from stitch_queue q where q.entity_id = s.id)`, nil, scanID(&lost))
		if err != nil {
			return err
		}
		t.stitchIDs(lost)
		var unnoted []int64
		err = t.collect(`update refresh_state set orphan_since = $1 where orphan_since is null
			and not exists (select 1 from root_edges e where e.target_id = refresh_state.id)
			and not exists (select 1 from child_edges e where e.target_id = refresh_state.id) returning id`, []any{t.now.UnixMilli()}, scanID(&unnoted))
		found = len(lost) + len(unnoted)
		if err != nil {
			return err
		}
		t.stitchIDs(unnoted)
		return nil
	})
	return found, err
}
