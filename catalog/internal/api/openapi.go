package api

import (
	_ "embed" // for the document
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
)

//go:embed openapi.yaml
var openapiYAML []byte

// openapiJSON converts the document when it is first asked for, and then never again: it would cost each start some milliseconds.
func openapiJSON() func() ([]byte, error) {
	return sync.OnceValues(func() ([]byte, error) {
		document, err := descriptor.Value(openapiYAML, descriptor.Limits{})
		if err != nil {
			return nil, fmt.Errorf("read the OpenAPI document: %w", err)
		}
		return json.Marshal(document)
	})
}

func (a *API) document(w http.ResponseWriter, r *http.Request) error {
	if err := noParams(r); err != nil {
		return err
	}
	text, err := a.openapi()
	return entity(w, text, err)
}
