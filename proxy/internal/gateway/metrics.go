package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/internal/upstream"
)

// metrics is what all endpoints count. The only labels that come from outside are paths of endpoints, so there are as many series as were configured.
type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	failures  *prometheus.CounterVec
	retries   *prometheus.CounterVec
	bytes     *prometheus.CounterVec
	streams   *prometheus.GaugeVec
	resting   *prometheus.GaugeVec
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "proscenium", Subsystem: "proxy", Name: name, Help: help}
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts(name("requests_total", "Requests, by the class of the status that they were answered with; canceled: the client left before.")), []string{"endpoint", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "proscenium", Subsystem: "proxy", Name: "request_duration_seconds", Help: "Time from a request to the end of its answer, without streams.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"endpoint"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts(name("target_errors_total", "Attempts to which the target gave no answer, or not all of it, by why.")), []string{"endpoint", "kind"}),
		retries:  prometheus.NewCounterVec(prometheus.CounterOpts(name("retries_total", "Attempts after the first.")), []string{"endpoint"}),
		bytes:    prometheus.NewCounterVec(prometheus.CounterOpts(name("body_bytes_total", "Bytes of bodies that were passed on, to the target (sent) and to clients (received), without upgraded connections.")), []string{"endpoint", "direction"}),
		streams:  prometheus.NewGaugeVec(prometheus.GaugeOpts(name("streams", "Server-sent events and upgraded connections that are open.")), []string{"endpoint"}),
		resting:  prometheus.NewGaugeVec(prometheus.GaugeOpts(name("breaker_open", "1 while the target is given a rest because it keeps failing to answer.")), []string{"endpoint"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.durations, m.failures, m.retries, m.bytes, m.streams, m.resting} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register proxy metrics: %w", err)
		}
	}
	return m, nil
}

// classes are the values of the label code; a status' class is its first digit.
func classes() []string { return []string{"canceled", "1xx", "2xx", "3xx", "4xx", "5xx"} }

// counters are one endpoint's metrics, found once.
type counters struct {
	metrics        *metrics
	path           string
	requests       [6]prometheus.Counter // by place in classes
	duration       prometheus.Observer
	retries        prometheus.Counter
	sent, received prometheus.Counter
	streams        prometheus.Gauge
	resting        prometheus.Gauge
}

func (m *metrics) of(path string) *counters {
	c := &counters{
		metrics: m, path: path,
		duration: m.durations.WithLabelValues(path),
		retries:  m.retries.WithLabelValues(path),
		sent:     m.bytes.WithLabelValues(path, "sent"),
		received: m.bytes.WithLabelValues(path, "received"),
		streams:  m.streams.WithLabelValues(path),
		resting:  m.resting.WithLabelValues(path),
	}
	for i, class := range classes() {
		c.requests[i] = m.requests.WithLabelValues(path, class)
	}
	return c
}

// forget drops what was counted of an endpoint that is no more.
func (m *metrics) forget(path string) {
	labels := prometheus.Labels{"endpoint": path}
	for _, vector := range []interface {
		DeletePartialMatch(prometheus.Labels) int
	}{m.requests, m.durations, m.failures, m.retries, m.bytes, m.streams, m.resting} {
		vector.DeletePartialMatch(labels)
	}
}

// answered counts a request by the status of its answer.
func (c *counters) answered(status int) {
	class := status / 100
	if class < 1 || class > 5 {
		class = 5
	}
	c.requests[class].Inc()
}

// refused counts a request that ends with an error, and is not counted yet.
func (c *counters) refused(r *http.Request, err error, begun time.Time) {
	if errors.Is(err, http.ErrAbortHandler) { // its answer had begun
		return
	}
	if r.Context().Err() != nil {
		c.requests[0].Inc()
		return
	}
	status, _, _ := pluginapi.Describe(err)
	c.answered(status)
	c.done(begun)
}

// done takes the time of a request.
func (c *counters) done(begun time.Time) { c.duration.Observe(time.Since(begun).Seconds()) }

// failed counts an error of the target's.
func (c *counters) failed(err error) {
	var failure *upstream.Error
	if errors.As(err, &failure) {
		c.metrics.failures.WithLabelValues(c.path, string(failure.Kind)).Inc()
	}
}
