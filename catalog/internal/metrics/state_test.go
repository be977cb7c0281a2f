package metrics_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/metrics"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// gathered are the values of gauges and counters by name, and how many series each has.
func gathered(t *testing.T, registry *prometheus.Registry) (sums map[string]float64, series map[string]int) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sums, series = map[string]float64{}, map[string]int{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			sums[family.GetName()] += metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
			series[family.GetName()]++
		}
	}
	return sums, series
}

// TestState has more kinds than are told by themselves, a database that does not answer, and at first a catalog that does not run.
func TestState(t *testing.T) {
	t.Parallel()
	d := databasetest.New(t, databasetest.SQLite)
	if err := d.Prepare(t.Context(), "catalog"); err != nil {
		t.Fatal(err)
	}
	db, err := d.For("catalog") // without tables
	if err != nil {
		t.Fatal(err)
	}
	ix := index.New(index.Options{})
	const kinds = 120
	for kind := range kinds {
		for n := range 1 + kind%2 {
			ref := fmt.Sprintf("kind%d:default/n%d", kind, n)
			ix.Apply(0, []index.Change{{Ref: ref, UID: ref, Entity: fmt.Appendf(nil, `{"kind":"Kind%d","metadata":{"name":"n%d","uid":%q}}`, kind, n, ref)}})
		}
	}
	running := errors.New("starting")
	registry := prometheus.NewPedanticRegistry()
	counts, err := metrics.Register(registry, metrics.Sources{Index: ix, Store: store.New(db), Available: func() error { return running }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	counts.Stitched(3, time.Millisecond)
	counts.Stitched(0, time.Millisecond) // nothing waited
	sums, series := gathered(t, registry)
	if series["proscenium_catalog_entities"] != 0 || sums["proscenium_catalog_stitched_entities_total"] != 3 {
		t.Errorf("before it runs: %v", sums)
	}
	running = nil
	sums, series = gathered(t, registry)
	if n := series["proscenium_catalog_entities"]; n != 51 || sums["proscenium_catalog_entities"] != kinds*3/2 {
		t.Errorf("%d kinds with %v entities", n, sums["proscenium_catalog_entities"])
	}
	if series["proscenium_catalog_problems"] != 0 || series["proscenium_catalog_index_rows"] != 1 {
		t.Errorf("without a database: %v", series)
	}
}

// TestNobodyCounts calls what counts without anybody who does, as tests of ingestion do.
func TestNobodyCounts(t *testing.T) {
	t.Parallel()
	var nobody *metrics.Ingestion
	nobody.Expect([]string{"a"}, []string{"b"})
	nobody.Processed(metrics.Failed, time.Second)
	nobody.Called("a", time.Second)
	nobody.Read(metrics.Changed)
	nobody.Stitched(1, time.Second)
	nobody.ProviderFailed("b")
}

// BenchmarkProcessed is what counting adds to the processing of an entity.
func BenchmarkProcessed(b *testing.B) {
	counts, err := metrics.Register(prometheus.NewRegistry(), metrics.Sources{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		counts.Processed(metrics.Changed, 50*time.Microsecond)
	}
}
