package ui_test

import (
	"math"
	"time"

	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// componentsPage shows every component in all its states.
func componentsPage() pluginapi.Component {
	section := func(title string, parts ...pluginapi.Component) pluginapi.Component {
		return ui.Card{Title: title, Body: ui.Stack(parts...)}
	}
	states := []ui.State{ui.StateOK, ui.StateWarning, ui.StateError, ui.StateRunning, ui.StatePending, ui.StateAborted, ui.StateUnknown}
	var statuses []pluginapi.Component
	for _, state := range states {
		statuses = append(statuses, ui.Status{State: state})
	}
	tones := []ui.Tone{ui.ToneNeutral, ui.ToneInfo, ui.ToneSuccess, ui.ToneWarning, ui.ToneDanger}
	var badges, notices []pluginapi.Component
	for i, name := range []string{"neutral", "info", "success", "warning", "danger"} {
		badges = append(badges, ui.Badge{Text: name, Tone: tones[i]}, ui.Badge{Text: name, Tone: tones[i], Icon: "zap"})
		notices = append(notices, ui.Notice{Tone: tones[i], Title: "A " + name + " notice", Text: "What happened, and what it means for the reader."})
	}
	var people []pluginapi.Component
	for _, name := range []string{"Ada Byron", "Grace Hopper", "Niklaus Wirth", "Barbara Liskov", "Leslie Lamport", "Radia Perlman", "Ken", "李 小龙", "Ítalo Âa", "…"} {
		people = append(people, ui.Avatar{Name: name})
	}
	people = append(people, ui.Avatar{Name: "Ada Byron", Large: true}, ui.Avatar{Name: "Ada Byron", ShowName: true})
	return frame("Components", "Hello", []ui.Crumb{{Label: "Nordwind", Href: "/"}, {Label: "Components"}},
		ui.PageHeader{Title: "Components", Subtitle: "Every component in its states", Icon: "blocks", Tint: ui.TintViolet, Marks: []pluginapi.Component{ui.Badge{Text: "beta", Tone: ui.ToneInfo}}},
		ui.Content(
			ui.Grid{MinWidth: ui.GridLarge, Items: []pluginapi.Component{
				section("Status", ui.Inline(statuses...)),
				section("Badges, tags, chips", ui.Inline(badges...), ui.Tags("go", "pci", "tier-1"), ui.Inline(ui.Tag{Text: "link", Href: "/x"}, ui.Tag{Key: "tier", Text: "1"}, ui.Chip{Label: "Owner", Text: "team-payments", RemoveHref: "/x"})),
				section("Buttons",
					ui.Inline(ui.Button{Text: "Primary", Kind: ui.ButtonPrimary}, ui.Button{Text: "Secondary"}, ui.Button{Text: "Quiet", Kind: ui.ButtonQuiet}, ui.Button{Text: "Delete", Kind: ui.ButtonDanger, Icon: "trash-2"}, ui.Button{Text: "Disabled", Disabled: true, Hint: "You may not"}),
					ui.Inline(ui.Button{Text: "Small", Small: true}, ui.Button{Text: "Refresh", Icon: "refresh-cw", IconOnly: true}, ui.ButtonLink{Text: "Link", Href: "/x", Icon: "arrow-right"}, ui.ButtonLink{Text: "Refused", Href: "javascript:alert(1)"}, ui.Menu{Label: "More", Items: []ui.MenuItem{{Label: "One", Href: "/x"}}})),
				section("People and times", ui.Inline(people...), ui.Inline(ui.Time(now.Add(-10*time.Second)), ui.Time(now.Add(-7*time.Minute)), ui.Time(now.Add(-5*time.Hour)), ui.Time(now.Add(-70*24*time.Hour)), ui.Time(now.Add(3*time.Hour)), ui.Date(now), ui.Duration(252*time.Second), ui.Number(1234567))),
				section("Links", ui.Inline(ui.Link{Text: "Inside", Href: "/x"}, ui.Link{Text: "Outside", Href: "https://example.com"}, ui.Link{Text: "Refused", Href: "javascript:alert(1)"}, ui.Link{Text: "With icon", Href: "/x", Icon: "book-open"}, ui.Copy("text", "Copy text"))),
				section("Progress and skeleton", ui.Progress{Label: "Reading locations", Value: 340, Max: 1214}, ui.Progress{Label: "Searching"}, ui.Skeleton{}),
				section("Notices", notices...),
				section("Errors", ui.ErrorPanel{Title: "Builds could not be shown", Message: "CircleCI answered 401: the token is not valid.", Remedy: "Ask the portal's operators to renew CIRCLECI_TOKEN.", Details: "GET https://circleci.com/api/v2/project/gh/nordwind/payments/pipeline\n401 Unauthorized", RequestID: "01JD8Z6Q3M", RetryHref: "?"}, ui.Slow{RetryHref: "?"}),
				section("Empty", ui.EmptyState{Title: "No builds yet", Text: "The first one appears here a few seconds after a push.", Action: ui.Button{Text: "Run pipeline", Icon: "play", Small: true}}),
				section("Code", ui.CodeBlock{Title: "main.go", Code: "func main() {\n\tcore.Main(core.Options{},\n\t\tcatalog.Plugin(),\n\t)\n}\n", LineNumbers: true, Mark: []int{3}}, ui.CodeBlock{Code: "go run ./examples/minimal"}),
				section("Sparklines",
					ui.Inline(ui.Sparkline{Label: "Performance", Values: []float64{0.62, 0.7, 0.68, 0.81, 0.79, 0.9, 0.93}, High: 1, Tone: ui.ToneSuccess}, ui.Muted("0.93"), ui.Sparkline{Label: "Accessibility", Values: []float64{0.9, 0.9, 0.7, math.NaN(), 0.6, 0.5}, High: 1, Tone: ui.ToneWarning}, ui.Sparkline{Values: []float64{3, 1, 4, 1, 5, 9, 2, 6}}, ui.Sparkline{Values: []float64{1}}, ui.Sparkline{})),
				section("Markdown", ui.Markdown(galleryMarkdown, ui.MarkdownOptions{})),
				section("Log", ui.LogView{Label: "go test ./...", RawHref: "/log", Omitted: 1200, First: 1201, Text: galleryLog}),
				section("Form", ui.Form{
					Errors: []ui.FormError{{FieldID: "field-url", Text: "The address has no host"}},
					Fields: []pluginapi.Component{
						ui.TextField{Label: "Address of the site", Name: "url", Type: "url", Required: true, Value: "https:///", Error: "The address has no host: write it like https://shop.example.com", Hint: "It must be reachable from the audit service."},
						ui.SelectField{Label: "Device", Name: "device", Options: []ui.Option{{Value: "mobile", Label: "Mobile"}, {Value: "desktop", Label: "Desktop"}}},
						ui.TextField{Label: "Note", Name: "note", Rows: 3, Placeholder: "Why this audit"},
						ui.RadioGroup{Label: "Repeat", Name: "repeat", Value: "daily", Options: []ui.Option{{Value: "never", Label: "Never"}, {Value: "daily", Label: "Every day"}}},
						ui.Checkbox{Label: "Tell the owner", Name: "tell", Checked: true, Hint: "A notification when the score falls"},
						ui.TextField{Label: "Service", Name: "service", Value: "lighthouse", Disabled: true},
					},
					Actions: []pluginapi.Component{ui.Button{Text: "Create audit", Kind: ui.ButtonPrimary}, ui.ButtonLink{Text: "Cancel", Href: "/x", Kind: ui.ButtonQuiet}},
				}),
				section("Overlays", ui.Inline(ui.Button{Text: "Open dialog", Dialog: "unregister"}), ui.Refresh{Src: "/part", Every: time.Hour, Say: "Three builds", Body: ui.Text("Three builds are running")},
					ui.Dialog{ID: "unregister", Title: "Unregister payments?", Body: ui.Stack(ui.Paragraph("The location that brought payments also brings two other entities. All three leave the catalog and return if the location is registered again."), ui.Tags("payments", "payments-worker", "payments-api")),
						Actions: []pluginapi.Component{ui.Button{Text: "Keep", Kind: ui.ButtonQuiet}, ui.Button{Text: "Unregister location", Kind: ui.ButtonDanger}}}),
				ui.Card{Title: "Empty table", Flush: true, Body: ui.Table{Caption: "Builds", Columns: []ui.Column{{Title: "Branch"}, {Title: "State"}, {Title: "Took", Numeric: true}}}},
				ui.Card{Title: "Dense table", Subtitle: "Figures line up", Flush: true, Body: ui.Table{Caption: "Builds", Dense: true, Columns: []ui.Column{{Title: "Branch"}, {Title: "State"}, {Title: "Took", Numeric: true, SortHref: "?", Sort: ui.SortDescending}, {Title: "Tests", Numeric: true, SortHref: "?"}}, Rows: []ui.Row{
					{Cells: []pluginapi.Component{ui.Mono("main"), ui.Status{State: ui.StateOK, Text: "Passing"}, ui.Duration(252 * time.Second), ui.Number(1204)}},
					{Cells: []pluginapi.Component{ui.Mono("fix/refund-race"), ui.Status{State: ui.StateError, Text: "3 failed"}, ui.Duration(98 * time.Second), ui.Number(998)}},
					{Cells: []pluginapi.Component{ui.Mono("release"), ui.Status{State: ui.StateRunning}, ui.Duration(9 * time.Second), ui.Number(12)}},
				}}},
			}},
		))
}

const galleryMarkdown = `# Payments

Takes card payments; see the [runbook](./runbook.md) and https://example.com.

- [x] settle every night
- [ ] refunds in **both** directions

| Currency | Share |
|----------|------:|
| EUR      |  81 % |
| SEK      |  19 % |

> Disputes are handled by hand.

Run ` + "`make settle`" + ` or:

    settle --dry-run
`

const galleryLog = "$ go test ./...\n\x1b[32mok\x1b[0m  \tpayments/settle\t0.412s\n\x1b[1;31mFAIL\x1b[0m\tpayments/refund\t1.870s\n    refund_test.go:41: \x1b[33mwarning\x1b[0m: amount is \x1b[4m12.40\x1b[0m, want 12.50\nprogress 10%\rprogress 100%\n\x1b[30;41m ERROR \x1b[0m one package failed\n\x1b[2mfinished in 2.3 s\x1b[0m\n"
