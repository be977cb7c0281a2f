package metrics

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// Sources are what is looked up when somebody asks.
type Sources struct {
	Index     *index.Index
	Store     *store.Store
	Available func() error // nil while the catalog runs; else the index is not yet what it should be, and the tables may not be there
	Logger    *slog.Logger
}

// Register adds the catalog's metrics and returns the part that is told what ingestion does.
func Register(registerer prometheus.Registerer, sources Sources) (*Ingestion, error) {
	i := newIngestion()
	for _, c := range append(i.collectors, newState(sources)) {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register catalog metrics: %w", err)
		}
	}
	return i, nil
}

// state tells what there is.
type state struct {
	Sources
	entities, relations, locations, problems *prometheus.Desc
	queueLength, queueDelay                  *prometheus.Desc
	changes, indexChanges                    *prometheus.Desc
	indexRows, indexValues, indexBytes       *prometheus.Desc
}

var _ prometheus.Collector = (*state)(nil)

// patience bounds how long the database may take, so that the other metrics of the portal are not late.
const patience = time.Second

// maxKinds bounds the values of the label kind: a processor can recognize whatever entities call themselves.
const maxKinds = 50

func newState(sources Sources) *state {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, nil)
	}
	const all = " Of the whole catalog, so each replica tells the same: take the maximum."
	counted := fmt.Sprintf(" Counted up to %d.", store.MostCounted)
	return &state{
		Sources:      sources,
		entities:     desc("entities", fmt.Sprintf("Entities, by kind; the %d most frequent kinds by themselves.", maxKinds)+all, "kind"),
		relations:    desc("relations", "Relations of entities, each direction by itself."+all),
		locations:    desc("registered_locations", "Locations that somebody has registered."+counted+all),
		problems:     desc("problems", "What is wrong at present: entities whose last processing failed, locations and files that cannot be read or not completely, and conflicts between two that bring the same entity."+counted+all, "about"),
		queueLength:  desc("queue_entities", "Entities that are due to be processed, or to be put together anew (stitching)."+counted+all, "queue"),
		queueDelay:   desc("queue_delay_seconds", "How long the oldest entity in the queue has been due."+all, "queue"),
		changes:      desc("changes_total", "Changes of entities, since the database was made."+all),
		indexChanges: desc("index_changes_total", "Changes of entities that the index of this process has; fewer than changes_total: it shows what is old."),
		indexRows:    desc("index_rows", "Pairs of a key and a value that the index of this process has of all entities."),
		indexValues:  desc("index_values", "Different pairs of a key and a value that the index of this process has."),
		indexBytes:   desc("index_bytes", "Memory of the index of this process, roughly: of its text, and of what it derives to answer faster.", "part"),
	}
}

// Describe implements prometheus.Collector.
func (s *state) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.entities, s.relations, s.locations, s.problems, s.queueLength, s.queueDelay, s.changes, s.indexChanges, s.indexRows, s.indexValues, s.indexBytes} {
		c <- d
	}
}

// Collect implements prometheus.Collector. While the catalog does not run there is nothing; what the database does not say in time is left out.
func (s *state) Collect(c chan<- prometheus.Metric) {
	if s.Available() != nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	count := func(desc *prometheus.Desc, value int64) {
		c <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value))
	}
	for _, kind := range s.kinds() {
		gauge(s.entities, float64(kind.Count), kind.Value)
	}
	sizes := s.Index.Stats()
	gauge(s.relations, float64(sizes.Relations))
	gauge(s.indexRows, float64(sizes.Rows))
	gauge(s.indexValues, float64(sizes.Values))
	gauge(s.indexBytes, float64(sizes.TextBytes), "text")
	gauge(s.indexBytes, float64(sizes.DerivedBytes), "derived")
	applied := s.Index.Seq() // first, so that it is not ahead
	count(s.indexChanges, applied)

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	totals, err := s.Store.Totals(ctx)
	if err != nil {
		s.Logger.Debug("some metrics of the catalog are left out", "error", err)
		return
	}
	count(s.changes, totals.Changes)
	gauge(s.locations, float64(totals.Locations))
	gauge(s.problems, float64(totals.FailedEntities), "entity")
	gauge(s.problems, float64(totals.FailedTargets), "location")
	gauge(s.problems, float64(totals.FailedFiles), "file")
	gauge(s.problems, float64(totals.Conflicts), "conflict")
	for name, queue := range map[string]store.Queue{"processing": totals.Processing, "stitching": totals.Stitching} {
		gauge(s.queueLength, float64(queue.Length), name)
		gauge(s.queueDelay, queue.Seconds, name)
	}
}

// kinds counts entities by kind.
func (s *state) kinds() []index.FacetValue {
	facets, err := s.Index.Facets([]string{"kind"}, nil)
	if err != nil {
		return nil // cannot be: it is about a question that makes no sense
	}
	kinds := facets[0]
	if len(kinds) <= maxKinds {
		return kinds
	}
	slices.SortStableFunc(kinds, func(a, b index.FacetValue) int { return cmp.Compare(b.Count, a.Count) })
	other := index.FacetValue{Value: "(other)"} // which no kind is called
	for _, kind := range kinds[maxKinds:] {
		other.Count += kind.Count
	}
	return append(kinds[:maxKinds:maxKinds], other)
}
