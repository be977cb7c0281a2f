package catalog_test

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	catalognode "github.com/proscenium-dev/proscenium/catalog/node"
	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

func readers() pluginapi.Plugin {
	read := func(_ context.Context, r catalognode.ReadRequest) (catalognode.ReadResult, error) {
		text := "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: list}\nspec: {type: open, targets: [more]}\n---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: closed-list}\nspec: {type: closed, targets: [x]}\n"
		switch {
		case r.Location.Target == "more":
			text = component("kept")
		case r.Location.Target != "list":
			return catalognode.ReadResult{}, fs.ErrNotExist
		}
		return catalognode.ReadResult{Files: []catalognode.File{{Target: r.Location.Target, Text: []byte(text)}}}, nil
	}
	return pluginapi.Plugin{ID: "readers", Extensions: []pluginapi.Extension{
		catalognode.LocationReaders.From("open", catalognode.LocationReader{Type: "open", Registrable: true}, func(ctx context.Context, r catalognode.ReadRequest) (catalognode.ReadResult, error) {
			return read(ctx, r)
		}),
		catalognode.LocationReaders.From("closed", catalognode.LocationReader{Type: "closed"}, func(ctx context.Context, r catalognode.ReadRequest) (catalognode.ReadResult, error) {
			return read(ctx, r)
		}),
	}}
}

// A reader says whether anybody may register what it reads.
func TestRegistrableLocations(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{}, readers())
	const locations = api + "/locations"
	p.Post(locations, map[string]string{"type": "open", "target": "list"}).Want(201)
	p.Eventually("what the place leads to is there", func() bool { return p.Get(api+"/entities/by-name/component/default/kept").Status == 200 })
	p.Post(locations, map[string]string{"type": "closed", "target": "list"}).Want(400)
	var closed catalogcommon.Entity
	p.Eventually("what the place may not lead to is said", func() bool {
		closed = catalogcommon.Entity{}
		r := p.Get(api + "/entities/by-name/location/default/closed-list")
		return r.Status == 200 && r.JSON(&closed) != nil && closed.Status != nil
	})
	if got := closed.Status.Items[0].Message; !strings.Contains(got, `type "closed" is not allowed`) || strings.Count(got, `"closed"`) != 1 {
		t.Errorf("status: %s", got)
	}
}

func tiers(kind catalognode.Kind) pluginapi.Plugin {
	kind.Schema = []byte(`{"type": "object", "required": ["spec"], "properties": {"spec": {"type": "object", "required": ["tier"], "properties": {"tier": {"type": "string"}, "owner": {"type": "string"}}}}}`)
	kind.Relations = []catalognode.RelationField{{Path: "spec.owner", Type: "ownedBy", Reverse: "ownerOf", DefaultKind: "Group"}}
	kind.Replaces = true
	return pluginapi.Plugin{ID: "tiers", Extensions: []pluginapi.Extension{catalognode.AddKind("component", kind)}}
}

// A plugin can describe one of the catalog's own kinds in its place.
func TestReplacedKinds(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{}, tiers(catalognode.Kind{Name: "Component", APIVersions: []string{"backstage.io/v1alpha1"}}))
	validate := func(version, spec string) int {
		return p.Post(api+"/validate-entity", map[string]any{"location": "url:https://example.com/x", "entity": map[string]any{
			"apiVersion": version, "kind": "Component", "metadata": map[string]any{"name": "x"}, "spec": map[string]any{spec: "x", "owner": "sea"},
		}}).Status
	}
	if got := validate("backstage.io/v1alpha1", "tier"); got != 200 {
		t.Errorf("what the description asks for: %d", got)
	}
	if got := validate("backstage.io/v1alpha1", "type"); got != 400 {
		t.Errorf("what the catalog's own would ask for: %d", got)
	}
	if got := validate("backstage.io/v1beta1", "tier"); got != 400 {
		t.Errorf("another API version: %d", got)
	}
	if !strings.Contains(p.Log(), "replaces Component of backstage.io/v1alpha1") {
		t.Errorf("the log does not say so:\n%s", p.Log())
	}
	file := filepath.Join(t.TempDir(), "app-config.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := core.New(core.Options{ConfigFiles: []string{file}, Environ: []string{}, Logger: slog.New(slog.DiscardHandler)}, catalog.Plugin(), tiers(catalognode.Kind{Name: "Component", APIVersions: []string{"backstage.io/v1"}}))
	if err == nil || !strings.Contains(err.Error(), "none of the catalog's own") {
		t.Errorf("replacing what is not there: %v", err)
	}
}
