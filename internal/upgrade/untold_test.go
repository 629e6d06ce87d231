package upgrade

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A status task that ends in an error which does not pass is said at once, and is
// a question for people soon after; meanwhile nobody else waits.
func TestAStatusThatIsNotTold(t *testing.T) {
	const answer = "DATABASE_BACKUP_NOT_SUPPORTED Not on this plan"
	const says = "Redis Cloud does not tell the state of the backup: task failed: DATABASE_BACKUP_NOT_SUPPORTED: Not on this plan."
	onCard := func(w *world, id string) {
		w.t.Helper()
		begin := time.Now()
		w.until(id, "the trouble on the card", func(s Session) bool { return s.Progress.Trouble && strings.Contains(s.Progress.Text, says) || s.Ended })
		if took := time.Since(begin); took > time.Minute {
			w.t.Errorf("said after %s", took)
		}
	}
	t.Run("before the backup: said, then blocked; others go on", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.propose("cache", "7.4")
			w.fault("status_task_error", -1, w.find("cache").path()+"/backup "+answer)
			w.approve(s, bob)
			w.untilState(s.ID, BackingUp)
			onCard(w, s.ID)
			s = w.untilState(s.ID, Blocked)
			if !strings.Contains(s.Problem, "DATABASE_BACKUP_NOT_SUPPORTED") || w.calls("POST", "/backup") != 0 {
				t.Error(s.Problem)
			}
			w.upgraded("orders", "7.4")
			w.fault("status_task_error", 0, "")
			w.must(func(e *replica) (Session, error) { return e.Recheck(w.ctx, s.ID, ann) })
			w.wantEnd(s.ID, Done)
		})
	})
	t.Run("behind a backup that was taken: people are asked, and believed", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.until(s.ID, "the backup", func(s Session) bool { return s.Call != nil && s.Call.Phase == Sent })
			w.fault("status_task_error", -1, "/backup "+answer)
			onCard(w, s.ID)
			begin := time.Now()
			s = w.until(s.ID, "the question", func(s Session) bool { return s.Call != nil && s.Call.Phase == Unknown })
			if time.Since(begin) > 5*time.Minute || !strings.Contains(w.said(s.ID), "cannot be followed. Redis Cloud does not tell") || !strings.Contains(s.Call.Seen, "DATABASE_BACKUP_NOT_SUPPORTED") {
				t.Errorf("%s\n%s", describe(s), w.said(s.ID))
			}
			w.must(func(e *replica) (Session, error) { return e.Settle(w.ctx, Click{Session: s.ID, By: dan}, true) })
			s = w.wantEnd(s.ID, Done)
			if !s.Upgrade.Untimed || !strings.Contains(w.said(s.ID), "Backed up; Redis Cloud does not say when. Upgrading.") || w.calls("POST", "/backup") != 1 {
				t.Error(w.said(s.ID))
			}
		}, closely)
	})
	t.Run("a code that passes is waited for without a word", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.propose("cache", "7.4")
			w.fault("status_task_error", 8, "/backup SUBSCRIPTION_NOT_ACTIVE busy")
			w.approve(s, bob)
			w.wantEnd(s.ID, Done)
			if strings.Contains(w.said(s.ID), "SUBSCRIPTION_NOT_ACTIVE") {
				t.Error(w.said(s.ID))
			}
		})
	})
	t.Run("the import of a revert past its delete is sent all the same", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			keys := w.keys("cache")
			r := w.agreed(w.asked("cache", w.upgraded("cache", "7.4")))
			w.fault("status_task_error", -1, "/import GENERAL_ERROR try later")
			r = w.until(r.ID, "the import", func(s Session) bool {
				return s.Ended || s.Call != nil && s.Call.Key == callImport && s.Call.Phase == Unknown
			})
			if w.calls("POST", "/import") != 2 || !strings.Contains(r.Call.Seen, "GENERAL_ERROR") {
				t.Fatalf("%s\n%s", describe(r), w.said(r.ID))
			}
			w.must(func(e *replica) (Session, error) { return e.Settle(w.ctx, Click{Session: r.ID, By: dan}, true) })
			w.wantEnd(r.ID, Done)
			if diff := cmp.Diff(keys, w.keys("cache")); diff != "" {
				t.Error(diff)
			}
		})
	})
}

// The only success that was ever recorded from the real service has no time.
func TestASuccessWithoutATime(t *testing.T) {
	t.Run("a database that was backed up before says so", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("status_no_time", -1, "")
			s := w.propose("cache", "7.4")
			if !s.Facts.Backup.Untimed || !s.Facts.Backup.Known {
				t.Errorf("%+v", s.Facts.Backup)
			}
			w.approve(s, bob)
			s = w.wantEnd(s.ID, Done)
			if !strings.Contains(w.said(s.ID), "Backed up; Redis Cloud does not say when.") || s.Upgrade.BackupAt.IsZero() {
				t.Error(w.said(s.ID))
			}
		})
	})
	t.Run("never backed up before; and a whole revert", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			keys := w.keys("orders")
			w.fault("status_no_time", -1, "")
			up := w.upgraded("orders", "7.4")
			begin := time.Now()
			r := w.reverted("orders", up)
			if time.Since(begin) > time.Hour || !strings.Contains(w.said(r.ID), "Backup of the upgraded data done; Redis Cloud does not say when.") {
				t.Error(time.Since(begin), w.said(r.ID))
			}
			if diff := cmp.Diff(keys, w.keys("orders")); diff != "" {
				t.Error(diff)
			}
		}, closely)
	})
}

