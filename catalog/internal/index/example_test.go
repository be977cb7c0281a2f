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

	components, err := query.ParseFilter([]string{"kind=component"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ask := index.Query{Where: components, Order: query.Order{Keys: []query.SortKey{{Field: "metadata.name"}}}, Limit: 1, Total: true}
	for {
		page, err := ix.Query(ask)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(page.Docs[0].Ref, "of", page.Total)
		if !page.More {
			break
		}
		ask.After = page.Last
	}

	facets, err := ix.Facets([]string{"spec.type"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(facets[0])
	// Output:
	// component:default/shop of 2
	// component:default/web of 2
	// [{openapi 1} {service 1} {website 1}]
}
