package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/eko/gocache/lib/v4/store"
	"github.com/maypok86/otter/v2"
)

// entryCost is what an entry takes beside its key and value, in bytes: otter's node, the hash table's share, two slice headers.
const entryCost = 192

// Memory is a store in this process, bounded in bytes. What is used least goes first.
type Memory struct {
	adapter
	cache *otter.Cache[string, entry]
}

type entry struct {
	value []byte
	ttl   time.Duration
}

// NewMemory makes a store of at most limit bytes, keys and overhead included. Close ends its goroutine.
func NewMemory(limit int64) (*Memory, error) {
	cache, err := otter.New(&otter.Options[string, entry]{
		MaximumWeight:    uint64(limit),
		Weigher:          func(key string, e entry) uint32 { return uint32(len(key) + len(e.value) + entryCost) },
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, entry]) time.Duration { return e.Value.ttl }),
	})
	if err != nil {
		return nil, fmt.Errorf("make memory store: %w", err)
	}
	return &Memory{adapter{&otterStore{cache}}, cache}, nil
}

// Clear forgets every key that begins with prefix.
func (m *Memory) Clear(ctx context.Context, prefix string) error {
	for key := range m.cache.Keys() {
		if strings.HasPrefix(key, prefix) {
			m.cache.Invalidate(key)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Bytes is how much is stored, as the limit counts it.
func (m *Memory) Bytes() uint64 { return m.cache.WeightedSize() }

// Close ends the store's goroutine. The store can still be used, but what has expired then goes only when room is needed.
func (m *Memory) Close() error {
	m.cache.StopAllGoroutines()
	return nil
}

// otterStore is a gocache store over otter: it reads its own writes, and each entry has a lifetime of its own.
type otterStore struct{ cache *otter.Cache[string, entry] }

var _ store.StoreInterface = (*otterStore)(nil)

func (s *otterStore) Get(_ context.Context, key any) (any, error) {
	e, ok := s.cache.GetIfPresent(key.(string))
	if !ok {
		return nil, store.NotFound{}
	}
	return bytes.Clone(e.value), nil
}

func (s *otterStore) GetWithTTL(_ context.Context, key any) (any, time.Duration, error) {
	e, ok := s.cache.GetEntryQuietly(key.(string))
	if !ok {
		return nil, 0, store.NotFound{}
	}
	return bytes.Clone(e.Value.value), e.ExpiresAfter(), nil
}

func (s *otterStore) Set(_ context.Context, key any, value any, options ...store.Option) error {
	data, ok := value.([]byte)
	if !ok {
		return fmt.Errorf("store %v: value is %T, not []byte", key, value)
	}
	copied := make([]byte, len(data)) // never nil, so that an empty value stays one
	copy(copied, data)
	s.cache.Set(key.(string), entry{copied, store.ApplyOptions(options...).Expiration})
	return nil
}

func (s *otterStore) Delete(_ context.Context, key any) error {
	s.cache.Invalidate(key.(string))
	return nil
}

// Invalidate is about tags, which are not used here.
func (s *otterStore) Invalidate(context.Context, ...store.InvalidateOption) error {
	return errors.New("invalidate by tag: not supported by the memory store")
}

func (s *otterStore) Clear(context.Context) error {
	s.cache.InvalidateAll()
	return nil
}

func (s *otterStore) GetType() string { return "otter" }
