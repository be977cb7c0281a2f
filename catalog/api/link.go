package catalogapi

import (
	"context"
	"html"
	"io"
	"strings"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// The catalog's pages, to link to.
const (
	// ListPage is the list of entities. Its query takes the filters: kind, type, owner, ...
	ListPage pluginapi.RouteRef = "page:catalog/list"
	// EntityPage is the page of one entity; its parameters are namespace, kind and name.
	EntityPage pluginapi.RouteRef = "page:catalog/entity"
	// EntityTabPage is a tab of that page; its further parameter is tab, a [Tab]'s Path.
	EntityTabPage pluginapi.RouteRef = "page:catalog/entity-tab"
)

// EntityURL returns the URL path of an entity's page, or "" in a portal without it.
func EntityURL(ctx context.Context, ref catalogcommon.Ref) string {
	ref = ref.Normal()
	return EntityPage.URL(ctx, "namespace", ref.Namespace, "kind", ref.Kind, "name", ref.Name)
}

// EntityLink links to an entity's page under the given text, or under the shortest unambiguous form of its reference when text is empty.
// In a portal without that page it is the text alone. Whether the entity exists is not looked up.
func EntityLink(ref catalogcommon.Ref, text string) pluginapi.Component {
	return pluginapi.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		if text == "" {
			text = ref.Short(catalogcommon.RefDefaults{Kind: ref.Kind})
		}
		label := html.EscapeString(text)
		if href := EntityURL(ctx, ref); href != "" {
			label = `<a class="link" href="` + html.EscapeString(href) + `" title="` + html.EscapeString(strings.ToLower(ref.Kind)+" "+ref.Name) + `">` + label + `</a>`
		}
		_, err := io.WriteString(w, label)
		return err
	})
}
