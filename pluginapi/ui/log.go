package ui

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// LogView shows the output of a program: numbered lines that can be linked to (#build-L12), with the colours of terminals as far as they are readable here.
type LogView struct {
	ID      string // prefix of the lines' ids; empty means "log". Two on one page need different ones
	Label   string // what it is the output of; empty means "Log"
	Text    string
	First   int    // number of the first line; zero means 1
	Wrap    bool   // breaks long lines instead of scrolling
	Omitted int    // lines left out before the first; said at the top
	RawHref string // of the same as plain text
}

var _ pluginapi.Component = LogView{}

// logChunk is how many bytes are gathered before they are written.
const logChunk = 16 << 10

// Render writes the lines in chunks, so that a log of many megabytes is not held twice. It stops when ctx ends.
func (l LogView) Render(ctx context.Context, w io.Writer) error {
	id := templ.EscapeString(or(l.ID, "log"))
	label := templ.EscapeString(or(l.Label, "Log"))
	open := `<div class="ui-log`
	if l.Wrap {
		open += ` ui-wrap`
	}
	if _, err := io.WriteString(w, open+`"><div class="ui-log-head"><span>`+label+`</span>`); err != nil {
		return err
	}
	if address, ok := SafeURL(l.RawHref); ok {
		if err := (Link{Href: address, Text: "Plain text", Icon: "download"}).Render(ctx, w); err != nil {
			return err
		}
	}
	html := make([]byte, 0, logChunk+4<<10)
	html = append(html, `</div><div class="ui-log-lines" role="group" tabindex="0" aria-label="`+label+`">`...)
	if l.Omitted > 0 {
		html = append(html, `<p class="ui-muted">`+groupDigits(int64(l.Omitted))+` earlier lines are left out</p>`...)
	}
	var style ansiStyle
	number := max(1, l.First)
	text := strings.TrimSuffix(strings.ToValidUTF8(l.Text, "\uFFFD"), "\n")
	if text == "" {
		html = append(html, `<p class="ui-muted">No output</p>`...)
	} else {
		for line := range strings.SplitSeq(text, "\n") {
			html = append(html, `<div id="`...)
			html = append(html, id...)
			html = append(html, "-L"...)
			html = strconv.AppendInt(html, int64(number), 10)
			html = append(html, `"><a href="#`...)
			html = append(html, id...)
			html = append(html, "-L"...)
			html = strconv.AppendInt(html, int64(number), 10)
			html = append(html, `">`...)
			html = strconv.AppendInt(html, int64(number), 10)
			html = append(html, `</a><span>`...)
			html = appendANSI(html, line, &style)
			html = append(html, "</span></div>\n"...)
			number++
			if len(html) >= logChunk {
				if err := ctx.Err(); err != nil {
					return err
				}
				if _, err := w.Write(html); err != nil {
					return err
				}
				html = html[:0]
			}
		}
	}
	html = append(html, `</div></div>`...)
	_, err := w.Write(html)
	return err
}
