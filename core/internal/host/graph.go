package host

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Added returns what was added at one of the portal's own points. It follows [Graph.Replan].
func Added[S, B any](g *Graph, point *pluginapi.Point[S, B]) *pluginapi.Live[[]pluginapi.Extended[S, B]] {
	return g.points[point].live.(*pluginapi.Live[[]pluginapi.Extended[S, B]])
}

// contributions lists, in order, what blueprint has at point: of extensions that are on and whose behaviour is, or will be, in a slot.
func (g *Graph) contributions(b *Blueprint, point pluginapi.AnyPoint) []pluginapi.Contribution {
	var all []pluginapi.Contribution
	for _, e := range b.Extensions {
		if e.Off || e.Point() != point {
			continue
		}
		if g.remote[e.Plugin] && !g.relay(point).HasRelay() {
			continue
		}
		all = append(all, pluginapi.Contribution{ID: e.ID, Plugin: e.Plugin, Spec: e.Spec, Call: g.slots[e.ID].call})
	}
	return all
}

// relay is the point itself, or the stand-in that brings a relay along.
func (g *Graph) relay(point pluginapi.AnyPoint) pluginapi.AnyPoint {
	if with, ok := g.relays[point]; ok {
		return with
	}
	return point
}

// Replan makes every point's list follow a blueprint of the same plugins that configuration changed: extensions switched on and off, in another order, with other specs and settings.
// Who follows a list or a configuration that stays as it was is not told. It must not be called concurrently.
//
// It returns what has changed and was taken as a value, and so waits for the next start: the ids of extensions with new settings of their own, and the kinds of points with another list.
func (g *Graph) Replan(b *Blueprint) (extensions, points []string) {
	for _, e := range b.Extensions {
		if s := g.slots[e.ID]; s != nil && s.setConfig != nil && !reflect.DeepEqual(e.Config, s.config) {
			s.config = e.Config
			s.setConfig(e.Config)
			if s.configTaken {
				extensions = append(extensions, e.ID)
			}
		}
	}
	for point, gathered := range g.points {
		if next := g.contributions(b, point); !slices.EqualFunc(next, gathered.last, sameSpec) {
			gathered.last = next
			gathered.set(next)
			if g.taken[gathered.list] {
				points = append(points, point.PointKind())
			}
		}
	}
	return extensions, sorted(points)
}

func sameSpec(a, b pluginapi.Contribution) bool {
	return a.ID == b.ID && reflect.DeepEqual(a.Spec, b.Spec)
}

// SetConfig gives a plugin that runs here changed configuration: a value of the type that it declared for the section with that index in its [Sections].
// It reports whether some function of the plugin took the section as a value, so that the change waits for the next start.
func (g *Graph) SetConfig(plugin string, section int, value any) (late bool) {
	set := g.configs[plugin]
	if set == nil {
		return false
	}
	set[section](value)
	return g.taken[taking{plugin, reflect.TypeOf(value)}]
}

// UsesDatabase reports whether the plugin runs here and has migrations or a constructor that asks for *sqlx.DB.
func (g *Graph) UsesDatabase(plugin string) bool { return g.databases[plugin] }

// Here reports whether the plugin runs in this process.
func (g *Graph) Here(plugin string) bool { return !g.remote[plugin] }

// Run calls the RunFunc of an extension whether or not its plugin runs: it is how a supervisor calls start hooks and workers.
func (g *Graph) Run(ctx context.Context, extension string) error {
	return g.slots[extension].run(ctx, func(ctx context.Context, b any) error { return b.(pluginapi.RunFunc)(ctx) })
}

// RelayHandler serves an extension of a plugin that runs here to the portal's other processes. It is nil when there is no such extension or its point has no relay.
func (g *Graph) RelayHandler(extension string) pluginapi.RouteFunc {
	s := g.slots[extension]
	if s == nil || g.remote[s.plugin] || !g.relay(s.point).HasRelay() {
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		return s.call(r.Context(), func(ctx context.Context, b any) error {
			return g.relay(s.point).RelayHandler(s.spec, b)(w, r.WithContext(ctx))
		})
	}
}
