package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// brings makes processors' children of an entity those.
func (k *kit) brings(parent string, names ...string) {
	k.t.Helper()
	k.exec(`update refresh_state set next_update_at = 0, claimed_until = 0, revision = revision + 1 where entity_ref = $1`, "component:default/"+parent)
	claimed := k.claim()
	w := claimed[parent]
	for name, other := range claimed {
		if name != parent {
			k.ok(k.Release(k.t.Context(), []int64{other.ID}))
		}
	}
	r := result(w)
	r.Hash, r.Children = fmt.Sprint(w.Hash, names), children("", names...)
	k.ok(k.Write(k.t.Context(), store.Finished{r}))
}

func TestPruning(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "root", "other")
		k.brings("root", "a", "b")
		k.brings("a", "c")
		k.brings("c", "a") // a circle, which holds nobody
		k.brings("b", "shared")
		k.brings("other", "shared")
		k.process()
		k.stitch()
		k.wantVisible("a", "b", "c", "other", "root", "shared")
		k.provide("p", "other")
		k.wantVisible("other", "shared")
		k.provide("p")
		k.wantVisible()
		k.changes()
	})
}

func TestOrphans(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "root")
		k.brings("root", "a", "b")
		k.process()
		k.stitch()
		k.brings("root", "a")
		changes := k.stitch()
		if len(changes) != 1 || changes[0].Ref != "component:default/b" || !strings.Contains(string(changes[0].Body), `"orphan":true`) {
			t.Fatalf("changes: %+v", changes)
		}
		k.brings("root", "a", "b")
		if changes := k.stitch(); len(changes) != 1 || !strings.Contains(string(changes[0].Body), `"orphan":false`) {
			t.Errorf("back again: %+v", changes)
		}
		k.brings("root", "a")
		removed, err := k.RemoveOrphans(t.Context(), time.Now().Add(-time.Hour), 10)
		if err != nil || len(removed) != 0 {
			t.Errorf("removed before its time: %v, %v", removed, err)
		}
		removed, err = k.RemoveOrphans(t.Context(), time.Now().Add(time.Second), 10)
		if err != nil || len(removed) != 1 || removed[0].Op != store.OpDelete {
			t.Errorf("removed: %+v, %v", removed, err)
		}
		k.wantVisible("a", "root")
	})
}

// A source that may not write an entity is noted, and asked again as soon as it may.
func TestConflicts(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "one", "two")
		parents := k.claim()
		read := func(parent string, names ...string) *store.ReadFile {
			f := &store.ReadFile{SourceID: parents[parent].ID, Target: "t", File: "file of " + parent, Hash: "h", Children: children("file of "+parent, names...)}
			k.ok(k.Write(t.Context(), f))
			return f
		}
		for _, w := range parents {
			k.ok(k.Write(t.Context(), store.Finished{{ID: w.ID, Revision: w.Revision, Hash: w.Hash, Body: w.Body, Targets: []string{"t"}}}))
		}
		read("one", "a")
		k.process()
		k.stitch()
		if f := read("two", "a"); len(f.Conflicts) != 1 || f.Conflicts[0].Owner != "file of one" {
			t.Fatalf("conflicts: %+v", f.Conflicts)
		}
		if changes := k.stitch(); len(changes) != 1 || !strings.Contains(string(changes[0].Body), "file of two") {
			t.Errorf("the entity does not tell: %+v", changes)
		}
		state, err := k.Reading(t.Context(), parents["two"].ID)
		k.ok(err)
		if state.Files["t"]["file of two"] != "" {
			t.Error("the file would not be read again, although who owns its entity can change")
		}
		record, found, err := k.Record(t.Context(), "component:default/a")
		if err != nil || !found || len(record.Conflicts) != 1 || record.LocationKey != "file of one" || len(record.Sources) != 1 || record.Sources[0].Ref != "component:default/one" {
			t.Errorf("record: %+v, %v, %v", record, found, err)
		}
		if len(k.claim()) != 0 {
			t.Error("something is due")
		}
		read("one") // it gives it up
		if due := k.claim(); len(due) != 1 || due["two"].Ref == "" {
			t.Errorf("due are %v, want who was refused", due)
		}
		if f := read("two", "a"); len(f.Conflicts) != 0 {
			t.Errorf("conflicts: %+v", f.Conflicts)
		}
		if record, _, err := k.Record(t.Context(), "component:default/a"); err != nil || len(record.Conflicts) != 0 || record.LocationKey != "file of two" || !record.OrphanSince.IsZero() {
			t.Errorf("record: %+v, %v", record, err)
		}
	})
}

