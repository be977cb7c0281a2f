package cache_test

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/cache/cachetest"
)

// BenchmarkHit compares a hit with one of the bare client, with one caller and with 16. The two take turns, since a machine is not the same from one moment to the next.
func BenchmarkHit(b *testing.B) {
	value := bytes.Repeat([]byte("x"), 1024)
	ctx := context.Background()
	ours := func(b *testing.B, config cache.Config) func() bool {
		a := open(b, cache.Options{Config: config, Metrics: prometheus.NewRegistry()}).For("a")
		if err := a.Set(b.Context(), "some/key", value, 0); err != nil {
			b.Fatal(err)
		}
		return func() bool {
			got, ok := a.Get(ctx, "some/key")
			return ok && len(got) == len(value)
		}
	}
	b.Run("memory", func(b *testing.B) {
		bare := otter.Must(&otter.Options[string, []byte]{MaximumSize: 1000})
		bare.Set("some/key", value)
		compare(b, ours(b, cache.Config{}), func() bool { got, ok := bare.GetIfPresent("some/key"); return ok && len(got) == len(value) })
	})
	b.Run("redis", func(b *testing.B) {
		server := cachetest.Redis(b)
		client := redis.NewClient(&redis.Options{Addr: server.Addr})
		b.Cleanup(func() { _ = client.Close() })
		client.Set(ctx, "some/key", value, 0)
		compare(b, ours(b, cache.Config{Store: "redis", Connection: connection("redis://" + server.Addr), Budget: patient}),
			func() bool {
				got, err := client.Get(ctx, "some/key").Bytes()
				return err == nil && len(got) == len(value)
			})
	})
	b.Run("memcache", func(b *testing.B) {
		server := cachetest.Memcached(b)
		client := memcache.New(server.Addr)
		client.MaxIdleConns = 64
		b.Cleanup(func() { _ = client.Close() })
		if err := client.Set(&memcache.Item{Key: "some/key", Value: value}); err != nil {
			b.Fatal(err)
		}
		compare(b, ours(b, cache.Config{Store: "memcache", Connection: connection(server.Addr), Budget: patient}),
			func() bool { got, err := client.Get("some/key"); return err == nil && len(got.Value) == len(value) })
	})
}

func compare(b *testing.B, ours, bare func() bool) {
	for _, callers := range []int{1, 16} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			const each = 100
			var took [2]time.Duration
			count := 0
			for b.Loop() {
				for i, get := range []func() bool{ours, bare} {
					start := time.Now()
					var wg sync.WaitGroup
					for range callers {
						wg.Go(func() {
							for range each {
								if !get() {
									b.Error("no hit")
									return
								}
							}
						})
					}
					wg.Wait()
					took[i] += time.Since(start)
				}
				count += each * callers
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(took[0].Nanoseconds())/float64(count), "cache-ns")
			b.ReportMetric(float64(took[1].Nanoseconds())/float64(count), "bare-ns")
			b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "of-bare")
		})
	}
}
