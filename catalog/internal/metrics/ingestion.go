package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Result is what came of a piece of work.
type Result int

// The results.
const (
	Changed Result = iota
	Unchanged
	Failed
)

func resultNames() [3]string { return [...]string{"changed", "unchanged", "failed"} }

// Ingestion counts what this process does to bring entities into the catalog. It is safe for concurrent use; nil counts nothing.
type Ingestion struct {
	processed, reads [3]prometheus.Counter // by Result
	processing       prometheus.Observer
	processors       *prometheus.HistogramVec
	stitched         prometheus.Counter
	stitching        prometheus.Observer
	providers        *prometheus.CounterVec
	collectors       []prometheus.Collector
}

const namespace, subsystem = "proscenium", "catalog"

func newIngestion() *Ingestion {
	i := &Ingestion{}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
		i.collectors = append(i.collectors, c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, Buckets: buckets}, labels)
		i.collectors = append(i.collectors, h)
		return h
	}
	processed := counter("processed_entities_total", "Entities that this process has processed, by what came of it. Failed ones stay as they were.", "result")
	reads := counter("location_reads_total", "Targets of locations that this process has read, by what came of it; failed, too, if only some of the files could not be read.", "result")
	for result, name := range resultNames() {
		i.processed[result], i.reads[result] = processed.WithLabelValues(name), reads.WithLabelValues(name)
	}
	i.processing = histogram("processing_duration_seconds", "Time that this process took to process an entity; of a Location, with all that it reads.",
		[]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}).WithLabelValues()
	i.processors = histogram("processor_duration_seconds", "Time that a stage of a contributed processor took in this process.",
		[]float64{.0001, .001, .01, .1, .5, 1, 2.5, 5, 10, 30, 60}, "processor")
	i.stitched = counter("stitched_entities_total", "Entities that this process has put together anew, whether or not that changed them.").WithLabelValues()
	i.stitching = histogram("stitching_duration_seconds", "Time that this process took to put a batch of entities together and store it, up to a thousand at once.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}).WithLabelValues()
	i.providers = counter("provider_failures_total", "Calls of a contributed provider by this process that ended with an error. It is called again.", "provider")
	return i
}

// Expect has the series of processors and providers begin at none, so that the first failure can be seen to be one.
func (i *Ingestion) Expect(processors, providers []string) {
	if i == nil {
		return
	}
	for _, name := range processors {
		i.processors.WithLabelValues(name)
	}
	for _, name := range providers {
		i.providers.WithLabelValues(name)
	}
}

// Processed counts an entity that was processed.
func (i *Ingestion) Processed(result Result, took time.Duration) {
	if i == nil {
		return
	}
	i.processed[result].Inc()
	i.processing.Observe(took.Seconds())
}

// Called counts a call of a contributed processor.
func (i *Ingestion) Called(processor string, took time.Duration) {
	if i == nil {
		return
	}
	i.processors.WithLabelValues(processor).Observe(took.Seconds())
}

// Read counts a target of a location that was read.
func (i *Ingestion) Read(result Result) {
	if i == nil {
		return
	}
	i.reads[result].Inc()
}

// Stitched counts entities that were put together at once.
func (i *Ingestion) Stitched(entities int, took time.Duration) {
	if i == nil || entities == 0 {
		return
	}
	i.stitched.Add(float64(entities))
	i.stitching.Observe(took.Seconds())
}

// ProviderFailed counts a failure of a contributed provider.
func (i *Ingestion) ProviderFailed(provider string) {
	if i == nil {
		return
	}
	i.providers.WithLabelValues(provider).Inc()
}
