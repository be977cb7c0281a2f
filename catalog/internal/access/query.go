package access

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// DefaultLimit is how many entities a page has if nothing is said.
const DefaultLimit = 200

// Question asks for a page of entities.
type Question struct {
	Cursor string // of an earlier answer; then only Limit counts besides

	Filter  []string // as the filter parameter writes it
	Query   json.RawMessage
	Order   []query.SortKey
	Term    string // of a full text search in Fields
	Fields  []string
	Offset  int
	Limit   int
	NoTotal bool
}

// Answer is a page of entities.
type Answer struct {
	Bodies     [][]byte
	Total      int
	Next, Prev string // cursors; empty: there is no such page
}

// Ask answers with a page of entities.
func (c *Catalog) Ask(ctx context.Context, q Question) (Answer, error) {
	cursor := query.Cursor{Order: q.Order, Filter: q.Filter, Query: q.Query, Term: q.Term, Fields: q.Fields}
	if q.Cursor != "" {
		var err error
		if cursor, err = query.DecodeCursor(q.Cursor); err != nil {
			return Answer{}, err
		}
	}
	where, err := cursor.Where()
	if err != nil {
		return Answer{}, err
	}
	first := q.Cursor == ""
	asked := index.Query{Where: where, Order: query.Order{Keys: cursor.Order}, Limit: q.Limit, After: cursor.At, Backward: cursor.Backward}
	if first {
		asked.Offset, asked.Total = q.Offset, !q.NoTotal
	}
	page, err := c.List(ctx, asked)
	if err != nil {
		return Answer{}, err
	}
	if first {
		cursor.First, cursor.Total = page.First, page.Total
	}
	answer := Answer{Total: cursor.Total, Bodies: make([][]byte, 0, len(page.Bodies))}
	for _, body := range page.Bodies {
		if body != nil { // else it went between the index and the store
			answer.Bodies = append(answer.Bodies, body)
		}
	}
	if page.Last != nil && (page.More || cursor.Backward) {
		answer.Next = turned(cursor, page.Last, false)
	}
	if page.First != nil && !first && !samePlace(page.First, cursor.First) && (page.More || !cursor.Backward) {
		answer.Prev = turned(cursor, page.First, true)
	}
	return answer, nil
}

// Warm has the index build what most questions need, so that the first of them is as fast as the others.
func (c *Catalog) Warm() error {
	name := []query.SortKey{{Field: "metadata.name"}}
	usual := []index.Query{
		{Limit: 1},
		{Limit: 1, Order: query.Order{ByRef: true, KeepAll: true}},
		{Limit: 1, Order: query.Order{Keys: name}, Where: query.Text{Keys: []string{"metadata.name", "metadata.title"}, Term: "warm"}},
	}
	for _, q := range usual {
		if _, err := c.index.Query(q); err != nil {
			return err
		}
	}
	return nil
}

func turned(cursor query.Cursor, at []*string, backward bool) string {
	cursor.At, cursor.Backward = at, backward
	return cursor.Encode()
}

func samePlace(a, b []*string) bool {
	return slices.EqualFunc(a, b, func(x, y *string) bool {
		if x == nil || y == nil {
			return x == y
		}
		return *x == *y
	})
}
