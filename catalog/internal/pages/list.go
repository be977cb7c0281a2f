package pages

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

const pageSize = 25

// facet is one way to narrow the list.
type facet struct {
	param  string
	legend string
	path   string
	single bool
}

var facets = []facet{
	{"kind", "Kind", "kind", true},
	{"type", "Type", "spec.type", false},
	{"owner", "Owner", "relations.ownedBy", false},
	{"lifecycle", "Lifecycle", "spec.lifecycle", false},
	{"tag", "Tags", "metadata.tags", false},
	{"namespace", "Namespace", "metadata.namespace", false},
}

// sortable maps the values of the parameter sort to the fields they mean.
var sortable = map[string]string{"name": "metadata.name", "owner": "relations.ownedBy", "type": "spec.type", "lifecycle": "spec.lifecycle"}

// listing is the state of the list: what its URL says.
type listing struct {
	values     url.Values
	kind       string
	term       string
	sort       string
	descending bool
}

func readListing(r *http.Request) listing {
	l := listing{values: r.URL.Query()}
	l.kind = cmp.Or(l.values.Get("kind"), "component")
	l.term = strings.TrimSpace(l.values.Get("q"))
	l.sort, l.descending = strings.CutPrefix(l.values.Get("sort"), "-")
	if _, known := sortable[l.sort]; !known {
		l.sort = "name"
	}
	return l
}

// facets are all ways to narrow the list, with those by a relation that the URL has: relations.memberOf=group:default/team-a.
func (l listing) facets() []facet {
	var all []facet
	for _, param := range slices.Sorted(maps.Keys(l.values)) {
		if name, found := strings.CutPrefix(param, relationParam); found && name != "" && param != "relations.ownedBy" {
			all = append(all, facet{param: param, legend: relationTitle(name), path: param})
		}
	}
	return append(all, facets...)
}

// query is what the URL asks of the catalog, leaving out one facet: the one whose choices are counted.
func (l listing) query(without string) catalogcommon.Filter {
	set := map[string][]string{}
	for _, f := range l.facets() {
		chosen := slices.DeleteFunc(slices.Clone(l.values[f.param]), func(v string) bool { return v == "" })
		switch {
		case f.param == without:
			continue
		case f.param == "kind" && l.kind == "all":
			continue
		case f.param == "kind":
			chosen = []string{l.kind}
		}
		if len(chosen) > 0 {
			set[f.path] = chosen
		}
	}
	return catalogcommon.Filter{set}
}

// filtered reports whether the URL asks for less than a kind.
func (l listing) filtered() bool {
	return l.term != "" || slices.ContainsFunc(l.facets(), func(f facet) bool {
		return f.param != "kind" && slices.ContainsFunc(l.values[f.param], func(v string) bool { return v != "" })
	})
}

func (l listing) fullText() *catalogcommon.FullText {
	if l.term == "" {
		return nil
	}
	return &catalogcommon.FullText{Term: l.term, Fields: []string{"metadata.name", "metadata.title", "metadata.description", "spec.profile.displayname"}}
}

// with returns the list's URL with some parameters changed; without its place in the list, which belongs to the old ones.
func (l listing) with(ctx context.Context, changed ...string) string {
	values := url.Values{}
	for name, all := range l.values {
		if name != "cursor" && name != "from" {
			values[name] = all
		}
	}
	for i := 0; i+1 < len(changed); i += 2 {
		values.Del(changed[i])
		if changed[i+1] != "" {
			values.Set(changed[i], changed[i+1])
		}
	}
	base := catalogapi.ListPage.URL(ctx)
	if len(values) == 0 {
		return base
	}
	return base + "?" + values.Encode()
}

// List shows the entities of a kind.
func (p *Pages) List(r *http.Request) (pluginapi.View, error) {
	ctx := r.Context()
	l := readListing(r)
	order := catalogcommon.Order{Field: sortable[l.sort], Direction: catalogcommon.Ascending}
	if l.descending {
		order.Direction = catalogcommon.Descending
	}
	request := catalogcommon.QueryRequest{
		Filter: l.query(""), FullText: l.fullText(), OrderBy: []catalogcommon.Order{order}, Limit: new(pageSize), Cursor: l.values.Get("cursor"),
		Fields: []string{"kind", "metadata", "spec.type", "spec.lifecycle", "spec.profile", "spec.target", "spec.targets", "relations", "status"},
	}
	if len(p.columns.Get()) > 0 {
		request.Fields = nil // whoever draws a column may ask for anything
	}
	page, err := p.client.QueryEntities(ctx, request)
	if err != nil {
		return pluginapi.View{}, err
	}
	filters, active, err := p.filters(ctx, l)
	if err != nil {
		return pluginapi.View{}, err
	}
	notice, err := p.notice(ctx)
	if err != nil {
		return pluginapi.View{}, err
	}
	body := ui.ListLayout{
		Filters: filters,
		Active:  active,
		Body:    ui.Stack(table(ctx, l, page.Items, p.contributedColumns(ctx, page.Items)), pagination(ctx, l, page)),
	}
	return pluginapi.View{
		Subtitle: fmt.Sprintf("%s (%s)", heading(l), grouped(page.TotalItems)),
		Body:     ui.Stack(notice, body),
	}, nil
}

