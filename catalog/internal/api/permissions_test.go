package api

import (
	"encoding/json"
	"testing"

	"github.com/proscenium-dev/proscenium/pluginapi"
)

func FuzzReadCondition(f *testing.F) {
	for _, seed := range []string{
		`{"rule":"IS_ENTITY_KIND","resourceType":"catalog-entity","params":{"kinds":["group"]}}`, `{"not":{"rule":"HAS_LABEL","resourceType":"catalog-entity"}}`,
		`{"anyOf":[{"allOf":[{"not":{}}]}]}`, `{"allOf":null,"rule":null}`, `{"anyOf":{}}`, `[]`, `null`, `{"rule":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		condition, err := readCondition(text, 0)
		if err != nil {
			if status, name, _ := pluginapi.Describe(err); status != 400 || name != "InputError" {
				t.Fatalf("%q: %v is not for who asked", text, err)
			}
			return
		}
		if _, err := json.Marshal(condition); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
