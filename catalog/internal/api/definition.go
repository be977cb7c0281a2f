package api

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

// definition answers with spec.definition of an entity as a text, for people who look at it and programs that take it as a file.
func (a *API) definition(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	body, err := a.catalog.ByName(r.Context(), named(r))
	if err != nil {
		return err
	}
	var entity struct {
		Spec struct {
			Definition json.RawMessage `json:"definition"`
		} `json:"spec"`
	}
	var text string
	if err := json.Unmarshal(body, &entity); err != nil {
		return err
	}
	if json.Unmarshal(entity.Spec.Definition, &text) != nil || text == "" { // other kinds may have something else there
		return pluginapi.NotFound("%s has no definition", named(r))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // an error here means that the client has left
	return nil
}
