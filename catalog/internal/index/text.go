package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// textTable finds the values of a key that contain some text: by the groups of three bytes in them, of which the
// rarest that the text has leave few values to look at. Values are numbered as they come.
type textTable struct {
	key    uint32
	text   []byte    // all values, two zero bytes after each
	starts []uint32  // of the values in text; one more for the end
	terms  []uint32  // of the values; 0: gone
	docs   []posting // who has them, as the terms say: these lie closer together
	gone   int
	grams  map[uint32]*gram
	sorted []uint32 // the keys of grams
	steps  int      // bytes in all grams
}

// gram lists the values that have one group.
type gram struct {
	steps []byte // distances between value numbers, as uvarints
	last  uint32
	n     int
}

const gramBytes = 3

func (ix *Index) texts(k uint32) *textTable {
	return ix.use(itemName("text", runKey{key: k}), func() sized {
		t := &textTable{key: k, starts: []uint32{0}, grams: map[uint32]*gram{}}
		for id := ix.keys.at(k).first; id != 0; id = ix.terms.at(id).after {
			t.append(id, ix.lower(id), ix.terms.at(id).docs)
		}
		t.sorted = slices.Sorted(maps.Keys(t.grams))
		return t
	}).(*textTable)
}

// append adds a value and returns groups that are new.
func (t *textTable) append(term uint32, value []byte, docs posting) (fresh []uint32) {
	if len(t.text)+len(value)+2 > math.MaxUint32 {
		return nil // cannot be with values of 200 characters and fewer than 2^24 of them
	}
	n := uint32(len(t.terms))
	t.terms = append(t.terms, term)
	t.docs = append(t.docs, docs)
	t.text = append(append(t.text, value...), 0, 0)
	t.starts = append(t.starts, uint32(len(t.text)))
	v := t.text[len(t.text)-len(value)-2:]
	for i := range value {
		g := gramAt(v[i:])
		list := t.grams[g]
		if list == nil {
			list = &gram{}
			t.grams[g] = list
			fresh = append(fresh, g)
		} else if list.last == n {
			continue
		}
		before := len(list.steps)
		list.steps = binary.AppendUvarint(list.steps, uint64(n-list.last))
		t.steps += len(list.steps) - before
		list.last = n
		list.n++
	}
	return fresh
}

func (t *textTable) bytes() int { return len(t.text) + 12*len(t.terms) + 96*len(t.grams) + t.steps*5/4 }

