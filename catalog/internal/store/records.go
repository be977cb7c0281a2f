package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
)

// Problem is something that went wrong with an entity, or with what a Location entity reads.
type Problem struct {
	Ref    string // of the entity, or of the Location entity
	Place  string // what was read; empty if it is about the entity itself
	Errors string // JSON array
}

// Problems returns up to limit of what is wrong at present, in the order of entities.
func (s *Store) Problems(ctx context.Context, limit int) ([]Problem, error) {
	problems := []Problem{}
	err := collect(ctx, s.db, `select s.entity_ref, '' as place, s.errors as errors, s.id as id from refresh_state s where s.errors is not null
		union all select s.entity_ref, t.target, t.fault, s.id from targets t join refresh_state s on s.id = t.source_id where t.fault is not null
		union all select s.entity_ref, f.file, f.faults, s.id from target_files f join refresh_state s on s.id = f.source_id where f.faults is not null
		union all select c.entity_ref, c.location_key, '', 0 from conflicts c
		order by 4, 2 limit $1`, []any{limit}, func(row *sqlx.Rows) error {
		var p Problem
		var id int64
		err := row.Scan(&p.Ref, &p.Place, &p.Errors, &id)
		problems = append(problems, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what went wrong: %w", err)
	}
	return problems, nil
}

// Record tells how the catalog fares with an entity, whether or not anybody can see it.
type Record struct {
	Ref         string
	UID         string
	LocationKey string
	Sources     []Source // what brings it; none: it is an orphan
	OrphanSince time.Time
	Errors      string // of the last processing, as JSON; empty: none
	Created     time.Time
	Attempted   time.Time // zero: not yet
	Succeeded   time.Time // zero: never
	Next        time.Time // zero: when it changes
	Took        time.Duration
	Failures    int // in a row
	Visible     bool
	Updated     time.Time // of what is visible
	Conflicts   []Conflict
	Targets     []RecordTarget // of a Location entity
}

// RecordTarget is what a Location entity points to.
type RecordTarget struct {
	Target  string // a location, perhaps a pattern
	Fault   string // why it could not be read, as JSON; empty: it could
	Missing bool
	Read    time.Time // when there was last something to read
	Took    time.Duration
	Files   []RecordFile
}

// RecordFile is a file that a target stands for.
type RecordFile struct {
	File      string // a location
	Faults    string // as JSON; empty: none
	Missing   bool
	Documents int
	Read      time.Time
}

// Source is what brings an entity.
type Source struct {
	Provider string // a provider's name, or
	Ref      string // an entity,
	File     string // through a file; empty: by itself
	Line     int    // in the file; 0: unknown
}

// Record returns the record of an entity; false if the catalog never heard of it.
func (s *Store) Record(ctx context.Context, ref string) (r Record, found bool, err error) {
	err = s.read(ctx, "look up the record of "+ref, func(t *tx) error {
		var id int64
		err := t.collect(`select s.id, s.entity_ref, s.uid, coalesce(s.location_key, ''), coalesce(s.orphan_since, 0), coalesce(s.errors, ''), s.created_at, coalesce(s.attempted_at, 0), coalesce(s.succeeded_at, 0), s.next_update_at,
			coalesce(s.took_us, 0), s.failures, f.id is not null, coalesce(f.updated_at, 0) from refresh_state s left join final_entities f on f.id = s.id where s.entity_ref = $1`, []any{ref}, func(row *sqlx.Rows) error {
			var orphan, created, attempted, succeeded, next, took, updated int64
			err := row.Scan(&id, &r.Ref, &r.UID, &r.LocationKey, &orphan, &r.Errors, &created, &attempted, &succeeded, &next, &took, &r.Failures, &r.Visible, &updated)
			r.OrphanSince, r.Created, r.Attempted, r.Succeeded, r.Next, r.Updated = fromMillis(orphan), fromMillis(created), fromMillis(attempted), fromMillis(succeeded), fromMillis(next), fromMillis(updated)
			r.Took = time.Duration(took) * time.Microsecond
			found = true
			return err
		})
		if err != nil {
			return err
		}
		err = t.collect(`select location_key, coalesce(source_key, '') from conflicts where entity_ref = $1 order by location_key`, []any{ref}, func(row *sqlx.Rows) error {
			c := Conflict{Ref: ref, Owner: r.LocationKey}
			var provider string
			err := row.Scan(&c.LocationKey, &provider)
			r.Conflicts = append(r.Conflicts, c)
			return err
		})
		if err != nil || !found {
			return err
		}
		if err := t.collect(`select source_key from root_edges where target_id = $1 order by source_key`, []any{id}, func(row *sqlx.Rows) error {
			var source Source
			err := row.Scan(&source.Provider)
			r.Sources = append(r.Sources, source)
			return err
		}); err != nil {
			return err
		}
		if err := t.collect(`select s.entity_ref, e.via, e.line from child_edges e join refresh_state s on s.id = e.source_id where e.target_id = $1 order by 1, 2`, []any{id}, func(row *sqlx.Rows) error {
			var source Source
			err := row.Scan(&source.Ref, &source.File, &source.Line)
			r.Sources = append(r.Sources, source)
			return err
		}); err != nil {
			return err
		}
		r.Targets, err = t.targets(id)
		return err
	})
	return r, found, err
}

// targets returns what a Location entity points to, and the files of each.
func (t *tx) targets(id int64) ([]RecordTarget, error) {
	var targets []RecordTarget
	at := map[string]int{}
	err := t.collect(`select target, coalesce(fault, ''), missing, read_at, took_us from targets where source_id = $1 order by target`, []any{id}, func(row *sqlx.Rows) error {
		var target RecordTarget
		var read, took int64
		err := row.Scan(&target.Target, &target.Fault, &target.Missing, &read, &took)
		target.Read, target.Took = fromMillis(read), time.Duration(took)*time.Microsecond
		at[target.Target] = len(targets)
		targets = append(targets, target)
		return err
	})
	if err != nil {
		return nil, err
	}
	return targets, t.collect(`select target, file, coalesce(faults, ''), missing, documents, read_at from target_files where source_id = $1 order by target, file`, []any{id}, func(row *sqlx.Rows) error {
		var file RecordFile
		var target string
		var read int64
		err := row.Scan(&target, &file.File, &file.Faults, &file.Missing, &file.Documents, &read)
		file.Read = fromMillis(read)
		if i, ok := at[target]; ok { // else its first reading is not complete yet
			targets[i].Files = append(targets[i].Files, file)
		}
		return err
	})
}

// Processed reports whether an entity is processed and put together as it was last handed over, which one that is gone counts as; with the number of the last change then, and what is wrong with the entity, as JSON.
func (s *Store) Processed(ctx context.Context, ref string) (done bool, last int64, errors string, err error) {
	const question = `select c.value, coalesce(s.errors, ''), s.id is null or s.attempted_at is not null and s.next_update_at > $2 and s.claimed_until <= $2 and not exists (select 1 from stitch_queue q where q.entity_id = s.id)
		from counters c left join refresh_state s on s.entity_ref = $1 where c.name = 'change'`
	now, err := s.about(ctx, s.clock.process())
	if err != nil {
		return false, 0, "", fmt.Errorf("look up %s: %w", ref, err)
	}
	args := []any{ref, now}
	take := func(row *sqlx.Rows) error { return row.Scan(&last, &errors, &done) }
	err = collect(ctx, s.db, question, args, take)
	early := false
	if err == nil && done {
		early, err = s.seesUncommitted(ctx)
	}
	if err == nil && early {
		// What was seen may be a transaction's that is under way, so the answer is yes only when it is so afterwards.
		err = s.readCommitted(ctx, "look at what has become of an entity", func(t *tx) error {
			done = false
			return t.collect(question, args, take)
		})
	}
	if err != nil {
		return false, 0, "", fmt.Errorf("look up %s: %w", ref, err)
	}
	return done, last, errors, nil
}

// Unprocessed are the entities that were never processed, or whose last processing failed.
type Unprocessed struct {
	Place                              int64 // in the list
	ID, Ref, Body, LocationKey, Errors string
	Processed                          string
	NextUpdate, LastDiscovery          time.Time
	Attempted                          time.Time // zero: never
}

// Unprocessed lists up to limit of them after a place: those that failed, or those that wait for their first processing, and of these whose text, as the catalog writes JSON, has a part.
func (s *Store) Unprocessed(ctx context.Context, failed bool, part string, after int64, limit int) ([]Unprocessed, error) {
	condition := `s.attempted_at is null`
	if failed {
		condition = `s.errors is not null`
	}
	has := `instr(b.unprocessed, $3) > 0`
	if s.dialect == database.Postgres {
		has = `strpos(b.unprocessed, $3) > 0`
	}
	found := []Unprocessed{}
	err := collect(ctx, s.db, `select s.id, s.uid, s.entity_ref, b.unprocessed, coalesce(s.location_key, ''), coalesce(s.errors, ''), coalesce(b.processed, ''), s.next_update_at, s.created_at, coalesce(s.attempted_at, 0)
		from refresh_state s join entity_bodies b on b.id = s.id where s.id > $1 and `+condition+` and ($3 = '' or `+has+`) order by s.id limit $2`, []any{after, limit, part}, func(row *sqlx.Rows) error {
		var u Unprocessed
		var next, created, attempted int64
		err := row.Scan(&u.Place, &u.ID, &u.Ref, &u.Body, &u.LocationKey, &u.Errors, &u.Processed, &next, &created, &attempted)
		u.NextUpdate, u.LastDiscovery, u.Attempted = fromMillis(next), fromMillis(created), fromMillis(attempted)
		found = append(found, u)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list unprocessed entities: %w", err)
	}
	return found, nil
}

// RemoveUnprocessed removes an entity by its uid, whether or not anybody can see it. What still brings it does so again.
func (s *Store) RemoveUnprocessed(ctx context.Context, uid string) (changes []Change, err error) {
	err = s.write(ctx, "remove an unprocessed entity", func(t *tx) error {
		changes = nil
		var ids []int64
		if err := t.collect(`select id from refresh_state where uid = $1`, []any{uid}, scanID(&ids)); err != nil || len(ids) == 0 {
			return err
		}
		changes, err = t.removeForNow(ids[0])
		return err
	})
	return changes, err
}
