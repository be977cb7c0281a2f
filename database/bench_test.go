package database_test

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// BenchmarkSharedPool compares queries through plugins' handles on the shared pool with queries on an sqlx.DB with a pool of its own, for one busy plugin and for twenty, with 16 workers.
// The two take turns, and turns at being first, since the machine's speed changes from one moment to the next; "ratio" is the throughput of the shared pool over that of the other, in the middle one of all rounds.
// Neither ever has to wait for a connection because there are too few, as long as there are no more workers than the shared pool has connections.
func BenchmarkSharedPool(b *testing.B) {
	for _, mode := range []databasetest.Engine{databasetest.PostgresSchemas, databasetest.PostgresDatabases} {
		for _, c := range []struct{ plugins, workers int }{{1, 1}, {1, 16}, {5, 16}, {20, 16}, {20, 1}} {
			if mode == databasetest.PostgresDatabases && c.plugins == 20 && testing.Short() {
				continue
			}
			b.Run(fmt.Sprintf("%s/plugins=%d/workers=%d", mode, c.plugins, c.workers), func(b *testing.B) {
				o := databasetest.Options(b, mode)
				o.Logger = slog.New(slog.DiscardHandler)
				o.Config.Knex.Pool.Max = 20
				d := databasetest.Open(b, o)
				var shared, own []*sqlx.DB
				for i := range c.plugins {
					id := fmt.Sprintf("p%d", i)
					shared = append(shared, benchTable(b, d, id))
					name, path := o.Config.Connection.Database, id
					if mode == databasetest.PostgresDatabases {
						name, path = o.Config.Prefix+id, "public"
					}
					plain, err := pgx.ParseConfig(databasetest.Postgres(b).URL(name) + "&search_path=" + path)
					if err != nil {
						b.Fatal(err)
					}
					db := sqlx.NewDb(stdlib.OpenDB(*plain), "pgx")
					db.SetMaxOpenConns(max(1, 80/c.plugins)) // what a pool per plugin may take in all
					db.SetMaxIdleConns(max(1, 80/c.plugins))
					defer db.Close()
					own = append(own, db)
				}
				const batch = 2000
				var sharedTime, ownTime time.Duration
				run := func(dbs []*sqlx.DB) time.Duration {
					began := time.Now()
					var next atomic.Int64
					var work sync.WaitGroup
					for range c.workers {
						work.Go(func() {
							for {
								i := next.Add(1)
								if i > batch {
									return
								}
								var name string
								if err := dbs[int(i)%len(dbs)].GetContext(b.Context(), &name, "select name from t where id = $1", i%100); err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					work.Wait()
					return time.Since(began)
				}
				run(own)
				run(shared)
				var ownCPU, sharedCPU time.Duration
				runOwn := func() time.Duration {
					began := cpuTime()
					took := run(own)
					ownTime, ownCPU = ownTime+took, ownCPU+cpuTime()-began
					return took
				}
				runShared := func() time.Duration {
					began := cpuTime()
					took := run(shared)
					sharedTime, sharedCPU = sharedTime+took, sharedCPU+cpuTime()-began
					return took
				}
				var ratios []float64
				for ownFirst := true; b.Loop(); ownFirst = !ownFirst {
					var ownTook, sharedTook time.Duration
					if ownFirst {
						ownTook = runOwn()
					}
					sharedTook = runShared()
					if !ownFirst {
						ownTook = runOwn()
					}
					ratios = append(ratios, ownTook.Seconds()/sharedTook.Seconds())
				}
				slices.Sort(ratios)
				n := float64(batch * b.N)
				b.ReportMetric(n/sharedTime.Seconds(), "shared/s")
				b.ReportMetric(float64(ownCPU.Nanoseconds())/n, "own-cpu-ns/query")
				b.ReportMetric(n/ownTime.Seconds(), "own/s")
				b.ReportMetric(ratios[len(ratios)/2], "ratio")
				b.ReportMetric(float64((sharedCPU-ownCPU).Nanoseconds())/n, "more-cpu-ns/query")
			})
		}
	}
}

func benchTable(b *testing.B, d *database.Databases, id string) *sqlx.DB {
	b.Helper()
	db, err := d.For(id)
	if err != nil {
		b.Fatal(err)
	}
	if err := d.Prepare(b.Context(), id); err != nil {
		b.Fatal(err)
	}
	err = database.InTx(b.Context(), db, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(b.Context(), "create table t (id int primary key, name text not null)"); err != nil {
			return err
		}
		for i := range 100 {
			if _, err := tx.ExecContext(b.Context(), "insert into t values ($1, $2)", i, fmt.Sprintf("name %d", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// cpuTime is what this process has used; on a busy machine it says more than the clock does.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
