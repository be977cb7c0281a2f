package pages

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditclient"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// Audit shows one audit: its report, or why there is none, with the other audits of the same website beside it.
func (p *Pages) Audit(r *http.Request) (pluginapi.View, error) {
	ctx := r.Context()
	view := pluginapi.View{Title: "Audit", Kicker: "Lighthouse", Breadcrumbs: []pluginapi.Link{{Text: "Lighthouse", Href: ListPage.URL(ctx)}}}
	full, err := p.audits.Audit(ctx, r.PathValue("audit"))
	var fault *auditclient.Fault
	if errors.As(err, &fault) && fault.Kind == auditclient.NotFound {
		return view, pluginapi.NotFound("there is no audit %s; it may have been deleted, or be older than what the service keeps", r.PathValue("audit"))
	}
	if err != nil {
		p.report(ctx, err)
		view.Body = failed("The audit could not be shown", err, r.URL.RequestURI())
		return view, nil
	}
	audit := full.Audit
	audit.Categories = scoresIn(full)
	view.Title = short(audit.URL)
	if name := device(audit); name != "" {
		view.Kicker += " · " + name
	}
	for _, c := range categories() {
		if audit.Status == auditapi.Completed {
			view.Facts = append(view.Facts, pluginapi.Fact{Label: c.title, Value: score(audit, c.id)})
		}
	}
	site, siteErr := p.audits.Website(ctx, audit.URL)
	if siteErr != nil {
		p.report(ctx, siteErr)
	}
	if audit.Status != auditapi.Running {
		view.Actions = ui.Inline(p.compareButton(ctx, audit, site.Audits), p.again(ctx, audit))
	}
	var others pluginapi.Component
	if siteErr != nil {
		others = failed("The other audits could not be listed", siteErr, r.URL.RequestURI())
	} else {
		others = history(ctx, site.Audits, audit.ID)
	}
	view.Body = styled(ui.Columns{
		Main:  []pluginapi.Component{outcome(ctx, audit)},
		Aside: []pluginapi.Component{ui.Card{Title: "About this audit", Body: p.about(ctx, audit)}, ui.Card{Title: "Audits of this website", Flush: siteErr == nil, Body: others}},
	})
	return view, nil
}

// scoresIn returns the scores of an audit that came with its report, in which they are.
func scoresIn(full auditapi.AuditWithReport) map[string]auditapi.Category {
	if full.Categories != nil || len(full.Report) == 0 {
		return full.Categories
	}
	var report struct {
		Categories map[string]auditapi.Category `json:"categories"`
	}
	if json.Unmarshal(full.Report, &report) != nil {
		return nil // shown as unknown; the report itself is shown as it is
	}
	return report.Categories
}

// outcome is the main part of an audit's page.
func outcome(ctx context.Context, a auditapi.Audit) pluginapi.Component {
	switch a.Status {
	case auditapi.Completed:
		src := reportRoute.URL(ctx, "audit", a.ID)
		return ui.Card{Title: "Report", Flush: true, Actions: []pluginapi.Component{ui.ButtonLink{Text: "On its own", Href: src, Icon: "external-link", Small: true, Kind: ui.ButtonQuiet}}, Body: frame(src, "Lighthouse's report of "+short(a.URL))}
	case auditapi.Failed:
		panel := ui.ErrorPanel{Title: "This audit failed", Message: sentence(a.Reason), Remedy: "See that the website can be reached from where the audit service runs, and run it again."}
		if a.Reason == "" {
			panel.Message = "The audit service keeps the reason in its log."
		}
		return panel
	}
	label, text := "The audit is running", "It takes half a minute or so. The report appears here."
	if a.FormFactor != "" && a.TimeStarted == nil {
		label, text = "The audit waits for its turn", "Other audits are being run. It starts when there is room, and the report appears here."
	}
	return ui.Refresh{ID: "lighthouse", Say: label, Body: ui.Card{Title: label, Body: ui.Stack(ui.Progress{Label: label, HideLabel: true}, ui.Paragraph(text))}}
}

// frame embeds a report. Its scripts run, but in an origin of their own: they reach neither the portal nor its pages. The route that it comes from says so once more, for when it is opened by itself.
func frame(src, title string) pluginapi.Component {
	return pluginapi.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, `<iframe class="lighthouse-report" sandbox="allow-scripts allow-popups allow-popups-to-escape-sandbox allow-downloads" referrerpolicy="no-referrer" src="`+
			templ.EscapeString(src)+`" title="`+templ.EscapeString(title)+`"></iframe>`)
		return err
	})
}

