package techradar_test

import (
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestCheck does not run in parallel with others: it counts goroutines.
func TestCheck(t *testing.T) {
	plugintest.Check(t, plugintest.Options{}, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 20)}}}))
	t.Run("configured", func(t *testing.T) {
		o := newOrigin(t)
		o.set(serve(sample(t, 20), `"x"`))
		plugintest.Check(t, plugintest.Options{Config: "techRadar: {url: '" + o.URL + "'}"}, techradar.Plugin())
	})
}
