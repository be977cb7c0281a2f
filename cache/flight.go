package cache

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// flights are the values being made in one namespace, by key.
type flights struct {
	landed atomic.Uint64 // how many have ended
	closed atomic.Bool

	mu    sync.Mutex
	going map[string]*flight
}

// flight is one call of a fill function that several callers may wait for.
type flight struct {
	done  chan struct{} // closed when value and err are there
	value []byte
	err   error
	apart atomic.Bool
}

// detached reports whether the key was set, deleted or cleared since the flight started, so that its value must not be stored.
func (f *flight) detached() bool { return f.apart.Load() }

// join returns the key's flight, or a new one, which the caller then has to fly; it is counted in running. open is false after close.
func (s *flights) join(key string, running *sync.WaitGroup) (f *flight, first, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return nil, false, false
	}
	if f, ok := s.going[key]; ok {
		return f, false, true
	}
	f = &flight{done: make(chan struct{})}
	if s.going == nil {
		s.going = make(map[string]*flight)
	}
	s.going[key] = f
	running.Add(1)
	return f, true, true
}

// land lets those go on who wait for f.
func (s *flights) land(key string, f *flight) {
	s.mu.Lock()
	if s.going[key] == f {
		delete(s.going, key)
	}
	s.mu.Unlock()
	s.landed.Add(1)
	close(f.done)
}

// detach makes the key's flight one whose value is not stored and that nobody joins any more.
func (s *flights) detach(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.going[key]; ok {
		f.apart.Store(true)
		delete(s.going, key)
	}
}

func (s *flights) detachAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.going {
		f.apart.Store(true)
	}
	clear(s.going)
}

func (s *flights) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed.Store(true)
}

// hold counts a goroutine in running; false after close.
func (s *flights) hold(running *sync.WaitGroup) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return false
	}
	running.Add(1)
	return true
}

func (s *flights) isClosed() bool { return s.closed.Load() }

// stack is the stack of a panic, for the log.
func stack() string { return string(debug.Stack()) }
