package unit

import (
	"net/http"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// errorHeader tells the other unit that an answer is an error of the portal's shape, and not something that the plugin wrote.
const errorHeader = "Proscenium-Relayed-Error"

// Relayed serves one of this unit's extensions to the other units, at [RelayPath] and its id. Whoever has no token of the portal's is refused.
func (k Keys) Relayed(serve pluginapi.RouteFunc) pluginapi.RouteFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		principal, found, err := k.Principal(r)
		switch {
		case err == nil && !found:
			err = pluginapi.Unauthenticated("only units of this portal may call this")
		case err == nil:
			r = r.WithContext(pluginapi.WithPrincipal(r.Context(), principal))
			r.Header.Del(tokenHeader)
			err = serve(w, r)
		}
		if err != nil {
			w.Header().Set(errorHeader, "true")
		}
		return err
	}
}
