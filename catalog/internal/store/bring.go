package store

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"
)

// Child is an entity that something brings: a file, a provider, a processor.
type Child struct {
	Ref         string // as catalogcommon.Ref.String writes it
	Body        string // unprocessed, as canonical JSON
	Hash        string // of Body
	LocationKey string // who may write it; empty: only as long as nobody claims it
	Line        int    // where it starts in its file; 0: unknown
	Positions   string // what the body's faults need to be placed, as JSON; may be empty

	// Outcome is that of processing Body, if it is known already: it is stored with Body if that is new, in the same transaction. Its ID and Revision are set then.
	// It has no errors, and nothing but Body and Relations.
	Outcome *Result
}

// Conflict is an entity that a source brings although it belongs to another.
type Conflict struct {
	Ref         string
	LocationKey string // of the source that may not write it
	Owner       string // key of the one that may
}

// source is what brings children: an entity, through a file or by itself, or a provider.
type source struct {
	id  int64  // of an entity, or 0
	via string // of an entity: the file, or empty
	key string // of a provider
}

// known is what the database says of a child.
type known struct {
	id     int64
	hash   string
	key    *string
	orphan *int64
	asIs   bool
	wanted bool // somebody else wants to bring it
}

// arrived are the children that a source may bring, by id, and those that it may not.
type arrived struct {
	ids       []int64 // of children, in their order; 0 for a conflict
	conflicts []Conflict
}

// bring stores children: new ones, changed ones, and those that change hands. A ref that occurs twice counts once.
func (t *tx) bring(from source, children []Child) (arrived, error) {
	result := arrived{ids: make([]int64, len(children))}
	if len(children) == 0 {
		return result, nil
	}
	have, err := t.knownByRef(refsOf(children))
	if err != nil {
		return result, err
	}
	var contested []int64
	for i := range children {
		if k, ok := have[children[i].Ref]; ok && !mayWrite(k, children[i].LocationKey) {
			contested = append(contested, k.id)
		}
	}
	free, err := t.abandoned(from, contested)
	if err != nil {
		return result, err
	}
	now := t.now.UnixMilli()
	states := newRows("uid text", "ref text", "key text", "hash text", "next bigint", "result text", "as_is bigint", "took bigint", "done bigint")
	changed := newRows("id bigint", "key text", "hash text")
	decided := newRows("id bigint", "key text", "hash text", "next bigint", "result text", "as_is bigint", "took bigint") // changed, and processed
	bodies, processed := newRows("id bigint", "body text", "positions text"), newRows("id bigint", "body text", "positions text", "processed text")
	addBody := func(id int64, c *Child) {
		switch {
		case c.Outcome == nil:
			bodies.add(id, c.Body, optional(c.Positions))
		case c.Outcome.AsIs:
			processed.add(id, c.Body, optional(c.Positions), (*string)(nil))
		default:
			processed.add(id, c.Body, optional(c.Positions), &c.Outcome.Body)
		}
	}
	seen := map[string]bool{}
	var outcomes, changes Finished // of new entities, and of changed ones
	var fresh []int
	var good []int64 // whose unprocessed body is the last good one, too
	for i := range children {
		c := &children[i]
		k, ok := have[c.Ref]
		switch {
		case seen[c.Ref]:
		case !ok:
			if o := c.Outcome; o != nil {
				states.add(newUID(), c.Ref, optional(c.LocationKey), c.Hash, t.clock.stored(o.Next), o.Hash, o.AsIs, o.Took.Microseconds(), now)
			} else {
				states.add(newUID(), c.Ref, optional(c.LocationKey), c.Hash, now, (*string)(nil), false, (*int64)(nil), (*int64)(nil))
			}
			fresh = append(fresh, i)
		case !mayWrite(k, c.LocationKey) && !free[k.id]:
			result.conflicts = append(result.conflicts, Conflict{Ref: c.Ref, LocationKey: c.LocationKey, Owner: *k.key})
		default:
			result.ids[i] = k.id
			if k.hash != c.Hash || k.key == nil && c.LocationKey != "" || k.key != nil && *k.key != c.LocationKey {
				addBody(k.id, c)
				switch o := c.Outcome; {
				case o != nil:
					o.ID, o.Kept = k.id, true
					decided.add(k.id, optional(c.LocationKey), c.Hash, t.clock.stored(o.Next), o.Hash, o.AsIs, o.Took.Microseconds())
					changes = append(changes, o)
				case k.asIs:
					good = append(good, k.id)
					fallthrough
				default:
					changed.add(k.id, optional(c.LocationKey), c.Hash)
				}
			}
		}
		seen[c.Ref] = true
	}
	made := map[string]int64{}
	err = t.query(`insert into refresh_state (uid, entity_ref, location_key, unprocessed_hash, next_update_at, created_at, result_hash, as_is, took_us, attempted_at, succeeded_at)
		select r.uid, r.ref, r.key, r.hash, r.next, cast($1 as bigint), r.result, r.as_is, r.took, r.done, r.done from {rows} where true on conflict (entity_ref) do nothing returning id, entity_ref`, states, []any{now}, func(row *sqlx.Rows) error {
		var id int64
		var ref string
		err := row.Scan(&id, &ref)
		made[ref] = id
		return err
	})
	if err != nil {
		return result, err
	}
	if len(made) < states.n {
		return result, errTryAgain
	}
	for _, i := range fresh {
		c := &children[i]
		result.ids[i] = made[c.Ref]
		addBody(result.ids[i], c)
		if c.Outcome != nil {
			c.Outcome.ID = result.ids[i]
			outcomes = append(outcomes, c.Outcome)
		}
	}
	if len(good) > 0 {
		if _, err := t.ExecContext(t.ctx, `update entity_bodies set processed = unprocessed where `+t.in("id", 1), t.ids(good)); err != nil {
			return result, err
		}
	}
	if err := t.exec(`update refresh_state set location_key = r.key, unprocessed_hash = r.hash, as_is = 0, next_update_at = $1, revision = revision + 1 from {rows} where refresh_state.id = r.id`, changed, now); err != nil {
		return result, err
	}
	if err := t.exec(`update refresh_state set location_key = r.key, unprocessed_hash = r.hash, next_update_at = r.next, revision = revision + 1, claimed_until = 0, claimed_by = null, attempted_at = $1, succeeded_at = $1, took_us = r.took,
		result_hash = r.result, errors = null, failures = 0, as_is = r.as_is from {rows} where refresh_state.id = r.id`, decided, now); err != nil {
		return result, err
	}
	if err := t.exec(`insert into entity_bodies (id, unprocessed, positions) select r.id, r.body, r.positions from {rows} where true
		on conflict (id) do update set unprocessed = excluded.unprocessed, positions = excluded.positions`, bodies); err != nil {
		return result, err
	}
	if err := t.exec(`insert into entity_bodies (id, unprocessed, positions, processed) select r.id, r.body, r.positions, r.processed from {rows} where true
		on conflict (id) do update set unprocessed = excluded.unprocessed, positions = excluded.positions, processed = excluded.processed, cache = null`, processed); err != nil {
		return result, err
	}
	if err := t.leave(from, free, have, children); err != nil {
		return result, err
	}
	if err := t.noteConflicts(from, result.conflicts, children, have); err != nil {
		return result, err
	}
	t.stitchIDs(outcomes.ids())
	if err := t.relate(outcomes, nil); err != nil {
		return result, err
	}
	t.stitchIDs(changes.ids())
	return result, t.conclude(changes)
}

