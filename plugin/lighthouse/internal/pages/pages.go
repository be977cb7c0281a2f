// Package pages makes what the plugin shows: the list of websites, audits with their reports, the comparison of two, the form for a new one, and the card and the tab of entities.
package pages

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	catalogapi "github.com/proscenium-dev/proscenium/catalog/api"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditapi"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/auditclient"
	"github.com/proscenium-dev/proscenium/plugin/lighthouse/internal/ledger"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// The plugin's pages and routes, to link to. Their names are those in the plugin's list of extensions.
const (
	pluginID = "lighthouse"

	ListPage    pluginapi.RouteRef = "page:lighthouse/list"
	AuditPage   pluginapi.RouteRef = "page:lighthouse/audit"
	ComparePage pluginapi.RouteRef = "page:lighthouse/compare"
	CreatePage  pluginapi.RouteRef = "page:lighthouse/create"
	createRoute pluginapi.RouteRef = "route:lighthouse/create"
	reportRoute pluginapi.RouteRef = "route:lighthouse/report"
)

// CreatePermission is required to have websites audited, for the first time and again.
var CreatePermission = &pluginapi.Permission{Name: "lighthouse.audit.create", Action: "create"}

// Pages makes the plugin's pages. It is safe for concurrent use.
type Pages struct {
	audits     *auditclient.Client
	catalog    catalogcommon.Client
	ledger     *ledger.Ledger
	cache      pluginapi.Cache
	authorizer pluginapi.Authorizer
	log        *slog.Logger
}

// New returns the pages.
func New(audits *auditclient.Client, catalog catalogcommon.Client, l *ledger.Ledger, cache pluginapi.Cache, authorizer pluginapi.Authorizer, log *slog.Logger) *Pages {
	return &Pages{audits, catalog, l, cache, authorizer, log}
}

// mayCreate reports whether buttons that ask for an audit are of any use to the context's principal.
func (p *Pages) mayCreate(ctx context.Context) bool {
	return pluginapi.Require(ctx, p.authorizer, *CreatePermission, "") == nil
}

// category is one of Lighthouse's that is shown in lists.
type category struct{ id, title string }

// categories are those of every version of Lighthouse, in the order of its reports.
func categories() []category {
	return []category{
		{"performance", "Performance"},
		{"accessibility", "Accessibility"},
		{"best-practices", "Best practices"},
		{"seo", "SEO"},
	}
}

// percent returns a score as people say it, from 0 to 100.
func percent(score float64) string { return strconv.Itoa(int(math.Round(score * 100))) }

// grade is how good a score is, by Lighthouse's own bounds.
func grade(score float64) (ui.State, ui.Tone, string) {
	switch {
	case score >= 0.9:
		return ui.StateOK, ui.ToneSuccess, "good"
	case score >= 0.5:
		return ui.StateWarning, ui.ToneWarning, "needs work"
	}
	return ui.StateError, ui.ToneDanger, "poor"
}

// scoreOf returns an audit's score in a category, if Lighthouse could tell.
func scoreOf(a auditapi.Audit, id string) (float64, bool) {
	c, ok := a.Categories[id]
	if !ok || c.Score == nil {
		return 0, false
	}
	return *c.Score, true
}

// score draws a score with what it means.
func score(a auditapi.Audit, id string) pluginapi.Component {
	value, ok := scoreOf(a, id)
	if !ok {
		return ui.Muted("–")
	}
	state, _, means := grade(value)
	return ui.Status{State: state, Text: percent(value), Hint: means}
}

// series returns a website's completed audits, oldest first, on the device that most of its last ten were on: scores of mobile and desktop are not made to be compared.
func series(audits []auditapi.Audit) []auditapi.Audit {
	count := map[string]int{}
	device, looked := "", 0
	for _, a := range audits {
		if a.Status != auditapi.Completed {
			continue
		}
		if looked++; looked > 10 {
			break
		}
		if count[a.FormFactor]++; looked == 1 || count[a.FormFactor] > count[device] {
			device = a.FormFactor
		}
	}
	var same []auditapi.Audit
	for _, a := range slices.Backward(audits) {
		if a.Status == auditapi.Completed && a.FormFactor == device {
			same = append(same, a)
		}
	}
	return same
}

// trend draws the last score of a series in a category, and how it came to that.
func trend(series []auditapi.Audit, c category) pluginapi.Component {
	var values []float64
	for _, a := range series {
		if value, ok := scoreOf(a, c.id); ok {
			values = append(values, math.Round(value*100))
		}
	}
	if len(values) == 0 {
		return ui.Muted("–")
	}
	_, tone, _ := grade(values[len(values)-1] / 100)
	line := ui.Sparkline{Label: c.title, Values: values, Low: 0, High: 100, Tone: tone}
	if len(values) == 1 {
		line.Values = append(line.Values, values[0]) // a line, not a dot
	}
	last := score(series[len(series)-1], c.id)
	return pluginapi.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, `<span class="lighthouse-trend">`); err != nil {
			return err
		}
		if err := ui.Group(last, line).Render(ctx, w); err != nil {
			return err
		}
		_, err := io.WriteString(w, `</span>`)
		return err
	})
}

