package store

import (
	"context"

	"github.com/jmoiron/sqlx"
)

// maxSteps bounds how far up the way of an entity is followed.
const maxSteps = 32

// Refresh has an entity processed again, and every Location entity on the way to it. It reports whether there is such an entity with a way to it that begins at a provider.
func (s *Store) Refresh(ctx context.Context, ref string) (found bool, err error) {
	err = s.write(ctx, "refresh "+ref, func(t *tx) error {
		found = false
		var ids []int64
		err := t.collect(`with recursive up(id, steps) as (select id, 0 from refresh_state where entity_ref = $1 union select e.source_id, up.steps + 1 from child_edges e join up on up.id = e.target_id where up.steps < $2)
			select distinct id from up`, []any{ref, maxSteps}, scanID(&ids))
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := t.collect(`select exists (select 1 from root_edges where `+t.in("target_id", 1)+`)`, []any{t.ids(ids)}, func(row *sqlx.Rows) error { return row.Scan(&found) }); err != nil || !found {
			return err
		}
		_, err = t.ExecContext(t.ctx, `update refresh_state set next_update_at = $3, revision = revision + 1 where `+t.in("id", 1)+` and (entity_ref = $2 or entity_ref like 'location:%')`, t.ids(ids), ref, t.now.UnixMilli())
		return err
	})
	return found, err
}

// RefreshKeys has every entity processed again that depends on one of the keys.
func (s *Store) RefreshKeys(ctx context.Context, keys []string) error {
	return s.write(ctx, "refresh by keys", func(t *tx) error {
		_, err := t.ExecContext(t.ctx, `update refresh_state set next_update_at = $2, revision = revision + 1 where id in (select entity_id from refresh_keys where `+t.in("key", 1)+`)`, t.texts(keys), t.now.UnixMilli())
		return err
	})
}

// Step is an entity on the way to another.
type Step struct {
	Ref     string
	Parents []string // refs of what brings it
}

// Ancestry returns the entity and everything on the way to it, the entity first; nil if there is none.
func (s *Store) Ancestry(ctx context.Context, ref string) ([]Step, error) {
	var steps []Step
	err := s.read(ctx, "find the ancestry of "+ref, func(t *tx) error {
		parents := map[string][]string{}
		known := false
		err := t.collect(`select exists (select 1 from refresh_state where entity_ref = $1)`, []any{ref}, func(row *sqlx.Rows) error { return row.Scan(&known) })
		if err != nil || !known {
			return err
		}
		err = t.collect(`with recursive up(id, steps) as (select id, 0 from refresh_state where entity_ref = $1 union select e.source_id, up.steps + 1 from child_edges e join up on up.id = e.target_id where up.steps < $2)
			select distinct c.entity_ref, p.entity_ref from up join child_edges e on e.target_id = up.id join refresh_state c on c.id = e.target_id join refresh_state p on p.id = e.source_id order by 1, 2`, []any{ref, maxSteps}, func(row *sqlx.Rows) error {
			var child, parent string
			err := row.Scan(&child, &parent)
			parents[child] = append(parents[child], parent)
			return err
		})
		if err != nil {
			return err
		}
		seen := map[string]bool{ref: true}
		for queue := []string{ref}; len(queue) > 0; queue = queue[1:] {
			steps = append(steps, Step{Ref: queue[0], Parents: parents[queue[0]]})
			for _, parent := range parents[queue[0]] {
				if !seen[parent] {
					seen[parent] = true
					queue = append(queue, parent)
				}
			}
		}
		return nil
	})
	return steps, err
}
