package upgrade

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// sound are facts with which an upgrade of 7.2 and a revert of 8.2 to 7.2 may go on.
func sound(kind Kind) Facts {
	f := fit()
	f.Name, f.LimitGB, f.Shards, f.Port, f.Endpoint = "cache", 2, 1, 12001, "redis-12001.example:12001"
	f.Replication, f.Persistence, f.Creatable, f.Modules = true, "aof-every-1-second", []string{"7.2", "8.2"}, []string{"RedisJSON"}
	if kind == KindRevert {
		f.Version, f.Targets = "8.2", nil
	}
	f.WayBack = revertPath(ModeFull, proRef, "cache", f)
	return f
}

var proRef = cloud.Ref{Plan: cloud.Pro, Subscription: 7, Database: 51}

// Every reason against a session, and every fact that a foreign hand can change
// between the approval and the send, for both kinds: what the last gate makes of it.
func TestGates(t *testing.T) {
	for _, row := range []struct {
		sentence        string
		change          func(*Facts)
		upgrade, revert string // what the gate says; empty: it goes on; "void: …": asked again
	}{
		{"nothing", func(*Facts) {}, "", ""},
		{"renamed", func(f *Facts) { f.Name = "cart" }, "void: name (was cache, is cart now)", "void: name (was cache, is cart now)"},
		{"the subscription renamed", func(f *Facts) { f.Subscription = "store" }, "void: subscription (was shop, is store now)", "void: subscription (was shop, is store now)"},
		{"replication switched off", func(f *Facts) { f.Replication = false }, "void: replication (was on, is off now)", "void: replication (was on, is off now)"},
		{"persistence switched off", func(f *Facts) { f.Persistence = "none" }, "void: persistence (was aof-every-1-second, is none now)", "void: persistence (was aof-every-1-second"},
		{"resized", func(f *Facts) { f.LimitGB = 1 }, "void: size limit (was 2 GB, is 1 GB now)", "void: size limit"},
		{"resharded", func(f *Facts) { f.Shards = 3 }, "void: shards (was 1, is 3 now)", "void: shards"},
		{"a module more", func(f *Facts) { f.Modules = []string{"RediSearch", "RedisJSON"} }, "void: modules (was RedisJSON, is RediSearch, RedisJSON now)", "void: modules"},
		{"another endpoint", func(f *Facts) { f.Endpoint = "other:1" }, "void: endpoint (was redis-12001.example:12001, is other:1 now)", "void: endpoint"},
		{"another port", func(f *Facts) { f.Port = 12009 }, "void: port (was 12001, is 12009 now)", "void: port"},
		{"dynamic endpoints appear", func(f *Facts) { f.Dynamic = true }, "void: dynamic endpoints (was off, is on now)", "void: dynamic endpoints"},
		{"auto minor upgrades switched on", func(f *Facts) { f.AutoMinor = true }, "void: auto minor upgrades", "void: auto minor upgrades"},
		{"backups go elsewhere", func(f *Facts) { f.Backup.Where = "s3://b" }, "void: backup destination moved from s3://acme/cache to s3://b", "void: backup destination moved"},
		{"backups switched off", func(f *Facts) { f.Backup = BackupFacts{Why: "remote backup is off"} }, "remote backup is off. An upgrade", "remote backup is off"},
		{"an older target attached", func(f *Facts) { f.Replicas = []Replica{{Name: "copy", Version: "7.2"}} }, "targets go first", "part of an Active-Passive pair"},
		{"a newer target attached", func(f *Facts) { f.Replicas = []Replica{{Name: "copy", Version: "8.4"}} }, "void: Active-Passive targets (was none, is copy now)", "part of an Active-Passive pair"},
		{"a source attached", func(f *Facts) { f.ReplicaOf = []string{"origin"} }, "void: Active-Passive sources (was none, is origin now)", "part of an Active-Passive pair"},
		{"a foreign source attached", func(f *Facts) { f.ExternalSource = true }, "void: Active-Passive sources (was none, is one outside", "part of an Active-Passive pair"},
		{"client certificates asked for", func(f *Facts) { f.ClientAuth = true }, "void: cannot now. Cannot be reverted by this bot: cache asks its clients", "asks its clients for certificates"},
		{"the password is not told", func(f *Facts) { f.PasswordUntold = true }, "void: cannot now. Cannot be reverted by this bot: Redis Cloud does not tell", "does not tell this database's password"},
		{"the old version can be created no more", func(f *Facts) { f.Creatable = []string{"8.4"} }, "void: cannot now. Cannot be reverted by this bot: Redis Cloud no longer creates 7.2", "no longer creates 7.2"},
		{"moved a version", func(f *Facts) { f.Version = "7.4" }, "void: is on 7.4 now", "is on 7.4 now"},
		{"in transition", func(f *Facts) { f.Status, f.Endpoint = "active-change-pending", "" }, "passes: active-change-pending", "passes: active-change-pending"},
		{"broken", func(f *Facts) { f.Status = "error" }, "shows cache as error. That takes Redis support", "shows cache as error"},
		{"in a broken subscription", func(f *Facts) { f.SubStatus = "error" }, "shows subscription shop as error", "shows subscription shop as error"},
		{"waiting for its encryption key", func(f *Facts) { f.SubStatus = "encryption_key_pending" }, "has to grant Redis Cloud access", "has to grant Redis Cloud access"},
		{"Active-Active", func(f *Facts) { f.ActiveActive = true }, "Active-Active", "Active-Active"},
		{"memcached", func(f *Facts) { f.Protocol = "memcached" }, "memcached", "memcached"},
	} {
		for kind, want := range map[Kind]string{KindUpgrade: row.upgrade, KindRevert: row.revert} {
			s := Session{Kind: kind, Body: Body{Plan: Plan{Database: proRef.String(), Name: "cache", From: "7.2", To: "8.2", Backup: "s3://acme/cache"}, Facts: sound(kind)}}
			if kind == KindRevert {
				s.Plan.From, s.Plan.To = "8.2", "7.2"
			}
			now := sound(kind)
			row.change(&now)
			now.WayBack = revertPath(ModeFull, proRef, "cache", now)
			got := ""
			if g := fits(s, now, ModeFull); g.stop != nil {
				got = g.stop.Error()
				switch {
				case g.stop.passes:
					got = "passes: " + got
				case g.void:
					got = "void: " + got
				}
			}
			mark, says := "", want
			if m, rest, ok := strings.Cut(want, ": "); ok && (m == "void" || m == "passes") {
				mark, says = m+": ", rest
			}
			if (want == "") != (got == "") || !strings.HasPrefix(got, mark) || !strings.Contains(got, says) || mark == "" && (strings.HasPrefix(got, "void: ") || strings.HasPrefix(got, "passes: ")) {
				t.Errorf("%s, %s: %q, want %q", kind, row.sentence, got, want)
			}
		}
	}
}

