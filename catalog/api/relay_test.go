package catalogapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// through answers requests of one end of a relay with the other.
type through struct{ serve pluginapi.RouteFunc }

func (t through) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if err := t.serve(w, r); err != nil {
		status, _, _ := pluginapi.Describe(err)
		w.WriteHeader(status)
	}
	return w.Result(), nil
}

// TestRelayedColumn has a column in another process make the same cells, and empty ones stay empty.
func TestRelayedColumn(t *testing.T) {
	t.Parallel()
	column := func(_ context.Context, entities []*catalogcommon.Entity) ([]pluginapi.Component, error) {
		if entities[0].Metadata.Name == "bad" {
			return nil, pluginapi.Unavailable("the tide is out")
		}
		return []pluginapi.Component{ui.Text("<" + entities[0].SpecString("type") + ">"), nil}, nil
	}
	relay := catalogapi.EntityColumns.Relay
	remote := relay.Remote(catalogapi.Column{}, through{relay.Serve(catalogapi.Column{}, column)})
	entity := func(name string) *catalogcommon.Entity {
		return &catalogcommon.Entity{Kind: "Component", Metadata: catalogcommon.Metadata{Name: name}, Spec: map[string]any{"type": "service"}}
	}
	cells, err := remote(t.Context(), []*catalogcommon.Entity{entity("a"), entity("b")})
	if err != nil || len(cells) != 2 || cells[1] != nil {
		t.Fatalf("%v, %v", cells, err)
	}
	if html, err := pluginapi.Draw(t.Context(), cells[0]); err != nil || html != "&lt;service&gt;" {
		t.Errorf("%q, %v", html, err)
	}
	if _, err := remote(t.Context(), []*catalogcommon.Entity{entity("bad")}); err == nil {
		t.Error("what failed there succeeds here")
	}
}
