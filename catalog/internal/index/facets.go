package index

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// FacetValue is a value as written and the number of entities that have it.
type FacetValue struct {
	Value string
	Count int
}

// Facets counts, for each key, the values that matching entities have, sorted by value as bytes. The result has one
// list per key, in their order; it is empty for a key that nobody has.
func (ix *Index) Facets(keys []string, where query.Predicate) ([][]FacetValue, error) {
	ev := ix.reading()
	defer ix.done(ev)
	n, err := ev.compile(where)
	if err != nil {
		return nil, err
	}
	f := faceter{ev: ev, all: isEverything(n)}
	if !f.all {
		f.matches = n.eval(ev)
	}
	lists := make([][]FacetValue, len(keys))
	for i, key := range keys {
		lists[i] = []FacetValue{}
		if k := ix.findKey([]byte(query.Lower(key))); k != 0 {
			lists[i] = f.count(k)
		}
	}
	return lists, nil
}

type faceter struct {
	ev      *evaluation
	all     bool
	matches matches
}

// sortAtOnce is the number of values up to which sorting them costs less than keeping them sorted.
const sortAtOnce = 128

func (f *faceter) count(k uint32) []FacetValue {
	ix := f.ev.ix
	if !f.all && f.matches.bits == nil {
		return f.countFew(k)
	}
	values := []FacetValue{}
	take := func(t uint32) {
		posts := ix.terms.at(t).docs
		n := 0
		if f.all {
			n = ix.postings.count(posts)
		} else {
			n = ix.postings.countIn(posts, f.matches.bits)
		}
		if n > 0 {
			values = append(values, FacetValue{string(ix.original(t)), n})
		}
	}
	if of := ix.keys.at(k); of.terms <= sortAtOnce {
		for t := of.first; t != 0; t = ix.terms.at(t).after {
			take(t)
		}
		slices.SortFunc(values, func(a, b FacetValue) int { return cmp.Compare(a.Value, b.Value) })
		return values
	}
	if ix.keys.at(k).terms > manyItems {
		f.ev.takesLong()
	}
	ix.values(k, byOriginal).list.forward(position{}, func(e uint64) bool {
		take(uint32(e))
		return true
	})
	return values
}

// countFew counts from the entities' side.
func (f *faceter) countFew(k uint32) []FacetValue {
	ix := f.ev.ix
	var terms []uint32
	for _, doc := range f.matches.list {
		for _, t := range ix.rowsOf(doc, k) {
			if ix.terms.at(t).text != 0 {
				terms = append(terms, t)
			}
		}
	}
	slices.SortFunc(terms, func(a, b uint32) int {
		if a == b {
			return 0
		}
		return bytes.Compare(ix.original(a), ix.original(b))
	})
	values := []FacetValue{}
	for i, t := range terms {
		if i > 0 && t == terms[i-1] {
			values[len(values)-1].Count++
		} else {
			values = append(values, FacetValue{string(ix.original(t)), 1})
		}
	}
	return values
}
