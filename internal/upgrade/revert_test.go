package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// asked opens a revert and waits for the question.
func (w *world) asked(name string, up Session) Session {
	w.t.Helper()
	r := w.must(w.revertOf(up, w.filesOf(name)))
	return w.until(r.ID, "the question", func(s Session) bool { return s.State == Proposed || s.Ended })
}

// agreed lets two people approve a revert.
func (w *world) agreed(r Session) Session {
	w.t.Helper()
	w.approve(r, bob)
	return w.approve(w.load(r.ID), dan)
}

// reverted runs a whole revert of an upgrade of that database.
func (w *world) reverted(name string, up Session) Session {
	w.t.Helper()
	return w.wantEnd(w.agreed(w.asked(name, up)).ID, Done)
}

func TestARevertBringsBackEveryKey(t *testing.T) {
	full := cloudemu.DefaultFleet()
	for i := range full.Subscriptions {
		for j := range full.Subscriptions[i].Databases {
			full.Subscriptions[i].Databases[j].Password = password
		}
	}
	for _, row := range []struct {
		sentence, db, to string
		fleet            cloudemu.Fleet
	}{
		{"one shard", "cache", "7.4", shop()},
		{"over several versions", "cache", "8.6", shop()},
		{"several shards, modules, the default fleet", "search-prod", "8.2", full},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			bubble(t, row.fleet, func(t *testing.T, w *world) {
				before, keys := w.find(row.db), w.keys(row.db)
				up := w.upgraded(row.db, row.to)
				w.console(row.db, map[string]any{"keys": map[string]any{"cart:000001": nil, "doc:000001": "changed", "new": "after"}})
				r := w.reverted(row.db, up)
				after := w.find(row.db)
				before.ID, before.Digest = after.ID, after.Digest
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("database (-before +after):\n%s", diff)
				}
				if diff := cmp.Diff(keys, w.keys(row.db)); diff != "" {
					t.Errorf("keys (-want +got):\n%s", diff)
				}
				if up := w.load(up.ID); up.State != Reverted || up.Link != r.ID || len(r.Revert.Loose) != 0 {
					t.Errorf("upgrade %s, loose %q", describe(up), r.Revert.Loose)
				}
				if owner, err := w.store.Owner(w.ctx, after.ref().String()); err != nil || owner != "" {
					t.Errorf("the new database is held by %q, %v", owner, err)
				}
				for _, words := range []string{"Test restore passed", "Client access blocked", "Backup of the upgraded data", "Deleted.", "Verified: version", "Done: " + row.db} {
					if !strings.Contains(w.said(r.ID), words) {
						t.Errorf("the thread does not say %q:\n%s", words, w.said(r.ID))
					}
				}
				for _, p := range w.checkCloud(up.ID, r.ID) {
					t.Error(p)
				}
			})
		})
	}
}

func TestARevertPutsEverySettingBack(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		w.put("cache", map[string]any{"enableDefaultUser": false})
		w.put("cache", map[string]any{"regexRules": []string{"^(?<tag>.*):x$", ".*"}}) // wipes
		w.console("cache", map[string]any{"keys": map[string]any{"a:x": "1", "b:x": "2"}})
		was, keys := w.raw("cache"), w.keys("cache")
		up := w.upgraded("cache", "7.4")
		r := w.reverted("cache", up)
		if diff := cmp.Diff(keys, w.keys("cache")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		now := w.raw("cache")
		for _, field := range []string{"redisVersion", "dataPersistence", "dataEvictionPolicy", "replication", "throughputMeasurement", "remoteBackup", "backup", "security", "alerts", "publicEndpoint", "datasetSizeInGb", "respVersion"} {
			if diff := cmp.Diff(was[field], now[field]); diff != "" {
				t.Errorf("%s (-was +now):\n%s", field, diff)
			}
		}
		rules := func(db map[string]any) any { c, _ := db["clustering"].(map[string]any); return c["regexRules"] }
		if diff := cmp.Diff(rules(was), rules(now)); diff != "" || rules(now) == nil {
			t.Errorf("rules (-was +now):\n%s", diff)
		}
		if got := w.find("cache").Tags; got["environment"] != "production" {
			t.Errorf("tags %v", got)
		}
		if !strings.Contains(fmt.Sprint(w.roleDatabases("app")), fmt.Sprint(w.find("cache").ID)) || len(w.roleDatabases("app")) != 2 {
			t.Errorf("role names %v, the database is %d now", w.roleDatabases("app"), w.find("cache").ID)
		}
		if len(r.Revert.Loose) != 0 {
			t.Errorf("loose %q", r.Revert.Loose)
		}
	})
}

