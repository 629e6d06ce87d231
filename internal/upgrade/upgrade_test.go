package upgrade

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

func TestAnUpgradeEndToEnd(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		before := w.find("cache")
		s := w.upgraded("cache", "7.4")
		after := w.find("cache")
		if after.Version != "7.4" || after.ID != before.ID || after.Digest != before.Digest {
			t.Errorf("database %+v, was %+v", after, before)
		}
		var calls []string
		for _, c := range w.ledger() {
			calls = append(calls, c.Method+" "+shape(c.Path))
		}
		db := "/v1/subscriptions/#/databases/#"
		if want := []string{"POST " + db + "/backup", "POST " + db + "/upgrade"}; !slices.Equal(calls, want) {
			t.Errorf("calls %q, want %q", calls, want)
		}
		for _, words := range []string{"Approved (1 of 1)", "Preflight passed", "Backup done", "Version 7.4 confirmed", "Application health is not checked", "Done: cache is on 7.4"} {
			if !strings.Contains(w.said(s.ID), words) {
				t.Errorf("the thread does not say %q:\n%s", words, w.said(s.ID))
			}
		}
		if s.Upgrade.BackupAt.IsZero() || s.Upgrade.Sent.Before(s.Upgrade.BackupAt) || s.Upgrade.Snapshot.Version != "7.2" {
			t.Errorf("work %+v", s.Upgrade)
		}
	})
}

func TestARequestIsRefusedWithWords(t *testing.T) {
	fleet := cloudemu.DefaultFleet()
	bubble(t, fleet, func(t *testing.T, w *world) {
		for _, row := range []struct {
			sentence, db, to string
			change           func(*Request)
			code             Code
			says             string
		}{
			{"memcached", "legacy-mc", "8.2", nil, Unsupported, "memcached"},
			{"Active-Active", "global-aa", "8.2", nil, Unsupported, "Active-Active"},
			{"nothing newer", "latest-prod", "8.8", nil, NothingNewer, "nothing newer"},
			{"a version nobody offers", "cache-prod", "9.9", nil, BadVersion, "Offered: 7.4"},
			{"a source before its target", "catalog-prod", "7.4", nil, ReplicasFirst, "catalog-replica"},
			{"no backup possible", "orders-prod", "7.2", nil, NoBackup, "Turn on remote backup"},
			{"an empty reason", "cache-prod", "7.4", func(r *Request) { r.Reason = " \n" }, BadInput, "Say why"},
			{"a guest", "cache-prod", "7.4", func(r *Request) { r.By = guest }, NotEntitled, ""},
			{"somebody Slack does not know", "cache-prod", "7.4", func(r *Request) { r.By = approvals.Voter{ID: "U0"} }, NotEntitled, ""},
			{"a database that is gone", "cache-prod", "7.4", func(r *Request) { r.Ref.Database = 1 }, NotFound, "no longer exists"},
		} {
			r := Request{Origin: row.sentence, By: ann, Ref: w.find(row.db).ref(), To: row.to, Reason: "why", Home: "D0"}
			if row.change != nil {
				row.change(&r)
			}
			_, err := w.engine().Propose(w.ctx, r)
			got, ok := AsRefusal(err)
			if !ok || got.Code != row.code || !strings.Contains(got.Error(), row.says) {
				t.Errorf("%s: %v, want %s %q", row.sentence, err, row.code, row.says)
			}
		}
		recs, err := w.store.List(w.ctx, false, 0)
		w.nil(err)
		if len(recs) > 0 || len(w.ledger()) > 0 {
			t.Errorf("refused, yet %d sessions are recorded and %d calls were made", len(recs), len(w.ledger()))
		}
	})
}

func TestOneSessionPerDatabase(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		s := w.propose("cache", "7.4")
		if again := w.propose("cache", "7.4"); again.ID != s.ID || again.Revision != s.Revision {
			t.Error("the same modal opened two sessions")
		}
		_, r := w.act(w.request("cache", "8.2"))
		w.wantRefusal(r, Busy, "only one")
		if r.Link != s.ID {
			t.Errorf("link %q, want %s", r.Link, s.ID)
		}
		w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, ann) })
		if next := w.propose("cache", "8.2"); next.ID == s.ID {
			t.Error("not a session of its own")
		}
		if list, err := w.engine().History(w.ctx, w.find("cache").ref(), 10); err != nil || len(list) != 2 {
			t.Errorf("history %d, %v", len(list), err)
		}
		if list, err := w.engine().Open(w.ctx, 10); err != nil || len(list) != 1 {
			t.Errorf("open %d, %v", len(list), err)
		}
	})
}

