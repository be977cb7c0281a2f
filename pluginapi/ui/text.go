package ui

import (
	"context"
	"io"
	"strconv"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Text is a string, escaped.
type Text string

var _ pluginapi.Component = Text("")

// Render writes the escaped text.
func (t Text) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, templ.EscapeString(string(t)))
	return err
}

// element is a span-like element around a string. Written by hand because tables are full of them.
type element struct{ open, text, end string }

// Render writes the element.
func (e element) Render(_ context.Context, w io.Writer) error {
	if _, err := io.WriteString(w, e.open); err != nil {
		return err
	}
	if _, err := io.WriteString(w, templ.EscapeString(e.text)); err != nil {
		return err
	}
	_, err := io.WriteString(w, e.end)
	return err
}

// Muted is text of less weight: a second thought beside a first one.
func Muted(text string) pluginapi.Component {
	return element{`<span class="ui-muted">`, text, `</span>`}
}

// Strong is text of more weight.
func Strong(text string) pluginapi.Component { return element{`<strong>`, text, `</strong>`} }

// Mono is an identifier, path or command in the monospace font.
func Mono(text string) pluginapi.Component { return element{`<code class="ui-mono">`, text, `</code>`} }

// Paragraph is one paragraph of text.
func Paragraph(text string) pluginapi.Component { return element{`<p>`, text, `</p>`} }

// Number is an integer with thousands separated by commas, in figures of equal width.
func Number(n int64) pluginapi.Component {
	return element{`<span class="ui-number">`, groupDigits(n), `</span>`}
}

func groupDigits(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Group draws components one after the other, with nothing around or between them. Nil ones are left out.
func Group(parts ...pluginapi.Component) pluginapi.Component { return group{parts: parts} }

// Stack puts components below each other with an even gap.
func Stack(parts ...pluginapi.Component) pluginapi.Component {
	return group{`<div class="ui-stack">`, parts, `</div>`}
}

// Inline puts components beside each other with a small gap; they wrap when there is no room.
func Inline(parts ...pluginapi.Component) pluginapi.Component {
	return group{`<div class="ui-inline">`, parts, `</div>`}
}

type group struct {
	open  string
	parts []pluginapi.Component
	end   string
}

// Render draws the parts in order and stops at the first error.
func (g group) Render(ctx context.Context, w io.Writer) error {
	if _, err := io.WriteString(w, g.open); err != nil {
		return err
	}
	for _, part := range g.parts {
		if part == nil {
			continue
		}
		if err := part.Render(ctx, w); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, g.end)
	return err
}
