package database

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/proscenium-dev/proscenium/database/internal/observe"
)

// telemetry measures and traces what plugins do. As a collector it asks the pool for its state when it is scraped.
type telemetry struct {
	databases *Databases
	measures  bool
	tracer    trace.Tracer // nil when nothing is traced
	durations *prometheus.HistogramVec
	errors    *prometheus.CounterVec
}

func newTelemetry(d *Databases, measures bool, provider trace.TracerProvider) *telemetry {
	t := &telemetry{databases: d, measures: measures}
	if provider != nil {
		t.tracer = provider.Tracer("github.com/proscenium-dev/proscenium/database")
	}
	t.durations = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "proscenium_database_statement_duration_seconds",
		Help:    "Time until a statement had its result or its first row.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"plugin"})
	t.errors = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "proscenium_database_statement_errors_total",
		Help: "Statements that failed.",
	}, []string{"plugin", "kind"})
	return t
}

// observer returns what follows one plugin's statements.
func (t *telemetry) observer(s settings) observe.Observer {
	if !t.measures && t.tracer == nil {
		return observe.Nobody{}
	}
	o := &observer{telemetry: t, plugin: s.id}
	if t.measures {
		o.duration = t.durations.WithLabelValues(s.id)
	}
	system, namespace := "sqlite", s.file
	if s.dialect == Postgres {
		system, namespace = "postgresql", s.database
		if s.schema != "" {
			namespace += "|" + s.schema
		}
	}
	o.attributes = []attribute.KeyValue{
		attribute.String("db.system.name", system),
		attribute.String("db.namespace", namespace),
		attribute.String("proscenium.plugin", s.id),
	}
	return o
}

// observer follows one plugin's statements.
type observer struct {
	telemetry  *telemetry
	plugin     string
	duration   prometheus.Observer // nil when nothing is measured
	attributes []attribute.KeyValue
}

// Statement begins a span and takes the time.
func (o *observer) Statement(ctx context.Context, text string) (context.Context, func(error)) {
	var span trace.Span
	if o.telemetry.tracer != nil {
		operation := firstWord(text)
		ctx, span = o.telemetry.tracer.Start(ctx, operation, trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(o.attributes...),
			trace.WithAttributes(attribute.String("db.operation.name", operation), attribute.String("db.query.text", text)))
	}
	began := time.Now()
	return ctx, func(err error) {
		if o.duration != nil {
			o.duration.Observe(time.Since(began).Seconds())
		}
		if err != nil && o.telemetry.measures {
			o.telemetry.errors.WithLabelValues(o.plugin, kindOf(err)).Inc()
		}
		if span != nil {
			if err != nil {
				span.SetStatus(codes.Error, err.Error())
				span.SetAttributes(attribute.String("error.type", kindOf(err)))
			}
			span.End()
		}
	}
}

// kindOf sorts errors by who can do something about them.
func kindOf(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "failed"
}

// firstWord is a statement's verb, in capitals as tracing's conventions have it.
func firstWord(text string) string {
	text = strings.TrimLeft(text, " \t\r\n(")
	if end := strings.IndexAny(text, " \t\r\n(;"); end > 0 {
		text = text[:end]
	}
	if len(text) > 20 || text == "" {
		return "SQL"
	}
	return strings.ToUpper(text)
}

var (
	inUseDesc       = prometheus.NewDesc("proscenium_database_connections", "Connections a plugin holds.", []string{"plugin"}, nil)
	quotaDesc       = prometheus.NewDesc("proscenium_database_connections_max", "Connections a plugin may hold.", []string{"plugin"}, nil)
	waitersDesc     = prometheus.NewDesc("proscenium_database_connection_waiters", "Calls that wait for a connection.", []string{"plugin"}, nil)
	waitsDesc       = prometheus.NewDesc("proscenium_database_connection_waits_total", "Calls that had to wait for a connection.", []string{"plugin"}, nil)
	waitSecondsDesc = prometheus.NewDesc("proscenium_database_connection_wait_seconds_total", "Time calls have waited for a connection.", []string{"plugin"}, nil)
	poolDesc        = prometheus.NewDesc("proscenium_database_pool_connections", "Connections of the process to PostgreSQL.", []string{"state"}, nil)
	limitDesc       = prometheus.NewDesc("proscenium_database_pool_limit", "Connections the process may have to PostgreSQL.", nil, nil)
)

var _ prometheus.Collector = (*telemetry)(nil)

// Describe sends what there may be to collect.
func (t *telemetry) Describe(c chan<- *prometheus.Desc) {
	t.durations.Describe(c)
	t.errors.Describe(c)
	for _, d := range []*prometheus.Desc{inUseDesc, quotaDesc, waitersDesc, waitsDesc, waitSecondsDesc, poolDesc, limitDesc} {
		c <- d
	}
}

// Collect sends the state of things.
func (t *telemetry) Collect(c chan<- prometheus.Metric) {
	t.durations.Collect(c)
	t.errors.Collect(c)
	d := t.databases
	d.mu.Lock()
	defer d.mu.Unlock()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	any := false
	for id, p := range d.plugins {
		if p.borrower == nil {
			continue
		}
		any = true
		inUse, waiting, waits, waited := p.borrower.Use()
		gauge(inUseDesc, float64(inUse), id)
		gauge(quotaDesc, float64(p.borrower.Quota()), id)
		gauge(waitersDesc, float64(waiting), id)
		c <- prometheus.MustNewConstMetric(waitsDesc, prometheus.CounterValue, float64(waits), id)
		c <- prometheus.MustNewConstMetric(waitSecondsDesc, prometheus.CounterValue, waited.Seconds(), id)
	}
	if any {
		open, idle, _ := d.pool.Counts()
		gauge(poolDesc, float64(open-idle), "in_use")
		gauge(poolDesc, float64(idle), "idle")
		gauge(limitDesc, float64(d.pool.Limit()))
	}
}
