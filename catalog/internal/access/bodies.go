package access

import (
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/proscenium-dev/proscenium/catalog/internal/index"
)

// defaultBodies bounds what is kept of entities in memory, in bytes.
const defaultBodies = 64 << 20

// bodies keeps the texts of entities with the index, up to a number of bytes. Whatever makes room is chosen by chance: with a catalog that fits there is none, and with one that does not any choice is about as good.
type bodies struct {
	limit int

	mu     sync.Mutex
	size   int           // at most; of texts whose entities changed it is not known
	places []*index.Kept // that were filled
}

// entryCost is what an entry costs besides its text.
const entryCost = 64

// put keeps a text unless there is one.
func (b *bodies) put(at *index.Kept, text []byte) {
	if !at.Set(text) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.places = append(b.places, at)
	if b.size += len(text) + entryCost; b.size <= b.limit {
		return
	}
	b.size = 0
	b.places = slices.DeleteFunc(b.places, func(at *index.Kept) bool {
		text := at.Get()
		if text != nil {
			b.size += len(text) + entryCost
		}
		return text == nil
	})
	for b.size > b.limit-b.limit/16 && len(b.places) > 0 { // a part of the room, so that this is rare
		i, last := rand.IntN(len(b.places)), len(b.places)-1
		b.size -= len(b.places[i].Get()) + entryCost
		b.places[i].Clear()
		b.places[i], b.places[last] = b.places[last], nil
		b.places = b.places[:last]
	}
}
