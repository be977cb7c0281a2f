package index

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"
)

// document is an entity.
type document struct {
	uid, ref string
	rows     []uint32 // its terms, sorted by key, then by term
	kept     *Kept
}

// Kept is a place for an entity's text beside the entity, for whoever asks to fill. It is empty again when the entity
// has changed. It is safe for concurrent use.
type Kept struct{ text atomic.Pointer[[]byte] }

// renew empties the place for good and returns one for what comes after.
func (k *Kept) renew() *Kept {
	k.Clear()
	return &Kept{}
}

// Get returns the text, or nil.
func (k *Kept) Get() []byte {
	if text := k.text.Load(); text != nil {
		return *text
	}
	return nil
}

// Set keeps a text. It is false if there is one already.
func (k *Kept) Set(text []byte) bool { return k.text.CompareAndSwap(nil, &text) }

// Clear takes the text away.
func (k *Kept) Clear() { k.text.Store(nil) }

// documents numbers entities.
type documents struct {
	seed maphash.Seed
	docs slab[document]
	refs table
	uids table
	all  bitset
}

func (ds *documents) doc(id uint32) *document { return ds.docs.at(id) }

func (ds *documents) name(id uint32) Doc {
	d := ds.docs.at(id)
	return Doc{ID: id, UID: d.uid, Ref: d.ref, Kept: d.kept}
}

func (ds *documents) findRef(ref string) uint32 {
	return ds.refs.find(maphash.String(ds.seed, ref), func(id uint32) bool { return ds.docs.at(id).ref == ref })
}

func (ds *documents) findUID(uid string) uint32 {
	return ds.uids.find(maphash.String(ds.seed, uid), func(id uint32) bool { return ds.docs.at(id).uid == uid })
}

func (ds *documents) addDoc(ref, uid string) uint32 {
	id := ds.docs.alloc()
	*ds.docs.at(id) = document{uid: uid, ref: ref, kept: &Kept{}}
	ds.refs.insert(maphash.String(ds.seed, ref), id)
	ds.uids.insert(maphash.String(ds.seed, uid), id)
	if int(id>>6) >= len(ds.all) {
		ds.all = append(ds.all, make(bitset, 16+len(ds.all)/16)...)
	}
	ds.all.add(id)
	return id
}

func (ds *documents) removeDoc(id uint32) {
	d := ds.docs.at(id)
	ds.refs.remove(maphash.String(ds.seed, d.ref), id)
	ds.uids.remove(maphash.String(ds.seed, d.uid), id)
	ds.all[id>>6] &^= 1 << (id & 63)
	d.kept.Clear()
	ds.docs.release(id)
}

// rowsOf returns the terms of a document under a key.
func (ix *Index) rowsOf(doc, k uint32) []uint32 {
	rows := ix.doc(doc).rows
	low := search(len(rows), func(i int) bool { return ix.terms.at(rows[i]).key < k })
	high := low
	for high < len(rows) && ix.terms.at(rows[high]).key == k {
		high++
	}
	return rows[low:high]
}

// hasValue tells whether a document has a value, not just null, under a key.
func (ix *Index) hasValue(doc, k uint32) bool {
	for _, t := range ix.rowsOf(doc, k) {
		if ix.terms.at(t).text != 0 {
			return true
		}
	}
	return false
}

// value returns the term of a document's first value under a key in ascending order, or last if desc; 0 if it has none.
func (ix *Index) value(doc, k uint32, desc bool) uint32 {
	best := uint32(0)
	for _, t := range ix.rowsOf(doc, k) {
		if ix.terms.at(t).text == 0 {
			continue
		}
		if best != 0 {
			if c := bytes.Compare(ix.lower(t), ix.lower(best)); c > 0 != desc || c == 0 {
				continue
			}
		}
		best = t
	}
	return best
}
