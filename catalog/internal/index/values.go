package index

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/proscenium-dev/proscenium/catalog/internal/query"
)

// valueList is the values of a key in one order, as entries that are terms.
type valueList struct {
	key  uint32
	by   valueOrder
	list sortedList
}

type valueOrder byte

const (
	byLower    valueOrder = iota // lower-cased text
	byOriginal                   // text as written
	byNumber                     // numbers only
	byTime                       // dates and times only
)

func (ix *Index) values(k uint32, by valueOrder) *valueList {
	return ix.use(itemName("values"+strconv.Itoa(int(by)), runKey{key: k}), func() sized {
		v := &valueList{key: k, by: by}
		var entries []uint64
		if by == byLower {
			for _, p := range ix.sortedTerms(k) {
				entries = append(entries, uint64(p.id))
			}
		} else {
			for t := ix.keys.at(k).first; t != 0; t = ix.terms.at(t).after {
				if v.takes(ix, t) {
					entries = append(entries, uint64(t))
				}
			}
			slices.SortFunc(entries, func(a, b uint64) int { return v.compare(ix, a, b) })
		}
		v.list = newSortedList(entries)
		return v
	}).(*valueList)
}

func (v *valueList) bytes() int { return v.list.bytes() }

// takes tells whether a term belongs into the list.
func (v *valueList) takes(ix *Index, t uint32) bool {
	if ix.terms.at(t).text == 0 {
		return false
	}
	switch v.by {
	case byNumber:
		_, ok := number(ix.lower(t))
		return ok
	case byTime:
		_, ok := query.ParseTime(string(ix.lower(t)))
		return ok
	}
	return true
}

func (v *valueList) compare(ix *Index, a, b uint64) int {
	s, t := uint32(a), uint32(b)
	c := 0
	switch v.by {
	case byLower:
		c = ix.dictionary.compare(s, t)
	case byOriginal:
		c = bytes.Compare(ix.original(s), ix.original(t))
	case byNumber:
		x, _ := number(ix.lower(s))
		y, _ := number(ix.lower(t))
		c = cmp.Compare(x, y)
	case byTime:
		x, _ := query.ParseTime(string(ix.lower(s)))
		y, _ := query.ParseTime(string(ix.lower(t)))
		c = x.Compare(y)
	}
	if c == 0 {
		c = cmp.Compare(a, b)
	}
	return c
}

func (v *valueList) add(ix *Index, t uint32) {
	if v.takes(ix, t) {
		e := uint64(t)
		v.list.insert(e, func(o uint64) bool { return v.compare(ix, o, e) < 0 })
	}
}

func (v *valueList) remove(ix *Index, t uint32) bool {
	e := uint64(t)
	return !v.takes(ix, t) || v.list.remove(e, func(o uint64) bool { return v.compare(ix, o, e) < 0 })
}

// number reads a decimal number.
func number(text []byte) (float64, bool) {
	if len(text) == 0 || text[0] > '9' {
		return 0, false // also refuses inf and nan, which are no numbers here
	}
	for _, c := range text {
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}

// keyList is all keys in the order of their names.
type keyList struct{ list sortedList }

func (l *keyList) bytes() int { return l.list.bytes() }

func (ix *Index) keyNames() *keyList {
	return ix.use("keys", func() sized {
		var entries []uint64
		ix.eachKey(func(k uint32) { entries = append(entries, uint64(k)) })
		slices.SortFunc(entries, func(a, b uint64) int { return bytes.Compare(ix.keyName(uint32(a)), ix.keyName(uint32(b))) })
		return &keyList{newSortedList(entries)}
	}).(*keyList)
}

func (ix *Index) eachKey(visit func(k uint32)) {
	for k := uint32(1); k < ix.keys.end(); k++ {
		if ix.keys.at(k).name != 0 {
			visit(k)
		}
	}
}

func (l *keyList) add(ix *Index, k uint32) {
	l.list.insert(uint64(k), func(o uint64) bool { return bytes.Compare(ix.keyName(uint32(o)), ix.keyName(k)) < 0 })
}

func (l *keyList) remove(ix *Index, k uint32) {
	l.list.remove(uint64(k), func(o uint64) bool { return bytes.Compare(ix.keyName(uint32(o)), ix.keyName(k)) < 0 })
}
