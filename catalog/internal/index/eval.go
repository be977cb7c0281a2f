package index

import (
	"cmp"
	"math/bits"
	"slices"
)

// manyItems is how many values or entities an answer goes through at least if it is called slow: a few milliseconds.
const manyItems = 50_000

// evaluation is one question being answered: the read lock, and sets of documents to work with.
type evaluation struct {
	ix   *Index
	sets []bitset // of this index's size; the first taken are in use
	used int

	posts []posting // to collect in
	slow  bool
}

// reading takes the read lock.
func (ix *Index) reading() *evaluation {
	ix.mu.RLock()
	ev, _ := ix.scratch.Get().(*evaluation)
	if ev == nil || len(ev.sets) > 0 && len(ev.sets[0]) != len(ix.all) {
		ev = &evaluation{ix: ix}
	}
	return ev
}

// takesLong lets the writer know that it should not make other readers wait for this one.
func (ev *evaluation) takesLong() {
	if !ev.slow {
		ev.slow = true
		ev.ix.slow.Add(1)
	}
}

// done gives back what reading took.
func (ix *Index) done(ev *evaluation) {
	ev.used = 0
	if ev.slow {
		ev.slow = false
		ix.slow.Add(-1)
	}
	if len(ev.sets) > 8 {
		clear(ev.sets[8:])
		ev.sets = ev.sets[:8]
	}
	ix.mu.RUnlock()
	ix.scratch.Put(ev)
}

// set returns an empty set, good until the question is answered.
func (ev *evaluation) set() bitset {
	if ev.used == len(ev.sets) {
		ev.sets = append(ev.sets, make(bitset, len(ev.ix.all)))
	} else {
		clear(ev.sets[ev.used])
	}
	ev.used++
	return ev.sets[ev.used-1]
}

// few is how many documents are better kept as a list than as a set.
func (ev *evaluation) few() int { return max(32, len(ev.ix.all)/32) }

// matches is a set of documents, as bits, or if there are few, as an ascending list. It is not to be changed.
type matches struct {
	bits bitset
	list []uint32
}

func (m matches) has(doc uint32) bool {
	if m.bits != nil {
		return m.bits.has(doc)
	}
	_, found := slices.BinarySearch(m.list, doc)
	return found
}

func (m matches) count() int {
	if m.bits != nil {
		return m.bits.count()
	}
	return len(m.list)
}

// each calls visit for every document in ascending order.
func (m matches) each(visit func(doc uint32)) {
	for _, doc := range m.list {
		visit(doc)
	}
	for i, w := range m.bits {
		for ; w != 0; w &= w - 1 {
			visit(uint32(i<<6 + bits.TrailingZeros64(w)))
		}
	}
}

// node is a predicate with keys and values looked up.
type node interface {
	estimate(ev *evaluation) int // upper bound of the documents that match
	has(ev *evaluation, doc uint32) bool
	eval(ev *evaluation) matches
}

type (
	everything struct{}
	union      struct { // of the documents that have a row
		posts []posting
		n     int
	}
	both   struct{ parts []node }
	either struct{ parts []node }
	except struct{ of node }
	fixed  struct {
		matches
		n int
	}
)

func nothing() node { return union{} }

func (everything) estimate(ev *evaluation) int        { return ev.ix.docs.len() }
func (everything) has(_ *evaluation, doc uint32) bool { return true }
func (everything) eval(ev *evaluation) matches        { return matches{bits: ev.ix.all} }

func (u union) estimate(*evaluation) int { return u.n }

func (u union) has(ev *evaluation, doc uint32) bool {
	for _, p := range u.posts {
		if ev.ix.postings.has(p, doc) {
			return true
		}
	}
	return false
}

func (u union) eval(ev *evaluation) matches {
	ps := &ev.ix.postings
	if len(u.posts) == 1 {
		if list, bits := ps.members(u.posts[0]); bits != nil || list != nil && u.n <= ev.few() {
			return matches{bits, list}
		}
	}
	if u.n <= ev.few() {
		list := make([]uint32, 0, u.n)
		for _, p := range u.posts {
			list = ps.appendTo(list, p)
		}
		if len(u.posts) > 1 {
			slices.Sort(list)
			list = slices.Compact(list)
		}
		return matches{list: list}
	}
	set := ev.set()
	for _, p := range u.posts {
		ps.or(set, p)
	}
	return matches{bits: set}
}

func (b both) estimate(ev *evaluation) int { return b.parts[0].estimate(ev) } // the least, by construction

