package cache

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what all plugins' caches count.
type metrics struct {
	hits, misses, errors *prometheus.CounterVec
	durations            *prometheus.HistogramVec
}

func newMetrics(registerer prometheus.Registerer, memoryBytes func() float64) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "proscenium", Subsystem: "cache", Name: name, Help: help}, labels)
	}
	m := &metrics{
		hits:   counter("hits_total", "Reads that found a value.", "plugin", "store"),
		misses: counter("misses_total", "Reads that found none, for whatever reason.", "plugin", "store"),
		errors: counter("errors_total", "Calls that the store failed, or that were not made because it keeps failing.", "plugin", "store", "operation"),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "proscenium", Subsystem: "cache", Name: "duration_seconds", Help: "How long calls took.",
			Buckets: []float64{1e-6, 1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 1e-1},
		}, []string{"plugin", "store", "operation"}),
	}
	memory := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "proscenium", Subsystem: "cache", Name: "memory_bytes", Help: "What the memory stores hold, overhead included.",
	}, memoryBytes)
	for _, c := range []prometheus.Collector{m.hits, m.misses, m.errors, m.durations, memory} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register cache metrics: %w", err)
		}
	}
	return m, nil
}

// operation is what can be done with a cache.
type operation int

const (
	opGet operation = iota
	opSet
	opDelete
	opClear
	opFill
	operations
)

func (op operation) String() string {
	return [operations]string{"get", "set", "delete", "clear", "fill"}[op]
}

// counters are one plugin's metrics; a nil *counters counts nothing.
type counters struct {
	hits, misses prometheus.Counter
	errors       [operations]prometheus.Counter
	durations    [operations]prometheus.Observer
}

// of returns the counters of a plugin; nil when nothing is counted.
func (m *metrics) of(plugin, store string) *counters {
	if m == nil {
		return nil
	}
	c := &counters{hits: m.hits.WithLabelValues(plugin, store), misses: m.misses.WithLabelValues(plugin, store)}
	for op := range operations {
		c.errors[op] = m.errors.WithLabelValues(plugin, store, op.String())
		c.durations[op] = m.durations.WithLabelValues(plugin, store, op.String())
	}
	return c
}

// start returns the time for done, or nothing when nothing is counted.
func (c *counters) start() time.Time {
	if c == nil {
		return time.Time{}
	}
	return time.Now()
}

func (c *counters) done(op operation, start time.Time, err error) {
	if c == nil {
		return
	}
	c.durations[op].Observe(time.Since(start).Seconds())
	if err != nil {
		c.errors[op].Inc()
	}
}

func (c *counters) read(hit bool) {
	switch {
	case c == nil:
	case hit:
		c.hits.Inc()
	default:
		c.misses.Inc()
	}
}
