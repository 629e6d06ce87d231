package cloudtest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// kinds has a database of every kind.
func kinds() cloudemu.Fleet {
	db := func(name, version string) cloudemu.FleetDatabase {
		return cloudemu.FleetDatabase{Name: name, Version: version, BackupPath: "s3://acme/" + name, BackupAge: "1h", Keys: 10, Shards: 1}
	}
	with := func(d cloudemu.FleetDatabase, change func(*cloudemu.FleetDatabase)) []cloudemu.FleetDatabase {
		change(&d)
		return []cloudemu.FleetDatabase{d}
	}
	stack := func(d *cloudemu.FleetDatabase) { d.Protocol = "stack" }
	return cloudemu.Fleet{Subscriptions: []cloudemu.FleetSubscription{
		{Name: "pro", Databases: []cloudemu.FleetDatabase{db("pro", "7.2"), db("newest", "8.6"), db("minor", "8.2"),
			{Name: "no-backup", Version: "7.2"}, {Name: "mc", Version: "7.2", Protocol: "memcached"}}},
		{Name: "minors", Databases: []cloudemu.FleetDatabase{db("moves-alone", "8.4")}},
		{Name: "flex", Flash: true, Databases: []cloudemu.FleetDatabase{db("flex", "7.2")}},
		{Name: "global", ActiveActive: true, Regions: []string{"us-east-1", "eu-west-1"}, Databases: []cloudemu.FleetDatabase{db("aa", "7.2")}},
		{Name: "e-majors", Plan: "essentials", Backups: true, Databases: with(db("e-majors", "7.2"), stack)},
		{Name: "e-all", Plan: "essentials", Backups: true, Targets: "all", Databases: with(db("e-all", "7.2"), stack)},
		{Name: "e-none", Plan: "essentials", Backups: true, Targets: "none", Databases: with(db("e-none", "7.2"), stack)},
		{Name: "e-free", Plan: "essentials", Databases: []cloudemu.FleetDatabase{{Name: "e-free", Version: "7.2", Protocol: "stack"}}},
	}}
}

// TestWhatEachKindIsOffered: the versions on offer, or why there are none,
// before anything is recorded.
func TestWhatEachKindIsOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, kinds())
		for _, tt := range []struct {
			sentence, name string
			prepare        map[string]any // in the console, before
			offered        string
			code           upgrade.Code // "": none
			says           string
		}{
			{"Pro: every later version", "pro", nil, "7.4 8.2 8.4 8.6", "", ""},
			{"Pro on the newest", "newest", nil, "", upgrade.NothingNewer, "nothing newer"},
			{"Pro without remote backup: how to turn it on", "no-backup", nil, "7.4 8.2 8.4 8.6", upgrade.NoBackup, "Turn on remote backup"},
			{"Flex: like Pro", "flex", nil, "7.4 8.2 8.4 8.6", "", ""},
			{"memcached: refused, with a way out", "mc", nil, "", upgrade.Unsupported, "memcached"},
			{"Active-Active: refused, with a way out", "aa", nil, "", upgrade.Unsupported, "Active-Active"},
			{"Essentials: its targets decide, here majors", "e-majors", nil, "8.2 8.4 8.6", "", ""},
			{"Essentials: its targets decide, here all", "e-all", nil, "7.4 8.2 8.4 8.6", "", ""},
			{"Essentials without targets", "e-none", nil, "", upgrade.NothingNewer, "nothing newer"},
			{"Essentials whose plan has no backups", "e-free", nil, "8.2 8.4 8.6", upgrade.NoBackup, "plan with backups"},
			{"a database in transition", "flex", map[string]any{"status": "active-change-pending"}, "7.4 8.2 8.4 8.6", upgrade.NotActive, "active-change-pending"},
			{"a subscription in transition: the work will wait", "pro", map[string]any{"subscription_status": "pending"}, "7.4 8.2 8.4 8.6", "", ""},
			{"a broken subscription", "pro", map[string]any{"subscription_status": "error"}, "7.4 8.2 8.4 8.6", upgrade.NotActive, "Redis support"},
		} {
			if tt.prepare != nil {
				w.console(tt.name, tt.prepare)
			}
			versions, r := w.engine.Offer(t.Context(), named(t, w.emu, tt.name).ref(), tt.name)
			if got := strings.Join(versions, " "); got != tt.offered {
				t.Errorf("%s: offered %q, want %q", tt.sentence, got, tt.offered)
			}
			switch {
			case tt.code == "" && r != nil, tt.code != "" && (r == nil || r.Code != tt.code || !strings.Contains(r.Error(), tt.says)):
				t.Errorf("%s: refused with %v, want %s saying %q", tt.sentence, r, tt.code, tt.says)
			}
			// Whoever asks all the same hears the same.
			if tt.code == "" {
				continue
			}
			if s, r := w.propose(tt.name, "8.2"); r == nil || r.Code != tt.code {
				t.Errorf("%s: proposing is %v, %v", tt.sentence, s.State, r)
			}
		}
	})
}

func (w *world) console(name string, set map[string]any) {
	w.t.Helper()
	hook(w.t, w.emu, "POST", "database", map[string]any{"name": name, "set": set}, nil)
}

