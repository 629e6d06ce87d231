package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/releases"
)

// What one reading may ask for at most beyond the listings themselves.
const (
	parallelCalls    = 4  // calls out at the same time
	offersPerReading = 30 // subscriptions whose offered versions are read
	offersLast       = 60 // readings that offered versions are believed
)

// reading is one pass over the account.
type reading struct {
	config *Config
	at     time.Time
	known  map[subscriptionKey]*subscription // from the snapshot before

	mu       sync.Mutex
	problems []Problem // guarded by mu
}

type subscriptionKey struct {
	plan cloud.Plan
	id   int
}

// read lists the whole account; what cannot be read is taken from before and
// noted as a problem. It fails only if there is nothing to publish: no list of
// subscriptions could be read, or ctx ended.
func (x *Index) read(ctx context.Context, before *account) (*account, error) {
	r := &reading{config: &x.config, at: x.config.Now(), known: map[subscriptionKey]*subscription{}}
	for i := range before.Subscriptions {
		s := &before.Subscriptions[i]
		r.known[subscriptionKey{s.Plan, s.ID}] = s
	}
	subscriptions, err := r.subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	x.total.Store(int64(len(subscriptions)))
	x.done.Store(0)
	r.databases(ctx, subscriptions, &x.done)
	r.offers(ctx, subscriptions)
	r.tags(ctx, subscriptions)
	if err := ctx.Err(); err != nil {
		return nil, err // what failed because of this must not be published as stale
	}
	slices.SortFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Reason, b.Reason))
	})
	return &account{At: r.at, Subscriptions: subscriptions, Problems: r.problems}, nil
}

// problem notes what could not be read.
func (r *reading) problem(err error, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, Problem{What: fmt.Sprintf(format, args...), Reason: err.Error()})
}

// subscriptions lists both plans. A plan that cannot be listed keeps its
// subscriptions of before, marked as failed.
func (r *reading) subscriptions(ctx context.Context) ([]subscription, error) {
	pro, proErr := r.config.Cloud.Subscriptions(ctx)
	essentials, essentialsErr := r.config.Cloud.EssentialsSubscriptions(ctx)
	if proErr != nil && essentialsErr != nil {
		return nil, fmt.Errorf("list subscriptions: %w", errors.Join(proErr, essentialsErr))
	}
	all := r.ofPlan(cloud.Pro, pro, proErr)
	return append(all, r.ofPlan(cloud.Essentials, essentials, essentialsErr)...), nil
}

// ofPlan turns one plan's list into the stored form, each with what was known of it.
func (r *reading) ofPlan(plan cloud.Plan, listed []cloud.Subscription, err error) []subscription {
	var all []subscription
	if err != nil {
		r.problem(err, "%s subscriptions", plan)
		for key, s := range r.known {
			if key.plan == plan {
				old := *s
				old.Failed = true
				all = append(all, old)
			}
		}
		slices.SortFunc(all, func(a, b subscription) int { return cmp.Compare(a.ID, b.ID) })
		return all
	}
	for _, l := range listed {
		s := subscription{Plan: plan, ID: l.ID}
		if old := r.known[subscriptionKey{plan, l.ID}]; old != nil {
			s = *old
		}
		s.Name, s.Status, s.ActiveActive, s.Failed = l.Name, l.Status, l.ActiveActive, false
		all = append(all, s)
	}
	return all
}

// databases lists the databases of every subscription that could be listed, a
// few at a time; each goroutine writes its own subscription only.
func (r *reading) databases(ctx context.Context, all []subscription, done *atomic.Int64) {
	var group errgroup.Group
	group.SetLimit(parallelCalls)
	for i := range all {
		if s := &all[i]; !s.Failed {
			group.Go(func() error {
				r.databasesOf(ctx, s)
				done.Add(1)
				return nil
			})
		}
	}
	_ = group.Wait() // the goroutines note their errors as problems
}

// databasesOf lists one subscription; on an error it keeps what it had.
func (r *reading) databasesOf(ctx context.Context, s *subscription) {
	listed, err := r.config.Cloud.Databases(ctx, s.Plan, s.ID)
	if err != nil {
		s.Failed = true
		r.problem(err, "databases of %s subscription %d", s.Plan, s.ID)
		return
	}
	old := make(map[int]*database, len(s.Databases))
	for i := range s.Databases {
		old[s.Databases[i].ID] = &s.Databases[i]
	}
	databases := make([]database, 0, len(listed))
	for i := range listed {
		d := databaseOf(&listed[i])
		if was := old[d.ID]; was != nil {
			d.Tags, d.TagsAt = was.Tags, was.TagsAt
		}
		databases = append(databases, d)
	}
	s.Databases, s.ReadAt = databases, r.at
}

