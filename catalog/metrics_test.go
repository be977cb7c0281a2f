package catalog_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/database/databasetest"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// scraped are the catalog's metrics, by name and labels as they are written, without that of the plugin and without the namespace.
func scraped(t *testing.T, p *plugintest.Portal) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	for line := range strings.Lines(string(p.Get("/.backstage/metrics").Want(200).Body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name, ours := strings.CutPrefix(name, "proscenium_catalog_"); ours {
			if !strings.Contains(name, `plugin="catalog"`) {
				t.Errorf("%s has no plugin", name)
			}
			name = strings.NewReplacer(`,plugin="catalog"`, "", `plugin="catalog",`, "", `{plugin="catalog"}`, "").Replace(name)
			number, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			found[name] = number
		}
	}
	return found
}

// faulty is a plugin with a processor that fails one entity, and a provider that fails whenever it is called.
func faulty() pluginapi.Plugin {
	return pluginapi.Plugin{ID: "faulty", Extensions: []pluginapi.Extension{
		catalognode.Processors.From("critic", catalognode.Processor{}, func() catalognode.Stages {
			return catalognode.Stages{PreProcess: func(_ context.Context, _ catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
				if e.Metadata.Name == "till" {
					return nil, errors.New("no tills")
				}
				return e, nil
			}}
		}),
		catalognode.Providers.From("directory", catalognode.Provider{}, func(context.Context, catalognode.Connection) error { return errors.New("no directory") }),
	}}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	for _, engine := range []databasetest.Engine{databasetest.SQLite, databasetest.PostgresSchemas} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			p := start(t, plugintest.Options{Config: databaseConfig(databasetest.Options(t, engine))}, faulty())
			var m map[string]float64
			p.Eventually("the provider is called, and nothing waits", func() bool {
				m = scraped(t, p)
				return m[`provider_failures_total{provider="faulty/directory"}`] > 0 && m["index_changes_total"] == m["changes_total"] && m[`queue_entities{queue="processing"}`]+m[`queue_entities{queue="stitching"}`] == 0
			})
			for name, want := range map[string]float64{
				`entities{kind="Component"}`:              1,
				`entities{kind="Resource"}`:               1,
				`entities{kind="Group"}`:                  1,
				`entities{kind="Location"}`:               1,
				`relations`:                               6, // shop and db have an owner, shop depends on db, and all the other way round
				`registered_locations`:                    0,
				`problems{about="entity"}`:                1,
				`problems{about="location"}`:              0,
				`problems{about="file"}`:                  1,
				`problems{about="conflict"}`:              0,
				`queue_entities{queue="processing"}`:      0,
				`queue_entities{queue="stitching"}`:       0,
				`queue_delay_seconds{queue="processing"}`: 0,
				`queue_delay_seconds{queue="stitching"}`:  0,
			} {
				if got, there := m[name]; !there || got != want {
					t.Errorf("%s is %v (%v), want %v", name, got, there, want)
				}
			}
			for _, name := range []string{
				`processed_entities_total{result="changed"}`, `processed_entities_total{result="failed"}`, `processing_duration_seconds_count`, `processing_duration_seconds_sum`,
				`processor_duration_seconds_count{processor="faulty/critic"}`, `stitched_entities_total`, `stitching_duration_seconds_count`,
				`location_reads_total{result="changed"}`,
				`changes_total`, `index_changes_total`, `index_rows`, `index_values`, `index_bytes{part="text"}`,
			} {
				if m[name] <= 0 {
					t.Errorf("%s is %v", name, m[name])
				}
			}
			if t.Failed() {
				t.Logf("%v\n%s", m, p.Log())
			}

			p.Post(api+"/refresh", map[string]any{"entityRef": "component:default/shop"}).Want(200)
			p.Post(api+"/refresh", map[string]any{"entityRef": catalogcommon.LocationRef{Type: "embedded", Target: "all.yaml"}.EntityRef().String()}).Want(200)
			p.Post(api+"/locations", map[string]any{"type": "url", "target": "https://nowhere.example.com/all.yaml"}).Want(201)
			p.Eventually("what is as it was, and what cannot be read, is counted", func() bool {
				m = scraped(t, p)
				return m[`processed_entities_total{result="unchanged"}`] > 0 && m[`location_reads_total{result="unchanged"}`] > 0 && m[`location_reads_total{result="failed"}`] > 0 && m["registered_locations"] == 1 && m[`problems{about="location"}`] == 1
			})
		})
	}
}

// TestMetricsOfAQueue has a portal that processes nothing, so that what it is told waits.
func TestMetricsOfAQueue(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{Config: "  processingInterval: false\n"})
	p.Eventually("the queue grows old", func() bool {
		m := scraped(t, p)
		return m[`queue_entities{queue="processing"}`] == 1 && m[`queue_delay_seconds{queue="processing"}`] > 0 && m[`problems{about="entity"}`] == 0
	})
}

// TestMetricsOfACatalogThatDoesNotRun has nothing but what was counted: an index that is still being filled would look like a loss.
func TestMetricsOfACatalogThatDoesNotRun(t *testing.T) {
	t.Parallel()
	p := plugintest.Launch(t, plugintest.Options{Config: "backend: {database: {skipMigrations: true}}\n"}, catalog.Plugin())
	p.Do(http.MethodGet, api+"/entities", nil, nil).Want(503)
	m := scraped(t, p)
	if _, counted := m[`processed_entities_total{result="failed"}`]; !counted {
		t.Errorf("nothing is counted: %v", m)
	}
	for name := range m {
		for _, state := range []string{"entities{", "relations", "problems", "queue_", "index_", "changes_"} {
			if strings.HasPrefix(name, state) {
				t.Errorf("there is %s", name)
			}
		}
	}
}

// TestTheREADMEsMetrics compares the table of the README, and what its alerts ask for, with what there is.
func TestTheREADMEsMetrics(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Watch it\n")
	section, _, _ = strings.Cut(section, "\n## ")
	there := map[string]bool{}
	p := start(t, plugintest.Options{}, faulty())
	for _, match := range regexp.MustCompile(`(?m)^# TYPE proscenium_catalog_(\w+) `).FindAllStringSubmatch(string(p.Get("/.backstage/metrics").Want(200).Body), -1) {
		there[match[1]] = true
		if !strings.Contains(section, "\n| `"+match[1]+"`") && !strings.Contains(section, "\n| `"+match[1]+"{") {
			t.Errorf("the README does not tell of %s", match[1])
		}
	}
	for _, match := range regexp.MustCompile("(?:\n\\| `([a-z_]+)[`{]|proscenium_catalog_([a-z_]+))").FindAllStringSubmatch(section, -1) {
		if name := match[1] + match[2]; !there[name] {
			t.Errorf("the README tells of %s, which there is not", name)
		}
	}
}
