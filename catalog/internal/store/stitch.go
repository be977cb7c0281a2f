package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

// Parts are what an entity is put together from.
type Parts struct {
	ID        int64
	Ref       string
	UID       string
	Body      string // processed
	Relations []Relation
	Errors    []string   // of its processing and of what it read, each a JSON array; in order
	Faults    []string   // why the present version in its file cannot be used, each a JSON value
	Conflicts []Conflict // sources that bring it although they may not
	Orphan    bool

	hash    string // of the final entity there is
	created int64
}

// Final is a final entity.
type Final struct {
	Hash string // of its content; the store skips what did not change
	ETag string
	Body []byte // as it is served

	// Fault says, as a JSON array, why the entity cannot be put together. Nothing else counts then: what is stored stays as it is, the entity's record has the fault, and it is tried again after a pause.
	Fault string
}

// Change is an entry of the change log, with the entity.
type Change struct {
	Seq  int64
	At   int64 // milliseconds since 1970
	Op   string
	Ref  string
	UID  string
	ETag string
	Body []byte // as it is now, which may be after later changes; nil: it is gone
}

// The operations of a [Change].
const (
	OpCreate = "create"
	OpUpdate = "update"
	OpDelete = "delete"
)

// Causes of changes.
const (
	CauseIngested = "ingested"
	CauseRemoved  = "removed"
)

// Stitch puts up to n queued entities together with assemble, and returns what changed, in order. assemble is given only entities that were processed at least once.
// With onlyNew, entities that have been put together before stay in the queue. So do, for a while after they were put together, those with very many relations.
//
// On PostgreSQL all of it is one transaction, which holds on to the entries of the queue, so that replicas take different ones. On SQLite, where a transaction that writes keeps everybody else from writing, reading and assembling
// come before it; an entry that was queued again meanwhile stays.
func (s *Store) Stitch(ctx context.Context, n int, onlyNew bool, assemble func(*Parts) Final) (taken int, changes []Change, err error) {
	var waiting bool
	if err := s.db.GetContext(ctx, &waiting, `select exists (select 1 from stitch_queue)`); err != nil || !waiting {
		return 0, nil, err
	}
	resting := s.resting.ids(time.Now())
	var batch stitched
	if s.dialect == database.Postgres {
		err = s.write(ctx, "stitch entities", func(t *tx) error {
			if batch, err = t.takeQueued(n, resting, onlyNew, assemble); err != nil {
				return err
			}
			changes, err = t.putFinals(batch)
			return err
		})
	} else {
		err = s.read(ctx, "stitch entities", func(t *tx) error {
			batch, err = t.takeQueued(n, resting, onlyNew, assemble)
			return err
		})
		if err == nil && len(batch.entries) > 0 {
			err = s.write(ctx, "stitch entities", func(t *tx) error {
				changes, err = t.putFinals(batch)
				return err
			})
		}
	}
	if err != nil {
		return 0, nil, err
	}
	s.resting.note(batch.parts, time.Now())
	return len(batch.entries), changes, nil
}

// stitched are entries of the queue, and what their entities have become.
type stitched struct {
	entries map[int64]int64 // ticket by entity
	parts   []*Parts
	finals  []Final
}

// againAfter is the pause before an entity is tried again that could not be put together.
const againAfter = time.Minute

// takeQueued puts queued entities together.
func (t *tx) takeQueued(n int, resting []int64, onlyNew bool, assemble func(*Parts) Final) (stitched, error) {
	batch := stitched{entries: map[int64]int64{}}
	condition := ``
	if onlyNew {
		condition = ` and (select f.id from final_entities f where f.id = q.entity_id) is null` // no join, which could go through all of them
	}
	text := `select q.entity_id, q.ticket from stitch_queue q where not (` + t.in("q.entity_id", 2) + `)` + condition + ` order by q.entity_id limit $1`
	if t.postgres() {
		// Whoever removes an entity has to wait, too, so that it sees what is to be removed. One that somebody is working on stays in the queue. Without "lateral" it could be a join that goes through all entities there are.
		text = `select q.entity_id, q.ticket from (` + text + ` for update skip locked) as q cross join lateral (select 1 from refresh_state s where s.id = q.entity_id for key share skip locked) as there`
	}
	var ids []int64
	err := t.collect(text, []any{n, t.ids(resting)}, func(row *sqlx.Rows) error {
		var id, ticket int64
		err := row.Scan(&id, &ticket)
		batch.entries[id] = ticket
		ids = append(ids, id)
		return err
	})
	if err != nil || len(ids) == 0 {
		return batch, err
	}
	if batch.parts, err = t.parts(ids); err != nil {
		return batch, err
	}
	batch.finals = make([]Final, len(batch.parts))
	for i, p := range batch.parts {
		batch.finals[i] = assemble(p)
	}
	return batch, nil
}

