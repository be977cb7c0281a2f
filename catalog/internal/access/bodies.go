package access

import (
	"hash/maphash"
	"sync"

	"github.com/proscenium-dev/proscenium/catalog/internal/store"
)

// defaultBodies bounds what is kept of entities in memory, in bytes.
const defaultBodies = 64 << 20

// bodies keeps entities in front of the store, up to a number of bytes. Whatever makes room is chosen by chance: with a catalog that fits there is none, and with one that does not any choice is about as good.
type bodies struct {
	seed   maphash.Seed
	shards [32]shard
}

type shard struct {
	mu    sync.RWMutex
	limit int
	size  int
	known map[string]body
}

type body struct {
	text []byte
	seq  int64 // of the change that made it
}

// entryCost is what an entry costs besides its text.
const entryCost = 160

func newBodies(limit int) *bodies {
	b := &bodies{seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i].limit = limit / len(b.shards)
		b.shards[i].known = map[string]body{}
	}
	return b
}

func (b *bodies) shard(ref string) *shard {
	return &b.shards[maphash.String(b.seed, ref)%uint64(len(b.shards))]
}

func (b *bodies) get(ref string) []byte {
	s := b.shard(ref)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.known[ref].text
}

// put keeps a text unless a later one is known.
func (b *bodies) put(ref string, text []byte, seq int64) {
	s := b.shard(ref)
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.known[ref]
	if ok && old.seq > seq {
		return
	}
	if ok {
		s.size -= len(old.text) + entryCost
	}
	if len(text)+entryCost > s.limit {
		delete(s.known, ref)
		return
	}
	s.known[ref] = body{text, seq}
	s.size += len(text) + entryCost
	for other, old := range s.known { // in an order that differs each time
		if s.size <= s.limit {
			break
		}
		if other != ref {
			s.size -= len(old.text) + entryCost
			delete(s.known, other)
		}
	}
}

func (b *bodies) changed(changes []store.Change) {
	for _, c := range changes {
		if c.Body != nil {
			b.put(c.Ref, c.Body, c.Seq)
			continue
		}
		s := b.shard(c.Ref)
		s.mu.Lock()
		if old, ok := s.known[c.Ref]; ok && old.seq < c.Seq {
			s.size -= len(old.text) + entryCost
			delete(s.known, c.Ref)
		}
		s.mu.Unlock()
	}
}
