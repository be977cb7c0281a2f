package store_test

import (
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

func TestTotals(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, k *kit) {
		want := func(what string, want store.Totals, late bool) {
			t.Helper()
			got, err := k.Totals(t.Context())
			k.ok(err)
			for _, q := range []*store.Queue{&got.Processing, &got.Stitching} {
				if waits := q.Seconds > 3500; waits != (late && q.Length > 0) {
					t.Errorf("%s: a queue of %d has waited for %f seconds", what, q.Length, q.Seconds)
				}
				q.Seconds = 0
			}
			if got != want {
				t.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		want("nothing", store.Totals{}, false)

		k.provide("one", "a", "b", "c")
		k.provide("two", "a")
		conflict := store.Queue{Length: 1} // the entity is to show it
		want("handed over", store.Totals{Processing: store.Queue{Length: 3}, Stitching: conflict, Conflicts: 1}, false)

		k.exec(`update refresh_state set next_update_at = next_update_at - 3600000`)
		k.exec(`update stitch_queue set due_at = due_at - 3600000`)
		want("an hour later", store.Totals{Processing: store.Queue{Length: 3}, Stitching: conflict, Conflicts: 1}, true)

		work := k.claim()
		bad := result(work["c"])
		bad.Errors = `[{"name":"Error"}]`
		k.ok(k.Write(t.Context(), store.Finished{result(work["a"]), result(work["b"]), bad}))
		waiting := k.count(`select count(*) from stitch_queue`)
		want("processed", store.Totals{Stitching: store.Queue{Length: waiting}, FailedEntities: 1, Conflicts: 1}, true)

		changes := k.stitch()
		k.ok(k.Write(t.Context(), &store.ReadFile{SourceID: work["a"].ID, Target: "url:t", File: "url:f", Faults: `[{}]`}, &store.ReadTarget{SourceID: work["a"].ID, Target: "url:t", Fault: `[{}]`, Took: time.Second}))
		k.exec(`delete from stitch_queue`)
		want("read", store.Totals{Changes: int64(len(changes)), FailedEntities: 1, FailedTargets: 1, FailedFiles: 1, Conflicts: 1}, false)
	})
}