// Whatever refuses a revert for good is told on the card of the upgrade.
func TestTheUpgradesCardTellsEveryReasonAgainstARevert(t *testing.T) {
	mayDiffer := []uintptr{of(alreadyBack), of(noBackup), of(notActive), of(brokenSubscription)}
	for _, test := range kindRows[KindRevert].refusals {
		told := slices.ContainsFunc(lasting, func(l func(candidate) *Refusal) bool { return of(l) == of(test) })
		if told == slices.Contains(mayDiffer, of(test)) {
			t.Errorf("a reason against a revert: told on the upgrade's card %v", told)
		}
	}
}

func of(f func(candidate) *Refusal) uintptr { return reflect.ValueOf(f).Pointer() }

// An old record lacks what is compared today; that voids nothing.
func TestFactsOfAnOlderBuildAreNoDeparture(t *testing.T) {
	was := sound(KindUpgrade)
	was.Name, was.LimitGB, was.Creatable = "", 0, nil
	if got := departures(was, sound(KindUpgrade)); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// twins are a database and another one that may be attached to it.
func twins(copyOf string) cloudemu.Fleet {
	f := shop()
	f.Subscriptions = append(f.Subscriptions, cloudemu.FleetSubscription{Name: "elsewhere", Databases: []cloudemu.FleetDatabase{
		{Name: "copy", Version: copyOf, Port: 12003, SizeGB: 2, BackupPath: "s3://acme/copy"}}})
	return f
}

// attach makes copy a target of cache; the index does not hear of it.
func (w *world) attach() {
	w.t.Helper()
	endpoint := "redis://" + w.find("cache").Endpoint
	w.put("copy", map[string]any{"replica": map[string]any{"syncSources": []any{map[string]any{"endpoint": endpoint, "encryption": false}}}})
}

// A hand changes many facts at once: all of them are named, at either gate.
func TestAForeignHandBeforeTheUpgradeIsSent(t *testing.T) {
	moved := map[string]any{"name": "cart", "replication": false, "dataPersistence": "none", "datasetSizeInGb": 3.0}
	says := []string{"name (was cache, is cart now)", "replication (was on, is off now)", "persistence (was ", "size limit (was 2 GB, is 3 GB now)"}
	check := func(t *testing.T, w *world, s Session) {
		s = w.askedAgain(s, "is not what was approved")
		for _, part := range says {
			if !strings.Contains(w.said(s.ID), part) {
				t.Errorf("the thread does not say %q:\n%s", part, w.said(s.ID))
			}
		}
		if s.Plan.Name != "cart" || s.Facts.Replication {
			t.Errorf("asked again with %+v", s.Plan)
		}
		w.approve(s, bob)
		w.wantEnd(s.ID, Done)
	}
	t.Run("before its start", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.later()
			w.put("cache", moved)
			check(t, w, s)
		})
	})
	t.Run("while the backup runs", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.speed = 0.1
			s := w.approve(w.propose("cache", "8.2"), bob)
			w.until(s.ID, "the backup", func(s Session) bool { return s.Call != nil && s.Call.Phase == Sent })
			w.speed = 1
			w.put("cache", moved)
			if w.calls("POST", "/upgrade") != 0 {
				t.Fatal("too late for this test")
			}
			check(t, w, s)
		})
	})
}

