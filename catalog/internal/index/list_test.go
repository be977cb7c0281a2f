package index_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

func follow(t *testing.T, ix *index.Index, cursor string, opts index.ListOptions) *index.Listing {
	t.Helper()
	c, err := query.DecodeCursor(cursor)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ix.List(c, opts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestListByCursors(t *testing.T) {
	t.Parallel()
	ix := index.New(index.Options{})
	c := company{n: 300}
	c.load(ix)
	hidden := query.Not{Of: query.In{Key: "metadata.namespace", Values: []string{"platform"}}}
	for name, start := range map[string]query.Cursor{
		"by id":     {},
		"by name":   {Order: []query.SortKey{{Field: "metadata.name", Desc: true}}, Filter: []string{"kind=component", "kind=api"}},
		"by title":  {Order: []query.SortKey{{Field: "metadata.title"}, {Field: "kind", Desc: true}}, Query: json.RawMessage(`{"spec.type":{"$in":["service","library"]}}`)},
		"full text": {Order: []query.SortKey{{Field: "kind"}}, Term: "a", Fields: []string{"metadata.name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := index.ListOptions{Limit: 1000, Total: true, Visible: hidden}
			whole, err := ix.List(start, opts)
			if err != nil {
				t.Fatal(err)
			}
			if len(whole.Docs) < 20 || whole.Total != len(whole.Docs) || whole.Next != "" || whole.Prev != "" {
				t.Fatalf("%d of %d, next %q", len(whole.Docs), whole.Total, whole.Next)
			}
			opts.Limit = 7
			page, err := ix.List(start, opts)
			if err != nil {
				t.Fatal(err)
			}
			var pages [][]index.Doc
			for {
				if page.Total != whole.Total {
					t.Fatalf("total is %d on page %d", page.Total, len(pages))
				}
				if (page.Prev == "") != (len(pages) == 0) {
					t.Fatalf("page %d has a way back: %v", len(pages), page.Prev != "")
				}
				pages = append(pages, page.Docs)
				if page.Next == "" {
					break
				}
				page = follow(t, ix, page.Next, opts)
			}
			if !slices.Equal(slices.Concat(pages...), whole.Docs) {
				t.Error("forward differs from the whole")
			}
			for n := len(pages) - 2; n >= 0; n-- {
				if page = follow(t, ix, page.Prev, opts); !slices.Equal(page.Docs, pages[n]) {
					t.Errorf("page %d differs on the way back", n)
				}
				if page.Next == "" {
					t.Errorf("page %d, reached by going back, has no next", n)
				}
			}
			if page.Prev != "" {
				t.Error("there is something before the first page")
			}
		})
	}
}

func TestListFromAnOffset(t *testing.T) {
	t.Parallel()
	ix := index.New(index.Options{})
	company{n: 100}.load(ix)
	page, err := ix.List(query.Cursor{}, index.ListOptions{Limit: 10, Offset: 30})
	if err != nil {
		t.Fatal(err)
	}
	if page.Prev != "" || page.Total != 0 || len(page.Docs) != 10 {
		t.Errorf("prev %q, total %d, %d entities", page.Prev, page.Total, len(page.Docs))
	}
	second := follow(t, ix, page.Next, index.ListOptions{Limit: 10, Offset: 50})
	back := follow(t, ix, second.Prev, index.ListOptions{Limit: 10})
	if !slices.Equal(back.Docs, page.Docs) || back.Prev != "" {
		t.Errorf("back at %v, prev %q", back.Docs, back.Prev)
	}
	if empty, err := ix.List(query.Cursor{}, index.ListOptions{Total: true}); err != nil || empty.Total != 100 || empty.Next != "" {
		t.Errorf("limit 0: %+v, %v", empty, err)
	}
}

func FuzzList(f *testing.F) {
	ix := index.New(index.Options{})
	company{n: 100}.load(ix)
	name, id := "a", "b"
	f.Add("kind=component,spec.type", `{"spec.type":"service"}`, "metadata.name,desc", "api", query.Cursor{Order: []query.SortKey{{Field: "metadata.name"}}, At: []*string{&name, &id}}.Encode())
	f.Add("", `{"$not":{"spec.priority":{"$gt":3}}}`, "spec.owner", "%_", query.Cursor{At: []*string{&id}, Backward: true, Total: 9}.Encode())
	f.Fuzz(func(t *testing.T, filter, predicate, order, term, cursor string) {
		keys, err := query.ParseOrderFields([]string{order})
		if err != nil {
			keys = nil
		}
		c := query.Cursor{Filter: []string{filter}, Query: json.RawMessage(predicate), Order: keys, Term: term}
		if l, err := ix.List(c, index.ListOptions{Limit: 5, Total: true}); err == nil && l.Next != "" {
			if _, err := query.DecodeCursor(l.Next); err != nil {
				t.Fatalf("own cursor is refused: %v", err)
			}
		}
		if c, err := query.DecodeCursor(cursor); err == nil {
			if l, err := ix.List(c, index.ListOptions{Limit: 5}); err == nil && len(l.Docs) > 5 {
				t.Fatalf("%d entities", len(l.Docs))
			}
		}
	})
}
