package page

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/a-h/templ"

	"github.com/proscenium-dev/proscenium/plugin/techradar/internal/feed"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// shownProblems is how many problems are in sight at once; the others unfold.
const shownProblems = 8

// files link the plugin's style sheet, and what radar.js imports, so that the browser asks for all of it at once.
func files() pluginapi.Component {
	return pluginapi.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		links := `<link rel="stylesheet" href="` + templ.EscapeString(pluginapi.AssetURL(ctx, Plugin, "radar.css")) + `">`
		for _, name := range []string{"picture.js", "layout.js", "color.js"} {
			links += `<link rel="modulepreload" href="` + templ.EscapeString(pluginapi.AssetURL(ctx, Plugin, name)) + `">`
		}
		_, err := io.WriteString(w, links)
		return err
	})
}

// day is a date as people say it.
func day(at time.Time) string { return at.Format("2 Jan 2006") }

// unconfigured says how to get a radar.
func unconfigured() pluginapi.Component {
	return ui.EmptyState{
		Icon:   "radar",
		Title:  "There is no radar yet",
		Text:   "Name its JSON document in the configuration, or embed it in the app.",
		Sample: ui.CodeBlock{Title: "app-config.yaml", Code: "techRadar:\n  url: https://github.com/example/radar/blob/main/radar.json"},
	}
}

// failed says why there is nothing to show.
func failed(why []string) pluginapi.Component {
	return ui.Group(files(), ui.Notice{
		Tone:  ui.ToneDanger,
		Title: "The radar cannot be shown",
		Text:  "There is no earlier copy of it either. It is tried again every few minutes, and when this page is opened.",
		Body:  problems(why),
	})
}

// stale says that a radar is an older copy, and why; nil for one that is not.
func stale(c feed.Copy) pluginapi.Component {
	if len(c.Failure) == 0 {
		return nil
	}
	return ui.Notice{
		Tone:  ui.ToneWarning,
		Title: "This is an older copy of the radar",
		Body:  ui.Group(pluginapi.Drawn("<p>It was good "), ui.Time(c.AsOf), pluginapi.Drawn(". What is there now cannot be used:</p>"), problems(c.Failure)),
	}
}

func problems(list []string) pluginapi.Component {
	if len(list) <= shownProblems+2 {
		return problemList(list)
	}
	return ui.Group(
		problemList(list[:shownProblems]),
		pluginapi.Drawn(fmt.Sprintf(`<details class="tr-problems"><summary>%d more</summary>`, len(list)-shownProblems)), problemList(list[shownProblems:]), pluginapi.Drawn("</details>"),
	)
}
