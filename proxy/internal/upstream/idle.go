package upstream

import (
	"sync"
	"time"
)

// idleConns are connections that wait for their next request. The one that was used last comes first, so that those beyond what is needed grow old.
type idleConns struct {
	mu     sync.Mutex
	conns  []*plainConn // the oldest first
	sweep  *time.Timer  // runs while there are any
	closed bool
}

// get returns a connection, or nil.
func (i *idleConns) get() *plainConn {
	i.mu.Lock()
	defer i.mu.Unlock()
	last := len(i.conns) - 1
	if last < 0 {
		return nil
	}
	c := i.conns[last]
	i.conns[last] = nil
	i.conns = i.conns[:last]
	c.got = 0
	return c
}

// put keeps a connection, or closes it when there are enough.
func (i *idleConns) put(c *plainConn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || len(i.conns) >= maxIdle {
		_ = c.Close()
		return
	}
	c.since = time.Now()
	i.conns = append(i.conns, c)
	if i.sweep == nil {
		i.sweep = time.AfterFunc(idleConn, i.clean)
	}
}

// clean closes connections that nobody needed for a while.
func (i *idleConns) clean() {
	i.mu.Lock()
	defer i.mu.Unlock()
	old := 0
	for old < len(i.conns) && time.Since(i.conns[old].since) >= idleConn {
		_ = i.conns[old].Close()
		old++
	}
	i.conns = append(i.conns[:0], i.conns[old:]...)
	i.sweep = nil
	if len(i.conns) > 0 && !i.closed {
		i.sweep = time.AfterFunc(idleConn-time.Since(i.conns[0].since), i.clean)
	}
}

// close closes all that are not in use, and from now on those that come back.
func (i *idleConns) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	if i.sweep != nil {
		i.sweep.Stop()
	}
	for _, c := range i.conns {
		_ = c.Close()
	}
	i.conns = nil
}
