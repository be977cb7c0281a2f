package cache

import (
	"sync"
	"sync/atomic"
)

// maxDoubts is how many keys are remembered one by one; beyond it the whole namespace is in doubt.
const maxDoubts = 1024

// doubts are keys whose last change may not have reached the store, which still holds what was there before. Read after the store is back, that would be wrong rather than gone.
type doubts struct {
	some atomic.Bool
	mu   sync.Mutex
	keys map[string]struct{}
	all  bool
	adds uint64 // how many were ever added
}

// any reports whether there are doubts at all, cheaply.
func (d *doubts) any() bool { return d.some.Load() }

// of reports whether key is in doubt, whether all keys are, and what reset needs to know.
func (d *doubts) of(key string) (doubtful, all bool, noted uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, doubtful = d.keys[key]
	return doubtful || d.all, d.all, d.adds
}

func (d *doubts) add(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.some.Store(true)
	d.adds++
	if d.all {
		return
	}
	if d.keys == nil {
		d.keys = make(map[string]struct{})
	}
	d.keys[key] = struct{}{}
	if len(d.keys) > maxDoubts {
		d.all, d.keys = true, nil
	}
}

func (d *doubts) addAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.some.Store(true)
	d.adds++
	d.all, d.keys = true, nil
}

func (d *doubts) remove(key string) {
	if !d.any() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.keys, key)
	d.some.Store(d.all || len(d.keys) > 0)
}

// reset forgets all doubts, unless some were added since noted.
func (d *doubts) reset(noted uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.adds != noted {
		return
	}
	d.all, d.keys = false, nil
	d.some.Store(false)
}
