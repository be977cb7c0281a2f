package core_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/proscenium-dev/proscenium/core"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// tabled is a plugin with a page of fifty rows and a route.
func tabled() pluginapi.Plugin {
	return pluginapi.Plugin{ID: "tabled", Extensions: []pluginapi.Extension{
		pluginapi.Pages.From("page", pluginapi.Page{Path: "/tabled/{name}", Title: "Tabled"}, func(r *http.Request) (pluginapi.View, error) {
			table := ui.Table{Caption: "Rows", Columns: []ui.Column{{Title: "Name"}, {Title: "Text"}}}
			for range 50 {
				table.Rows = append(table.Rows, ui.Row{Cells: []pluginapi.Component{ui.Text(r.PathValue("name")), ui.Text("a row of a table")}})
			}
			return pluginapi.View{Body: table}, nil
		}),
		pluginapi.Routes.From("route", pluginapi.Route{Pattern: "GET /{name}"}, func(w http.ResponseWriter, r *http.Request) error {
			_, err := w.Write([]byte(r.PathValue("name")))
			return err
		}),
		pluginapi.Pages.From("list", pluginapi.Page{Path: "/tabled", Title: "Tabled"}, func(*http.Request) (pluginapi.View, error) { return pluginapi.View{}, nil }),
	}}
}

// BenchmarkRequest asks a whole portal, without a network: a page of fifty rows, a page that has nothing but its frame, and a route.
func BenchmarkRequest(b *testing.B) {
	o, _, _ := options(b, inMemory)
	o.Logger = slog.New(slog.DiscardHandler)
	p := newPortal(b, o, tabled())
	p.Start(context.Background())
	<-p.Settled()
	for name, path := range map[string]string{"page": "/tabled/x", "frame": "/tabled", "route": "/api/tabled/x"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					w := httptest.NewRecorder()
					p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
					if w.Code != http.StatusOK {
						b.Errorf("status %d", w.Code)
						return
					}
				}
			})
		})
	}
}

// BenchmarkLife makes, starts and stops a portal.
func BenchmarkLife(b *testing.B) {
	o, _, _ := options(b, inMemory)
	o.Logger = slog.New(slog.DiscardHandler)
	for b.Loop() {
		p, err := core.New(o, tabled())
		if err != nil {
			b.Fatal(err)
		}
		p.Start(context.Background())
		<-p.Settled()
		stop(b, p)
	}
}