func heading(l listing) string {
	if l.kind == "all" {
		return "All kinds"
	}
	return plural(l.kind)
}

// plural is how people call several of a kind.
func plural(kind string) string {
	switch strings.ToLower(kind) {
	case "api":
		return "APIs"
	case "component", "resource", "system", "domain", "group", "user", "location", "template":
		return strings.ToUpper(kind[:1]) + strings.ToLower(kind[1:]) + "s"
	}
	return kind
}

func (p *Pages) filters(ctx context.Context, l listing) (form ui.FilterForm, active int, err error) {
	form = ui.FilterForm{Action: catalogapi.ListPage.URL(ctx)}
	form.Fields = append(form.Fields, ui.SearchBox{Label: "Search by name", Name: "q", Value: l.term})
	if sort := l.values.Get("sort"); sort != "" {
		form.Keep = append(form.Keep, ui.Param{Name: "sort", Value: sort})
	}
	if l.term != "" {
		active++
	}
	for _, f := range l.facets() {
		if strings.HasPrefix(f.param, relationParam) { // only what the URL names: there can be as many others as entities
			choice := ui.Facet{Legend: f.legend, Name: f.param}
			for _, value := range l.values[f.param] {
				if value != "" {
					choice.Options = append(choice.Options, ui.FacetOption{Value: value, Label: shortRef(value), Count: -1, Selected: true})
					active++
				}
			}
			if len(choice.Options) > 0 {
				form.Fields = append(form.Fields, choice)
			}
			continue
		}
		counted, err := p.client.Facets(ctx, catalogcommon.FacetsRequest{Facets: []string{f.path}, Filter: l.query(f.param)})
		if err != nil {
			return form, 0, err
		}
		choice := ui.Facet{Legend: f.legend, Name: f.param, Single: f.single}
		chosen := l.values[f.param]
		if f.param == "kind" {
			chosen = []string{l.kind}
		}
		for _, value := range counted[f.path] {
			option := ui.FacetOption{Value: value.Value, Label: label(f, value.Value), Count: value.Count}
			option.Selected = slices.ContainsFunc(chosen, func(v string) bool { return strings.EqualFold(v, value.Value) })
			if option.Selected && f.param != "kind" {
				active++
			}
			choice.Options = append(choice.Options, option)
		}
		choice.Options, choice.More = mostUsed(choice.Options)
		if f.param == "namespace" && len(choice.Options) < 2 || len(choice.Options) == 0 {
			continue // nothing to choose
		}
		form.Fields = append(form.Fields, choice)
	}
	if active > 0 {
		form.ClearHref = (listing{values: url.Values{}}).with(ctx, "kind", l.values.Get("kind"))
	}
	return form, active, nil
}

// mostOptions bounds what is drawn of a facet: of owners and tags there can be thousands.
const mostOptions = 100

// mostUsed returns the options that most entities have, with those that are chosen, in the order given, and how many others there are.
func mostUsed(options []ui.FacetOption) (used []ui.FacetOption, more int) {
	if len(options) <= mostOptions {
		return options, 0
	}
	counts := make([]int, len(options))
	for i, option := range options {
		counts[i] = option.Count
	}
	slices.Sort(counts)
	least := counts[len(counts)-mostOptions] // of the last one that is drawn
	equal := mostOptions
	for _, count := range counts {
		if count > least {
			equal--
		}
	}
	for _, option := range options {
		switch {
		case option.Count > least, option.Selected:
		case option.Count == least && equal > 0:
			equal--
		default:
			continue
		}
		used = append(used, option)
	}
	return used, len(options) - len(used)
}

// label is how a facet's value reads.
func label(f facet, value string) string {
	switch f.param {
	case "kind":
		return plural(value)
	case "owner":
		return shortRef(value)
	}
	return value
}

func shortRef(value string) string {
	if ref, err := catalogcommon.ParseRef(value, catalogcommon.RefDefaults{}); err == nil {
		return ref.Short(catalogcommon.RefDefaults{Kind: ref.Kind})
	}
	return value
}

