package pages

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/builds"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/project"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/shelf"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// perPage is how many entities the page over all shows at once: CircleCI is asked about those only.
const perPage = 25

// Page shows all entities that have a project, with their newest pipelines.
func (p *Pages) Page(r *http.Request) (pluginapi.View, error) {
	d, err := p.overview(r)
	if err != nil {
		return pluginapi.View{}, err
	}
	src := overviewRoute.URL(r.Context())
	if r.URL.RawQuery != "" {
		src += "?" + r.URL.RawQuery
	}
	return pluginapi.View{Subtitle: "The newest pipeline of everything that is built at CircleCI", Body: ui.Stack(assets(r.Context()), d.refreshed(src))}, nil
}

// Overview answers GET /overview with that page's view alone.
func (p *Pages) Overview(w http.ResponseWriter, r *http.Request) error {
	d, err := p.overview(r)
	if err != nil {
		return err
	}
	return fragment(w, r, d)
}

func (p *Pages) overview(r *http.Request) (drawn, error) {
	ctx, query := r.Context(), r.URL.Query()
	page := 1
	if text := query.Get("page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1_000_000 {
			return drawn{}, pluginapi.BadInput("page %q is not a number from 1", text)
		}
		page = n
	}
	text := strings.TrimSpace(query.Get("q"))
	entities, err := p.annotated(ctx, text)
	if err != nil {
		return drawn{}, err
	}
	href := func(page int) string {
		number := ""
		if page > 1 {
			number = strconv.Itoa(page)
		}
		at := overviewPage.URL(ctx)
		if q := with(url.Values{}, "q", text, "page", number); len(q) > 0 {
			at += "?" + q.Encode()
		}
		return at
	}
	from := min((page-1)*perPage, len(entities))
	to := min(from+perPage, len(entities))
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	table, every, say := p.overviewTable(ctx, entities[from:to])
	table.Empty = ui.EmptyState{
		Icon: "workflow", Title: "Nothing is built at CircleCI yet", Text: "Components with the annotation " + project.Annotation + " appear here.",
		Sample: ui.CodeBlock{Title: "catalog-info.yaml", Code: "metadata:\n  annotations:\n    " + project.Annotation + ": gh/example/payments"},
	}
	if text != "" {
		table.Empty = ui.EmptyState{Icon: "search", Title: "Nothing matches", Text: "No entity that is built at CircleCI has “" + text + "” in its name, title or project.", Action: ui.ButtonLink{Text: "Show all", Href: overviewPage.URL(ctx), Small: true}}
	}
	paging := ui.Pagination{From: from + 1, To: to, Total: len(entities), What: "projects"}
	if page > 1 {
		paging.PrevHref = href(page - 1)
	}
	if to < len(entities) {
		paging.NextHref = href(page + 1)
	}
	if to == from {
		paging.From, paging.To, paging.Total = 0, 0, 0
	}
	body := []pluginapi.Component{searchForm(overviewPage.URL(ctx), text)}
	if notice := p.notice(ctx); notice != nil {
		body = append(body, notice)
	}
	return drawn{body: ui.Group(append(body, table, paging)...), every: every, say: say}, nil
}

// notice says once, above the table, what is wrong with all of CircleCI rather than with one project.
func (p *Pages) notice(ctx context.Context) pluginapi.Component {
	state := p.shelf.State()
	if state.Fault == nil || state.Fault.Kind == api.NotFound || state.Fault.Kind == api.Refused {
		return nil
	}
	e := explain(state.Fault, "CircleCI")
	return ui.Notice{Tone: ui.ToneWarning, Title: e.what, Text: strings.TrimSpace(e.why + " " + e.remedy)}
}

