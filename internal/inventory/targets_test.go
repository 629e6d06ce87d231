package inventory

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTargetsAreAskedOnceAndShared(t *testing.T) {
	_, client := newServer(t)
	f := smallFleet()
	f.targets[cacheProd] = []string{"8.10", "8.2", "7.4"}
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	clock := func(c *Config) { c.Now = func() time.Time { return now } }
	a, b := newIndex(t, f, client, clock), newIndex(t, f, client, clock)
	refresh(t, a)
	refresh(t, b)
	if _, _, ok := a.CachedTargets(cacheProd); ok {
		t.Error("CachedTargets has an answer before anybody asked")
	}
	for _, x := range []*Index{a, a, b} {
		got, err := x.Targets(t.Context(), cacheProd)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"7.4", "8.2", "8.10"}, got); diff != "" {
			t.Errorf("targets, oldest first (-want +got):\n%s", diff)
		}
	}
	if n := f.count("targets"); n != 1 {
		t.Errorf("asked %d times, want once for two replicas", n)
	}
	asked := now
	now = now.Add(6 * time.Minute)
	if _, at, ok := b.CachedTargets(cacheProd); !ok || !at.Equal(asked) {
		t.Errorf("CachedTargets = %v, %v, want the old answer with its time", at, ok)
	}
	if _, err := a.Targets(t.Context(), cacheProd); err != nil || f.count("targets") != 2 {
		t.Errorf("asked %d times (%v), want again after 5 minutes", f.count("targets"), err)
	}
}

func TestUpgradeMakesTargetsWorthless(t *testing.T) {
	_, client := newServer(t)
	f := smallFleet()
	f.targets[cacheProd] = []string{"7.4", "8.2"}
	x := newIndex(t, f, client)
	refresh(t, x)
	if _, err := x.Targets(t.Context(), cacheProd); err != nil {
		t.Fatal(err)
	}
	f.targets[cacheProd] = nil
	f.databases[1206][0].Version = "8.2"
	refresh(t, x)
	if _, _, ok := x.CachedTargets(cacheProd); ok {
		t.Error("CachedTargets still answers for the old version")
	}
	if got, err := x.Targets(t.Context(), cacheProd); err != nil || len(got) != 0 {
		t.Errorf("Targets = %v, %v, want none after the upgrade", got, err)
	}
}

// A preview is not offered: nobody could be told what it changes.
func TestPreviewsAreNotOffered(t *testing.T) {
	_, client := newServer(t)
	f := smallFleet()
	f.targets[cacheProd] = []string{"9.0-preview", "8.10", "8.2", "8.12.0-RC1"}
	x := newIndex(t, f, client)
	refresh(t, x)
	got, err := x.Targets(t.Context(), cacheProd)
	if err != nil || !slices.Equal(got, []string{"8.2", "8.10"}) {
		t.Errorf("Targets = %v, %v; want the versions that are released, oldest first", got, err)
	}
}

func TestTargetsErrors(t *testing.T) {
	server, client := newServer(t)
	f := smallFleet()
	f.targets[cacheProd] = []string{"7.4"}
	x := newIndex(t, f, client)
	refresh(t, x)
	f.breaks("targets", errBroken)
	if _, err := x.Targets(t.Context(), cacheProd); err == nil {
		t.Error("no error when Redis Cloud has none of it")
	}
	f.breaks("targets", nil)
	server.SetError("LOADING on purpose")
	if got, err := x.Targets(t.Context(), cacheProd); err != nil || len(got) != 1 {
		t.Errorf("Targets = %v, %v; want an answer without Redis too", got, err)
	}
	server.SetError("")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Targets(ctx, ordersProd); err == nil {
		t.Error("a cancelled question was answered")
	}
}

func TestAnswersWhileTheIndexChanges(t *testing.T) {
	_, client := newServer(t)
	f := smallFleet()
	f.targets[cacheProd] = []string{"7.4"}
	x := newIndex(t, f, client)
	refresh(t, x)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 200 {
				if len(x.Search("prod", 3)) != 3 || len(x.All()) != 9 || len(x.ReplicasOf(catalogProd)) != 2 {
					t.Error("an answer came from a half-made view")
					return
				}
				if _, err := x.Targets(t.Context(), cacheProd); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 10 {
		refresh(t, x)
	}
	readers.Wait()
}
