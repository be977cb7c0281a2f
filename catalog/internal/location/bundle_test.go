package location_test

import (
	"strings"
	"testing"
	"testing/fstest"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/catalog/internal/descriptor"
	"github.com/proscenium-dev/proscenium/catalog/internal/location"

	"github.com/google/go-cmp/cmp"
)

func TestBundling(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"apis/plain.yaml": "# as it is\nopenapi: 3.0.0\nx: {$ref: '#/y'}\ny: 014\n",
		"apis/shop.yaml": `
openapi: 3.0.0
paths:
  /pets:
    get: {schema: {$ref: "./schemas/pet.yaml#/Pet", description: dropped}}
  /pets/{id}:
    get: {schema: {$ref: "./schemas/pet.yaml#/Pet"}}
    put: {$ref: schemas/whole.yaml}
local: {$ref: "#/paths"}
`,
		"apis/schemas/pet.yaml":   `{"Pet": {"mother": {"$ref": "#/Pet"}, "owner": {"$ref": "../people.yaml#/a~1b"}, "home": {"$ref": "../shop.yaml#/local"}}}`,
		"apis/schemas/whole.yaml": `list: [{$ref: "pet.yaml#/Pet"}, {$ref: "../people.yaml#/a~1b"}]`,
		"apis/people.yaml":        `"a/b": {name: Ada, since: "2020-01-01", answer: "yes"}`,
		"apis/circle.yaml":        `a: {$ref: "circle2.yaml#/b"}`,
		"apis/circle2.yaml":       `b: {$ref: "#/b"}`,
		"apis/gone.yaml":          `a: {$ref: "none.yaml"}`,
		"apis/nothing.yaml":       `a: {$ref: "people.yaml#/c"}`,
		"apis/out.yaml":           `a: {$ref: "../../../secret.yaml"}`,
		"apis/bad.yaml":           `a: [`,
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	references := location.References{Readers: location.Readers{"embedded": location.Embedded{FS: files}}}
	base := catalogcommon.LocationRef{Type: "embedded", Target: "apis/catalog-info.yaml"}
	resolve := func(name string) location.Substitution {
		entity := map[string]any{"spec": map[string]any{"definition": map[string]any{"$openapi": "./" + name}}}
		return location.Substitute(t.Context(), entity, location.BuiltinPlaceholders(descriptor.Limits{}), references.From(base, base))
	}
	definition := func(s location.Substitution) string {
		text, _ := s.Entity["spec"].(map[string]any)["definition"].(string)
		return text
	}
	if got := resolve("plain.yaml"); definition(got) != string(files["apis/plain.yaml"].Data) {
		t.Errorf("a definition in one file is not left as it is: %+v", got)
	}
	result := resolve("shop.yaml")
	want := `
local:
  $ref: '#/paths'
openapi: 3.0.0
paths:
  /pets:
    get:
      schema:
        home:
          $ref: '#/local'
        mother:
          $ref: '#/paths/~1pets/get/schema'
        owner:
          answer: 'yes'
          name: Ada
          since: '2020-01-01'
  /pets/{id}:
    get:
      schema:
        $ref: '#/paths/~1pets/get/schema'
    put:
      list:
      - $ref: '#/paths/~1pets/get/schema'
      - $ref: '#/paths/~1pets/get/schema/owner'
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), definition(result)); diff != "" {
		t.Errorf("bundled (-want +got):\n%s%v", diff, result.Errors)
	}
	if diff := cmp.Diff([]string{"embedded:apis/shop.yaml", "embedded:apis/schemas/pet.yaml", "embedded:apis/people.yaml", "embedded:apis/schemas/whole.yaml"}, result.Reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"circle.yaml": "leads back to itself", "gone.yaml": "embedded apis/none.yaml does not exist", "nothing.yaml": `has nothing at "/c"`, "out.yaml": "leads out of the folder apis", "bad.yaml": "failed to parse ./bad.yaml, line 1", "none.yaml": "could not read location ./none.yaml",
	} {
		if got := resolve(name); len(got.Errors) != 1 || !strings.Contains(got.Errors[0].Message, want) || !strings.HasPrefix(got.Errors[0].Message, "Placeholder $openapi ") || got.Errors[0].Pointer != "/spec/definition" {
			t.Errorf("%s: %+v, want %q", name, got.Errors, want)
		}
	}
}
