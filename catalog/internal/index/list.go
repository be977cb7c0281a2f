package index

import (
	"slices"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// ListOptions say how much of a listing is wanted, and by whom.
type ListOptions struct {
	Limit  int // most entities in the page; 0: none, just the total
	Offset int // entities to skip at the start; ignored if the cursor is at a place
	Total  bool

	// Visible is what the asker may see. It is applied to every page and never becomes part of a cursor.
	Visible query.Predicate
}

// Listing is a page with the ways to the next and the previous one.
type Listing struct {
	Docs  []Doc
	Total int // counted with the first page and carried in the cursors; 0 if not asked for then

	// Next and Prev are encoded cursors; empty where the listing ends. There is no Prev on the first page, nor on one
	// that an offset led to. A page reached by going back always has a Next.
	Next, Prev string
}

// List answers with the page that a cursor leads to: the first, if the cursor holds just a question. What cannot be
// answered is a [query.Error].
func (ix *Index) List(c query.Cursor, opts ListOptions) (*Listing, error) {
	where, err := c.Where()
	if err != nil {
		return nil, err
	}
	first := c.At == nil
	q := Query{
		Where: query.And(where, opts.Visible), Order: query.Order{Keys: c.Order}, Limit: opts.Limit,
		After: c.At, Backward: c.Backward && !first,
	}
	if first {
		q.Offset, q.Total = opts.Offset, opts.Total
	}
	page, err := ix.Query(q)
	if err != nil {
		return nil, err
	}
	l := &Listing{Docs: page.Docs, Total: c.Total}
	if first {
		l.Total = page.Total
	}
	if len(page.Docs) == 0 {
		return l, nil
	}
	on := c
	on.Total = l.Total
	if first {
		on.First = page.First
	}
	if page.More || q.Backward {
		on.At, on.Backward = page.Last, false
		l.Next = on.Encode()
	}
	atStart := first || samePlace(page.First, on.First) || q.Backward && !page.More
	if !atStart {
		on.At, on.Backward = page.First, true
		l.Prev = on.Encode()
	}
	return l, nil
}

func samePlace(a, b []*string) bool {
	return slices.EqualFunc(a, b, func(x, y *string) bool {
		return x == nil && y == nil || x != nil && y != nil && *x == *y
	})
}
