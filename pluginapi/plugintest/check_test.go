package plugintest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

func TestCheck(t *testing.T) { Check(t, Options{}, greeting()) }

// carded adds a card and a tab to entities' pages; the card shows the body, or the error.
func carded(body pluginapi.Component, err error) pluginapi.Plugin {
	return pluginapi.Plugin{
		ID: "carded", Config: pluginapi.ConfigOf(demanding{}),
		Migrations: fstest.MapFS{"migrations/001_t.sql": {Data: []byte("-- +goose Up\ncreate table t (n integer);")}},
		Extensions: []pluginapi.Extension{
			catalogapi.EntityCards.From("card", catalogapi.Card{Title: "Card", For: "kind:group"}, func(context.Context, *catalogcommon.Entity) (pluginapi.Component, error) { return body, err }),
			catalogapi.EntityCards.From("rare", catalogapi.Card{Title: "Rare", For: "kind:robot"}, func(context.Context, *catalogcommon.Entity) (pluginapi.Component, error) { return body, err }),
			catalogapi.EntityTabs.From("tab", catalogapi.Tab{Path: "tab", Title: "Tab"}, func(*http.Request, *catalogcommon.Entity) (pluginapi.Component, error) {
				return pluginapi.Drawn("drawn"), nil
			}),
		},
	}
}

// demanding is configuration that has no default.
type demanding struct {
	URL string `yaml:"url"`
}

// Validate demands it.
func (d demanding) Validate() error {
	if d.URL == "" {
		return pluginapi.BadConfig("url", "there is none, and no default")
	}
	return nil
}

func withGroup() (Options, pluginapi.Plugin) {
	text := "{apiVersion: backstage.io/v1alpha1, kind: Group, metadata: {name: team}, spec: {type: team, children: []}}"
	o := Options{Config: "carded: {url: x}\ncatalog: {rules: [{allow: [Group]}], locations: [{type: embedded, target: org.yaml}]}"}
	return o, catalog.Plugin(catalog.Options{Embedded: fstest.MapFS{"org.yaml": {Data: []byte(text)}}})
}

// TestCheckTakesConfiguration checks a plugin whose defaults alone are not valid.
func TestCheckTakesConfiguration(t *testing.T) {
	o, entities := withGroup()
	Check(t, o, carded(pluginapi.Drawn("drawn"), nil), entities)
}

func TestCheckFindsCardsThatFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		plugin pluginapi.Plugin
		says   string
	}{
		"fine":          {carded(nil, nil), ""},
		"fails":         {carded(nil, errors.New("out of ink")), "entity-card:carded/card cannot be shown for group:default/team"},
		"unknown icon":  {carded(ui.Icon("no-such-icon", ""), nil), `/catalog/default/group/team: there is no icon "no-such-icon"`},
		"fails to draw": {carded(pluginapi.ComponentFunc(func(context.Context, io.Writer) error { return errors.New("out of ink") }), nil), "out of ink"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, entities := withGroup()
			p := StartWith(t, o, entities, test.plugin)
			to := &recorder{TB: t}
			p.t = to
			p.checkEntityPages(test.plugin)
			p.t = t
			if got := strings.Join(to.said, "\n"); !strings.Contains(got, test.says) || (test.says == "") != (got == "") {
				t.Errorf("it says %q, want %q", got, test.says)
			}
			if !strings.Contains(to.logged, "entity-card:carded/rare is not shown") {
				t.Errorf("it does not say what it could not show, but %q", to.logged)
			}
		})
	}
}
