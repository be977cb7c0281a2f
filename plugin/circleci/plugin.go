package circleci

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/builds"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/pages"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/project"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/reruns"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/shelf"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/proxy/node"
)

//go:embed migrations assets
var files embed.FS

// Plugin describes the CircleCI plugin. It needs the catalog and the proxy.
func Plugin() pluginapi.Plugin {
	const entity = "/entities/{namespace}/{kind}/{name}"
	return pluginapi.Plugin{
		ID:         "circleci",
		Title:      "CircleCI",
		Config:     pluginapi.ConfigOf(defaults()),
		Migrations: files,
		Assets:     files,
		Provide:    []any{newClient, newBuilds, shelf.New, newStore, newPages, newAccess},
		Extensions: []pluginapi.Extension{
			pluginapi.Pages.From("page", pluginapi.Page{Path: "/circleci", Title: "CircleCI", Icon: "workflow"}, (*pages.Pages).Page),
			catalogapi.EntityTabs.From("tab", catalogapi.Tab{Path: "circleci", Title: "CircleCI", For: "annotation:" + project.Annotation}, (*pages.Pages).Tab),
			pluginapi.Routes.From("overview", pluginapi.Route{Pattern: "GET /overview"}, (*pages.Pages).Overview),
			pluginapi.Routes.From("view", pluginapi.Route{Pattern: "GET " + entity + "/view"}, (*pages.Pages).View),
			pluginapi.Routes.From("output", pluginapi.Route{Pattern: "GET " + entity + "/jobs/{job}/steps/{step}/{node}"}, (*pages.Pages).Output),
			pluginapi.Routes.From("rerun", pluginapi.Route{Pattern: "POST " + entity + "/workflows/{workflow}/rerun", Permission: pages.RerunPermission}, (*pages.Pages).Rerun),
			proxynode.Endpoints.From("api", endpoint(), (*access).prepare),
			pluginapi.Workers.From("poll", pluginapi.Worker{}, (*shelf.Shelf).Run),
			pluginapi.Tasks.From("forget-reruns", pluginapi.Task{Every: 24 * time.Hour}, forgetReruns),
			pluginapi.HealthChecks.From("circleci", pluginapi.HealthCheck{}, (*access).healthy),
		},
	}
}

func newClient(config *pluginapi.Live[Config], proxy proxynode.Client, self pluginapi.Self) *api.Client {
	return api.New(proxy, self, func() string { return config.Get().Endpoint })
}

func newBuilds(config *pluginapi.Live[Config], client *api.Client) *builds.Builds {
	return builds.New(client, func() builds.Intervals { return builds.Intervals(config.Get().Refresh) })
}

func newStore(db *sqlx.DB) *reruns.Store { return reruns.NewStore(db) }

func forgetReruns(store *reruns.Store, ctx context.Context) error {
	return store.Forget(ctx, time.Now())
}

func newPages(config *pluginapi.Live[Config], catalog catalogcommon.Client, s *shelf.Shelf, b *builds.Builds, client *api.Client, store *reruns.Store, authorizer pluginapi.Authorizer, log *slog.Logger) *pages.Pages {
	settings := func() pages.Settings { return pages.Settings{Endpoint: config.Get().Endpoint, Web: config.Get().Web} }
	return pages.New(settings, catalog, s, b, client, store, authorizer, log)
}

// endpoint is how the proxy reaches CircleCI, unless proxy.endpoints says otherwise.
func endpoint() proxynode.Endpoint {
	return proxynode.Endpoint{
		Path:     endpointPath,
		Target:   "https://circleci.com/api",
		Timeouts: proxynode.Timeouts{Header: 12 * time.Second, Total: 30 * time.Second},
		Limits:   proxynode.Limits{Request: 64 << 10, Response: 32 << 20},
		Cache:    proxynode.Caching{Enabled: true, TTL: time.Minute}, // for requests from browsers
	}
}