func TestOpeningRacesForADatabase(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		a, b := w.engine(), w.another()
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, e := range []*replica{a, b} {
			wg.Go(func() {
				_, errs[i] = w.request("cache", "7.4", func(r *Request) { r.Origin = e2s(i) })(e)
			})
		}
		wg.Wait()
		var busy int
		for _, err := range errs {
			if r, ok := AsRefusal(err); ok && r.Code == Busy && r.Link != "" {
				busy++
			} else if err != nil {
				t.Error(err)
			}
		}
		if busy != 1 {
			t.Errorf("%d were refused, want one: %v", busy, errs)
		}
	})
}

func e2s(i int) string { return string(rune('a' + i)) }

func TestCancel(t *testing.T) {
	cancel := func(w *world, s Session, by approvals.Voter) (Session, *Refusal) {
		return w.act(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, by) })
	}
	for _, state := range []State{Proposed, Approved, Blocked} {
		t.Run("at once while "+string(state), func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				s := w.propose("cache", "7.4", func(r *Request) { r.NotBefore = time.Now().Add(time.Hour) })
				if state != Proposed {
					s = w.approve(s, bob)
				}
				if state == Blocked {
					w.console("cache", map[string]any{"backup_path": ""})
					s = w.untilState(s.ID, Blocked)
				}
				_, r := cancel(w, s, carol)
				w.wantRefusal(r, NotEntitled, "")
				if s, r := cancel(w, s, ann); r != nil || s.State != Cancelled || len(w.ledger()) != 0 {
					t.Errorf("%v %s", r, describe(s))
				}
				_, r = cancel(w, s, ann)
				w.wantRefusal(r, TooLate, "cancelled")
			})
		})
	}
	running := func(w *world) Session {
		s := w.approve(w.propose("cache", "7.4"), bob)
		return w.until(s.ID, "a running backup", func(s Session) bool { return s.Call != nil && s.Call.Phase == Sent })
	}
	t.Run("while the backup runs, when it has ended", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := running(w)
			s, r := cancel(w, s, dan)
			if r != nil || s.State != BackingUp || s.CancelBy != dan.ID {
				t.Fatalf("%v %s", r, describe(s))
			}
			_, r = cancel(w, s, ann)
			w.wantRefusal(r, TooLate, "already")
			w.wantEnd(s.ID, Cancelled)
			if w.calls("POST", "/upgrade") != 0 {
				t.Error("upgraded all the same")
			}
		})
	})
	t.Run("while the backup runs and fails, too", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("backup_no_permission", 1, "")
			s := running(w)
			if _, r := cancel(w, s, ann); r != nil {
				t.Fatal(r)
			}
			w.wantEnd(s.ID, Cancelled)
		})
	})
	t.Run("not once the upgrade may have left", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			s = w.until(s.ID, "the upgrade", func(s Session) bool { return s.Call != nil && s.Call.Key == callUpgrade && s.Call.Phase == Sent })
			_, r := cancel(w, s, ann)
			w.wantRefusal(r, TooLate, "can no longer be cancelled")
			s = w.untilState(s.ID, Soaking)
			_, r = cancel(w, s, ann)
			w.wantRefusal(r, TooLate, "being monitored")
			w.wantEnd(s.ID, Done)
		})
	})
}

func TestAPauseHoldsEveryNewCall(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		if err := w.engine().Pause(w.ctx, ann, true); err == nil {
			t.Error("anybody may pause")
		}
		w.nil(w.engine().Pause(w.ctx, dan, true))
		s := w.approve(w.propose("cache", "7.4"), bob)
		time.Sleep(2 * time.Hour)
		s = w.load(s.ID)
		if len(w.ledger()) != 0 || !strings.Contains(s.Progress.Text, "Paused") {
			t.Errorf("%d calls, %s", len(w.ledger()), describe(s))
		}
		w.nil(w.engine().Pause(w.ctx, dan, false))
		w.wantEnd(s.ID, Done)
	})
}

