package catalog_test

import (
	"net/http"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestRemovedLocationComesBack removes the entity that stands for a registered location, and registers the location again.
func TestRemovedLocationComesBack(t *testing.T) {
	t.Parallel()
	p := start(t, plugintest.Options{})
	place := map[string]any{"type": "url", "target": "https://git.invalid/catalog-info.yaml"}
	var first, again catalogcommon.AddLocationResponse
	p.Post(api+"/locations", place).Want(201).JSON(&first)
	path := api + "/entities/by-name/location/default/" + strings.TrimPrefix(first.Location.EntityRef, "location:default/")
	there := func() bool { return p.Get(path).Status == 200 }
	p.Eventually("the location's entity is there", there)
	var entity catalogcommon.Entity
	p.Get(path).Want(200).JSON(&entity)
	p.Do(http.MethodDelete, api+"/entities/by-uid/"+entity.Metadata.UID, nil, nil).Want(204)
	p.Get(path).Want(404)
	p.Post(api+"/locations?onConflict=refresh", place).Want(201).JSON(&again)
	if again.Location != first.Location {
		t.Errorf("registered again: %+v", again.Location)
	}
	p.Eventually("the location's entity is back", there)
}
