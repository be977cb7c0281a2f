package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
)

// Mutation is what a provider hands over.
type Mutation struct {
	Source  string // the provider's name
	Full    bool   // Added are all its entities; others go
	Added   []Child
	Removed []string // refs; ignored with Full

	// Expect, if set, is given the final body of the first entity that is added or removed, nil if there is none, and keeps everything as it is by returning an error.
	// While the entity does not show yet what was handed over before, it is not asked, and the error is [ErrUnsettled].
	Expect func(final []byte) error

	// Whole stores nothing if any of Added belongs to another.
	Whole bool
}

// ErrUnsettled says that an entity is about to change, so that nothing can be expected of it at the moment.
var ErrUnsettled = errors.New("the entity is about to change")

// errContested ends a transaction whose conflicts are told, but not stored.
var errContested = errors.New("an entity belongs to another")

// Mutate stores what a provider hands over, and removes what nothing but the provider had brought.
func (s *Store) Mutate(ctx context.Context, m Mutation) (conflicts []Conflict, changes []Change, err error) {
	err = s.write(ctx, "store the entities of "+m.Source, func(t *tx) error {
		conflicts, changes = nil, nil
		if err := t.expect(m); err != nil {
			return err
		}
		result, err := t.bring(source{key: m.Source}, m.Added)
		if err != nil {
			return err
		}
		if conflicts = result.conflicts; m.Whole && len(conflicts) > 0 {
			return errContested
		}
		switch {
		case m.Full:
			err = t.settleConflicts(`source_key = $1 and not (`+t.in("entity_ref", 2)+`)`, m.Source, t.texts(refsOf(m.Added)))
		case len(m.Removed) > 0:
			err = t.settleConflicts(`source_key = $1 and `+t.in("entity_ref", 2), m.Source, t.texts(m.Removed))
		}
		if err != nil {
			return err
		}
		gone, err := t.setRootEdges(m, result.ids)
		if err != nil || len(gone) == 0 {
			return err
		}
		changes, err = t.prune(gone)
		return err
	})
	if errors.Is(err, errContested) {
		err = nil
	}
	return conflicts, changes, err
}

// expect asks [Mutation.Expect]. The entity cannot change until the transaction ends.
func (t *tx) expect(m Mutation) error {
	if m.Expect == nil {
		return nil
	}
	refs := slices.Concat(refsOf(m.Added), m.Removed)[:1]
	if _, err := t.knownByRef(refs); err != nil { // locks it
		return err
	}
	var final []byte
	settled := true
	err := t.collect(`select f.body, s.next_update_at > $2 and s.claimed_until <= $2 and not exists (select 1 from stitch_queue q where q.entity_id = s.id) from refresh_state s left join final_entities f on f.id = s.id where `+t.in("s.entity_ref", 1),
		[]any{t.texts(refs), t.now.UnixMilli()}, func(row *sqlx.Rows) error { return row.Scan(&final, &settled) })
	switch {
	case err != nil:
		return err
	case !settled:
		return ErrUnsettled
	}
	return m.Expect(final)
}

