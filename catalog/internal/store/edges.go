package store

import (
	"fmt"

	"github.com/jmoiron/sqlx"
)

// edge is what leads from a source to one of its children.
type edge struct {
	line  int
	fault *string // JSON
}

// setChildEdges makes the edges of a source those given. Entities to which nothing leads any more become orphans.
func (t *tx) setChildEdges(from source, want map[int64]edge) error {
	have := map[int64]edge{}
	err := t.collect(`select target_id, line, fault from child_edges where source_id = $1 and via = $2`, []any{from.id, from.via}, func(row *sqlx.Rows) error {
		var id int64
		var e edge
		err := row.Scan(&id, &e.line, &e.fault)
		have[id] = e
		return err
	})
	if err != nil {
		return err
	}
	put := newRows("id bigint", "line bigint", "fault text")
	var found, told, gone []int64
	for id, e := range want {
		old, ok := have[id]
		switch {
		case !ok:
			put.add(id, e.line, e.fault)
			found = append(found, id)
		case old.line != e.line || !same(old.fault, e.fault):
			put.add(id, e.line, e.fault)
		}
		if !same(old.fault, e.fault) {
			told = append(told, id)
		}
	}
	for id := range have {
		if _, ok := want[id]; !ok {
			gone = append(gone, id)
		}
	}
	err = t.exec(`insert into child_edges (source_id, via, target_id, line, fault) select cast($1 as bigint), cast($2 as text), r.id, r.line, r.fault from {rows} where true
		on conflict (source_id, via, target_id) do update set line = excluded.line, fault = excluded.fault`, put, from.id, from.via)
	if err != nil {
		return err
	}
	if err := t.found(found); err != nil {
		return err
	}
	t.stitchIDs(told)
	if len(gone) == 0 {
		return nil
	}
	if _, err := t.ExecContext(t.ctx, `delete from child_edges where source_id = $2 and via = $3 and `+t.in("target_id", 1), t.ids(gone), from.id, from.via); err != nil {
		return err
	}
	return t.lost(gone)
}

// found notes that something leads to the entities again.
func (t *tx) found(ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	var back []int64
	err := t.collect(`update refresh_state set orphan_since = null where orphan_since is not null and `+t.in("id", 1)+` returning id`, []any{t.ids(ids)}, scanID(&back))
	if err != nil {
		return err
	}
	t.stitchIDs(back)
	return nil
}

// lost looks whether anything still leads to the entities. Those that nothing leads to become orphans, and whoever wanted to bring them before is asked again.
func (t *tx) lost(ids []int64) error {
	if err := t.lock(ids); err != nil {
		return err
	}
	var orphans []int64
	err := t.collect(`update refresh_state set orphan_since = $2 where orphan_since is null and `+t.in("id", 1)+`
		and not exists (select 1 from root_edges e where e.target_id = refresh_state.id)
		and not exists (select 1 from child_edges e where e.target_id = refresh_state.id) returning id`, []any{t.ids(ids), t.now.UnixMilli()}, scanID(&orphans))
	if err != nil || len(orphans) == 0 {
		return err
	}
	t.stitchIDs(orphans)
	return t.askContenders(`select c.source_id from conflicts c join refresh_state s on s.entity_ref = c.entity_ref where c.source_id is not null and `+t.in("s.id", 1), t.ids(orphans))
}

// askContenders has the entities that a query finds processed again soon.
func (t *tx) askContenders(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, fmt.Sprintf(`update refresh_state set next_update_at = $%d, revision = revision + 1 where id in (%s)`, len(args)+1, query), append(args, t.now.UnixMilli())...)
	return err
}

func scanID(ids *[]int64) func(*sqlx.Rows) error {
	return func(row *sqlx.Rows) error {
		var id int64
		err := row.Scan(&id)
		*ids = append(*ids, id)
		return err
	}
}

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
