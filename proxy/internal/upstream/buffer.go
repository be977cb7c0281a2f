package upstream

import (
	"sync"
	"sync/atomic"
)

// maxLarge is how many large buffers a target may use at once. Who gets none takes a small one.
const maxLarge = 64

// buffers are of one size and reused.
type buffers struct {
	size  int   // bytes
	limit int64 // in use at once; 0: any number
	used  atomic.Int64
	pool  sync.Pool // of *[]byte: a slice alone would be allocated anew each time
}

// get returns a buffer, or nil when too many are in use.
func (b *buffers) get() *[]byte {
	if used := b.used.Add(1); b.limit > 0 && used > b.limit {
		b.used.Add(-1)
		return nil
	}
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return buffer
	}
	fresh := make([]byte, b.size)
	return &fresh
}

func (b *buffers) put(buffer *[]byte) {
	b.used.Add(-1)
	b.pool.Put(buffer)
}
