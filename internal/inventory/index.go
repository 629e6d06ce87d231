package inventory

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Cloud is what the inventory reads of Redis Cloud; [cloud.Client] is one.
type Cloud interface {
	Subscriptions(ctx context.Context) ([]cloud.Subscription, error)
	EssentialsSubscriptions(ctx context.Context) ([]cloud.Subscription, error)
	Databases(ctx context.Context, plan cloud.Plan, subscription int) ([]cloud.Database, error)
	TargetVersions(ctx context.Context, ref cloud.Ref) ([]string, error)
	CreatableVersions(ctx context.Context, plan cloud.Plan, subscription int) ([]cloud.Version, error)
	Tags(ctx context.Context, ref cloud.Ref) ([]cloud.Tag, error)
}

// Config is what an Index needs. Cloud and Redis are required.
type Config struct {
	// Cloud answers what the account holds.
	Cloud Cloud
	// Redis holds the snapshot that all replicas share.
	Redis redis.UniversalClient
	// Prefix starts all keys: "{<prefix>}:inventory:…". Default "redis-upgrade".
	Prefix string
	// Every is the pause between two readings of the account. Default 1 minute.
	Every time.Duration
	// TargetsTTL is how long the target versions of a database are believed.
	// Default 5 minutes.
	TargetsTTL time.Duration
	// TagsPerRefresh bounds the databases whose tags one reading reads, oldest
	// first: there is a call per database. Default 60, a call a second at the
	// default pace; negative: none.
	TagsPerRefresh int
	// Allow lists the subscriptions that the bot may touch; empty: all. The others
	// are in the index too, because replication crosses subscriptions.
	Allow []int
	// StoreDatabase is the id of the database that the bot itself lives in; 0: unknown.
	StoreDatabase int
	// StoreAddrs are the host:port addresses of the bot's own Redis.
	StoreAddrs []string
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Log gets refreshes and their problems; default slog.Default().
	Log *slog.Logger
	// Rand is the source of lease tokens and jitter; default crypto/rand.Reader.
	Rand io.Reader
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = "redis-upgrade"
	}
	if c.Every <= 0 {
		c.Every = time.Minute
	}
	if c.TargetsTTL <= 0 {
		c.TargetsTTL = 5 * time.Minute
	}
	if c.TagsPerRefresh == 0 {
		c.TagsPerRefresh = 60
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return c
}

// Index answers questions about the account from memory. All its methods may
// be called at the same time from any goroutine. Before the first snapshot it is
// empty and not Ready.
type Index struct {
	config Config
	shared shared

	view     atomic.Pointer[view] // never nil; what it points to never changes
	swapping sync.Mutex           // held from learning of a snapshot to storing its view

	done, total atomic.Int64 // subscriptions of the reading in hand, or of the last one

	targets targetCache        // its own lock
	flights singleflight.Group // one live question per database at a time
}

// New returns an empty index; Run or Refresh fills it.
func New(config Config) *Index {
	config = config.withDefaults()
	x := &Index{config: config, shared: shared{config.Redis, config.Prefix}}
	x.view.Store(newView(&x.config, &account{}, 0))
	return x
}

// Ready reports whether there is anything to answer from: this replica has
// loaded a snapshot, of whatever age.
func (x *Index) Ready() bool { return x.view.Load().generation > 0 }

// Progress is how many subscriptions this replica has read of its reading, for who
// waits for the first one; 0, 0: it has not begun, or another replica reads.
func (x *Index) Progress() (done, total int) { return int(x.done.Load()), int(x.total.Load()) }

// Age is the time since the reading began that the answers come from; 0 while
// not Ready.
func (x *Index) Age() time.Duration {
	v := x.view.Load()
	if v.generation == 0 {
		return 0
	}
	return max(0, x.config.Now().Sub(v.at)) // another replica's clock may be ahead
}

// Endpoints returns every host:port at which a database of the account answers,
// private ones too, with the database's id. The caller owns the map.
func (x *Index) Endpoints() map[string]int {
	v := x.view.Load()
	out := make(map[string]int, len(v.byAddress))
	for address, i := range v.byAddress {
		out[address] = v.entries[i].Ref.Database
	}
	return out
}

// All returns every database, sorted by name. The caller owns the slice.
func (x *Index) All() []Entry {
	return append([]Entry(nil), x.view.Load().entries...)
}

// Get returns the database with exactly this plan, subscription and id.
func (x *Index) Get(ref cloud.Ref) (Entry, bool) {
	v := x.view.Load()
	i, ok := v.byRef[ref]
	if !ok {
		return Entry{}, false
	}
	return v.entries[i], true
}
