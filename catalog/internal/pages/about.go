package pages

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi"
	"github.com/proscenium-dev/proscenium/pluginapi/ui"
)

// failed is what stands in place of a part that could not be shown.
func failed(what string, err error, r *http.Request) pluginapi.Component {
	if errors.Is(err, context.DeadlineExceeded) {
		slow := ui.Slow{}
		if r != nil {
			slow.RetryHref = r.URL.RequestURI()
		}
		return slow
	}
	_, _, message := pluginapi.Describe(err)
	panel := ui.ErrorPanel{Title: what + " could not be shown", Message: message, Remedy: "The rest of the page is not affected. Reload it to try again."}
	if r != nil {
		panel.RetryHref = r.URL.RequestURI()
	}
	return panel
}

// status says what the catalog could not do with the entity.
func status(e *catalogcommon.Entity) pluginapi.Component {
	var parts []pluginapi.Component
	if e.Annotation(catalogcommon.AnnotationOrphan) == "true" {
		parts = append(parts, ui.Notice{Tone: ui.ToneWarning, Title: "Orphan", Text: "No location leads to this entity any more. It will be removed unless one does again."})
	}
	if e.Status != nil {
		for _, item := range e.Status.Items {
			tone := ui.ToneInfo
			if item.Level != catalogcommon.LevelInfo {
				tone = ui.ToneWarning
			}
			text := item.Message
			if item.Error != nil {
				text = catalogcommon.ErrorInfo{Message: text, At: item.Error.At}.String()
			}
			parts = append(parts, ui.Notice{Tone: tone, Title: "Its last reading had a problem", Text: text})
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return ui.Stack(parts...)
}

// about is the card with the description.
func about(e *catalogcommon.Entity) pluginapi.Component {
	card := ui.Card{Title: "About", Body: ui.Muted("No description.")}
	if e.Metadata.Description != "" {
		card.Body = ui.Markdown(e.Metadata.Description, ui.MarkdownOptions{})
	}
	if view := e.Annotation(catalogcommon.AnnotationViewURL); view != "" {
		card.Actions = append(card.Actions, ui.ButtonLink{Href: view, Text: "View source", Icon: "code-xml"})
	}
	if edit := e.Annotation(catalogcommon.AnnotationEditURL); edit != "" {
		card.Actions = append(card.Actions, ui.ButtonLink{Href: edit, Text: "Edit", Icon: "pencil"})
	}
	return card
}

// timesPatience bounds how long a page waits to say since when the entity is there. Everything else on it is in memory.
const timesPatience = time.Second

// facts is the card with what is known at a glance.
func (p *Pages) facts(ctx context.Context, e *catalogcommon.Entity) pluginapi.Component {
	ref := e.Ref()
	list := ui.DescriptionList{Items: []ui.Description{{Term: "Reference", Value: ui.Mono(ref.String())}}}
	add := func(term string, value pluginapi.Component) {
		if value != nil {
			list.Items = append(list.Items, ui.Description{Term: term, Value: value})
		}
	}
	text := func(s string) pluginapi.Component {
		if s == "" {
			return nil
		}
		return ui.Text(s)
	}
	add("Type", text(e.SpecString("type")))
	add("Lifecycle", lifecycle(e.SpecString("lifecycle")))
	if profile, ok := e.Spec["profile"].(map[string]any); ok {
		if mail, ok := profile["email"].(string); ok && mail != "" {
			add("E-mail", ui.Link{Href: "mailto:" + mail, Text: mail})
		}
	}
	if len(e.Metadata.Tags) > 0 {
		add("Tags", ui.Tags(e.Metadata.Tags...))
	}
	add("Targets", targets(e))
	add("Read from", location(e.Annotation(catalogcommon.AnnotationLocation)))
	ctx, cancel := context.WithTimeout(ctx, timesPatience)
	defer cancel()
	switch created, updated, err := p.ingestion.Times(ctx, ref); {
	case err != nil:
		p.log.WarnContext(ctx, "a page does not say when its entity changed", "entity", ref.String(), "error", err)
	case !created.IsZero():
		add("In the catalog since", ui.Time(created))
		add("Last changed", ui.Time(updated))
	}
	return ui.Card{Title: "Details", Body: list}
}

// targets are the places that a Location leads to, the first mostRelated of them.
func targets(e *catalogcommon.Entity) pluginapi.Component {
	if e.Kind != catalogcommon.KindLocation {
		return nil
	}
	var parts []pluginapi.Component
	rest := 0
	more, _ := e.Spec["targets"].([]any)
	for _, value := range append([]any{e.Spec["target"]}, more...) {
		target, _ := value.(string)
		switch {
		case target == "":
		case len(parts) == 2*mostRelated:
			rest++
		default:
			parts = append(parts, ui.Mono(target), pluginapi.Drawn("<br>"))
		}
	}
	switch {
	case len(parts) == 0:
		return nil
	case rest > 0:
		parts = append(parts, ui.Text("and "+grouped(rest)+" more"))
	default:
		parts = parts[:len(parts)-1]
	}
	return ui.Group(parts...)
}

// location shows where a descriptor is: a link if that is somewhere on the web.
func location(ref string) pluginapi.Component {
	if ref == "" {
		return nil
	}
	if target, ok := strings.CutPrefix(ref, "url:"); ok {
		return ui.Link{Href: target, Text: target}
	}
	return ui.Mono(ref)
}

// links is the card with the entity's own links; none without any.
func links(e *catalogcommon.Entity) pluginapi.Component {
	if len(e.Metadata.Links) == 0 {
		return nil
	}
	parts := make([]pluginapi.Component, 0, len(e.Metadata.Links))
	for _, link := range e.Metadata.Links {
		parts = append(parts, ui.Link{Href: link.URL, Text: link.Title, Icon: "link"})
	}
	return ui.Card{Title: "Links", Body: ui.Stack(parts...)}
}
