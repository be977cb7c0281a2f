package index

// table finds numbers by hash. It holds no keys: the caller compares. It is split in parts so that growing rehashes,
// and stops the readers for, a small part at a time.
type table struct {
	parts [tableParts]tablePart
}

const tableParts = 64

type tablePart struct {
	slots []uint64 // low half of the hash << 32 | number; 0 is empty; probed linearly
	used  int
}

// find returns the number under hash for which same is true, or 0.
func (t *table) find(hash uint64, same func(id uint32) bool) uint32 {
	p := &t.parts[hash>>58]
	if p.used == 0 {
		return 0
	}
	mask := uint32(len(p.slots) - 1)
	for i := uint32(hash) & mask; ; i = (i + 1) & mask {
		slot := p.slots[i]
		if slot == 0 {
			return 0
		}
		if slot>>32 == hash&0xffffffff && same(uint32(slot)) {
			return uint32(slot)
		}
	}
}

// insert adds id, which must not be there.
func (t *table) insert(hash uint64, id uint32) {
	p := &t.parts[hash>>58]
	if (p.used+1)*5 > len(p.slots)*4 {
		old := p.slots
		p.slots = make([]uint64, max(16, 2*len(old)))
		for _, slot := range old {
			if slot != 0 {
				p.put(slot)
			}
		}
	}
	p.put(hash<<32 | uint64(id))
	p.used++
}

func (p *tablePart) put(slot uint64) {
	mask := uint32(len(p.slots) - 1)
	i := uint32(slot>>32) & mask
	for p.slots[i] != 0 {
		i = (i + 1) & mask
	}
	p.slots[i] = slot
}

// replace puts id in the place of old.
func (t *table) replace(hash uint64, old, id uint32) {
	if i, p := t.locate(hash, old); p != nil {
		p.slots[i] = hash<<32 | uint64(id)
	}
}

// remove takes id away.
func (t *table) remove(hash uint64, id uint32) {
	i, p := t.locate(hash, id)
	if p == nil {
		return
	}
	p.used--
	mask := uint32(len(p.slots) - 1)
	for j := i; ; { // close the gap, so that probing needs no tombstones
		p.slots[i] = 0
		for {
			j = (j + 1) & mask
			if p.slots[j] == 0 {
				return
			}
			home := uint32(p.slots[j]>>32) & mask
			if (j-home)&mask >= (j-i)&mask {
				break
			}
		}
		p.slots[i] = p.slots[j]
		i = j
	}
}

func (t *table) locate(hash uint64, id uint32) (uint32, *tablePart) {
	p := &t.parts[hash>>58]
	if p.used == 0 {
		return 0, nil
	}
	mask := uint32(len(p.slots) - 1)
	for i := uint32(hash) & mask; p.slots[i] != 0; i = (i + 1) & mask {
		if p.slots[i] == hash<<32|uint64(id) {
			return i, p
		}
	}
	return 0, nil
}
