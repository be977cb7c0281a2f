package index_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// TestScale measures an index of as many entities as the environment variable INDEX_SCALE says (750000 is the size to
// plan for; it takes minutes and 2 GB): time to build, memory, and the latency of questions of which each comes in a
// thousand versions, with ten changes a second meanwhile. It asserts no time.
//
//	INDEX_SCALE=750000 go test -run TestScale -v -timeout 30m ./catalog/internal/index
func TestScale(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("INDEX_SCALE"))
	if err != nil {
		t.Skip("set INDEX_SCALE to a number of entities")
	}
	c := company{n: n, rich: n <= 100_000}
	ix := index.New(index.Options{})
	var building time.Duration
	const batch = 10_000
	for from := 0; from < n; from += batch {
		changes := make([]index.Change, 0, batch)
		for i := from; i < min(n, from+batch); i++ {
			changes = append(changes, c.change(i, 0))
		}
		start := time.Now()
		ix.Apply(0, changes)
		building += time.Since(start)
	}
	heap := func() float64 {
		debug.FreeOSMemory()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	facets, err := ix.Facets([]string{"kind"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := ix.Stats()
	t.Logf("%d entities of %.1f rows built in %.1f s (%.1f µs each); %d keys, %d values, text %d MB; heap %.0f MB; kinds %v",
		s.Entities, float64(s.Rows)/float64(n), building.Seconds(), float64(building.Microseconds())/float64(n), s.Keys, s.Values, s.TextBytes>>20, heap(), facets[0])

	stop := make(chan struct{})
	var writer sync.WaitGroup
	var writes []time.Duration
	writer.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			case <-tick.C:
				change := []index.Change{c.change(i*7919%n, i)}
				start := time.Now()
				ix.Apply(0, change)
				writes = append(writes, time.Since(start))
			}
		}
	})
	for _, s := range scaleShapes(c) {
		start := time.Now()
		s.ask(t, ix, 0)
		first := time.Since(start)
		for i := range 1000 {
			s.ask(t, ix, i)
		}
		var times []time.Duration
		for i := range 3000 {
			start := time.Now()
			s.ask(t, ix, i%1000)
			times = append(times, time.Since(start))
		}
		t.Logf("%-28s first %8.2f ms   p50 %8.3f ms   p99 %8.3f ms   max %8.3f ms", s.name, ms(first), ms(percentile(times, 50)), ms(percentile(times, 99)), ms(percentile(times, 100)))
	}
	close(stop)
	writer.Wait()
	t.Logf("%d writes: p50 %.3f ms, p99 %.3f ms", len(writes), ms(percentile(writes, 50)), ms(percentile(writes, 99)))
	t.Logf("after: heap %.0f MB, derived %d MB", heap(), ix.Stats().DerivedBytes>>20)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[min(len(times)-1, len(times)*p/100)]
}

func scaleShapes(c company) []shape {
	byName := query.Order{Keys: []query.SortKey{{Field: "metadata.name"}}}
	component := query.In{Key: "kind", Values: []string{"component"}}
	costs := func(i int) query.Predicate {
		return query.In{Key: "metadata.labels.example.com/cost-center", Values: []string{fmt.Sprintf("cc-%d", 1000+i%60), fmt.Sprintf("cc-%d", 1000+i*7%60), fmt.Sprintf("cc-%d", 1000+i/60)}}
	}
	owner := func(i int) query.Predicate {
		return query.In{Key: "spec.owner", Values: []string{c.ref(c.near(93, i*700, 1))}}
	}
	return []shape{
		{"components by name", func(b testing.TB, ix *index.Index, i int) {
			name, uid := query.Lower(c.name(i*700%c.n)), ""
			ask(b, ix, index.Query{Where: component, Order: byName, Limit: 20, After: []*string{&name, &uid}}, 0)
		}},
		{"and filtered, first page", func(b testing.TB, ix *index.Index, i int) {
			ask(b, ix, index.Query{Where: query.All{component, costs(i)}, Order: byName, Limit: 20, Total: true}, 1)
		}},
		{"of one owner", func(b testing.TB, ix *index.Index, i int) {
			ask(b, ix, index.Query{Where: query.All{component, owner(i)}, Order: byName, Limit: 20, Total: true}, 1)
		}},
		{"unfiltered page", func(b testing.TB, ix *index.Index, i int) {
			ask(b, ix, index.Query{Limit: 20, Offset: i * 700 % c.n, Total: true}, 1)
		}},
		{"count of components", func(b testing.TB, ix *index.Index, i int) {
			if page, err := ix.Query(index.Query{Where: query.All{component, costs(i)}, Total: true}); err != nil || page.Total == 0 {
				b.Fatal(page, err)
			}
		}},
		{"components by type", func(b testing.TB, ix *index.Index, i int) {
			if facets, err := ix.Facets([]string{"spec.type"}, query.All{component, costs(i)}); err != nil || len(facets[0]) != 4 {
				b.Fatal(facets, err)
			}
		}},
		{"ordered $any", func(b testing.TB, ix *index.Index, i int) {
			p := query.Any{query.All{component, owner(i)}, query.All{costs(i), query.In{Key: "metadata.tags", Values: []string{tags[i%len(tags)]}}}}
			ask(b, ix, index.Query{Where: p, Order: byName, Limit: 20, Total: true}, 1)
		}},
		{"ordered $any, selective", func(b testing.TB, ix *index.Index, i int) {
			p := query.Any{owner(i), query.Prefix{Key: "metadata.name", Prefix: nouns[i%len(nouns)] + "-" + planets[i/100%len(planets)] + "-a"}}
			ask(b, ix, index.Query{Where: p, Order: byName, Limit: 20, Total: true}, 1)
		}},
		{"two keys", func(b testing.TB, ix *index.Index, i int) {
			o := query.Order{Keys: []query.SortKey{{Field: "spec.lifecycle"}, {Field: "metadata.name", Desc: true}}}
			ask(b, ix, index.Query{Where: costs(i), Order: o, Limit: 20, Total: true}, 1)
		}},
		{"full text", func(b testing.TB, ix *index.Index, i int) {
			term := nouns[i%len(nouns)] + "-" + planets[i/10%len(planets)]
			ask(b, ix, index.Query{Where: query.All{component, query.Text{Keys: []string{"metadata.name"}, Term: term}}, Order: byName, Limit: 20, Total: true}, 0)
		}},
		{"full text, one word", func(b testing.TB, ix *index.Index, i int) {
			ask(b, ix, index.Query{Where: query.Text{Keys: []string{"metadata.name"}, Term: nouns[i%len(nouns)]}, Order: byName, Limit: 20, Total: true}, 1)
		}},
		{"by refs", func(b testing.TB, ix *index.Index, i int) {
			refs := make([]string, 20)
			for n := range refs {
				refs[n] = c.ref((i*20 + n) * 37 % c.n)
			}
			if docs, err := ix.ByRefs(refs, nil); err != nil || docs[19].UID == "" {
				b.Fatal(err)
			}
		}},
	}
}
