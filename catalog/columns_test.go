package catalog_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// TestColumnsAreIndependent has plugins add columns to the list: each is asked once, for the entities that it is for, and none can take the list down.
func TestColumnsAreIndependent(t *testing.T) {
	t.Parallel()
	column := func(name, condition string, make catalogapi.ColumnFunc) pluginapi.Extension {
		return catalogapi.EntityColumns.From(name, catalogapi.Column{Title: "Column " + name, For: catalogapi.Condition(condition)}, make)
	}
	var asked [][]string
	p := shopPortal(t, pluginapi.Plugin{ID: "columns", Extensions: []pluginapi.Extension{
		column("good", "type:service,openapi", func(_ context.Context, entities []*catalogcommon.Entity) ([]pluginapi.Component, error) {
			var cells []pluginapi.Component
			var names []string
			for _, e := range entities {
				names = append(names, e.Metadata.Name)
				cells = append(cells, ui.Text("owner is "+e.SpecString("owner")))
				e.Metadata.Title = "changed"
			}
			asked = append(asked, names)
			return cells, nil
		}),
		column("absent", "kind:system", func(context.Context, []*catalogcommon.Entity) ([]pluginapi.Component, error) {
			t.Error("it is asked though it is for none")
			return nil, nil
		}),
		column("empty", "", func(_ context.Context, entities []*catalogcommon.Entity) ([]pluginapi.Component, error) {
			return make([]pluginapi.Component, len(entities)), nil
		}),
		column("short", "", func(context.Context, []*catalogcommon.Entity) ([]pluginapi.Component, error) { return nil, nil }),
		column("fails", "", func(context.Context, []*catalogcommon.Entity) ([]pluginapi.Component, error) {
			return nil, pluginapi.Unavailable("the tide is out").Because(errors.New("secret reason"))
		}),
		column("slow", "", func(ctx context.Context, _ []*catalogcommon.Entity) ([]pluginapi.Component, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}),
	}})
	page := p.Get("/catalog").Want(200).HasText("th", "Column good").HasText("th", "Column fails").HasText("td", "owner is team-a").HasText("td", "The <Shop>").
		HasText("td", "Not known").HasText("td", "Not there yet").Has(`td [title="the tide is out"]`)
	for _, th := range page.Find("th") {
		if strings.Contains(th.Text(), "absent") {
			t.Error("a column that is for none of the entities is shown")
		}
	}
	if body := string(page.Body); strings.Contains(body, "secret reason") || strings.Contains(body, "owner is team-b") {
		t.Error("the page shows what it should not")
	}
	if len(asked) != 1 || strings.Join(asked[0], " ") != "shop" {
		t.Errorf("a column was asked for %v", asked)
	}
}

func TestFaultsOfColumns(t *testing.T) {
	t.Parallel()
	faults := plugintest.Faults(t, plugintest.Options{}, catalog.Plugin(), pluginapi.Plugin{ID: "columns", Extensions: []pluginapi.Extension{
		catalogapi.EntityColumns.From("a", catalogapi.Column{}, func(context.Context, []*catalogcommon.Entity) ([]pluginapi.Component, error) { return nil, nil }),
		catalogapi.EntityColumns.From("b", catalogapi.Column{Title: "B", For: "sort:x"}, func(context.Context, []*catalogcommon.Entity) ([]pluginapi.Component, error) { return nil, nil }),
	}})
	if text := strings.Join(faults, "\n"); len(faults) != 2 || !strings.Contains(text, "a column needs one") || !strings.Contains(text, `no key "sort"`) {
		t.Errorf("faults: %s", text)
	}
}

// TestNothingToShow looks at the pages that have little to say.
func TestNothingToShow(t *testing.T) {
	t.Parallel()
	p := shopPortal(t, pluginapi.Plugin{ID: "tabs", Extensions: []pluginapi.Extension{
		catalogapi.EntityTabs.From("nil", catalogapi.Tab{Path: "nil", Title: "Nil"}, func(*http.Request, *catalogcommon.Entity) (pluginapi.Component, error) { return nil, nil }),
	}})
	p.Get("/catalog/default/component/shop/nil").Want(200).HasText("main", "nothing to show")
	p.Get("/catalog?kind=domain").Want(200).HasText("main", "There is nothing here yet").HasNot(`.ui-empty a`)
	p.Get("/catalog?kind=component&q=nonesuch").Want(200).HasText("main", "Nothing matches")
	p.Get("/catalog/default/location/"+generated(p)).Want(200).HasText(`section[aria-label="Details"] dd`, "all.yaml")
}

// generated is the name of the one Location that the catalog made.
func generated(p *plugintest.Portal) string {
	var all []catalogcommon.Entity
	p.Get("/api/catalog/entities?filter=kind=location").Want(200).JSON(&all)
	return all[0].Metadata.Name
}
