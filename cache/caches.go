package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/cache/internal/engine"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Options is what [Open] needs.
type Options struct {
	// Config is the section backend.cache. Zero values mean its defaults.
	Config Config

	// Logger gets a line when a store becomes unavailable and one when it is back. Nil means none.
	Logger *slog.Logger

	// Store replaces the stores that Config names, for all plugins; namespaces, budget, breaker and limits stay. The app closes it, after [Caches.Close]. Nil means none.
	Store Store

	// LoadTimeout limits one call of a fill function, see [pluginapi.Cache]. Default 30s.
	LoadTimeout time.Duration

	// Metrics gets counters and durations per plugin. It must not hold another Caches' already. Nil means none.
	Metrics prometheus.Registerer
}

// Caches is the caches of all plugins of one portal. It is safe for concurrent use.
type Caches struct {
	config  Config
	timeout time.Duration
	logger  *slog.Logger
	metrics *metrics

	stores map[string]*backend // of plugins with their own; the one of everybody is under ""
	ctx    context.Context     // ends with Close
	cancel context.CancelFunc
	fills  sync.WaitGroup

	mu     sync.Mutex
	spaces map[string]*namespace
	closed bool
}

// Open makes the caches. It connects to nothing: a store that is not there shows at the first call, as a miss.
// The error says what is wrong with the configuration, each fault beginning with its key below backend.cache.
func Open(o Options) (*Caches, error) {
	if faults := o.Config.faults(); len(faults) > 0 && o.Store == nil {
		errs := make([]error, len(faults))
		for i, fault := range faults {
			errs[i] = fmt.Errorf("configure cache: %s: %w", fault.Key, fault)
		}
		return nil, errors.Join(errs...)
	}
	c := &Caches{
		config:  o.Config.withDefaults(),
		timeout: orDefault(o.LoadTimeout, 30*time.Second),
		logger:  o.Logger,
		stores:  make(map[string]*backend),
		spaces:  make(map[string]*namespace),
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if err := c.openStores(o.Store); err != nil {
		c.closeStores()
		return nil, fmt.Errorf("open cache: %w", err)
	}
	if o.Metrics != nil {
		var err error
		if c.metrics, err = newMetrics(o.Metrics, c.memoryBytes); err != nil {
			c.closeStores()
			return nil, fmt.Errorf("open cache: %w", err)
		}
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

func (c *Caches) openStores(given Store) error {
	if given != nil {
		c.stores[""] = newGuarded(given, "custom", c.config, c.logger)
		return nil
	}
	var err error
	if c.stores[""], err = openStore(c.config, c.logger); err != nil {
		return err
	}
	for id := range c.config.Plugin {
		if of, own := c.config.of(id); own {
			if c.stores[id], err = openStore(of, c.logger.With("plugin", id)); err != nil {
				return fmt.Errorf("plugin.%s: %w", id, err)
			}
		}
	}
	return nil
}

func openStore(c Config, logger *slog.Logger) (*backend, error) {
	switch c.Store {
	case storeRedis, storeValkey:
		if cluster := c.cluster(); cluster != nil && len(cluster.RootNodes) == 0 {
			logger.Warn("cache: a cluster is configured without rootNodes, so connection is used as a single server", "store", c.Store)
		}
		options, fault := c.redisOptions()
		if fault != nil {
			return nil, fault
		}
		return newGuarded(engine.NewRedis(options), c.Store, c, logger), nil
	case storeMemcache:
		addresses, err := c.Connection.memcacheAddresses()
		if err != nil {
			return nil, err
		}
		return newGuarded(engine.NewMemcache(addresses, c.Budget), c.Store, c, logger), nil
	}
	memory, err := engine.NewMemory(c.MaxMemory)
	if err != nil {
		return nil, err
	}
	return &backend{store: memory, name: storeMemory}, nil
}

// For returns the cache of a plugin: the same for every call with the same id.
func (c *Caches) For(pluginID string) pluginapi.Cache {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.spaces[pluginID]
	if !ok {
		store, own := c.stores[pluginID]
		if !own {
			store = c.stores[""]
		}
		config, _ := c.config.of(pluginID)
		n = newNamespace(c, pluginID, store, config)
		c.spaces[pluginID] = n
	}
	return n
}

// Close ends running fills, waits for them until ctx ends, and closes connections. Afterwards every call is a miss. Calling it again is fine.
func (c *Caches) Close(ctx context.Context) error {
	c.mu.Lock()
	already := c.closed
	c.closed = true
	for _, n := range c.spaces {
		n.flights.close()
	}
	c.mu.Unlock()
	if already {
		return nil
	}
	c.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.fills.Wait()
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("close cache: values are still being loaded: %w", context.Cause(ctx))
	}
	return errors.Join(err, c.closeStores())
}

func (c *Caches) closeStores() error {
	var errs []error
	for _, b := range c.stores {
		if closer, ok := b.store.(io.Closer); ok && b.name != "custom" {
			errs = append(errs, closer.Close())
		}
	}
	return errors.Join(errs...)
}

// memoryBytes is what the memory stores hold.
func (c *Caches) memoryBytes() float64 {
	total := uint64(0)
	for _, b := range c.stores {
		if memory, ok := b.store.(*engine.Memory); ok {
			total += memory.Bytes()
		}
	}
	return float64(total)
}
