package reruns_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/reruns"
)

// TestStore is run on every engine.
func TestStore(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, d *database.Databases) {
		ctx := t.Context()
		if err := errors.Join(d.Prepare(ctx, "circleci"), d.Migrate(ctx, "circleci", os.DirFS("../../migrations"))); err != nil {
			t.Fatal(err)
		}
		db, err := d.For("circleci")
		if err != nil {
			t.Fatal(err)
		}
		store, now := reruns.NewStore(db), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		wish := func(id string, at time.Time) reruns.Rerun {
			return reruns.Rerun{ID: id, At: at, Actor: "user:default/ada", Entity: "component:default/shop", Project: "gh/example/shop", Workflow: "w1", Name: "build", FromFailed: true}
		}
		begin := func(id string, at time.Time, want bool) {
			t.Helper()
			if begun, err := store.Begin(ctx, wish(id, at)); err != nil || begun != want {
				t.Fatalf("begin %s: %t, %v; want %t", id, begun, err, want)
			}
		}
		of := func(id string) (reruns.Rerun, bool) {
			t.Helper()
			r, found, err := store.Of(ctx, "gh/example/shop", id)
			if err != nil {
				t.Fatal(err)
			}
			r.At = r.At.UTC()
			return r, found
		}
		begin("new", now, true)
		begin("new", now, false) // a form sent twice
		begin("refused", now.Add(-time.Hour), true)
		begin("kept", now.Add(time.Hour-reruns.Keep), true)
		begin("old", now.Add(-time.Hour-reruns.Keep), true)
		if err := errors.Join(store.End(ctx, "new", "w2", nil), store.End(ctx, "refused", "", &api.Fault{Kind: api.Refused, Status: 403})); err != nil {
			t.Fatal(err)
		}
		want := wish("new", now)
		want.Outcome, want.NewWorkflow = reruns.Started, "w2"
		if got, _ := of("new"); !cmp.Equal(got, want) {
			t.Errorf("read back (-want +got):\n%s", cmp.Diff(want, got))
		}
		if got, _ := of("refused"); got.Outcome != reruns.Rejected || got.Fault() == nil || got.Fault().Kind != api.Refused {
			t.Errorf("the refused one came back as %+v", got)
		}
		if list, err := store.About(ctx, "w2"); err != nil || len(list) != 1 || list[0].ID != "new" {
			t.Errorf("about the workflow that was made: %+v, %v", list, err)
		}
		if err := store.Forget(ctx, now); err != nil {
			t.Fatal(err)
		}
		if _, found := of("old"); found {
			t.Error("what is too old is remembered")
		}
		if list, err := store.About(ctx, "w1"); err != nil || len(list) != 3 || list[0].ID != "new" || list[2].ID != "kept" {
			t.Errorf("about the workflow that ran again: %+v, %v", list, err)
		}
		if _, found, err := store.Of(ctx, "gh/example/other", "new"); err != nil || found {
			t.Errorf("another project's is found: %t, %v", found, err)
		}
	})
}
