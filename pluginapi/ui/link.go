package ui

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Link leads somewhere. An address that [SafeURL] refuses draws the text alone. Links to other sites carry a mark and tell that site nothing about this page.
type Link struct {
	Href string
	Text string              // empty means Href
	Icon string              // a name of [Icon], before the text
	Body pluginapi.Component // instead of Icon and Text
	Hint string              // longer words, shown on hover
}

var _ pluginapi.Component = Link{}

// Render writes the link. It is written by hand because tables are full of them, and so that no space slips between the tags and the text.
func (l Link) Render(ctx context.Context, w io.Writer) error {
	address, ok := SafeURL(l.Href)
	if !ok {
		return l.text(ctx, w)
	}
	open := `<a class="ui-link" href="` + templ.EscapeString(address) + `"`
	if l.Hint != "" {
		open += ` title="` + templ.EscapeString(l.Hint) + `"`
	}
	if external(address) {
		open += ` rel="noopener noreferrer"`
	}
	if _, err := io.WriteString(w, open+">"); err != nil {
		return err
	}
	if err := l.text(ctx, w); err != nil {
		return err
	}
	if external(address) && !strings.HasPrefix(strings.ToLower(address), "mailto:") {
		if err := (icon{name: "external-link", class: "ui-external", label: "(other site)"}).Render(ctx, w); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "</a>")
	return err
}

func (l Link) text(ctx context.Context, w io.Writer) error {
	if l.Body != nil {
		return l.Body.Render(ctx, w)
	}
	text := templ.EscapeString(or(l.Text, l.Href))
	if l.Icon != "" {
		if err := (icon{name: l.Icon}).Render(ctx, w); err != nil {
			return err
		}
		text = " " + text
	}
	_, err := io.WriteString(w, text)
	return err
}
