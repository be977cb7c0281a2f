package catalog_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog"
	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// TestAnalyze asks about repositories that have descriptors, that have none, and that cannot be looked into.
func TestAnalyze(t *testing.T) {
	t.Parallel()
	s := newSourceHost(t, map[string]string{
		"catalog-info.yaml":             component("shop") + "---\n" + component("till") + "---\nno: entity\n",
		"a/catalog-info.yaml":           component("kiosk"),
		"b/catalog-info.yaml":           "{",
		"other.yaml":                    component("other"),
		"gitlab/sub%2Fcatalog-info.yml": component("deep"),
	})
	p := plugintest.StartWith(t, plugintest.Options{Environ: tokens(), Config: s.remote(private + "other.yaml")}, catalog.Plugin())
	const gh, gl = "https://ghe.example.com/acme/private", "https://gitlab.example.com/g/sub/p"
	var added catalogcommon.AddLocationResponse
	p.Post(api+"/locations", map[string]any{"type": "url", "target": gh + "/blob/main/a/catalog-info.yaml"}).Want(201).JSON(&added)
	ask := func(target, filename string) *plugintest.Response {
		t.Helper()
		body := map[string]any{"location": map[string]string{"type": "url", "target": target}}
		if filename != "" {
			body["catalogFilename"] = filename
		}
		return p.Post(api+"/analyze-location", body)
	}
	for _, test := range []struct {
		target, filename string
		existing         []string // entity and place, with a + if it is registered
		name, annotation string   // of the proposal
	}{
		{target: gh, existing: []string{"shop " + gh + "/blob/main/catalog-info.yaml", "till " + gh + "/blob/main/catalog-info.yaml", "kiosk " + gh + "/blob/main/a/catalog-info.yaml+"}},
		{target: "git@ghe.example.com:acme/private.git", filename: "a/catalog-info.yaml", existing: []string{"kiosk " + gh + "/blob/main/a/catalog-info.yaml+"}},
		{target: gl, filename: "catalog-info.yml", existing: []string{"deep " + gl + "/-/blob/main/sub/catalog-info.yml"}},
		{target: gl, name: "p", annotation: "gitlab.com/project-slug=g/sub/p"},
		{target: gh, filename: "none.yaml", name: "private", annotation: "github.com/project-slug=acme/private"},
		{target: "https://dev.azure.com/org/proj/_git/My%20Repo_", name: "My-Repo", annotation: "dev.azure.com/project-slug=proj/My Repo_"},
		{target: "https://git.invalid/acme/shop", name: "shop"},
	} {
		var answer catalogcommon.AnalyzeLocationResponse
		ask(test.target, test.filename).Want(200).JSON(&answer)
		var existing []string
		for _, file := range answer.ExistingEntityFiles {
			text := file.Entity.Metadata.Name + " " + file.Location.Target
			if file.IsRegistered {
				text += "+"
			}
			existing = append(existing, text)
		}
		if !slices.Equal(existing, test.existing) || answer.ExistingEntityFiles == nil || answer.GenerateEntities == nil || len(answer.GenerateEntities) > 0 != (test.existing == nil) {
			t.Errorf("%s has %q (and %d proposals), want %q", test.target, existing, len(answer.GenerateEntities), test.existing)
		}
		for _, proposed := range answer.GenerateEntities {
			annotation := ""
			for key, value := range proposed.Entity.Metadata.Annotations {
				annotation = key + "=" + value
			}
			if proposed.Entity.Metadata.Name != test.name || annotation != test.annotation {
				t.Errorf("%s: proposed %+v", test.target, proposed.Entity.Metadata)
			}
		}
	}
	if missing := ask("https://ghe.example.com/acme/none", "").Want(404); !strings.Contains(string(missing.Body), "or the token under integrations may not read it") {
		t.Errorf("%s", missing.Body)
	}
	for _, target := range []string{"nonsense", "https://ghe.example.com/acme", "https://git.invalid"} {
		ask(target, "").Want(400)
	}
	p.Post(api+"/analyze-location", map[string]any{"location": map[string]string{"type": "url", "target": "https://git.invalid/a/b", "presence": "optional"}}).Want(400)

	s.Close()
	var answer catalogcommon.AnalyzeLocationResponse
	ask(gh, "").Want(http.StatusOK).JSON(&answer)
	if len(answer.GenerateEntities) != 1 || !strings.Contains(p.Log(), "descriptors cannot be looked for in a repository") {
		t.Errorf("with a host that is down: %+v\n%s", answer, p.Log())
	}
}
