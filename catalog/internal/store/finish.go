package store

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jmoiron/sqlx"
)

// Relation is a relation in one direction. Refs are as catalogcommon.Ref.String writes them.
type Relation struct{ Source, Type, Target string }

// Result is the outcome of processing one entity.
type Result struct {
	ID       int64
	Revision int64 // as claimed: if there was a further reason meanwhile, the entity stays due
	Next     time.Time
	Took     time.Duration

	// Unchanged says that everything is as after the last processing: nothing else is looked at.
	Unchanged bool
	Hash      string // of the outcome
	Errors    string // what is wrong, as JSON; empty: nothing. With errors, nothing that follows counts, and the last good outcome stays
	Body      string // processed, as canonical JSON
	AsIs      bool   // it is the unprocessed one
	Kept      bool   // AsIs, and nothing else is stored but the same Cache
	Cache     string // what processors remember
	Relations []Relation
	Keys      []string // refresh keys
	Children  []Child  // that processors brought, apart from files
	Targets   []string // of a Location entity, as locations: others are forgotten

	// Conflicts and NewErrors are set by Write: children that belong to somebody else, and whether Errors differs from what it was.
	Conflicts []Conflict
	NewErrors bool
}

// Finished hands over the outcomes of processing.
type Finished []*Result

func (f Finished) apply(t *tx) error {
	f, err := t.compare(f)
	if err != nil {
		return err
	}
	return t.finish(f)
}

// finish stores outcomes of entities that are there.
func (t *tx) finish(f Finished) error {
	if len(f) == 0 {
		return nil
	}
	if err := t.schedule(f); err != nil {
		return err
	}
	var good []*Result
	for _, r := range f {
		r.Conflicts = nil
		if !r.Unchanged && r.Errors == "" {
			good = append(good, r)
		}
	}
	if len(good) == 0 {
		return nil
	}
	bodies := newRows("id bigint", "body text", "cache text")
	all := make([]int64, 0, len(good))
	for _, r := range good {
		if !r.Kept {
			body := &r.Body
			if r.AsIs {
				body = nil
			}
			bodies.add(r.ID, body, optional(r.Cache))
		}
		all = append(all, r.ID)
	}
	if err := t.exec(`update entity_bodies set processed = r.body, cache = r.cache from {rows} where entity_bodies.id = r.id`, bodies); err != nil {
		return err
	}
	if err := t.relate(good, all); err != nil {
		return err
	}
	if err := t.setKeys(good, all); err != nil {
		return err
	}
	if err := t.setChildren(good, all); err != nil {
		return err
	}
	return t.setTargets(good)
}

// compare returns the outcomes of entities that are still there. Where what is stored unprocessed is no longer what was processed, the processed body must be kept apart from it.
func (t *tx) compare(f Finished) (Finished, error) {
	claimed := map[int64]*Result{}
	ids := make([]int64, 0, len(f))
	for _, r := range f {
		claimed[r.ID] = r
		ids = append(ids, r.ID)
	}
	there := make(Finished, 0, len(f))
	err := t.collect(`select id, revision from refresh_state where `+t.in("id", 1)+` order by id`+t.dialect.ForUpdate(), []any{t.ids(ids)}, func(row *sqlx.Rows) error {
		var id, revision int64
		if err := row.Scan(&id, &revision); err != nil {
			return err
		}
		r := claimed[id]
		if r.Revision != revision {
			r.AsIs, r.Kept = false, false
		}
		there = append(there, r)
		return nil
	})
	return there, err
}

