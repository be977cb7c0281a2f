package core_test

import (
	"net/http"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

func TestPortalShowsAPage(t *testing.T) {
	t.Parallel()
	p := plugintest.Start(t, pluginapi.Plugin{ID: "one", Extensions: []pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/one", Title: "One"}, func(*http.Request) (pluginapi.View, error) {
			return pluginapi.View{Body: pluginapi.Drawn("<p>first</p>")}, nil
		}),
	}})
	p.Get("/one").Want(200).HasText("h1", "One").HasText("p", "first").HasText("nav a", "One")
	if got := p.Get("/").Want(302).Header.Get("Location"); got != "/one" {
		t.Errorf("the root leads to %q", got)
	}
	p.Get("/nothing").Want(404)
}
