package store

import (
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
	Hash      string     // of the outcome
	Errors    string     // what is wrong, as JSON; empty: nothing. With errors, nothing that follows counts, and the last good outcome stays
	Body      string     // processed, as canonical JSON
	AsIs      bool       // it is the unprocessed one
	Kept      bool       // AsIs, and nothing else is stored but the same Cache
	Cache     string     // what processors remember
	Relations []Relation // in the order of their sources
	Keys      []string   // refresh keys
	Children  []Child    // that processors brought, apart from files
	Targets   []string   // of a Location entity, as locations: others are forgotten

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
	if err := t.schedule(f); err != nil {
		return err
	}
	return t.conclude(f)
}

func (f Finished) ids() []int64 {
	ids := make([]int64, len(f))
	for i, r := range f {
		ids[i] = r.ID
	}
	return ids
}

// conclude stores all but the small part of the outcomes of entities that are there.
func (t *tx) conclude(f Finished) error {
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
	had, err := t.had(all)
	if err != nil {
		return err
	}
	if err := t.setKeys(good, had.keys); err != nil {
		return err
	}
	if err := t.setChildren(good, had.children); err != nil {
		return err
	}
	return t.setTargets(good, had.targets)
}

// belongings say which entities have refresh keys, children of their own or conflicts about some, and targets. Most have nothing of that, and get nothing.
type belongings struct{ keys, children, targets map[int64]bool }

func (t *tx) had(ids []int64) (belongings, error) {
	had := belongings{map[int64]bool{}, map[int64]bool{}, map[int64]bool{}}
	err := t.collect(`select 1, entity_id from refresh_keys where `+t.in("entity_id", 1)+` union select 2, source_id from child_edges where via = '' and `+t.in("source_id", 1)+`
		union select 2, source_id from conflicts where `+t.in("source_id", 1)+` union select 3, source_id from targets where `+t.in("source_id", 1), []any{t.ids(ids)}, func(row *sqlx.Rows) error {
		var what, id int64
		err := row.Scan(&what, &id)
		[]map[int64]bool{had.keys, had.children, had.targets}[what-1][id] = true
		return err
	})
	return had, err
}

// compare returns the outcomes of entities that are still there, and that nobody has finished since with something newer. Where what is stored unprocessed is no longer what was processed, the processed body must be kept apart from it.
func (t *tx) compare(f Finished) (Finished, error) {
	claimed := map[int64]*Result{}
	ids := make([]int64, 0, len(f))
	for _, r := range f {
		claimed[r.ID] = r
		ids = append(ids, r.ID)
	}
	there := make(Finished, 0, len(f))
	err := t.collect(`select id, revision, claimed_until > 0 from refresh_state where `+t.in("id", 1)+` order by id`+t.dialect.ForUpdate(), []any{t.ids(ids)}, func(row *sqlx.Rows) error {
		var id, revision int64
		var held bool
		if err := row.Scan(&id, &revision, &held); err != nil {
			return err
		}
		r := claimed[id]
		if r.Revision != revision {
			if !held {
				return nil
			}
			r.AsIs, r.Kept = false, false
		}
		there = append(there, r)
		return nil
	})
	return there, err
}

// schedule writes the small part: hashes, errors and dates.
func (t *tx) schedule(f Finished) error {
	if len(f) == 0 {
		return nil
	}
	now := t.now.UnixMilli()
	same := newRows("id bigint", "revision bigint", "next bigint", "took bigint")
	done := newRows("id bigint", "revision bigint", "next bigint", "took bigint", "hash text", "errors text", "as_is bigint")
	var told, failed []int64
	for _, r := range f {
		if r.Unchanged {
			same.add(r.ID, r.Revision, t.clock.stored(r.Next), r.Took.Microseconds())
			continue
		}
		done.add(r.ID, r.Revision, t.clock.stored(r.Next), r.Took.Microseconds(), r.Hash, optional(r.Errors), r.AsIs)
		told = append(told, r.ID)
		if r.Errors != "" {
			failed = append(failed, r.ID)
		}
	}
	before := map[int64]string{}
	var err error
	if len(failed) > 0 {
		err = t.collect(`select id, errors from refresh_state where errors is not null and `+t.in("id", 1), []any{t.ids(failed)}, func(row *sqlx.Rows) error {
			var id int64
			var errors string
			err := row.Scan(&id, &errors)
			before[id] = errors
			return err
		})
	}
	if err != nil {
		return err
	}
	for _, r := range f {
		r.NewErrors = r.Errors != "" && !r.Unchanged && before[r.ID] != r.Errors
	}
	const dates = `next_update_at = case when refresh_state.revision = r.revision then r.next else refresh_state.next_update_at end, claimed_until = 0, claimed_by = null, attempted_at = $1, took_us = r.took`
	err = t.exec(`update refresh_state set `+dates+`, succeeded_at = case when errors is null then $1 else succeeded_at end, failures = case when errors is null then 0 else failures + 1 end from {rows} where refresh_state.id = r.id`, same, now)
	if err != nil {
		return err
	}
	err = t.exec(`update refresh_state set `+dates+`, result_hash = r.hash, errors = r.errors, as_is = case when r.errors is null then r.as_is else refresh_state.as_is end,
		succeeded_at = case when r.errors is null then $1 else succeeded_at end, failures = case when r.errors is null then 0 else failures + 1 end from {rows} where refresh_state.id = r.id`, done, now)
	if err != nil {
		return err
	}
	t.stitchIDs(told)
	return nil
}

