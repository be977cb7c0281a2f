package ui_test

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"os"
	"strings"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// A page is a header and a content, made of plain values.
func Example() {
	page := ui.Group(
		ui.PageHeader{Title: "Hello"},
		ui.Content(ui.Card{
			Title: "Greetings",
			Body:  ui.DescriptionList{Items: []ui.Description{{Term: "Dutch", Value: ui.Text("Hallo & welkom")}}},
		}),
	)
	var html strings.Builder
	if err := page.Render(context.Background(), &html); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Contains(html.String(), "<h1>Hello</h1>"), strings.Contains(html.String(), "Hallo &amp; welkom"))
	// Output: true true
}

// A template of html/template takes its place among components through [pluginapi.ComponentFunc].
func ExampleCard_htmlTemplate() {
	greeting := template.Must(template.New("greeting").Parse(`<em>Hello, {{.}}!</em>`))
	body := pluginapi.ComponentFunc(func(_ context.Context, w io.Writer) error { return greeting.Execute(w, "Ada <3") })
	if err := (ui.Card{Body: body}).Render(context.Background(), os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output: <section class="ui-card"><div class="ui-card-body"><em>Hello, Ada &lt;3!</em></div></section>
}

func ExampleTable() {
	table := ui.Table{
		Caption: "Builds",
		Columns: []ui.Column{{Title: "Branch"}, {Title: "State"}, {Title: "Tests", Numeric: true, SortHref: "?sort=-tests", Sort: ui.SortAscending}},
		Rows: []ui.Row{{Href: "/builds/7", Cells: []pluginapi.Component{
			ui.Text("main"), ui.Status{State: ui.StateOK, Text: "Passing"}, ui.Number(1204),
		}}},
		Empty: ui.EmptyState{Title: "No builds yet", Text: "The first one appears here after a push."},
	}
	var html strings.Builder
	if err := table.Render(context.Background(), &html); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Count(html.String(), "<tr"))
	// Output: 2
}

func ExampleSafeURL() {
	for _, address := range []string{"/catalog", "https://example.com", "javascript:alert(1)"} {
		_, ok := ui.SafeURL(address)
		fmt.Println(address, ok)
	}
	// Output:
	// /catalog true
	// https://example.com true
	// javascript:alert(1) false
}

// The server tells components where it serves the assets, for instance under names that hold a hash of the content.
func ExampleWithAssets() {
	hashed := map[string]string{"icons.svg": "/assets/icons.3fa2c1.svg"}
	ctx := ui.WithAssets(context.Background(), func(name string) string { return hashed[name] })
	if err := ui.Icon("bell", "Alarm").Render(ctx, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output: <svg class="ui-icon" role="img" aria-label="Alarm"><use href="/assets/icons.3fa2c1.svg#bell"></use></svg>
}