// Source addresses stay closed from the cut-over to the end.
func TestTheDoorOpensLast(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		up := w.upgraded("cache", "7.4")
		r := w.agreed(w.asked("cache", up))
		var seen []State
		for s := w.load(r.ID); !s.Ended; s = w.load(r.ID) {
			db := w.find("cache")
			if db.Name != "" && slices.Contains([]State{Deleting, Creating, Importing}, s.State) && !slices.Equal(db.SourceIPs, closedDoor) {
				t.Fatalf("while %s the door is %v", s.State, db.SourceIPs)
			}
			if len(seen) == 0 || seen[len(seen)-1] != s.State {
				seen = append(seen, s.State)
			}
			time.Sleep(time.Second)
		}
		if want := []State{Closing, Saving, Deleting, Creating, Importing, Restoring}; !slices.Equal(seen[len(seen)-len(want):], want) {
			t.Errorf("states %v", seen)
		}
		if got := w.find("cache").SourceIPs; !slices.Equal(got, []string{"10.0.0.0/8", "192.168.1.0/24"}) {
			t.Errorf("door %v", got)
		}
	})
}

func TestARevertIsRefusedWithWords(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		up := w.upgraded("cache", "7.4")
		files := w.filesOf("cache")
		for _, row := range []struct {
			sentence string
			files    string
			prepare  func()
			undo     func()
			code     Code
			says     string
		}{
			{"no files", "", nil, nil, BadInput, "Paste the URI"},
			{"files from elsewhere", strings.ReplaceAll(files, "acme", "evil"), nil, nil, BadInput, "is not under"},
			{"a file of another database", strings.ReplaceAll(files, fmt.Sprint(up.Plan.Ref().Database), "1"), nil, nil, BadInput, "of database 1"},
			{"in transition", files, func() { w.console("cache", map[string]any{"status": "active-change-pending"}) },
				func() { w.console("cache", map[string]any{"status": "active"}) }, NotActive, "side by side"},
			{"the old version is no longer made", files, func() { w.fault("version_gone", -1, "") }, func() { w.fault("version_gone", 0, "") }, NoWayBack, "no longer creates 7.2"},
			{"a password that is not told", files, func() { w.fault("no_password", -1, "") }, func() { w.fault("no_password", 0, "") }, NoWayBack, "does not tell this database's password"},
			{"already on the old version", files, func() { w.console("cache", map[string]any{"redis_version": "7.2"}) },
				func() { w.console("cache", map[string]any{"redis_version": "7.4"}) }, NoWayBack, "already reads 7.2"},
		} {
			if row.prepare != nil {
				row.prepare()
			}
			_, err := w.revertOf(up, row.files)(w.engine())
			if r, ok := AsRefusal(err); !ok || r.Code != row.code || !strings.Contains(r.Error(), row.says) {
				t.Errorf("%s: %v, want %s %q", row.sentence, err, row.code, row.says)
			}
			if row.undo != nil {
				row.undo()
			}
		}
		w.put("cache", map[string]any{"enableTls": true, "clientTlsCertificates": []any{map[string]any{"publicCertificatePEMString": "PEM"}}})
		_, no := w.act(w.revertOf(up, files))
		w.wantRefusal(no, NoWayBack, "docs/revert.md")
		if s := w.load(up.ID); s.State != Done {
			t.Errorf("refused, and the upgrade is %s", s.State)
		}
		problems := w.engine().CheckRevert(up, RevertRequest{Name: "cash", Reason: " ", Files: "x"})
		for _, f := range []Field{FieldName, FieldReason, FieldFiles} {
			if problems[f] == "" {
				t.Errorf("nothing is said about %s", f)
			}
		}
		if problems := w.engine().CheckRevert(up, RevertRequest{Name: "cache", Reason: "why", Files: files}); len(problems) != 0 {
			t.Errorf("a good modal: %v", problems)
		}
	})
}

