package index

import (
	"slices"
)

// posting is a set of documents in four bytes: nothing, one document, or the number of an array or of a bitmap. Most
// values of a catalog belong to one entity, which is why that case costs nothing more.
//
// A bitmap is one bit per document of the whole index: for a value that more than one entity in 32 has, that is the
// smallest form, and the one that counts and intersects fastest. What compressed bitmaps would save on the
// few values in between is lost on unpacking them for every question.
type posting uint32

const (
	postingOne   posting = 1 << 30 // the document
	postingArray posting = 2 << 30 // number in arrays
	postingMap   posting = 3 << 30 // number in bitmaps
	postingKind          = postingMap

	arrayMin = 64 // members up to which there is no bitmap, however small the index
)

// postings holds what postings refer to.
type postings struct {
	words   int             // length of bitmaps
	arrays  slab[[]uint32]  // ascending
	bitmaps slab[bitmapSet] // of more members than an array would have, when made
}

type bitmapSet struct {
	bits bitset
	list []uint32 // instead of bits, once the index has grown so much that bits would be a waste
	n    int
}

// arrayMax is how many members an array may have: as many as take twice the room of a bitmap's 32nd part.
func (ps *postings) arrayMax() int { return max(arrayMin, 2*ps.words) }

func (ps *postings) array(p posting) []uint32    { return *ps.arrays.at(uint32(p &^ postingKind)) }
func (ps *postings) bitmap(p posting) *bitmapSet { return ps.bitmaps.at(uint32(p &^ postingKind)) }

// members returns the documents in ascending order, if they are kept so, or as bits.
func (ps *postings) members(p posting) (list []uint32, bits bitset) {
	switch p & postingKind {
	case postingArray:
		return ps.array(p), nil
	case postingMap:
		b := ps.bitmap(p)
		return b.list, b.bits
	}
	return nil, nil
}

// grow makes bitmaps longer, so that there is a bit for every document.
func (ps *postings) grow(words int) {
	ps.words = words
	for id := uint32(1); id < ps.bitmaps.end(); id++ {
		switch b := ps.bitmaps.at(id); {
		case b.bits == nil:
		case b.n < ps.arrayMax()/4:
			b.list, b.bits = b.bits.appendTo(make([]uint32, 0, b.n)), nil
		default:
			b.bits = append(b.bits, make(bitset, words-len(b.bits))...)
		}
	}
}

// add returns the set with doc in it. The set given is no longer valid.
func (ps *postings) add(p posting, doc uint32) posting {
	id := uint32(p &^ postingKind)
	switch p & postingKind {
	case 0:
		return postingOne | posting(doc)
	case postingOne:
		if id == doc {
			return p
		}
		pair := []uint32{min(doc, id), max(doc, id)}
		id = ps.arrays.alloc()
		*ps.arrays.at(id) = pair
		return postingArray | posting(id)
	case postingArray:
		docs := insert(*ps.arrays.at(id), doc)
		*ps.arrays.at(id) = docs
		if len(docs) <= ps.arrayMax() {
			return p
		}
		ps.arrays.release(id)
		id = ps.bitmaps.alloc()
		*ps.bitmaps.at(id) = bitmapSet{bits: ps.pack(docs), n: len(docs)}
		return postingMap | posting(id)
	}
	b := ps.bitmaps.at(id)
	if b.bits == nil {
		b.list = insert(b.list, doc)
		if b.n = len(b.list); b.n > ps.arrayMax() {
			b.bits, b.list = ps.pack(b.list), nil
		}
	} else if !b.bits.has(doc) {
		b.bits.add(doc)
		b.n++
	}
	return p
}

func (ps *postings) pack(docs []uint32) bitset {
	set := make(bitset, ps.words)
	for _, doc := range docs {
		set.add(doc)
	}
	return set
}

// insert puts doc into an ascending list.
func insert(docs []uint32, doc uint32) []uint32 {
	if n := len(docs); n > 0 && docs[n-1] < doc {
		return append(docs, doc)
	}
	i, found := slices.BinarySearch(docs, doc)
	if found {
		return docs
	}
	return slices.Insert(docs, i, doc)
}

