package auditservice

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the service's own, in a registry of its own.
type metrics struct {
	registry *prometheus.Registry
	audits   *prometheus.CounterVec // by result
	running  prometheus.Gauge
	duration prometheus.Histogram
	overhead prometheus.Histogram
	queue    *prometheus.GaugeVec // by state
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		audits:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lighthouse_audits_total", Help: "Audits that this process has ended, by result."}, []string{"result"}),
		running:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "lighthouse_audits_running", Help: "Audits that this process runs now."}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "lighthouse_audit_seconds", Help: "How long audits ran.", Buckets: []float64{1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300}}),
		overhead: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "lighthouse_audit_overhead_seconds", Help: "What queue and storage took of an audit, besides running it.", Buckets: []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 5},
		}),
		queue: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "lighthouse_queue", Help: "Audits of all replicas that have not ended, by state."}, []string{"state"}),
	}
	for _, result := range []string{"completed", "failed", "abandoned"} {
		m.audits.WithLabelValues(result)
	}
	m.registry.MustRegister(m.audits, m.running, m.duration, m.overhead, m.queue, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// serveMetrics answers in the text format of Prometheus.
func (s *Service) serveMetrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if load, err := s.Store.Load(ctx); err == nil {
		s.metrics.queue.WithLabelValues("waiting").Set(float64(load.Waiting))
		s.metrics.queue.WithLabelValues("begun").Set(float64(load.Begun))
	} else {
		s.metrics.queue.Reset() // no figure rather than an old one
	}
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}
