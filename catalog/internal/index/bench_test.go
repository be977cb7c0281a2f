package index_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

const benchSize = 10_000

var bench10k = company{n: benchSize, rich: true}

func benchIndex(b *testing.B) *index.Index {
	b.Helper()
	ix := index.New(index.Options{})
	bench10k.load(ix)
	return ix
}

func BenchmarkBuild(b *testing.B) {
	var changes []index.Change
	size := 0
	for i := range benchSize {
		changes = append(changes, bench10k.change(i, 0))
		size += len(changes[i].Entity)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		index.New(index.Options{}).Apply(1, changes)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/benchSize, "µs/entity")
}

func BenchmarkUpdate(b *testing.B) {
	ix := benchIndex(b)
	warm(b, ix)
	generation := 0
	for i := 0; b.Loop(); i++ {
		if i%benchSize == 0 {
			generation++
		}
		b.StopTimer()
		change := []index.Change{bench10k.change(i%benchSize, generation)}
		b.StartTimer()
		ix.Apply(int64(i), change)
	}
}

func warm(b *testing.B, ix *index.Index) {
	for _, shape := range shapes() {
		for i := range 50 {
			shape.ask(b, ix, i)
		}
	}
}

type shape struct {
	name string
	ask  func(b testing.TB, ix *index.Index, i int)
}

func ask(b testing.TB, ix *index.Index, q index.Query, atLeast int) *index.Page {
	page, err := ix.Query(q)
	if err != nil {
		b.Fatal(err)
	}
	if len(page.Docs) < atLeast {
		b.Fatalf("%d entities, want at least %d", len(page.Docs), atLeast)
	}
	return page
}

// shapes are questions of which each comes in a thousand versions.
func shapes() []shape {
	byName := query.Order{Keys: []query.SortKey{{Field: "metadata.name"}}}
	fields := []string{"metadata.name", "metadata.title", "spec.type", "spec.lifecycle", "spec.owner", "metadata.uid", "spec.priority", "kind",
		"metadata.annotations.example.com/slug", "metadata.annotations.example.com/build", "metadata.labels.example.com/cost-center", "spec.system"}
	component := query.In{Key: "kind", Values: []string{"component"}}
	where := func(i int) query.Predicate {
		return query.All{component, query.Any{
			query.In{Key: "metadata.labels.example.com/cost-center", Values: []string{fmt.Sprintf("cc-%d", 1000+i%60)}},
			query.In{Key: "spec.owner", Values: []string{bench10k.ref(bench10k.near(93, i, 1))}},
			query.Exists{Key: fmt.Sprintf("metadata.tags.%s", tags[i%len(tags)])},
		}}
	}
	return []shape{
		{"first page", func(b testing.TB, ix *index.Index, i int) {
			ask(b, ix, index.Query{Limit: 20, Offset: i % 10, Total: true}, 20)
		}},
		{"filtered and ordered", func(b testing.TB, ix *index.Index, i int) {
			o := query.Order{Keys: []query.SortKey{{Field: fields[i%len(fields)], Desc: i%2 == 1}}}
			ask(b, ix, index.Query{Where: where(i), Order: o, Limit: 20, Total: true}, 1)
		}},
		{"selective and ordered", func(b testing.TB, ix *index.Index, i int) {
			p := query.In{Key: "spec.owner", Values: []string{bench10k.ref(bench10k.near(93, i*100, 1))}}
			ask(b, ix, index.Query{Where: p, Order: byName, Limit: 20, Total: true}, 1)
		}},
		{"deep cursor", func(b testing.TB, ix *index.Index, i int) {
			name, uid := query.Lower(bench10k.name(i%1000*7)), ""
			ask(b, ix, index.Query{Where: component, Order: byName, Limit: 20, After: []*string{&name, &uid}, Backward: i%2 == 1}, 0)
		}},
		{"two keys", func(b testing.TB, ix *index.Index, i int) {
			o := query.Order{Keys: []query.SortKey{{Field: "spec.lifecycle"}, {Field: fields[i%4], Desc: true}}}
			ask(b, ix, index.Query{Where: where(i), Order: o, Limit: 20, Total: true}, 1)
		}},
		{"full text", func(b testing.TB, ix *index.Index, i int) {
			term := nouns[i%len(nouns)]
			if i%10 > 4 {
				term += "-" + planets[i/10%len(planets)][:3]
			}
			p := query.All{component, query.Text{Keys: []string{"metadata.name", "metadata.title"}, Term: term}}
			ask(b, ix, index.Query{Where: p, Order: byName, Limit: 20, Total: true}, 0)
		}},
		{"short full text", func(b testing.TB, ix *index.Index, i int) {
			p := query.Text{Keys: []string{"metadata.name"}, Term: "abcdefghijklmnoprstuvwyz"[i%23 : i%23+1]}
			ask(b, ix, index.Query{Where: p, Order: byName, Limit: 20, Total: true}, 0)
		}},
		{"entities by filter", func(b testing.TB, ix *index.Index, i int) {
			p := query.All{component, query.In{Key: "spec.type", Values: []string{types[i%len(types)]}}}
			ask(b, ix, index.Query{Where: p, Order: query.Order{ByRef: true}, Limit: 100, Offset: i % 100}, 100)
		}},
		{"facets", func(b testing.TB, ix *index.Index, i int) {
			if _, err := ix.Facets([]string{"spec.type"}, nil); err != nil {
				b.Fatal(err)
			}
		}},
		{"filtered facets", func(b testing.TB, ix *index.Index, i int) {
			if _, err := ix.Facets([]string{"spec.type", "spec.lifecycle", "metadata.tags"}, where(i)); err != nil {
				b.Fatal(err)
			}
		}},
		{"by refs", func(b testing.TB, ix *index.Index, i int) {
			refs := make([]string, 20)
			for n := range refs {
				refs[n] = benchRefs()[(i*20+n)%benchSize]
			}
			if docs, err := ix.ByRefs(refs, nil); err != nil || docs[19].UID == "" {
				b.Fatal(err)
			}
		}},
		{"prefix", func(b testing.TB, ix *index.Index, i int) {
			p := query.Prefix{Key: "metadata.name", Prefix: nouns[i%len(nouns)] + "-" + planets[i/100%len(planets)][:1]}
			ask(b, ix, index.Query{Where: p, Order: byName, Limit: 20, Total: true}, 0)
		}},
		{"comparison", func(b testing.TB, ix *index.Index, i int) {
			f := float64(i)
			p := query.Compare{Key: "spec.priority", Op: query.Less, Operand: query.Operand{Number: &f}}
			ask(b, ix, index.Query{Where: p, Order: byName, Limit: 20, Total: true}, 0)
		}},
		{"5,000 values", func(b testing.TB, ix *index.Index, i int) {
			values := make([]string, query.MaxTerms)
			for n := range values {
				values[n] = benchRefs()[(i+n)%benchSize]
			}
			p := query.Any{query.In{Key: "spec.owner", Values: values}, query.In{Key: "relations.partOf", Values: values}}
			ask(b, ix, index.Query{Where: p, Order: byName, Limit: 20, Total: true}, 20)
		}},
		{"graph", func(b testing.TB, ix *index.Index, i int) {
			if _, err := ix.Graph(index.GraphQuery{Roots: []string{benchRefs()[i%benchSize]}, Direction: index.Both, Depth: 2, MaxNodes: 100}); err != nil {
				b.Fatal(err)
			}
		}},
	}
}

