package pluginapi

import (
	"context"
	"net/url"
	"strings"
)

// RouteRef is the id of a page or route, or of an extension that is [Placed] on a page, to link to: page:catalog/entity, route:hello/greet, entity-tab:hello/greetings. Apps can move pages, so links are made from refs,
// not from paths.
type RouteRef string

// Placed is a spec that gives its extension an address within somebody's page, as a tab has one. A [RouteRef] leads to it as to a page, and two at one address are a fault when the portal starts, whatever else tells them apart.
type Placed interface {
	// Place returns the page, and those parameters of its path that the spec decides, alternating names and values.
	Place() (page RouteRef, params []string)
}

// Links knows where the portal's pages, routes and assets are. The portal puts it in every context that it hands out.
type Links interface {
	// Pattern returns the URL path of a page or route in this portal, parameters as {name}, with the path below which the portal is mounted; false when there is none.
	Pattern(ref RouteRef) (string, bool)

	// Asset returns the URL path of a plugin's asset; false when there is none of that name.
	Asset(plugin, name string) (string, bool)
}

type linksKey struct{}

// WithLinks returns a context that carries l. It is for hosts and tests.
func WithLinks(ctx context.Context, l Links) context.Context {
	return context.WithValue(ctx, linksKey{}, l)
}

// URL returns the page's URL path with its parameters filled in from params, alternating names and values, each value escaped: ref.URL(ctx, "kind", "component", "name", "shop").
// Parameters that the path does not have become the query. It returns "" when this portal has no such page, or when a parameter of the path is missing or empty: the link should then be left out.
func (ref RouteRef) URL(ctx context.Context, params ...string) string {
	links, ok := ctx.Value(linksKey{}).(Links)
	if !ok {
		return ""
	}
	pattern, ok := links.Pattern(ref)
	if !ok {
		return ""
	}
	query := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		name, value := params[i], params[i+1]
		switch {
		case value != "" && strings.Contains(pattern, "{"+name+"}"):
			pattern = strings.ReplaceAll(pattern, "{"+name+"}", url.PathEscape(value))
		case strings.Contains(pattern, "{"+name+"...}"):
			parts := strings.Split(strings.TrimPrefix(value, "/"), "/")
			for i, part := range parts {
				parts[i] = url.PathEscape(part)
			}
			pattern = strings.ReplaceAll(pattern, "{"+name+"...}", strings.Join(parts, "/"))
		default:
			query.Add(name, value)
		}
	}
	if strings.Contains(pattern, "{") {
		return ""
	}
	if len(query) > 0 {
		pattern += "?" + query.Encode()
	}
	return pattern
}

// AssetURL returns the URL path of a file of the plugin's [Plugin.Assets], which contains the content's hash and may be cached for ever; "" when there is no such file.
func AssetURL(ctx context.Context, plugin, name string) string {
	links, ok := ctx.Value(linksKey{}).(Links)
	if !ok {
		return ""
	}
	path, _ := links.Asset(plugin, name)
	return path
}