func (t *tx) knownByRef(refs []string) (map[string]known, error) {
	have := make(map[string]known, len(refs))
	err := t.collect(`select id, entity_ref, unprocessed_hash, location_key, orphan_since, as_is, exists (select 1 from conflicts c where c.entity_ref = refresh_state.entity_ref) from refresh_state where `+t.in("entity_ref", 1)+` order by id`+t.dialect.ForUpdate(), []any{t.texts(refs)}, func(row *sqlx.Rows) error {
		var k known
		var ref string
		err := row.Scan(&k.id, &ref, &k.hash, &k.key, &k.orphan, &k.asIs, &k.wanted)
		have[ref] = k
		return err
	})
	return have, err
}

// mayWrite tells whether a source with that key may write the entity. What nothing leads to any more is anybody's.
func mayWrite(k known, key string) bool {
	return k.key == nil || *k.key == key || k.orphan != nil
}

// abandoned returns which of the entities may change hands although they have a key: those whose file is gone, and those that the same provider brings under another key.
func (t *tx) abandoned(from source, ids []int64) (map[int64]bool, error) {
	free := map[int64]bool{}
	if len(ids) == 0 {
		return free, nil
	}
	take := func(row *sqlx.Rows) error {
		var id int64
		err := row.Scan(&id)
		free[id] = true
		return err
	}
	if from.key != "" {
		err := t.collect(`select target_id from root_edges where source_key = $2 and `+t.in("target_id", 1), []any{t.ids(ids), from.key}, take)
		if err != nil {
			return nil, err
		}
	}
	err := t.collect(`select e.target_id from child_edges e join target_files f on f.source_id = e.source_id and f.file = e.via where f.missing = 1 and `+t.in("e.target_id", 1), []any{t.ids(ids)}, take)
	return free, err
}