// refHash stands for a ref in an index. Two refs can have the same.
func refHash(ref string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(ref)) // never fails
	return int64(h.Sum64())
}

// Separators of what a row of relations holds in one text, since most of what a row costs does not depend on its length.
const (
	betweenEdges = "\x1e"
	withinEdge   = "\x1f"
)

// relate makes the relations of entities those given, and queues whoever gains or loses one. What one entity says of another, or of itself, is one row. old are the ids of those that may have relations already.
func (t *tx) relate(good []*Result, old []int64) error {
	type said struct {
		origin int64
		of     string
	}
	have := map[said]string{}
	if len(old) > 0 {
		err := t.collect(`select origin_id, source_ref, edges from relations where `+t.in("origin_id", 1), []any{t.ids(old)}, func(found *sqlx.Rows) error {
			var key said
			var edges string
			err := found.Scan(&key.origin, &key.of, &edges)
			have[key] = edges
			return err
		})
		if err != nil {
			return err
		}
	}
	come := newRows("id bigint", "hash bigint", "source text", "edges text")
	gone := newRows("id bigint", "source text")
	var told []string
	for _, r := range good {
		for rest := r.Relations; len(rest) > 0; { // sorted by their source
			key, edges, n := said{r.ID, rest[0].Source}, []byte(nil), 0
			for ; n < len(rest) && rest[n].Source == key.of; n++ {
				if n > 0 {
					edges = append(edges, betweenEdges...)
				}
				edges = append(append(append(edges, rest[n].Type...), withinEdge...), rest[n].Target...)
			}
			rest = rest[n:]
			before, had := have[key]
			delete(have, key)
			if had && before == string(edges) {
				continue
			}
			if had {
				gone.add(key.origin, key.of)
			}
			come.add(key.origin, refHash(key.of), key.of, string(edges))
			told = append(told, key.of)
		}
	}
	for key := range have {
		gone.add(key.origin, key.of)
		told = append(told, key.of)
	}
	if err := t.exec(`delete from relations where (origin_id, source_ref) in (select r.id, r.source from {rows})`, gone); err != nil {
		return err
	}
	t.stitchRefs(told)
	return t.exec(`insert into relations (origin_id, source_hash, source_ref, edges) select r.id, r.hash, r.source, r.edges from {rows}`, come)
}

// setKeys makes the refresh keys of entities those given.
func (t *tx) setKeys(good []*Result, had map[int64]bool) error {
	type row struct {
		id  int64
		key string
	}
	have := map[row]bool{}
	var all []int64
	for _, r := range good {
		if had[r.ID] || len(r.Keys) > 0 {
			all = append(all, r.ID)
		}
	}
	if len(all) == 0 {
		return nil
	}
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

// setChildren makes the children that entities bring by themselves those given.
func (t *tx) setChildren(good []*Result, had map[int64]bool) error {
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
		err = t.settleConflicts(`source_id = $1 and location_key not in (select file from target_files where source_id = $1) and not (`+t.in("entity_ref", 2)+`)`, r.ID, t.texts(refsOf(r.Children)))
		if err != nil {
			return err
		}
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
func (t *tx) setTargets(good []*Result, had map[int64]bool) error {
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
