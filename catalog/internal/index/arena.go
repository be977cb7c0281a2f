package index

import "encoding/binary"

// arena keeps millions of short texts in a few big blocks, which costs the garbage collector nothing. A record is a
// lower-cased text, and the original if that differs, with its owner, so that a block that has become mostly empty can
// be emptied into another. Texts got from it are valid while the index is locked; copy what is kept longer.
type arena struct {
	blocks [][]byte
	live   []int // bytes in use, by block
	free   []int // blocks without memory
	fill   int   // block that takes records
}

const (
	arenaShift = 17
	arenaBlock = 1 << arenaShift
)

// full tells whether the places that fit in 32 bits are nearly used up; what is left is enough for any one entity.
func (a *arena) full() bool { return len(a.blocks)-len(a.free) > 1<<(32-arenaShift)-1024 }

// put stores a record and returns its place. owner must not be 0. lower and original together must be well below the
// size of a block. An empty original means it is the same as lower.
func (a *arena) put(owner uint32, lower, original []byte) uint32 {
	size := 4 + uvarintSize(len(lower)) + len(lower) + uvarintSize(len(original)) + len(original)
	if len(a.blocks) == 0 || len(a.blocks[a.fill])+size > arenaBlock {
		a.grow()
	}
	b := a.blocks[a.fill]
	at := uint32(a.fill)<<arenaShift | uint32(len(b))
	b = binary.LittleEndian.AppendUint32(b, owner)
	b = append(binary.AppendUvarint(b, uint64(len(lower))), lower...)
	b = append(binary.AppendUvarint(b, uint64(len(original))), original...)
	a.blocks[a.fill] = b
	a.live[a.fill] += size
	return at
}

func (a *arena) grow() {
	if n := len(a.free); n > 0 {
		a.fill = a.free[n-1]
		a.free = a.free[:n-1]
	} else {
		a.fill = len(a.blocks)
		a.blocks = append(a.blocks, nil)
		a.live = append(a.live, 0)
	}
	a.blocks[a.fill] = make([]byte, 0, arenaBlock)
}

func uvarintSize(n int) int {
	if n < 0x80 {
		return 1
	}
	return 2 // texts are shorter than 16 KB
}

// lower returns the lower-cased text of the record at.
func (a *arena) lower(at uint32) []byte {
	b := a.blocks[at>>arenaShift][at&(arenaBlock-1)+4:]
	n := int(b[0])
	if n < 0x80 {
		return b[1 : 1+n : 1+n]
	}
	n = n&0x7f | int(b[1])<<7
	return b[2 : 2+n : 2+n]
}

// original returns the text as it was written.
func (a *arena) original(at uint32) []byte {
	lower := a.lower(at)
	rest := a.blocks[at>>arenaShift][int(at&(arenaBlock-1))+4+uvarintSize(len(lower))+len(lower):]
	n, size := binary.Uvarint(rest)
	if n == 0 {
		return lower
	}
	return rest[size : size+int(n) : size+int(n)]
}

// remove gives the record at back. If that leaves a block mostly empty, its other records move, and moved is told.
func (a *arena) remove(at uint32, moved func(owner, at uint32)) {
	block := int(at >> arenaShift)
	b := a.blocks[block][at&(arenaBlock-1):]
	a.live[block] -= recordSize(b)
	binary.LittleEndian.PutUint32(b, 0)
	if block == a.fill || a.live[block] > arenaBlock/4 {
		return
	}
	for b := a.blocks[block]; len(b) > 0; {
		size := recordSize(b)
		if owner := binary.LittleEndian.Uint32(b); owner != 0 {
			n, w := binary.Uvarint(b[4:])
			lower := b[4+w : 4+w+int(n)]
			m, v := binary.Uvarint(b[4+w+int(n):])
			rest := 4 + w + int(n) + v
			moved(owner, a.put(owner, lower, b[rest:rest+int(m)]))
		}
		b = b[size:]
	}
	a.blocks[block], a.live[block] = nil, 0
	a.free = append(a.free, block)
}

func recordSize(b []byte) int {
	n, w := binary.Uvarint(b[4:])
	m, v := binary.Uvarint(b[4+w+int(n):])
	return 4 + w + int(n) + v + int(m)
}

// bytes is the memory held.
func (a *arena) bytes() int { return (len(a.blocks) - len(a.free)) * arenaBlock }
