package techradar_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestNothingLeft has the page say why it shows no entry, without scripts too.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	empty := []byte(`{"quadrants": [{"id": "q", "name": "Q"}], "rings": [{"id": "r", "name": "R"}], "entries": []}`)
	p := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 4)}, {ID: "empty", JSON: empty}}}))
	p.Get("/tech-radar").Has(".tr-none[hidden]")
	p.Get("/tech-radar?q=nonesuch").HasText(".tr-none:not([hidden])", "No entry has all").Has(`.tr-none a[href="/tech-radar"]`)
	p.Get("/tech-radar?radar=empty").HasText(".tr-none:not([hidden])", "has no entries yet").HasNot(".tr-none a")
}