// A source that no longer brings what it may not write is no longer in conflict, however it brought it.
func TestConflictsThatAreSettled(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("owner", "a", "b")
		k.provide("p", "parent")
		w := k.claim()["parent"]
		conflicts := func(what string, want int) {
			t.Helper()
			if n := k.count(`select count(*) from conflicts`); n != want {
				t.Errorf("%s: %d conflicts, want %d", what, n, want)
			}
		}
		file := func(names ...string) *store.ReadFile {
			return &store.ReadFile{SourceID: w.ID, Target: "t", File: "f", Children: children("f", names...)}
		}
		k.ok(k.Write(t.Context(), file("a", "b"), &store.ReadTarget{SourceID: w.ID, Target: "t", Files: []string{"f"}}))
		conflicts("a file", 2)
		k.ok(k.Write(t.Context(), file("b")))
		conflicts("a file with less", 1)
		kept := file()
		kept.Keep = map[string]string{"component:default/b": `[]`}
		k.ok(k.Write(t.Context(), kept))
		conflicts("a file with a document that cannot be used", 1)
		k.ok(k.Write(t.Context(), &store.ReadTarget{SourceID: w.ID, Target: "t"}))
		conflicts("a file that is gone", 0)

		r := result(w)
		r.Children = children("parent", "a", "b")
		k.ok(k.Write(t.Context(), store.Finished{r}))
		conflicts("children", 2)
		r.Children = nil
		k.ok(k.Write(t.Context(), store.Finished{r}))
		conflicts("children that are gone", 0)

		k.provide("other", "a", "b")
		conflicts("a provider", 2)
		k.provide("other", "b")
		conflicts("a provider with less", 1)
		_, _, err := k.Mutate(t.Context(), store.Mutation{Source: "other", Removed: []string{"component:default/b"}})
		k.ok(err)
		conflicts("a provider that removes it", 0)
		if n := k.count(`select count(*) from stitch_queue q join refresh_state s on s.id = q.entity_id where s.entity_ref in ('component:default/a', 'component:default/b')`); n != 2 {
			t.Errorf("%d of the two entities are told", n)
		}
	})
}

// Where there is nothing left, what was there is forgotten.
func TestEmptyLists(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "root")
		w := k.claim()["root"]
		orphans := func() int { return k.count(`select count(*) from refresh_state where orphan_since is not null`) }
		read := func() {
			k.ok(k.Write(t.Context(), &store.ReadFile{SourceID: w.ID, Target: "t", File: "f", Children: children("f", "a")}, &store.ReadTarget{SourceID: w.ID, Target: "t", Files: []string{"f"}}))
			if orphans() != 0 {
				t.Error("what is described is an orphan")
			}
		}
		read()
		k.ok(k.Write(t.Context(), &store.ReadTarget{SourceID: w.ID, Target: "t"})) // a pattern that no file matches any more
		if orphans() != 1 {
			t.Error("the entity of a file that is gone is no orphan")
		}
		read()
		k.ok(k.Write(t.Context(), store.Finished{result(w)})) // a Location without targets
		if orphans() != 1 || k.count(`select count(*) from targets`) != 0 {
			t.Error("the entity of a target that is gone is no orphan")
		}
		if gone, _, err := k.RemoveSources(t.Context(), nil, true); err != nil || !slices.Equal(gone, []string{"p"}) {
			t.Errorf("of no provider that is there, %q are gone; %v", gone, err)
		}
		if k.count(`select count(*) from root_edges`) != 1 {
			t.Error("it was to be kept")
		}
		if _, _, err := k.RemoveSources(t.Context(), nil, false); err != nil || k.count(`select count(*) from root_edges`) != 0 {
			t.Errorf("it is still there; %v", err)
		}
	})
}

// Outcomes of entities that are gone meanwhile are no outcomes.
func TestOutcomesOfWhatIsGone(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "a", "b")
		claimed := k.claim()
		k.provide("p", "b")
		k.ok(k.Write(t.Context(),
			&store.ReadFile{SourceID: claimed["a"].ID, Target: "t", File: "f", Children: children("f", "c")},
			&store.ReadTarget{SourceID: claimed["a"].ID, Target: "t", Files: []string{"f"}},
			store.Finished{result(claimed["a"], store.Relation{Source: "component:default/a", Type: "partOf", Target: "component:default/b"}), result(claimed["b"])}))
		k.stitch()
		k.wantVisible("b")
		if n := k.count(`select count(*) from refresh_state`); n != 1 {
			t.Errorf("%d entities are known, want 1", n)
		}
	})
}

