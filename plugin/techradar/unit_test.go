package techradar_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
)

// TestInAUnitOfItsOwn shows a radar that runs in one process on a page that another one serves.
func TestInAUnitOfItsOwn(t *testing.T) {
	t.Parallel()
	plugin := techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 30)}}})
	back := plugintest.StartWith(t, plugintest.Options{Config: "backend: {unit: {plugins: [tech-radar], shell: false, secret: known-to-both-units-of-this-test-only}}"}, plugin)
	front := plugintest.StartWith(t, plugintest.Options{
		Config: "backend: {unit: {plugins: [], secret: known-to-both-units-of-this-test-only}}\ndiscovery: {endpoints: [{target: '" + back.URL + "/api/{{pluginId}}', plugins: [tech-radar]}]}",
	}, plugin)
	front.Get("/tech-radar").Want(200).Has(".tr-twin tbody tr:nth-child(30)").Has(`.tr-name[href="/tech-radar?entry=entry-0"]`)
	front.Get("/tech-radar?radar=none").Want(404)
	front.Get("/api/tech-radar/data").Want(200)
	back.Get("/tech-radar").Want(404)
	b := browsertest.Start(t)
	openRadar(b, front.URL+"/tech-radar")
	if n := browsertest.Eval[int](b, `document.querySelectorAll(".tr-blip").length`); n != 30 {
		t.Errorf("%d blips", n)
	}
	b.WantNoComplaints()
}
