package server

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts requests by the plugin whose endpoint they came to; those to no plugin's are the portal's own.
type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

// newMetrics returns nil when nobody wants to know.
func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	if registerer == nil {
		return nil, nil
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "proscenium", Subsystem: "http", Name: "requests_total", Help: "Requests, by the class of the status that they were answered with.",
		}, []string{"plugin", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "proscenium", Subsystem: "http", Name: "request_duration_seconds", Help: "Time from a request's header to the end of its answer, without streams.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"plugin"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.durations} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of requests: %w", err)
		}
	}
	return m, nil
}

// counters are one plugin's metrics, found once; nil counts nothing.
type counters struct {
	requests [6]prometheus.Counter // by the first digit of the status
	duration prometheus.Observer
}

func (m *metrics) of(plugin string) *counters {
	if m == nil {
		return nil
	}
	if plugin == "" {
		plugin = "portal"
	}
	c := &counters{duration: m.durations.WithLabelValues(plugin)}
	for class := 1; class < len(c.requests); class++ {
		c.requests[class] = m.requests.WithLabelValues(plugin, fmt.Sprintf("%dxx", class))
	}
	return c
}

// count counts a request that is answered.
func (c *counters) count(x *exchange) {
	if c == nil {
		return
	}
	if class := x.status() / 100; class >= 1 && class <= 5 {
		c.requests[class].Inc()
	}
	if x.endpoint == nil || !x.endpoint.Stream {
		c.duration.Observe(time.Since(x.begun).Seconds())
	}
}
