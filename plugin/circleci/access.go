package circleci

import (
	"context"
	"net/http"

	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/api"
	"github.com/proscenium-dev/proscenium/plugin/circleci/internal/shelf"
	"github.com/proscenium-dev/proscenium/pluginapi"
)

// readPermission is required of users whose browsers ask CircleCI through the proxy.
var readPermission = pluginapi.Permission{Name: "circleci.api.read", Action: "read"}

// access decides who may use the portal's token, and for what.
type access struct {
	config     *pluginapi.Live[Config]
	self       pluginapi.Self
	authorizer pluginapi.Authorizer
	shelf      *shelf.Shelf
}

func newAccess(config *pluginapi.Live[Config], self pluginapi.Self, authorizer pluginapi.Authorizer, s *shelf.Shelf) *access {
	return &access{config, self, authorizer, s}
}

// prepare adds the token. Everybody else than the plugin itself can read only: what changes something goes through the plugin's own routes, which ask for a permission and remember who it was.
func (a *access) prepare(ctx context.Context, out *http.Request) error {
	if own := pluginapi.PluginSelf(a.self.ID()); pluginapi.PrincipalFrom(ctx).Ref != own.Ref {
		if out.Method != http.MethodGet && out.Method != http.MethodHead {
			return pluginapi.NotAllowed("this endpoint is for reading; run workflows again on the CircleCI tab of their entity")
		}
		if err := pluginapi.Require(ctx, a.authorizer, readPermission, ""); err != nil {
			return err
		}
	}
	token := a.config.Get().Token
	if token.IsZero() {
		return api.NoToken()
	}
	out.Header.Set("Circle-Token", token.Reveal())
	return nil
}

// healthy tells whether CircleCI works for this portal. Missing projects are their entities' matter.
func (a *access) healthy(context.Context) error {
	if fault := a.shelf.State().Fault; fault != nil && fault.Kind != api.NotFound && fault.Kind != api.Refused {
		return fault
	}
	return nil
}
