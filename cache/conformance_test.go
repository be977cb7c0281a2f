package cache_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/cache"
	"github.com/proscenium-dev/proscenium/cache/cachetest"
	"github.com/proscenium-dev/proscenium/cache/internal/engine"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// patient is a budget that a busy machine keeps: these tests are about what calls do, not how fast.
const patient = 10 * time.Second

// open opens caches that are closed at the end of the test.
func open(t testing.TB, o cache.Options) *cache.Caches {
	t.Helper()
	c, err := cache.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return c
}

func connection(text string) cache.Connection {
	return cache.Connection{URL: pluginapi.NewSecret(text)}
}

// namespaces makes tests that share a server not share entries.
var namespaces atomic.Int64

func namespace() string { return fmt.Sprintf("test%d", namespaces.Add(1)) }

func TestCaches(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		cachetest.Caches(t, func(t *testing.T) *cache.Caches { return open(t, cache.Options{}) })
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		server := cachetest.Redis(t)
		cachetest.Caches(t, func(t *testing.T) *cache.Caches {
			return open(t, cache.Options{Config: cache.Config{Store: "redis", Connection: connection("redis://" + server.Addr), Namespace: namespace(), Budget: patient}})
		})
	})
	t.Run("valkey with sets", func(t *testing.T) {
		t.Parallel()
		server := cachetest.Redis(t)
		cachetest.Caches(t, func(t *testing.T) *cache.Caches {
			return open(t, cache.Options{Config: cache.Config{Store: "valkey", Connection: connection("valkey://" + server.Addr), UseRedisSets: true, Namespace: namespace(), Budget: patient}})
		})
	})
	t.Run("memcache", func(t *testing.T) {
		t.Parallel()
		server, second := cachetest.Memcached(t), cachetest.Memcached(t)
		cachetest.Caches(t, func(t *testing.T) *cache.Caches {
			return open(t, cache.Options{Config: cache.Config{Store: "memcache", Connection: connection(server.Addr + ",memcache://" + second.Addr), Namespace: namespace(), Budget: patient}})
		})
	})
	t.Run("an app's own", func(t *testing.T) {
		t.Parallel()
		cachetest.Caches(t, func(t *testing.T) *cache.Caches { return open(t, cache.Options{Store: &mapStore{}}) })
	})
}

func TestStores(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		cachetest.Store(t, func(t *testing.T) cache.Store {
			memory, err := engine.NewMemory(64 << 20)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = memory.Close() })
			return memory
		})
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		options := engine.RedisOptions{Addresses: []string{cachetest.Redis(t).Addr}, ConnectTimeout: patient, CallTimeout: patient}
		cachetest.Store(t, func(t *testing.T) cache.Store {
			redis := engine.NewRedis(options)
			t.Cleanup(func() { _ = redis.Close() })
			return redis
		})
	})
	t.Run("memcache", func(t *testing.T) {
		t.Parallel()
		server := cachetest.Memcached(t)
		cachetest.Store(t, func(t *testing.T) cache.Store {
			memcache := engine.NewMemcache([]string{server.Addr}, patient)
			t.Cleanup(func() { _ = memcache.Close() })
			return memcache
		})
	})
	t.Run("an app's own", func(t *testing.T) {
		t.Parallel()
		cachetest.Store(t, func(*testing.T) cache.Store { return &mapStore{} })
	})
}

// mapStore is the smallest store an app could bring.
type mapStore struct {
	mu      sync.Mutex
	entries map[string]mapEntry
}

type mapEntry struct {
	value string
	until time.Time
}

var _ cache.Store = (*mapStore)(nil)

func (s *mapStore) Get(_ context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	if !ok || time.Now().After(e.until) {
		return nil, false, nil
	}
	return []byte(e.value), true, nil
}

func (s *mapStore) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		s.entries = make(map[string]mapEntry)
	}
	s.entries[key] = mapEntry{string(value), time.Now().Add(ttl)}
	return nil
}

func (s *mapStore) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
	return nil
}
