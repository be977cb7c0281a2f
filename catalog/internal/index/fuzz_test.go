package index_test

import (
	"errors"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// FuzzQuery sends whatever the grammars accept through an index: it answers, or says 400.
func FuzzQuery(f *testing.F) {
	ix := index.New(index.Options{})
	company{n: 100}.load(ix)
	name, id := "a", "b"
	f.Add("kind=component,spec.type", `{"spec.type":"service"}`, "metadata.name,desc", "api", query.Cursor{Order: []query.SortKey{{Field: "metadata.name"}}, At: []*string{&name, &id}}.Encode())
	f.Add("", `{"$not":{"spec.priority":{"$gt":3}}}`, "spec.owner", "%_", query.Cursor{At: []*string{&id}, Backward: true, Total: 9}.Encode())
	f.Add(`a=x\,y`, `{"metadata":{"$has":true}}`, "kind", "e%0", query.Cursor{At: []*string{&id}, Term: "a", Filter: []string{"kind=api"}}.Encode())
	ask := func(t *testing.T, c query.Cursor) *index.Page {
		where, err := c.Where()
		var page *index.Page
		if err == nil {
			page, err = ix.Query(index.Query{Where: where, Order: query.Order{Keys: c.Order}, Limit: 5, After: c.At, Backward: c.Backward, Total: true})
		}
		var fault *query.Error
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("%v", err)
		}
		if err == nil && (len(page.Docs) > 5 || page.Total > ix.Len()) {
			t.Fatalf("%d entities of %d", len(page.Docs), page.Total)
		}
		return page
	}
	f.Fuzz(func(t *testing.T, filter, predicate, order, term, cursor string) {
		keys, err := query.ParseOrderFields([]string{order})
		if err != nil {
			keys = nil
		}
		c := query.Cursor{Filter: []string{filter}, Query: []byte(predicate), Order: keys, Term: term}
		if page := ask(t, c); page != nil && page.More {
			c.At = page.Last
			next, err := query.DecodeCursor(c.Encode())
			if err != nil {
				t.Fatalf("own cursor is refused: %v", err)
			}
			if again := ask(t, next); again == nil || len(again.Docs) == 0 {
				t.Fatal("there should have been more")
			}
		}
		if c, err := query.DecodeCursor(cursor); err == nil {
			ask(t, c)
		}
	})
}
