package catalogapi

import (
	"context"
	"io"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// The catalog's pages, to link to.
const (
	// ListPage is the list of entities. Its query takes the filters: kind, type, owner, ...
	ListPage pluginapi.RouteRef = "page:catalog"
	// EntityPage is the page of one entity; its parameters are namespace, kind and name.
	EntityPage pluginapi.RouteRef = "page:catalog/entity"
	// EntityTabPage is a tab of that page; its further parameter is tab, a [Tab]'s Path. Configuration can set that path, so links to a tab are made with [TabURL].
	EntityTabPage pluginapi.RouteRef = "page:catalog/entity-tab"
)

// EntityURL returns the URL path of an entity's page, or "" in a portal without it.
func EntityURL(ctx context.Context, ref catalogcommon.Ref) string {
	ref = ref.Normal()
	return EntityPage.URL(ctx, "namespace", ref.Namespace, "kind", ref.Kind, "name", ref.Name)
}

// TabURL returns the URL path of a tab on an entity's page, or "" in a portal without it. The tab is the id of the extension that adds it: entity-tab:hello/greetings. Params, alternating names and values, become the query.
func TabURL(ctx context.Context, tab pluginapi.RouteRef, ref catalogcommon.Ref, params ...string) string {
	ref = ref.Normal()
	return tab.URL(ctx, append([]string{"namespace", ref.Namespace, "kind", ref.Kind, "name", ref.Name}, params...)...)
}

// EntityLink links to an entity's page under the given text, or under the shortest unambiguous form of its reference when text is empty.
// In a portal without that page it is the text alone. Whether the entity exists is not looked up.
func EntityLink(ref catalogcommon.Ref, text string) pluginapi.Component {
	if text == "" {
		text = ref.Short(catalogcommon.RefDefaults{Kind: ref.Kind})
	}
	return pluginapi.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return ui.Link{Href: EntityURL(ctx, ref), Text: text, Hint: strings.ToLower(ref.Kind) + " " + ref.Name}.Render(ctx, w)
	})
}
