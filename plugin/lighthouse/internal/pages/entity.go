package pages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditclient"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// siteTTL is how long a card may be behind the service. Cards are drawn often, and the older service reads every report of a website to list it.
const siteTTL = 10 * time.Second

// recent is a website that may be as old as siteTTL; nil when it was never audited.
func (p *Pages) recent(ctx context.Context, url string) (*auditapi.Website, error) {
	return pluginapi.Cached(ctx, p.cache, siteKey(url), siteTTL, func(ctx context.Context) (*auditapi.Website, error) {
		site, err := p.audits.Website(ctx, url)
		var fault *auditclient.Fault
		if errors.As(err, &fault) && fault.Kind == auditclient.NotFound {
			return nil, nil
		}
		return &site, err
	})
}

// forget has a website asked for anew.
func (p *Pages) forget(ctx context.Context, url string) {
	if err := p.cache.Delete(ctx, siteKey(url)); err != nil {
		p.log.WarnContext(ctx, "cards may be a few seconds behind", "error", err)
	}
}

// siteKey is a key of the cache; URLs can be longer than those may be.
func siteKey(url string) string {
	sum := sha256.Sum256([]byte(auditapi.Site(url)))
	return "site/" + hex.EncodeToString(sum[:16])
}

// Setup says on a website's page how to have it audited.
func (p *Pages) Setup(_ context.Context, entity *catalogcommon.Entity) (pluginapi.Component, error) {
	return setup(entity), nil
}

func setup(entity *catalogcommon.Entity) pluginapi.Component {
	return ui.MissingAnnotation{
		Annotation: catalogcommon.AnnotationLighthouse, Example: "https://" + entity.Metadata.Name + ".example.com", Kind: entity.Kind, Name: entity.Metadata.Name,
		Text: "Lighthouse audits this website regularly once its address is known. Add the marked line to its descriptor:",
	}
}

// Card shows the last scores of an entity's website.
func (p *Pages) Card(ctx context.Context, entity *catalogcommon.Entity) (pluginapi.Component, error) {
	url := strings.TrimSpace(entity.Annotation(catalogcommon.AnnotationLighthouse))
	if url == "" {
		return setup(entity), nil
	}
	site, err := p.recent(ctx, url)
	if err != nil {
		p.report(ctx, err)
		return failed("The last audit could not be shown", err, ""), nil
	}
	if site == nil {
		return p.neverAudited(ctx, url), nil
	}
	var items []ui.Description
	same := series(site.Audits)
	for _, c := range categories() {
		items = append(items, ui.Description{Term: c.title, Value: trend(same, c)})
	}
	items = append(items, ui.Description{Term: "Last audit", Value: ui.Inline(status(site.LastAudit), ui.Link{Href: AuditPage.URL(ctx, "audit", site.LastAudit.ID), Body: ui.Time(site.LastAudit.TimeCreated)})})
	return styled(ui.Stack(ui.DescriptionList{Items: items}, ui.Inline(p.post(ctx, url, site.LastAudit.FormFactor, ui.Button{Text: "Audit now", Icon: "play", Small: true})))), nil
}

func (p *Pages) neverAudited(ctx context.Context, url string) pluginapi.Component {
	return ui.EmptyState{Icon: "gauge", Title: "Not audited yet", Text: short(url) + " was not audited so far.", Action: p.post(ctx, url, "", ui.Button{Text: "Audit now", Icon: "play", Small: true})}
}

// Tab shows all audits of an entity's website.
func (p *Pages) Tab(r *http.Request, entity *catalogcommon.Entity) (pluginapi.Component, error) {
	ctx := r.Context()
	url := strings.TrimSpace(entity.Annotation(catalogcommon.AnnotationLighthouse))
	if url == "" {
		return setup(entity), nil
	}
	site, err := p.recent(ctx, url)
	if err != nil {
		p.report(ctx, err)
		return failed("The audits could not be listed", err, r.URL.RequestURI()), nil
	}
	var notice pluginapi.Component
	plan, err := p.ledger.Plan(ctx, auditapi.Site(url))
	switch {
	case err != nil:
		p.log.WarnContext(ctx, "the schedule is not shown", "error", err)
	case plan != nil && plan.Problem != "":
		notice = ui.Notice{Tone: ui.ToneWarning, Title: "The last scheduled audit was refused", Text: sentence(plan.Problem)}
	}
	if site == nil {
		return ui.Stack(notice, p.neverAudited(ctx, url)), nil
	}
	ids := make([]string, 0, len(site.Audits))
	for _, a := range site.Audits {
		ids = append(ids, a.ID)
	}
	by, err := p.ledger.AskedBy(ctx, ids)
	if err != nil {
		p.log.WarnContext(ctx, "who asked for the audits is not shown", "error", err)
	}
	trends, same := make([]ui.Description, 0, 4), series(site.Audits)
	table := ui.Table{Caption: "Audits of " + short(url), Columns: []ui.Column{{Title: "When"}, {Title: "Device", Optional: true}}}
	for i, c := range categories() {
		trends = append(trends, ui.Description{Term: c.title, Value: trend(same, c)})
		table.Columns = append(table.Columns, ui.Column{Title: c.title, Narrow: true, Optional: i > 0})
	}
	table.Columns = append(table.Columns, ui.Column{Title: "Status", Narrow: true}, ui.Column{Title: "Asked for by", Optional: true})
	for _, a := range site.Audits {
		cells := []pluginapi.Component{ui.Time(a.TimeCreated), ui.Text(device(a))}
		for _, c := range categories() {
			cells = append(cells, score(a, c.id))
		}
		table.Rows = append(table.Rows, ui.Row{Href: AuditPage.URL(ctx, "audit", a.ID), Cells: append(cells, status(a), who(by[a.ID]))})
	}
	var other pluginapi.Component
	if p.mayCreate(ctx) {
		other = ui.ButtonLink{Text: "Other device", Href: CreatePage.URL(ctx, "url", url, "device", auditapi.Desktop), Small: true, Kind: ui.ButtonQuiet, Hint: "Choose the device of a new audit"}
	}
	body := ui.Stack(notice,
		ui.Card{Title: "Trend", Subtitle: short(url), Actions: []pluginapi.Component{p.post(ctx, url, site.LastAudit.FormFactor, ui.Button{Text: "Audit now", Icon: "play", Small: true})}, Body: ui.DescriptionList{Columns: true, Items: trends}},
		ui.Card{Title: "Audits", Flush: true, Body: table, Actions: []pluginapi.Component{other}},
	)
	if site.LastAudit.Status == auditapi.Running {
		body = ui.Refresh{ID: "lighthouse", Body: body}
	}
	return styled(body), nil
}
