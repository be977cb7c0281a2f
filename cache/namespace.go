package cache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/proscenium-dev/proscenium/cache/internal/engine"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// namespace is one plugin's cache.
//
// Its keys in the store are prefix, generation and the plugin's key, separated by colons. Where the store can clear by itself the generation is always 0; elsewhere clearing means a new one.
type namespace struct {
	caches   *Caches
	backend  *backend
	store    Store
	clearer  Clearer // nil: clear by generation
	prefix   string
	plugin   string
	ttl      time.Duration
	maxValue int64
	counters *counters

	generations generations
	doubts      doubts
	flights     flights
	clearing    atomic.Bool // by clearAside
}

var _ pluginapi.Cache = (*namespace)(nil)

func newNamespace(c *Caches, pluginID string, b *backend, config Config) *namespace {
	n := &namespace{
		caches: c, backend: b, store: b.store, plugin: pluginID, ttl: config.DefaultTTL, maxValue: config.MaxValue,
		prefix: config.prefix() + shortKey(pluginID, maxPlugin) + config.separator(), counters: c.metrics.of(pluginID, b.name),
	}
	if redis, ok := n.store.(*engine.Redis); ok && redis.UsesSets() {
		n.store = redis.Namespace(n.prefix)
	}
	n.clearer, _ = n.store.(Clearer)
	n.generations.first = make(chan struct{}, 1)
	if c.closed {
		n.flights.close()
	}
	return n
}

// Lengths of keys. Memcached takes 250 bytes; the prefix has 64 at most, a generation 16.
const (
	maxPlugin = 44 // as long as a hash
	maxKey    = 120
)

// shortKey returns key, or its hash when it is longer than limit or holds what not every store takes. No key is another one's hash: those begin with #.
func shortKey(key string, limit int) string {
	if len(key) <= limit && (key == "" || key[0] != '#') {
		plain := true
		for i := range len(key) {
			if key[i] <= ' ' || key[i] >= 0x7f {
				plain = false
				break
			}
		}
		if plain {
			return key
		}
	}
	sum := sha256.Sum256([]byte(key))
	return "#" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// key returns the key in the store of a plugin's key. Whoever changes an entry that was there must change the one that other replicas read, and so needs it fresh.
func (n *namespace) key(ctx *budgeted, key string, fresh bool) (string, error) {
	if n.clearer != nil {
		return n.onlyKey(key), nil
	}
	generation, err := n.generation(ctx, fresh)
	if err != nil {
		return "", err
	}
	return n.prefix + generation + ":" + shortKey(key, maxKey), nil
}

// onlyKey returns the key in a store that clears by itself.
func (n *namespace) onlyKey(key string) string { return n.prefix + "0:" + shortKey(key, maxKey) }

// Get implements [pluginapi.Cache].
func (n *namespace) Get(ctx context.Context, key string) ([]byte, bool) {
	start := n.counters.start()
	value, ok, err := n.get(ctx, key)
	n.counters.done(opGet, start, err)
	n.counters.read(ok)
	return value, ok
}

func (n *namespace) get(caller context.Context, key string) ([]byte, bool, error) {
	if caller.Err() != nil || n.flights.isClosed() {
		return nil, false, nil
	}
	if n.backend.budget == 0 { // nothing to wait for
		return n.store.Get(caller, n.onlyKey(key))
	}
	ctx := spend(caller, n.backend.budget)
	defer ctx.done()
	if n.doubts.any() && n.settle(ctx, key) {
		return nil, false, nil
	}
	stored, err := n.key(ctx, key, false)
	if err != nil {
		return nil, false, err
	}
	result, err := n.backend.do(ctx, func(ctx context.Context) (r breakable, err error) {
		r.value, r.ok, err = n.store.Get(ctx, stored)
		return r, err
	})
	return result.value, result.ok && err == nil, err
}

// Set implements [pluginapi.Cache].
func (n *namespace) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if int64(len(value)) > n.maxValue {
		return fmt.Errorf("cache %d bytes, of at most %d: %w", len(value), n.maxValue, pluginapi.ErrTooLarge)
	}
	n.flights.detach(key)
	if err := n.set(ctx, key, true, value, ttl); err != nil {
		n.doubts.add(key) // what was there before may still be
		return nil
	}
	n.doubts.remove(key)
	return nil
}

func (n *namespace) set(caller context.Context, key string, fresh bool, value []byte, ttl time.Duration) error {
	if n.flights.isClosed() {
		return nil
	}
	start := n.counters.start()
	err := n.call(caller, key, fresh, func(ctx context.Context, stored string) error {
		if ttl < 0 {
			return n.store.Delete(ctx, stored)
		}
		return n.store.Set(ctx, stored, value, jitter(orDefault(ttl, n.ttl)))
	})
	n.counters.done(opSet, start, err)
	return err
}

// jitter shortens ttl by up to a tenth, so that what was stored together does not expire together.
func jitter(ttl time.Duration) time.Duration {
	return max(ttl-rand.N(ttl/10+1), time.Millisecond)
}

// Delete implements [pluginapi.Cache].
func (n *namespace) Delete(ctx context.Context, key string) error {
	n.flights.detach(key)
	if n.flights.isClosed() {
		return errClosed
	}
	start := n.counters.start()
	err := n.call(ctx, key, true, n.store.Delete)
	n.counters.done(opDelete, start, err)
	if err != nil {
		n.doubts.add(key)
		return fmt.Errorf("delete from cache: %w", err)
	}
	n.doubts.remove(key)
	return nil
}

var errClosed = errors.New("the cache is closed")

