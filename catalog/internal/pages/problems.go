package pages

import (
	"context"
	"fmt"
	"net/http"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// notice tells that something could not be ingested, and what; nil when all is well.
func (p *Pages) notice(ctx context.Context) (pluginapi.Component, error) {
	all, err := p.ingestion.Problems(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	n := ui.Notice{Tone: ui.ToneWarning, Title: fmt.Sprintf("%d %s could not be read", len(all), counted(len(all), "descriptor"))}
	if len(all) <= 3 {
		parts := make([]pluginapi.Component, 0, len(all))
		for _, problem := range all {
			parts = append(parts, ui.Inline(ui.Mono(problem.place()), ui.Text(problem.Message)))
		}
		n.Body = ui.Stack(parts...)
	}
	if href := problemsPage.URL(ctx); href != "" {
		n.Actions = []pluginapi.Component{ui.ButtonLink{Href: href, Text: "Show all"}}
	}
	return n, nil
}

func counted(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// place is location:line:column, as far as they are known.
func (p Problem) place() string {
	if p.Line == 0 {
		return p.Location
	}
	return fmt.Sprintf("%s:%d:%d", p.Location, p.Line, p.Column)
}

// ListProblems shows everything that could not be ingested.
func (p *Pages) ListProblems(r *http.Request) (pluginapi.View, error) {
	all, err := p.ingestion.Problems(r.Context())
	if err != nil {
		return pluginapi.View{}, err
	}
	t := ui.Table{
		Caption: "Catalog problems",
		Columns: []ui.Column{{Title: "What, and where"}, {Title: "Entity", Optional: true}},
		Empty:   ui.EmptyState{Icon: "circle-check", Title: "All is well", Text: "Everything that the catalog was told to read could be read."},
	}
	for _, problem := range all {
		t.Rows = append(t.Rows, ui.Row{Cells: []pluginapi.Component{ui.Group(ui.Paragraph(problem.Message), ui.Mono(problem.place())), ui.Mono(problem.Entity)}})
	}
	return pluginapi.View{
		Subtitle:    "What should be in the catalog and is not, or not as its file says. Neighbours in the same file are not affected.",
		Breadcrumbs: []pluginapi.Link{{Text: "Catalog", Href: catalogapi.ListPage.URL(r.Context())}},
		Body:        t,
	}, nil
}
