package index_test

import (
	"fmt"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

func Example() {
	ix := index.New(index.Options{})
	ix.Apply(1, []index.Change{
		{Ref: "component:default/web", UID: "u1", Entity: []byte(`{"kind":"Component","metadata":{"name":"web"},"spec":{"type":"website"}}`)},
		{Ref: "component:default/shop", UID: "u2", Entity: []byte(`{"kind":"Component","metadata":{"name":"shop"},"spec":{"type":"service"}}`)},
		{Ref: "api:default/orders", UID: "u3", Entity: []byte(`{"kind":"API","metadata":{"name":"orders"},"spec":{"type":"openapi"}}`)},
	})

	// GET /entities/by-query?filter=kind=component&orderField=metadata.name&limit=1
	start := query.Cursor{Filter: []string{"kind=component"}, Order: []query.SortKey{{Field: "metadata.name"}}}
	page, err := ix.List(start, index.ListOptions{Limit: 1, Total: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Docs[0].Ref, "is the first of", page.Total)

	next, err := query.DecodeCursor(page.Next)
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err = ix.List(next, index.ListOptions{Limit: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Docs[0].Ref, "is the last:", page.Next == "")

	// GET /entity-facets?facet=spec.type
	facets, err := ix.Facets([]string{"spec.type"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(facets[0])
	// Output:
	// component:default/shop is the first of 2
	// component:default/web is the last: true
	// [{openapi 1} {service 1} {website 1}]
}
