package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// What is claimed is nobody else's until it is given back, finished, or the claim runs out.
func TestClaims(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		other := k.other()
		k.provide("p", "a", "b", "c")
		first, err := k.Claim(t.Context(), 2, time.Minute)
		k.ok(err)
		second, err := other.Claim(t.Context(), 10, time.Millisecond)
		k.ok(err)
		if len(first) != 2 || len(second) != 1 {
			t.Fatalf("claimed %d and %d, want 2 and 1", len(first), len(second))
		}
		k.ok(other.Release(t.Context(), []int64{first[0].ID})) // it is not its to give back
		k.ok(other.Renew(t.Context(), []int64{first[0].ID}, -time.Hour))
		time.Sleep(2 * time.Millisecond)
		if again, err := k.Claim(t.Context(), 10, time.Minute); err != nil || len(again) != 1 || again[0].ID != second[0].ID {
			t.Errorf("claimed %+v, %v; want what the other replica held for a moment", again, err)
		}
		k.ok(k.Release(t.Context(), []int64{first[0].ID}))
		k.ok(k.Renew(t.Context(), []int64{first[1].ID}, -time.Hour))
		if again := other.claim(); len(again) != 2 {
			t.Errorf("claimed %v, want what was given back and what ran out", again)
		}
	})
}

// Many replicas claim at once: nobody gets what another has.
func TestClaimsOfManyReplicas(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		var names []string
		for i := range 300 {
			names = append(names, fmt.Sprint("n", i))
		}
		k.provide("p", names...)
		var mu sync.Mutex
		owner := map[int64]int{}
		var group sync.WaitGroup
		for replica := range 6 {
			group.Go(func() {
				s := k.other()
				for {
					work, err := s.Claim(context.Background(), 7, time.Minute)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					all := len(owner) == len(names)
					for _, w := range work {
						if before, twice := owner[w.ID]; twice {
							t.Errorf("%s has two owners: %d and %d", w.Ref, before, replica)
						}
						owner[w.ID] = replica
					}
					mu.Unlock()
					if all {
						return
					}
				}
			})
		}
		group.Wait()
	})
}

// A reason to process an entity that comes while it is being processed is not lost, and what was found out meanwhile is kept.
func TestAReasonDuringProcessing(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "a")
		before := k.claim()["a"]
		changed := child("a", "p")
		changed.Body, changed.Hash = `{"name":"a","changed":true}`, "a 2"
		_, _, err := k.Mutate(t.Context(), store.Mutation{Source: "p", Full: true, Added: []store.Child{changed}})
		k.ok(err)
		done := result(before)
		done.AsIs, done.Kept = true, true // but it no longer is
		k.ok(k.Write(t.Context(), store.Finished{done}))
		if changes := k.stitch(); len(changes) != 1 || strings.Contains(string(changes[0].Body), "changed") {
			t.Errorf("put together: %s, want what was processed", changes[0].Body)
		}
		again := k.claim()["a"]
		if again.Body != changed.Body {
			t.Fatalf("claimed %+v, want what came meanwhile", again)
		}
		k.ok(k.Write(t.Context(), store.Finished{result(again)}))
		if changes := k.stitch(); len(changes) != 1 || !strings.Contains(string(changes[0].Body), "changed") || changes[0].Op != store.OpUpdate {
			t.Errorf("put together: %+v", changes)
		}
		if len(k.claim()) != 0 {
			t.Error("it is still due")
		}
	})
}

// What is known already when an entity is brought is not undone by somebody who was still processing what it was before.
func TestAnOutcomeThatComesTooLate(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "a")
		before := k.claim()["a"]
		changed := child("a", "p")
		changed.Body, changed.Hash = `{"name":"a","changed":true}`, "a 2"
		changed.Outcome = &store.Result{Hash: "done", Body: changed.Body, AsIs: true}
		_, _, err := k.Mutate(t.Context(), store.Mutation{Source: "p", Full: true, Added: []store.Child{changed}})
		k.ok(err)
		k.ok(k.Write(t.Context(), store.Finished{result(before)}))
		if changes := k.stitch(); len(changes) != 1 || !strings.Contains(string(changes[0].Body), "changed") {
			t.Errorf("put together: %s, want what was brought last", changes[0].Body)
		}
	})
}

// An entity is removed while it is put together for the first time: the log tells of both.
func TestRemovalDuringStitching(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "a")
		k.process()
		assembling, removed := make(chan bool), make(chan error, 1)
		go func() {
			<-assembling
			_, _, err := k.other().Mutate(context.Background(), store.Mutation{Source: "p", Full: true})
			removed <- err
		}()
		taken, _, err := k.Stitch(t.Context(), 10, false, func(p *store.Parts) store.Final {
			assembling <- true
			time.Sleep(100 * time.Millisecond) // the removal gets as far as it can
			return assemble(p)
		})
		if err != nil || taken != 1 {
			t.Fatalf("took %d, %v", taken, err)
		}
		k.ok(<-removed)
		if k.count(`select count(*) from refresh_state`) != 0 {
			t.Error("it is still there")
		}
		k.changes() // it is not there, so that the last that the log says of it must be that it went
	})
}

