package store

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// resting are entities that are not put together again for a while: those to which so many others are related that doing it for each change of one of them would cost more than all else. A group of 5,000 members is written once a
// second at most, however many of them come and go. It is each process' own knowledge, so with several replicas each may do it once.
type resting struct {
	mu    sync.Mutex
	until map[int64]time.Time
}

// An entity with n relations rests for n times perRelation, so that putting it together costs a few per cent of the time. Those that would rest for less than leastRest do not.
const (
	perRelation = 200 * time.Microsecond
	leastRest   = 50 * time.Millisecond
	mostRest    = 10 * time.Second
)

// ids returns who is resting.
func (r *resting) ids(now time.Time) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.until, func(_ int64, until time.Time) bool { return !until.After(now) })
	return slices.Collect(maps.Keys(r.until))
}

// note takes note of entities that were put together.
func (r *resting) note(parts []*Parts, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range parts {
		if rest := min(time.Duration(len(p.Relations))*perRelation, mostRest); rest >= leastRest {
			r.until[p.ID] = now.Add(rest)
		}
	}
}

// RestLeft returns how long it is until the next of the entities that are not to be put together again yet may be, at most limit.
func (s *Store) RestLeft(limit time.Duration) time.Duration {
	s.resting.mu.Lock()
	defer s.resting.mu.Unlock()
	now := time.Now()
	for id, until := range s.resting.until {
		if until.After(now) {
			limit = min(limit, until.Sub(now))
		} else {
			limit = 0
			delete(s.resting.until, id)
		}
	}
	return limit
}
