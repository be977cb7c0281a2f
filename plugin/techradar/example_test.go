package techradar_test

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// radarJSON is usually a file: //go:embed radar.json
var radarJSON = []byte(`{
  "quadrants": [{"id": "languages", "name": "Languages"}],
  "rings": [{"id": "adopt", "name": "Adopt", "color": "#2e7d32"}],
  "entries": [{"id": "go", "title": "Go", "quadrant": "languages", "timeline": [{"date": "2026-11-22", "ringId": "adopt", "moved": 1}]}]
}`)

// An app embeds a radar; without options the radars are those of the configuration.
func ExamplePlugin() {
	plugin := techradar.Plugin(techradar.Options{
		Radars: []techradar.Radar{{JSON: radarJSON}},
	})
	fmt.Println(plugin.ID)
	// Output: tech-radar
}

//go:embed testdata/shares
var shareFiles embed.FS

// Shares shows which languages services are written in. It is standalone: its data is in it, and the browser does the drawing.
func Shares() pluginapi.Plugin {
	assets, _ := fs.Sub(shareFiles, "testdata/shares")
	return pluginapi.Plugin{
		ID:     "shares",
		Assets: assets, // shares.js
		Extensions: []pluginapi.Extension{
			pluginapi.Pages.From("page", pluginapi.Page{Path: "/shares", Title: "Languages", Icon: "chart-line"}, showShares),
		},
	}
}

type share struct {
	Name     string `json:"name"`
	Services int    `json:"services"`
}

func showShares(*http.Request) (pluginapi.View, error) {
	shares := []share{{"Go", 41}, {"TypeScript", 23}, {"COBOL", 1}}
	table := ui.Table{Caption: "Services by language", Columns: []ui.Column{{Title: "Language"}, {Title: "Services", Numeric: true}}}
	for _, s := range shares {
		table.Rows = append(table.Rows, ui.Row{Cells: []pluginapi.Component{ui.Text(s.Name), ui.Number(int64(s.Services))}})
	}
	module := ui.Module{Plugin: "shares", Script: "shares.js", Data: shares, Body: table} // without JavaScript the table stays alone
	return pluginapi.View{Body: module}, nil
}

// A standalone plugin is a page with a module, and nothing else.
func Example_standalone() {
	for _, e := range Shares().Extensions {
		fmt.Println(e.Point.PointKind(), e.Spec.(pluginapi.Page).Path)
	}
	// Output: page /shares
}

// TestStandalone does not run in parallel with others: Check counts goroutines.
func TestStandalone(t *testing.T) {
	plugintest.Check(t, plugintest.Options{}, Shares())
	p := plugintest.Start(t, Shares())
	p.Get("/shares").Want(200).HasText("td", "TypeScript")
	b := browsertest.Start(t)
	b.Open(p.URL + "/shares")
	b.Wait(`document.querySelectorAll("td meter").length === 3 && document.querySelector("meter").value === 41`)
	b.WantNoComplaints()
}
