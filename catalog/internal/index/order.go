package index

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// run is all entities in one order, as entries term << 32 | document, where term has the value of the key. An entity
// without one has term 0. See [query.Order] for what is in it. Further keys of an order are compared when a page is
// listed, so that there is one run for each key and not for each combination of them.
type run struct {
	key     runKey // key 0: there is none
	byRef   bool   // without a key: by ref, else by id
	keepAll bool
	list    sortedList
	marked  bool // by the writer, for a moment
}

type runKey struct {
	key  uint32
	desc bool
}

func (r *run) bytes() int { return r.list.bytes() }

// whole tells whether every entity is in the run.
func (r *run) whole() bool { return r.keepAll || r.key.key == 0 }

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
	if c := ix.compareValues(uint32(a>>32), uint32(b>>32), r.key.desc); c != 0 {
		return c
	}
	if c := strings.Compare(x.uid, y.uid); c != 0 {
		return c
	}
	return cmp.Compare(a, b)
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

// compareText orders a term, 0 for none, against a lower-cased value, nil for none.
func (ix *Index) compareText(t uint32, value *string, desc bool) int {
	switch {
	case t == 0 && value == nil:
		return 0
	case t == 0:
		return 1
	case value == nil:
		return -1
	}
	c := bytes.Compare(ix.lower(t), []byte(*value))
	if desc {
		return -c
	}
	return c
}

// entries appends the entries of a document as it is now.
func (ix *Index) entries(r *run, doc uint32, into []uint64) []uint64 {
	switch {
	case r.key.key == 0:
		return append(into, uint64(doc))
	case r.keepAll:
		return append(into, uint64(ix.value(doc, r.key.key, r.key.desc))<<32|uint64(doc))
	}
	for _, t := range ix.rowsOf(doc, r.key.key) {
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

// sorting is how a listing is read from a run.
type sorting struct {
	run     *run
	desc    bool     // in the direction of the first key, but for entities that have none
	reverse bool     // the run is to be read backwards
	which   []int    // keys of the order that decide, by their places in it
	further []*ranks // of those, all but the first
}

// sortingFor finds or builds what an order needs. Its run is nil if no entity has the first key, and those are to be
// left out. The read lock is held.
func (ix *Index) sortingFor(o query.Order) sorting {
	spec, s := run{keepAll: o.KeepAll}, sorting{}
	for i, sk := range o.Keys {
		k := ix.findKey([]byte(query.Lower(sk.Field)))
		switch {
		case k == 0 && i == 0 && !o.KeepAll:
			return sorting{}
		case k == 0: // nobody has it, so it orders nothing
			continue
		case len(s.which) == 0:
			spec.key, s.desc = runKey{k, sk.Desc}, sk.Desc
		default:
			s.further = append(s.further, ix.ranks(k, sk.Desc))
		}
		s.which = append(s.which, i)
	}
	kind := "order"
	switch {
	case spec.key.key == 0:
		spec.keepAll = false
		if spec.byRef = o.ByRef && len(o.Keys) == 0; spec.byRef {
			kind = "refs"
		} else {
			kind = "ids"
		}
	case spec.keepAll:
		kind = "all"
	default:
		// Descending is ascending read backwards, ties included.
		s.reverse, spec.key.desc = s.desc, false
	}
	s.run = ix.run(kind, spec)
	return s
}

func (ix *Index) run(kind string, spec run) *run {
	return ix.use(itemName(kind, spec.key), func() sized {
		r := &spec
		switch {
		case r.byRef:
			ix.buildBy(r, func(d *document) string { return d.ref })
		case r.key.key == 0:
			ix.buildBy(r, func(d *document) string { return d.uid })
		default:
			ix.buildByKey(r)
		}
		return r
	}).(*run)
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

func (ix *Index) buildByKey(r *run) {
	size := ix.docs.end()
	byID := make([]uint32, size) // the place of each document by id
	n := uint32(0)
	ix.run("ids", run{}).list.forward(position{}, func(e uint64) bool {
		byID[uint32(e)] = n
		n++
		return true
	})
	order := func(a, b uint64) int { return cmp.Compare(byID[uint32(a)], byID[uint32(b)]) }
	entries := make([]uint64, 0, ix.postings.count(ix.valued(r.key.key)))
	var seen bitset
	if r.keepAll {
		seen = make(bitset, len(ix.all))
	}
	ix.groups(r.key.key, r.key.desc, func(t uint32, docs []uint32) {
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
		slices.SortFunc(added, order)
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
		slices.SortFunc(entries[from:], order)
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