// A link that is attached after the index was read stops what must not go on.
func TestALinkThatTheIndexDoesNotKnow(t *testing.T) {
	t.Run("the request: targets first", func(t *testing.T) {
		bubble(t, twins("7.2"), func(t *testing.T, w *world) {
			w.attach()
			_, r := w.act(w.request("cache", "8.2"))
			w.wantRefusal(r, ReplicasFirst, "copy (7.2)")
		})
	})
	t.Run("an approved upgrade: blocked with targets first", func(t *testing.T) {
		bubble(t, twins("7.2"), func(t *testing.T, w *world) {
			s := w.later()
			w.attach()
			s = w.untilState(s.ID, Blocked)
			if !strings.Contains(s.Problem, "Upgrade copy to 8.2 or later") || w.calls("POST", "/backup") != 0 {
				t.Error(s.Problem)
			}
		})
	})
	t.Run("a revert that people are asked about: refused at its start", func(t *testing.T) {
		bubble(t, twins("8.4"), func(t *testing.T, w *world) {
			r := w.asked("cache", w.upgraded("cache", "8.2"))
			w.attach()
			r = w.wantEnd(w.agreed(r).ID, Failed)
			if !strings.Contains(r.Problem, "part of an Active-Passive pair") || w.find("cache").SourceIPs[0] != "10.0.0.0/8" {
				t.Error(r.Problem)
			}
		})
	})
	t.Run("a revert right before its delete: the door opens again", func(t *testing.T) {
		bubble(t, twins("8.4"), func(t *testing.T, w *world) {
			r := w.agreed(w.asked("cache", w.upgraded("cache", "8.2")))
			w.untilState(r.ID, Saving)
			w.attach()
			r = w.wantEnd(r.ID, Failed)
			if !strings.Contains(r.Problem, "part of an Active-Passive pair") || w.find("cache").SourceIPs[0] != "10.0.0.0/8" {
				t.Error(r.Problem, w.find("cache").SourceIPs)
			}
		})
	})
}

// A foreign hand between a revert's approval and its delete.
func TestAForeignHandBeforeTheDelete(t *testing.T) {
	for _, state := range []State{Proposed, Saving} {
		t.Run(fmt.Sprint("while ", state), func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				r := w.asked("cache", w.upgraded("cache", "8.2"))
				if state != Proposed {
					r = w.agreed(r)
					w.untilState(r.ID, state)
				}
				w.put("cache", map[string]any{"name": "cart", "replication": false, "datasetSizeInGb": 3.0})
				if state == Proposed {
					r = w.agreed(r)
				}
				r = w.wantEnd(r.ID, Failed)
				for _, part := range []string{"is not what was approved", "name (was cache, is cart now)", "replication (was on, is off now)", "size limit (was 2 GB, is 3 GB now)"} {
					if !strings.Contains(r.Problem, part) {
						t.Errorf("it does not say %q: %s", part, r.Problem)
					}
				}
				if db := w.find("cart"); db.ID != r.Plan.Ref().Database || !slices.Equal(db.SourceIPs, []string{"10.0.0.0/8", "192.168.1.0/24"}) {
					t.Errorf("%+v", db)
				}
			})
		})
	}
}

// A database that a revert would not build again says so on the request.
func TestWhatForbidsARevertIsToldBeforeTheUpgrade(t *testing.T) {
	t.Run("its password is not told", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("no_password", -1, "")
			s := w.propose("cache", "7.4")
			if s.Facts.WayBack.Possible || !strings.Contains(s.Facts.WayBack.Text, "does not tell this database's password") {
				t.Errorf("%+v", s.Facts.WayBack)
			}
			w.approve(s, bob)
			s = w.wantEnd(s.ID, Done)
			if r := w.engine().RevertNow(w.ctx, s); r == nil || r.Code != NoWayBack {
				t.Errorf("the revert form opens: %v", r)
			}
			_, r := w.act(w.revertOf(s, w.filesOf("cache")))
			w.wantRefusal(r, NoWayBack, "password")
			w.fault("no_password", 0, "")
			time.Sleep(time.Minute)
			if r := w.engine().RevertNow(w.ctx, s); r != nil {
				t.Errorf("still refused: %v", r)
			}
		})
	})
	t.Run("it asks its clients for certificates", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.put("cache", map[string]any{"enableTls": true, "clientTlsCertificates": []any{map[string]any{"publicCertificatePEMString": "-----BEGIN CERTIFICATE-----"}}})
			s := w.propose("cache", "7.4")
			if s.Facts.WayBack.Possible || !strings.Contains(s.Facts.WayBack.Text, "asks its clients for certificates") {
				t.Errorf("%+v", s.Facts.WayBack)
			}
		})
	})
}