func TestWhatCannotBeTakenBack(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		s := w.propose("cache", "7.4")
		if r := w.engine().Revertible(s); r == nil || r.Code != TooLate {
			t.Errorf("a proposed upgrade: %v", r)
		}
		w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, ann) })
		if r := w.engine().Revertible(w.load(s.ID)); r == nil || r.Code != TooLate {
			t.Errorf("a cancelled one: %v", r)
		}
	})
}

func TestARevertNeedsTwoPeopleAndTheName(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		r := w.asked("cache", w.upgraded("cache", "7.4"))
		_, no := w.act(func(e *replica) (Session, error) {
			return e.Approve(w.ctx, Click{Session: r.ID, Ask: r.Ask, By: bob, Typed: "cache"})
		})
		w.wantRefusal(no, BadInput, fmt.Sprintf("Type cache/%d exactly", r.Plan.Ref().Database))
		w.approve(r, dan)
		_, no = w.act(w.vote(r, dora))
		w.wantRefusal(no, NotEntitled, "On-call has given its one vote")
		_, no = w.act(w.vote(r, dan))
		w.wantRefusal(no, TooLate, "already")
		if s := w.load(r.ID); s.State != Proposed {
			t.Errorf("one person made it %s", s.State)
		}
		w.approve(r, bob)
		w.wantEnd(r.ID, Done)
	})
}

func TestARevertThatIsNotWanted(t *testing.T) {
	for _, row := range []struct {
		sentence string
		no       func(w *world, r Session)
		end      State
	}{
		{"denied", func(w *world, r Session) {
			w.must(func(e *replica) (Session, error) {
				return e.Deny(w.ctx, Click{Session: r.ID, Ask: r.Ask, By: bob, Reason: "no"})
			})
		}, Denied},
		{"cancelled", func(w *world, r Session) {
			w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, r.ID, ann) })
		}, Cancelled},
		{"undecided", func(*world, Session) {}, Expired},
	} {
		for _, from := range []State{Done, Soaking, Failed} {
			t.Run(row.sentence+" when the upgrade was "+string(from), func(t *testing.T) {
				bubble(t, shop(), func(t *testing.T, w *world) {
					up := w.approve(w.propose("cache", "7.4"), bob)
					up = w.untilState(up.ID, Soaking)
					switch from {
					case Done:
						up = w.wantEnd(up.ID, Done)
					case Failed:
						w.console("cache", map[string]any{"redis_version": "8.0"})
						up = w.wantEnd(up.ID, Failed)
					}
					r := w.asked("cache", up)
					row.no(w, r)
					w.wantEnd(r.ID, row.end)
					got := w.load(up.ID)
					if from == Soaking && got.State != Done { // watching went on, and ended
						got = w.wantEnd(up.ID, Done)
					} else if from != Soaking && got.State != from {
						t.Errorf("the upgrade is %s", got.State)
					}
					if w.calls("DELETE", fmt.Sprint(up.Plan.Ref().Database)) != 0 {
						t.Error("deleted")
					}
					again := w.must(func(e *replica) (Session, error) {
						return e.ProposeRevert(w.ctx, RevertRequest{Origin: "again", Upgrade: up.ID, By: ann, Files: w.filesOf("cache"), Name: "cache", Reason: "now"})
					})
					w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, again.ID, dan) })
					w.wantEnd(again.ID, Cancelled)
					for _, p := range w.checkCloud(up.ID, r.ID, again.ID) {
						t.Error(p)
					}
				})
			})
		}
	}
}

func TestARepeatedRevertModalOpensNothingTwice(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		up := w.upgraded("cache", "7.4")
		files := w.filesOf("cache")
		r := w.must(w.revertOf(up, files))
		if again := w.must(w.revertOf(up, files)); again.ID != r.ID {
			t.Error("opened twice")
		}
		_, no := w.act(func(e *replica) (Session, error) {
			return e.ProposeRevert(w.ctx, RevertRequest{Origin: "other", Upgrade: up.ID, By: ann, Files: files, Name: "cache", Reason: "x"})
		})
		w.wantRefusal(no, Busy, "under way")
		if no.Link != r.ID {
			t.Errorf("link %q", no.Link)
		}
		w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, r.ID, ann) })
		w.wantEnd(r.ID, Cancelled)
		if again := w.must(w.revertOf(up, files)); again.ID != r.ID || again.State != Cancelled {
			t.Errorf("the old modal opened %s", describe(again))
		}
		if _, no := w.act(w.request("cache", "8.2")); no != nil {
			t.Errorf("the database is not free again: %s", no)
		}
	})
}