func TestRefreshKeys(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "a", "b", "c")
		var done store.Finished
		for name, w := range k.claim() {
			r := result(w)
			r.Keys = []string{"all", "only " + name}
			done = append(done, r)
		}
		k.ok(k.Write(t.Context(), done))
		k.ok(k.RefreshKeys(t.Context(), nil))
		k.ok(k.RefreshKeys(t.Context(), []string{"nobody"}))
		if due := k.claim(); len(due) != 0 {
			t.Errorf("due are %v", due)
		}
		k.ok(k.RefreshKeys(t.Context(), []string{"only a", "only c"}))
		due := k.claim()
		if len(due) != 2 || due["b"].Ref != "" {
			t.Errorf("due are %v, want a and c", due)
		}
		r := result(due["a"])
		r.Hash, r.Keys = "other", []string{"new"}
		k.ok(k.Write(t.Context(), store.Finished{r, result(due["c"])})) // c has none any more
		k.ok(k.RefreshKeys(t.Context(), []string{"only a", "only c", "all"}))
		if due := k.claim(); len(due) != 1 || due["b"].Ref == "" {
			t.Errorf("due are %v, want b", due)
		}
	})
}

// With errors, the last good outcome stays.
func TestErrorsKeepTheLastOutcome(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "a")
		k.brings("a", "b")
		k.process()
		k.stitch()
		k.exec(`update refresh_state set next_update_at = 0, claimed_until = 0 where entity_ref = 'component:default/a'`)
		for i := range 3 {
			w := k.claim()["a"]
			failed := result(w)
			failed.Hash, failed.Errors, failed.Body = fmt.Sprint("failed ", i), `[{"name":"Error","message":"no"}]`, ""
			k.ok(k.Write(t.Context(), store.Finished{failed}))
			if failed.NewErrors != (i == 0) {
				t.Errorf("failure %d is new: %v", i, failed.NewErrors)
			}
			k.exec(`update refresh_state set next_update_at = 0 where entity_ref = 'component:default/a'`)
		}
		same := result(k.claim()["a"])
		same.Hash, same.Errors, same.Body, same.Unchanged = "failed 2", `[{"name":"Error","message":"no"}]`, "", true
		k.ok(k.Write(t.Context(), store.Finished{same}))
		if same.NewErrors {
			t.Error("a failure that is nothing but what it was is new")
		}
		k.exec(`update refresh_state set next_update_at = 0 where entity_ref = 'component:default/a'`)
		k.stitch()
		k.wantVisible("a", "b")
		record, _, err := k.Record(t.Context(), "component:default/a")
		if err != nil || record.Failures != 4 || record.Errors == "" || !record.Visible || record.Succeeded.IsZero() || !record.Attempted.After(record.Created.Add(-time.Second)) {
			t.Errorf("record: %+v, %v", record, err)
		}
		problems, err := k.Problems(t.Context(), 10)
		if err != nil || len(problems) != 1 || problems[0].Ref != "component:default/a" {
			t.Errorf("problems: %+v, %v", problems, err)
		}
		k.ok(k.Write(t.Context(), store.Finished{result(k.claim()["a"])}))
		if record, _, err := k.Record(t.Context(), "component:default/a"); err != nil || record.Failures != 0 || record.Errors != "" {
			t.Errorf("record after success: %+v, %v", record, err)
		}
	})
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "a", "b")
		k.brings("a", "c")
		k.process()
		if found, err := k.Reconcile(t.Context()); err != nil || found != 0 {
			t.Errorf("found %d, %v, where nothing is lost", found, err)
		}
		k.exec(`delete from stitch_queue`) // the fault that no code of ours makes
		k.exec(`delete from child_edges`)
		if found, err := k.Reconcile(t.Context()); err != nil || found != 4 {
			t.Errorf("found %d, %v, want the three that nobody would put together, and the orphan", found, err)
		}
		k.stitch()
		k.wantVisible("a", "b", "c")
		if found, err := k.Reconcile(t.Context()); err != nil || found != 0 {
			t.Errorf("found %d again, %v", found, err)
		}
	})
}

func TestTrimming(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		if changes, err := k.ChangesAfter(t.Context(), 0, 10); err != nil || len(changes) != 0 {
			t.Errorf("the empty log: %v, %v", changes, err)
		}
		var names []string
		for i := range 1200 { // more than are removed at a time
			names = append(names, fmt.Sprintf("n%04d", i))
		}
		k.provide("p", names...)
		k.process()
		k.process()
		k.stitch()
		k.stitch()
		k.exec(`update change_log set at = 0 where seq <= 1100`)
		if removed, err := k.TrimChanges(t.Context(), time.Now().Add(-time.Hour)); err != nil || removed != 1100 {
			t.Errorf("removed %d, %v, want 1100", removed, err)
		}
		for _, after := range []int64{0, 1, 1099, 1201, 5000} {
			if changes, err := k.ChangesAfter(t.Context(), after, 10); !errors.Is(err, store.ErrTrimmed) {
				t.Errorf("after %d: %d changes, %v", after, len(changes), err)
			}
		}
		for after, want := range map[int64]int64{-1: 1101, 1100: 1101, 1199: 1200} {
			if changes, err := k.ChangesAfter(t.Context(), after, 10); err != nil || len(changes) == 0 || changes[0].Seq != want {
				t.Errorf("after %d: %d changes, %v", after, len(changes), err)
			}
		}
		if _, err := k.TrimChanges(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if changes, err := k.ChangesAfter(t.Context(), 1200, 10); err != nil || len(changes) != 0 {
			t.Errorf("after the last: %v, %v", changes, err)
		}
		if _, err := k.ChangesAfter(t.Context(), 1199, 10); !errors.Is(err, store.ErrTrimmed) {
			t.Errorf("before the last: %v", err)
		}
		k.provide("p", "new")
		k.process()
		k.stitch()
		if changes, err := k.ChangesAfter(t.Context(), 1200, 3000); err != nil || changes[0].Seq != 1201 {
			t.Errorf("the numbers do not go on: %v", err)
		}
	})
}

