package session

import (
	"fmt"
	"maps"
	"slices"
)

// Table is a life: every move a kind of session can make, as state → event →
// next state. An absent pair is refused; a state without a row is final. The row
// of the empty state holds the events that open a session. The words are stored
// in Redis: never rename one, add a version instead (see [Life]).
type Table[S, E ~string] map[S]map[E]S

// Next returns where event leads from a state, or [ErrNotAllowed] with both words.
func (t Table[S, E]) Next(from S, event E) (S, error) {
	to, ok := t[from][event]
	if !ok {
		return "", fmt.Errorf("%w: %q in state %q", ErrNotAllowed, event, from)
	}
	return to, nil
}

// Events returns what may happen in a state, sorted; none when it is final.
func (t Table[S, E]) Events(from S) []E {
	return slices.Sorted(maps.Keys(t[from]))
}

// States returns every state that the table names, sorted, without the empty one.
func (t Table[S, E]) States() []S {
	seen := map[S]bool{}
	for from, row := range t {
		seen[from] = true
		for _, to := range row {
			seen[to] = true
		}
	}
	delete(seen, "")
	return slices.Sorted(maps.Keys(seen))
}

// Life is a [Table] in the untyped form in which a [Store] looks moves up. A
// session keeps the version it was opened under and ends under it; new sessions
// open under the highest version configured. Keep an old version configured until
// its last session has ended.
type Life struct {
	Kind    string
	Version int
	Next    func(from, event string) (string, error) // as Table.Next
	Ended   func(state string) bool                  // true: the state releases its databases and needs no timer
	Has     func(state string) bool                  // true: the table names the state
	Also    func(body []byte) string                 // a word under which an open session is counted beside its state; nil: none
}

// LifeOf makes the untyped form of a table. A state may be ended and still have
// moves (a finished upgrade can be reverted). A nil ended means the final states.
func LifeOf[S, E ~string](kind string, version int, t Table[S, E], ended func(S) bool) Life {
	if ended == nil {
		ended = func(s S) bool { return len(t[s]) == 0 }
	}
	return Life{
		Kind:    kind,
		Version: version,
		Next: func(from, event string) (string, error) {
			to, err := t.Next(S(from), E(event))
			return string(to), err
		},
		Ended: func(state string) bool { return ended(S(state)) },
		Has:   func(state string) bool { return slices.Contains(t.States(), S(state)) },
	}
}

// life finds the life of a kind: the given version, or the newest for version 0.
func (s *Store) life(kind string, version int) (Life, error) {
	var found *Life
	for i, l := range s.cfg.Lives {
		if l.Kind != kind || version != 0 && l.Version != version {
			continue
		}
		if found == nil || l.Version > found.Version {
			found = &s.cfg.Lives[i]
		}
	}
	if found == nil {
		return Life{}, fmt.Errorf("%w: no life of kind %q, version %d is configured", ErrNotAllowed, kind, version)
	}
	return *found, nil
}