// While an entity is put together, another one goes that it is related to: neither has to be tried again because of the other.
func TestRemovalOfAnotherDuringStitching(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "group", "member")
		claimed := k.claim()
		relation := store.Relation{Source: "component:default/group", Type: "hasMember", Target: "component:default/member"}
		k.ok(k.Write(t.Context(), store.Finished{result(claimed["member"], relation), result(claimed["group"])}))
		k.stitch()
		k.exec(`insert into stitch_queue (entity_id, due_at) select id, 0 from refresh_state where entity_ref = 'component:default/group'`)
		k.exec(`update final_entities set hash = 'stale'`)
		assembling, removed := make(chan bool, 2), make(chan error, 1)
		go func() {
			<-assembling
			_, _, err := k.other().Mutate(context.Background(), store.Mutation{Source: "p", Removed: []string{"component:default/member"}})
			removed <- err
		}()
		tries := 0
		_, _, err := k.Stitch(t.Context(), 10, false, func(p *store.Parts) store.Final {
			tries++
			assembling <- true
			time.Sleep(100 * time.Millisecond) // the removal gets as far as it can
			return assemble(p)
		})
		k.ok(err)
		k.ok(<-removed)
		if tries != 1 {
			t.Errorf("it was tried %d times", tries)
		}
		if changes := k.stitch(); len(changes) != 1 || strings.Contains(string(changes[0].Body), "hasMember") {
			t.Errorf("the group is not told: %+v", changes)
		}
		k.changes()
	})
}

