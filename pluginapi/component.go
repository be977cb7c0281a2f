package pluginapi

import (
	"context"
	"io"
)

// Component is a piece of HTML that can draw itself. Components of templ satisfy it as they are; html/template and gomponents need three lines (see [ComponentFunc]).
//
// Render writes a complete, well-formed fragment to w and escapes whatever it did not write itself. It returns when ctx ends.
// A Component is drawn at most once per value and by one goroutine, unless its own documentation promises more.
type Component interface {
	Render(ctx context.Context, w io.Writer) error
}

// ComponentFunc makes a function a [Component].
type ComponentFunc func(ctx context.Context, w io.Writer) error

// Render calls f.
func (f ComponentFunc) Render(ctx context.Context, w io.Writer) error { return f(ctx, w) }
