package location_test

import (
	"context"
	"io/fs"
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
openapi: 3.0.0
paths:
  /pets:
    get:
      schema:
        mother:
          $ref: '#/paths/~1pets/get/schema'
        owner:
          name: Ada
          since: "2020-01-01"
          answer: "yes"
        home:
          $ref: '#/local'
  /pets/{id}:
    get:
      schema:
        $ref: '#/paths/~1pets/get/schema'
    put:
      list:
      - $ref: '#/paths/~1pets/get/schema'
      - $ref: '#/paths/~1pets/get/schema/owner'
local:
  $ref: '#/paths'
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

// webFiles reads locations of type url out of a map.
type webFiles map[string]string

func (w webFiles) Read(_ context.Context, request location.Request) (location.Result, error) {
	text, ok := w[request.Target]
	if !ok {
		return location.Result{}, fs.ErrNotExist
	}
	return location.Result{Files: []location.File{{Target: request.Target, Text: []byte(text)}}}, nil
}

// Definitions are often kept in a repository of their own, which other placeholders cannot reach.
func TestDefinitionsInOtherRepositories(t *testing.T) {
	t.Parallel()
	const other = "https://github.com/acme/apis/tree/main/"
	references := location.References{Readers: location.Readers{"url": webFiles{
		other + "shop.yaml":   "zoo: 1\npet: {$ref: './pet.yaml'}\nuser: {$ref: 'https://gitlab.com/g/people/-/blob/main/user.yaml#/User'}\n",
		other + "pet.yaml":    "name: pet\nage: 7\n",
		other + "README.md":   "text",
		other + "events.yaml": "asyncapi: 3.0.0\n",
		"https://gitlab.com/g/people/-/blob/main/user.yaml":      "User: {$ref: '/deep/user.yaml'}\n",
		"https://gitlab.com/g/people/-/blob/main/deep/user.yaml": "{\"type\": \"object\", \"nullable\": false}\n",
	}}}
	base := catalogcommon.LocationRef{Type: "url", Target: "https://github.com/acme/shop/blob/main/catalog-info.yaml"}
	for key, tt := range map[string]struct{ target, want string }{
		"$openapi":  {"shop.yaml", "zoo: 1\npet:\n  name: pet\n  age: 7\nuser:\n  type: object\n  nullable: false\n"},
		"$asyncapi": {"events.yaml", "asyncapi: 3.0.0\n"},
		"$text":     {"README.md", "!is in another repository"},
		"$yaml":     {"pet.yaml", "!is in another repository"},
		"$json":     {"pet.yaml", "!is in another repository"},
	} {
		entity := map[string]any{"spec": map[string]any{"definition": map[string]any{key: "https://github.com/acme/apis/blob/main/" + tt.target}}}
		result := location.Substitute(t.Context(), entity, location.BuiltinPlaceholders(descriptor.Limits{}), references.From(base, base))
		got := result.Entity["spec"].(map[string]any)["definition"]
		if want, isError := strings.CutPrefix(tt.want, "!"); isError {
			if len(result.Errors) != 1 || !strings.Contains(result.Errors[0].Message, want) {
				t.Errorf("%s: %v, %v; want an error with %q", key, got, result.Errors, want)
			}
		} else if got != tt.want {
			t.Errorf("%s: %v, %v; want %q", key, got, result.Errors, tt.want)
		}
	}
}
