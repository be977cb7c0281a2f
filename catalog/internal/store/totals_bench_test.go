package store_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// BenchmarkTotals counts what metrics tell with 750,000 entities: when all is well, and when all of them are due, fail and wait to be put together.
func BenchmarkTotals(b *testing.B) {
	k := newKit(b, databasetest.PostgresSchemas)
	k.exec(`insert into refresh_state (uid, entity_ref, unprocessed_hash, next_update_at, created_at) select n::text, 'component:default/' || n, repeat('x', 40), $1, 0 from generate_series(1, 750000) as n`, int64(1)<<60)
	k.exec(`insert into target_files (source_id, target, file, hash, documents, read_at) select 1, 'url:t', 'url:https://example.com/' || n, repeat('x', 80), 1, 0 from generate_series(1, 750000) as n`)
	totals := func(name string) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := k.Totals(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	totals("calm")
	k.exec(`update refresh_state set next_update_at = 1, errors = '[{"name":"Error","message":"the same for all"}]'`)
	k.exec(`insert into stitch_queue (entity_id, due_at) select id, 1 from refresh_state`)
	totals("troubled")
}
