package pipeline_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/pipeline"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// BenchmarkCold ingests a generated catalog, and Restart loads it again. Set CATALOG_BENCH to its root Location's file; without it the catalog is a small one.
func BenchmarkCold(b *testing.B) {
	for _, engine := range engines {
		b.Run(string(engine), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				c := newCatalog(b, databasetest.New(b, engine))
				root := benchRoot(c)
				b.StartTimer()
				c.start()
				c.register(root)
				b.StopTimer()
				b.ReportMetric(float64(c.index.Len()), "entities")
				c.stop()
			}
		})
	}
}

func BenchmarkRestart(b *testing.B) {
	for _, engine := range engines {
		b.Run(string(engine), func(b *testing.B) {
			c := newCatalog(b, databasetest.New(b, engine))
			root := benchRoot(c)
			c.start()
			c.register(root)
			c.stop()
			for b.Loop() {
				c.start()
				c.register(root)
				b.StopTimer()
				c.stop()
				b.StartTimer()
			}
			b.ReportMetric(float64(c.index.Len()), "entities")
		})
	}
}

func benchRoot(c *catalog) string {
	if root := os.Getenv("CATALOG_BENCH"); root != "" {
		return root
	}
	text := ""
	for i := range 500 {
		text += component(fmt.Sprintf("service-%d", i), fmt.Sprintf("team-%d", i%20)) + "---\n"
	}
	return c.write("catalog-info.yaml", text)
}

// BenchmarkReprocess looks at everything again, with nothing changed: as when something else may come of each entity, when rules may let others in, and when it is time to look at files.
func BenchmarkReprocess(b *testing.B) {
	for _, engine := range engines {
		c := newCatalog(b, databasetest.New(b, engine))
		c.start()
		root := benchRoot(c)
		c.register(root)
		times := 0
		for name, again := range map[string]func() error{
			"everything": func() error { return c.store.ProcessAgain(b.Context(), fmt.Sprint(times), "") },
			"rules": func() error {
				c.set(func(s *pipeline.Settings) { s.RulesText = fmt.Sprint(times) })
				return c.store.ProcessAgain(b.Context(), "the same", fmt.Sprint(times))
			},
			"files": func() error {
				_, err := c.store.Refresh(b.Context(), locationRef(root))
				return err
			},
		} {
			b.Run(string(engine)+"/"+name, func(b *testing.B) {
				for b.Loop() {
					times++
					if err := again(); err != nil {
						b.Fatal(err)
					}
					c.pipeline.Wake()
					c.settle()
				}
				b.ReportMetric(float64(c.index.Len()), "entities")
			})
		}
		c.stop()
	}
}

// BenchmarkWrite writes one of fifty entities directly, and waits until it can be seen.
func BenchmarkWrite(b *testing.B) {
	for _, engine := range engines {
		b.Run(string(engine), func(b *testing.B) {
			c := newCatalog(b, databasetest.New(b, engine))
			c.start()
			c.register(benchRoot(c))
			n := 0
			for b.Loop() {
				n++
				child, err := pipeline.ProvidedChild("people", catalognode.Deferred{Entity: &catalogcommon.Entity{
					APIVersion: "backstage.io/v1alpha1", Kind: "Component", Metadata: catalogcommon.Metadata{Name: fmt.Sprint("written-", n%50), Description: fmt.Sprint(n)}, Spec: service("team-1"),
				}})
				if err != nil {
					b.Fatal(err)
				}
				_, changes, err := c.store.Mutate(b.Context(), store.Mutation{Source: "people", Added: []store.Child{c.pipeline.Foreseen(b.Context(), child)}})
				if err != nil {
					b.Fatal(err)
				}
				c.pipeline.Published(changes)
				for {
					seq := c.index.Seq()
					done, last, _, err := c.store.Processed(b.Context(), child.Ref)
					if err == nil && done {
						err = c.index.WaitFor(b.Context(), last)
					} else if err == nil {
						err = c.index.WaitFor(b.Context(), seq+1)
					}
					if err != nil {
						b.Fatal(err)
					}
					if done {
						break
					}
				}
			}
		})
	}
}

// BenchmarkHotGroup adds a member to a group of 5,000, and waits until the member can be seen. What is written of final entities meanwhile is counted, the group's too.
func BenchmarkHotGroup(b *testing.B) {
	for _, engine := range engines {
		b.Run(string(engine), func(b *testing.B) {
			c := newCatalog(b, databasetest.New(b, engine))
			var written, groups atomic.Int64
			c.more = func(o *pipeline.Options) {
				o.Changed = func(changes []store.Change) {
					for _, change := range changes {
						written.Add(int64(len(change.Body)))
						if change.Ref == "group:default/everybody" {
							groups.Add(1)
						}
					}
				}
			}
			c.start()
			people := c.pipeline.Connection("people")
			add := func(from, to int) {
				members := make([]catalognode.Deferred, 0, to-from)
				for i := from; i < to; i++ {
					members = append(members, user(fmt.Sprintf("member-%d", i), "everybody"))
				}
				if err := people.Delta(b.Context(), members, nil); err != nil {
					b.Fatal(err)
				}
			}
			if err := people.Delta(b.Context(), []catalognode.Deferred{team("everybody")}, nil); err != nil {
				b.Fatal(err)
			}
			const members = 5000
			add(0, members)
			c.settle()
			written.Store(0)
			groups.Store(0)
			next := members
			for b.Loop() {
				add(next, next+1)
				ref := fmt.Sprintf("user:default/member-%d", next)
				for next++; ; {
					if _, there := c.index.ByRef(ref); there {
						break
					}
					if err := c.index.WaitFor(b.Context(), c.index.Seq()+1); err != nil {
						b.Fatal(err)
					}
				}
			}
			c.settle()
			b.ReportMetric(float64(written.Load())/float64(next-members), "written-B/op")
			b.ReportMetric(float64(groups.Load())/float64(next-members), "groups/op")
			if got := len(c.must("group:default/everybody").Relations); got != next {
				b.Errorf("%d members, want %d", got, next)
			}
		})
	}
}
