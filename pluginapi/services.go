package pluginapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Cache is a plugin's own cache: what it stores can be gone at any time, and no other plugin sees it. It is safe for concurrent use.
//
// A store that is down, frozen or slow costs a call at most its budget (50 ms unless configured) and looks like a miss.
type Cache interface {
	// Get returns the value of key. It belongs to the caller. A miss, for whatever reason, is false.
	Get(ctx context.Context, key string) (value []byte, ok bool)

	// Set stores a copy of value for about ttl; a ttl of zero means the configured default. That it could not be stored is no error; that it may never be, is: [ErrTooLarge].
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Delete forgets key. An error means that the old value may still be read.
	Delete(ctx context.Context, key string) error

	// Clear forgets everything of this plugin, and nothing of others.
	Clear(ctx context.Context) error

	// Load returns the value of key, or what fill makes for it, which is then stored. Callers that miss together share one call of fill; it goes on when one of them leaves.
	// An error of fill is returned and not stored.
	Load(ctx context.Context, key string, ttl time.Duration, fill func(context.Context) ([]byte, error)) ([]byte, error)
}

// ErrTooLarge says that a value exceeds the cache's limit for one value (1 MiB unless configured).
var ErrTooLarge = errors.New("value is larger than the cache takes")

// Cached returns the T stored under key, or what fill makes, stored as JSON for about ttl. See [Cache.Load].
func Cached[T any](ctx context.Context, c Cache, key string, ttl time.Duration, fill func(context.Context) (T, error)) (T, error) {
	var value T
	data, err := c.Load(ctx, key, ttl, func(ctx context.Context) ([]byte, error) {
		made, err := fill(ctx)
		if err != nil {
			return nil, err
		}
		return json.Marshal(made)
	})
	if err != nil {
		return value, err
	}
	if err := json.Unmarshal(data, &value); err != nil {
		return value, fmt.Errorf("read cached %q: %w", key, err)
	}
	return value, nil
}

// Signals tells the portal's other replicas, and this one, that something happened. A signal is a hint and can be lost: the database is the truth. It is safe for concurrent use.
type Signals interface {
	// Publish sends payload, 7,000 bytes at most, to all listeners of this plugin's topic.
	Publish(ctx context.Context, topic, payload string) error

	// Listen calls fn, one call at a time, for each signal of the topic, until ctx ends; it then returns ctx's error. An empty payload means that signals may have been lost: look for yourself.
	Listen(ctx context.Context, topic string, fn func(payload string)) error
}

// Leases lets one replica at a time do something. It is safe for concurrent use.
type Leases interface {
	// TryHold runs fn if no replica holds the plugin's lease of that name, else it returns false at once. fn's context ends when the lease is lost; a holder that dies loses it within seconds.
	TryHold(ctx context.Context, name string, fn func(context.Context) error) (held bool, err error)
}
