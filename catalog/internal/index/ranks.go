package index

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// ranks tells how documents stand to each other by a key: what a page is sorted by after its first key.
type ranks struct {
	runKey
	of      []uint32 // by document; equal for equal values
	changed int      // documents with rank 0
}

const (
	unranked = 0 // changed since; its value has to be looked at
	noValue  = math.MaxUint32
)

func (r *ranks) bytes() int { return 4 * cap(r.of) }

func (ix *Index) ranks(k uint32, desc bool) *ranks {
	return ix.use(itemName("ranks", runKey{k, desc}), func() sized {
		r := &ranks{runKey: runKey{k, desc}, of: make([]uint32, ix.docs.end())}
		var docs []uint32
		last, rank := uint32(0), uint32(0)
		visit := func(e uint64) bool {
			t := uint32(e)
			if last == 0 || ix.dictionary.compare(last, t) != 0 {
				last = t
				rank++
			}
			docs = ix.postings.appendTo(docs[:0], ix.terms.at(t).docs)
			for _, doc := range docs {
				if r.of[doc] == 0 { // else it has a value that comes before
					r.of[doc] = rank
				}
			}
			return true
		}
		if list := &ix.values(k, byLower).list; desc {
			list.backward(list.end(), visit)
		} else {
			list.forward(position{}, visit)
		}
		for doc, rank := range r.of {
			if rank == 0 {
				r.of[doc] = noValue
			}
		}
		return r
	}).(*ranks)
}

// touch notes that a document has other values. It is false if there are so many of those that ranks should be found
// anew. The write lock is held.
func (r *ranks) touch(doc uint32) bool {
	for int(doc) >= len(r.of) {
		r.of = append(r.of, noValue)
	}
	if r.of[doc] != unranked {
		r.of[doc] = unranked
		r.changed++
	}
	const some, share = 64, 256
	return r.changed <= some+len(r.of)/share
}