// What Redis Cloud calls failed is judged when the database is at rest, and what was
// sent is never called "never sent".
func TestAFailureThatArrives(t *testing.T) {
	t.Run("reported as failed while it goes on: it is verified", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("upgrade_failed_late", 1, "")
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.wantEnd(s.ID, Done)
		})
	})
	t.Run("it arrives after all: a revert is offered", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("upgrade_failed", 1, "")
			s := w.approve(w.propose("cache", "7.4"), bob)
			s = w.wantEnd(s.ID, Failed)
			if s.Upgrade.Sent.IsZero() {
				t.Error("it was never sent, says the record")
			}
			w.wantRefusal(w.engine().Revertible(s), NoWayBack, "still reads 7.2, so there is nothing to revert")
			time.Sleep(time.Minute)
			w.console("cache", map[string]any{"redis_version": "7.4"})
			w.storeIs(w.find("none").ref())
			if r := w.engine().Revertible(s); r != nil {
				t.Errorf("refused: %s", r)
			}
			w.reverted("cache", s)
		})
	})
}

// An upgrade that arrives after its failure is said once, in thread and on the card.
func TestAnArrivalAfterAFailureIsSaid(t *testing.T) {
	failed := func(w *world) Session {
		w.fault("upgrade_failed", 1, "")
		return w.wantEnd(w.approve(w.propose("cache", "7.4"), bob).ID, Failed)
	}
	const words = "cache is on 7.4 now, although Redis Cloud reported the upgrade as failed."
	arrive := func(w *world) { w.console("cache", map[string]any{"redis_version": "7.4"}) }
	t.Run("within the day", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := failed(w)
			time.Sleep(20 * time.Hour)
			if said := w.said(s.ID); strings.Contains(said, "although") {
				t.Fatal(said)
			}
			arrive(w)
			w.engine().kill() // and whoever is alive then says it
			begin := time.Now()
			s = w.until(s.ID, "a word of it", func(s Session) bool { return !s.Upgrade.Arrived.IsZero() })
			if time.Since(begin) > time.Hour || s.State != Failed || !s.Ended || !strings.Contains(s.Problem, words) {
				t.Errorf("after %s: %s", time.Since(begin), describe(s))
			}
			if said := w.said(s.ID); strings.Count(said, words+" It can be reverted") != 1 {
				t.Error(said)
			}
			if r := w.engine().Revertible(s); r != nil {
				t.Errorf("refused: %s", r)
			}
			for _, p := range w.checkMemory(s.ID) {
				t.Error(p)
			}
			w.reverted("cache", s)
		})
	})
	for sentence, row := range map[string]func(*world, Session){
		"after the day": func(w *world, _ Session) { time.Sleep(25 * time.Hour); arrive(w) },
		"it is another upgrade that arrived": func(w *world, s Session) {
			w.wantEnd(w.approve(w.propose("cache", "7.4", func(r *Request) { r.Origin = "again" }), bob).ID, Done)
		},
		"the database is gone": func(w *world, s Session) { w.console("cache", map[string]any{"delete": true}) },
	} {
		t.Run(sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				s := failed(w)
				row(w, s)
				time.Sleep(5 * time.Hour)
				if said := w.said(s.ID); strings.Contains(said, "although") {
					t.Error(said)
				}
				if _, err := w.rdb.ZScore(w.ctx, "{redis-upgrade}:queue:due", s.ID).Result(); err == nil {
					t.Error("it is looked at for ever")
				}
			})
		})
	}
}

// A refusal for want of a permission is mended by people: nothing ends.
func TestADeniedUpgradeIsBlocked(t *testing.T) {
	for _, fault := range []string{"html_401", "forbidden_403", "precondition_412"} {
		t.Run(fault, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				s := w.approve(w.propose("cache", "7.4"), bob)
				w.untilState(s.ID, BackingUp)
				w.fault(fault, 1, "POST /v1/subscriptions/"+strings.TrimPrefix(w.find("cache").path(), "/subscriptions/")+"/upgrade")
				s = w.untilState(s.ID, Blocked)
				if !strings.Contains(s.Problem, "Redis Cloud refused (HTTP 4") || w.calls("POST", "/upgrade") != 0 {
					t.Error(s.Problem)
				}
				w.must(func(e *replica) (Session, error) { return e.Recheck(w.ctx, s.ID, ann) })
				w.wantEnd(s.ID, Done)
			})
		})
	}
}

// An answer that passes by itself is waited for, and whoever acts on the database
// is named.
func TestADryRunThatMeetsAnotherActor(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		up := w.upgraded("cache", "7.4")
		r := w.must(w.revertOf(up, w.filesOf("cache")))
		w.until(r.ID, "the end of the rehearsal", func(s Session) bool { return s.Revert.Trial.Deleted })
		w.fault("subscription_busy", 3, "")
		r = w.until(r.ID, "another actor", func(s Session) bool {
			return strings.Contains(s.Progress.Text, "met task failed: SUBSCRIPTION_NOT_ACTIVE") || s.State != Rehearsing
		})
		if !strings.Contains(r.Progress.Text, "Newest entry about it in Redis Cloud's system log") {
			t.Fatal(describe(r))
		}
		w.untilState(r.ID, Proposed)
	})
}
