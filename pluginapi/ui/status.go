package ui

import (
	"context"
	"io"

	"github.com/a-h/templ"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// State is how something fares.
type State uint8

// The states. The zero value is unknown.
const (
	StateUnknown State = iota
	StateOK
	StateWarning
	StateError
	StateRunning
	StatePending
	StateAborted
)

// Status tells a state by an icon and words; the colour only repeats them.
type Status struct {
	State State
	Text  string // what to call it here: "Passing", "3 failed"; empty means the state's own name
	Hint  string // longer words, shown on hover
}

var _ pluginapi.Component = Status{}

// String returns the word shown when a [Status] has no text.
func (s State) String() string {
	switch s {
	case StateOK:
		return "OK"
	case StateWarning:
		return "Warning"
	case StateError:
		return "Error"
	case StateRunning:
		return "Running"
	case StatePending:
		return "Pending"
	case StateAborted:
		return "Aborted"
	}
	return "Unknown"
}

// parts returns the opening tag's class attribute and the icon of a state.
func (s State) parts() (class, icon string) {
	switch s {
	case StateOK:
		return "ui-status ui-ok", "circle-check"
	case StateWarning:
		return "ui-status ui-warning", "triangle-alert"
	case StateError:
		return "ui-status ui-error", "circle-x"
	case StateRunning:
		return "ui-status ui-running", "loader-circle"
	case StatePending:
		return "ui-status ui-pending", "clock"
	case StateAborted:
		return "ui-status ui-aborted", "circle-slash"
	}
	return "ui-status ui-unknown", "circle-question-mark"
}

// Render writes the status. It is written by hand because tables are full of them.
func (s Status) Render(ctx context.Context, w io.Writer) error {
	class, name := s.State.parts()
	open := `<span class="` + class + `"`
	if s.Hint != "" {
		open += ` title="` + templ.EscapeString(s.Hint) + `"`
	}
	if _, err := io.WriteString(w, open+">"); err != nil {
		return err
	}
	if err := (icon{name: name}).Render(ctx, w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "<span>"+templ.EscapeString(or(s.Text, s.State.String()))+"</span></span>")
	return err
}