// compareRanks orders documents by r.
func (ix *Index) compareRanks(r *ranks, a, b uint32) int {
	x, y := r.of[a], r.of[b]
	switch {
	case x == unranked || y == unranked:
		return ix.compareValues(ix.value(a, r.key, r.desc), ix.value(b, r.key, r.desc), r.desc)
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// compareTied orders entries with the same value of the first key.
func (l *lister) compareTied(a, b uint64) int {
	ix := l.ev.ix
	for _, r := range l.further {
		if c := ix.compareRanks(r, uint32(a), uint32(b)); c != 0 {
			return c
		}
	}
	c := cmp.Or(strings.Compare(ix.doc(uint32(a)).uid, ix.doc(uint32(b)).uid), cmp.Compare(a, b))
	if l.desc && !l.run.keepAll {
		return -c
	}
	return c
}

// tied finds the entries of a page that is sorted by several keys: it walks along the run of the first, and sorts those
// that have the same value of it.
func (l *lister) tied(want int) []uint64 {
	ix := l.ev.ix
	if l.matching > manyItems {
		l.ev.takesLong()
	}
	order := l.compareTied
	if l.query.Backward {
		order = func(a, b uint64) int { return l.compareTied(b, a) }
	}
	need := l.query.Offset + want
	var found []uint64
	from := 0 // where the group of the last value begins
	beyond := l.beyond()
	settle := func() bool { // the group is complete
		group := found[from:]
		if beyond != nil && ix.compareText(uint32(group[0]>>32), l.query.After[l.which[0]], false) == 0 {
			group = slices.DeleteFunc(group, func(e uint64) bool { return !beyond(e) })
		}
		if len(group) > 1 && !l.packed(group, need-from) {
			group = least(group, need-from, order)
		}
		group = group[:min(len(group), need-from)]
		found = found[:from+len(group)]
		from = len(found)
		return from < need
	}
	last := uint32(math.MaxUint32)
	visit := func(e uint64) bool {
		if t := uint32(e >> 32); t != last {
			if last != math.MaxUint32 && !ix.sameValue(last, t) && len(found) > from {
				if !settle() {
					return false
				}
			}
			last = t
		}
		found = append(found, e)
		return true
	}
	l.each(l.start(), visit)
	if len(found) > from && from < need {
		settle()
	}
	found = found[:min(len(found), from)]
	return found[min(len(found), l.query.Offset):]
}

// packed does what least does for entries with the same value of the first key. It compares ranks without looking them up each time; it is false if some of them are not known.
func (l *lister) packed(group []uint64, n int) bool {
	term, ranks := group[0]>>32, l.further[0].of
	for i, e := range group {
		if e>>32 != term || ranks[uint32(e)] == unranked { // or written in another case
			for j := range group[:i] {
				group[j] = term<<32 | group[j]&math.MaxUint32
			}
			return false
		}
		group[i] = uint64(ranks[uint32(e)])<<32 | e&math.MaxUint32
	}
	sign := 1
	if l.query.Backward {
		sign = -1
	}
	found := least(group, n, func(a, b uint64) int {
		switch x, y := a>>32, b>>32; {
		case x < y:
			return -sign
		case x > y:
			return sign
		}
		return l.compareTied(a, b) * sign
	})
	for i, e := range found {
		found[i] = term<<32 | e&math.MaxUint32
	}
	return true
}

// beyond returns whether an entry with the value of the place to go on from belongs into the page; nil if there is no place.
func (l *lister) beyond() func(e uint64) bool {
	if l.query.After == nil {
		return nil
	}
	ix := l.ev.ix
	values, id := l.values(l.query.After)
	sign := 1
	if l.query.Backward {
		sign = -1
	}
	// The document of the place is mostly still what it was, and the ranks know how the others stand to it.
	if doc := ix.findUID(id); doc != 0 {
		same := true
		for i, r := range l.further {
			same = same && ix.compareText(ix.value(doc, r.key, r.desc), values[i+1], r.desc) == 0
		}
		if same {
			return func(e uint64) bool {
				return uint32(e) != doc && l.compareTied(e, uint64(doc))*sign > 0
			}
		}
	}
	return func(e uint64) bool { return l.comparePlace(e, values, id)*sign > 0 }
}

// comparePlace orders an entry against a place in the listing, given as a lower-cased value (nil: none) for each key that decides,
// and the id, or the ref if the order is by ref.
func (l *lister) comparePlace(e uint64, values []*string, id string) int {
	ix, doc := l.ev.ix, uint32(e)
	if l.run.byRef {
		return strings.Compare(ix.doc(doc).ref, id)
	}
	if len(values) > 0 {
		if c := ix.compareText(uint32(e>>32), values[0], l.desc); c != 0 {
			return c
		}
	}
	for i, r := range l.further {
		if c := ix.compareText(ix.value(doc, r.key, r.desc), values[i+1], r.desc); c != 0 {
			return c
		}
	}
	c := strings.Compare(ix.doc(doc).uid, id)
	if l.desc && !l.run.keepAll {
		return -c
	}
	return c
}

// least returns the first n entries in order. It reorders them all.
func least(entries []uint64, n int, order func(a, b uint64) int) []uint64 {
	if n <= 0 {
		return entries[:0]
	}
	if len(entries) > 2*n { // keep the least at the start, as a heap with the greatest of them on top
		top := entries[:n]
		down := func(i int) {
			for {
				child := 2*i + 1
				if child >= n {
					return
				}
				if child+1 < n && order(top[child+1], top[child]) > 0 {
					child++
				}
				if order(top[child], top[i]) <= 0 {
					return
				}
				top[i], top[child] = top[child], top[i]
				i = child
			}
		}
		for i := n/2 - 1; i >= 0; i-- {
			down(i)
		}
		for i, e := range entries[n:] {
			if order(e, top[0]) < 0 {
				entries[n+i], top[0] = top[0], e
				down(0)
			}
		}
		entries = top
	}
	slices.SortFunc(entries, order)
	return entries[:min(n, len(entries))]
}