// call runs fn with the key in the store, under the budget and the breaker.
func (n *namespace) call(caller context.Context, key string, fresh bool, fn func(ctx context.Context, stored string) error) error {
	if err := caller.Err(); err != nil {
		return err
	}
	if n.backend.budget == 0 {
		return fn(caller, n.onlyKey(key))
	}
	ctx := spend(caller, n.backend.budget)
	defer ctx.done()
	stored, err := n.key(ctx, key, fresh)
	if err != nil {
		return err
	}
	_, err = n.backend.do(ctx, func(ctx context.Context) (breakable, error) { return breakable{}, fn(ctx, stored) })
	return err
}

// Clear implements [pluginapi.Cache].
func (n *namespace) Clear(ctx context.Context) error {
	n.flights.detachAll()
	if n.flights.isClosed() {
		return errClosed
	}
	start := n.counters.start()
	_, _, noted := n.doubts.of("")
	err := n.clear(ctx)
	n.counters.done(opClear, start, err)
	if err != nil {
		n.doubts.addAll()
		return fmt.Errorf("clear cache: %w", err)
	}
	n.doubts.reset(noted)
	return nil
}

// maxClear is how long clearing may take where it goes through all keys: it is as long as the namespace is large.
const maxClear = 30 * time.Second

func (n *namespace) clear(caller context.Context) error {
	if n.clearer == nil {
		ctx := spend(caller, n.backend.budget)
		defer ctx.done()
		return n.renew(ctx)
	}
	ctx := spend(caller, maxClear)
	defer ctx.done()
	if n.backend.budget == 0 {
		return n.clearer.Clear(ctx, n.prefix)
	}
	_, err := n.backend.do(ctx, func(ctx context.Context) (breakable, error) {
		return breakable{}, n.clearer.Clear(ctx, n.prefix)
	})
	return err
}

// settle deals with keys whose last change did not reach the store: what is there is too old to be read. It reports whether key is such a one.
func (n *namespace) settle(ctx *budgeted, key string) bool {
	doubtful, all, noted := n.doubts.of(key)
	switch {
	case !doubtful:
		return false
	case all && n.clearer == nil:
		if n.renew(ctx) == nil {
			n.doubts.reset(noted)
		}
	case all:
		n.clearAside(noted)
	default:
		stored, err := n.key(ctx, key, true)
		if err != nil {
			break
		}
		if _, err = n.backend.do(ctx, func(ctx context.Context) (breakable, error) { return breakable{}, n.store.Delete(ctx, stored) }); err == nil {
			n.doubts.remove(key)
		}
	}
	return true
}

// clearAside clears the namespace in a goroutine that Close waits for: a read should not take as long.
func (n *namespace) clearAside(noted uint64) {
	if !n.clearing.CompareAndSwap(false, true) {
		return
	}
	if !n.flights.hold(&n.caches.fills) {
		return
	}
	go func() {
		defer n.caches.fills.Done()
		defer n.clearing.Store(false)
		if n.clear(n.caches.ctx) == nil {
			n.doubts.reset(noted)
		}
	}()
}

// Load implements [pluginapi.Cache]. The context of fill has the values of the first caller's, and so its principal, but a deadline of its own.
func (n *namespace) Load(ctx context.Context, key string, ttl time.Duration, fill func(context.Context) ([]byte, error)) ([]byte, error) {
	before := n.flights.landed.Load()
	if value, ok := n.Get(ctx, key); ok {
		return value, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	f, first, open := n.flights.join(key, &n.caches.fills)
	if !open {
		return fill(ctx)
	}
	if first {
		// Another call may have landed between our miss and now; only then is it worth to look again.
		lookAgain := n.flights.landed.Load() != before
		go n.fly(context.WithoutCancel(ctx), f, key, ttl, lookAgain, fill)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("load %q: %w", key, context.Cause(ctx))
	}
	if f.err != nil {
		return nil, f.err
	}
	return bytes.Clone(f.value), nil
}

// fly makes the value of a flight.
func (n *namespace) fly(ctx context.Context, f *flight, key string, ttl time.Duration, lookAgain bool, fill func(context.Context) ([]byte, error)) {
	ctx, cancel := context.WithTimeoutCause(ctx, n.caches.timeout, fmt.Errorf("loading took longer than %s", n.caches.timeout))
	defer cancel()
	defer context.AfterFunc(n.caches.ctx, cancel)()
	defer n.caches.fills.Done()
	defer n.flights.land(key, f) // also when fill panics or exits its goroutine
	if lookAgain {
		if value, ok := n.Get(ctx, key); ok {
			f.value = value
			return
		}
	}
	start := n.counters.start()
	f.err = errNoReturn
	f.value, f.err = n.fill(ctx, key, fill)
	n.counters.done(opFill, start, f.err)
	if f.err != nil || int64(len(f.value)) > n.maxValue || f.detached() {
		return
	}
	if err := n.set(ctx, key, false, f.value, ttl); err == nil && f.detached() {
		// The key was changed meanwhile, and ours may have come last.
		_ = n.Delete(ctx, key)
	}
}

// errNoReturn stands when a fill function ends its goroutine.
var errNoReturn = errors.New("load: the function ended without returning")

// fill calls fn and makes an error of a panic.
func (n *namespace) fill(ctx context.Context, key string, fn func(context.Context) ([]byte, error)) (value []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("load %q: panic: %v", key, r)
			n.caches.logger.ErrorContext(ctx, "cache: a function that loads a value panicked", "plugin", n.plugin, "key", key, "error", err, "stack", stack())
		}
	}()
	return fn(ctx)
}
