package plugintest

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/boundary"
)

// Check tests what every plugin has to keep, whatever it does:
//
//   - it starts within a portal of itself and the plugins that it needs, and its configuration, which is its defaults and what the options say, is valid;
//   - its migrations apply, on SQLite and, if it has some and PostgreSQL is installed, there too;
//   - all of its pages that have no parameters can be shown, and so can its cards and tabs, each on the page of an entity that the options bring into the catalog and for which it is meant; it logs those for which there is none;
//   - all icons on those pages are there;
//   - it stops, and is not hurt by being stopped twice, and leaves no goroutine behind;
//   - its configuration's defaults are the same after a portal used them;
//   - the packages of the module in which the test runs keep the import rules.
//
// It does not show pages with parameters, and calls no routes.
//
// A test that calls it must not run in parallel with others, since goroutines of others would be taken for the plugin's.
func Check(t *testing.T, o Options, plugin pluginapi.Plugin, needs ...pluginapi.Plugin) {
	t.Helper()
	before := defaultsOf(plugin)
	t.Run("life", func(t *testing.T) { checkLife(t, o, plugin, needs) })
	if plugin.Migrations != nil {
		t.Run("life on PostgreSQL", func(t *testing.T) {
			o.Environ = append([]string{"APP_CONFIG_backend_database=" + postgres(t)}, o.Environ...)
			checkLife(t, o, plugin, needs)
		})
	}
	if after := defaultsOf(plugin); after != before {
		t.Errorf("the defaults of its configuration have changed:\n%s\nthey were\n%s", after, before)
	}
	t.Run("boundaries", Boundaries)
}

// defaultsOf writes what a plugin's sections hold by default.
func defaultsOf(plugin pluginapi.Plugin) string {
	var text strings.Builder
	for _, section := range append([]*pluginapi.ConfigSection{plugin.Config}, plugin.Shared...) {
		if section != nil {
			fmt.Fprintf(&text, "%+v\n", reflect.ValueOf(section.Defaults()).Elem())
		}
	}
	return text.String()
}

func checkLife(t *testing.T, o Options, plugin pluginapi.Plugin, needs []pluginapi.Plugin) {
	before := goleak.IgnoreCurrent()
	p := StartWith(t, o, append(append([]pluginapi.Plugin{}, needs...), plugin)...)
	for _, e := range plugin.Extensions {
		if page, ok := e.Spec.(pluginapi.Page); ok && !e.Off && !strings.Contains(page.Path, "{") {
			p.mustShow(page.Path)
		}
	}
	p.checkEntityPages(plugin)
	if err := p.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stop a second time: %v", err)
	}
	if err := goleak.Find(before); err != nil {
		t.Errorf("it left goroutines behind: %v", err)
	}
}

func (p *Portal) mustShow(path string) *Response {
	p.t.Helper()
	r := p.Get(path)
	if r.Status != http.StatusOK {
		p.t.Errorf("page %s: status %d; the log says:\n%s", path, r.Status, p.Troubles())
	}
	for _, icon := range r.Find("[data-unknown]") {
		p.t.Errorf("page %s: there is no icon %q; package ui lists those that there are", path, icon.Attr("data-unknown"))
	}
	return r
}

// checkEntityPages shows, for each card and tab, the page of an entity that it is for, with all its tabs. What fails there is said on the page, and in the log.
func (p *Portal) checkEntityPages(plugin pluginapi.Plugin) {
	p.t.Helper()
	var entities []*catalogcommon.Entity
	shown := map[string]bool{}
	for _, e := range plugin.Extensions {
		var meant catalogapi.Condition
		switch spec := e.Spec.(type) {
		case catalogapi.Card:
			meant = spec.For
		case catalogapi.Tab:
			meant = spec.For
		default:
			continue
		}
		if e.Off {
			continue
		}
		if entities == nil {
			p.Get("/api/catalog/entities").Want(http.StatusOK).JSON(&entities)
		}
		id := strings.TrimSuffix(e.Point.PointKind()+":"+plugin.ID+"/"+e.Name, "/")
		at := slices.IndexFunc(entities, meant.Holds)
		if at < 0 {
			p.t.Logf("%s is not shown: the catalog of this test has no entity that it is for (%s)", id, cmp.Or(meant, "any"))
			continue
		}
		ref := entities[at].Ref().Normal()
		if path := "/catalog/" + ref.Namespace + "/" + ref.Kind + "/" + ref.Name; !shown[path] {
			shown[path] = true
			for _, tab := range p.mustShow(path).Find(`a[href^="` + path + `/"]`) {
				p.mustShow(tab.Attr("href"))
			}
		}
		for line := range strings.Lines(p.Troubles()) {
			if strings.Contains(line, "extension="+id+" ") {
				p.t.Errorf("%s cannot be shown for %s: %s", id, ref, line)
			}
		}
	}
}

// Boundaries checks that the packages of the module in which the test runs keep the import rules of plugins. See package boundary.
func Boundaries(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	violations, err := boundary.Violations(ctx, ".", "./...")
	for _, violation := range violations {
		t.Error(violation)
	}
	if err != nil {
		t.Errorf("the import rules could not be checked: %v", err)
	}
}
