package core_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

func TestPortalShowsAPage(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, pluginapi.Plugin{ID: "one", Extensions: []pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/one", Title: "One"}, func(*http.Request) (pluginapi.View, error) {
			return pluginapi.View{Body: pluginapi.Drawn("<p>first</p>")}, nil
		}),
	}})
	p.Get("/one").Want(200).HasText("h1", "One").HasText("p", "first").HasText("nav a", "One")
	if got := p.Get("/").Want(302).Header.Get("Location"); got != "/one" {
		t.Errorf("the root leads to %q", got)
	}
	p.Get("/nothing").Want(404)
}

func TestMetricsOfStoresAndPluginsAreServed(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, pluginapi.Plugin{ID: "stored", Extensions: []pluginapi.Extension{
		pluginapi.Starts.From("ask", pluginapi.Start{}, func(db *sqlx.DB, cache pluginapi.Cache, metrics prometheus.Registerer, ctx context.Context) error {
			cache.Get(ctx, "key")
			asked := prometheus.NewCounter(prometheus.CounterOpts{Name: "asked_total"})
			asked.Inc()
			return errors.Join(metrics.Register(asked), db.PingContext(ctx))
		}),
	}})
	metrics := string(p.Get("/.backstage/metrics").Want(200).Body)
	for _, want := range []string{"database", "cache", `plugin="stored"`, `asked_total{plugin="stored"} 1`, "proscenium_http_requests_total", "go_goroutines", "process_cpu_seconds_total"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in:\n%s", want, metrics)
		}
	}
}
