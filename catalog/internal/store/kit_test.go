package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// kit is a store with a provider in front of it and processing and stitching that do next to nothing.
type kit struct {
	*store.Store
	t  testing.TB
	db *sqlx.DB
}

func onEngines(t *testing.T, fn func(t *testing.T, k *kit)) {
	t.Helper()
	for _, engine := range []databasetest.Engine{databasetest.SQLite, databasetest.PostgresSchemas} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			fn(t, newKit(t, engine))
		})
	}
}

func newKit(t testing.TB, engine databasetest.Engine) *kit {
	t.Helper()
	d := databasetest.New(t, engine)
	if err := d.Prepare(t.Context(), "catalog"); err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), "catalog", store.Migrations()); err != nil {
		t.Fatal(err)
	}
	db, err := d.For("catalog")
	if err != nil {
		t.Fatal(err)
	}
	return &kit{store.New(db), t, db}
}

// other is another replica on the same database.
func (k *kit) other() *kit { return &kit{store.New(k.db), k.t, k.db} }

func (k *kit) ok(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// child is an entity that nobody but who has the key may write.
func child(name, key string) store.Child {
	return store.Child{Ref: "component:default/" + name, Body: fmt.Sprintf(`{"name":%q}`, name), Hash: name + " 1", LocationKey: key}
}

func children(key string, names ...string) []store.Child {
	all := make([]store.Child, len(names))
	for i, name := range names {
		all[i] = child(name, key)
	}
	return all
}

// provide makes the entities of a provider those.
func (k *kit) provide(provider string, names ...string) []store.Conflict {
	k.t.Helper()
	conflicts, _, err := k.Mutate(k.t.Context(), store.Mutation{Source: provider, Full: true, Added: children(provider, names...)})
	k.ok(err)
	return conflicts
}

// claim claims everything that is due, by name.
func (k *kit) claim() map[string]store.Work {
	k.t.Helper()
	work, err := k.Claim(k.t.Context(), 1000, time.Minute)
	k.ok(err)
	claimed := map[string]store.Work{}
	for _, w := range work {
		claimed[w.Ref[len("component:default/"):]] = w
	}
	return claimed
}

func result(w store.Work, relations ...store.Relation) *store.Result {
	return &store.Result{ID: w.ID, Revision: w.Revision, Hash: w.Hash, Body: w.Body, Relations: relations}
}

// process processes everything that is due.
func (k *kit) process() {
	k.t.Helper()
	var done store.Finished
	for _, w := range k.claim() {
		done = append(done, result(w))
	}
	k.ok(k.Write(k.t.Context(), done))
}

func assemble(p *store.Parts) store.Final {
	body, err := json.Marshal(map[string]any{"body": p.Body, "relations": p.Relations, "orphan": p.Orphan, "conflicts": p.Conflicts})
	if err != nil {
		return store.Final{Fault: err.Error()}
	}
	return store.Final{Hash: string(body), ETag: p.Ref, Body: body}
}

// stitch puts everything together that is queued.
func (k *kit) stitch() []store.Change {
	k.t.Helper()
	_, changes, err := k.Stitch(k.t.Context(), 1000, false, assemble)
	k.ok(err)
	return changes
}

// visible are the names of all final entities.
func (k *kit) visible() []string {
	k.t.Helper()
	var names []string
	_, err := k.Load(k.t.Context(), func(ref, _ string, _ []byte) error {
		names = append(names, ref[len("component:default/"):])
		return nil
	})
	k.ok(err)
	slices.Sort(names)
	return names
}

func (k *kit) wantVisible(want ...string) {
	k.t.Helper()
	if got := k.visible(); !slices.Equal(got, want) {
		k.t.Errorf("visible are %q, want %q", got, want)
	}
}

func (k *kit) count(query string, args ...any) (n int) {
	k.t.Helper()
	k.ok(k.db.GetContext(k.t.Context(), &n, query, args...))
	return n
}

func (k *kit) exec(text string, args ...any) {
	k.t.Helper()
	_, err := k.db.ExecContext(k.t.Context(), text, args...)
	k.ok(err)
}

// changes reads the whole change log, which must be without gaps and repetitions, and say of each entity that it comes before it changes or goes.
func (k *kit) changes() []store.Change {
	k.t.Helper()
	changes, err := k.ChangesAfter(context.Background(), -1, 1_000_000)
	k.ok(err)
	there := map[string]string{}
	for i, c := range changes {
		if i > 0 && c.Seq != changes[i-1].Seq+1 {
			k.t.Errorf("number %d follows number %d", c.Seq, changes[i-1].Seq)
		}
		if _, known := there[c.Ref]; known != (c.Op != store.OpCreate) {
			k.t.Errorf("number %d is %s of %s, which is there: %v", c.Seq, c.Op, c.Ref, known)
		}
		if there[c.Ref] = c.UID; c.Op == store.OpDelete {
			delete(there, c.Ref)
		}
	}
	_, err = k.Load(context.Background(), func(ref, uid string, _ []byte) error {
		if there[ref] != uid {
			k.t.Errorf("%s is stored as %s, logged as %q", ref, uid, there[ref])
		}
		delete(there, ref)
		return nil
	})
	k.ok(err)
	if len(there) > 0 {
		k.t.Errorf("logged, but not stored: %v", there)
	}
	return changes
}
