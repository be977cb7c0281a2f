package pages

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// lighthouseReport is the part of a report that is compared.
type lighthouseReport struct {
	Version    string                       `json:"lighthouseVersion"`
	Categories map[string]auditapi.Category `json:"categories"`
	Audits     map[string]check             `json:"audits"`
}

// check is one of the things that Lighthouse looks at.
type check struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Score   *float64 `json:"score"`
	Mode    string   `json:"scoreDisplayMode"`
	Display string   `json:"displayValue"`
	Value   *float64 `json:"numericValue"`
	Unit    string   `json:"numericUnit"`
}

// metrics are what the performance score is made of, by their ids.
func metrics() []string {
	return []string{"first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift", "speed-index"}
}

// Compare shows what changed between two audits, named before and after in the address.
func (p *Pages) Compare(r *http.Request) (pluginapi.View, error) {
	ctx, query := r.Context(), r.URL.Query()
	view := pluginapi.View{Title: "Compare audits", Kicker: "Lighthouse", Breadcrumbs: []pluginapi.Link{{Text: "Lighthouse", Href: ListPage.URL(ctx)}}}
	if query.Get("before") == "" || query.Get("after") == "" {
		view.Body = ui.EmptyState{Icon: "arrow-up-down", Title: "Nothing to compare", Text: "Open an audit and choose Compare there.", Action: ui.ButtonLink{Text: "To the audited websites", Href: ListPage.URL(ctx)}}
		return view, nil
	}
	var audits [2]auditapi.AuditWithReport
	var reports [2]lighthouseReport
	for i, name := range []string{"before", "after"} {
		var err error
		if audits[i], err = p.audits.Audit(ctx, query.Get(name)); err != nil {
			p.report(ctx, err)
			view.Body = failed("The audits could not be compared", err, r.URL.RequestURI())
			return view, nil
		}
		if audits[i].Status != auditapi.Completed || json.Unmarshal(audits[i].Report, &reports[i]) != nil {
			view.Body = ui.ErrorPanel{Title: "The audits could not be compared", Message: "The " + []string{"first", "second"}[i] + " one has no report.", RetryHref: r.URL.RequestURI()}
			return view, nil
		}
		audits[i].Categories = reports[i].Categories
	}
	before, after := audits[0].Audit, audits[1].Audit
	view.Title = short(after.URL)
	view.Subtitle = "What changed between two audits"
	var notes []pluginapi.Component
	if auditapi.Site(before.URL) != auditapi.Site(after.URL) {
		notes = append(notes, ui.Notice{Tone: ui.ToneWarning, Title: "These are different websites", Text: short(before.URL) + " is set beside " + short(after.URL) + "."})
	}
	if before.FormFactor != after.FormFactor {
		notes = append(notes, ui.Notice{Tone: ui.ToneWarning, Title: "These are different devices", Text: "Scores of mobile and desktop audits are not made to be compared."})
	}
	if reports[0].Version != reports[1].Version {
		notes = append(notes, ui.Notice{Tone: ui.ToneInfo, Title: "These are different versions of Lighthouse", Text: fmt.Sprintf("%s and %s weigh things differently, so a score may change although the website did not.", reports[0].Version, reports[1].Version)})
	}
	parts := append(notes, p.chooser(ctx, before, after),
		ui.Card{Title: "Scores", Flush: true, Body: compareScores(ctx, before, after)},
		ui.Card{Title: "Metrics", Flush: true, Body: compareMetrics(reports[0], reports[1])},
		ui.Card{Title: "Checks that changed", Flush: true, Body: compareChecks(reports[0], reports[1])})
	view.Body = styled(ui.Stack(parts...))
	return view, nil
}

// chooser is a form to compare others of the same website.
func (p *Pages) chooser(ctx context.Context, before, after auditapi.Audit) pluginapi.Component {
	site, err := p.audits.Website(ctx, after.URL)
	if err != nil {
		p.report(ctx, err)
		return nil // the comparison itself is here
	}
	var options []ui.Option
	for _, a := range site.Audits {
		if a.Status == auditapi.Completed {
			label := a.TimeCreated.Format("2 Jan 2006, 15:04") + " UTC"
			if name := device(a); name != "" {
				label += " · " + name
			}
			if value, ok := scoreOf(a, "performance"); ok {
				label += " · performance " + percent(value)
			}
			options = append(options, ui.Option{Value: a.ID, Label: label})
		}
	}
	return ui.Card{Body: ui.Form{Get: true, Action: ComparePage.URL(ctx), Fields: []pluginapi.Component{ui.Grid{Items: []pluginapi.Component{
		ui.SelectField{Label: "Before", Name: "before", Value: before.ID, Options: options}, ui.SelectField{Label: "After", Name: "after", Value: after.ID, Options: options},
	}}}, Actions: []pluginapi.Component{ui.Button{Text: "Compare", Icon: "arrow-up-down"}, ui.ButtonLink{Text: "Swap", Kind: ui.ButtonQuiet, Href: ComparePage.URL(ctx, "before", after.ID, "after", before.ID)}}}}
}

