package index

import "slices"

// sortedList is a long sorted list of entries that takes single insertions cheaply: blocks of a few hundred. What an
// entry means, and the order, are the caller's.
type sortedList struct {
	blocks [][]uint64 // none is empty
	n      int
}

const (
	sortedBlock = 512
	sortedFill  = 384 // of a block when built
)

// position is a place between entries.
type position struct{ block, at int }

func newSortedList(entries []uint64) sortedList {
	s := sortedList{n: len(entries)}
	for len(entries) > 0 {
		n := min(sortedFill, len(entries))
		size := sortedBlock
		if n == len(entries) {
			size = min(size, n+n/4+2) // the last block, which is the only one of most lists
		}
		s.blocks = append(s.blocks, append(make([]uint64, 0, size), entries[:n]...))
		entries = entries[n:]
	}
	return s
}

// search returns the place of the first entry for which before is false.
func (s *sortedList) search(before func(uint64) bool) position {
	block := search(len(s.blocks), func(i int) bool { b := s.blocks[i]; return before(b[len(b)-1]) })
	if block == len(s.blocks) {
		return position{block, 0}
	}
	b := s.blocks[block]
	return position{block, search(len(b), func(i int) bool { return before(b[i]) })}
}

// search returns the lowest i below n for which before is false, or n.
func search(n int, before func(int) bool) int {
	low, high := 0, n
	for low < high {
		if mid := int(uint(low+high) >> 1); before(mid) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// skip returns the place n entries on.
func (s *sortedList) skip(n int) position {
	for i, b := range s.blocks {
		if n < len(b) {
			return position{i, n}
		}
		n -= len(b)
	}
	return position{len(s.blocks), 0}
}

func (s *sortedList) end() position { return position{len(s.blocks), 0} }

// rank is the number of entries before p.
func (s *sortedList) rank(p position) int {
	n := p.at
	for _, b := range s.blocks[:p.block] {
		n += len(b)
	}
	return n
}

// insert puts e where before (is another entry before e?) says. It is false if e was there already.
func (s *sortedList) insert(e uint64, before func(uint64) bool) bool {
	p := s.search(before)
	if p.block == len(s.blocks) {
		if p.block == 0 {
			s.blocks = append(s.blocks, nil)
		} else {
			p.block--
		}
		p.at = len(s.blocks[p.block])
	}
	b := s.blocks[p.block]
	if p.at < len(b) && b[p.at] == e {
		return false
	}
	if len(b) == sortedBlock {
		half := append(make([]uint64, 0, sortedBlock), b[sortedBlock/2:]...)
		b = b[:sortedBlock/2]
		s.blocks[p.block] = b
		s.blocks = slices.Insert(s.blocks, p.block+1, half)
		if p.at > len(b) {
			p = position{p.block + 1, p.at - len(b)}
			b = half
		}
	}
	s.blocks[p.block] = slices.Insert(b, p.at, e)
	s.n++
	return true
}

// remove takes e away. It is false if e is not where before says.
func (s *sortedList) remove(e uint64, before func(uint64) bool) bool {
	p := s.search(before)
	if p.block == len(s.blocks) || s.blocks[p.block][p.at] != e {
		return false
	}
	b := slices.Delete(s.blocks[p.block], p.at, p.at+1)
	s.blocks[p.block] = b
	if len(b) == 0 {
		s.blocks = slices.Delete(s.blocks, p.block, p.block+1)
	}
	s.n--
	return true
}

// forward calls visit for entries from p on, until it returns false.
func (s *sortedList) forward(p position, visit func(uint64) bool) {
	for ; p.block < len(s.blocks); p = (position{p.block + 1, 0}) {
		for _, e := range s.blocks[p.block][p.at:] {
			if !visit(e) {
				return
			}
		}
	}
}

// backward calls visit for entries before p, nearest first, until it returns false.
func (s *sortedList) backward(p position, visit func(uint64) bool) {
	for {
		if p.at == 0 {
			if p.block == 0 {
				return
			}
			p.block--
			p.at = len(s.blocks[p.block])
		}
		b := s.blocks[p.block]
		for p.at > 0 {
			p.at--
			if !visit(b[p.at]) {
				return
			}
		}
	}
}

// forwardIn is forward for entries whose document is in set. It is apart because the loop is hot.
func (s *sortedList) forwardIn(set bitset, p position, visit func(uint64) bool) {
	for ; p.block < len(s.blocks); p = (position{p.block + 1, 0}) {
		for _, e := range s.blocks[p.block][p.at:] {
			if set.has(uint32(e)) && !visit(e) {
				return
			}
		}
	}
}

// backwardIn is backward for entries whose document is in set.
func (s *sortedList) backwardIn(set bitset, p position, visit func(uint64) bool) {
	for {
		if p.at == 0 {
			if p.block == 0 {
				return
			}
			p.block--
			p.at = len(s.blocks[p.block])
		}
		b := s.blocks[p.block]
		for p.at > 0 {
			p.at--
			if e := b[p.at]; set.has(uint32(e)) && !visit(e) {
				return
			}
		}
	}
}

// bytes is the memory held, roughly.
func (s *sortedList) bytes() int { return 64 + 24*len(s.blocks) + s.n*8*sortedBlock/sortedFill }
