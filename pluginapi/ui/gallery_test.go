package ui_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// now is the moment at which the gallery is drawn.
var now = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// galleryPages are whole pages as a portal shows them, drawn from the exported components only.
func galleryPages() map[string]pluginapi.Component {
	return map[string]pluginapi.Component{
		"catalog":    catalogPage(),
		"entity":     entityPage(),
		"error":      errorPage(),
		"empty":      emptyPage(),
		"components": componentsPage(),
	}
}

func draw(t testing.TB, component pluginapi.Component) string {
	t.Helper()
	ctx := ui.WithNow(context.Background(), now)
	ctx = ui.WithAssets(ctx, func(name string) string { return "/assets/" + name })
	var page strings.Builder
	if err := component.Render(ctx, &page); err != nil {
		t.Fatalf("draw: %v", err)
	}
	return page.String()
}

// TestGallery draws every page. With UI_GALLERY set to a folder it leaves the pages and the assets there, to be served and looked at.
func TestGallery(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("UI_GALLERY")
	if folder == "" {
		folder = t.TempDir()
	}
	copyAssets(t, filepath.Join(folder, "assets"))
	for name, page := range galleryPages() {
		html := draw(t, page)
		if err := os.WriteFile(filepath.Join(folder, name+".html"), []byte(html), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes", name, len(html))
	}
}

// copyAssets writes the assets to a folder, over what is there from the run before.
func copyAssets(t *testing.T, folder string) {
	t.Helper()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(folder, ui.Assets()); err != nil {
		t.Fatal(err)
	}
}

func frame(title, active string, crumbs []ui.Crumb, body ...pluginapi.Component) pluginapi.Component {
	item := func(label, href, icon string) ui.NavItem {
		return ui.NavItem{Label: label, Href: href, Icon: icon, Active: label == active}
	}
	radar := item("Lighthouse", "/lighthouse", "gauge")
	radar.Down = "its database does not answer; next attempt in 12 s"
	bell := item("Notifications", "/notifications", "bell")
	bell.Count = 3
	return ui.Document{
		Title: title + " · Nordwind",
		Body: ui.Frame{
			Brand: ui.Brand{Name: "Nordwind"},
			Nav: []ui.NavGroup{
				{Items: []ui.NavItem{item("Home", "/", "house"), item("Catalog", "/catalog", "layers"), item("APIs", "/apis", "puzzle"), item("Documentation", "/docs", "book-open"), item("Create", "/create", "plus")}},
				{Label: "Insight", Items: []ui.NavItem{item("Tech radar", "/tech-radar", "radar"), radar, item("Builds", "/circleci", "git-branch")}},
				{Label: "Tools", Items: []ui.NavItem{item("Hello", "/hello", "message-square"), item("Proxy", "/proxy", "waypoints")}},
			},
			NavEnd:  []ui.NavGroup{{Items: []ui.NavItem{bell, item("Settings", "/settings", "settings")}}},
			Crumbs:  crumbs,
			Search:  ui.QuickSearch{Action: "/search"},
			Account: ui.Menu{Label: "Account of Ada Byron", Face: ui.Avatar{Name: "Ada Byron"}, Items: []ui.MenuItem{{Label: "Ada Byron"}, {Label: "Profile", Href: "/settings", Icon: "user"}, {Label: "Sign out", Href: "/sign-out", Icon: "log-out"}}},
			Body:    ui.Group(body...),
		},
	}
}

func catalogPage() pluginapi.Component {
	type entity struct{ name, title, system, owner, kind, life string }
	entities := []entity{
		{"payments", "Takes card payments and settles them with the acquirer every night", "checkout", "team-payments", "service", "production"},
		{"payments-worker", "Retries settlements that failed", "checkout", "team-payments", "service", "production"},
		{"basket", "Holds what a visitor means to buy", "checkout", "team-storefront", "service", "production"},
		{"storefront", "The web shop", "storefront", "team-storefront", "website", "production"},
		{"storefront-next", "The web shop on the new rendering stack; half of the visitors since October", "storefront", "team-storefront", "website", "experimental"},
		{"design-tokens", "Colours, type and space for web and apps", "storefront", "design-systems", "library", "production"},
		{"ledger", "Double-entry book of every movement of money", "finance", "team-ledger", "service", "production"},
		{"ledger-export", "Nightly export for the auditors", "finance", "team-ledger", "service", "deprecated"},
		{"parcel-tracker", "Where a parcel is, from six carriers", "logistics", "team-logistics", "service", "production"},
		{"route-planner", "", "logistics", "team-logistics", "service", "experimental"},
		{"warehouse-ui", "What pickers see on their handhelds", "logistics", "team-logistics", "website", "production"},
		{"mail-gateway", "Sends transactional mail, keeps bounces", "platform", "team-platform", "service", "production"},
		{"feature-flags", "Switches for every product team", "platform", "team-platform", "service", "production"},
		{"go-kit", "Logging, configuration and tracing for Go services", "platform", "team-platform", "library", "production"},
	}
	rows := make([]ui.Row, 0, len(entities))
	for _, e := range entities {
		tone := ui.ToneNeutral
		switch e.life {
		case "experimental":
			tone = ui.ToneInfo
		case "deprecated":
			tone = ui.ToneWarning
		}
		rows = append(rows, ui.Row{Href: "/catalog/default/component/" + e.name, Cells: []pluginapi.Component{
			ui.Text(e.name), ui.Link{Text: e.system, Href: "/catalog/default/system/" + e.system}, ui.Link{Text: e.owner, Href: "/catalog/default/group/" + e.owner},
			ui.Text(e.kind), ui.Badge{Text: e.life, Tone: tone}, ui.Text(e.title),
		}})
	}
	return frame("Catalog", "Catalog", []ui.Crumb{{Label: "Nordwind", Href: "/"}, {Label: "Catalog"}},
		ui.PageHeader{
			Title: "Catalog", Subtitle: "What Nordwind runs, and who looks after it",
			Actions: []pluginapi.Component{ui.ButtonLink{Text: "Export", Href: "/catalog/export", Icon: "download"}, ui.ButtonLink{Text: "Register", Href: "/catalog/import", Icon: "plus", Kind: ui.ButtonPrimary}},
		},
		ui.Content(ui.ListLayout{
			Active: 2,
			Filters: ui.FilterForm{ClearHref: "/catalog", Keep: []ui.Param{{Name: "sort", Value: "name"}}, Fields: []pluginapi.Component{
				ui.SelectField{Label: "Kind", Name: "kind", Value: "component", Options: []ui.Option{{Value: "component", Label: "Component"}, {Value: "api", Label: "API"}, {Value: "system", Label: "System"}}},
				ui.Facet{Legend: "Personal", Name: "list", Single: true, Options: []ui.FacetOption{{Value: "owned", Label: "Owned by me", Count: 4}, {Value: "starred", Label: "Starred", Count: 2}, {Value: "all", Label: "All", Count: 1214, Selected: true}}},
				ui.Facet{Legend: "Type", Name: "type", Options: []ui.FacetOption{{Value: "service", Count: 812, Selected: true}, {Value: "website", Count: 96, Selected: true}, {Value: "library", Count: 306, Selected: true}}},
				ui.Facet{Legend: "Owner", Name: "owner", Limit: 4, Options: []ui.FacetOption{{Value: "team-payments", Count: 104}, {Value: "team-storefront", Count: 81}, {Value: "design-systems", Count: 64}, {Value: "team-ledger", Count: 51}, {Value: "team-logistics", Count: 40}, {Value: "team-platform", Count: 31}, {Value: "team-with-a-name-that-does-not-fit-the-column", Count: 2}}},
				ui.Facet{Legend: "Lifecycle", Name: "lifecycle", Options: []ui.FacetOption{{Value: "production", Count: 1010}, {Value: "experimental", Count: 160}, {Value: "deprecated", Count: 44}}},
				ui.Facet{Legend: "Tags", Name: "tag", Folded: true, Options: []ui.FacetOption{{Value: "go", Count: 300}, {Value: "java", Count: 210}}},
			}},
			Body: ui.Group(
				ui.Inline(ui.SearchBox{Label: "Search 1,214 components", Name: "q"}, ui.Chip{Label: "Type", Text: "service, website, library", RemoveHref: "/catalog"}),
				ui.Table{
					Caption: "Components",
					Columns: []ui.Column{
						{Title: "Name", SortHref: "?sort=-name", Sort: ui.SortAscending}, {Title: "System", SortHref: "?sort=system", Optional: true}, {Title: "Owner", SortHref: "?sort=owner"},
						{Title: "Type", SortHref: "?sort=type", Optional: true}, {Title: "Lifecycle", SortHref: "?sort=lifecycle"}, {Title: "Description", Optional: true},
					},
					Rows: rows,
				},
				ui.Pagination{From: 1, To: 14, Total: 1214, NextHref: "?cursor=2", What: "components"},
			),
		}),
	)
}

func entityPage() pluginapi.Component {
	return frame("payments", "Catalog", []ui.Crumb{{Label: "Nordwind", Href: "/"}, {Label: "Catalog", Href: "/catalog"}, {Label: "payments"}},
		ui.PageHeader{
			Kicker: "component · service", Icon: "component", Tint: ui.TintTeal, Title: "payments",
			Marks: []pluginapi.Component{ui.Button{Text: "Star", Icon: "star", IconOnly: true, Small: true, Kind: ui.ButtonQuiet, Type: "button"}},
			Facts: []ui.Description{{Term: "Owner", Value: ui.Link{Text: "team-payments", Href: "/catalog/default/group/team-payments"}}, {Term: "Lifecycle", Value: ui.Text("production")}, {Term: "System", Value: ui.Link{Text: "checkout", Href: "/x"}}},
			Actions: []pluginapi.Component{
				ui.ButtonLink{Text: "View source", Href: "https://git.example.com/nordwind/payments", Icon: "code-xml"},
				ui.Menu{Label: "More actions", Items: []ui.MenuItem{{Label: "Copy address", Icon: "copy", Href: "#"}, {Label: "Inspect", Icon: "eye", Dialog: "inspect"}, {Label: "Unregister", Icon: "trash-2", Dialog: "unregister", Danger: true}}},
			},
			Tabs: []ui.Tab{{Label: "Overview", Href: "?", Active: true}, {Label: "APIs", Href: "?tab=apis", Count: 2}, {Label: "Dependencies", Href: "?tab=dependencies", Count: 5}, {Label: "Builds", Href: "?tab=builds"}, {Label: "Lighthouse", Href: "?tab=lighthouse"}, {Label: "Documentation", Href: "?tab=docs"}},
		},
		ui.Content(
			ui.Notice{Tone: ui.ToneWarning, Title: "One relation leads nowhere", Text: "resource:default/acquirer-tunnel is named under dependsOn, but nothing of that name is in the catalog."},
			ui.Dialog{ID: "inspect", Title: "Inspect payments", Wide: true, Body: ui.CodeBlock{Title: "payments.yaml", Code: "kind: Component\n", LineNumbers: true}},
			ui.Dialog{ID: "unregister", Title: "Unregister payments?", Body: ui.Paragraph("It returns if its location is registered again."), Actions: []pluginapi.Component{ui.Button{Text: "Unregister", Kind: ui.ButtonDanger}}},
			ui.Columns{
				Main: []pluginapi.Component{
					ui.Card{Title: "About", Actions: []pluginapi.Component{ui.Button{Text: "Refresh", Icon: "refresh-cw", IconOnly: true, Small: true, Kind: ui.ButtonQuiet}, ui.ButtonLink{Text: "Edit", Icon: "pencil", Href: "/edit", IconOnly: true, Small: true, Kind: ui.ButtonQuiet}},
						Body: ui.DescriptionList{Columns: true, Items: []ui.Description{
							{Term: "Description", Wide: true, Value: ui.Text("Takes card payments and settles them with the acquirer every night. Refunds go the same way back; disputes are handled by hand.")},
							{Term: "Owner", Value: ui.Link{Text: "team-payments", Href: "/x", Icon: "users"}}, {Term: "System", Value: ui.Link{Text: "checkout", Href: "/x"}}, {Term: "Type", Value: ui.Text("service")},
							{Term: "Lifecycle", Value: ui.Badge{Text: "production", Tone: ui.ToneSuccess}}, {Term: "Parent component"}, {Term: "Tags", Value: ui.Tags("go", "pci", "tier-1")},
						}}},
					ui.Card{Title: "Depends on", Flush: true, Body: ui.Table{Caption: "Depends on", Columns: []ui.Column{{Title: "Name"}, {Title: "Kind"}, {Title: "Owner"}}, Rows: []ui.Row{
						{Href: "/x", Cells: []pluginapi.Component{ui.Text("ledger"), ui.Text("component"), ui.Link{Text: "team-ledger", Href: "/x"}}},
						{Href: "/x", Cells: []pluginapi.Component{ui.Text("payments-db"), ui.Text("resource"), ui.Link{Text: "team-payments", Href: "/x"}}},
						{Muted: true, Cells: []pluginapi.Component{ui.Text("acquirer-tunnel"), ui.Text("resource"), ui.Status{State: ui.StateWarning, Text: "Not in the catalog"}}},
					}}, More: ui.MoreLink{Text: "All dependencies", Href: "?tab=dependencies"}},
					ui.Grid{Items: []pluginapi.Component{
						ui.Card{Title: "Builds", Icon: "git-branch", Body: ui.Stack(
							ui.DescriptionList{Items: []ui.Description{
								{Term: "main", Value: ui.Status{State: ui.StateOK, Text: "Passing"}}, {Term: "release", Value: ui.Status{State: ui.StateRunning, Text: "Running, 2m 10s"}}, {Term: "fix/refund-race", Value: ui.Status{State: ui.StateError, Text: "3 tests failed"}},
							}}), More: ui.MoreLink{Text: "All builds", Href: "?tab=builds"}},
						ui.Card{Title: "Greetings", Icon: "message-square", Body: ui.ErrorPanel{Title: "Greetings could not be shown", Message: "The plugin hello is not running: its database does not answer.", Remedy: "It is tried again in 12 s. The rest of the page is complete.", RequestID: "01JD8Z6Q3M", RetryHref: "?"}},
						ui.Card{Title: "Lighthouse", Icon: "gauge", Body: ui.Slow{RetryHref: "?"}},
						ui.Card{Title: "Incidents", Icon: "bell", Body: ui.MissingAnnotation{Annotation: "pager.example.com/service-id", Example: "P4X1", Name: "payments", DocsHref: "/docs/pager"}},
						ui.Card{Title: "Runbooks", Icon: "book-open", Body: ui.Skeleton{}},
						ui.Card{Title: "Scorecard", Icon: "shield", Body: ui.EmptyState{Icon: "shield", Title: "No checks yet", Text: "Checks appear here once a track applies to this component.", Action: ui.ButtonLink{Text: "Browse tracks", Href: "/x", Small: true}}},
					}},
				},
				Aside: []pluginapi.Component{
					ui.Card{Title: "Links", Body: ui.Stack(ui.Link{Text: "Dashboard", Href: "https://grafana.example.com/d/pay", Icon: "chart-line"}, ui.Link{Text: "On call", Href: "https://pager.example.com", Icon: "bell"}, ui.Link{Text: "Runbook", Href: "/docs/payments", Icon: "book-open"})},
					ui.Card{Title: "Labels", Body: ui.Inline(ui.Tag{Key: "tier", Text: "1"}, ui.Tag{Key: "region", Text: "eu-north"}, ui.Tag{Key: "cost-centre", Text: "4711"})},
					ui.Card{Title: "Ingestion", Body: ui.DescriptionList{Items: []ui.Description{{Term: "Read", Value: ui.Time(now.Add(-7 * time.Minute))}, {Term: "From", Value: ui.Mono("git.example.com/nordwind/payments/catalog-info.yaml")}, {Term: "State", Value: ui.Status{State: ui.StateOK}}}}},
				},
			},
		),
	)
}

func errorPage() pluginapi.Component {
	return frame("Not found", "", []ui.Crumb{{Label: "Nordwind", Href: "/"}, {Label: "Not found"}},
		ui.PageHeader{Title: "There is no page here", Subtitle: "/catalog/default/component/paymnets"},
		ui.Content(ui.ErrorPanel{
			Title: "component:default/paymnets is not in the catalog", Message: "Nothing of that kind, namespace and name was found.", Remedy: "Names are case-sensitive. Did you mean payments?",
			Details: "GET /catalog/default/component/paymnets\n404 Not Found\ncatalog: read entity component:default/paymnets: not found", RequestID: "01JD8Z6Q3M4T",
			Actions: []pluginapi.Component{ui.ButtonLink{Text: "Open payments", Href: "/catalog/default/component/payments", Small: true}, ui.ButtonLink{Text: "Back to the catalog", Href: "/catalog", Small: true, Kind: ui.ButtonQuiet}},
		}))
}

func emptyPage() pluginapi.Component {
	return frame("Catalog", "Catalog", []ui.Crumb{{Label: "Nordwind", Href: "/"}, {Label: "Catalog"}},
		ui.PageHeader{Title: "Catalog", Subtitle: "What Nordwind runs, and who looks after it"},
		ui.Content(ui.EmptyState{
			Icon: "layers", Title: "The catalog is empty", Text: "Name the places where your catalog-info.yaml files are, and everything in them appears here within seconds.",
			Sample: ui.CodeBlock{Title: "app-config.yaml", Code: "catalog:\n  locations:\n    - type: file\n      target: ./catalog/*.yaml\n"}, Action: ui.ButtonLink{Text: "How to describe a component", Href: "/docs", Kind: ui.ButtonPrimary},
		}))
}
