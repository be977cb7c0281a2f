package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
)

// Op is one hand-over, for [Store.Write].
type Op interface{ apply(t *tx) error }

// Write does several hand-overs in one transaction: all of them, or none.
func (s *Store) Write(ctx context.Context, ops ...Op) error {
	return s.write(ctx, "hand over", func(t *tx) error {
		for _, op := range ops {
			if err := op.apply(t); err != nil {
				return err
			}
		}
		return nil
	})
}

var (
	_ Op = (*ReadFile)(nil)
	_ Op = (*ReadTarget)(nil)
	_ Op = Finished(nil)
)

// ReadFile hands over what a file of a Location entity holds. A file that could not be read keeps its children.
type ReadFile struct {
	SourceID  int64  // of the Location entity
	Target    string // of the entity's spec, as a location
	File      string // a location
	Hash      string // of the content, and of what decided about it
	Unread    bool   // the file could not be read
	Missing   bool   // because it does not exist
	Faults    string // what is wrong with the file and its documents, as JSON; empty: nothing
	Documents int
	Children  []Child

	// Keep names children that a document seems to be about that cannot be used, with the reason as JSON: their last good version stays. KeepAll keeps every child of the file, because of a document that could be any of them.
	Keep    map[string]string
	KeepAll bool

	// Conflicts and NewFaults are set by Write: children that belong to somebody else, and whether Faults differs from what it was.
	Conflicts []Conflict
	NewFaults bool
}

func (f *ReadFile) apply(t *tx) error {
	f.Conflicts, f.NewFaults = nil, false
	if there, err := t.there(f.SourceID); err != nil || !there {
		return err
	}
	from := source{id: f.SourceID, via: f.File}
	var before struct {
		Faults  *string
		Missing bool
	}
	err := t.collect(`select faults, missing from target_files where source_id = $1 and target = $2 and file = $3`, []any{f.SourceID, f.Target, f.File}, func(row *sqlx.Rows) error {
		return row.Scan(&before.Faults, &before.Missing)
	})
	if err != nil {
		return err
	}
	f.NewFaults = !same(before.Faults, optional(f.Faults))
	hash := f.Hash
	if !f.Unread {
		result, err := t.bring(from, f.Children)
		if err != nil {
			return err
		}
		f.Conflicts = result.conflicts
		if len(f.Conflicts) > 0 {
			hash = "" // who may write them can change without the file
		}
		if !f.KeepAll {
			still := append(refsOf(f.Children), slices.Collect(maps.Keys(f.Keep))...)
			if err := t.settleConflicts(`source_id = $1 and location_key = $2 and not (`+t.in("entity_ref", 3)+`)`, f.SourceID, f.File, t.texts(still)); err != nil {
				return err
			}
		}
		want := map[int64]edge{}
		for i, id := range result.ids {
			if id != 0 {
				want[id] = edge{line: f.Children[i].Line}
			}
		}
		if err := t.keep(f, from, want); err != nil {
			return err
		}
		if err := t.setChildEdges(from, want); err != nil {
			return err
		}
	}
	_, err = t.ExecContext(t.ctx, `insert into target_files (source_id, target, file, hash, faults, missing, documents, read_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (source_id, target, file) do update set hash = excluded.hash, faults = excluded.faults, missing = excluded.missing, documents = excluded.documents, read_at = excluded.read_at`,
		f.SourceID, f.Target, f.File, hash, optional(f.Faults), number(f.Missing), f.Documents, t.now.UnixMilli())
	if err != nil {
		return err
	}
	if f.Missing && !before.Missing {
		err = t.askContenders(`select c.source_id from conflicts c join refresh_state s on s.entity_ref = c.entity_ref join child_edges e on e.target_id = s.id
			where c.source_id is not null and e.source_id = $1 and e.via = $2`, f.SourceID, f.File)
		if err != nil {
			return err
		}
	}
	if f.NewFaults {
		t.stitchIDs([]int64{f.SourceID})
	}
	return nil
}

// there reports whether an entity still exists, and sees to it that it does until the transaction ends.
func (t *tx) there(id int64) (there bool, err error) {
	err = t.collect(`select 1 from refresh_state where id = $1`+t.dialect.ForUpdate(), []any{id}, func(*sqlx.Rows) error {
		there = true
		return nil
	})
	return there, err
}

// keep adds to want the edges of children that stay although the file's present content does not bring them.
func (t *tx) keep(f *ReadFile, from source, want map[int64]edge) error {
	if !f.KeepAll && len(f.Keep) == 0 {
		return nil
	}
	return t.collect(`select e.target_id, s.entity_ref, e.line from child_edges e join refresh_state s on s.id = e.target_id where e.source_id = $1 and e.via = $2`, []any{from.id, from.via}, func(row *sqlx.Rows) error {
		var id int64
		var ref string
		var line int
		if err := row.Scan(&id, &ref, &line); err != nil {
			return err
		}
		fault, hinted := f.Keep[ref]
		if _, brought := want[id]; !brought && (f.KeepAll || hinted) {
			want[id] = edge{line: line, fault: optional(fault)}
		}
		return nil
	})
}

