package access

import (
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/location"
	"github.com/proscenium-dev/proscenium/catalog/internal/model"
)

func TestProposedNames(t *testing.T) {
	t.Parallel()
	kinds, err := model.New(model.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"shop": "shop", "My Repo_": "My-Repo", ".github": "github", "a.b_c-d": "a.b_c-d", "größe": "gr--e", "店": "component", "a/../b": "a-..-b",
		strings.Repeat("x", 62) + ".y": strings.Repeat("x", 62), strings.Repeat("x", 80): strings.Repeat("x", 63),
	} {
		entity := proposal(location.Repository{Owner: "acme", Name: name})
		if entity.Metadata.Name != want {
			t.Errorf("%s: proposed %s, want %s", name, entity.Metadata.Name, want)
		}
		entity.Spec["owner"] = "somebody"
		if problems := kinds.Validate(entity.Object()); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
