package ui_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// BenchmarkTable draws 100 rows of 8 cells: what a full page of a catalog costs.
func BenchmarkTable(b *testing.B) {
	at := now.Add(-7 * time.Minute)
	columns := make([]ui.Column, 8)
	for i := range columns {
		columns[i] = ui.Column{Title: fmt.Sprintf("Column %d", i), SortHref: "?sort=name"}
	}
	rows := make([]ui.Row, 100)
	for i := range rows {
		name := fmt.Sprintf("component-%d", i)
		rows[i] = ui.Row{Href: "/catalog/default/component/" + name, Cells: []pluginapi.Component{
			ui.Text(name), ui.Link{Text: "checkout", Href: "/catalog/default/system/checkout"}, ui.Link{Text: "team-payments", Href: "/catalog/default/group/team-payments"}, ui.Text("service"),
			ui.Badge{Text: "production"}, ui.Status{State: ui.StateOK, Text: "Passing"}, ui.Number(int64(i * 1000)), ui.Time(at),
		}}
	}
	benchmark(b, ui.Table{Caption: "Components", Columns: columns, Rows: rows})
}

// BenchmarkPage draws a whole entity page with its frame.
func BenchmarkPage(b *testing.B) { benchmark(b, entityPage()) }

// BenchmarkLog draws 1,000 lines with colours.
func BenchmarkLog(b *testing.B) {
	text := ""
	for i := range 1000 {
		text += fmt.Sprintf("\x1b[32mok\x1b[0m  \tgithub.com/example/payments/package%d\t0.412s\n", i)
	}
	benchmark(b, ui.LogView{Text: text})
}

// BenchmarkMarkdown converts a description.
func BenchmarkMarkdown(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ui.Markdown(galleryMarkdown, ui.MarkdownOptions{})
	}
}

func benchmark(b *testing.B, component pluginapi.Component) {
	ctx := ui.WithAssets(ui.WithNow(context.Background(), now), func(name string) string { return "/assets/" + name })
	counted := &counter{}
	b.ReportAllocs()
	for b.Loop() {
		counted.n = 0
		if err := component.Render(ctx, counted); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(counted.n), "bytes")
}

type counter struct{ n int }

var _ io.Writer = (*counter)(nil)

// Write counts.
func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}
