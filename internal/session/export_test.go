package session

import "time"

// WithTurnPatience is the store with another patience, so that tests need not wait
// a minute of Redis time.
func (s *Store) WithTurnPatience(d time.Duration) *Store {
	s.turnPatience = d
	return s
}

// WithSeenFor is the store with another memory for what it has seen.
func (s *Store) WithSeenFor(d time.Duration) *Store {
	s.seenFor = d
	return s
}