// annotated returns the entities that have a project and match the text, by title.
func (p *Pages) annotated(ctx context.Context, text string) ([]*catalogcommon.Entity, error) {
	request := catalogcommon.QueryRequest{
		Filter: catalogcommon.Filter{{"metadata.annotations." + project.Annotation: nil}},
		Fields: []string{"kind", "metadata", "relations", "spec.profile"},
	}
	var found []*catalogcommon.Entity
	text = strings.ToLower(text)
	for entity, err := range catalogcommon.Entities(ctx, p.catalog, request) {
		if err != nil {
			return nil, fmt.Errorf("ask the catalog for entities with projects: %w", err)
		}
		if strings.Contains(strings.ToLower(entity.Metadata.Name+"\n"+entity.Title()+"\n"+entity.Annotation(project.Annotation)), text) {
			found = append(found, entity)
		}
	}
	slices.SortFunc(found, func(a, b *catalogcommon.Entity) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Title()), strings.ToLower(b.Title())), strings.Compare(a.Ref().String(), b.Ref().String()))
	})
	return found, nil
}

func (p *Pages) overviewTable(ctx context.Context, entities []*catalogcommon.Entity) (table ui.Table, every time.Duration, say string) {
	table = ui.Table{
		Caption: "Projects at CircleCI",
		Columns: []ui.Column{{Title: "Name"}, {Title: "Status", Narrow: true}, {Title: "Newest pipeline", Optional: true}, {Title: "Branch", Optional: true}, {Title: "Started", Narrow: true, Optional: true}, {Title: "Owner", Optional: true}},
	}
	every = p.builds.Intervals().Settled
	for _, entity := range entities { // all at once, so that they are on their way together
		if slug, err := project.Of(entity); err == nil {
			shelf.Peek(p.shelf, p.builds.Pipelines(slug, "", ""))
		}
	}
	failing := 0
	for _, entity := range entities {
		row, next, bad := p.overviewRow(ctx, entity)
		table.Rows = append(table.Rows, row)
		every = min(every, next)
		if bad {
			failing++
		}
	}
	return table, every, fmt.Sprintf("%d projects, %d failing", len(entities), failing)
}

func (p *Pages) overviewRow(ctx context.Context, entity *catalogcommon.Entity) (row ui.Row, next time.Duration, failing bool) {
	next = p.builds.Intervals().Settled
	slug, err := project.Of(entity)
	row = ui.Row{Href: tabURL(ctx, entity.Ref(), nil), Cells: make([]pluginapi.Component, 6)}
	under := entity.Annotation(project.Annotation)
	row.Cells[0] = twoLines(ui.Text(entity.Title()), oneLine(under))
	if owners := entity.Targets(catalogcommon.RelationOwnedBy); len(owners) > 0 {
		row.Cells[5] = catalogapi.EntityLink(owners[0], "")
	}
	if err != nil {
		row.Cells[1] = ui.Status{State: ui.StateWarning, Text: "Wrong annotation", Hint: sentence(err.Error())}
		return row, next, false
	}
	list := shelf.Get(ctx, p.shelf, p.builds.Pipelines(slug, "", ""))
	switch {
	case !list.Have && list.Fault.Kind == api.TimedOut && list.Fault.Status == 0 && list.Next.IsZero():
		row.Cells[1] = ui.Muted("asking …")
		return row, soon, false
	case !list.Have:
		e := explain(list.Fault, slug.String())
		row.Cells[1] = ui.Status{State: ui.StateUnknown, Text: "Not known", Hint: e.why}
		row.Cells[2] = ui.Muted(e.what)
		return row, next, false
	case len(list.Value.Items) == 0:
		row.Cells[2] = ui.Muted("Nothing has run yet")
		return row, next, false
	}
	pipeline := list.Value.Items[0]
	commit := pipeline.Commit()
	workflows := shelf.Get(ctx, p.shelf, p.builds.Workflows(pipeline))
	overall := builds.Overall(pipeline, builds.Latest(workflows.Value))
	status := builds.Status(overall)
	row.Cells[1] = status
	if !workflows.Have && pipeline.State != "errored" {
		row.Cells[1], next = ui.Muted("asking …"), soon
	} else if builds.Running(overall) {
		next = p.builds.Intervals().Running
	}
	row.Cells[2] = twoLines(ui.Text(fmt.Sprintf("#%d", pipeline.Number)), oneLine(cmp.Or(commit.Subject, strings.ReplaceAll(pipeline.Trigger.Type, "_", " "))))
	row.Cells[3] = branchCell(commit)
	row.Cells[4] = ui.Time(pipeline.CreatedAt)
	return row, next, status.State == ui.StateError
}
