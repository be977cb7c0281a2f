package unit

import (
	"net/http"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// Handler serves this unit's extensions to the other units, below [RelayPath]. find returns the relay of an extension that runs here, or nil.
// Whoever has no token of the portal's is refused.
func (k Keys) Handler(find func(extension string) http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		principal, found, err := k.Principal(r)
		if err == nil && !found {
			err = pluginapi.Unauthenticated("only units of this portal may call this")
		}
		if err != nil {
			pluginapi.RelayError(w, err)
			return
		}
		extension := r.URL.Path[len(RelayPath):]
		relay := find(extension)
		if relay == nil {
			pluginapi.RelayError(w, pluginapi.NotFound("this unit does not serve %s", extension))
			return
		}
		r.Header.Del(tokenHeader)
		relay.ServeHTTP(w, r.WithContext(pluginapi.WithPrincipal(r.Context(), principal)))
	})
}