// An entity that very many are related to is not put together for each of them.
func TestHotEntitiesRest(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "hot", "cold")
		claimed := k.claim()
		r := result(claimed["cold"])
		for i := range 20_000 {
			r.Relations = append(r.Relations, store.Relation{Source: "component:default/hot", Type: "hasMember", Target: fmt.Sprintf("user:default/u%d", i)})
		}
		k.ok(k.Write(t.Context(), store.Finished{r, result(claimed["hot"])}))
		if changes := k.stitch(); len(changes) != 2 {
			t.Fatalf("%d changes, want 2", len(changes))
		}
		r.Relations = append(r.Relations, store.Relation{Source: "component:default/hot", Type: "hasMember", Target: "user:default/new"})
		r.Hash = "again"
		k.ok(k.Write(t.Context(), store.Finished{r}))
		if changes := k.stitch(); len(changes) != 0 {
			t.Errorf("%s is put together at once", changes[0].Ref)
		}
		if left := k.RestLeft(time.Minute); left <= 0 || left > 4*time.Second {
			t.Errorf("it rests for %v", left)
		}
		if due, err := k.DueBefore(t.Context(), time.Now()); err != nil || !due {
			t.Errorf("due: %v, %v", due, err)
		}
		// Another replica, or this one after a restart, does not know that it rests.
		if changes := k.other().stitch(); len(changes) != 1 || !strings.Contains(string(changes[0].Body), "user:default/new") {
			t.Errorf("changes: %v", len(changes))
		}
	})
}

// TestRemovingBySomebody removes an entity of a Location by its uid. What brings it is looked at again, although it has not changed.
func TestRemovingBySomebody(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "a")
		k.process()
		k.brings("a", "b")
		k.process()
		k.stitch()
		k.wantVisible("a", "b")
		if due := len(k.claim()); due != 0 {
			t.Fatalf("%d entities are due before", due)
		}
		var uid string
		k.ok(k.db.Get(&uid, `select uid from refresh_state where entity_ref = 'component:default/b'`))
		_, err := k.RemoveUnprocessed(t.Context(), uid)
		k.ok(err)
		k.wantVisible("a")
		if _, due := k.claim()["a"]; !due {
			t.Error("what brought it is not due")
		}
	})
}

// An entity that cannot be put together takes none of the others with it. It says so, and is tried again.
func TestFaultOfStitching(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "a", "b", "c")
		k.process()
		broken := func(p *store.Parts) store.Final {
			if p.Ref == "component:default/b" {
				return store.Final{Fault: `["it is broken"]`}
			}
			return assemble(p)
		}
		taken, changes, err := k.Stitch(t.Context(), 10, false, broken)
		if err != nil || taken != 3 || len(changes) != 2 {
			t.Fatalf("%d taken, changes %+v, %v", taken, changes, err)
		}
		k.wantVisible("a", "c")
		record, found, err := k.Record(t.Context(), "component:default/b")
		if wait := time.Until(record.Next); err != nil || !found || record.Errors != `["it is broken"]` || record.Failures != 1 || wait < 50*time.Second || wait > time.Minute {
			t.Errorf("record %+v, %v, %v", record, found, err)
		}
		if taken, _, err := k.Stitch(t.Context(), 10, false, broken); err != nil || taken != 0 {
			t.Errorf("it is tried again at once: %d, %v", taken, err)
		}
		k.exec(`update refresh_state set next_update_at = 0 where errors is not null`) // the pause ends
		k.process()
		k.stitch()
		k.wantVisible("a", "b", "c")
		if record, _, err := k.Record(t.Context(), "component:default/b"); err != nil || record.Errors != "" || record.Failures != 0 {
			t.Errorf("record %+v, %v", record, err)
		}
		k.changes()
	})
}
