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

// TestFormsOfThePortalsOwnAddress sends what a form sends where a server in front tells the portal another host than the browser sees: over plain HTTP, browsers name nothing but the origin.
func TestFormsOfThePortalsOwnAddress(t *testing.T) {
	t.Parallel()
	plugin := pluginapi.Plugin{ID: "form", Extensions: []pluginapi.Extension{
		pluginapi.Routes.From("send", pluginapi.Route{Pattern: "POST /send"}, func(http.ResponseWriter, *http.Request) error { return nil }),
	}}
	for base, statuses := range map[string]map[string]int{
		"http://Portal.example.com/portal": {"http://portal.example.com": 200, "https://portal.example.com": 403, "http://evil.example": 403, "null": 403},
		"/portal":                          {"http://portal.example.com": 403},
	} {
		p := plugintest.StartWith(t, plugintest.Options{Config: "app: {baseUrl: '" + base + "'}"}, plugin)
		for origin, want := range statuses {
			if r := p.Do(http.MethodPost, "/portal/api/form/send", http.Header{"Origin": {origin}}, nil); r.Status != want {
				t.Errorf("a portal at %s, a form at %s: status %d, want %d", base, origin, r.Status, want)
			}
		}
	}
}