// TestWhatACardSaysOfTheWayBack: before the upgrade.
func TestWhatACardSaysOfTheWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, kinds())
		for _, tt := range []struct {
			sentence, name, to string
			possible           bool
			says               string
		}{
			{"Pro: recreate at the same port", "pro", "7.4", true, "Delete, create on 7.2 at the same port"},
			{"Flex: the same", "flex", "7.4", true, "Delete, create on 7.2 at the same port"},
			{"Essentials: by hand", "e-all", "7.4", false, "by hand"},
		} {
			s, r := w.propose(tt.name, tt.to)
			if r != nil {
				t.Errorf("%s: refused: %s", tt.sentence, r)
				continue
			}
			if got := s.Facts.WayBack; got.Possible != tt.possible || !strings.Contains(got.Text, tt.says) {
				t.Errorf("%s: %+v", tt.sentence, got)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, kinds())
		hook(t, w.emu, "POST", "faults", map[string]any{"fault": "version_gone", "times": -1}, nil)
		s, r := w.propose("pro", "8.2")
		if r != nil || s.Facts.WayBack.Possible || !strings.Contains(s.Facts.WayBack.Text, "no longer creates 7.2 databases") {
			t.Errorf("a version that is no longer creatable: %v, %+v", r, s.Facts.WayBack)
		}
	})
}

// TestWholeLivesOfOtherPlans upgrades what is not plain Pro.
func TestWholeLivesOfOtherPlans(t *testing.T) {
	for _, tt := range []struct {
		sentence, name, to, end string
	}{
		{"Essentials goes where its targets say", "e-all", "7.4", "done"},
		{"Essentials over a major", "e-majors", "8.2", "done"},
		{"Flex", "flex", "8.2", "done"},
	} {
		t.Run(tt.sentence, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, kinds())
				s, r := w.propose(tt.name, tt.to)
				if r != nil {
					t.Fatal(r)
				}
				if out := w.follow(s.ID); out.String() != tt.end || named(t, w.emu, tt.name).Version != tt.to {
					t.Errorf("ended %s (%s), on %s", out, out.problem, named(t, w.emu, tt.name).Version)
				}
			})
		})
	}
}

// TestMinorsThatMoveByThemselves: a later minor of the same major is what was
// asked for where Redis moves minors by itself, and a surprise elsewhere.
func TestMinorsThatMoveByThemselves(t *testing.T) {
	for _, tt := range []struct {
		sentence, name string
		optOut         bool
		end            upgrade.State
	}{
		{"Pro with auto minor upgrades", "pro", false, upgrade.Done},
		{"Pro that opted out", "pro", true, upgrade.Failed},
		{"Essentials, where they are always on", "e-majors", false, upgrade.Done},
	} {
		t.Run(tt.sentence, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, kinds())
				if tt.optOut {
					w.console(tt.name, map[string]any{"auto_minor": false})
				}
				s, r := w.propose(tt.name, "8.2")
				if r != nil {
					t.Fatal(r)
				}
				w.vote(s)
				for w.load(s.ID).State != upgrade.Soaking {
					time.Sleep(20 * time.Second)
				}
				w.console(tt.name, map[string]any{"redis_version": "8.4"})
				if out := w.follow(s.ID); out.end != string(tt.end) {
					t.Errorf("ended %s (%s), want %s", out, out.problem, tt.end)
				}
			})
		})
	}
}

// TestASubscriptionThatBecomesBusyIsWaitedFor: between approval and upgrade.
func TestASubscriptionThatBecomesBusyIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop())
		s, r := w.propose("cache", "8.2")
		if r != nil {
			t.Fatal(r)
		}
		w.console("orders", map[string]any{"subscription_status": "pending"})
		w.vote(s)
		time.Sleep(30 * time.Minute)
		s = w.load(s.ID)
		if s.Ended || s.State == upgrade.Upgrading && s.Call != nil && s.Call.Phase == upgrade.Sent || !strings.Contains(s.Progress.Text+s.Problem, "pending") {
			t.Errorf("after half an hour of a pending subscription: %s, %q %q", s.State, s.Progress.Text, s.Problem)
		}
		w.console("orders", map[string]any{"subscription_status": ""})
		if out := w.follow(s.ID); out.end != "done" {
			t.Errorf("then it ended %s (%s)", out, out.problem)
		}
	})
}

// TestARevertBuildsTheSameAgain for what is not plain Pro.
func TestARevertBuildsTheSameAgain(t *testing.T) {
	for _, tt := range []struct {
		sentence, name, to string
		same               func(was, is cloud.Database) bool
		told               string // part of what a person is told to look after
	}{
		{"Flex keeps its share of RAM", "flex", "8.2", func(was, is cloud.Database) bool {
			return is.MemoryStorage == "ram-and-flash" && is.RAMPercentage == was.RAMPercentage
		}, ""},
		{"an original version that would move by itself is pinned", "moves-alone", "8.6", func(_, is cloud.Database) bool {
			return is.AutoMinor != nil && !*is.AutoMinor && is.Version == "8.4"
		}, "auto minor upgrades were on"},
	} {
		t.Run(tt.sentence, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, kinds())
				was, err := w.client.Database(context.Background(), named(t, w.emu, tt.name).ref())
				must(t, err)
				up, r := w.propose(tt.name, tt.to)
				if r != nil {
					t.Fatal(r)
				}
				w.follow(up.ID)
				rev, r := w.proposeRevert(w.load(up.ID), w.backup(tt.name, was.Ref.Database))
				if r != nil {
					t.Fatal(r)
				}
				out := w.follow(rev.ID)
				is, err := w.client.Database(context.Background(), named(t, w.emu, tt.name).ref())
				must(t, err)
				if out.end != "done" || !tt.same(was, is) {
					t.Errorf("ended %s (%s), is %v, was %v", out, out.problem, is, was)
				}
				if told := strings.Join(w.load(rev.ID).Revert.Loose, "; "); !strings.Contains(told, tt.told) || tt.told == "" && told != "" {
					t.Errorf("people are told %q, want %q", told, tt.told)
				}
			})
		})
	}
}
