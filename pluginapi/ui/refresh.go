package ui

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Refresh is a part of a page that follows what happens: the browser fetches it again while it is open and in sight. What is unfolded, scrolled or focused in it stays so, and while somebody types or selects text in it, it waits. Log
// views in it follow their end. After failures it says so, and tries less often. Without JavaScript it stays as it is.
//
// An answer without a part of the same ID means that there is nothing more to follow: the page is then loaded anew.
type Refresh struct {
	ID    string        // of its element, the same in the answer; default: refresh
	Src   string        // where it is: the address of HTML that contains it, drawn as a Refresh too. A route that answers 304 for a known Etag saves the most. Default: the page itself
	Every time.Duration // between two looks, in whole seconds; the answer's counts for the next one. Default: 5 s
	Say   string        // how it stands, in a sentence: what people who do not see it hear when it changes
	Body  pluginapi.Component
}

var _ pluginapi.Component = Refresh{}

// block is a component's Body, or the block that a templ file gives it.
func block(ctx context.Context, body pluginapi.Component) pluginapi.Component {
	if body != nil {
		return body
	}
	return templ.GetChildren(ctx)
}

// Render writes the part.
func (f Refresh) Render(ctx context.Context, w io.Writer) error {
	every := f.Every
	if every == 0 {
		every = 5 * time.Second
	}
	open := `<script type="module" src="` + templ.EscapeString(assetURL(ctx, "refresh.js")) + `"></script><ui-refresh id="` + templ.EscapeString(or(f.ID, "refresh")) + `" data-every="` + strconv.Itoa(max(1, int(every/time.Second))) + `"`
	if src, ok := SafeURL(f.Src); ok && src != "" {
		open += ` data-src="` + templ.EscapeString(src) + `"`
	}
	if f.Say != "" {
		open += ` data-say="` + templ.EscapeString(f.Say) + `"`
	}
	if _, err := io.WriteString(w, open+`><div class="ui-stack">`); err != nil {
		return err
	}
	if err := block(ctx, f.Body).Render(templ.ClearChildren(ctx), w); err != nil {
		return err
	}
	_, err := io.WriteString(w, `</div><p class="ui-hidden" role="status"></p></ui-refresh>`)
	return err
}
