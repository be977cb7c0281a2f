package sqltext

import "sync"

// Cache remembers what a scan found, since programs run the same few texts over and over. Its methods may be called from many goroutines.
type Cache[T any] struct {
	scan  func(string) T
	mu    sync.RWMutex
	known map[string]T
}

const (
	maxKnown     = 1024     // past it everything is forgotten and learnt again: the memory of a program that builds its texts stays bounded
	maxKnownText = 16 << 10 // a longer text is rarely run twice
)

// NewCache returns an empty cache in front of scan.
func NewCache[T any](scan func(string) T) *Cache[T] {
	return &Cache[T]{scan: scan, known: map[string]T{}}
}

// Of returns what scan finds in text.
func (c *Cache[T]) Of(text string) T {
	c.mu.RLock()
	found, ok := c.known[text]
	c.mu.RUnlock()
	if ok {
		return found
	}
	found = c.scan(text)
	if len(text) > maxKnownText {
		return found
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[text] = found
	return found
}