// remove returns the set without doc. The set given is no longer valid.
func (ps *postings) remove(p posting, doc uint32) posting {
	id := uint32(p &^ postingKind)
	switch p & postingKind {
	case 0:
		return p
	case postingOne:
		if id == doc {
			return 0
		}
		return p
	case postingArray:
		docs := *ps.arrays.at(id)
		i, found := slices.BinarySearch(docs, doc)
		if !found {
			return p
		}
		docs = slices.Delete(docs, i, i+1)
		if len(docs) == 1 {
			ps.arrays.release(id)
			return postingOne | posting(docs[0])
		}
		*ps.arrays.at(id) = docs
		return p
	}
	b := ps.bitmaps.at(id)
	if b.bits != nil {
		if b.bits.has(doc) {
			b.bits[doc>>6] &^= 1 << (doc & 63)
			b.n--
		}
	} else if i, found := slices.BinarySearch(b.list, doc); found {
		b.list = slices.Delete(b.list, i, i+1)
		b.n--
	}
	if b.n >= ps.arrayMax()/2 {
		return p
	}
	docs := b.list
	if b.bits != nil {
		docs = b.bits.appendTo(make([]uint32, 0, b.n))
	}
	ps.bitmaps.release(id)
	id = ps.arrays.alloc()
	*ps.arrays.at(id) = docs
	return postingArray | posting(id)
}

// copy returns an equal set that changes apart.
func (ps *postings) copy(p posting) posting {
	switch p & postingKind {
	case postingArray:
		id := ps.arrays.alloc()
		*ps.arrays.at(id) = slices.Clone(ps.array(p))
		return postingArray | posting(id)
	case postingMap:
		id := ps.bitmaps.alloc()
		b := ps.bitmap(p)
		*ps.bitmaps.at(id) = bitmapSet{slices.Clone(b.bits), slices.Clone(b.list), b.n}
		return postingMap | posting(id)
	}
	return p
}

// free gives up the set.
func (ps *postings) free(p posting) {
	switch p & postingKind {
	case postingArray:
		ps.arrays.release(uint32(p &^ postingKind))
	case postingMap:
		ps.bitmaps.release(uint32(p &^ postingKind))
	}
}

func (ps *postings) count(p posting) int {
	switch p & postingKind {
	case 0:
		return 0
	case postingOne:
		return 1
	case postingArray:
		return len(ps.array(p))
	}
	return ps.bitmap(p).n
}

func (ps *postings) has(p posting, doc uint32) bool {
	if p&postingKind == postingOne {
		return uint32(p&^postingKind) == doc
	}
	list, bits := ps.members(p)
	if bits != nil {
		return bits.has(doc)
	}
	_, found := slices.BinarySearch(list, doc)
	return found
}

// appendTo appends the documents in ascending order.
func (ps *postings) appendTo(docs []uint32, p posting) []uint32 {
	if p&postingKind == postingOne {
		return append(docs, uint32(p&^postingKind))
	}
	list, bits := ps.members(p)
	return bits.appendTo(append(docs, list...))
}

// or adds the documents to set.
func (ps *postings) or(set bitset, p posting) {
	if p&postingKind == postingOne {
		set.add(uint32(p &^ postingKind))
		return
	}
	list, bits := ps.members(p)
	if bits != nil {
		set.or(bits)
	}
	for _, doc := range list {
		set.add(doc)
	}
}

// countIn counts the documents that are also in set.
func (ps *postings) countIn(p posting, set bitset) int {
	if p&postingKind == postingOne {
		doc := uint32(p &^ postingKind)
		return int(set[doc>>6] >> (doc & 63) & 1)
	}
	list, bits := ps.members(p)
	if bits != nil {
		return set.countAnd(bits)
	}
	n := 0
	for _, doc := range list {
		n += int(set[doc>>6] >> (doc & 63) & 1)
	}
	return n
}
