package ui_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/net/html"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// components are the zero values of all components that are structs.
func components() []pluginapi.Component {
	return []pluginapi.Component{
		ui.Document{}, ui.Frame{}, ui.QuickSearch{}, ui.PageHeader{}, ui.Grid{}, ui.Columns{}, ui.ListLayout{}, ui.Card{}, ui.Table{}, ui.Pagination{}, ui.FilterForm{},
		ui.SearchBox{}, ui.Facet{}, ui.Tag{}, ui.Badge{}, ui.Chip{}, ui.Status{}, ui.EmptyState{}, ui.MissingAnnotation{}, ui.ErrorPanel{}, ui.Notice{}, ui.DescriptionList{},
		ui.Link{}, ui.Avatar{}, ui.CodeBlock{}, ui.Skeleton{}, ui.Slow{}, ui.Deferred{}, ui.Progress{}, ui.Button{}, ui.ButtonLink{}, ui.TextField{}, ui.SelectField{}, ui.Checkbox{},
		ui.RadioGroup{}, ui.Form{}, ui.Dialog{}, ui.Menu{}, ui.Refresh{}, ui.Sparkline{}, ui.LogView{},
	}
}

// moreStates are states that the gallery's pages do not show.
func moreStates() []pluginapi.Component {
	ansi := "\x1b[3mi\x1b[0m\x1b[9mx\x1b[0m"
	for i := range 8 {
		ansi += fmt.Sprintf("\x1b[%dmf\x1b[0m\x1b[%dmb\x1b[0m", 30+i, 40+i)
	}
	states := []pluginapi.Component{
		ui.LogView{Text: ansi, Wrap: true}, ui.Deferred{Src: "/part"}, ui.Grid{MinWidth: ui.GridSmall}, ui.Progress{HideLabel: true},
		ui.Table{Columns: []ui.Column{{Title: "A", Narrow: true, HideTitle: true}}, Rows: []ui.Row{{ID: "a"}}},
		ui.Frame{Banner: ui.Text("x"), Footer: ui.Text("x"), Toasts: []ui.Toast{{Text: "x"}}}, ui.Paragraph("x"), ui.Mono("x"), ui.Strong("x"),
	}
	for tint := ui.TintGray; tint <= ui.TintViolet; tint++ {
		states = append(states, ui.PageHeader{Icon: "box", Tint: tint})
	}
	return states
}

func TestZeroValuesAreDrawable(t *testing.T) {
	t.Parallel()
	for _, component := range components() {
		t.Run(reflect.TypeOf(component).Name(), func(t *testing.T) {
			t.Parallel()
			draw(t, component)
		})
	}
}

// fill sets every string of a value, however deep, and one element in every slice.
func fill(value reflect.Value, text string) {
	switch value.Kind() {
	case reflect.String:
		value.SetString(text)
	case reflect.Struct:
		for i := range value.NumField() {
			fill(value.Field(i), text)
		}
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 2, 2))
		for i := range value.Len() {
			fill(value.Index(i), text)
		}
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Int, reflect.Int64:
		value.SetInt(1)
	case reflect.Float64:
		value.SetFloat(1)
	case reflect.Interface:
		if value.Type() == reflect.TypeFor[pluginapi.Component]() {
			value.Set(reflect.ValueOf(ui.Text(text)))
		}
	}
}

// TestNothingEscapes puts markup and script addresses into every string of every component and looks for them as elements, attributes and links.
func TestNothingEscapes(t *testing.T) {
	t.Parallel()
	markup := []string{`"><img src=x onerror=alert(1)>`, `'><img src=x onerror=alert(1)>`, `</title></script></textarea></style><img src=x onerror=alert(1)>`, `<!--`, "javascript:alert(1)", " JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x"}
	for _, zero := range components() {
		kind := reflect.TypeOf(zero)
		for _, text := range markup {
			t.Run(kind.Name()+"/"+text, func(t *testing.T) {
				t.Parallel()
				value := reflect.New(kind).Elem()
				fill(value, text)
				root := parse(t, draw(t, value.Interface().(pluginapi.Component)))
				elements(root, func(n *html.Node) {
					for _, a := range n.Attr {
						if strings.HasPrefix(a.Key, "on") || a.Key == "style" || n.Data == "img" && a.Val == "x" {
							t.Errorf("<%s %s=%q> got through", n.Data, a.Key, a.Val)
						}
						switch a.Key {
						case "href", "src", "action", "formaction", "data-src", "data-close":
							address := strings.ToLower(strings.Map(func(r rune) rune {
								if r <= ' ' {
									return -1
								}
								return r
							}, a.Val))
							// The addresses of a document's own styles and modules are the portal's, not text.
							if kind != reflect.TypeFor[ui.Document]() && (strings.HasPrefix(address, "javascript:") || strings.HasPrefix(address, "data:") || strings.HasPrefix(address, "vbscript:")) {
								t.Errorf("<%s %s=%q> got through", n.Data, a.Key, a.Val)
							}
						}
					}
				})
			})
		}
	}
}

