package slackemu

// journalSize is how many entries each journal keeps.
const journalSize = 20_000

// ring keeps the newest limit entries, oldest first.
type ring[T any] struct {
	limit   int
	entries []T
}

// add appends an entry and forgets the oldest ones, in large steps, so that
// adding stays cheap.
func (r *ring[T]) add(entry T) {
	if len(r.entries) >= 2*r.limit {
		r.entries = append([]T(nil), r.entries[len(r.entries)-r.limit:]...)
	}
	r.entries = append(r.entries, entry)
}

// newest returns the last n of the kept entries in a slice of its own.
func (r *ring[T]) newest(n int) []T {
	from := max(0, len(r.entries)-min(n, r.limit))
	return append([]T{}, r.entries[from:]...)
}
