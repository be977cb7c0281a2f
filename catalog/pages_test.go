package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

const shop = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: shop
  title: The <Shop>
  description: Sells **things**. <script>alert(1)</script>
  tags: [go, web]
  links: [{url: 'https://shop.example', title: Open}, {url: 'javascript://alert(1)', title: Bad}]
spec: {type: service, lifecycle: production, owner: team-a, consumesApis: [orders]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: desk}
spec: {type: website, lifecycle: experimental, owner: team-b}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: broken}
spec: {type: service}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders}
spec: {type: openapi, lifecycle: production, owner: team-a, definition: 'openapi: 3.1.0'}
`

// shopPortal runs a catalog of the shop, with more plugins.
func shopPortal(t *testing.T, more ...pluginapi.Plugin) *plugintest.Portal {
	t.Helper()
	files := fstest.MapFS{"all.yaml": {Data: []byte(strings.Replace(shop, ", {url: 'javascript://alert(1)', title: Bad}", "", 1))}}
	config := "catalog: {rules: [{allow: [Component, API, Group]}], locations: [{type: embedded, target: all.yaml}]}"
	return plugintest.StartWith(t, plugintest.Options{Config: config}, append([]pluginapi.Plugin{catalog.Plugin(catalog.Options{Embedded: files})}, more...)...)
}

func TestTheListFiltersByItsURL(t *testing.T) {
	t.Parallel()
	p := shopPortal(t)
	p.Get("/catalog").Want(200).HasText("td", "The <Shop>").HasText("td", "desk").HasText(`form legend, form summary`, "Owner")
	p.Get("/catalog?owner=group:default/team-a").Want(200).HasText("td", "The <Shop>").HasNot(`a[href="/catalog/default/component/desk"]`)
	p.Get("/catalog?kind=api").Want(200).HasText("td", "orders").HasNot(`a[href="/catalog/default/component/desk"]`)
	p.Get("/catalog?q=des").Want(200).HasText("td", "desk").HasNot(`a[href="/catalog/default/component/shop"]`)
	p.Get("/catalog?tag=nothing").Want(200).HasText("main", "Nothing matches")
	p.Get("/catalog?sort=-name").Want(200).Has(`th[aria-sort="descending"]`)
	p.Get("/catalog?cursor=bm9uc2Vuc2U%3D").Want(400).HasText("main", "Cursor is malformed")
}

func TestAnEntityIsShownAndWhatItSaysIsEscaped(t *testing.T) {
	t.Parallel()
	p := shopPortal(t)
	page := p.Get("/catalog/default/component/shop").Want(200)
	page.HasText("h1", "The <Shop>").HasText("strong", "things").HasNot("main script").HasText(`a[href="/catalog/default/api/orders"]`, "orders")
	page.HasText(`a[href="https://shop.example"]`, "Open")
	page.HasText(`section[aria-label="Details"] dt`, "In the catalog since").HasText(`section[aria-label="Details"] dt`, "Last changed").Has(`section[aria-label="Details"] dd time[datetime]`)
	p.Get("/catalog/default/api/orders").Want(200).HasText(`a[href="/catalog/default/component/shop"]`, "shop") // the way back
	p.Get("/catalog/default/component/none").Want(404)
}

// TestDefinitions looks at the tab of APIs, whose text is anybody's and may be very long.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	api := func(name, spec string) string {
		return "---\napiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: " + name + "}\nspec:\n  lifecycle: production\n  owner: team-a\n  " + spec + "\n"
	}
	long := strings.Repeat("- ü\n", 100_000) // 500 KB
	text := api("small", "type: graphql\n  definition: 'type Query { a: <b> } </code><script>alert(1)</script>'") +
		api("tools", "type: mcp-server\n  remotes: [{type: streamable-http, url: 'https://tools.example/mcp'}, {type: sse, url: 'javascript:alert(1)'}]") +
		api("lines", "type: openapi\n  definition: {$text: lines.txt}") + api("line", "type: custom\n  definition: {$text: line.txt}")
	files := fstest.MapFS{"all.yaml": {Data: []byte(text)}, "lines.txt": {Data: []byte(long)}, "line.txt": {Data: []byte("x" + strings.Repeat("ü", 200_000))}}
	p := plugintest.StartWith(t, plugintest.Options{Config: "catalog: {locations: [{type: embedded, target: all.yaml}]}"}, catalog.Plugin(catalog.Options{Embedded: files}))

	const page, raw = "/catalog/default/api/", "/api/catalog/entities/by-name/api/default/"
	p.Get(page+"small").Want(200).HasText(`nav a[href="/catalog/default/api/small/definition"]`, "Definition")
	small := p.Get(page+"small/definition").Want(200).HasText("section[aria-label=GraphQL] pre code", "type Query { a: <b> } </code><script>alert(1)</script>").HasNot("main script").Has(".ui-code ui-copy")
	if link := small.Find(".ui-card a"); len(link) != 1 || link[0].Attr("href") != raw+"small/definition" {
		t.Errorf("the card leads to %v", link)
	}
	if r := p.Get(raw + "small/definition").Want(200); r.Header.Get("Content-Type") != "text/plain; charset=utf-8" || r.Header.Get("X-Content-Type-Options") != "nosniff" || string(r.Body) != "type Query { a: <b> } </code><script>alert(1)</script>" {
		t.Errorf("%v %s", r.Header, r.Body)
	}

	p.Get(page+"tools/definition").Want(200).HasText("section[aria-label=Remotes] td", "https://tools.example/mcp").HasText("section[aria-label=Remotes] td", "streamable-http").
		HasText("section[aria-label=Remotes] td", "javascript:alert(1)").HasNot(`a[href^="javascript"]`).HasNot("pre")
	p.Get(raw + "tools/definition").Want(404)
	p.Get(raw + "none/definition").Want(404)
	p.Get(strings.Replace(page, "api", "component", 1) + "shop/definition").Want(404)

	lines := p.Get(page+"lines/definition").Want(200).HasText("section[aria-label=OpenAPI] .ui-card-title", "The first 255 of 488 KB")
	if n := len(lines.Body); n > 300<<10 || n < 256<<10 {
		t.Errorf("the page has %d bytes", n)
	}
	if r := p.Get(raw + "lines/definition").Want(200); string(r.Body) != long {
		t.Errorf("the raw text has %d bytes", len(r.Body))
	}
	if line := p.Get(page + "line/definition").Want(200); !utf8.Valid(line.Body) || len(line.Body) > 300<<10 {
		t.Errorf("the page has %d bytes", len(line.Body))
	}
}

func TestADocumentThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	p := shopPortal(t)
	for _, path := range []string{"/catalog", "/catalog-problems"} {
		p.Get(path).Want(200).HasText("main", "all.yaml:20").HasText("main", "owner")
	}
	if !strings.Contains(p.Log(), "all.yaml:20") {
		t.Errorf("the log does not name it:\n%s", p.Log())
	}
}

func TestCardsAreIndependent(t *testing.T) {
	t.Parallel()
	card := func(name string, show catalogapi.CardFunc) pluginapi.Extension {
		return catalogapi.EntityCards.From(name, catalogapi.Card{Title: "Card " + name, For: "kind:component"}, show)
	}
	p := shopPortal(t, pluginapi.Plugin{ID: "cards", Extensions: []pluginapi.Extension{
		card("good", func(_ context.Context, e *catalogcommon.Entity) (pluginapi.Component, error) {
			return pluginapi.Drawn("<p>about " + e.Metadata.Name + "</p>"), nil
		}),
		card("fails", func(context.Context, *catalogcommon.Entity) (pluginapi.Component, error) {
			return nil, pluginapi.Unavailable("the tide is out").Because(errors.New("secret reason"))
		}),
		card("panics", func(context.Context, *catalogcommon.Entity) (pluginapi.Component, error) { panic("oh no") }),
		card("slow", func(ctx context.Context, _ *catalogcommon.Entity) (pluginapi.Component, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
		card("absent", func(context.Context, *catalogcommon.Entity) (pluginapi.Component, error) { return nil, nil }),
		catalogapi.EntityTabs.From("history", catalogapi.Tab{Path: "history", Title: "History", For: "type:service"}, func(r *http.Request, e *catalogcommon.Entity) (pluginapi.Component, error) {
			return pluginapi.Drawn(fmt.Sprintf("<p>%s on page %s</p>", e.Metadata.Name, r.URL.Query().Get("page"))), nil
		}),
	}})
	page := p.Get("/catalog/default/component/shop").Want(200)
	page.HasText("section p", "about shop").HasText(`section[aria-label="Card fails"]`, "the tide is out")
	page.HasText(`section[aria-label="Card panics"]`, "could not be shown").Has(`section[aria-label="Card slow"]`).HasNot(`section[aria-label="Card absent"]`)
	if body := string(page.Body); strings.Contains(body, "secret reason") || strings.Contains(body, "oh no") {
		t.Error("the page shows what only the log may")
	}
	page.HasText("nav a", "History")
	p.Get("/catalog/default/component/shop/history?page=2").Want(200).HasText("p", "shop on page 2")
	p.Get("/catalog/default/component/desk/history").Want(404)
	p.Get("/catalog/default/api/orders").Want(200).HasNot(`section[aria-label="Card good"]`)
}

// TestATabKnowsItsAddress has a tab that links to itself, with a part that the browser draws, under a path that configuration sets.
func TestATabKnowsItsAddress(t *testing.T) {
	t.Parallel()
	show := func(r *http.Request, e *catalogcommon.Entity) (pluginapi.Component, error) {
		next := catalogapi.TabURL(r.Context(), "entity-tab:history/tab", e.Ref(), "page", "2")
		return ui.Module{Plugin: "history", Script: "draw.js", Data: []string{"</script>"}, Body: ui.Link{Href: next, Text: "Older"}}, nil
	}
	history := pluginapi.Plugin{
		ID: "history", Assets: fstest.MapFS{"draw.js": {Data: []byte("export function mount() {}")}},
		Extensions: []pluginapi.Extension{catalogapi.EntityTabs.From("tab", catalogapi.Tab{Path: "history", Title: "History"}, show)},
	}
	config := "{app: {extensions: [{'entity-tab:history/tab': {config: {path: past}}}]}, catalog: {rules: [{allow: [Component, API, Group]}], locations: [{type: embedded, target: all.yaml}]}}"
	files := fstest.MapFS{"all.yaml": {Data: []byte(strings.Replace(shop, ", {url: 'javascript://alert(1)', title: Bad}", "", 1))}}
	p := plugintest.StartWith(t, plugintest.Options{Config: config}, catalog.Plugin(catalog.Options{Embedded: files}), history)
	p.Get("/catalog/default/component/shop/past").Want(200).Has(`nav a[href="/catalog/default/component/shop/past"][aria-current]`).
		Has(`ui-module[data-src$="/history/draw.js"][data-plugin=history] a[href="/catalog/default/component/shop/past?page=2"]`)
	p.Get("/catalog/default/component/shop/history").Want(404)
}

// TestWhatAPermissionHides has a card, a tab and a column that not everybody may see, and not of every entity.
func TestWhatAPermissionHides(t *testing.T) {
	t.Parallel()
	see := &pluginapi.Permission{Name: "costs.read"}
	seeOf := &pluginapi.Permission{Name: "costs.read.entity", Resource: catalogcommon.ResourceTypeEntity}
	card := func(context.Context, *catalogcommon.Entity) (pluginapi.Component, error) {
		return ui.Text("expensive"), nil
	}
	costs := pluginapi.Plugin{ID: "costs", Extensions: []pluginapi.Extension{
		catalogapi.EntityCards.From("card", catalogapi.Card{Title: "Costs", Permission: see}, card),
		catalogapi.EntityCards.From("of", catalogapi.Card{Title: "Costs of it", Permission: seeOf}, card),
		catalogapi.EntityTabs.From("tab", catalogapi.Tab{Path: "costs", Title: "All costs", Permission: see}, func(*http.Request, *catalogcommon.Entity) (pluginapi.Component, error) {
			return ui.Text("expensive"), nil
		}),
		catalogapi.EntityColumns.From("column", catalogapi.Column{Title: "Price", Permission: see}, func(_ context.Context, of []*catalogcommon.Entity) ([]pluginapi.Component, error) {
			return make([]pluginapi.Component, len(of)), nil
		}),
	}}
	const page = "/catalog/default/component/shop"
	run := func(policy plugintest.Policy) *plugintest.Portal {
		files := fstest.MapFS{"all.yaml": {Data: []byte(strings.Replace(shop, ", {url: 'javascript://alert(1)', title: Bad}", "", 1))}}
		return plugintest.StartWith(t, plugintest.Options{Config: "catalog: {locations: [{type: embedded, target: all.yaml}]}", Authorizer: policy}, catalog.Plugin(catalog.Options{Embedded: files}), costs)
	}
	p := run(plugintest.Policy{})
	p.Get(page).Want(200).Has("section[aria-label=Costs]").Has("section[aria-label='Costs of it']").HasText("nav a", "All costs")
	p.Get(page+"/costs").Want(200).HasText("main", "expensive")
	p.Get("/catalog").Want(200).HasText("th", "Price")

	only := pluginapi.Condition{Rule: &pluginapi.RuleCall{Name: catalogcommon.RuleIsEntityKind, Params: map[string]any{"kinds": []any{"api"}}}}
	p = run(plugintest.Policy{see.Name: {}, seeOf.Name: {Effect: pluginapi.Conditional, Conditions: only}})
	p.Get(page).Want(200).HasNot("section[aria-label^=Costs]").Lacks("All costs")
	p.Get("/catalog/default/api/orders").Want(200).HasNot("section[aria-label=Costs]").Has("section[aria-label='Costs of it']")
	p.Get(page + "/costs").Want(403)
	p.Get("/catalog").Want(200).Lacks("Price")
}

func TestCheck(t *testing.T) {
	plugintest.Check(t, plugintest.Options{}, catalog.Plugin())
}