func (b both) has(ev *evaluation, doc uint32) bool {
	for _, part := range b.parts {
		if !part.has(ev, doc) {
			return false
		}
	}
	return true
}

func (b both) eval(ev *evaluation) matches {
	m := b.parts[0].eval(ev)
	owned := false
	for _, part := range b.parts[1:] {
		if m.bits == nil {
			if len(m.list) == 0 {
				return m
			}
			test := part.has
			if u, ok := part.(union); ok && len(u.posts) > 8 && len(m.list) > 16 {
				whole := u.eval(ev)
				test = func(_ *evaluation, doc uint32) bool { return whole.has(doc) }
			}
			kept := make([]uint32, 0, len(m.list))
			for _, doc := range m.list {
				if test(ev, doc) {
					kept = append(kept, doc)
				}
			}
			m.list = kept
			continue
		}
		not, negated := part.(except)
		if negated {
			part = not.of
		}
		o := part.eval(ev)
		if o.bits == nil && !negated {
			kept := make([]uint32, 0, len(o.list))
			for _, doc := range o.list {
				if m.bits.has(doc) {
					kept = append(kept, doc)
				}
			}
			m = matches{list: kept}
			continue
		}
		if !owned {
			set := ev.set()
			copy(set, m.bits)
			m.bits, owned = set, true
		}
		switch {
		case !negated:
			m.bits.and(o.bits)
		case o.bits != nil:
			m.bits.andNot(o.bits)
		default:
			for _, doc := range o.list {
				m.bits[doc>>6] &^= 1 << (doc & 63)
			}
		}
	}
	return m
}

func (e either) estimate(ev *evaluation) int {
	n := 0
	for _, part := range e.parts {
		n += part.estimate(ev)
	}
	return min(n, ev.ix.docs.len())
}

func (e either) has(ev *evaluation, doc uint32) bool {
	for _, part := range e.parts {
		if part.has(ev, doc) {
			return true
		}
	}
	return false
}

func (e either) eval(ev *evaluation) matches {
	if e.estimate(ev) <= ev.few() {
		var list []uint32
		for _, part := range e.parts {
			part.eval(ev).each(func(doc uint32) { list = append(list, doc) })
		}
		slices.Sort(list)
		return matches{list: slices.Compact(list)}
	}
	set := ev.set()
	for _, part := range e.parts {
		used := ev.used
		if m := part.eval(ev); m.bits != nil {
			set.or(m.bits)
		} else {
			for _, doc := range m.list {
				set.add(doc)
			}
		}
		ev.used = used // what the part worked with can be used again
	}
	return matches{bits: set}
}

func (e except) estimate(ev *evaluation) int         { return ev.ix.docs.len() }
func (e except) has(ev *evaluation, doc uint32) bool { return !e.of.has(ev, doc) }

func (e except) eval(ev *evaluation) matches { return both{[]node{everything{}, e}}.eval(ev) }

func (f fixed) estimate(*evaluation) int             { return f.n }
func (f fixed) has(_ *evaluation, doc uint32) bool   { return f.matches.has(doc) }
func (f fixed) eval(*evaluation) matches             { return f.matches }
func (ev *evaluation) fix(n node) node               { m := n.eval(ev); return fixed{m, m.count()} }
func (ev *evaluation) union(posts ...posting) node   { return ev.unionOf(posts) }
func isEverything(n node) bool                       { _, ok := n.(everything); return ok }
func (ev *evaluation) least(a, b node) int           { return cmp.Compare(ev.rank(a), ev.rank(b)) }
func (ev *evaluation) within(n node, part node) node { return ev.intersect([]node{n, part}) }

// rank orders the parts of a conjunction: the one with the fewest documents first, negations last.
func (ev *evaluation) rank(n node) int {
	if _, ok := n.(except); ok {
		return ev.ix.docs.len() + 1
	}
	return n.estimate(ev)
}

// unionOf makes a node of postings, which may be 0.
func (ev *evaluation) unionOf(posts []posting) node {
	u := union{posts: posts[:0]}
	for _, p := range posts {
		if p != 0 {
			u.posts = append(u.posts, p)
			u.n += ev.ix.postings.count(p)
		}
	}
	return u
}

func (ev *evaluation) intersect(parts []node) node {
	var flat []node
	for _, part := range parts {
		switch p := part.(type) {
		case everything:
		case both:
			flat = append(flat, p.parts...)
		default:
			flat = append(flat, part)
		}
	}
	switch len(flat) {
	case 0:
		return everything{}
	case 1:
		return flat[0]
	}
	slices.SortStableFunc(flat, ev.least)
	return both{flat}
}
