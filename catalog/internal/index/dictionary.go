package index

import (
	"bytes"
	"hash/maphash"
)

// key is a search key.
type key struct {
	name  uint32  // in arena
	first uint32  // first of its terms with a value
	terms uint32  // how many those are
	null  uint32  // its term without a value, or 0
	docs  posting // who has a value; kept only for two terms and more, else it is the term's

	relation bool // it names a type of relations
}

// term is a key with one value as written. Terms of a key whose values differ only in case are chained by variant; the
// first of them is found by hash.
type term struct {
	text    uint32  // in arena; 0 and null set: no value
	key     uint32  // number of the key
	docs    posting // who has it
	variant uint32
	before  uint32 // in the list of the key's terms
	after   uint32
}

// dictionary knows all keys and values and who has them.
type dictionary struct {
	seed     maphash.Seed
	arena    arena
	postings postings
	keys     slab[key]
	terms    slab[term]
	keyTable table
	table    table

	relations map[uint32]string // relation type as written, by key
}

// In the arena, owners are terms, or keys with this bit.
const ownerKey = 1 << 31

func newDictionary() dictionary {
	d := dictionary{seed: maphash.MakeSeed(), relations: map[uint32]string{}}
	d.arena.put(1<<30, nil, nil) // so that place 0 is no text
	return d
}

func (d *dictionary) keyName(k uint32) []byte  { return d.arena.lower(d.keys.at(k).name) }
func (d *dictionary) lower(t uint32) []byte    { return d.arena.lower(d.terms.at(t).text) }
func (d *dictionary) original(t uint32) []byte { return d.arena.original(d.terms.at(t).text) }

// findKey returns the number of a lower-cased key, or 0.
func (d *dictionary) findKey(name []byte) uint32 { return d.findKeyHash(hashText(d.seed, name), name) }

func (d *dictionary) findKeyHash(hash uint64, name []byte) uint32 {
	return d.keyTable.find(hash, func(id uint32) bool { return bytes.Equal(d.keyName(id), name) })
}

// findTerm returns the first term of a key with a lower-cased value, or 0.
func (d *dictionary) findTerm(k uint32, keyHash uint64, value []byte) uint32 {
	return d.findTermHash(k, hashRow(keyHash, hashText(d.seed, value)), value)
}

func (d *dictionary) findTermHash(k uint32, hash uint64, value []byte) uint32 {
	return d.table.find(hash, func(id uint32) bool {
		t := d.terms.at(id)
		return t.key == k && bytes.Equal(d.arena.lower(t.text), value)
	})
}

// findRow returns the term of a row as written, or 0, and its key, or 0.
func (d *dictionary) findRow(x *extraction, r *row) (t, k uint32) {
	if k = d.findKeyHash(r.keyHash, x.text(r.key)); k == 0 {
		return 0, 0
	}
	if r.null {
		return d.keys.at(k).null, k
	}
	original := x.text(r.original)
	if len(original) == 0 {
		original = x.text(r.lower)
	}
	for t = d.findTermHash(k, r.hash, x.text(r.lower)); t != 0; t = d.terms.at(t).variant {
		if bytes.Equal(d.original(t), original) {
			break
		}
	}
	return t, k
}

// addKey makes a key.
func (d *dictionary) addKey(x *extraction, r *row) uint32 {
	k := d.keys.alloc()
	d.keys.at(k).name = d.arena.put(k|ownerKey, x.text(r.key), nil)
	d.keyTable.insert(r.keyHash, k)
	if raw := x.text(r.rawKey); len(raw) > 0 {
		d.relations[k] = string(raw[len(relationPrefix):])
		d.keys.at(k).relation = true
	}
	return k
}

// addTerm makes the term of a row that has none.
func (d *dictionary) addTerm(x *extraction, r *row, k uint32) uint32 {
	id := d.terms.alloc()
	t, of := d.terms.at(id), d.keys.at(k)
	t.key = k
	if r.null {
		of.null = id
		return id
	}
	t.text = d.arena.put(id, x.text(r.lower), x.text(r.original))
	if head := d.findTermHash(k, r.hash, x.text(r.lower)); head != 0 {
		h := d.terms.at(head)
		t.variant, h.variant = h.variant, id
	} else {
		d.table.insert(r.hash, id)
	}
	if of.terms == 1 { // from now on the set of the key is its own
		of.docs = d.postings.copy(d.terms.at(of.first).docs)
	}
	if t.after = of.first; t.after != 0 {
		d.terms.at(t.after).before = id
	}
	of.first = id
	of.terms++
	return id
}

// removeTerm takes a term away that nobody has any more.
func (d *dictionary) removeTerm(id uint32) {
	t := d.terms.at(id)
	of := d.keys.at(t.key)
	if t.text == 0 {
		of.null = 0
		d.terms.release(id)
		return
	}
	value := d.arena.lower(t.text)
	keyHash := hashText(d.seed, d.keyName(t.key))
	hash := hashRow(keyHash, hashText(d.seed, value))
	switch head := d.findTermHash(t.key, hash, value); {
	case head != id:
		for h := d.terms.at(head); ; h = d.terms.at(h.variant) {
			if h.variant == id {
				h.variant = t.variant
				break
			}
		}
	case t.variant != 0:
		d.table.replace(hash, id, t.variant)
	default:
		d.table.remove(hash, id)
	}
	if t.before == 0 {
		of.first = t.after
	} else {
		d.terms.at(t.before).after = t.after
	}
	if t.after != 0 {
		d.terms.at(t.after).before = t.before
	}
	if of.terms--; of.terms == 1 {
		d.postings.free(of.docs)
		of.docs = 0
	}
	d.removeText(t.text)
	d.terms.release(id)
}

// removeKey takes a key away that has no terms any more.
func (d *dictionary) removeKey(k uint32) {
	of := d.keys.at(k)
	d.keyTable.remove(hashText(d.seed, d.keyName(k)), k)
	d.removeText(of.name)
	d.keys.release(k)
	delete(d.relations, k)
}

func (d *dictionary) removeText(at uint32) {
	d.arena.remove(at, func(owner, at uint32) {
		switch {
		case owner&ownerKey != 0:
			d.keys.at(owner &^ ownerKey).name = at
		case owner != 1<<30:
			d.terms.at(owner).text = at
		}
	})
}

// valued is who has a value for a key.
func (d *dictionary) valued(k uint32) posting {
	switch of := d.keys.at(k); of.terms {
	case 0:
		return 0
	case 1:
		return d.terms.at(of.first).docs
	default:
		return of.docs
	}
}

// null is who has the key without a value.
func (d *dictionary) null(k uint32) posting {
	if t := d.keys.at(k).null; t != 0 {
		return d.terms.at(t).docs
	}
	return 0
}

// compare orders terms by lower-cased value.
func (d *dictionary) compare(a, b uint32) int {
	if a == b {
		return 0
	}
	return bytes.Compare(d.lower(a), d.lower(b))
}

// sameValue tells whether terms of one key, or 0 for none, have the same lower-cased value. Of terms that do, only the last one has no variant, so that mostly the texts need not be looked at.
func (d *dictionary) sameValue(a, b uint32) bool {
	return a == b || a != 0 && b != 0 && (d.terms.at(a).variant != 0 || d.terms.at(b).variant != 0) && d.compare(a, b) == 0
}
