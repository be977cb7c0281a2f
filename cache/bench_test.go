package cache_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/maypok86/otter/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/cache/cachetest"
)

// BenchmarkHit compares a hit with one of the bare client, with one caller and with several.
func BenchmarkHit(b *testing.B) {
	value := bytes.Repeat([]byte("x"), 1024)
	ours := func(b *testing.B, config cache.Config) func() bool {
		a := open(b, cache.Options{Config: config, Metrics: prometheus.NewRegistry()}).For("a")
		if err := a.Set(b.Context(), "some/key", value, 0); err != nil {
			b.Fatal(err)
		}
		ctx := context.Background()
		return func() bool {
			got, ok := a.Get(ctx, "some/key")
			return ok && len(got) == len(value)
		}
	}
	b.Run("memory/cache", func(b *testing.B) { hit(b, ours(b, cache.Config{})) })
	b.Run("memory/bare", func(b *testing.B) {
		bare := otter.Must(&otter.Options[string, []byte]{MaximumSize: 1000})
		bare.Set("some/key", value)
		hit(b, func() bool { got, ok := bare.GetIfPresent("some/key"); return ok && len(got) == len(value) })
	})
	b.Run("redis/cache", func(b *testing.B) {
		hit(b, ours(b, cache.Config{Store: "redis", Connection: connection("redis://" + cachetest.Redis(b).Addr), Budget: patient}))
	})
	b.Run("redis/bare", func(b *testing.B) {
		client := redis.NewClient(&redis.Options{Addr: cachetest.Redis(b).Addr})
		b.Cleanup(func() { _ = client.Close() })
		ctx := context.Background()
		client.Set(ctx, "some/key", value, 0)
		hit(b, func() bool {
			got, err := client.Get(ctx, "some/key").Bytes()
			return err == nil && len(got) == len(value)
		})
	})
	b.Run("memcache/cache", func(b *testing.B) {
		hit(b, ours(b, cache.Config{Store: "memcache", Connection: connection(cachetest.Memcached(b).Addr), Budget: patient}))
	})
	b.Run("memcache/bare", func(b *testing.B) {
		client := memcache.New(cachetest.Memcached(b).Addr)
		client.MaxIdleConns = 64
		b.Cleanup(func() { _ = client.Close() })
		if err := client.Set(&memcache.Item{Key: "some/key", Value: value}); err != nil {
			b.Fatal(err)
		}
		hit(b, func() bool { got, err := client.Get("some/key"); return err == nil && len(got.Value) == len(value) })
	})
}

func hit(b *testing.B, get func() bool) {
	b.Run("1", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !get() {
				b.Fatal("no hit")
			}
		}
	})
	b.Run("16", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if !get() {
					b.Error("no hit")
					return
				}
			}
		})
	})
}
