package index

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// run is all entities in one order, as entries term << 32 | document, where term has the value of the first key. An
// entity without one has term 0. See [query.Order] for what is in it.
type run struct {
	keys    []runKey // all exist
	byRef   bool     // without keys: by ref, else by id
	keepAll bool
	tieDesc bool
	list    sortedList
	marked  bool // by the writer, for a moment
}

type runKey struct {
	key  uint32
	desc bool
}

func (r *run) bytes() int { return r.list.bytes() }

// whole tells whether every entity is in the run.
func (r *run) whole() bool { return r.keepAll || len(r.keys) == 0 }

// compare orders entries.
func (ix *Index) compare(r *run, a, b uint64) int {
	if a == b {
		return 0
	}
	x, y := ix.doc(uint32(a)), ix.doc(uint32(b))
	if r.byRef {
		if c := strings.Compare(x.ref, y.ref); c != 0 {
			return c
		}
	}
	for i, k := range r.keys {
		s, t := uint32(a>>32), uint32(b>>32)
		if i > 0 {
			s, t = ix.value(uint32(a), k.key, k.desc), ix.value(uint32(b), k.key, k.desc)
		}
		if c := ix.compareValues(s, t, k.desc); c != 0 {
			return c
		}
	}
	c := strings.Compare(x.uid, y.uid)
	if c == 0 {
		c = cmp.Compare(a, b)
	}
	if r.tieDesc {
		return -c
	}
	return c
}

// compareValues orders terms; no term comes last.
func (ix *Index) compareValues(s, t uint32, desc bool) int {
	switch {
	case s == t:
		return 0
	case s == 0:
		return 1
	case t == 0:
		return -1
	case desc:
		return ix.dictionary.compare(t, s)
	}
	return ix.dictionary.compare(s, t)
}

// comparePlace orders an entry against a place in the listing: a lower-cased value per key (nil: none), and the id, or
// the ref if the order is by ref.
func (ix *Index) comparePlace(r *run, e uint64, values []*string, id string) int {
	doc := uint32(e)
	if r.byRef {
		return strings.Compare(ix.doc(doc).ref, id)
	}
	for i, k := range r.keys {
		t := uint32(e >> 32)
		if i > 0 {
			t = ix.value(doc, k.key, k.desc)
		}
		c := 0
		switch {
		case t == 0 && values[i] == nil:
		case t == 0:
			c = 1
		case values[i] == nil:
			c = -1
		default:
			c = bytes.Compare(ix.lower(t), []byte(*values[i]))
			if k.desc {
				c = -c
			}
		}
		if c != 0 {
			return c
		}
	}
	c := strings.Compare(ix.doc(doc).uid, id)
	if r.tieDesc {
		return -c
	}
	return c
}

// entries appends the entries of a document as it is now.
func (ix *Index) entries(r *run, doc uint32, into []uint64) []uint64 {
	switch {
	case len(r.keys) == 0:
		return append(into, uint64(doc))
	case r.keepAll:
		return append(into, uint64(ix.value(doc, r.keys[0].key, r.keys[0].desc))<<32|uint64(doc))
	}
	for _, t := range ix.rowsOf(doc, r.keys[0].key) {
		if ix.terms.at(t).text != 0 {
			into = append(into, uint64(t)<<32|uint64(doc))
		}
	}
	return into
}

// leaveRun takes a document out before it changes. The write lock is held.
func (ix *Index) leaveRun(r *run, doc uint32, isNew bool) {
	if isNew {
		return
	}
	for _, e := range ix.entries(r, doc, nil) {
		if !r.list.remove(e, func(o uint64) bool { return ix.compare(r, o, e) < 0 }) {
			ix.derived.discard(r) // cannot be; if it is, the list is built anew rather than wrong
			return
		}
	}
}

// joinRun puts a document in after it changed. The write lock is held.
func (ix *Index) joinRun(r *run, doc uint32) {
	for _, e := range ix.entries(r, doc, nil) {
		r.list.insert(e, func(o uint64) bool { return ix.compare(r, o, e) < 0 })
	}
}

// runFor returns the run for an order, whether it is to be read backwards, and which of the order's keys decide. It is
// nil if no entity has the first key, and those are to be left out. The read lock is held.
func (ix *Index) runFor(o query.Order) (r *run, reverse bool, which []int) {
	spec := run{keepAll: o.KeepAll}
	for i, sk := range o.Keys {
		k := ix.findKey([]byte(query.Lower(sk.Field)))
		if k == 0 {
			if i == 0 && !o.KeepAll {
				return nil, false, nil
			}
			continue // nobody has it, so it orders nothing
		}
		spec.keys = append(spec.keys, runKey{k, sk.Desc})
		which = append(which, i)
	}
	kind := "order"
	switch {
	case len(spec.keys) == 0:
		spec.keepAll = false
		if spec.byRef = o.ByRef && len(o.Keys) == 0; spec.byRef {
			kind = "refs"
		} else {
			kind = "ids"
		}
	case spec.keepAll:
		kind = "all"
	case len(spec.keys) == 1:
		// Descending is ascending read backwards, ties included.
		reverse, spec.keys[0].desc = spec.keys[0].desc, false
	default:
		spec.tieDesc = spec.keys[0].desc
	}
	return ix.use(itemName(kind, spec.keys...), func() sized {
		r := &spec
		ix.build(r)
		return r
	}).(*run), reverse, which
}