func TestTheModeIsObeyed(t *testing.T) {
	mode := func(m Mode) func(*world) { return func(w *world) { w.cfg.Mode = m } }
	t.Run("observe asks nobody for what can never run", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			_, r := w.act(w.request("cache", "7.4"))
			w.wantRefusal(r, NotAllowed, "MODE=observe")
		}, mode(ModeObserve))
	})
	t.Run("observe, set after the approval, sends nothing", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.propose("cache", "7.4")
			w.engine().kill()
			w.cfg.Mode = ModeObserve
			w.approve(s, bob)
			s = w.untilState(s.ID, Blocked)
			if !strings.Contains(s.Problem, "MODE=observe") || len(w.ledger()) != 0 {
				t.Error(s.Problem)
			}
		}, mode(ModeUpgrade))
	})
	t.Run("upgrade upgrades, and promises no way back", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.upgraded("cache", "7.4")
			if s.Facts.WayBack.Possible || !strings.Contains(s.Facts.WayBack.Text, "MODE=upgrade") {
				t.Errorf("%+v", s.Facts.WayBack)
			}
			_, r := w.act(w.revertOf(s, w.filesOf("cache")))
			w.wantRefusal(r, NotAllowed, "docs/revert.md")
		}, mode(ModeUpgrade))
	})
}

func TestSubscriptionsAndTheOwnStore(t *testing.T) {
	t.Run("a subscription that is not allowed", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			_, r := w.act(w.request("cache", "7.4"))
			w.wantRefusal(r, NotAllowed, "ALLOW_SUBSCRIPTIONS")
		}, func(w *world) { w.cfg.Allow = []int{1} })
	})
	t.Run("a subscription that is allowed no more when the call is due", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4", func(r *Request) { r.NotBefore = time.Now().Add(time.Hour) }), bob)
			w.cfg.Allow = []int{1}
			w.engine().kill()
			s = w.untilState(s.ID, Blocked)
			if len(w.ledger()) != 0 {
				t.Error("called all the same")
			}
		})
	})
	t.Run("the bot's own memory", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.storeIs(w.find("cache").ref())
			_, r := w.act(w.request("cache", "7.4"))
			w.wantRefusal(r, OwnStore, "stores this bot's state")
			s := w.approve(w.propose("orders", "7.4", func(r *Request) { r.NotBefore = time.Now().Add(time.Hour) }), bob)
			w.storeIs(w.find("orders").ref())
			s = w.untilState(s.ID, Blocked)
			if len(w.ledger()) != 0 || !strings.Contains(s.Problem, "stores this bot's state") {
				t.Error(s.Problem)
			}
		})
	})
}

func TestReadsThatFailRefuseInWords(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		w.fault("forbidden_403", 1, "GET")
		_, err := w.request("cache", "7.4")(w.engine())
		if r, ok := AsRefusal(err); !ok || r.Code != NotAllowed || !strings.Contains(r.Text, "403") {
			t.Error(err)
		}
		w.fault("error_503", -1, "GET")
		_, err = w.request("cache", "7.4")(w.engine())
		if r, ok := AsRefusal(err); !ok || r.Code != Unreachable {
			t.Error(err)
		}
		w.fault("error_503", 0, "")
		_, err = w.engine().Load(w.ctx, "u-aaaaaaaaaa")
		if r, ok := AsRefusal(err); !ok || r.Code != NotFound {
			t.Error(err)
		}
	})
}

// A vote that cannot be stored is not said to be stored.
func TestAVoteWithoutRedisIsNotAcknowledged(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		s := w.propose("cache", "7.4")
		w.mini.SetError("LOADING")
		_, err := w.vote(s, bob)(w.engine())
		w.mini.SetError("")
		if !errors.Is(err, ErrTryAgain) {
			t.Errorf("answer %v", err)
		}
		if got := w.load(s.ID); len(got.Decisions) != 0 {
			t.Errorf("decisions %+v", got.Decisions)
		}
		w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, ann) })
	})
}
