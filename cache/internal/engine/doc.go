// Package engine holds the stores that ship: memory, Redis (also Valkey) and memcached. They stand on gocache's stores, whose traps end here: only []byte goes in and comes out,
// lifetimes are never rounded to "for ever", and nothing that empties a whole server can be reached.
package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/eko/gocache/lib/v4/store"
)

// adapter makes a gocache store one of bytes.
type adapter struct{ inner store.StoreInterface }

// Get returns the value of key; false when there is none. The value belongs to the caller.
func (a adapter) Get(ctx context.Context, key string) ([]byte, bool, error) {
	value, err := a.inner.Get(ctx, key)
	if err != nil {
		if errors.Is(err, store.NotFound{}) {
			return nil, false, nil
		}
		return nil, false, err
	}
	switch value := value.(type) {
	case []byte:
		return value, true, nil
	case string:
		// What Redis answers: made for this call out of bytes from the network, and nobody else has it, so it need not be copied to be changed.
		return unsafe.Slice(unsafe.StringData(value), len(value)), true, nil
	}
	return nil, false, fmt.Errorf("read %q: stored as %T", key, value)
}

// Set stores a copy of value for ttl, which must be positive.
func (a adapter) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return a.inner.Set(ctx, key, value, store.WithExpiration(ttl))
}

// Delete forgets key. That there is none is no error.
func (a adapter) Delete(ctx context.Context, key string) error {
	return a.inner.Delete(ctx, key)
}