func (ix *Index) build(r *run) {
	switch {
	case r.byRef:
		ix.buildBy(r, func(d *document) string { return d.ref })
	case len(r.keys) == 0:
		ix.buildBy(r, func(d *document) string { return d.uid })
	default:
		ix.buildByKeys(r)
	}
}

func (ix *Index) buildBy(r *run, text func(*document) string) {
	list := make([]prefixed, 0, ix.docs.len())
	for doc := uint32(1); doc < ix.docs.end(); doc++ {
		if ix.all.has(doc) {
			list = append(list, prefixed{id: doc})
		}
	}
	sortByText(list, func(id uint32) string { return text(ix.doc(id)) })
	entries := make([]uint64, len(list))
	for i, p := range list {
		entries[i] = uint64(p.id)
	}
	r.list = newSortedList(entries)
}

// sortedTerms returns the terms of a key in the order of their lower-cased values, then of their numbers.
func (ix *Index) sortedTerms(k uint32) []prefixed {
	of := ix.keys.at(k)
	list := make([]prefixed, 0, of.terms)
	for t := of.first; t != 0; t = ix.terms.at(t).after {
		list = append(list, prefixed{id: t})
	}
	sortByText(list, ix.lower)
	return list
}

// groups calls visit for each value of a key in order, with the documents that have it.
func (ix *Index) groups(k uint32, desc bool, visit func(term uint32, docs []uint32)) {
	terms := ix.sortedTerms(k)
	if desc {
		slices.Reverse(terms)
	}
	var docs []uint32
	for i := 0; i < len(terms); {
		first := terms[i]
		docs = docs[:0]
		for ; i < len(terms) && terms[i].prefix == first.prefix && ix.dictionary.compare(terms[i].id, first.id) == 0; i++ {
			docs = ix.postings.appendTo(docs, ix.terms.at(terms[i].id).docs)
		}
		visit(first.id, docs)
	}
}

func (ix *Index) buildByKeys(r *run) {
	// ranks are what documents are compared by within one value of the first key: their place by each further key,
	// and by id.
	size := ix.docs.end()
	ids, _, _ := ix.runFor(query.Order{})
	byID := make([]uint32, size)
	n := uint32(0)
	ids.list.forward(position{}, func(e uint64) bool {
		byID[uint32(e)] = n
		n++
		return true
	})
	var ranks [][]uint32
	for _, k := range r.keys[1:] {
		rank := make([]uint32, size)
		next := uint32(0)
		ix.groups(k.key, k.desc, func(_ uint32, docs []uint32) {
			next++
			for _, doc := range docs {
				if rank[doc] == 0 {
					rank[doc] = next
				}
			}
		})
		for doc := range rank {
			if rank[doc] == 0 {
				rank[doc] = math.MaxUint32
			}
		}
		ranks = append(ranks, rank)
	}
	order := func(a, b uint32) int {
		for _, rank := range ranks {
			if c := cmp.Compare(rank[a], rank[b]); c != 0 {
				return c
			}
		}
		if r.tieDesc {
			return cmp.Compare(byID[b], byID[a])
		}
		return cmp.Compare(byID[a], byID[b])
	}
	entries := make([]uint64, 0, ix.postings.count(ix.valued(r.keys[0].key)))
	var seen bitset
	if r.keepAll {
		seen = make(bitset, len(ix.all))
	}
	ix.groups(r.keys[0].key, r.keys[0].desc, func(t uint32, docs []uint32) {
		from := len(entries)
		for _, doc := range docs {
			if r.keepAll {
				if seen.has(doc) {
					continue
				}
				seen.add(doc)
			}
			entries = append(entries, uint64(doc))
		}
		added := entries[from:]
		slices.SortFunc(added, func(a, b uint64) int { return order(uint32(a), uint32(b)) })
		for i, e := range added {
			added[i] = uint64(ix.termIn(t, uint32(e)))<<32 | e
		}
	})
	if r.keepAll {
		from := len(entries)
		for doc := uint32(1); doc < size; doc++ {
			if ix.all.has(doc) && !seen.has(doc) {
				entries = append(entries, uint64(doc))
			}
		}
		slices.SortFunc(entries[from:], func(a, b uint64) int { return order(uint32(a), uint32(b)) })
	}
	r.list = newSortedList(entries)
}

// termIn returns which of the terms that share t's lower-cased value a document has.
func (ix *Index) termIn(t, doc uint32) uint32 {
	value := ix.lower(t)
	k := ix.terms.at(t).key
	head := ix.findTerm(k, hashText(ix.dictionary.seed, ix.keyName(k)), value)
	if ix.terms.at(head).variant == 0 {
		return head
	}
	for h := head; h != 0; h = ix.terms.at(h).variant {
		if ix.postings.has(ix.terms.at(h).docs, doc) {
			return h
		}
	}
	return t
}
