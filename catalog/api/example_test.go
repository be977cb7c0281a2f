package catalogapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"
	"time"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// annotation names the gauge near an entity.
const annotation = "tides.example.com/gauge"

// levels stands for a service that measures.
type levels map[string]string

func newLevels() levels { return levels{"north": "2.1 m", "south": "1.8 m"} }

// card shows the level of an entity's gauge.
func (l levels) card(_ context.Context, entity *catalogcommon.Entity) (pluginapi.Component, error) {
	level, known := l[entity.Annotation(annotation)]
	if !known {
		return nil, pluginapi.Unavailable("the gauge %s does not answer", entity.Annotation(annotation))
	}
	return ui.Text(level), nil
}

// A card on the pages of components that name a gauge. One whose gauge does not answer says so, and the page is shown.
func ExampleCardFunc() {
	tides := pluginapi.Plugin{
		ID:      "tides",
		Provide: []any{newLevels},
		Extensions: []pluginapi.Extension{
			catalogapi.EntityCards.From("level", catalogapi.Card{Title: "Tide", For: "kind:component annotation:" + annotation, Side: true}, levels.card),
		},
	}
	p := start(tides)
	defer p.stop()
	for _, name := range []string{"quay", "pier", "office"} {
		fmt.Printf("%s: %s\n", name, p.texts("/catalog/default/component/"+name, `section[aria-label="Tide"] .ui-card-body`))
	}
	// Output:
	// quay: [2.1 m]
	// pier: [Tide could not be shown the gauge west does not answer The rest of the page is not affected. Reload it to try again.]
	// office: []
}

// tab shows the levels of a day; the query says of which.
func (l levels) tab(r *http.Request, entity *catalogcommon.Entity) (pluginapi.Component, error) {
	day := r.URL.Query().Get("day")
	if day == "" {
		day = "today"
	}
	return ui.Stack(
		ui.Paragraph(fmt.Sprintf("%s: %s", day, l[entity.Annotation(annotation)])),
		ui.Link{Href: catalogapi.TabURL(r.Context(), "entity-tab:tides/tab", entity.Ref(), "day", "tomorrow"), Text: "Tomorrow"},
	), nil
}

// A tab whose state is in its address.
func ExampleTabFunc() {
	tides := pluginapi.Plugin{
		ID:      "tides",
		Provide: []any{newLevels},
		Extensions: []pluginapi.Extension{
			catalogapi.EntityTabs.From("tab", catalogapi.Tab{Path: "tides", Title: "Tides", For: "annotation:" + annotation}, levels.tab),
		},
	}
	p := start(tides)
	defer p.stop()
	fmt.Println(p.texts("/catalog/default/component/quay", ".ui-tabs a"), p.texts("/catalog/default/component/office", ".ui-tabs a"))
	fmt.Println(p.texts("/catalog/default/component/quay/tides?day=tomorrow", ".ui-content p"))
	// Output:
	// [Overview Tides] []
	// [tomorrow: 2.1 m]
}

// column shows the levels of many gauges at once.
func (l levels) column(_ context.Context, entities []*catalogcommon.Entity) ([]pluginapi.Component, error) {
	cells := make([]pluginapi.Component, len(entities))
	for i, entity := range entities {
		if level, known := l[entity.Annotation(annotation)]; known {
			cells[i] = ui.Text(level)
		}
	}
	return cells, nil
}

// A column of the list of entities.
func ExampleColumnFunc() {
	tides := pluginapi.Plugin{
		ID:      "tides",
		Provide: []any{newLevels},
		Extensions: []pluginapi.Extension{
			catalogapi.EntityColumns.From("level", catalogapi.Column{Title: "Tide", For: "annotation:" + annotation}, levels.column),
		},
	}
	p := start(tides)
	defer p.stop()
	fmt.Println(p.texts("/catalog", "th:nth-child(1), th:nth-child(5), td:nth-child(1), td:nth-child(5)"))
	// Output:
	// [Name Tide office  pier  quay 2.1 m]
}

// A page of one's own that leads to an entity.
func ExampleEntityLink() {
	page := pluginapi.Pages.From("page", pluginapi.Page{Path: "/tides", Title: "Tides"}, func(*http.Request) (pluginapi.View, error) {
		return pluginapi.View{Body: catalogapi.EntityLink(catalogcommon.Ref{Kind: "component", Name: "quay"}, "")}, nil
	})
	p := start(pluginapi.Plugin{ID: "tides", Extensions: []pluginapi.Extension{page}})
	defer p.stop()
	fmt.Println(p.texts("/tides", `a[href="/catalog/default/component/quay"]`))
	// Output:
	// [quay]
}

// portal is a portal with the catalog of a harbour.
type portal struct{ *core.Portal }

func start(more pluginapi.Plugin) portal {
	const harbour = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: quay, annotations: {tides.example.com/gauge: north}}
spec: {type: service, lifecycle: production, owner: harbour-masters}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: pier, annotations: {tides.example.com/gauge: west}}
spec: {type: service, lifecycle: production, owner: harbour-masters}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: office}
spec: {type: website, lifecycle: production, owner: harbour-masters}
`
	files := fstest.MapFS{"harbour.yaml": {Data: []byte(harbour)}, "app-config.yaml": {Data: []byte(`
backend: {logger: {level: error}, database: {client: better-sqlite3, connection: ':memory:'}}
catalog: {locations: [{type: embedded, target: harbour.yaml}]}
`)}}
	p, err := core.New(core.Options{Defaults: files, Environ: []string{}}, catalog.Plugin(catalog.Options{Embedded: files}), more)
	if err != nil {
		panic(err)
	}
	p.Start(context.Background())
	<-p.Settled()
	return portal{p}
}

func (p portal) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		panic(err)
	}
}

// texts are those of a page's elements.
func (p portal) texts(path, selector string) (texts []string) {
	r := httptest.NewRequest(http.MethodGet, "http://localhost:7007"+path, nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	page, err := html.Parse(w.Body)
	if err != nil {
		panic(err)
	}
	for _, found := range cascadia.QueryAll(page, cascadia.MustCompile(selector)) {
		var words []string
		for node := range found.Descendants() {
			if node.Type == html.TextNode {
				words = append(words, strings.Fields(node.Data)...)
			}
		}
		texts = append(texts, strings.Join(words, " "))
	}
	return texts
}