// However a revert is given up before the delete, the door is open again and
// the data untouched.
func TestGivenUpBeforeTheDelete(t *testing.T) {
	way := []State{Rehearsing, Proposed, Closing, Saving, Deleting}
	calls := map[State]Phase{Closing: Sent, Saving: Sent}
	in := func(state State, call Phase) func(Session) bool {
		return func(s Session) bool {
			return s.State == state && (call == "" || s.Call != nil && s.Call.Phase == call)
		}
	}
	for _, row := range []struct {
		moment string
		state  State
		call   Phase // of the state's call; "": whatever
		paused bool  // from the state before on
	}{
		{"while it rehearses", Rehearsing, "", false},
		{"while people decide", Proposed, "", false},
		{"agreed, before the door closes", Closing, Planned, true},
		{"while the door closes", Closing, Sent, false},
		{"during the safety backup", Saving, Sent, false},
		{"before the delete is sent", Deleting, Planned, true},
	} {
		t.Run(row.moment, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				up := w.upgraded("cache", "7.4")
				before := w.find("cache")
				r := w.must(w.revertOf(up, w.filesOf("cache")))
				last := slices.Index(way, row.state)
				for i, state := range way[:last] {
					w.until(r.ID, string(state), in(state, calls[state]))
					if row.paused && i == last-1 {
						w.nil(w.engine().Pause(w.ctx, dan, true))
					}
					if state == Proposed {
						w.agreed(w.load(r.ID))
					}
				}
				w.until(r.ID, row.moment, in(row.state, row.call))
				w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, r.ID, ann) })
				w.nil(w.engine().Pause(w.ctx, dan, false))
				w.wantEnd(r.ID, Cancelled)
				after := w.find("cache")
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("(-before +after):\n%s", diff)
				}
				if got := w.load(up.ID); got.State != Done {
					t.Errorf("the upgrade is %s", got.State)
				}
				time.Sleep(time.Minute)
				for _, p := range slices.Concat(w.checkCloud(up.ID, r.ID), w.checkMemory(up.ID, r.ID)) {
					t.Error(p)
				}
			}, func(w *world) { w.tick = time.Second })
		})
	}
}

func TestNobodyCancelsPastTheDelete(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		r := w.agreed(w.asked("cache", w.upgraded("cache", "7.4")))
		for _, state := range []State{Creating, Importing, Restoring} {
			w.untilState(r.ID, state)
			_, no := w.act(func(e *replica) (Session, error) { return e.Cancel(w.ctx, r.ID, dan) })
			w.wantRefusal(no, TooLate, string(state))
		}
		w.wantEnd(r.ID, Done)
	}, func(w *world) { w.tick = time.Second })
}

// A backup destination may carry credentials: they reach Redis Cloud, and
// nobody else.
func TestADestinationWithCredentials(t *testing.T) {
	fleet := shop()
	fleet.Subscriptions[0].Databases[0].BackupPath = "ftp://backup:hunter2@files.acme.example/cache"
	bubble(t, fleet, func(t *testing.T, w *world) {
		keys := w.keys("cache")
		up := w.upgraded("cache", "7.4")
		var pasted strings.Builder
		for _, f := range w.newest("cache") {
			fmt.Fprintln(&pasted, strings.ReplaceAll(f.URI, "backup:hunter2", "[secret]"))
		}
		r := w.must(w.revertOf(up, pasted.String()))
		r = w.untilState(r.ID, Proposed)
		w.agreed(r)
		w.wantEnd(r.ID, Done)
		if diff := cmp.Diff(keys, w.keys("cache")); diff != "" {
			t.Errorf("keys:\n%s", diff)
		}
		for _, p := range w.checkSecrets("hunter2") {
			t.Error(p)
		}
		if got := w.raw("cache")["backup"]; !strings.Contains(fmt.Sprint(got), "hunter2") {
			t.Errorf("the new database backs up to %v", got)
		}
	})
}