// leave removes what led to entities that changed hands.
func (t *tx) leave(from source, free map[int64]bool, have map[string]known, children []Child) error {
	if len(free) == 0 {
		return nil
	}
	var ids []int64
	for i := range children {
		if k, ok := have[children[i].Ref]; ok && free[k.id] {
			ids = append(ids, k.id)
		}
	}
	if _, err := t.ExecContext(t.ctx, `delete from child_edges where `+t.in("target_id", 1)+` and not (source_id = $2 and via = $3)`, t.ids(ids), from.id, from.via); err != nil {
		return err
	}
	_, err := t.ExecContext(t.ctx, `delete from root_edges where `+t.in("target_id", 1)+` and source_key <> $2`, t.ids(ids), from.key)
	return err
}

// noteConflicts replaces what is known of a source's conflicts over these children.
func (t *tx) noteConflicts(from source, conflicts []Conflict, children []Child, have map[string]known) error {
	wanted := map[string][]string{} // by key
	for i := range children {
		c := &children[i]
		if k, ok := have[c.Ref]; !ok || k.wanted {
			wanted[c.LocationKey] = append(wanted[c.LocationKey], c.Ref)
		}
	}
	for key, refs := range wanted {
		if err := t.settleConflicts(`location_key = $2 and `+t.in("entity_ref", 1), t.texts(refs), key); err != nil {
			return err
		}
	}
	if len(conflicts) == 0 {
		return nil
	}
	noted := newRows("ref text", "key text", "id bigint", "source text")
	var contested []string
	for _, c := range conflicts {
		var id *int64
		if from.id != 0 {
			id = &from.id
		}
		noted.add(c.Ref, c.LocationKey, id, optional(from.key))
		contested = append(contested, c.Ref)
	}
	err := t.exec(`insert into conflicts (entity_ref, location_key, source_id, source_key, reported_at) select r.ref, r.key, r.id, r.source, cast($1 as bigint) from {rows} where true
		on conflict (entity_ref, location_key) do update set source_id = excluded.source_id, source_key = excluded.source_key`, noted, t.now.UnixMilli())
	if err != nil {
		return err
	}
	t.stitchRefs(contested)
	return nil
}

// settleConflicts forgets conflicts that are none any more because their source does not bring the entities. condition is about the columns of conflicts.
func (t *tx) settleConflicts(condition string, args ...any) error {
	var settled []string
	err := t.collect(`delete from conflicts where `+condition+` returning entity_ref`, args, func(row *sqlx.Rows) error {
		var ref string
		err := row.Scan(&ref)
		settled = append(settled, ref)
		return err
	})
	if err != nil {
		return err
	}
	t.stitchRefs(settled)
	return nil
}

func refsOf(children []Child) []string {
	refs := make([]string, len(children))
	for i := range children {
		refs[i] = children[i].Ref
	}
	return refs
}

// stitchRefs queues entities to be put together again, once what the transaction does is done: often many ask for the same one.
func (t *tx) stitchRefs(refs []string) { t.queueRefs = append(t.queueRefs, refs...) }

// stitchIDs is stitchRefs by other names.
func (t *tx) stitchIDs(ids []int64) { t.queueIDs = append(t.queueIDs, ids...) }

// queue writes down what stitchRefs and stitchIDs were asked for. On PostgreSQL it matters that there is an update: it waits for a stitcher that has just taken the entry and is about to delete it, where "do nothing" would leave
// that entry to it and lose this one.
func (t *tx) queue() error {
	if len(t.queueRefs) == 0 && len(t.queueIDs) == 0 {
		return nil
	}
	_, err := t.ExecContext(t.ctx, `insert into stitch_queue (entity_id, due_at) select id, cast($3 as bigint) from (select id from refresh_state where `+t.in("entity_ref", 1)+` union select id from refresh_state where `+t.in("id", 2)+`) as asked where true order by id
		on conflict (entity_id) do update set ticket = stitch_queue.ticket + 1`, t.texts(distinct(t.queueRefs)), t.ids(distinct(t.queueIDs)), t.now.UnixMilli())
	t.queueRefs, t.queueIDs = nil, nil
	return err
}

func distinct[T cmp.Ordered](values []T) []T {
	slices.Sort(values)
	return slices.Compact(values)
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// newUID makes a random UUID.
func newUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
