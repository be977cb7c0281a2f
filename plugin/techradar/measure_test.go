package techradar_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/proscenium-dev/proscenium/plugin/techradar"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest/browsertest"
)

// TestMeasure prints what the page weighs and how long a radar of 200 entries takes to be drawn on a processor four times as slow, where TECHRADAR_MEASURE is set. It asserts nothing.
func TestMeasure(t *testing.T) {
	if os.Getenv("TECHRADAR_MEASURE") == "" {
		t.Skip("set TECHRADAR_MEASURE=1 to measure the page in a slowed-down browser")
	}
	p := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 200)}}}))
	total := 0
	for _, name := range []string{"radar.js", "picture.js", "layout.js", "color.js", "radar.css"} {
		content, err := os.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		packed := packedSize(content)
		fmt.Printf("%-12s %6d bytes, %5d compressed\n", name, len(content), packed)
		if name != "radar.css" {
			total += packed
		}
	}
	page := p.Get("/tech-radar").Want(200).Body
	fmt.Printf("%-12s %6d bytes, %5d compressed\nscript, all files: %d compressed\n", "page", len(page), packedSize(page), total)

	few := plugintest.Start(t, techradar.Plugin(techradar.Options{Radars: []techradar.Radar{{JSON: sample(t, 1)}}}))
	b := browsertest.Start(t)
	for _, run := range []struct {
		name, address string
		rate          int
	}{{"200 entries", p.URL, 1}, {"1 entry", few.URL, 4}, {"200 entries", p.URL, 4}} {
		figures := map[string][]float64{}
		for range 11 {
			b.Open("about:blank")
			b.Call("Emulation.setCPUThrottlingRate", map[string]any{"rate": run.rate})
			openRadar(b, run.address+"/tech-radar")
			for name, value := range browsertest.Eval[map[string]float64](b, `(() => {
				const page = performance.getEntriesByType("navigation")[0], drawn = performance.getEntriesByName("tech-radar-drawn")[0].startTime, mount = performance.getEntriesByName("tech-radar-mount")[0];
				return { "address to drawn": drawn, "answer to drawn": drawn - page.responseEnd, "module called to drawn": drawn - mount.startTime, "module alone": mount.duration };
			})()`) {
				figures[name] = append(figures[name], value)
			}
			b.Call("Emulation.setCPUThrottlingRate", map[string]any{"rate": 1})
		}
		for _, name := range []string{"address to drawn", "answer to drawn", "module called to drawn", "module alone"} {
			all := figures[name]
			slices.Sort(all)
			fmt.Printf("%-11s on 1/%d of the processor, %-23s median %4.0f ms, best %4.0f, worst %4.0f of %d\n", run.name, run.rate, name+":", all[len(all)/2], all[0], all[len(all)-1], len(all))
		}
	}
}

func packedSize(content []byte) int {
	var packed bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = writer.Write(content)
	_ = writer.Close()
	return packed.Len()
}