func table(ctx context.Context, l listing, entities []*catalogcommon.Entity, contributed []column) ui.Table {
	sorted := func(title, sort string) ui.Column {
		c := ui.Column{Title: title, SortHref: l.with(ctx, "sort", sort)}
		if l.sort == sort {
			c.Sort = ui.SortAscending
			if l.descending {
				c.Sort = ui.SortDescending
			} else {
				c.SortHref = l.with(ctx, "sort", "-"+sort)
			}
		}
		return c
	}
	t := ui.Table{Caption: heading(l)}
	people := l.kind == "user" || l.kind == "group"
	t.Columns = append(t.Columns, sorted("Name", "name"))
	if l.kind == "all" {
		t.Columns = append(t.Columns, ui.Column{Title: "Kind"})
	}
	if !people {
		t.Columns = append(t.Columns, sorted("Owner", "owner"))
	}
	if l.kind != "user" {
		t.Columns = append(t.Columns, sorted("Type", "type"))
	}
	if !people {
		stage := sorted("Lifecycle", "lifecycle")
		stage.Optional = true
		t.Columns = append(t.Columns, stage)
	}
	for _, c := range contributed {
		t.Columns = append(t.Columns, ui.Column{Title: c.title, Optional: true})
	}
	t.Columns = append(t.Columns, ui.Column{Title: "Tags", Optional: true})
	for i, e := range entities {
		r := row(ctx, l, e, people)
		for _, c := range contributed {
			r.Cells = append(r.Cells, c.cells[i])
		}
		r.Cells = append(r.Cells, someTags(e.Metadata.Tags))
		t.Rows = append(t.Rows, r)
	}
	t.Empty = ui.EmptyState{
		Icon: "boxes", Title: "There is nothing here yet", Text: "What the catalog reads is named by catalog.locations in the configuration, or registered with POST /api/catalog/locations.",
	}
	if l.filtered() {
		t.Empty = ui.EmptyState{
			Icon: "search", Title: "Nothing matches", Text: "No entity has all of what the filters ask for.",
			Action: ui.ButtonLink{Href: (listing{values: url.Values{}}).with(ctx, "kind", l.values.Get("kind")), Text: "Clear filters"},
		}
	}
	return t
}

func row(ctx context.Context, l listing, e *catalogcommon.Entity, people bool) ui.Row {
	name := pluginapi.Component(ui.Text(e.Title()))
	if e.Status != nil && len(e.Status.Items) > 0 {
		name = ui.Inline(name, ui.Status{State: ui.StateWarning, Text: "Has problems", Hint: e.Status.Items[0].Message})
	}
	if text := summary(e); text != "" {
		name = ui.Group(name, ui.Muted(text)) // below the name, where it has the room that a column of its own would not
	}
	r := ui.Row{Cells: []pluginapi.Component{name}, Href: catalogapi.EntityURL(ctx, e.Ref()), Muted: e.Annotation(catalogcommon.AnnotationOrphan) == "true"}
	if l.kind == "all" {
		r.Cells = append(r.Cells, ui.Text(strings.ToLower(e.Kind)))
	}
	if !people {
		r.Cells = append(r.Cells, refs(e.Targets(catalogcommon.RelationOwnedBy), ""))
	}
	if l.kind != "user" {
		r.Cells = append(r.Cells, ui.Text(e.SpecString("type")))
	}
	if !people {
		r.Cells = append(r.Cells, lifecycle(e.SpecString("lifecycle")))
	}
	return r
}

// someTags shows as many tags as leave room for the other columns; the entity's page shows all.
func someTags(tags []string) pluginapi.Component {
	const most = 2
	if len(tags) <= most {
		return ui.Tags(tags...)
	}
	return ui.Inline(ui.Tags(tags[:most]...), ui.Muted(fmt.Sprintf("+%d", len(tags)-most)))
}

// summary is a description short enough for a table.
func summary(e *catalogcommon.Entity) string {
	const most = 120 // of which the style shows two lines
	text := strings.Join(strings.Fields(e.Metadata.Description), " ")
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	short := string(runes[:most])
	if end := strings.LastIndexByte(short, ' '); end > most/2 {
		short = short[:end]
	}
	return strings.TrimRight(short, " ,.;:") + "…"
}

func lifecycle(name string) pluginapi.Component {
	switch strings.ToLower(name) {
	case "":
		return nil
	case "production":
		return ui.Badge{Text: name, Tone: ui.ToneSuccess}
	case "experimental":
		return ui.Badge{Text: name, Tone: ui.ToneInfo}
	case "deprecated":
		return ui.Badge{Text: name, Tone: ui.ToneWarning}
	}
	return ui.Badge{Text: name}
}

func pagination(ctx context.Context, l listing, page catalogcommon.QueryResponse) ui.Pagination {
	from := 1
	if _, err := fmt.Sscanf(l.values.Get("from"), "%d", &from); err != nil || from < 1 {
		from = 1
	}
	p := ui.Pagination{Total: page.TotalItems, What: "entities"}
	if l.kind != "all" {
		p.What = strings.ToLower(heading(l))
	}
	if len(page.Items) > 0 {
		p.From, p.To = from, from+len(page.Items)-1
	}
	if next := page.PageInfo.NextCursor; next != "" {
		p.NextHref = l.with(ctx, "cursor", next, "from", fmt.Sprint(from+pageSize))
	}
	if previous := page.PageInfo.PrevCursor; previous != "" {
		p.PrevHref = l.with(ctx, "cursor", previous, "from", fmt.Sprint(max(1, from-pageSize)))
	}
	return p
}
