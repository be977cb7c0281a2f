package cache

import (
	"context"
	"time"
)

// Store is where entries are kept. The ones that ship are chosen by [Config]; an app can bring its own, see [Options], which has to pass cachetest.Store.
//
// A Store is safe for concurrent use. Its methods should return when the context ends, which is soon: a call has the configured budget, 50 ms unless set.
// They return an error when they cannot tell or could not do it; the cache counts it, looks like a miss to plugins, and stops asking a store that keeps failing for a while.
// Keys are printable ASCII without blanks, 250 bytes at most.
type Store interface {
	// Get returns the value of key; false when there is none or its time is over. The value belongs to the caller.
	Get(ctx context.Context, key string) (value []byte, ok bool, err error)

	// Set stores a copy of value for ttl, which is positive; a store may round it up to a second.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error

	// Delete forgets key. That there is none is no error.
	Delete(ctx context.Context, key string) error
}

// Clearer is a [Store] that can forget by itself every key with a prefix, and no other. Without it clearing changes what a plugin's keys begin with, and the old entries stay until their time is over.
type Clearer interface {
	Clear(ctx context.Context, prefix string) error
}
