package pipeline_test

import (
	"fmt"
	"os"
	"testing"

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

// BenchmarkReprocess processes everything again, with nothing changed.
func BenchmarkReprocess(b *testing.B) {
	for _, engine := range engines {
		b.Run(string(engine), func(b *testing.B) {
			c := newCatalog(b, databasetest.New(b, engine))
			c.start()
			c.register(benchRoot(c))
			pipelines := 0
			for b.Loop() {
				pipelines++
				if _, err := c.store.ProcessAll(b.Context(), fmt.Sprint(pipelines)); err != nil {
					b.Fatal(err)
				}
				c.pipeline.Wake()
				c.settle()
			}
			b.ReportMetric(float64(c.index.Len()), "entities")
		})
	}
}
