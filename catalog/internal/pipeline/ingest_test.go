package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

func TestIngestion(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		root := c.write("catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: root\nspec:\n  targets: [./a.yaml, ./b/*.yaml]\n")
		c.write("a.yaml", component("Shop", "payments")+"---\n"+group("payments"))
		c.write("b/one.yaml", component("till", "payments"))
		c.register(root)

		shop := c.must("component:default/shop")
		if got := shop.Targets("ownedBy"); len(got) != 1 || got[0].String() != "group:default/payments" {
			t.Errorf("ownedBy = %v", got)
		}
		if shop.Metadata.Name != "Shop" || shop.Metadata.UID == "" || len(shop.Metadata.ETag) != 40 || shop.Metadata.Namespace != "default" {
			t.Errorf("metadata = %+v", shop.Metadata)
		}
		if got, want := shop.Annotation(catalogcommon.AnnotationLocation), "file:"+c.dir+"/a.yaml"; got != want {
			t.Errorf("location = %q, want %q", got, want)
		}
		if got, want := shop.Annotation(catalogcommon.AnnotationOriginLocation), "file:"+root; got != want {
			t.Errorf("origin = %q, want %q", got, want)
		}
		var owned []string
		for _, ref := range c.must("group:default/payments").Targets("ownerOf") {
			owned = append(owned, ref.String())
		}
		if want := []string{"component:default/shop", "component:default/till"}; !slices.Equal(owned, want) {
			t.Errorf("ownerOf = %v, want %v", owned, want)
		}
		if c.index.Len() != 5 {
			t.Errorf("%d entities, want 5", c.index.Len())
		}
		if strings.Contains(c.log.String(), "WARN") {
			t.Errorf("log: %s", c.log)
		}
	})
}

func TestBrokenDocument(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		broken := "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: till\nspec:\n  type: [oops\n"
		path := c.write("a.yaml", component("shop", "payments")+"---\n"+component("till", "payments"))
		c.register(path)
		before := c.must("component:default/till")

		c.write("a.yaml", component("shop", "payments")+broken+"---\n"+component("kiosk", "payments"))
		c.reread("component:default/shop")
		c.must("component:default/kiosk")
		till := c.must("component:default/till") // the last good version
		if till.Metadata.UID != before.Metadata.UID || till.Status == nil || till.Status.Items[0].Error.At == nil {
			t.Fatalf("till = %+v, status %+v", till.Metadata, till.Status)
		}
		at := till.Status.Items[0].Error.At.String()
		if !strings.HasPrefix(at, "file:"+path+":") {
			t.Errorf("position = %s", at)
		}
		place := c.must(locationRef(path))
		if place.Status == nil || place.Status.Items[0].Level != "error" || place.Status.Items[0].Type != catalogcommon.StatusCatalogProcessing || place.Status.Items[0].Error.At.String() != at {
			t.Errorf("status of the location = %+v", place.Status)
		}
		if n := strings.Count(c.log.String(), "level=WARN"); n != 1 || !strings.Contains(c.log.String(), at) {
			t.Errorf("%d warnings, want 1 with %s:\n%s", n, at, c.log)
		}
		c.reread("component:default/shop")
		if n := strings.Count(c.log.String(), "level=WARN"); n != 1 {
			t.Errorf("the warning is repeated:\n%s", c.log)
		}

		c.write("a.yaml", component("shop", "payments")+"---\n"+component("till", "sales"))
		c.reread("component:default/shop")
		if till := c.must("component:default/till"); till.Status != nil || till.SpecString("owner") != "sales" {
			t.Errorf("mended till = %+v, status %+v", till.Spec, till.Status)
		}
		if place := c.must(locationRef(path)); place.Status != nil {
			t.Errorf("status of the location stays: %+v", place.Status)
		}
	})
}

// That one document is broken holds up nothing else in its file, in whichever style its metadata is written.
func TestRemovedBesideABrokenDocument(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, c *catalog) {
		c.start()
		flow := "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: till, tags: [a]}\nspec: {type: service, lifecycle: production, owner: x"
		c.register(c.write("a.yaml", component("shop", "x")+"---\n"+component("kiosk", "x")+flow+"}\n"))
		c.must("component:default/till")
		c.must("component:default/kiosk")
		c.write("a.yaml", component("shop", "x")+flow+"\n")
		c.reread("component:default/shop")
		if till := c.must("component:default/till"); till.Status == nil {
			t.Error("what is broken does not show on the entity")
		}
		if kiosk := c.must("component:default/kiosk"); kiosk.Annotation(catalogcommon.AnnotationOrphan) != "true" {
			t.Error("what was removed from the file still counts as part of it")
		}
	})
}