// schedule writes the small part: hashes, errors and dates.
func (t *tx) schedule(f Finished) error {
	now := t.now.UnixMilli()
	same := newRows("id bigint", "revision bigint", "next bigint", "took bigint")
	done := newRows("id bigint", "revision bigint", "next bigint", "took bigint", "hash text", "errors text", "as_is bigint")
	var told, failed []int64
	for _, r := range f {
		if r.Unchanged {
			same.add(r.ID, r.Revision, millis(r.Next), r.Took.Microseconds())
			continue
		}
		done.add(r.ID, r.Revision, millis(r.Next), r.Took.Microseconds(), r.Hash, optional(r.Errors), r.AsIs)
		told = append(told, r.ID)
		if r.Errors != "" {
			failed = append(failed, r.ID)
		}
	}
	before := map[int64]string{}
	err := t.collect(`select id, errors from refresh_state where errors is not null and `+t.in("id", 1), []any{t.ids(failed)}, func(row *sqlx.Rows) error {
		var id int64
		var errors string
		err := row.Scan(&id, &errors)
		before[id] = errors
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range f {
		r.NewErrors = r.Errors != "" && before[r.ID] != r.Errors
	}
	const dates = `next_update_at = case when refresh_state.revision = r.revision then r.next else refresh_state.next_update_at end, claimed_until = 0, claimed_by = null, attempted_at = %d, took_us = r.took`
	err = t.exec(fmt.Sprintf(`update refresh_state set `+dates+`, succeeded_at = case when errors is null then %d else succeeded_at end, failures = case when errors is null then 0 else failures + 1 end from {rows} where refresh_state.id = r.id`, now, now), same)
	if err != nil {
		return err
	}
	err = t.exec(fmt.Sprintf(`update refresh_state set `+dates+`, result_hash = r.hash, errors = r.errors, as_is = case when r.errors is null then r.as_is else refresh_state.as_is end,
		succeeded_at = case when r.errors is null then %d else succeeded_at end, failures = case when r.errors is null then 0 else failures + 1 end from {rows} where refresh_state.id = r.id`, now, now), done)
	if err != nil {
		return err
	}
	return t.stitchIDs(told)
}

// refHash stands for a ref in an index. Two refs can have the same.
func refHash(ref string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(ref)) // never fails
	return int64(h.Sum64())
}

// relate makes the relations of entities those given, and queues whoever gains or loses one.
func (t *tx) relate(good []*Result, all []int64) error {
	type row struct {
		origin int64
		Relation
	}
	have := map[row]bool{}
	err := t.collect(`select origin_id, source_ref, type, target_ref from relations where `+t.in("origin_id", 1), []any{t.ids(all)}, func(found *sqlx.Rows) error {
		var r row
		err := found.Scan(&r.origin, &r.Source, &r.Type, &r.Target)
		have[r] = true
		return err
	})
	if err != nil {
		return err
	}
	come := newRows("id bigint", "hash bigint", "source text", "type text", "target text")
	gone := newRows("id bigint", "source text", "type text", "target text")
	told := map[string]bool{}
	for _, r := range good {
		for _, relation := range r.Relations {
			key := row{r.ID, relation}
			if have[key] {
				delete(have, key)
				continue
			}
			come.add(r.ID, refHash(relation.Source), relation.Source, relation.Type, relation.Target)
			told[relation.Source] = true
		}
	}
	for key := range have {
		gone.add(key.origin, key.Source, key.Type, key.Target)
		told[key.Source] = true
	}
	if err := t.exec(`delete from relations where (origin_id, source_ref, type, target_ref) in (select r.id, r.source, r.type, r.target from {rows})`, gone); err != nil {
		return err
	}
	if err := t.exec(`insert into relations (origin_id, source_hash, source_ref, type, target_ref) select r.id, r.hash, r.source, r.type, r.target from {rows}`, come); err != nil {
		return err
	}
	refs := make([]string, 0, len(told))
	for ref := range told {
		refs = append(refs, ref)
	}
	return t.stitchRefs(refs)
}

// setKeys makes the refresh keys of entities those given.
func (t *tx) setKeys(good []*Result, all []int64) error {
	type row struct {
		id  int64
		key string
	}
	have := map[row]bool{}
	err := t.collect(`select entity_id, key from refresh_keys where `+t.in("entity_id", 1), []any{t.ids(all)}, func(found *sqlx.Rows) error {
		var r row
		err := found.Scan(&r.id, &r.key)
		have[r] = true
		return err
	})
	if err != nil {
		return err
	}
	come, gone := newRows("id bigint", "key text"), newRows("id bigint", "key text")
	for _, r := range good {
		for _, key := range r.Keys {
			if have[row{r.ID, key}] {
				delete(have, row{r.ID, key})
				continue
			}
			come.add(r.ID, key)
		}
	}
	for r := range have {
		gone.add(r.id, r.key)
	}
	if err := t.exec(`delete from refresh_keys where (entity_id, key) in (select r.id, r.key from {rows})`, gone); err != nil {
		return err
	}
	return t.exec(`insert into refresh_keys (entity_id, key) select r.id, r.key from {rows} where true on conflict do nothing`, come)
}

// setChildren makes the children that entities bring by themselves those given. Most have none, and had none.
func (t *tx) setChildren(good []*Result, all []int64) error {
	had := map[int64]bool{}
	err := t.collect(`select distinct source_id from child_edges where via = '' and `+t.in("source_id", 1), []any{t.ids(all)}, func(row *sqlx.Rows) error {
		var id int64
		err := row.Scan(&id)
		had[id] = true
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range good {
		if len(r.Children) == 0 && !had[r.ID] {
			continue
		}
		from := source{id: r.ID}
		result, err := t.bring(from, r.Children)
		if err != nil {
			return err
		}
		r.Conflicts = result.conflicts
		want := map[int64]edge{}
		for _, id := range result.ids {
			if id != 0 {
				want[id] = edge{}
			}
		}
		if err := t.setChildEdges(from, want); err != nil {
			return err
		}
	}
	return nil
}

// setTargets forgets targets that Location entities no longer have.
func (t *tx) setTargets(good []*Result) error {
	had := map[int64]bool{}
	var all []int64
	for _, r := range good {
		all = append(all, r.ID)
	}
	err := t.collect(`select distinct source_id from targets where `+t.in("source_id", 1), []any{t.ids(all)}, func(row *sqlx.Rows) error {
		var id int64
		err := row.Scan(&id)
		had[id] = true
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range good {
		if !had[r.ID] {
			continue
		}
		if _, err := t.ExecContext(t.ctx, `delete from targets where source_id = $1 and not (`+t.in("target", 2)+`)`, r.ID, t.texts(r.Targets)); err != nil {
			return err
		}
		if err := t.forgetFiles(r.ID, `not (`+t.in("target", 2)+`)`, t.texts(r.Targets)); err != nil {
			return err
		}
	}
	return nil
}
