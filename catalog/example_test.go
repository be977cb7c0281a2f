package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// The plugins of this file are those of the README, which a test compares; another test runs them.

// people brings the users that a directory knows into the catalog.
func people(d *directory) pluginapi.Plugin {
	return pluginapi.Plugin{
		ID:      "people",
		Provide: []any{func() *directory { return d }},
		Extensions: []pluginapi.Extension{
			catalognode.Providers.From("directory", catalognode.Provider{}, (*directory).provide),
		},
	}
}

type directory struct{ names []string }

// provide hands over everybody who is there now. What it does not name any more is removed.
func (d *directory) provide(ctx context.Context, to catalognode.Connection) error {
	var users []catalognode.Deferred
	for _, name := range d.names {
		users = append(users, catalognode.Deferred{Entity: &catalogcommon.Entity{
			APIVersion: "backstage.io/v1alpha1",
			Kind:       catalogcommon.KindUser,
			Metadata:   catalogcommon.Metadata{Name: name},
			Spec:       map[string]any{"memberOf": []any{}},
		}})
	}
	return to.Full(ctx, users)
}

// costCenters writes the cost center of its owner on each component, and wants every component to have an owner that has one.
func costCenters(centers map[string]string) pluginapi.Plugin {
	return pluginapi.Plugin{ID: "costs", Extensions: []pluginapi.Extension{
		catalognode.Processors.From("centers", catalognode.Processor{Pure: true}, func() catalognode.Stages {
			return catalognode.Stages{PreProcess: func(_ context.Context, run catalognode.Run, e *catalogcommon.Entity) (*catalogcommon.Entity, error) {
				if e.Kind != catalogcommon.KindComponent {
					return e, nil
				}
				center := centers[e.SpecString("owner")]
				if center == "" {
					run.Fault(catalognode.At("/spec/owner", errors.New("this owner has no cost center"))) // shown with the file and the place in the entity
					return e, nil
				}
				if e.Metadata.Labels == nil {
					e.Metadata.Labels = map[string]string{}
				}
				e.Metadata.Labels["example.com/cost-center"] = center
				return e, nil
			}}
		}),
	}}
}

// robots adds the kind Robot. spec.crew names a group, to which each robot is related.
func robots() pluginapi.Plugin {
	return pluginapi.Plugin{ID: "robots", Extensions: []pluginapi.Extension{
		catalognode.AddKind("robot", catalognode.Kind{
			Name:        "Robot",
			APIVersions: []string{"example.com/v1"},
			Schema: []byte(`{"type": "object", "required": ["spec"], "properties": {
				"spec": {"type": "object", "required": ["crew"], "properties": {"crew": {"type": "string", "minLength": 1}}}}}`),
			Relations: []catalognode.RelationField{{Path: "spec.crew", Type: "crewedBy", Reverse: "crews", DefaultKind: catalogcommon.KindGroup}},
		}),
	}}
}

// vault reads descriptors from places of the type vault, and fills in {$secret-name: ...} with what it makes of the value.
func vault(descriptors map[string]string) pluginapi.Plugin {
	return pluginapi.Plugin{ID: "vault", Extensions: []pluginapi.Extension{
		catalognode.LocationReaders.From("vault", catalognode.LocationReader{Type: "vault"}, func(_ context.Context, r catalognode.ReadRequest) (catalognode.ReadResult, error) {
			text, ok := descriptors[r.Location.Target]
			if !ok {
				return catalognode.ReadResult{}, fmt.Errorf("vault has no %s: %w", r.Location.Target, fs.ErrNotExist)
			}
			return catalognode.ReadResult{Files: []catalognode.File{{Target: r.Location.Target, Text: []byte(text)}}}, nil
		}),
		catalognode.Placeholders.From("name", catalognode.Placeholder{Key: "secret-name"}, func(_ context.Context, r catalognode.PlaceholderRequest) (any, error) {
			return fmt.Sprintf("%v of %s", r.Value, r.Base.Target), nil
		}),
	}}
}

// A portal with the catalog and a plugin that extends it.
func ExamplePlugin() {
	plugins := []pluginapi.Plugin{catalog.Plugin(), robots()}
	for _, e := range plugins[1].Extensions {
		fmt.Println(e.Point.PointKind(), e.Name)
	}
	// core.Main(core.Options{}, plugins...) is the rest of the program.
	// Output: entity-kind robot
}

func TestTheREADMEsPlugins(t *testing.T) {
	t.Parallel()
	const robot = "---\napiVersion: example.com/v1\nkind: Robot\nmetadata: {name: robby}\nspec: {crew: sea, note: {$secret-name: token}}\n"
	files := fstest.MapFS{"all.yaml": {Data: []byte(component("shop") + "---\n" + strings.Replace(component("till"), "owner: sea", "owner: land", 1))}}
	p := plugintest.StartWith(t, plugintest.Options{Config: `
catalog:
  rules: [{allow: [Component, Robot]}]
  locations: [{type: embedded, target: all.yaml}, {type: vault, target: robots}, {type: vault, target: none}]
`}, catalog.Plugin(catalog.Options{Embedded: files}), people(&directory{[]string{"ann", "bob"}}), costCenters(map[string]string{"sea": "4711"}), robots(), vault(map[string]string{"robots": robot}))
	var e catalogcommon.Entity
	get := func(ref string) bool {
		e = catalogcommon.Entity{}
		r := p.Get(api + "/entities/by-name/" + ref)
		return r.Status == http.StatusOK && r.JSON(&e) != nil
	}
	p.Eventually("the provider's users are there", func() bool { return get("user/default/ann") && get("user/default/bob") })
	p.Eventually("the robot is there", func() bool { return get("robot/default/robby") })
	if got := e.Targets("crewedBy"); len(got) != 1 || got[0].String() != "group:default/sea" || e.SpecString("note") != "token of robots" {
		t.Errorf("robby: %+v", e)
	}
	if !get("component/default/shop") || e.Metadata.Labels["example.com/cost-center"] != "4711" {
		t.Errorf("shop: %+v", e)
	}
	if get("component/default/till") {
		t.Errorf("till is there, although its owner has no cost center: %+v", e)
	}
	for _, want := range []string{"this owner has no cost center", "embedded:all.yaml:6:", "vault has no none"} {
		if !strings.Contains(p.Log(), want) {
			t.Errorf("the log does not say %q:\n%s", want, p.Log())
		}
	}
}