// ReadTarget completes the reading of a target of a Location entity, after its files.
type ReadTarget struct {
	SourceID int64
	Target   string // a location, perhaps a pattern
	ETag     string
	Fault    string // why it could not be read, as JSON; its files and their children then stay
	Missing  bool
	Files    []string // that it stands for now; others are forgotten, with what they brought
	Took     time.Duration

	NewFault bool // set by Write: whether Fault differs from what it was
}

func (r *ReadTarget) apply(t *tx) error {
	if there, err := t.there(r.SourceID); err != nil || !there {
		return err
	}
	var before *string
	err := t.collect(`select fault from targets where source_id = $1 and target = $2`, []any{r.SourceID, r.Target}, func(row *sqlx.Rows) error { return row.Scan(&before) })
	if err != nil {
		return err
	}
	r.NewFault = !same(before, optional(r.Fault))
	_, err = t.ExecContext(t.ctx, `insert into targets (source_id, target, etag, fault, missing, read_at, took_us) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (source_id, target) do update set etag = excluded.etag, fault = excluded.fault, missing = excluded.missing, read_at = excluded.read_at, took_us = excluded.took_us`,
		r.SourceID, r.Target, r.ETag, optional(r.Fault), number(r.Missing), t.now.UnixMilli(), r.Took.Microseconds())
	if err != nil {
		return err
	}
	if r.NewFault {
		t.stitchIDs([]int64{r.SourceID})
	}
	if r.Fault != "" {
		if !r.Missing {
			return nil
		}
		if _, err := t.ExecContext(t.ctx, `update target_files set missing = 1, hash = '' where source_id = $1 and target = $2`, r.SourceID, r.Target); err != nil {
			return err
		}
		return t.askContenders(`select c.source_id from conflicts c join refresh_state s on s.entity_ref = c.entity_ref join child_edges e on e.target_id = s.id join target_files f on f.source_id = e.source_id and f.file = e.via
			where c.source_id is not null and f.source_id = $1 and f.target = $2 and f.missing = 1`, r.SourceID, r.Target)
	}
	return t.forgetFiles(r.SourceID, fmt.Sprintf(`target = $2 and not (%s)`, t.in("file", 3)), r.Target, t.texts(r.Files))
}

// forgetFiles removes files of a Location entity, and the edges that led through them unless another of its targets has the file too. Arguments of the condition start at $2.
func (t *tx) forgetFiles(sourceID int64, condition string, args ...any) error {
	var files []string
	err := t.collect(`delete from target_files where source_id = $1 and `+condition+` returning file`, append([]any{sourceID}, args...), func(row *sqlx.Rows) error {
		var file string
		err := row.Scan(&file)
		files = append(files, file)
		return err
	})
	if err != nil || len(files) == 0 {
		return err
	}
	err = t.settleConflicts(`source_id = $1 and `+t.in("location_key", 2)+` and location_key not in (select file from target_files where source_id = $1)`, sourceID, t.texts(files))
	if err != nil {
		return err
	}
	var gone []int64
	err = t.collect(`delete from child_edges where source_id = $1 and `+t.in("via", 2)+` and via not in (select file from target_files where source_id = $1) returning target_id`, []any{sourceID, t.texts(files)}, scanID(&gone))
	if err != nil || len(gone) == 0 {
		return err
	}
	return t.lost(gone)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Reading is what is known of a Location entity's targets.
type Reading struct {
	ETags map[string]string            // by target
	Files map[string]map[string]string // hashes, by target and file
}

// Reading returns what earlier readings of a Location entity found.
func (s *Store) Reading(ctx context.Context, sourceID int64) (Reading, error) {
	found := Reading{ETags: map[string]string{}, Files: map[string]map[string]string{}}
	err := s.read(ctx, "look up what was read", func(t *tx) error {
		err := t.collect(`select target, etag from targets where source_id = $1`, []any{sourceID}, func(row *sqlx.Rows) error {
			var target, etag string
			err := row.Scan(&target, &etag)
			found.ETags[target] = etag
			return err
		})
		if err != nil {
			return err
		}
		return t.collect(`select target, file, hash from target_files where source_id = $1`, []any{sourceID}, func(row *sqlx.Rows) error {
			var target, file, hash string
			err := row.Scan(&target, &file, &hash)
			if found.Files[target] == nil {
				found.Files[target] = map[string]string{}
			}
			found.Files[target][file] = hash
			return err
		})
	})
	return found, err
}

// Hashes returns the hashes of what a file of a Location entity brought when it was last read, as it is stored now, by ref.
func (s *Store) Hashes(ctx context.Context, sourceID int64, file string) (map[string]string, error) {
	hashes := map[string]string{}
	err := collect(ctx, s.db, `select s.entity_ref, s.unprocessed_hash from child_edges e join refresh_state s on s.id = e.target_id where e.source_id = $1 and e.via = $2`, []any{sourceID, file}, func(row *sqlx.Rows) error {
		var ref, hash string
		err := row.Scan(&ref, &hash)
		hashes[ref] = hash
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up what %s brought: %w", file, err)
	}
	return hashes, nil
}