// putFinals stores what entities have become, and takes them out of the queue.
func (t *tx) putFinals(batch stitched) ([]Change, error) {
	entries := newRows("id bigint", "ticket bigint")
	for id, ticket := range batch.entries {
		entries.add(id, ticket)
	}
	done := make(map[int64]bool, len(batch.entries))
	err := t.query(`delete from stitch_queue where (entity_id, ticket) in (select r.id, r.ticket from {rows}) returning entity_id`, entries, nil, func(row *sqlx.Rows) error {
		var id int64
		err := row.Scan(&id)
		done[id] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	var written []int
	failed := newRows("id bigint", "fault text")
	for i, p := range batch.parts {
		switch f := batch.finals[i]; {
		case !done[p.ID]:
		case f.Fault != "":
			failed.add(p.ID, f.Fault)
		case f.Hash != p.hash:
			written = append(written, i)
		}
	}
	// Its outcome is forgotten, so that it is put together again whatever processing makes of it.
	err = t.exec(`update refresh_state set errors = r.fault, failures = failures + 1, result_hash = null, revision = revision + 1, next_update_at = cast($1 as bigint) from {rows} where refresh_state.id = r.id`, failed, t.now.Add(againAfter).UnixMilli())
	if err != nil {
		return nil, err
	}
	if len(written) == 0 {
		return nil, nil
	}
	// Late, because it makes other replicas wait: numbers are given in the order of commits, and without gaps.
	seq, err := t.takeNumbers(len(written))
	if err != nil {
		return nil, err
	}
	now := t.now.UnixMilli()
	bodies := newRows("id bigint", "ref text", "uid text", "hash text", "body text", "seq bigint", "created bigint")
	log := newRows("seq bigint", "op text", "ref text", "uid text", "etag text")
	changes := make([]Change, 0, len(written))
	for n, i := range written {
		p, f := batch.parts[i], batch.finals[i]
		change := Change{Seq: seq + int64(n), At: now, Op: OpUpdate, Ref: p.Ref, UID: p.UID, ETag: f.ETag, Body: f.Body}
		if p.hash == "" {
			change.Op = OpCreate
		}
		bodies.add(p.ID, p.Ref, p.UID, f.Hash, string(f.Body), change.Seq, p.created)
		log.add(change.Seq, change.Op, change.Ref, change.UID, change.ETag)
		changes = append(changes, change)
	}
	err = t.exec(`insert into final_entities (id, entity_ref, uid, hash, body, seq, created_at, updated_at) select r.id, r.ref, r.uid, r.hash, r.body, r.seq, r.created, cast($1 as bigint) from {rows} where true
		on conflict (id) do update set hash = excluded.hash, body = excluded.body, seq = excluded.seq, updated_at = excluded.updated_at`, bodies, now)
	if err != nil {
		return nil, err
	}
	return changes, t.log(log, CauseIngested)
}

func (t *tx) log(entries *rows, cause string) error {
	return t.exec(`insert into change_log (seq, at, op, entity_ref, uid, etag, cause) select r.seq, cast($1 as bigint), r.op, r.ref, r.uid, r.etag, cast($2 as text) from {rows}`, entries, t.now.UnixMilli(), cause)
}

// takeNumbers takes n numbers of the change log and returns the first. Until the transaction ends nobody else gets any, so readers meet them in order.
func (t *tx) takeNumbers(n int) (int64, error) {
	// A stitcher holds entries of the queue when it takes numbers: the other way round, the two would wait for each other.
	if err := t.queue(); err != nil {
		return 0, err
	}
	var last int64
	err := t.collect(`update counters set value = value + $1 where name = 'change' returning value`, []any{n}, func(row *sqlx.Rows) error { return row.Scan(&last) })
	return last - int64(n) + 1, err
}

// parts collects what entities are put together from.
func (t *tx) parts(ids []int64) ([]*Parts, error) {
	var parts []*Parts
	byID, byRef := map[int64]*Parts{}, map[string]*Parts{}
	var hashes []int64
	arg := t.ids(ids)
	err := t.collect(`select s.id, s.entity_ref, s.uid, s.created_at, s.orphan_since is not null, coalesce(s.errors, ''), case when s.as_is = 1 then b.unprocessed else b.processed end, coalesce(f.hash, '')
		from refresh_state s join entity_bodies b on b.id = s.id left join final_entities f on f.id = s.id where (s.as_is = 1 or b.processed is not null) and `+t.in("s.id", 1), []any{arg}, func(row *sqlx.Rows) error {
		p := &Parts{}
		var errors string
		if err := row.Scan(&p.ID, &p.Ref, &p.UID, &p.created, &p.Orphan, &errors, &p.Body, &p.hash); err != nil {
			return err
		}
		if errors != "" {
			p.Errors = append(p.Errors, errors)
		}
		parts = append(parts, p)
		byID[p.ID], byRef[p.Ref] = p, p
		hashes = append(hashes, refHash(p.Ref))
		return nil
	})
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	if err := t.relations(byRef, hashes); err != nil {
		return nil, err
	}
	// What is wrong, in one question, since most of the time nothing is.
	const target, file, child, conflict = 1, 2, 3, 4
	err = t.collect(`select 1, source_id, target, '', fault from targets where fault is not null and `+t.in("source_id", 1)+`
		union all select 2, source_id, target, file, faults from target_files where faults is not null and `+t.in("source_id", 1)+`
		union all select 3, target_id, '', '', fault from child_edges where fault is not null and `+t.in("target_id", 1)+`
		union all select 4, s.id, c.location_key, coalesce(s.location_key, ''), '' from refresh_state s join conflicts c on c.entity_ref = s.entity_ref where `+t.in("s.id", 1)+`
		order by 1, 2, 3, 4`, []any{arg}, func(row *sqlx.Rows) error {
		var what, id int64
		var first, second, text string
		if err := row.Scan(&what, &id, &first, &second, &text); err != nil {
			return err
		}
		p := byID[id]
		switch {
		case p == nil:
		case what == target, what == file:
			p.Errors = append(p.Errors, text)
		case what == child:
			p.Faults = append(p.Faults, text)
		case what == conflict:
			p.Conflicts = append(p.Conflicts, Conflict{Ref: p.Ref, LocationKey: first, Owner: second})
		}
		return nil
	})
	return parts, err
}

// relations adds to entities how they are related, by hash of their refs.
func (t *tx) relations(byRef map[string]*Parts, hashes []int64) error {
	// Joined to one row per entity, since most of what a row costs does not depend on its length.
	joined := `group_concat(source_ref || char(29) || edges, char(28))`
	if t.postgres() {
		joined = `string_agg(source_ref || chr(29) || edges, chr(28))`
	}
	err := t.collect(`select `+joined+` from relations where `+t.in("source_hash", 1)+` group by source_hash`, []any{t.ids(hashes)}, func(row *sqlx.Rows) error {
		var text string
		if err := row.Scan(&text); err != nil {
			return err
		}
		for row := range strings.SplitSeq(text, "\x1c") {
			source, edges, _ := strings.Cut(row, "\x1d")
			p := byRef[source]
			if p == nil {
				continue // another one with the same hash
			}
			for edge := range strings.SplitSeq(edges, betweenEdges) {
				kind, target, _ := strings.Cut(edge, withinEdge)
				p.Relations = append(p.Relations, Relation{p.Ref, kind, target})
			}
		}
		return nil
	})
	for _, p := range byRef {
		slices.SortFunc(p.Relations, func(a, b Relation) int {
			return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Target, b.Target))
		})
		p.Relations = slices.Compact(p.Relations) // two entities can say the same
	}
	return err
}