func gramAt(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

// add is told of a new value, which nobody has yet.
func (t *textTable) add(term uint32, value []byte) {
	for _, g := range t.append(term, value, 0) {
		i, _ := slices.BinarySearch(t.sorted, g)
		t.sorted = slices.Insert(t.sorted, i, g)
	}
}

// place returns where a value is, or -1.
func (t *textTable) place(term uint32, value []byte) int {
	if last := len(t.terms) - 1; last >= 0 && t.terms[last] == term { // as of a value that has just come
		return last
	}
	if len(value) == 0 || len(t.terms) <= 1000 {
		return slices.Index(t.terms, term)
	}
	n := -1
	t.candidates([][]byte{value}, func(i uint32) bool {
		if t.terms[i] == term {
			n = int(i)
		}
		return n < 0
	})
	return n
}

// has is told who has a value from now on.
func (t *textTable) has(term uint32, value []byte, docs posting) {
	if n := t.place(term, value); n >= 0 {
		t.docs[n] = docs
	}
}

// remove is told of a value that goes. It is true if so many are gone that the table should be built anew.
func (t *textTable) remove(term uint32, value []byte) bool {
	if n := t.place(term, value); n >= 0 {
		t.terms[n], t.docs[n] = 0, 0
		t.gone++
	}
	return t.gone > 1000 && t.gone > len(t.terms)/2
}

func (t *textTable) value(n uint32) []byte { return t.text[t.starts[n] : t.starts[n+1]-2] }

// find appends who has a value that matches.
func (t *textTable) find(p *pattern, posts []posting) []posting {
	check := !p.plain || len(p.pieces[0]) != gramBytes
	take := func(n uint32) bool {
		if docs := t.docs[n]; docs != 0 && (!check || p.match(t.value(n))) {
			posts = append(posts, docs)
		}
		return true
	}
	if t.candidates(p.pieces, take) {
		return posts
	}
	if !p.plain {
		for n := range t.terms {
			take(uint32(n))
		}
		return posts
	}
	// One or two bytes: they start a group wherever they stand, for there are zero bytes behind each value.
	start, end := uint32(0), uint32(0)
	for i := range gramBytes {
		start, end = start<<8, end<<8|0xff
		if i < len(p.pieces[0]) {
			start |= uint32(p.pieces[0][i])
			end = start
		}
	}
	marks := make([]uint64, len(t.terms)/64+1)
	from, _ := slices.BinarySearch(t.sorted, start)
	for _, g := range t.sorted[from:] {
		if g > end {
			break
		}
		it := gramIterator{steps: t.grams[g].steps}
		for it.next() {
			marks[it.at>>6] |= 1 << (it.at & 63)
		}
	}
	check = false
	for i, w := range marks {
		for ; w != 0; w &= w - 1 {
			take(uint32(i<<6 + bits.TrailingZeros64(w)))
		}
	}
	return posts
}

// candidates calls visit for values that may contain all pieces, until it returns false. The result is false, and
// nothing was visited, if the pieces are too short to tell.
func (t *textTable) candidates(pieces [][]byte, visit func(n uint32) bool) bool {
	var lists [maxText]*gram
	count := 0
	for _, piece := range pieces {
		for i := 0; i+gramBytes <= len(piece) && count < len(lists); i++ {
			list := t.grams[gramAt(piece[i:])]
			if list == nil {
				return true // nothing contains it
			}
			lists[count] = list
			count++
		}
	}
	if count == 0 {
		return false
	}
	rare := lists[:count]
	slices.SortFunc(rare, func(a, b *gram) int { return cmp.Compare(a.n, b.n) })
	rare = slices.Compact(rare)
	rare = rare[:min(3, len(rare))]
	var others [2]gramIterator
	for i, list := range rare[1:] {
		others[i].steps = list.steps
	}
	first := gramIterator{steps: rare[0].steps}
next:
	for first.next() {
		for i := range rare[1:] {
			for o := &others[i]; !o.started || o.at < first.at; {
				if !o.next() {
					return true
				}
			}
			if others[i].at != first.at {
				continue next
			}
		}
		if !visit(first.at) {
			return true
		}
	}
	return true
}

type gramIterator struct {
	steps   []byte
	at      uint32
	started bool
}

func (it *gramIterator) next() bool {
	if len(it.steps) == 0 {
		return false
	}
	it.started = true
	if step := it.steps[0]; step < 0x80 {
		it.steps = it.steps[1:]
		it.at += uint32(step)
		return true
	}
	step, size := binary.Uvarint(it.steps)
	it.steps = it.steps[size:]
	it.at += uint32(step)
	return true
}

// pattern is what is searched: text, in which % stands for any text and _ for any one character.
type pattern struct {
	pieces [][]byte // the text between those
	plain  bool     // without any
	tokens []byte   // the whole, for match
}

func newPattern(term string) *pattern {
	p := &pattern{tokens: []byte(term), plain: !strings.ContainsAny(term, "%_")}
	for piece := range strings.FieldsFuncSeq(term, func(r rune) bool { return r == '%' || r == '_' }) {
		p.pieces = append(p.pieces, []byte(piece))
	}
	return p
}

// match tells whether value contains the pattern.
func (p *pattern) match(value []byte) bool {
	if p.plain {
		return bytes.Contains(value, p.tokens)
	}
	// Greedy, going back to the last % on a mismatch. The pattern is taken to be between two of them.
	v, t := 0, 0
	backV, backT := 0, 0
	for {
		switch {
		case t == len(p.tokens):
			return true
		case p.tokens[t] == '%':
			t++
			backV, backT = v, t
			continue
		case v < len(value) && p.tokens[t] == '_':
			_, size := utf8.DecodeRune(value[v:])
			v += size
			t++
			continue
		case v < len(value) && p.tokens[t] == value[v]:
			v++
			t++
			continue
		}
		if backV >= len(value) {
			return false
		}
		for backV++; backV < len(value) && !utf8.RuneStart(value[backV]); {
			backV++
		}
		v, t = backV, backT
	}
}
