package techradar_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
)

// TestLook writes pictures of the page to the folder that TECHRADAR_PICTURES names, for people to look at.
func TestLook(t *testing.T) {
	dir := os.Getenv("TECHRADAR_PICTURES")
	if dir == "" {
		t.Skip("set TECHRADAR_PICTURES to a folder for pictures of the page")
	}
	p := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{
		{JSON: sample(t, 200)},
		{ID: "small", Title: "Small", JSON: sample(t, 26)},
		{ID: "five", Title: "Five by three", JSON: sampleOf(t, 70, []string{"Languages", "Databases", "Hosting", "Delivery", "Practices"}, []string{"Use", "Experiment with care", "Leave"})},
	}}))
	b := browsertest.Start(t)
	for _, theme := range []string{"light", "dark"} {
		b.Media(map[string]string{"prefers-color-scheme": theme})
		for size, width := range map[string]int64{"wide": 1440, "narrow": 390} {
			b.Emulate(width, 900)
			for name, query := range map[string]string{"all": "", "small": "?radar=small", "five": "?radar=five", "quadrant": "?quadrant=platforms", "filtered": "?q=el&ring=adopt&ring=trial", "entry": "?entry=entry-3", "table": "?view=table&ring=adopt"} {
				openRadar(b, p.URL+"/tech-radar"+query)
				if name == "small" {
					b.Do(chromedp.Focus(chromedp.CSS(`.tr-blip[data-i="7"]`)))
					b.Keys(kb.ArrowRight)
				}
				b.Screenshot(filepath.Join(dir, name+"-"+size+"-"+theme+".png"))
			}
		}
	}
	b.WantNoComplaints()
}
