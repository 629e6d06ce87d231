package inventory

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/cloud"
)

func TestEntryTellsWhatTheAccountHolds(t *testing.T) {
	x := filled(t)
	if done, total := x.Progress(); done == 0 || done != total {
		t.Errorf("read %d of %d subscriptions", done, total)
	}
	got, ok := x.Get(ordersProd)
	want := Entry{
		Ref: ordersProd, Name: "orders-prod", SubscriptionName: "prod", SubscriptionStatus: "active",
		Status: "active", Protocol: "redis", Version: "6.2", Endpoint: "orders.example.test:10002",
		Provider: "AWS", Region: "us-east-1",
		Port: 10002, Shards: 1, BackupOn: true, Allowed: true, Newest: "8.2", Behind: 3,
		Tags: map[string]string{"environment": "Production", "team": "checkout"}, Modules: []string{"RedisJSON"},
	}
	if !ok {
		t.Fatal("not found")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if e, _ := x.Get(cacheProd); e.Tags == nil || len(e.Tags) != 0 {
		t.Errorf("tags %#v, want an empty map where there are none", e.Tags)
	}
	wantAll := []string{"Cache-Prod", "cache-prod", "catalog-prod", "catalog-replica", "global-aa", "latest-prod", "legacy-mc", "orders-prod", "trial"}
	// Names that differ in case only are ordered by subscription.
	wantAll[0], wantAll[1] = wantAll[1], wantAll[0]
	if diff := cmp.Diff(wantAll, names(x.All())); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
}

func TestUpgradable(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(*Config)
		ref      cloud.Ref
		want     bool
	}{
		{"an old Redis database is", nil, cacheProd, true},
		{"an Essentials one behind is", nil, catalogTrial, true},
		{"the newest version is not (a preview does not count)", nil, latestProd, false},
		{"memcached is not", nil, legacyMC, false},
		{"Active-Active is not", nil, globalAA, false},
		{"outside ALLOW_SUBSCRIPTIONS is not", func(c *Config) { c.Allow = []int{1300} }, cacheProd, false},
		{"inside ALLOW_SUBSCRIPTIONS is", func(c *Config) { c.Allow = []int{1300} }, catalogProd, true},
		{"the bot's own store, by id, is not", func(c *Config) { c.StoreDatabase = cacheProd.Database }, cacheProd, false},
		{"the bot's own store, by address, is not", func(c *Config) { c.StoreAddrs = []string{"CACHE.example.test.:10001"} }, cacheProd, false},
		{"its neighbour is", func(c *Config) { c.StoreAddrs = []string{"cache.example.test:10001"} }, ordersProd, true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			x := filled(t, func(c *Config) {
				if row.change != nil {
					row.change(c)
				}
			})
			e, ok := x.Get(row.ref)
			if !ok || e.Upgradable() != row.want {
				t.Errorf("found %v, Upgradable = %v, want %v (%+v)", ok, e.Upgradable(), row.want, e)
			}
		})
	}
}

// TestPartialFailures: what cannot be read stays, marked; what can be read moves on.
func TestPartialFailures(t *testing.T) {
	for _, row := range []struct {
		sentence string
		broken   string
		stale    []string
		problem  string
	}{
		{"one subscription", "databases 1206", []string{"cache-prod", "catalog-replica", "orders-prod"}, "databases of pro subscription 1206"},
		{"the list of Essentials", "essentials", []string{"trial"}, "essentials subscriptions"},
		{"the list of Pro", "pro", []string{"cache-prod", "Cache-Prod", "catalog-prod", "catalog-replica", "global-aa", "latest-prod", "legacy-mc", "orders-prod"}, "pro subscriptions"},
		{"tags", "tags", nil, "tags"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			_, client := newServer(t)
			f := smallFleet()
			now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
			x := newIndex(t, f, client, func(c *Config) { c.Now = func() time.Time { return now } })
			first := now
			refresh(t, x)
			now = now.Add(time.Minute)
			f.breaks(row.broken, errBroken)
			refresh(t, x)
			now = now.Add(time.Minute)
			refresh(t, x)
			var stale []string
			for _, e := range x.All() {
				if !e.Stale.IsZero() {
					stale = append(stale, e.Name)
					if !e.Stale.Equal(first) {
						t.Errorf("%s: Stale = %v, want the last good reading %v", e.Name, e.Stale, first)
					}
				}
			}
			if diff := cmp.Diff(row.stale, stale); diff != "" {
				t.Errorf("stale entries (-want +got):\n%s", diff)
			}
			if p := x.Problems(); len(p) != 1 || p[0].What != row.problem {
				t.Errorf("Problems = %v, want %q", p, row.problem)
			}
			if e, _ := x.Get(ordersProd); e.Tags["team"] != "checkout" || len(x.All()) != 9 {
				t.Errorf("%d databases, tags %v: something known got lost", len(x.All()), e.Tags)
			}
			f.breaks(row.broken, nil)
			refresh(t, x)
			if e, _ := x.Get(ordersProd); !e.Stale.IsZero() || len(x.Problems()) != 0 {
				t.Errorf("still stale %v or %v after the error ended", e.Stale, x.Problems())
			}
		})
	}
}

