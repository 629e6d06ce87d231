package inventory

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// fakeCloud is an account in memory. The wire is cloud's to test.
type fakeCloud struct {
	mu            sync.Mutex // guards all below
	subscriptions map[cloud.Plan][]cloud.Subscription
	databases     map[int][]cloud.Database // by subscription
	offered       []cloud.Version
	targets       map[cloud.Ref][]string
	tagged        map[cloud.Ref]map[string]string
	broken        map[string]error // by call: "pro", "essentials", "databases 1206", "targets", "offers", "tags"
	calls         map[string]int
	slow          time.Duration // how long listing databases takes
}

func newFakeCloud() *fakeCloud {
	return &fakeCloud{
		subscriptions: map[cloud.Plan][]cloud.Subscription{},
		databases:     map[int][]cloud.Database{},
		targets:       map[cloud.Ref][]string{},
		tagged:        map[cloud.Ref]map[string]string{},
		broken:        map[string]error{},
		calls:         map[string]int{},
		offered: []cloud.Version{
			{Version: "8.2"}, {Version: "6.2"}, {Version: "7.4"}, {Version: "7.2"}, {Version: "8.10", Preview: true},
		},
	}
}

// call counts a call and says how it ends.
func (f *fakeCloud) call(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[name]++
	return f.broken[name]
}

func (f *fakeCloud) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[name]
}

// breaks makes a call fail; nil mends it.
func (f *fakeCloud) breaks(name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken[name] = err
}

func (f *fakeCloud) Subscriptions(context.Context) ([]cloud.Subscription, error) {
	if err := f.call("pro"); err != nil {
		return nil, err
	}
	return f.subscriptions[cloud.Pro], nil
}

func (f *fakeCloud) EssentialsSubscriptions(context.Context) ([]cloud.Subscription, error) {
	if err := f.call("essentials"); err != nil {
		return nil, err
	}
	return f.subscriptions[cloud.Essentials], nil
}

func (f *fakeCloud) Databases(ctx context.Context, _ cloud.Plan, id int) ([]cloud.Database, error) {
	if f.slow > 0 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(f.slow):
		}
	}
	if err := f.call("databases " + digits(id)); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.databases[id]), nil
}

func (f *fakeCloud) TargetVersions(_ context.Context, ref cloud.Ref) ([]string, error) {
	if err := f.call("targets"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.targets[ref], nil
}

func (f *fakeCloud) CreatableVersions(context.Context, cloud.Plan, int) ([]cloud.Version, error) {
	if err := f.call("offers"); err != nil {
		return nil, err
	}
	return f.offered, nil
}

func (f *fakeCloud) Tags(_ context.Context, ref cloud.Ref) ([]cloud.Tag, error) {
	if err := f.call("tags"); err != nil {
		return nil, err
	}
	var tags []cloud.Tag
	for key, value := range f.tagged[ref] {
		tags = append(tags, cloud.Tag{Key: key, Value: value})
	}
	return tags, nil
}

// The real client is what New gets in production.
var _ Cloud = (*cloud.Client)(nil)

var errBroken = errors.New("broken on purpose")

// add puts a database into a subscription, which it opens when it is new.
func (f *fakeCloud) add(plan cloud.Plan, subscription int, name string, d cloud.Database) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.ContainsFunc(f.subscriptions[plan], func(s cloud.Subscription) bool { return s.ID == subscription }) {
		f.subscriptions[plan] = append(f.subscriptions[plan], subscriptionNamed(plan, subscription, name))
	}
	f.databases[subscription] = append(f.databases[subscription], d)
}

// ids of the small fleet.
var (
	cacheProd    = cloud.Ref{Plan: cloud.Pro, Subscription: 1206, Database: 51055}
	ordersProd   = cloud.Ref{Plan: cloud.Pro, Subscription: 1206, Database: 51056}
	catalogProd  = cloud.Ref{Plan: cloud.Pro, Subscription: 1300, Database: 52001}
	catalogCopy  = cloud.Ref{Plan: cloud.Pro, Subscription: 1206, Database: 52002}
	catalogTrial = cloud.Ref{Plan: cloud.Essentials, Subscription: 9001, Database: 60001}
	latestProd   = cloud.Ref{Plan: cloud.Pro, Subscription: 1300, Database: 52003}
	legacyMC     = cloud.Ref{Plan: cloud.Pro, Subscription: 1300, Database: 52004}
	globalAA     = cloud.Ref{Plan: cloud.Pro, Subscription: 1400, Database: 53001}
	cacheEU      = cloud.Ref{Plan: cloud.Pro, Subscription: 1300, Database: 52005}
)

// smallFleet is an account with one of each kind.
func smallFleet() *fakeCloud {
	f := newFakeCloud()
	const prod, catalog, global, trial = "prod", "catalog", "global", "trial-sub"
	f.add(cloud.Pro, 1206, prod, databaseNamed(cacheProd, "cache-prod", "7.2", "cache.example.test:10001"))
	f.add(cloud.Pro, 1206, prod, databaseNamed(ordersProd, "orders-prod", "6.2", "orders.example.test:10002"))
	f.add(cloud.Pro, 1206, prod, fedBy(databaseNamed(catalogCopy, "catalog-replica", "7.2", "copy.example.test:10003"),
		"redis://default:hunter2@Catalog.Example.test.:10004", "redis://elsewhere.example.com:6379"))
	f.add(cloud.Pro, 1300, catalog, databaseNamed(catalogProd, "catalog-prod", "7.2", "catalog.example.test:10004", "catalog.internal.example.test:10004"))
	f.add(cloud.Pro, 1300, catalog, databaseNamed(latestProd, "latest-prod", "8.2", "latest.example.test:10005"))
	f.add(cloud.Pro, 1300, catalog, memcachedNamed(legacyMC, "legacy-mc"))
	f.add(cloud.Pro, 1300, catalog, databaseNamed(cacheEU, "Cache-Prod", "7.4", "cacheeu.example.test:10007"))
	f.add(cloud.Pro, 1400, global, activeActiveNamed(globalAA, "global-aa", "7.2"))
	f.add(cloud.Essentials, 9001, trial, fedBy(databaseNamed(catalogTrial, "trial", "7.4", "trial.example.test:10009"),
		"rediss://catalog.internal.example.test:10004"))
	f.tagged[ordersProd] = map[string]string{"environment": "Production", "team": "checkout"}
	return f
}

// newServer starts an in-memory Redis and a client that reaches it without a
// socket, so that both may live in a synctest bubble.
func newServer(t testing.TB) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true)
	client := redis.NewClient(&redis.Options{
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
		DisableIdentity: true,
	})
	t.Cleanup(func() { client.Close(); server.Close() })
	return server, client
}

// newIndex is an index over f with quiet defaults.
func newIndex(t testing.TB, f *fakeCloud, client redis.UniversalClient, change ...func(*Config)) *Index {
	t.Helper()
	c := Config{
		Cloud: f, Redis: client, Prefix: "test", Every: time.Minute,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for _, apply := range change {
		apply(&c)
	}
	return New(c)
}

// filled is a refreshed index over the small fleet.
func filled(t *testing.T, change ...func(*Config)) *Index {
	t.Helper()
	_, client := newServer(t)
	x := newIndex(t, smallFleet(), client, change...)
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatalf("Refresh: %v", err)
	}
	return x
}

func names(entries []Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Name)
	}
	return all
}
