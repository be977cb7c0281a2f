package gateway

import "sync"

// bufferSize is that of one piece of a body.
const bufferSize = 32 << 10

// buffers are reused between requests. Pointers to slices go in and out, since a slice alone would be allocated anew each time.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}}
}

func (b *buffers) get() *[]byte  { return b.pool.Get().(*[]byte) }
func (b *buffers) put(p *[]byte) { b.pool.Put(p) }

// Get and Put are for the standard library's proxy.
func (b *buffers) Get() []byte  { return *b.get() }
func (b *buffers) Put(p []byte) { b.put(&p) }