// offers reads which versions are on offer, for the subscriptions where that is
// oldest. A failed one moves towards the back, so that it cannot hold up the rest.
func (r *reading) offers(ctx context.Context, all []subscription) {
	life := offersLast * r.config.Every
	var due []*subscription
	for i := range all {
		if s := &all[i]; !s.Failed && r.at.Sub(s.OfferedAt) >= life {
			due = append(due, s)
		}
	}
	slices.SortStableFunc(due, func(a, b *subscription) int { return a.OfferedAt.Compare(b.OfferedAt) })
	var group errgroup.Group
	group.SetLimit(parallelCalls)
	for _, s := range due[:min(len(due), offersPerReading)] {
		group.Go(func() error {
			versions, err := r.config.Cloud.CreatableVersions(ctx, s.Plan, s.ID)
			if err != nil {
				s.OfferedAt = r.at.Add(-life * 9 / 10)
				r.problem(err, "versions offered to %s subscription %d", s.Plan, s.ID)
				return nil
			}
			s.Offered, s.OfferedAt = released(versions), r.at
			return nil
		})
	}
	_ = group.Wait() // the goroutines note their errors as problems
}

// released are the versions that are no previews, oldest first.
func released(versions []cloud.Version) []string {
	var names []string
	for _, v := range versions {
		if !v.Preview {
			names = append(names, v.Version)
		}
	}
	return releases.Offered(names)
}

// tags reads the tags that are oldest. An error ends it for this time: what is
// wrong with one call is usually wrong with all; the failed one goes to the back.
func (r *reading) tags(ctx context.Context, all []subscription) {
	var due []untagged
	for i := range all {
		s := &all[i]
		for j := range s.Databases {
			if !s.Failed {
				d := &s.Databases[j]
				due = append(due, untagged{cloud.Ref{Plan: s.Plan, Subscription: s.ID, Database: d.ID}, d})
			}
		}
	}
	slices.SortStableFunc(due, func(a, b untagged) int { return a.of.TagsAt.Compare(b.of.TagsAt) })
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelCalls)
	for _, next := range due[:min(len(due), max(0, r.config.TagsPerRefresh))] {
		group.Go(func() error { return r.tagsOf(ctx, next) })
	}
	if err := group.Wait(); err != nil {
		r.problem(err, "tags")
	}
}

// untagged is a database whose tags are to be read.
type untagged struct {
	ref cloud.Ref
	of  *database
}

// tagsOf reads the tags of one database, unless another one's failed already.
func (r *reading) tagsOf(ctx context.Context, next untagged) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tags, err := r.config.Cloud.Tags(ctx, next.ref)
	switch {
	case err == nil:
		next.of.Tags, next.of.TagsAt = make(map[string]string, len(tags)), r.at
		for _, tag := range tags {
			next.of.Tags[tag.Key] = tag.Value
		}
	case ctx.Err() == nil:
		next.of.TagsAt = r.at // to the back of the queue
	}
	return err
}

// databaseOf takes over what may be stored, field by field: no password, no
// backup destination, no user part of a replication source.
func databaseOf(d *cloud.Database) database {
	stored := database{
		ID: d.Ref.Database, Name: d.Name, Status: d.Status, Protocol: d.Protocol, Version: d.Version,
		Provider: d.Provider, Region: d.Region,
		Port: d.Port, Shards: d.Shards, ActiveActive: d.ActiveActive, BackupOn: d.Backup.Enabled,
	}
	for _, e := range d.Endpoints() {
		if a := address(e); a != "" && !slices.Contains(stored.Endpoints, a) {
			stored.Endpoints = append(stored.Endpoints, a)
		}
	}
	for _, s := range d.SyncSources {
		if a := address(s); a != "" && !slices.Contains(stored.Sources, a) {
			stored.Sources = append(stored.Sources, a)
		}
	}
	for _, m := range d.Modules {
		stored.Modules = append(stored.Modules, m.Name)
	}
	if stored.Port == 0 && len(stored.Endpoints) > 0 {
		stored.Port = portOf(stored.Endpoints[0])
	}
	return stored
}
