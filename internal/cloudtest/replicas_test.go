package cloudtest

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// pairs has every combination of plans as source and target of Active-Passive.
func pairs() cloudemu.Fleet {
	db := func(name, of string) cloudemu.FleetDatabase {
		return cloudemu.FleetDatabase{Name: name, Version: "7.2", ReplicaOf: of, BackupPath: "s3://acme/" + name, BackupAge: "1h", Keys: 5}
	}
	essentials := func(name, of string) cloudemu.FleetSubscription {
		d := db(name, of)
		d.Protocol = "stack"
		return cloudemu.FleetSubscription{Name: name + "-plan", Plan: "essentials", Backups: true, Targets: "all", Databases: []cloudemu.FleetDatabase{d}}
	}
	return cloudemu.Fleet{Subscriptions: []cloudemu.FleetSubscription{
		{Name: "sources", Databases: []cloudemu.FleetDatabase{db("pro-source", ""), db("alone", "")}},
		{Name: "targets", Databases: []cloudemu.FleetDatabase{db("pro-target", "pro-source"), db("pro-of-essentials", "e-source"), db("chained", "pro-target")}},
		essentials("e-source", ""), essentials("e-target", "pro-source"), essentials("e-of-e", "e-source"),
	}}
}

func names(all []inventory.Entry) string {
	var out []string
	for _, e := range all {
		out = append(out, e.Name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestTheReplicaGraphSpansPlans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairs())
		for _, tt := range []struct{ name, feeds, fedBy string }{
			{"pro-source", "e-target pro-target", ""},
			{"pro-target", "chained", "pro-source"},
			{"chained", "", "pro-target"},
			{"e-source", "e-of-e pro-of-essentials", ""}, // found by its address for use as a source, which is neither of its endpoints
			{"pro-of-essentials", "", "e-source"},
			{"e-of-e", "", "e-source"},
			{"e-target", "", "pro-source"},
			{"alone", "", ""},
		} {
			ref := named(t, w.emu, tt.name).ref()
			sources, external := w.index.SourcesOf(ref)
			if got := names(w.index.ReplicasOf(ref)); got != tt.feeds || names(sources) != tt.fedBy || len(external) > 0 {
				t.Errorf("%s feeds %q and is fed by %q and %v; want %q and %q", tt.name, got, names(sources), external, tt.feeds, tt.fedBy)
			}
		}
	})
}

func TestASourceOutsideTheAccountIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := pairs()
		w := newWorld(t, f)
		// The source goes; the target still names its address.
		hook(t, w.emu, "POST", "database", map[string]any{"name": "e-source", "set": map[string]any{"delete": true}}, nil)
		must(t, w.index.Refresh(t.Context()))
		known, external := w.index.SourcesOf(named(t, w.emu, "pro-of-essentials").ref())
		if len(known) != 0 || len(external) != 1 {
			t.Errorf("sources %v, external %v", known, external)
		}
		s, r := w.propose("pro-of-essentials", "7.4")
		if r != nil || !s.Facts.ExternalSource {
			t.Errorf("upgrade of a target with an unseen source: %v, %+v; only a warning is due", r, s.Facts)
		}
	})
}

// TestTargetsGoBeforeTheirSource: the whole order, with the refusals on the way.
func TestTargetsGoBeforeTheirSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairs())
		refusedFor := func(name string, waitsFor ...string) {
			t.Helper()
			_, r := w.propose(name, "7.4")
			if r == nil || r.Code != upgrade.ReplicasFirst {
				t.Errorf("upgrade of %s before %v: %v", name, waitsFor, r)
				return
			}
			for _, target := range waitsFor {
				if !strings.Contains(r.Text, target+" (7.2)") || !strings.Contains(r.Hint, target) {
					t.Errorf("the refusal does not name %s: %s", target, r)
				}
			}
		}
		upgraded := func(name string) {
			t.Helper()
			s, r := w.propose(name, "7.4")
			if r != nil {
				t.Errorf("upgrade of %s: %s", name, r)
				return
			}
			if out := w.follow(s.ID); out.end != "done" {
				t.Errorf("upgrade of %s ended %s (%s)", name, out, out.problem)
			}
		}
		refusedFor("pro-source", "e-target", "pro-target")
		refusedFor("pro-target", "chained")
		refusedFor("e-source", "pro-of-essentials", "e-of-e")
		upgraded("chained")
		upgraded("pro-target")
		refusedFor("pro-source", "e-target")
		upgraded("e-target")
		upgraded("pro-source") // its targets' versions are read anew: the index is as old as the test
		upgraded("pro-of-essentials")
		upgraded("e-of-e")
		upgraded("e-source")
	})
}

// TestATargetThatFallsBehindStopsItsSource: approved, then a target is older
// again when the source is about to be upgraded.
func TestATargetThatFallsBehindStopsItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, pairs())
		for _, target := range []string{"pro-target", "e-target"} {
			w.console(target, map[string]any{"redis_version": "7.4"})
		}
		s, r := w.propose("pro-source", "7.4")
		if r != nil {
			t.Fatal(r)
		}
		w.console("pro-target", map[string]any{"redis_version": "7.2"})
		out := w.follow(s.ID)
		if !out.blocked || !strings.Contains(out.problem, "pro-target") || named(t, w.emu, "pro-source").Version != "7.2" {
			t.Errorf("ended %s (%s), source on %s", out, out.problem, named(t, w.emu, "pro-source").Version)
		}
	})
}

func TestRevertsOfAPairAreExplained(t *testing.T) {
	for _, tt := range []struct {
		sentence, name string
		first          []string // upgraded in the console before
		says           []string
	}{
		{"a target", "pro-of-essentials", nil, []string{"Active-Passive", "older than its source cannot sync", "Detach"}},
		{"a source", "pro-source", []string{"pro-target", "e-target"}, []string{"Active-Passive", "cut the link", "Detach"}},
		{"Essentials", "e-of-e", nil, []string{"Essentials"}},
	} {
		t.Run(tt.sentence, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, pairs())
				for _, name := range tt.first {
					w.console(name, map[string]any{"redis_version": "7.4"})
				}
				id := named(t, w.emu, tt.name).ID
				up, r := w.propose(tt.name, "7.4")
				if r != nil {
					t.Fatal(r)
				}
				w.follow(up.ID)
				since := len(w.ledger())
				_, r = w.proposeRevert(w.load(up.ID), w.backup(tt.name, id))
				if r == nil || r.Code != upgrade.NoWayBack {
					t.Fatalf("the revert is %v", r)
				}
				for _, part := range tt.says {
					if !strings.Contains(r.Error(), part) {
						t.Errorf("it says %q, want %q in it", r, part)
					}
				}
				for _, b := range w.untouched(since) {
					t.Error(b)
				}
			})
		})
	}
}
