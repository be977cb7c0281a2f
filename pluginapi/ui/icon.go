package ui

import (
	"context"
	"io"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

const (
	defaultIcon = "box"                  // of what has none
	unknownIcon = "circle-question-mark" // of what has one that there is not: a question, since it is a mistake that is to be seen
)

// Icon draws a 16 px icon of the sprite in the colour of the surrounding text; the package's documentation lists the names. With a label it is an image of that name to assistive technology; with an
// empty one it is decoration and hidden from it. An empty name draws a neutral box, one that the sprite does not hold a question mark with the name in its attribute data-unknown; [HasIcon] tells.
func Icon(name, label string) pluginapi.Component { return icon{name: name, label: label} }

type icon struct {
	name, label, class string
}

// Render writes the svg element. It is written by hand, not in templ, because a table of entities draws hundreds.
func (i icon) Render(ctx context.Context, w io.Writer) error {
	name := i.name
	open := `<svg class="ui-icon`
	if i.class != "" {
		open += " " + i.class
	}
	if name == "" {
		name = defaultIcon
	} else if !HasIcon(name) {
		open += `" data-unknown="` + templ.EscapeString(name)
		name = unknownIcon
	}
	if i.label == "" {
		open += `" aria-hidden="true" focusable="false"><use href="`
	} else {
		open += `" role="img" aria-label="` + templ.EscapeString(i.label) + `"><use href="`
	}
	_, err := io.WriteString(w, open+templ.EscapeString(assetURL(ctx, "icons.svg"))+"#"+name+`"></use></svg>`)
	return err
}

// HasIcon reports whether the sprite holds the name.
func HasIcon(name string) bool {
	switch name {
	case "activity", "app-window", "arrow-down", "arrow-left", "arrow-right", "arrow-up", "arrow-up-down", "ban", "bell",
		"blocks", "book-open", "box", "boxes", "braces", "building-2", "calendar", "chart-line", "check", "chevron-down",
		"chevron-left", "chevron-right", "chevrons-up-down", "circle-alert", "circle-check", "circle-dashed", "circle-dot",
		"circle-play", "circle-question-mark", "circle-slash", "circle-stop", "circle-x", "clock", "cloud", "code-xml",
		"component", "copy", "database", "download", "ellipsis", "external-link", "eye", "file-code", "file-text", "folder",
		"funnel", "gauge", "git-branch", "git-commit-horizontal", "git-pull-request", "globe", "hard-drive", "history",
		"house", "inbox", "info", "key-round", "layers", "layout-dashboard", "life-buoy", "lightbulb", "link", "list",
		"loader-circle", "lock", "log-in", "log-out", "mail", "map-pin", "megaphone", "menu", "message-square", "minus",
		"monitor", "moon", "network", "package", "panel-left", "pencil", "play", "plug", "plus", "puzzle", "radar",
		"refresh-cw", "rocket", "rotate-ccw", "search", "server", "settings", "shield", "sparkles", "square", "star",
		"stethoscope", "sun", "table", "tag", "terminal", "trash-2", "trending-up", "triangle-alert", "upload", "user",
		"users", "waypoints", "webhook", "workflow", "wrench", "x", "zap", "proscenium":
		return true
	}
	return false
}