// TestMarkup asserts by selector what each component promises about its HTML. A selector may be followed by a text that its first match must have.
func TestMarkup(t *testing.T) {
	t.Parallel()
	type check struct {
		selector string
		count    int
		text     string
	}
	table := ui.Table{
		Caption: "Builds",
		Columns: []ui.Column{{Title: "Branch", SortHref: "?sort=-branch", Sort: ui.SortAscending}, {Title: "Took", Numeric: true, SortHref: "?sort=took"}, {Title: "Actions", HideTitle: true}},
		Rows: []ui.Row{
			{Href: "/builds/1", ID: "b1", Cells: []pluginapi.Component{ui.Text("main"), ui.Number(1204), ui.Link{Href: "/log", Text: "Log"}}},
			{Href: "javascript:alert(1)", Cells: []pluginapi.Component{ui.Text("release"), nil}},
		},
	}
	facet := ui.Facet{Legend: "Owner", Name: "owner", Limit: 2}
	for i := range 6 {
		facet.Options = append(facet.Options, ui.FacetOption{Value: fmt.Sprintf("team-%d", i), Count: i * 1000, Selected: i == 5})
	}
	for name, test := range map[string]struct {
		component pluginapi.Component
		checks    []check
	}{
		"card": {ui.Card{ID: "about", Title: "About", Subtitle: "Facts", Body: ui.Text("body"), More: ui.MoreLink{Text: "All", Href: "/all"}}, []check{
			{"section#about[aria-label=About]", 1, ""}, {"section h2", 1, "About"}, {".ui-card-body", 1, "body"}, {"a.ui-card-more[href='/all']", 1, "All"},
		}},
		"card without title is no landmark": {ui.Card{Body: ui.Text("x")}, []check{{"section[aria-label]", 0, ""}, {"h2", 0, ""}}},
		"table": {table, []check{
			{"table caption.ui-hidden", 1, "Builds"}, {"th[scope=col]", 3, "Branch"}, {"th[aria-sort=ascending] a[href='?sort=-branch']", 1, "Branch"}, {"th[aria-sort]", 1, ""},
			{"tr#b1 td:first-child a.ui-row-link[href='/builds/1']", 1, "main"}, {"td.ui-numeric .ui-number", 1, "1,204"}, {"tbody tr", 2, ""}, {"tbody tr:nth-child(2) td", 3, "release"},
			{"tbody tr:nth-child(2) a", 0, ""}, {"th:nth-child(3) .ui-hidden", 1, "Actions"}, {"[role=group][aria-label=Builds]:not([tabindex])", 1, ""},
		}},
		"empty table":             {ui.Table{Columns: []ui.Column{{Title: "A"}}}, []check{{".ui-table-empty", 1, "Nothing to show"}, {"[role=group][tabindex='0']", 1, ""}}},
		"empty table with reason": {ui.Table{Empty: ui.EmptyState{Title: "No builds"}}, []check{{".ui-table-empty", 1, "No builds"}}},
		"tabs":                    {ui.Tabs("Sections", []ui.Tab{{Label: "One", Href: "?", Active: true}, {Label: "Two", Href: "?tab=2", Count: 3}}), []check{{"nav[aria-label=Sections] a", 2, "One"}, {"a[aria-current=page]", 1, "One"}, {"a[href='?tab=2']", 1, "Two 3"}}},
		"breadcrumbs":             {ui.Breadcrumbs([]ui.Crumb{{Label: "Home", Href: "/"}, {Label: "Catalog", Href: "/catalog"}}), []check{{"nav[aria-label=Breadcrumbs] li", 2, "Home"}, {"a", 1, "Home"}, {"[aria-current=page]", 1, "Catalog"}}},
		"navigation": {ui.Frame{Nav: []ui.NavGroup{{Label: "Tools", Items: []ui.NavItem{{Label: "Catalog", Href: "/catalog", Active: true, Count: 2}, {Label: "Radar", Href: "/radar", Down: "its database is away"}}}, {Label: "Nothing"}}}, []check{
			{"nav.ui-rail a[aria-current=page]", 1, "Catalog 2"}, {".ui-rail-down[title='its database is away'] svg[role=img][aria-label*='database']", 1, ""}, {".ui-rail-label", 1, "Tools"},
			{"nav[popover]#ui-rail", 1, ""}, {"button[popovertarget=ui-rail]", 2, ""}, {"main#main[tabindex='-1']", 1, ""},
		}},
		"frame without navigation":    {ui.Frame{Body: ui.Text("Sign in")}, []check{{"nav, button[popovertarget]", 0, ""}, {"main", 1, "Sign in"}}},
		"pagination, all on one page": {ui.Pagination{From: 1, To: 2, Total: 2}, []check{{".ui-number", 1, "1–2 of 2"}, {".ui-pages-links", 0, ""}}},
		"pagination":                  {ui.Pagination{From: 21, To: 40, Total: 1234, NextHref: "?c=2", What: "components"}, []check{{"nav[aria-label=Pages] .ui-number", 1, "21–40 of 1,234 components"}, {"a[rel=next][href='?c=2']", 1, "Next"}, {"a[rel=prev]", 0, ""}, {"[aria-disabled=true]", 1, "Previous"}}},
		"nothing to page":             {ui.Pagination{}, []check{{"nav", 0, ""}}},
		"filters": {ui.FilterForm{Keep: []ui.Param{{Name: "sort", Value: "name"}}, ClearHref: "/catalog", Fields: []pluginapi.Component{ui.SearchBox{Value: "pay"}, facet}}, []check{
			{"form[method=get][aria-label=Filters]", 1, ""}, {"input[type=hidden][name=sort][value=name]", 1, ""}, {"input[type=search][name=q][value=pay]", 1, ""}, {"button[type=submit]", 1, "Apply filters"}, {"a[href='/catalog']", 1, "Clear filters"},
			{"fieldset legend", 1, "Owner"}, {"input[type=checkbox][name=owner]", 6, ""}, {"input[checked][value=team-5]", 1, ""}, {"details.ui-facet-rest[open] label", 4, ""}, {".ui-facet-count", 6, "0"},
		}},
		"single facet":       {ui.Facet{Legend: "List", Name: "list", Single: true, Folded: true, Options: []ui.FacetOption{{Value: "all", Count: -1}}}, []check{{"input[type=radio]", 1, ""}, {"details[open]", 0, ""}, {".ui-facet-count", 0, ""}}},
		"status":             {ui.Status{State: ui.StateError, Text: "3 failed"}, []check{{".ui-error", 1, "3 failed"}, {"svg[aria-hidden=true]", 1, ""}}},
		"status of no text":  {ui.Status{State: ui.StatePending}, []check{{".ui-status", 1, "Pending"}}},
		"link":               {ui.Link{Href: "/x", Text: "X"}, []check{{"a[href='/x']:not([rel])", 1, "X"}, {"svg", 0, ""}}},
		"link to elsewhere":  {ui.Link{Href: "https://example.com/a?b=1&c=2"}, []check{{"a[href='https://example.com/a?b=1&c=2'][rel='noopener noreferrer'] svg[role=img]", 1, ""}, {"a", 1, "https://example.com/a?b=1&c=2"}}},
		"refused link":       {ui.Link{Href: "javascript:alert(1)", Text: "X"}, []check{{"a", 0, ""}, {"body", 1, "X"}}},
		"error":              {ui.ErrorPanel{Title: "Failed", Message: "why", Remedy: "how", Details: "stack", RequestID: "r1", RetryHref: "?", Live: true}, []check{{"[role=alert] .ui-panel-title", 1, "Failed"}, {"details pre", 1, "stack"}, {".ui-request-id code", 1, "r1"}, {"a[href='?']", 1, "Try again"}, {"svg[aria-label=Error]", 1, ""}}},
		"missing annotation": {ui.MissingAnnotation{Annotation: "circleci.com/project-slug", Example: "gh/a/b", Kind: "API", Name: "pay"}, []check{{"mark", 1, "circleci.com/project-slug: gh/a/b"}, {"code", 1, "apiVersion: backstage.io/v1alpha1 kind: API metadata: name: pay annotations: circleci.com/project-slug: gh/a/b"}}},
		"descriptions":       {ui.DescriptionList{Items: []ui.Description{{Term: "Owner", Value: ui.Text("me")}, {Term: "Parent"}}}, []check{{"dl > div > dt", 2, "Owner"}, {"dl > div > dd", 2, "me"}, {"dd [aria-label='not set']", 1, "–"}}},
		"avatar":             {ui.Avatar{Name: "Ada King Byron"}, []check{{"[role=img][aria-label='Ada King Byron']", 1, "AB"}}},
		"avatar with name":   {ui.Avatar{Name: "Ada Byron", ShowName: true, Src: "http://plain.example/a.png"}, []check{{"[aria-hidden=true]", 1, "AB"}, {"img", 0, ""}, {".ui-person", 1, "AB Ada Byron"}}},
		"avatar picture":     {ui.Avatar{Name: "Ada", Src: "https://example.com/a.png"}, []check{{"img[alt=''][src='https://example.com/a.png']", 1, ""}}},
		"button":             {ui.Button{Text: "Refresh", Icon: "refresh-cw", IconOnly: true, Disabled: true}, []check{{"button[type=submit][disabled] svg[aria-label=Refresh]", 1, ""}}},
		"dialog button":      {ui.Button{Text: "Open", Dialog: "d"}, []check{{"button[type=button][commandfor=d][command=show-modal]", 1, "Open"}}},
		"button link":        {ui.ButtonLink{Text: "Go", Href: "javascript:x"}, []check{{"a", 0, ""}, {"[aria-disabled=true]", 1, "Go"}}},
		"dialog":             {ui.Dialog{ID: "d", Title: "Sure?", CloseHref: "/x", Open: true}, []check{{"dialog#d[open][aria-labelledby=d-title] h2#d-title", 1, "Sure?"}, {"a[href='/x']", 1, ""}}},
		"menu":               {ui.Menu{Label: "More", Items: []ui.MenuItem{{Label: "A"}, {Label: "B", Href: "/b"}, {Label: "C", Dialog: "c"}}}, []check{{"details summary svg[aria-label=More]", 1, ""}, {".ui-menu-heading", 1, "A"}, {"a[href='/b']", 1, "B"}, {"button[commandfor=c]", 1, "C"}}},
		"field": {ui.TextField{Label: "Site", Name: "url", Type: "url", Value: "x", Error: "no host", Hint: "hint", Required: true}, []check{
			{"label[for=field-url]", 1, "Site *"}, {"input#field-url[type=url][name=url][value=x][required][aria-invalid=true][aria-describedby='field-url-error field-url-hint']", 1, ""}, {"#field-url-error", 1, "no host"}, {"#field-url-hint", 1, "hint"}, {"input[disabled]", 0, ""},
		}},
		"text of several lines": {ui.TextField{Name: "note", Rows: 3, Value: "a\n</textarea>b"}, []check{{"textarea[rows='3']", 1, "a </textarea>b"}}},
		"select":                {ui.SelectField{Name: "kind", Value: "b", Options: []ui.Option{{Value: "a", Label: "A"}, {Value: "b"}}}, []check{{"option", 2, "A"}, {"option[selected]", 1, "b"}}},
		"form":                  {ui.Form{Errors: []ui.FormError{{FieldID: "field-url", Text: "no host"}}, Hidden: []ui.Param{{Name: "token", Value: "t"}}}, []check{{"form[method=post]", 1, ""}, {"[role=alert] a[href='#field-url']", 1, "no host"}, {"input[type=hidden][name=token]", 1, ""}}},
		"progress":              {ui.Progress{Label: "Reading", Value: 3, Max: 1200}, []check{{"progress[value='3'][max='1200'][aria-label=Reading]", 1, ""}, {".ui-number", 1, "3 / 1,200"}}},
		"endless progress":      {ui.Progress{Label: "Reading"}, []check{{"progress:not([value])", 1, ""}}},
		"refresh":               {ui.Refresh{ID: "builds", Src: "/part", Every: 1500 * time.Millisecond, Say: "2 builds", Body: ui.Text("x")}, []check{{"script[type=module][src='/assets/refresh.js']", 1, ""}, {"ui-refresh[id=builds][data-src='/part'][data-every='1'][data-say='2 builds'] > :first-child", 1, "x"}, {"ui-refresh > [role=status]", 1, ""}}},
		"deferred":              {ui.Deferred{Src: "/part", Label: "Builds"}, []check{{"ui-deferred[data-src='/part']", 1, ""}}},
		"code":                  {ui.CodeBlock{Code: "a\n\tb <c>\n"}, []check{{"pre[tabindex='0'] code", 1, "a b <c>"}}},
		"icon":                  {ui.Icon("bell", "Alarm"), []check{{"svg[role=img][aria-label=Alarm] use[href='/assets/icons.svg#bell']", 1, ""}}},
		"unknown icon":          {ui.Icon("no-such-icon", ""), []check{{"svg[aria-hidden=true][data-unknown=no-such-icon] use[href='/assets/icons.svg#circle-question-mark']", 1, ""}}},
		"no icon":               {ui.Icon("", ""), []check{{"svg:not([data-unknown]) use[href='/assets/icons.svg#box']", 1, ""}}},
		"document": {ui.Document{Title: "A & B", Theme: ui.ThemeDark, Nonce: "n", Body: ui.Text("x")}, []check{
			{"html[lang=en][data-theme=dark]", 1, ""}, {"title", 1, "A & B"}, {"script[nonce=n][src]", 2, ""}, {"script[type=module]", 1, ""}, {"link[rel=stylesheet][href='/assets/styles.css']", 1, ""},
		}},
		"toast":  {ui.Frame{Toasts: []ui.Toast{{Tone: ui.ToneSuccess, Text: "Saved", Href: "/x"}}}, []check{{"[role=status][aria-live=polite] .ui-toast[data-tone=success]", 1, "Saved Show"}}},
		"number": {ui.Number(-1234567), []check{{".ui-number", 1, "-1,234,567"}}},
		"group":  {ui.Group(ui.Text("a"), nil, ui.Text("b")), []check{{"body", 1, "ab"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := draw(t, test.component)
			root := parse(t, text)
			for _, check := range test.checks {
				found := find(root, check.selector)
				if len(found) != check.count {
					t.Errorf("%s: %d matches, want %d, in\n%s", check.selector, len(found), check.count, text)
				} else if check.text != "" && textOf(found[0]) != check.text {
					t.Errorf("%s: %q, want %q", check.selector, textOf(found[0]), check.text)
				}
			}
		})
	}
}

// TestCodeIsKeptAsItIs guards the white space inside pre, which templates like to touch.
func TestCodeIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	code := "  first\n\n\tsecond  \nthird"
	for _, block := range []ui.CodeBlock{{Code: code}, {Code: code, LineNumbers: true}, {Code: code, Mark: []int{2}}} {
		pre := find(parse(t, draw(t, block)), "pre")[0]
		var text strings.Builder
		for n := range pre.Descendants() {
			if n.Type == html.TextNode {
				text.WriteString(n.Data)
			}
		}
		if got := strings.TrimSuffix(text.String(), "\n"); got != code {
			t.Errorf("%+v: %q, want %q", block, got, code)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]time.Time{
		"just now": now.Add(-44 * time.Second), "1 min ago": now.Add(-45 * time.Second), "7 min ago": now.Add(-7 * time.Minute), "60 min ago": now.Add(-59*time.Minute - 50*time.Second),
		"23 h ago": now.Add(-23*time.Hour - 59*time.Minute), "29 d ago": now.Add(-29 * 24 * time.Hour), "23 Oct 2026": now.Add(-30 * 24 * time.Hour), "in 3 h": now.Add(3 * time.Hour), "–": {},
	} {
		root := parse(t, draw(t, ui.Time(at)))
		if got := textOf(root); got != want {
			t.Errorf("Time(%v) = %q, want %q", at, got, want)
		}
	}
	stamp := find(parse(t, draw(t, ui.Time(now.In(time.FixedZone("", 3600))))), "time[datetime='2026-11-22T12:00:00Z'][title='22 Nov 2026, 12:00:00 UTC']")
	if len(stamp) != 1 {
		t.Error("the machine-readable moment is not in UTC")
	}
	for want, d := range map[string]time.Duration{"320ms": 320 * time.Millisecond, "9.5s": 9500 * time.Millisecond, "42s": 42 * time.Second, "4m 12s": 252 * time.Second, "1h 3m": 63 * time.Minute, "2d 5h": 53 * time.Hour, "-42s": -42 * time.Second, "0ms": 0} {
		if got := textOf(parse(t, draw(t, ui.Duration(d)))); got != want {
			t.Errorf("Duration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestSparkline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		line  ui.Sparkline
		path  string
		label string
	}{
		"edges":      {ui.Sparkline{Label: "Score", Values: []float64{0, 1, 0.5}, High: 1}, "M3 29L60 3L117 16", "Score: 0.5, between 0 and 1 over 3 values"},
		"gap":        {ui.Sparkline{Values: []float64{0, math.NaN(), 2}}, "M3 29M117 3", "2, between 0 and 2 over 2 values"},
		"one":        {ui.Sparkline{Values: []float64{7}}, "M117 16", "7"},
		"flat":       {ui.Sparkline{Values: []float64{7, 7}}, "M3 16L117 16", "7, between 7 and 7 over 2 values"},
		"outside":    {ui.Sparkline{Values: []float64{-5, 5}, Low: 0, High: 1}, "M3 29L117 3", "5, between -5 and 5 over 2 values"},
		"huge":       {ui.Sparkline{Values: []float64{-math.MaxFloat64, math.MaxFloat64}}, "M3 29L117 3", "1.798e+308, between -1.798e+308 and 1.798e+308 over 2 values"},
		"infinities": {ui.Sparkline{Values: []float64{math.Inf(1), 1, math.Inf(-1)}}, "M60 16", "1"},
	} {
		svg := find(parse(t, draw(t, test.line)), "svg")[0]
		label, _ := attribute(svg, "aria-label")
		path, _ := attribute(find(svg, "path")[0], "d")
		if path != test.path || label != test.label {
			t.Errorf("%s: path %q, label %q; want %q, %q", name, path, label, test.path, test.label)
		}
	}
	if got := textOf(parse(t, draw(t, ui.Sparkline{Values: []float64{math.NaN()}}))); got != "–" {
		t.Errorf("no values: %q", got)
	}
}

// TestChildrenOfTempl draws the block that a templ file gives a component where its Body is nil.
func TestChildrenOfTempl(t *testing.T) {
	t.Parallel()
	block := templ.Raw("<em>from the block</em>")
	for _, component := range []pluginapi.Component{ui.Card{Title: "x"}, ui.Notice{}, ui.ListLayout{}, ui.Frame{}, ui.Document{}, ui.Dialog{ID: "d"}, ui.Refresh{}, ui.Form{}, ui.EmptyState{}} {
		var page strings.Builder
		if err := component.Render(templ.WithChildren(context.Background(), block), &page); err != nil {
			t.Fatal(err)
		}
		if n := len(find(parse(t, page.String()), "em")); n != 1 {
			t.Errorf("%T drew the block %d times", component, n)
		}
	}
	// A component inside must not take the block meant for the one around it.
	var page strings.Builder
	if err := (ui.Card{Title: "outer", Body: ui.Card{Title: "inner"}}).Render(templ.WithChildren(context.Background(), block), &page); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "from the block") {
		t.Error("the inner card drew the outer card's block")
	}
}

func TestRenderingStops(t *testing.T) {
	t.Parallel()
	failure := errors.New("database is away")
	broken := pluginapi.ComponentFunc(func(context.Context, io.Writer) error { return failure })
	if err := (ui.Card{Title: "x", Body: ui.Stack(broken)}).Render(context.Background(), &strings.Builder{}); !errors.Is(err, failure) {
		t.Errorf("error of a child: %v, want %v", err, failure)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := (ui.Card{Title: "x"}).Render(ctx, &strings.Builder{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if err := (ui.LogView{Text: strings.Repeat("line\n", 10000)}).Render(ctx, &strings.Builder{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context in a long log: %v", err)
	}
}

// TestValuesAreReusable draws one value from several goroutines; the race detector sees what they share.
func TestValuesAreReusable(t *testing.T) {
	t.Parallel()
	page := componentsPage()
	want := draw(t, page)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if draw(t, page) != want {
				t.Error("drawn differently")
			}
		})
	}
	all.Wait()
}
