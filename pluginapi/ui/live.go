package ui

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Live is a part of a page that follows what happens: the browser fetches it again while it is open and in sight. What is unfolded, scrolled or focused in it stays so, and while somebody types or selects text in it, it waits. Log
// views in it follow their end. After failures it says so, and tries less often. Without JavaScript it stays as it is.
//
// An answer without a part of the same ID means that there is nothing more to follow: the page is then loaded anew.
type Live struct {
	ID    string        // of its element, the same in the answer; default: live
	Src   string        // where it is: the address of HTML that contains it, drawn as a Live too. A route that answers 304 for a known Etag saves the most. Default: the page itself
	Every time.Duration // between two looks, in whole seconds; the answer's counts for the next one. Default: 5 s
	Say   string        // how it stands, in a sentence: what people who do not see it hear when it changes
	Body  pluginapi.Component
}

var _ pluginapi.Component = Live{}

// block is a component's Body, or the block that a templ file gives it.
func block(ctx context.Context, body pluginapi.Component) pluginapi.Component {
	if body != nil {
		return body
	}
	return templ.GetChildren(ctx)
}

// Render writes the part.
func (l Live) Render(ctx context.Context, w io.Writer) error {
	every := l.Every
	if every == 0 {
		every = 5 * time.Second
	}
	open := `<script type="module" src="` + templ.EscapeString(AssetURL(ctx, "live.js")) + `"></script><ui-live id="` + templ.EscapeString(or(l.ID, "live")) + `" data-every="` + strconv.Itoa(max(1, int(every/time.Second))) + `"`
	if src, ok := SafeURL(l.Src); ok && src != "" {
		open += ` data-src="` + templ.EscapeString(src) + `"`
	}
	if l.Say != "" {
		open += ` data-say="` + templ.EscapeString(l.Say) + `"`
	}
	if _, err := io.WriteString(w, open+`><div class="ui-stack">`); err != nil {
		return err
	}
	if err := block(ctx, l.Body).Render(templ.ClearChildren(ctx), w); err != nil {
		return err
	}
	_, err := io.WriteString(w, `</div><p class="ui-hidden" role="status"></p></ui-live>`)
	return err
}
