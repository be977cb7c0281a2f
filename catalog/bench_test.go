package catalog_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/proscenium-dev/proscenium/catalog"
	"github.com/proscenium-dev/proscenium/pluginapi/plugintest"
)

// BenchmarkAPI asks a portal with 2,000 entities, through the whole server but without a network.
func BenchmarkAPI(b *testing.B) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: service-%d, tags: [java, t%d], description: %s}\nspec: {type: t%d, lifecycle: production, owner: team-%d}\n---\n", i, i%30, strings.Repeat("word ", 100), i%9, i%40)
	}
	embedded := fstest.MapFS{"all.yaml": {Data: []byte(text.String())}}
	p := plugintest.StartWith(b, plugintest.Options{Config: "backend: {logger: {level: warn}}\ncatalog: {locations: [{type: embedded, target: all.yaml}]}\n"}, catalog.Plugin(catalog.Options{Embedded: embedded}))
	for name, path := range map[string]string{
		"by-name":  "/entities/by-name/component/default/service-77",
		"page":     "/entities/by-query?limit=20",
		"ordered":  "/entities/by-query?limit=20&filter=kind=component,spec.type=t3&orderField=metadata.name,asc",
		"text":     "/entities/by-query?limit=20&fullTextFilterTerm=service-1&fullTextFilterFields=metadata.name",
		"facets":   "/entity-facets?facet=spec.type&filter=kind=component",
		"entities": "/entities?filter=spec.type=t3&limit=100",
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "http://localhost"+api+path, nil)
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				p.Handler().ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
