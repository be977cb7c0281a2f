package pages

import (
	"net/http"
	"strconv"

	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// perPage is how many websites are on a page of the list.
const perPage = 10

// List shows the audited websites.
func (p *Pages) List(r *http.Request) (pluginapi.View, error) {
	ctx := r.Context()
	view := pluginapi.View{Title: "Lighthouse", Subtitle: "How fast, accessible and findable our websites are"}
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 || page > 1_000_000 {
		page = 1
	}
	create := p.audits.Configured() && p.mayCreate(ctx)
	if create {
		view.Actions = ui.ButtonLink{Text: "New audit", Icon: "plus", Kind: ui.ButtonPrimary, Href: CreatePage.URL(ctx)}
	}
	sites, err := p.audits.Websites(ctx, perPage, (page-1)*perPage)
	if err != nil {
		p.report(ctx, err)
		view.Body = failed("The audited websites could not be listed", err, r.URL.RequestURI())
		return view, nil
	}
	urls := make([]string, 0, len(sites.Items))
	running := false
	for _, site := range sites.Items {
		urls = append(urls, site.URL)
		running = running || site.LastAudit.Status == auditapi.Running
	}
	owners := p.entities(ctx, urls...)
	empty := ui.EmptyState{Icon: "gauge", Title: "No website was audited yet", Text: "Give an entity the annotation lighthouse.com/website-url: its website is then audited regularly."}
	if create {
		empty.Text = "Audit one now, or give an entity the annotation lighthouse.com/website-url: its website is then audited regularly."
		empty.Action = ui.ButtonLink{Text: "Audit a website", Href: CreatePage.URL(ctx), Kind: ui.ButtonPrimary}
	}
	table := ui.Table{Caption: "Audited websites", Columns: []ui.Column{{Title: "Website"}}, Empty: empty}
	for i, c := range categories() {
		table.Columns = append(table.Columns, ui.Column{Title: c.title, Narrow: true, Optional: i > 0})
	}
	table.Columns = append(table.Columns, ui.Column{Title: "Entity", Optional: true}, ui.Column{Title: "Last audit", Narrow: true}, ui.Column{Title: "When", Narrow: true, Optional: true})
	for _, site := range sites.Items {
		cells := []pluginapi.Component{address(site.URL)}
		same := series(site.Audits)
		for _, c := range categories() {
			cells = append(cells, trend(same, c))
		}
		cells = append(cells, entityLinks(owners[auditapi.Site(site.URL)]), status(site.LastAudit), ui.Time(site.LastAudit.TimeCreated))
		table.Rows = append(table.Rows, ui.Row{Href: AuditPage.URL(ctx, "audit", site.LastAudit.ID), Cells: cells})
	}
	pages := ui.Pagination{Total: sites.Total, What: "websites"}
	if n := len(sites.Items); n > 0 {
		pages.From, pages.To = (page-1)*perPage+1, (page-1)*perPage+n
	}
	if page > 1 {
		pages.PrevHref = ListPage.URL(ctx, "page", strconv.Itoa(page-1))
	}
	if page*perPage < sites.Total {
		pages.NextHref = ListPage.URL(ctx, "page", strconv.Itoa(page+1))
	}
	body := []pluginapi.Component{ui.Card{Flush: true, Body: table}}
	if pages.PrevHref != "" || pages.NextHref != "" {
		body = append(body, pages)
	}
	if running {
		view.Body = styled(ui.Refresh{ID: "lighthouse", Body: ui.Stack(body...)})
	} else {
		view.Body = styled(ui.Stack(body...))
	}
	return view, nil
}
