package index

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// prefixed is something to sort by its text, with eight bytes of the text at hand: comparing those touches no other
// memory, which is most of the cost of sorting a million texts.
type prefixed struct {
	prefix uint64
	id     uint32
}

// sortByText sorts by text, then by id. Texts that agree in eight bytes are sorted by the next eight, and so on, since
// names and refs begin alike.
func sortByText[T string | []byte](list []prefixed, text func(id uint32) T) {
	sortFrom(list, 0, text)
}

func sortFrom[T string | []byte](list []prefixed, depth int, text func(id uint32) T) {
	const few = 12
	more := false
	for i := range list {
		t := text(list[i].id)
		list[i].prefix = 0
		if depth < len(t) {
			more = true
			var b [8]byte
			copy(b[:], t[depth:])
			list[i].prefix = binary.BigEndian.Uint64(b[:])
		}
	}
	if len(list) <= few || !more {
		slices.SortFunc(list, func(a, b prefixed) int {
			if a.prefix != b.prefix {
				return cmp.Compare(a.prefix, b.prefix)
			}
			switch x, y := text(a.id), text(b.id); {
			case string(x) < string(y):
				return -1
			case string(x) > string(y):
				return 1
			}
			return cmp.Compare(a.id, b.id)
		})
		return
	}
	slices.SortFunc(list, func(a, b prefixed) int { return cmp.Compare(a.prefix, b.prefix) })
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].prefix == list[i].prefix {
			j++
		}
		if j-i > 1 {
			sortFrom(list[i:j], depth+8, text)
		}
		i = j
	}
}
