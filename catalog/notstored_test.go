package catalog_test

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// TestNotToBeStored has descriptors with a character that PostgreSQL does not store, or texts that are too long for an index, in what the catalog keeps beside an entity's text. Each is a fault with its place, and its neighbours
// in the file come in.
func TestNotToBeStored(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 4000) // which cannot be compressed
	_, _ = rand.Read(noise)     // it does not fail
	long := hex.EncodeToString(noise)
	component := func(metadata, spec string) string {
		return "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {" + metadata + "}\nspec: {type: a, lifecycle: b, " + spec + "}\n"
	}
	place := func(spec string) string {
		return "---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: bad}\nspec: {" + spec + "}\n"
	}
	bad := map[string]string{
		"name.yaml":           component(`name: "a\0b"`, "owner: c"),
		"namespace.yaml":      component(`name: bad, namespace: "a\0"`, "owner: c"),
		"kind.yaml":           strings.Replace(component("name: bad", "owner: c"), "kind: Component", `kind: "Comp\0"`, 1),
		"owner.yaml":          component("name: bad-owner", `owner: "c\0"`),
		"depends.yaml":        component("name: bad-list", `owner: c, dependsOn: ["component:x\0"]`),
		"label.yaml":          component(`name: bad-label, labels: {a: "\0"}`, "owner: c"),
		"annotation.yaml":     component(`name: bad-annotation, annotations: {"a\0": b}`, "owner: c"),
		"text.yaml":           component("name: bad-text", `owner: c, x: {$text: "./a\0"}`),
		"target.yaml":         place(`target: "./x\0.yaml"`),
		"targets.yaml":        strings.Replace(place(`type: url, targets: ["https://git.invalid/\0.yaml"]`), "name: bad", "name: bad-targets", 1),
		"long-name.yaml":      component("name: "+long, "owner: c"),
		"long-namespace.yaml": component("name: bad, namespace: "+long, "owner: c"),
		"long-target.yaml":    strings.Replace(place("target: ./"+long), "name: bad", "name: bad-long", 1),
		"long-url.yaml":       strings.Replace(place("type: url, targets: ['https://git.invalid/"+long+"1', 'https://git.invalid/"+long+"2']"), "name: bad", "name: bad-url", 1),
		"type.yaml":           strings.Replace(place(`type: "ur\0", target: x`), "name: bad", "name: bad-type", 1),
	}
	files := map[string]string{"values.yaml": component(`name: fine, title: "a\0", annotations: {a: "\0", b: `+long+`}`, `owner: c, x: "\0", system: `+long)} // these are in its text only
	for name, text := range bad {
		files[name] = service("first-"+strings.TrimSuffix(name, ".yaml"), "sea") + text + service("last-"+strings.TrimSuffix(name, ".yaml"), "sea")
	}
	inTrouble(t, files, func(t *testing.T, p *troubled) {
		p.Eventually("all is read", func() bool { return p.entity("component:fine") != nil && p.entity("component:last-type") != nil })
		var problems struct {
			Items []struct {
				EntityRef, Place string
				Error            catalogcommon.ErrorInfo
			}
		}
		for name := range bad {
			for _, neighbour := range []string{"first-", "last-"} {
				p.Eventually(neighbour+name+" is there", func() bool { return p.entity("component:"+neighbour+strings.TrimSuffix(name, ".yaml")) != nil })
			}
			found := ""
			p.Eventually("what is wrong with "+name+" is known", func() bool {
				p.Get(api + "/ingestion/problems").Want(200).JSON(&problems)
				for _, item := range problems.Items {
					if at := item.Error.At; at != nil && at.Source == "file:"+p.path(name) && at.Line > 9 {
						found = item.Error.Message
					}
				}
				return found != ""
			})
			if strings.Contains(found, "SQLSTATE") {
				t.Errorf("%s: %s", name, found)
			}
		}
		p.Post(api+"/locations", map[string]any{"type": "url", "target": "https://git.invalid/" + long}).Want(400)
	})
}
