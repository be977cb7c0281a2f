package store

import "time"

// SetClock lets a store take the time from somewhere else.
func (s *Store) SetClock(now func() time.Time) { s.clock.process = now }
