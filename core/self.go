package core

import (
	"context"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// self is a plugin's view of itself.
type self struct {
	id        string
	available func(id string) error
}

var _ pluginapi.Self = (*self)(nil)

// ID implements pluginapi.Self.
func (s *self) ID() string { return s.id }

// Available implements pluginapi.Self.
func (s *self) Available() error { return s.available(s.id) }

// As implements pluginapi.Self.
func (s *self) As(ctx context.Context) context.Context {
	return pluginapi.WithPrincipal(ctx, pluginapi.PluginSelf(s.id))
}
