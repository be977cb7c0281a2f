package database_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// BenchmarkSQLiteReaders has four readers read, with nobody writing and beside a writer that commits all the time, in turns. "p99-ratio" is the readers' 99th percentile with a writer over that without.
func BenchmarkSQLiteReaders(b *testing.B) {
	o := databasetest.Options(b, databasetest.SQLite)
	o.Logger = slog.New(slog.DiscardHandler)
	d := databasetest.Open(b, o)
	db := benchTable(b, d, "a")
	const readers, reads = 4, 500
	read := func() []time.Duration {
		var (
			mu   sync.Mutex
			took []time.Duration
			work sync.WaitGroup
		)
		for r := range readers {
			work.Go(func() {
				mine := make([]time.Duration, 0, reads)
				for i := range reads {
					began := time.Now()
					var name string
					if err := db.GetContext(b.Context(), &name, "select name from t where id = $1", (r*reads+i)%100); err != nil {
						b.Error(err)
						return
					}
					mine = append(mine, time.Since(began))
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, mine...)
			})
		}
		work.Wait()
		return took
	}
	var quiet, busy []time.Duration
	commits := 0
	var writing time.Duration
	for b.Loop() {
		quiet = append(quiet, read()...)
		ctx, cancel := context.WithCancel(b.Context())
		var writer sync.WaitGroup
		began := time.Now()
		writer.Go(func() {
			for ctx.Err() == nil {
				err := database.InTx(b.Context(), db, func(tx *sqlx.Tx) error {
					_, err := tx.ExecContext(b.Context(), "update t set name = $1 where id = $2", fmt.Sprint("name ", commits), commits%100)
					return err
				})
				if err != nil {
					b.Error(err)
					return
				}
				commits++
			}
		})
		busy = append(busy, read()...)
		cancel()
		writer.Wait()
		writing += time.Since(began)
	}
	p99 := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)*99/100].Microseconds())
	}
	b.ReportMetric(p99(quiet), "quiet-p99-µs")
	b.ReportMetric(p99(busy), "busy-p99-µs")
	b.ReportMetric(p99(busy)/p99(quiet), "p99-ratio")
	b.ReportMetric(float64(commits)/writing.Seconds(), "commits/s")
}
