package inventory

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/releases"
)

// view is one snapshot prepared for questions. Nothing in it changes after
// newView returned, so any number of readers share it without a lock.
type view struct {
	generation int64 // 0: nothing was loaded yet
	at         time.Time
	problems   []Problem

	entries   []Entry    // by name, then Ref
	documents []document // what Search compares, same order as entries
	ranked    []int      // entries in the order that an empty query wants
	rankOf    []int      // where each entry stands in ranked

	byRef     map[cloud.Ref]int
	byID      map[int][]int
	byName    map[string][]int // lower case
	byAddress map[string]int   // host:port of an endpoint
	replicas  map[int][]int    // source → targets fed by it
}

// newView prepares an account; the configuration decides Store and Allowed, which
// are this process's opinion and therefore not stored.
func newView(c *Config, a *account, generation int64) *view {
	v := &view{
		generation: generation, at: a.At, problems: a.Problems,
		byRef: map[cloud.Ref]int{}, byID: map[int][]int{}, byName: map[string][]int{},
		byAddress: map[string]int{}, replicas: map[int][]int{},
	}
	endpoints := map[cloud.Ref][]string{}
	fallback := offeredByPlan(a)
	for i := range a.Subscriptions {
		s := &a.Subscriptions[i]
		offered := s.Offered
		if len(offered) == 0 {
			offered = fallback[s.Plan]
		}
		for j := range s.Databases {
			e := c.entryOf(s, &s.Databases[j], offered)
			v.entries = append(v.entries, e)
			endpoints[e.Ref] = s.Databases[j].Endpoints
		}
	}
	slices.SortFunc(v.entries, byNameThenRef)
	v.lookups(endpoints)
	v.links()
	v.rank()
	return v
}

// offeredByPlan lends a subscription whose versions were not read yet those of
// another one of its plan: offers differ rarely, and this is a hint only.
func offeredByPlan(a *account) map[cloud.Plan][]string {
	latest := map[cloud.Plan]time.Time{}
	offered := map[cloud.Plan][]string{}
	for _, s := range a.Subscriptions {
		if len(s.Offered) > 0 && s.OfferedAt.After(latest[s.Plan]) {
			latest[s.Plan], offered[s.Plan] = s.OfferedAt, s.Offered
		}
	}
	return offered
}

// lookups fills the maps and the documents from the sorted entries.
func (v *view) lookups(endpoints map[cloud.Ref][]string) {
	v.documents = make([]document, len(v.entries))
	for i, e := range v.entries {
		v.byRef[e.Ref] = i
		v.byID[e.Ref.Database] = append(v.byID[e.Ref.Database], i)
		name := strings.ToLower(e.Name)
		v.byName[name] = append(v.byName[name], i)
		for _, address := range endpoints[e.Ref] {
			v.byAddress[address] = i
		}
		v.documents[i] = newDocument(e)
	}
}

// links turns the sources that each target knows around: no field of a source
// points to its targets.
func (v *view) links() {
	for target, e := range v.entries {
		for _, address := range e.SyncSources {
			source, ok := v.byAddress[address]
			if ok && source != target && !slices.Contains(v.replicas[source], target) {
				v.replicas[source] = append(v.replicas[source], target)
			}
		}
	}
}

// rank orders the entries for an empty query: what can be upgraded first, and of
// those what is furthest behind.
func (v *view) rank() {
	v.ranked = make([]int, len(v.entries))
	for i := range v.ranked {
		v.ranked[i] = i
	}
	slices.SortFunc(v.ranked, v.byNeed)
	v.rankOf = make([]int, len(v.entries))
	for rank, i := range v.ranked {
		v.rankOf[i] = rank
	}
}

// byNeed is negative when entry a should be offered before entry b: upgradable
// ones first, then those behind most, then by name (the order of entries).
func (v *view) byNeed(a, b int) int {
	x, y := &v.entries[a], &v.entries[b]
	switch xu, yu := x.Upgradable(), y.Upgradable(); {
	case xu && !yu:
		return -1
	case yu && !xu:
		return 1
	}
	return cmp.Or(cmp.Compare(y.Behind, x.Behind), cmp.Compare(a, b))
}

// pick copies the entries at these positions, at most max (all when max <= 0).
func (v *view) pick(positions []int, max int) []Entry {
	if max > 0 && len(positions) > max {
		positions = positions[:max]
	}
	found := make([]Entry, 0, len(positions))
	for _, i := range positions {
		found = append(found, v.entries[i])
	}
	return found
}

// byNameThenRef is the order of All.
func byNameThenRef(a, b Entry) int {
	return cmp.Or(
		cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)),
		cmp.Compare(a.Ref.Plan, b.Ref.Plan),
		cmp.Compare(a.Ref.Subscription, b.Ref.Subscription),
		cmp.Compare(a.Ref.Database, b.Ref.Database),
	)
}

// ahead returns the newest of the offered versions and how many of them are
// newer than current. A version that cannot be read counts for nothing.
func ahead(current string, offered []string) (newest string, behind int) {
	var top releases.Version
	now, err := releases.Parse(current)
	for _, text := range offered {
		v, bad := releases.Parse(text)
		if bad != nil {
			continue
		}
		if top.Less(v) {
			top, newest = v, text
		}
		if err == nil && now.Less(v) {
			behind++
		}
	}
	return newest, behind
}

// digits is an id as people type it.
func digits(id int) string { return strconv.Itoa(id) }
