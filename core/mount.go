package core

import (
	"context"
	"io/fs"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/core/internal/server"
	"github.com/proscenium-dev/proscenium/core/internal/shell"
	"github.com/proscenium-dev/proscenium/core/internal/unit"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// uiAssets is the owner of the components' files among the plugins' assets; no plugin can have this id.
const uiAssets = "ui"

func assetFolders(plugins []pluginapi.Plugin) map[string]fs.FS {
	folders := map[string]fs.FS{uiAssets: ui.Assets()}
	for _, plugin := range plugins {
		if plugin.Assets == nil {
			continue
		}
		folders[plugin.ID] = plugin.Assets
		if folder, err := fs.Stat(plugin.Assets, "assets"); err == nil && folder.IsDir() {
			if inside, err := fs.Sub(plugin.Assets, "assets"); err == nil {
				folders[plugin.ID] = inside
			}
		}
	}
	return folders
}

// mount makes the server, with all that the settings leave switched on.
func (p *Portal) mount(s *settings) error {
	c := s.backend.Config
	var hosts []string
	if c.Guarded() {
		hosts = append(server.GuestHosts(c.BaseURL), server.GuestHosts(s.app.BaseURL)...)
	}
	made, err := server.New(server.Settings{
		Logger:     p.logger,
		BasePath:   s.app.base(),
		Table:      p.table(s),
		Assets:     p.assets,
		Authorizer: p.authorizer,
		Identify:   p.identify,
		Links:      p.links,
		ErrorPage:  p.errorPage,
		Ready:      p.readiness,
		Hosts:      hosts,
		Metrics:    p.metrics,
		Health:     func(ctx context.Context) any { return p.supervisor.Health(ctx) },
		CSP:        c.CSP,
		CORS:       c.CORS,

		TrustedOrigins: s.app.origins(),
	})
	if err != nil {
		return err
	}
	p.server = made
	return nil
}

// table lists what is served: routes, pages if this unit has the shell, the relays if there are other units.
func (p *Portal) table(s *settings) server.Table {
	t := server.Table{Routes: host.Added(p.graph, pluginapi.Routes).Get()}
	t.Endpoints = append(t.Endpoints, server.Endpoint{ID: "frontend-config", Pattern: "GET /.backstage/config/v1/frontend", Run: p.frontendConfig})
	metrics := promhttp.HandlerFor(p.metrics, promhttp.HandlerOpts{})
	t.Endpoints = append(t.Endpoints, server.Endpoint{ID: "metrics", Pattern: "GET /.backstage/metrics", Run: func(w http.ResponseWriter, r *http.Request) error {
		metrics.ServeHTTP(w, r)
		return nil
	}})
	if s.backend.Unit.Shell {
		frame := p.shell()
		home := false
		for _, page := range frame.Pages {
			home = home || page.Spec.Path == "/"
			t.Endpoints = append(t.Endpoints, server.Endpoint{
				ID: page.ID, Plugin: page.Plugin, Pattern: "GET " + exactly(page.Spec.Path), Public: page.Spec.Public, Permission: page.Spec.Permission, Run: frame.Show(page),
			})
		}
		if !home {
			t.Endpoints = append(t.Endpoints, server.Endpoint{ID: "root", Pattern: "GET /{$}", Public: true, Run: frame.Root})
		}
	}
	if s.units.Split() {
		t.Endpoints = append(t.Endpoints, p.relayed(s.blueprint)...)
	}
	return t
}

// relayed lists what this unit serves to the others, each under the rules that it has where everybody may call it: that another unit has asked them too is no reason to trust it.
func (p *Portal) relayed(b *host.Blueprint) []server.Endpoint {
	var all []server.Endpoint
	for _, e := range b.Extensions {
		serve := p.graph.RelayHandler(e.ID)
		if e.Off || serve == nil {
			continue
		}
		endpoint := server.Endpoint{ID: "relay of " + e.ID, Plugin: e.Plugin, Pattern: unit.RelayPath + e.ID, MaxBody: -1, Run: p.keys.Relayed(serve)}
		switch spec := e.Spec.(type) {
		case pluginapi.Page:
			endpoint.Public, endpoint.Permission = spec.Public, spec.Permission
		case pluginapi.Route:
			endpoint.Public, endpoint.Permission, endpoint.Stream, endpoint.MaxBody = spec.Public, spec.Permission, spec.Stream, spec.MaxBody
		default:
			endpoint.Public = true // like a call within a process, it is for the owner to decide
		}
		all = append(all, endpoint)
	}
	return all
}

// exactly makes a path one that answers for itself only, not for what is below it.
func exactly(path string) string {
	if strings.HasSuffix(path, "/") {
		return path + "{$}"
	}
	return path
}

// shell draws pages as they are configured now.
func (p *Portal) shell() *shell.Shell {
	s := p.settings.Load()
	return shell.New(shell.Settings{
		Title:      s.title(),
		Home:       p.links.base,
		Pages:      host.Added(p.graph, pluginapi.Pages).Get(),
		Links:      p.links,
		Authorizer: p.authorizer,
		Available:  p.available,
		Nonce:      server.Nonce,
	})
}

func (p *Portal) errorPage(r *http.Request, d server.ErrorDetails) pluginapi.Component {
	// A request that leads nowhere was not asked who it is from, but its error page has a navigation.
	if pluginapi.PrincipalFrom(r.Context()).IsZero() && d.Status != http.StatusUnauthorized {
		if principal, err := p.identify(r); err == nil {
			r = r.WithContext(pluginapi.WithPrincipal(r.Context(), principal))
		}
	}
	return p.shell().ErrorPage(r, d.Status, d.Message, d.RequestID)
}

// identify says who sends a request: whom another unit names, else, as long as there is no sign-in, the guest.
func (p *Portal) identify(r *http.Request) (pluginapi.Principal, error) {
	if principal, found, err := p.keys.Principal(r); found || err != nil {
		return principal, err
	}
	return pluginapi.Guest(), nil
}

// frontendConfig answers with the configuration that the browser may see, and nothing else.
func (p *Portal) frontendConfig(w http.ResponseWriter, _ *http.Request) error {
	visible, err := p.settings.Load().report.Frontend()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(visible)
	return nil
}