func TestDeletedDatabasesLeave(t *testing.T) {
	_, client := newServer(t)
	f := smallFleet()
	x := newIndex(t, f, client)
	refresh(t, x)
	f.databases[1206] = f.databases[1206][1:]
	f.subscriptions[cloud.Essentials] = nil
	refresh(t, x)
	if _, ok := x.Get(cacheProd); ok {
		t.Error("a deleted database is still there")
	}
	if _, ok := x.Get(catalogTrial); ok {
		t.Error("the database of a deleted subscription is still there")
	}
}

func TestOffersAndTagsAreReadSparingly(t *testing.T) {
	_, client := newServer(t)
	f := smallFleet()
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	x := newIndex(t, f, client, func(c *Config) { c.Now = func() time.Time { return now }; c.TagsPerRefresh = 2 })
	for range 5 {
		refresh(t, x)
		now = now.Add(time.Minute)
	}
	if n := f.count("offers"); n != 4 {
		t.Errorf("offered versions asked %d times in 5 readings of 4 subscriptions, want 4", n)
	}
	if n := f.count("tags"); n != 10 {
		t.Errorf("tags asked %d times in 5 readings, want 2 each", n)
	}
	if e, _ := x.Get(ordersProd); e.Tags["team"] != "checkout" {
		t.Errorf("tags %v: the turn of each of 9 databases comes within 5 readings", e.Tags)
	}
	now = now.Add(time.Hour)
	refresh(t, x)
	if n := f.count("offers"); n != 8 {
		t.Errorf("offered versions asked %d times, want again after an hour", n)
	}
}

func TestUnreadOffersAreBorrowedFromThePlan(t *testing.T) {
	_, client := newServer(t)
	f := newFakeCloud()
	for i := 1; i <= offersPerReading+1; i++ {
		f.add(cloud.Pro, i, "s", databaseNamed(cloud.Ref{Plan: cloud.Pro, Subscription: i, Database: i}, "db", "7.2"))
	}
	x := newIndex(t, f, client)
	refresh(t, x)
	for _, e := range x.All() {
		if e.Behind != 2 || e.Newest != "8.2" {
			t.Errorf("subscription %d: %d behind %q, want 2 behind 8.2", e.Ref.Subscription, e.Behind, e.Newest)
		}
	}
}

func TestNoSecretIsStored(t *testing.T) {
	server, client := newServer(t)
	x := newIndex(t, smallFleet(), client)
	refresh(t, x)
	if _, err := x.Targets(t.Context(), cacheProd); err != nil {
		t.Fatal(err)
	}
	packed := server.HGet(x.shared.snapshotKey(), "0")
	zip, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "default:", "backups.example.test", "ftp:"} {
		if strings.Contains(string(plain)+server.Dump(), secret) {
			t.Errorf("the snapshot contains %q", secret)
		}
	}
	if !strings.Contains(string(plain), "catalog.example.test:10004") {
		t.Error("the snapshot lacks the source's address: nothing was tested")
	}
	for _, key := range server.Keys() {
		if !strings.HasPrefix(key, "{test}:inventory:") {
			t.Errorf("key %q is outside the prefix", key)
		}
	}
}

func TestPackInChunks(t *testing.T) {
	a := &account{At: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)}
	for i := range 500 {
		a.Subscriptions = append(a.Subscriptions, subscription{Plan: cloud.Pro, ID: i * 7919, Name: strings.Repeat("x", i%13)})
	}
	chunks, err := pack(a, 100)
	if err != nil || len(chunks) < 3 {
		t.Fatalf("pack: %d chunks, %v; want several", len(chunks), err)
	}
	got, err := unpack(chunks)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, got); diff != "" {
		t.Errorf("after pack and unpack (-want +got):\n%s", diff)
	}
	chunks[1] = ""
	if _, err := unpack(chunks); err == nil {
		t.Error("a missing chunk went unnoticed")
	}
}

func TestShorterSnapshotLeavesNoOldChunks(t *testing.T) {
	server, client := newServer(t)
	x := newIndex(t, smallFleet(), client)
	refresh(t, x)
	server.HSet(x.shared.snapshotKey(), "chunks", "3", "1", "old", "2", "old")
	refresh(t, x) // finds it damaged, reads all anew
	fields, err := server.HKeys(x.shared.snapshotKey())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(fields, " "); strings.Contains(" "+got+" ", " 1 ") || strings.Contains(" "+got+" ", " 2 ") {
		t.Errorf("fields %q still hold chunks of a longer snapshot", got)
	}
	if _, _, err := x.shared.load(t.Context()); err != nil {
		t.Errorf("load = %v", err)
	}
}

// refresh fails the test when the account cannot be read.
func refresh(t *testing.T, x *Index) {
	t.Helper()
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatalf("Refresh: %v", err)
	}
}