// setRootEdges returns the entities to which an edge of the provider led, and no longer does.
func (t *tx) setRootEdges(m Mutation, ids []int64) (gone []int64, err error) {
	edges := newRows("id bigint")
	want := map[int64]bool{}
	for _, id := range ids {
		if id != 0 {
			edges.add(id)
			want[id] = true
		}
	}
	var found []int64
	err = t.query(`insert into root_edges (source_key, target_id) select cast($1 as text), r.id from {rows} where true on conflict do nothing returning target_id`, edges, []any{m.Source}, scanID(&found))
	if err != nil {
		return nil, err
	}
	if err := t.found(found); err != nil {
		return nil, err
	}
	var candidates []int64
	if m.Full {
		err = t.collect(`select target_id from root_edges where source_key = $1`, []any{m.Source}, scanID(&candidates))
	} else if len(m.Removed) > 0 {
		err = t.collect(`select e.target_id from root_edges e join refresh_state s on s.id = e.target_id where e.source_key = $1 and `+t.in("s.entity_ref", 2), []any{m.Source, t.texts(m.Removed)}, scanID(&candidates))
	}
	if err != nil {
		return nil, err
	}
	for _, id := range candidates {
		if !want[id] {
			gone = append(gone, id)
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	_, err = t.ExecContext(t.ctx, `delete from root_edges where source_key = $2 and `+t.in("target_id", 1), t.ids(gone), m.Source)
	return gone, err
}

// prune removes those of the entities that nothing leads to any more, with everything that only they led to. Entities that only lead to each other hold nobody.
func (t *tx) prune(ids []int64) ([]Change, error) {
	// All that can be reached from them,
	var reached []int64
	err := t.collect(`with recursive reached(id) as (select id from refresh_state where `+t.in("id", 1)+` union select e.target_id from child_edges e join reached on reached.id = e.source_id) select id from reached`, []any{t.ids(ids)}, scanID(&reached))
	if err != nil || len(reached) == 0 {
		return nil, err
	}
	if err := t.lock(reached); err != nil {
		return nil, err
	}
	among := make(map[int64]bool, len(reached))
	for _, id := range reached {
		among[id] = true
	}
	// less what can be reached from elsewhere.
	var alive []int64
	arg := t.ids(reached)
	if err := t.collect(`select distinct target_id from root_edges where `+t.in("target_id", 1), []any{arg}, scanID(&alive)); err != nil {
		return nil, err
	}
	leads := map[int64][]int64{}
	err = t.collect(`select source_id, target_id from child_edges where `+t.in("target_id", 1), []any{arg}, func(row *sqlx.Rows) error {
		var from, to int64
		err := row.Scan(&from, &to)
		if among[from] {
			leads[from] = append(leads[from], to)
		} else {
			alive = append(alive, to)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for len(alive) > 0 {
		id := alive[len(alive)-1]
		alive = alive[:len(alive)-1]
		if among[id] {
			delete(among, id)
			alive = append(alive, leads[id]...)
		}
	}
	doomed := make([]int64, 0, len(among))
	for _, id := range reached {
		if among[id] {
			doomed = append(doomed, id)
		}
	}
	return t.remove(doomed)
}

// lock sees to it that nobody else leads to the entities, leads away from them or puts them together until the transaction ends, and that what follows sees what others did before.
func (t *tx) lock(ids []int64) error {
	if !t.postgres() {
		return nil
	}
	_, err := t.ExecContext(t.ctx, `select 1 from refresh_state where `+t.in("id", 1)+` order by id`+t.dialect.ForUpdate(), t.ids(ids))
	return err
}

// remove removes entities. Whoever is related to them is put together again, and whoever wanted to bring them instead is asked.
func (t *tx) remove(ids []int64) ([]Change, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if err := t.lock(ids); err != nil {
		return nil, err
	}
	arg := t.ids(ids)
	var related []string
	err := t.collect(`select distinct source_ref from relations where `+t.in("origin_id", 1), []any{arg}, func(row *sqlx.Rows) error {
		var ref string
		err := row.Scan(&ref)
		related = append(related, ref)
		return err
	})
	if err != nil {
		return nil, err
	}
	var children []int64
	if err := t.collect(`select distinct target_id from child_edges where `+t.in("source_id", 1), []any{arg}, scanID(&children)); err != nil {
		return nil, err
	}
	err = t.askContenders(`select c.source_id from conflicts c join refresh_state s on s.entity_ref = c.entity_ref where c.source_id is not null and `+t.in("s.id", 1), arg)
	if err != nil {
		return nil, err
	}
	var changes []Change
	err = t.collect(`select entity_ref, uid, hash from final_entities where `+t.in("id", 1)+` order by id`, []any{arg}, func(row *sqlx.Rows) error {
		c := Change{At: t.now.UnixMilli(), Op: OpDelete}
		err := row.Scan(&c.Ref, &c.UID, &c.ETag)
		changes = append(changes, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, gone := range []string{`relations where ` + t.in("origin_id", 1), `refresh_state where ` + t.in("id", 1)} {
		if _, err := t.ExecContext(t.ctx, `delete from `+gone, arg); err != nil {
			return nil, err
		}
	}
	t.stitchRefs(related)
	if len(children) > 0 {
		if err := t.lost(children); err != nil {
			return nil, err
		}
	}
	if len(changes) == 0 {
		return nil, nil
	}
	first, err := t.takeNumbers(len(changes))
	if err != nil {
		return nil, err
	}
	log := newRows("seq bigint", "op text", "ref text", "uid text", "etag text")
	for i := range changes {
		c := &changes[i]
		c.Seq = first + int64(i)
		log.add(c.Seq, c.Op, c.Ref, c.UID, c.ETag)
	}
	return changes, t.log(log, CauseRemoved)
}

// RemoveOrphans removes entities to which nothing has led for a while, with everything that only they led to.
func (s *Store) RemoveOrphans(ctx context.Context, before time.Time, limit int) (changes []Change, err error) {
	var waiting bool
	if err := s.db.GetContext(ctx, &waiting, `select (select 1 from refresh_state where orphan_since < $1 order by orphan_since limit 1) is not null`, s.clock.stored(before)); err != nil || !waiting {
		return nil, err
	}
	err = s.write(ctx, "remove orphans", func(t *tx) error {
		var ids []int64
		if err := t.collect(`select id from refresh_state where orphan_since < $1 order by id limit $2`+t.dialect.ForUpdate(), []any{t.clock.stored(before), limit}, scanID(&ids)); err != nil {
			return err
		}
		changes, err = t.prune(ids)
		return err
	})
	return changes, err
}

// RemoveSources removes what providers had brought that are not among those named, unless keep is set: then it only says which there are.
func (s *Store) RemoveSources(ctx context.Context, present []string, keep bool) (gone []string, changes []Change, err error) {
	err = s.write(ctx, "remove entities of providers that are gone", func(t *tx) error {
		gone, changes = nil, nil
		err := t.collect(`select distinct source_key from root_edges where not (`+t.in("source_key", 1)+`)`, []any{t.texts(present)}, func(row *sqlx.Rows) error {
			var name string
			err := row.Scan(&name)
			gone = append(gone, name)
			return err
		})
		if err != nil || len(gone) == 0 || keep {
			return err
		}
		var ids []int64
		if err := t.collect(`delete from root_edges where `+t.in("source_key", 1)+` returning target_id`, []any{t.texts(gone)}, scanID(&ids)); err != nil {
			return err
		}
		changes, err = t.prune(ids)
		return err
	})
	return gone, changes, err
}

// Remove removes an entity by its ref, if it has that uid. What brings it is asked again, so that one that is still there comes back.
func (s *Store) Remove(ctx context.Context, ref, uid string) (changes []Change, err error) {
	err = s.write(ctx, "remove an entity", func(t *tx) error {
		changes = nil
		var ids []int64
		if err := t.collect(`select id from refresh_state where entity_ref = $1 and uid = $2`, []any{ref, uid}, scanID(&ids)); err != nil || len(ids) == 0 {
			return err
		}
		changes, err = t.removeForNow(ids[0])
		return err
	})
	return changes, err
}

// removeForNow removes an entity and has what brings it look again, even if that has not changed.
func (t *tx) removeForNow(id int64) ([]Change, error) {
	for _, forget := range []string{
		`update target_files set hash = '' where exists (select 1 from child_edges e where e.target_id = $1 and e.source_id = target_files.source_id and e.via = target_files.file)`,
		`update targets set etag = '' where exists (select 1 from child_edges e where e.target_id = $1 and e.source_id = targets.source_id)`,
	} {
		if _, err := t.ExecContext(t.ctx, forget, id); err != nil {
			return nil, err
		}
	}
	_, err := t.ExecContext(t.ctx, `update refresh_state set next_update_at = $2, revision = revision + 1, result_hash = null where id in (select source_id from child_edges where target_id = $1)`, id, t.now.UnixMilli())
	if err != nil {
		return nil, err
	}
	return t.remove([]int64{id})
}
