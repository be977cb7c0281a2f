package index

// slab holds values by number in pages that never move, so growing neither copies nor doubles memory. Number 0 is
// never given out. The zero value is ready.
type slab[T any] struct {
	pages [][]T
	next  uint32
	free  []uint32
}

const slabShift = 11

func (s *slab[T]) at(id uint32) *T { return &s.pages[id>>slabShift][id&(1<<slabShift-1)] }

// alloc returns the number of a zero value.
func (s *slab[T]) alloc() uint32 {
	if n := len(s.free); n > 0 {
		id := s.free[n-1]
		s.free = s.free[:n-1]
		return id
	}
	if s.next == 0 {
		s.next = 1
	}
	id := s.next
	if int(id>>slabShift) == len(s.pages) {
		s.pages = append(s.pages, make([]T, 1<<slabShift))
	}
	s.next++
	return id
}

func (s *slab[T]) release(id uint32) {
	var zero T
	*s.at(id) = zero
	s.free = append(s.free, id)
}

// end is one more than the highest number given out so far.
func (s *slab[T]) end() uint32 { return max(s.next, 1) }

func (s *slab[T]) len() int { return int(s.end()) - 1 - len(s.free) }
