package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

// What turns out to be wrong when an entity is processed shows where its file says so, also after that has moved.
func TestPlacesOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		location := "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: parts}\nspec:\n  target: ./none.yaml\n  targets:\n    - ./b.yaml\n    - ./nothing.yaml\n---\n"
		api := "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: pets}\nspec:\n  type: openapi\n  lifecycle: production\n  owner: x\n  definition:\n    $text: ./pets.txt\n  more/more:\n    - a\n    - {$text: ./more.txt}\n"
		c.write("b.yaml", component("b", "x"))
		c.write("pets.txt", "pets")
		c.write("more.txt", "more")
		path := c.write("a.yaml", location+api)
		c.register(path)
		c.must("api:default/pets")
		faults := func(ref string) map[string]string {
			found := map[string]string{}
			if status := c.must(ref).Status; status != nil {
				for _, item := range status.Items {
					found[item.Error.At.Pointer] = strings.TrimPrefix(item.Error.At.String(), "file:"+path+":")
				}
			}
			return found
		}
		want := func(ref string, places map[string]string) {
			t.Helper()
			if got := faults(ref); fmt.Sprint(got) != fmt.Sprint(places) {
				t.Errorf("%s: places %v, want %v", ref, got, places)
			}
		}
		want("location:default/parts", map[string]string{"/spec/target": "5:3", "/spec/targets/1": "8:7"})

		c.write("a.yaml", "# moved\n"+location+strings.NewReplacer("pets.txt", "pets.tex", "more.txt", "more.tex").Replace(api))
		c.reread("component:default/b")
		c.reread("api:default/pets")
		want("location:default/parts", map[string]string{"/spec/target": "6:3", "/spec/targets/1": "9:7"})
		want("api:default/pets", map[string]string{"/spec/definition": "18:3", "/spec/more~1more/1": "22:7"})
		if !strings.Contains(c.log.String(), path+":22:7") {
			t.Errorf("the log does not say where:\n%s", c.log)
		}
		if c.must("component:default/b").Annotation(catalogcommon.AnnotationOrphan) != "" {
			t.Error("b is an orphan")
		}
	})
}