var benchRefs = sync.OnceValue(func() []string {
	refs := make([]string, benchSize)
	for i := range refs {
		refs[i] = bench10k.ref(i)
	}
	return refs
})

func BenchmarkQuery(b *testing.B) {
	ix := benchIndex(b)
	for _, s := range shapes() {
		b.Run(s.name, func(b *testing.B) {
			for i := range 1000 {
				s.ask(b, ix, i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.ask(b, ix, i%1000)
			}
		})
	}
}

// BenchmarkQueryWhileWriting asks on all cores, as a server does, and tells how long the slowest in a hundred waits:
// with nobody writing, with ten changes a second, and while everything is written anew.
func BenchmarkQueryWhileWriting(b *testing.B) {
	for name, write := range map[string]func(ix *index.Index, stop <-chan struct{}){
		"nothing": func(*index.Index, <-chan struct{}) {},
		"ten a second": func(ix *index.Index, stop <-chan struct{}) {
			for i := 1; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(100 * time.Millisecond):
					ix.Apply(0, []index.Change{bench10k.change(i*37%benchSize, i)})
				}
			}
		},
		"everything": func(ix *index.Index, stop <-chan struct{}) {
			var changes []index.Change
			for i := 1; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				changes = append(changes, bench10k.change(i%benchSize, i))
				if len(changes) == 1000 {
					ix.Apply(0, changes)
					changes = changes[:0]
				}
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			ix := benchIndex(b)
			ask := shapes()[1].ask
			for i := range 1000 {
				ask(b, ix, i)
			}
			stop := make(chan struct{})
			var writer sync.WaitGroup
			writer.Go(func() { write(ix, stop) })
			var mu sync.Mutex
			var times []time.Duration
			b.ResetTimer()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				var mine []time.Duration
				for i := 0; pb.Next(); i++ {
					start := time.Now()
					ask(b, ix, i%1000)
					mine = append(mine, time.Since(start))
				}
				mu.Lock()
				defer mu.Unlock()
				times = append(times, mine...)
			})
			b.StopTimer()
			close(stop)
			writer.Wait()
			b.ReportMetric(float64(percentile(times, 99).Nanoseconds())/1000, "p99-µs")
			b.ReportMetric(float64(percentile(times, 100).Nanoseconds())/1000, "max-µs")
		})
	}
}
