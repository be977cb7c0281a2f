package catalog_test

import (
	"net/http"
	"os"
	"testing"
	"time"

	catalogcommon "github.com/proscenium-dev/proscenium/catalog/common"
)

const (
	// everything leads to the files of a folder.
	everything = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: everything}\nspec: {targets: ['./sub/*.yaml']}\n"
	// further leads from one of them to another file.
	further = "---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: further}\nspec: {target: ../deep/c.yaml}\n"
)

// TestOrphans removes a file of several that a pattern stands for: what it described, and what it alone led to, goes after half a minute, or stays with a mark.
func TestOrphans(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"delete", "keep"} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"all.yaml": everything, "sub/a.yaml": service("shop", "sea"), "sub/b.yaml": service("till", "sea") + sea + further, "deep/c.yaml": service("desk", "sea")}
			inTroubleWith(t, "  orphanStrategy: "+strategy+"\n", files, func(t *testing.T, p *troubled) {
				p.Eventually("all are there", func() bool {
					return p.entity("component:desk") != nil && p.entity("component:till") != nil && p.entity("component:shop") != nil
				})
				if err := os.Remove(p.path("sub/b.yaml")); err != nil {
					t.Fatal(err)
				}
				p.Post(api+"/refresh", map[string]string{"entityRef": "location:default/everything"}).Want(200)
				for _, name := range []string{"component:till", "group:sea", "location:further"} {
					p.Eventually(name+" is an orphan", func() bool { return p.entity(name).Annotation(catalogcommon.AnnotationOrphan) == "true" })
				}
				p.Get("/catalog/default/component/till").Want(200).HasText("main", "Orphan")
				if p.entity("component:desk").Annotation(catalogcommon.AnnotationOrphan) != "" {
					t.Error("something still leads to desk, and it is an orphan")
				}

				// After the half minute.
				const grace = 30 * time.Second
				older := func(by time.Duration, refs string) {
					p.exec(`update refresh_state set orphan_since = orphan_since - ` + itoa(by.Milliseconds()) + ` where entity_ref like '` + refs + `'`)
				}
				older(grace-15*time.Second, "%")
				older(grace, "group:%")
				left := []string{"component:till", "location:further", "component:desk"}
				if strategy == "keep" {
					older(grace, "%")
					time.Sleep(1500 * time.Millisecond) // it would look each second
					for _, name := range append(left, "group:sea") {
						if p.entity(name) == nil {
							t.Errorf("%s is gone", name)
						}
					}
					return
				}
				p.Eventually("the older one is gone", func() bool { return p.entity("group:sea") == nil })
				for _, name := range left {
					if p.entity(name) == nil {
						t.Errorf("%s is gone before its time", name)
					}
				}
				older(grace, "%")
				for _, name := range left {
					p.Eventually(name+" is gone", func() bool { return p.entity(name) == nil })
				}
				if e := p.entity("component:shop"); e.Annotation(catalogcommon.AnnotationOrphan) != "" || len(e.Targets("ownedBy")) != 1 {
					t.Errorf("shop: %+v", e)
				}
				p.Get("/catalog/default/component/till").Want(http.StatusNotFound)

				// It comes back with its file, as another one.
				p.write("sub/b.yaml", service("till", "sea"))
				p.Post(api+"/refresh", map[string]string{"entityRef": "location:default/everything"}).Want(200)
				p.Eventually("till is back", func() bool {
					e := p.entity("component:till")
					return e != nil && e.Annotation(catalogcommon.AnnotationOrphan) == ""
				})
			})
		})
	}
}
