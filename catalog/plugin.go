// Package catalog is the software catalog: a plugin that reads descriptors of software, of people and of what belongs to whom, and answers who asks about them: people on its pages, programs at /api/catalog, and other plugins by
// catalogcommon.Client.
package catalog

import (
	"embed"
	"io/fs"
	"log/slog"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/access"
	"github.com/proscenium-dev/proscenium/catalog/internal/api"
	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/ingest"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/metrics"
	"github.com/proscenium-dev/proscenium/catalog/internal/pages"
	"github.com/proscenium-dev/proscenium/catalog/internal/store"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Options are what a program gives to the catalog.
type Options struct {
	// Embedded holds descriptor files that are built into the program. A location of type embedded reads from it. The default is none.
	Embedded fs.FS
}

// Plugin describes the catalog. Without options nothing is embedded.
func Plugin(options ...Options) pluginapi.Plugin {
	var o Options
	for _, given := range options {
		o = given
	}
	if o.Embedded == nil {
		o.Embedded = embed.FS{}
	}
	extensions := []pluginapi.Extension{
		pluginapi.Pages.From("", pages.ListSpec, (*pages.Pages).List),
		pluginapi.Pages.From("entity", pages.EntitySpec, (*pages.Pages).Entity),
		pluginapi.Pages.From("entity-tab", pages.TabSpec, (*pages.Pages).Tab),
		pluginapi.Pages.From("problems", pages.ProblemsSpec, (*pages.Pages).ListProblems),
		catalogapi.EntityTabs.From("definition", pages.DefinitionSpec, pages.Definition),
		access.PermissionRules(),
		pluginapi.Starts.From("ingest", pluginapi.Start{}, (*ingest.Ingest).Start),
		pluginapi.Stops.From("ingest", pluginapi.Stop{}, (*ingest.Ingest).Stop),
		pluginapi.Workers.From("ingest", pluginapi.Worker{}, (*ingest.Ingest).Work),
		pluginapi.Workers.From("follow", pluginapi.Worker{}, (*ingest.Ingest).Follow),
		pluginapi.Workers.From("provide", pluginapi.Worker{}, (*ingest.Ingest).Provide),
	}
	extensions = append(extensions, api.Routes()...)
	return pluginapi.Plugin{
		ID:         "catalog",
		Title:      "Catalog",
		Config:     pluginapi.ConfigOf(ingest.Config{}),
		Shared:     []*pluginapi.ConfigSection{pluginapi.ConfigOf(location.Hosts{}).At("integrations"), pluginapi.ConfigOf(location.Reading{}).At("backend.reading")},
		Migrations: store.Migrations(),
		Provide:    []any{newStore, newIndex, access.New, api.New, ingest.NewContributions, newURLs, newMetrics, newIngest(o), newPages},
		Exports:    []pluginapi.Export{pluginapi.ExportOf[catalogcommon.Client](access.NewClient, catalogcommon.NewClient)},
		Points:     append([]pluginapi.AnyPoint{catalogapi.EntityCards, catalogapi.EntityTabs, catalogapi.EntityColumns}, catalognode.Points()...),
		Extensions: extensions,
	}
}

func newStore(db *sqlx.DB) *store.Store { return store.New(db) }

func newIndex() *index.Index { return index.New(index.Options{}) }

// newURLs knows no hosts: ingestion tells it, and again when the configuration changes.
func newURLs() *location.URLs { return location.NewURLs(location.URLConfig{}) }

func newMetrics(registerer prometheus.Registerer, s *store.Store, ix *index.Index, self pluginapi.Self, logger *slog.Logger) (*metrics.Ingestion, error) {
	return metrics.Register(registerer, metrics.Sources{Index: ix, Store: s, Available: self.Available, Logger: logger})
}

func newIngest(o Options) any {
	return func(config *pluginapi.Live[ingest.Config], hosts *pluginapi.Live[location.Hosts], reading *pluginapi.Live[location.Reading], urls *location.URLs,
		s *store.Store, ix *index.Index, c *access.Catalog, signals pluginapi.Signals, logger *slog.Logger, counts *metrics.Ingestion, contributions ingest.Contributions) (*ingest.Ingest, error) {
		return ingest.New(ingest.Parts{
			Config: config, Hosts: hosts, Reading: reading, URLs: urls, Store: s, Index: ix, Catalog: c, Signals: signals, Logger: logger, Metrics: counts, Contributions: contributions,
			Readers: location.Readers{
				catalogcommon.LocationTypeFile:     location.Files{},
				catalogcommon.LocationTypeEmbedded: location.Embedded{FS: o.Embedded},
			},
		})
	}
}