func columns(first string) []ui.Column {
	return []ui.Column{{Title: first}, {Title: "Before", Narrow: true}, {Title: "After", Narrow: true}, {Title: "Change", Narrow: true}}
}

// change draws a difference; better says which way is good: 1 more, -1 less.
func change(difference float64, text string, better float64) pluginapi.Component {
	switch {
	case difference == 0:
		return ui.Muted("same")
	case difference*better > 0:
		return ui.Badge{Text: text, Tone: ui.ToneSuccess, Icon: arrow(difference), Hint: "better"}
	}
	return ui.Badge{Text: text, Tone: ui.ToneDanger, Icon: arrow(difference), Hint: "worse"}
}

func arrow(difference float64) string {
	if difference > 0 {
		return "arrow-up"
	}
	return "arrow-down"
}

func compareScores(ctx context.Context, before, after auditapi.Audit) pluginapi.Component {
	table := ui.Table{Caption: "Scores", Columns: columns("Category")}
	for _, c := range categories() {
		row := ui.Row{Cells: []pluginapi.Component{ui.Text(c.title), score(before, c.id), score(after, c.id)}}
		if was, ok := scoreOf(before, c.id); ok {
			if is, ok := scoreOf(after, c.id); ok {
				difference := math.Round(is*100) - math.Round(was*100)
				row.Cells = append(row.Cells, change(difference, fmt.Sprintf("%+.0f", difference), 1))
			}
		}
		table.Rows = append(table.Rows, row)
	}
	open := func(a auditapi.Audit) pluginapi.Component {
		return ui.Link{Text: "report", Href: AuditPage.URL(ctx, "audit", a.ID)}
	}
	table.Rows = append(table.Rows,
		ui.Row{Cells: []pluginapi.Component{ui.Text("When"), ui.Time(before.TimeCreated), ui.Time(after.TimeCreated)}},
		ui.Row{Cells: []pluginapi.Component{ui.Text("Whole report"), open(before), open(after)}})
	return table
}

func compareMetrics(before, after lighthouseReport) pluginapi.Component {
	table := ui.Table{Caption: "Metrics", Columns: columns("Metric"), Empty: ui.EmptyState{Icon: "gauge", Title: "Neither report has the metrics of page loads"}}
	for _, id := range metrics() {
		was, ok := before.Audits[id]
		is, also := after.Audits[id]
		if !ok || !also || was.Value == nil || is.Value == nil {
			continue
		}
		difference := *is.Value - *was.Value
		text := fmt.Sprintf("%+.0f ms", difference)
		if is.Unit != "millisecond" {
			text = fmt.Sprintf("%+.3f", difference)
		}
		if math.Abs(difference) < 0.5 && is.Unit == "millisecond" || math.Abs(difference) < 0.0005 {
			difference = 0
		}
		table.Rows = append(table.Rows, ui.Row{Cells: []pluginapi.Component{ui.Text(is.Title), ui.Text(was.Display), ui.Text(is.Display), change(difference, text, -1)}})
	}
	return table
}

// compareChecks lists the checks whose outcome is another one, what got worse first.
func compareChecks(before, after lighthouseReport) pluginapi.Component {
	type pair struct {
		was, is check
		change  float64
	}
	var changed []pair
	for _, id := range slices.Sorted(maps.Keys(after.Audits)) {
		was, ok := before.Audits[id]
		is := after.Audits[id]
		if !ok || was.Score == nil || is.Score == nil || slices.Contains(metrics(), id) {
			continue
		}
		// Smaller differences of what is measured in shades are noise.
		if difference := *is.Score - *was.Score; math.Abs(difference) >= 0.1 {
			changed = append(changed, pair{was, is, difference})
		}
	}
	slices.SortStableFunc(changed, func(a, b pair) int { return cmp.Compare(a.change, b.change) })
	table := ui.Table{Caption: "Checks that changed", Columns: columns("Check"), Empty: ui.EmptyState{Icon: "circle-check", Title: "No check has another outcome than before"}}
	for _, c := range changed {
		table.Rows = append(table.Rows, ui.Row{Cells: []pluginapi.Component{ui.Text(c.is.Title), verdict(c.was), verdict(c.is), change(c.change, map[bool]string{true: "better", false: "worse"}[c.change > 0], 1)}})
	}
	return table
}

func verdict(c check) pluginapi.Component {
	state, _, means := grade(*c.Score)
	text := c.Display
	switch {
	case text != "":
	case c.Mode == "binary" && *c.Score == 1:
		text = "Passed"
	case c.Mode == "binary":
		text = "Failed"
	default:
		text = strconv.Itoa(int(math.Round(*c.Score * 100)))
	}
	return ui.Status{State: state, Text: text, Hint: means}
}
