package index

import (
	"errors"
	"math/bits"
	"slices"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

var errUnknownPredicate = errors.New("predicate of an unknown type")

// NoLimit as a limit lists everything.
const NoLimit = -1

// Query asks for a part of a listing.
type Query struct {
	Where query.Predicate // nil: every entity
	Order query.Order
	Limit int // most entries in the page; 0: none, just the total; NoLimit

	// Offset skips entries at the start, or after After. It costs time in proportion if Where leaves entities out.
	Offset int

	// After, if not nil, is a place as in [Page.First]: the page starts after it, or with Backward, ends before it.
	After    []*string
	Backward bool

	Total bool // whether to count
}

// Page is a part of a listing, in the order asked for.
type Page struct {
	Docs []Doc

	// First and Last are the places of the first and last entry: a lower-cased value per sort key, nil if the entity
	// has none, then its id; or just the ref where the order is by ref. nil if the page is empty.
	First, Last []*string

	More  bool // whether the listing goes on: after the page, or with Backward, before it
	Total int  // entities in the whole listing, each counted once; if asked for
}

// Query answers with a page. The page belongs to the caller. What cannot be answered is a [query.Error].
func (ix *Index) Query(q Query) (*Page, error) {
	switch {
	case q.Limit > query.MaxLimit:
		return nil, query.Errorf("limit is %d; at most %d entities are listed at once, go on with a cursor", q.Limit, query.MaxLimit)
	case q.Limit < NoLimit:
		return nil, query.Errorf("limit is %d; it must not be negative", q.Limit)
	case q.Offset < 0:
		return nil, query.Errorf("offset is %d; it must not be negative", q.Offset)
	case len(q.Order.Keys) > query.MaxOrder:
		return nil, query.Errorf("order has %d keys; at most %d are possible", len(q.Order.Keys), query.MaxOrder)
	case q.After != nil && !fits(q.After, q.Order):
		return nil, query.Errorf("cursor does not fit the order of the listing; start again without a cursor")
	}
	ev := ix.reading()
	defer ix.done(ev)
	n, err := ev.compile(q.Where)
	if err != nil {
		return nil, err
	}
	s := ix.sortingFor(q.Order)
	r := s.run
	if r == nil {
		return &Page{}, nil
	}
	q.Offset = min(q.Offset, r.list.n)
	l := lister{ev: ev, sorting: s, forward: s.reverse == q.Backward, query: &q}
	if !r.whole() {
		if valued := ix.valued(r.key.key); ix.postings.count(valued) < ix.docs.len() {
			n = ev.within(n, ev.union(valued))
			// Whoever is not in the run is not met there either.
			l.unfiltered = isUnion(n, valued)
		}
	}
	l.unfiltered = l.unfiltered || isEverything(n)
	page := &Page{}
	if l.unfiltered {
		page.Total = n.estimate(ev)
		l.matching = page.Total
	} else {
		l.matches = n.eval(ev)
		l.matching = l.matches.count()
		page.Total = l.matching
	}
	if !q.Total {
		page.Total = 0
	}
	if q.Limit != 0 && l.matching > 0 {
		l.list(page)
	}
	return page, nil
}

func isUnion(n node, of posting) bool {
	u, ok := n.(union)
	return ok && len(u.posts) == 1 && u.posts[0] == of
}

func fits(place []*string, o query.Order) bool {
	keys := len(o.Keys)
	if len(place) != keys+1 || place[keys] == nil {
		return false
	}
	return keys == 0 || place[0] != nil || o.KeepAll
}

// lister finds the entries of a page.
type lister struct {
	ev *evaluation
	sorting
	forward    bool // direction in the run
	query      *Query
	unfiltered bool // everything in the run matches
	matches    matches
	matching   int
}

func (l *lister) list(page *Page) {
	want := l.query.Limit
	if want < 0 {
		want = l.run.list.n
	}
	if want > manyItems {
		l.ev.takesLong()
	}
	var found []uint64
	switch {
	case l.sortIsCheaper(want):
		found = l.sorted(want + 1)
	case len(l.further) > 0:
		found = l.tied(want + 1)
	default:
		found = l.walk(want + 1)
	}
	if len(found) > want {
		found, page.More = found[:want], true
	}
	if len(found) == 0 {
		return
	}
	if l.query.Backward {
		slices.Reverse(found)
	}
	page.Docs = make([]Doc, len(found))
	for i, e := range found {
		page.Docs[i] = l.ev.ix.name(uint32(e))
	}
	page.First, page.Last = l.place(found[0]), l.place(found[len(found)-1])
}

// sortIsCheaper weighs collecting and sorting all matches against walking along the run until enough of them are met.
func (l *lister) sortIsCheaper(want int) bool {
	const step, gather, compare = 4, 400, 250 // nanoseconds, measured
	if l.unfiltered {
		return false
	}
	steps := l.run.list.n
	if need := want + 1 + l.query.Offset; need < l.matching {
		steps = int(float64(steps) / float64(l.matching) * float64(need))
	}
	return l.matching*(gather+compare*bits.Len(uint(l.matching))) < steps*step
}

// start returns the place in the run to go on from; with further keys, where the entries begin that have the same value of the first.
func (l *lister) start() position {
	list, after := &l.run.list, l.query.After
	switch {
	case after == nil && l.forward:
		return position{}
	case after == nil:
		return list.end()
	}
	values, id := l.values(after)
	compare := func(e uint64) int { return l.comparePlace(e, values, id) }
	least := 0
	if len(l.further) > 0 {
		compare = func(e uint64) int { return l.ev.ix.compareText(uint32(e>>32), values[0], l.desc) }
		least = 1 // the place is before all entries of its value, or after
	}
	if l.reverse { // the run's order is not the listing's
		inner := compare
		compare = func(e uint64) int { return -inner(e) }
	}
	if l.forward {
		return list.search(func(e uint64) bool { return compare(e) <= -least })
	}
	return list.search(func(e uint64) bool { return compare(e) < least })
}

func (l *lister) values(place []*string) (values []*string, id string) {
	for _, i := range l.which {
		values = append(values, place[i])
	}
	return values, *place[len(place)-1]
}

func (l *lister) walk(want int) []uint64 {
	list := &l.run.list
	p, offset := l.start(), l.query.Offset
	if l.unfiltered && offset > 0 {
		if l.forward {
			p = list.skip(min(list.n, list.rank(p)+offset))
		} else {
			p = list.skip(max(0, list.rank(p)-offset))
		}
		offset = 0
	}
	found := make([]uint64, 0, min(want, l.matching+1))
	visit := func(e uint64) bool {
		if offset > 0 {
			offset--
			return true
		}
		found = append(found, e)
		return len(found) < want
	}
	l.each(p, visit)
	return found
}

// each calls visit for entries that match, in the direction of the walk.
func (l *lister) each(p position, visit func(uint64) bool) {
	list := &l.run.list
	switch set := l.matches.bits; {
	case l.unfiltered && l.forward:
		list.forward(p, visit)
	case l.unfiltered:
		list.backward(p, visit)
	default:
		if set == nil { // a list is slow to look into so often
			set = l.ev.set()
			for _, doc := range l.matches.list {
				set.add(doc)
			}
		}
		if l.forward {
			list.forwardIn(set, p, visit)
		} else {
			list.backwardIn(set, p, visit)
		}
	}
}

func (l *lister) sorted(want int) []uint64 {
	ix := l.ev.ix
	entries := make([]uint64, 0, l.matching)
	l.matches.each(func(doc uint32) { entries = ix.entries(l.run, doc, entries) })
	if after := l.query.After; after != nil {
		values, id := l.values(after)
		entries = slices.DeleteFunc(entries, func(e uint64) bool {
			c := l.comparePlace(e, values, id)
			return c == 0 || c < 0 != l.query.Backward
		})
	}
	slices.SortFunc(entries, func(a, b uint64) int {
		if l.query.Backward {
			a, b = b, a
		}
		if len(l.further) == 0 {
			if l.reverse {
				a, b = b, a
			}
			return ix.compare(l.run, a, b)
		}
		if c := ix.compareValues(uint32(a>>32), uint32(b>>32), l.desc); c != 0 {
			return c
		}
		return l.compareTied(a, b)
	})
	entries = entries[min(len(entries), l.query.Offset):]
	return entries[:min(want, len(entries))]
}

// place returns where an entry stands in the listing.
func (l *lister) place(e uint64) []*string {
	ix, doc := l.ev.ix, l.ev.ix.doc(uint32(e))
	if l.run.byRef {
		ref := doc.ref
		return []*string{&ref}
	}
	place := make([]*string, len(l.query.Order.Keys)+1)
	for n, i := range l.which {
		t := uint32(e >> 32)
		if n > 0 {
			t = ix.value(uint32(e), l.further[n-1].key, l.further[n-1].desc)
		}
		if t != 0 {
			value := string(ix.lower(t))
			place[i] = &value
		}
	}
	uid := doc.uid
	place[len(place)-1] = &uid
	return place
}

// Matches tells whether the entity with this ref is there and matches.
func (ix *Index) Matches(ref string, where query.Predicate) (bool, error) {
	docs, err := ix.ByRefs([]string{ref}, where)
	return err == nil && docs[0].Ref != "", err
}
