package core

import (
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
		if path := b.Address(e); path != "" && !e.Off {
			patterns[pluginapi.RouteRef(e.ID)] = l.base + strings.TrimSuffix(path, "{$}")
		}
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
