package index

import "math/bits"

// bitset is a set of documents as one bit each. Its length covers all documents of the index.
type bitset []uint64

func (s bitset) has(doc uint32) bool { return s[doc>>6]&(1<<(doc&63)) != 0 }
func (s bitset) add(doc uint32)      { s[doc>>6] |= 1 << (doc & 63) }

func (s bitset) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// countAnd is the number of documents also in o.
func (s bitset) countAnd(o bitset) int {
	n := 0
	for i, w := range o[:len(s)] {
		n += bits.OnesCount64(s[i] & w)
	}
	return n
}

func (s bitset) or(o bitset) {
	for i, w := range o[:len(s)] {
		s[i] |= w
	}
}

func (s bitset) and(o bitset) {
	for i, w := range o[:len(s)] {
		s[i] &= w
	}
}

func (s bitset) andNot(o bitset) {
	for i, w := range o[:len(s)] {
		s[i] &^= w
	}
}

// appendTo appends the documents in ascending order.
func (s bitset) appendTo(docs []uint32) []uint32 {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			docs = append(docs, uint32(i<<6+bits.TrailingZeros64(w)))
		}
	}
	return docs
}
