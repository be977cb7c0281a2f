// Package observe is how the engines tell what they are doing, so that metrics and traces live in one place and the engines know neither.
package observe

import "context"

// Observer follows the statements of one plugin. Its methods are called from many goroutines.
type Observer interface {
	// Statement is called before text runs. The engine runs the statement with the context it returns, and calls done once: when the statement has its result or its first row.
	Statement(ctx context.Context, text string) (_ context.Context, done func(error))
}

// Nobody observes nothing.
type Nobody struct{}

var _ Observer = Nobody{}

// Statement returns ctx.
func (Nobody) Statement(ctx context.Context, _ string) (context.Context, func(error)) {
	return ctx, func(error) {}
}