// status draws how far an audit is.
func status(a auditapi.Audit) pluginapi.Component {
	switch a.Status {
	case auditapi.Completed:
		return ui.Status{State: ui.StateOK, Text: "Completed"}
	case auditapi.Failed:
		return ui.Status{State: ui.StateError, Text: "Failed", Hint: a.Reason}
	}
	if a.FormFactor != "" && a.TimeStarted == nil {
		return ui.Status{State: ui.StatePending, Text: "Waiting", Hint: "It starts when the audits before it have ended"}
	}
	return ui.Status{State: ui.StateRunning, Text: "Running"}
}

// device names a form factor; the older service does not tell it.
func device(a auditapi.Audit) string {
	switch a.FormFactor {
	case auditapi.Mobile:
		return "Mobile"
	case auditapi.Desktop:
		return "Desktop"
	}
	return ""
}

// short is a URL as people say it: without its scheme.
func short(url string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(auditapi.Site(url), "https://"), "http://"), "/")
}

// address is a URL in a table, which may be broken anywhere rather than push the other columns out of sight.
func address(url string) pluginapi.Component {
	return pluginapi.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, `<span class="lighthouse-address">`+templ.EscapeString(short(url))+`</span>`)
		return err
	})
}

// failed draws what kept something from being shown; retry is the same address again, or "".
func failed(title string, err error, retry string) pluginapi.Component {
	var fault *auditclient.Fault
	if !errors.As(err, &fault) {
		_, _, message := pluginapi.Describe(err)
		return ui.ErrorPanel{Title: title, Message: sentence(message), RetryHref: retry}
	}
	if fault.Kind == auditclient.NotConfigured {
		return notConfigured()
	}
	panel := ui.ErrorPanel{Title: title, Message: sentence(fault.SafeMessage()), Remedy: fault.Remedy()}
	if fault.Kind != auditclient.NotFound && fault.Kind != auditclient.Refused {
		panel.RetryHref = retry
	}
	if fault.Status != 0 {
		panel.Details = strings.TrimSuffix("The service answered with status "+strconv.Itoa(fault.Status)+": "+fault.Message, ": ")
	}
	return panel
}

func sentence(message string) string {
	if message == "" {
		return ""
	}
	return strings.ToUpper(message[:1]) + message[1:] + "."
}

// notConfigured says how to begin.
func notConfigured() pluginapi.Component {
	return ui.EmptyState{
		Icon: "gauge", Title: "No audit service is configured",
		Text:   "Lighthouse measures how fast, accessible and findable a website is. Audits are run by a service of its own; start one and name it here:",
		Sample: ui.CodeBlock{Title: "app-config.yaml", Code: "lighthouse:\n  baseUrl: http://localhost:3003\n  token: ${LIGHTHOUSE_TOKEN}"},
	}
}

// report logs what a page shows as a fault, unless nobody can do anything about it.
func (p *Pages) report(ctx context.Context, err error) {
	var fault *auditclient.Fault
	if errors.As(err, &fault) && (fault.Kind == auditclient.NotConfigured || fault.Kind == auditclient.NotFound || fault.Kind == auditclient.Refused) {
		return
	}
	p.log.WarnContext(ctx, "the audit service did not serve a page", "error", err)
}

// styled puts a part under the plugin's styles, which every page of the plugin needs.
func styled(part ...pluginapi.Component) pluginapi.Component {
	return ui.Group(pluginapi.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		href := pluginapi.AssetURL(ctx, pluginID, "lighthouse.css")
		if href == "" {
			return nil
		}
		_, err := io.WriteString(w, `<link rel="stylesheet" href="`+templ.EscapeString(href)+`">`)
		return err
	}), ui.Group(part...))
}

// entities returns the entities that name websites, by website. That the catalog cannot be asked leaves them out.
func (p *Pages) entities(ctx context.Context, urls ...string) map[string][]*catalogcommon.Entity {
	values := make([]string, 0, 3*len(urls))
	for _, url := range urls {
		site := auditapi.Site(url)
		values = append(values, url, site, strings.TrimSuffix(site, "/")+"/")
	}
	if len(values) == 0 {
		return nil
	}
	answer, err := p.catalog.QueryEntities(ctx, catalogcommon.QueryRequest{
		Filter: catalogcommon.Filter{{"metadata.annotations." + catalogcommon.AnnotationLighthouse: values}}, Fields: []string{"kind", "metadata"}, Total: catalogcommon.TotalExclude,
	})
	if err != nil {
		p.log.WarnContext(ctx, "the catalog does not tell whose websites these are", "error", err)
		return nil
	}
	found := map[string][]*catalogcommon.Entity{}
	for _, entity := range answer.Items {
		site := auditapi.Site(strings.TrimSpace(entity.Annotation(catalogcommon.AnnotationLighthouse)))
		found[site] = append(found[site], entity)
	}
	return found
}

func entityLinks(entities []*catalogcommon.Entity) pluginapi.Component {
	links := make([]pluginapi.Component, 0, len(entities))
	for _, entity := range entities {
		links = append(links, catalogapi.EntityLink(entity.Ref(), entity.Title()))
	}
	if len(links) == 0 {
		return nil
	}
	return ui.Inline(links...)
}

// who draws a principal.
func who(ref string) pluginapi.Component {
	switch {
	case ref == "plugin:"+pluginID:
		return ui.Text("the schedule")
	case strings.HasPrefix(ref, "user:"):
		if user, err := catalogcommon.ParseRef(ref, catalogcommon.RefDefaults{}); err == nil {
			return catalogapi.EntityLink(user, "")
		}
	case ref == "":
		return nil
	}
	return ui.Text(ref)
}