// again is a form of one button that asks for the same audit once more.
func (p *Pages) again(ctx context.Context, a auditapi.Audit) pluginapi.Component {
	return p.post(ctx, a.URL, a.FormFactor, ui.Button{Text: "Run again", Icon: "refresh-cw"})
}

// post is a form of one button that asks for an audit; nothing for those who may not.
func (p *Pages) post(ctx context.Context, url, formFactor string, button ui.Button) pluginapi.Component {
	if !p.mayCreate(ctx) {
		return nil
	}
	if formFactor == "" {
		formFactor = auditapi.Mobile
	}
	return ui.Form{Action: createRoute.URL(ctx), Hidden: []ui.Param{{Name: "url", Value: url}, {Name: "device", Value: formFactor}}, Fields: []pluginapi.Component{button}}
}

// compareButton leads to the comparison with the audit before, if there is one that can be compared.
func (p *Pages) compareButton(ctx context.Context, a auditapi.Audit, all []auditapi.Audit) pluginapi.Component {
	if a.Status != auditapi.Completed {
		return nil
	}
	before := ""
	for _, other := range all {
		if other.Status != auditapi.Completed || other.ID == a.ID || other.FormFactor != a.FormFactor {
			continue
		}
		if other.TimeCreated.Before(a.TimeCreated) {
			before = other.ID
			break
		}
	}
	if before == "" {
		return nil
	}
	return ui.ButtonLink{Text: "Compare", Icon: "arrow-up-down", Href: ComparePage.URL(ctx, "before", before, "after", a.ID), Hint: "With the audit before this one"}
}

// about lists the facts about an audit.
func (p *Pages) about(ctx context.Context, a auditapi.Audit) pluginapi.Component {
	items := []ui.Description{{Term: "Website", Value: ui.Link{Href: a.URL, Text: short(a.URL)}}}
	if links := entityLinks(p.entities(ctx, a.URL)[auditapi.Site(a.URL)]); links != nil {
		items = append(items, ui.Description{Term: "Entity", Value: links})
	}
	items = append(items, ui.Description{Term: "Status", Value: status(a)})
	if name := device(a); name != "" {
		items = append(items, ui.Description{Term: "Device", Value: ui.Text(name)})
	}
	by, err := p.ledger.AskedBy(ctx, []string{a.ID})
	if err != nil {
		p.log.WarnContext(ctx, "who asked for the audit is not shown", "error", err)
	} else if asked := who(by[a.ID]); asked != nil {
		items = append(items, ui.Description{Term: "Asked for by", Value: asked})
	}
	items = append(items, ui.Description{Term: "Asked for", Value: ui.Time(a.TimeCreated)})
	if a.TimeCompleted != nil {
		begun := a.TimeCreated
		if a.TimeStarted != nil {
			begun = *a.TimeStarted
		}
		items = append(items, ui.Description{Term: "Took", Value: ui.Duration(max(0, a.TimeCompleted.Sub(begun)).Round(time.Millisecond))})
	}
	return ui.DescriptionList{Items: items}
}

// maxHistory is how many audits the list beside an audit has.
const maxHistory = 30

// history lists a website's audits; the one that is shown is no link.
func history(ctx context.Context, audits []auditapi.Audit, shown string) pluginapi.Component {
	table := ui.Table{Caption: "Audits of this website", Dense: true, Columns: []ui.Column{{Title: "When"}, {Title: "Performance", Narrow: true}, {Title: "Status", Narrow: true}}}
	for i, a := range audits {
		if i == maxHistory && a.ID != shown {
			break
		}
		row := ui.Row{Cells: []pluginapi.Component{ui.Time(a.TimeCreated), score(a, "performance"), status(a)}, Href: AuditPage.URL(ctx, "audit", a.ID)}
		if a.ID == shown {
			row.Href = ""
			row.Cells[0] = ui.Inline(ui.Time(a.TimeCreated), ui.Badge{Text: "shown"})
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// reportPolicy holds for a report when it is shown: its own script and styles, no other place to get anything from or send anything to, and an origin of its own.
const reportPolicy = "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " +
	"img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"

// Report passes on the page that the service makes of a report. Whatever that page holds, it is kept apart from the portal.
func (p *Pages) Report(w http.ResponseWriter, r *http.Request) error {
	return p.audits.Page(r.Context(), r.PathValue("audit"), func() io.Writer {
		h := w.Header()
		h.Set("Content-Security-Policy", reportPolicy)
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "private, max-age=3600") // a report does not change
		return w
	})
}
