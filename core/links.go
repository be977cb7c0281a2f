package core

import (
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/proscenium-dev/proscenium/core/internal/host"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// links knows where pages, routes and assets are. Configuration can move pages while the portal runs.
type links struct {
	base     string // path below which the portal is mounted: "" or /portal
	asset    func(plugin, name string) (string, bool)
	patterns atomic.Pointer[map[pluginapi.RouteRef]string]
}

var _ pluginapi.Links = (*links)(nil)

// follow takes over the places of a blueprint.
func (l *links) follow(b *host.Blueprint) {
	patterns := make(map[pluginapi.RouteRef]string, len(b.Extensions))
	for _, e := range b.Extensions {
		if e.Off {
			continue
		}
		switch spec := e.Spec.(type) {
		case pluginapi.Page:
			patterns[pluginapi.RouteRef(e.ID)] = l.base + spec.Path
		case pluginapi.Route:
			patterns[pluginapi.RouteRef(e.ID)] = l.base + "/api/" + e.Plugin + strings.TrimSuffix(spec.Pattern[strings.IndexByte(spec.Pattern, '/'):], "{$}")
		}
	}
	for _, e := range b.Extensions {
		spec, ok := e.Spec.(pluginapi.Placed)
		if !ok || e.Off {
			continue
		}
		page, params := spec.Place()
		pattern, ok := patterns[page]
		if !ok {
			continue
		}
		for i := 0; i+1 < len(params); i += 2 {
			pattern = strings.ReplaceAll(pattern, "{"+params[i]+"}", url.PathEscape(params[i+1]))
		}
		patterns[pluginapi.RouteRef(e.ID)] = pattern
	}
	l.patterns.Store(&patterns)
}

// Pattern implements pluginapi.Links.
func (l *links) Pattern(ref pluginapi.RouteRef) (string, bool) {
	patterns := l.patterns.Load()
	if patterns == nil {
		return "", false
	}
	pattern, ok := (*patterns)[ref]
	return pattern, ok
}

// Asset implements pluginapi.Links.
func (l *links) Asset(plugin, name string) (string, bool) {
	return l.asset(plugin, name)
}
