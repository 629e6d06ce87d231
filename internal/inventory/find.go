package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// ErrNone is returned by Find when nothing has the name or id; [Index.Near] has
// suggestions.
var ErrNone = errors.New("no such database")

// AmbiguousError is returned by Find when a name fits several databases: names
// are unique within a subscription only.
type AmbiguousError struct {
	// Query is what was asked for.
	Query string
	// Matches are all databases it fits, sorted by name, then subscription.
	Matches []Entry
}

// Error names the candidates in a form that Find understands.
func (e *AmbiguousError) Error() string {
	names := make([]string, len(e.Matches))
	for i, m := range e.Matches {
		names[i] = fmt.Sprintf("%s/%s (%d)", m.SubscriptionName, m.Name, m.Ref.Database)
	}
	return fmt.Sprintf("%q fits %d databases: %s", e.Query, len(names), strings.Join(names, ", "))
}

// Find returns the one database that is meant: by its exact name (upper and
// lower case are the same), its id, "subscription/name", or the text of its Ref.
// It fails with ErrNone or an *AmbiguousError, and never guesses.
func (x *Index) Find(nameOrID string) (Entry, error) {
	v := x.view.Load()
	query := strings.TrimSpace(nameOrID)
	found := v.named(strings.ToLower(query))
	switch len(found) {
	case 0:
		return Entry{}, fmt.Errorf("%w: %q", ErrNone, query)
	case 1:
		return v.entries[found[0]], nil
	default:
		return Entry{}, &AmbiguousError{Query: query, Matches: v.pick(found, 0)}
	}
}

// named returns the positions of all entries that a lower-case query names.
func (v *view) named(query string) []int {
	found := slices.Clone(v.byName[query])
	if id, err := strconv.Atoi(query); err == nil {
		found = append(found, v.byID[id]...)
	}
	if ref, err := cloud.ParseRef(query); err == nil {
		if i, ok := v.byRef[ref]; ok {
			found = append(found, i)
		}
	}
	if i := strings.LastIndexByte(query, '/'); i >= 0 && len(found) == 0 {
		for _, j := range v.byName[query[i+1:]] {
			e := &v.entries[j]
			if s := query[:i]; s == strings.ToLower(e.SubscriptionName) || s == digits(e.Ref.Subscription) {
				found = append(found, j)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Near returns at most max databases whose names somebody may have meant by
// name: the same beginning, a part of it, or a few typing mistakes away; nearest first.
func (x *Index) Near(name string, max int) []Entry {
	v := x.view.Load()
	query := strings.ToLower(strings.TrimSpace(name))
	if query == "" {
		return nil
	}
	var hits []hit
	for i := range v.documents {
		if far := v.documents[i].farness(query); far >= 0 {
			hits = append(hits, hit{position: i, score: far})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.position, b.position))
	})
	positions := make([]int, len(hits))
	for i, h := range hits {
		positions[i] = h.position
	}
	return v.pick(positions, max)
}

// farness orders "did you mean" candidates: typing mistakes first, then names
// that begin alike, then names that contain the query; negative for none of these.
func (d *document) farness(query string) int {
	allowed := max(2, len(query)/3)
	if n := distance(query, d.name, allowed); n <= allowed {
		return n
	}
	const begins, contains = 100, 200
	switch {
	case strings.HasPrefix(d.name, query) || len(d.name) >= 3 && strings.HasPrefix(query, d.name):
		return begins
	case len(query) >= 3 && strings.Contains(d.name, query):
		return contains
	case d.resembles(query) != noMatch:
		return contains + 1
	}
	return -1
}