// While many write, a reader meets the numbers of the change log one after the other.
func TestNumbersComeInOrder(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		ctx, cancel := context.WithCancel(t.Context())
		var writers, reader sync.WaitGroup
		for writer := range 4 {
			writers.Go(func() {
				s := k.other()
				for i := range 25 {
					var names []string
					for n := range 5 {
						if rand.IntN(2) == 0 {
							names = append(names, fmt.Sprintf("w%d-%d", writer, n))
						}
					}
					_, _, err := s.Mutate(ctx, store.Mutation{Source: fmt.Sprint("p", writer), Full: true, Added: children(fmt.Sprint("p", writer), names...)})
					if err == nil {
						var work []store.Work
						if work, err = s.Claim(ctx, 100, time.Minute); err == nil {
							var done store.Finished
							for _, w := range work {
								w.Hash += fmt.Sprint(i)
								done = append(done, result(w))
							}
							err = s.Write(ctx, done)
						}
					}
					if err == nil {
						_, _, err = s.Stitch(ctx, 100, false, assemble)
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		seen := int64(0)
		read := func() {
			changes, err := k.ChangesAfter(t.Context(), seen, 7)
			if err != nil {
				t.Error(err)
			}
			for _, c := range changes {
				if c.Seq != seen+1 {
					t.Errorf("number %d comes after %d", c.Seq, seen)
				}
				seen = c.Seq
			}
		}
		reader.Go(func() {
			for ctx.Err() == nil {
				read()
			}
		})
		writers.Wait()
		cancel()
		reader.Wait()
		changes := k.changes()
		t.Logf("%d changes, %d of them read as they came", len(changes), seen)
	})
}

// Two parents let go of the same children at once: each that nobody holds any more becomes an orphan.
func TestLastParentsGoAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		k.provide("p", "left", "right")
		parents := k.claim()
		for round := range 12 {
			name := fmt.Sprint("child-", round)
			for _, parent := range parents {
				k.ok(k.Write(t.Context(), &store.ReadFile{SourceID: parent.ID, Target: "t", File: "f", Children: children("f", name)}))
			}
			var group sync.WaitGroup
			for _, parent := range parents {
				group.Go(func() {
					if err := k.other().Write(context.Background(), &store.ReadFile{SourceID: parent.ID, Target: "t", File: "f"}); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if n := k.count(`select count(*) from refresh_state where entity_ref = $1 and orphan_since is not null`, "component:default/"+name); n != 1 {
				t.Fatalf("in round %d the child is no orphan", round)
			}
		}
	})
}

// One takes over an entity while another removes it: it is there afterwards, since somebody brings it.
func TestBroughtWhileRemoved(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		for range 12 {
			_, _, err := k.Mutate(t.Context(), store.Mutation{Source: "first", Full: true, Added: children("", "a")})
			k.ok(err)
			k.process()
			k.stitch()
			var group sync.WaitGroup
			group.Go(func() {
				if _, _, err := k.other().Mutate(context.Background(), store.Mutation{Source: "first", Full: true}); err != nil {
					t.Error(err)
				}
			})
			group.Go(func() {
				if _, _, err := k.other().Mutate(context.Background(), store.Mutation{Source: "second", Full: true, Added: children("", "a")}); err != nil {
					t.Error(err)
				}
			})
			group.Wait()
			if n := k.count(`select count(*) from refresh_state s join root_edges e on e.target_id = s.id where e.source_key = 'second'`); n != 1 {
				t.Fatal("what the second provider brings is not there")
			}
			k.provide("second")
		}
		k.changes()
	})
}

// The same location is registered by many at once: once.
func TestLocations(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		ref := func(target string) catalogcommon.LocationRef {
			return catalogcommon.LocationRef{Type: "url", Target: target}
		}
		var mu sync.Mutex
		ids, made := map[string]bool{}, 0
		var group sync.WaitGroup
		for range 6 {
			group.Go(func() {
				l, created, err := k.other().AddLocation(context.Background(), ref("https://a"), "locations", child("a", "url:https://a"), nil)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids[l.ID] = true
				if created {
					made++
				}
			})
		}
		group.Wait()
		if len(ids) != 1 || made != 1 {
			t.Errorf("%d locations, %d made", len(ids), made)
		}
		second, _, err := k.AddLocation(t.Context(), ref("https://b"), "locations", child("b", "url:https://b"), nil)
		k.ok(err)
		brought := func(l catalogcommon.Location) (store.Child, error) {
			return store.Child{Ref: l.EntityRef, Body: `{}`, Hash: l.Target, LocationKey: "url:" + l.Target}, nil
		}
		if _, taken, err := k.ChangeLocation(t.Context(), second.ID, ref("https://a"), "locations", brought); err != nil || !taken {
			t.Errorf("taken: %v, %v", taken, err)
		}
		changed, taken, err := k.ChangeLocation(t.Context(), second.ID, ref("https://c"), "locations", brought)
		if err != nil || taken || changed.ID != second.ID || changed.EntityRef != second.EntityRef || changed.Target != "https://c" {
			t.Errorf("changed: %+v, %v, %v", changed, taken, err)
		}
		all, err := k.Locations(t.Context())
		k.ok(err)
		if len(all) != 2 {
			t.Errorf("%d locations, want 2", len(all))
		}
		if _, err := k.RemoveLocation(t.Context(), second.ID, "locations"); err != nil {
			t.Error(err)
		}
		if _, err := k.RemoveLocation(t.Context(), second.ID, "locations"); !errors.Is(err, store.ErrNoLocation) {
			t.Errorf("removed again: %v", err)
		}
		if _, err := k.LocationByTarget(t.Context(), ref("https://c")); !errors.Is(err, store.ErrNoLocation) {
			t.Errorf("looked up: %v", err)
		}
		claimed := k.claim()
		names := make([]string, 0, len(claimed))
		for name := range claimed {
			names = append(names, name)
		}
		if !slices.Equal(names, []string{"a"}) {
			t.Errorf("entities %q, want only that of the first location", names)
		}
	})
}

// Replicas whose clocks are wrong go by the database's: what one holds is not taken over early, and what is due is not left.
func TestWrongClocks(t *testing.T) {
	t.Parallel()
	k := newKit(t, databasetest.PostgresSchemas)
	fast, slow := k.other(), k.other()
	fast.SetClock(func() time.Time { return time.Now().Add(time.Hour) })
	slow.SetClock(func() time.Time { return time.Now().Add(-time.Hour) })
	k.provide("p", "a")
	if claimed := k.claim(); len(claimed) != 1 {
		t.Fatalf("claimed %v", claimed)
	}
	if claimed := fast.claim(); len(claimed) > 0 {
		t.Errorf("what another holds is taken over: %v", claimed)
	}
	fast.provide("q", "b")
	if due, err := slow.DueBefore(t.Context(), time.Now().Add(-time.Hour)); err != nil || !due {
		t.Errorf("what is due is not seen: %v", err)
	}
	work := slow.claim()
	if len(work) != 1 {
		t.Fatalf("what is due is not claimed: %v", work)
	}
	done := result(work["b"])
	done.Next = time.Now().Add(-time.Hour + time.Minute) // in a minute, by its clock
	k.ok(slow.Write(t.Context(), store.Finished{done}))
	record, _, err := k.Record(t.Context(), "component:default/b")
	if wait := time.Until(record.Next); err != nil || wait < 30*time.Second || wait > 90*time.Second {
		t.Errorf("it is due in %v, %v", wait, err)
	}
	if claimed := fast.claim(); len(claimed) > 0 {
		t.Errorf("claimed before it is due: %v", claimed)
	}
}
