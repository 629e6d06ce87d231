package upgrade

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/calls"
)

// A cancel while nobody knows whether the call that cannot be taken back left:
// if it did, the work goes on; if it did not, it is never sent.
func TestCancelWhileACallHasNoAnswer(t *testing.T) {
	for _, row := range []struct {
		sentence, fault string
		ends            State
		calls           int
	}{
		{"the upgrade did not arrive: cancelled", "drop_before_accept", Cancelled, 0},
		{"the upgrade arrived: too late", "drop_after_accept", Done, 1},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				db := w.find("cache")
				w.fault(row.fault, 1, fmt.Sprintf("POST /v1/subscriptions/%d/databases/%d/upgrade", db.Subscription, db.ID))
				s := w.approve(w.propose("cache", "7.4"), bob)
				s = w.until(s.ID, "the send", func(s Session) bool { return s.Call != nil && s.Call.Key == callUpgrade && s.Call.Phase == Sending })
				if !s.Cancellable() {
					t.Fatal("not offered")
				}
				s = w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, ann) })
				if !strings.Contains(w.said(s.ID), "if Redis Cloud took it, it goes on") {
					t.Error(w.said(s.ID))
				}
				s = w.wantEnd(s.ID, row.ends)
				if n := w.calls("POST", "/upgrade"); n != row.calls {
					t.Errorf("%d upgrades were accepted", n)
				}
				if row.ends == Done && (s.CancelBy != "" || !strings.Contains(w.said(s.ID), "arrived too late")) {
					t.Errorf("cancelled by %q\n%s", s.CancelBy, w.said(s.ID))
				}
			})
		})
	}
	for _, row := range []struct {
		sentence, fault string
		ends            State
	}{
		{"the delete did not arrive: the door opens again", "drop_before_accept", Cancelled},
		{"the delete arrived: the database comes back", "drop_after_accept", Done},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				up := w.upgraded("cache", "7.4")
				before := w.find("cache")
				r := w.agreed(w.asked("cache", up))
				w.fault(row.fault, 1, fmt.Sprintf("DELETE /v1/subscriptions/%d/databases/%d", before.Subscription, before.ID))
				w.until(r.ID, "the send", func(s Session) bool { return s.Call != nil && s.Call.Key == callDelete && s.Call.Phase == Sending })
				w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, r.ID, dan) })
				w.wantEnd(r.ID, row.ends)
				after := w.find("cache")
				if kept := after.ID == before.ID; kept != (row.ends == Cancelled) {
					t.Errorf("it was %+v and is %+v", before, after)
				}
				if len(after.SourceIPs) != 2 {
					t.Errorf("the door: %v", after.SourceIPs)
				}
			})
		})
	}
	t.Run("nobody can tell: who cancels asks for nothing more to be sent", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("drop_before_accept", -1, "POST /v1/subscriptions")
			s := w.approve(w.propose("cache", "7.4"), bob)
			s = w.until(s.ID, "the question", func(s Session) bool { return s.Call != nil && s.Call.Phase == Unknown })
			if s.Call.Intent != calls.MaxAbsent+1 || !strings.Contains(w.said(s.ID), "again and again") {
				t.Errorf("%s\n%s", describe(s), w.said(s.ID))
			}
			w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, ann) })
			w.must(func(e *replica) (Session, error) {
				return e.Settle(w.ctx, Click{Session: s.ID, Ask: s.Call.Question, By: dan}, false)
			})
			s = w.wantEnd(s.ID, Cancelled)
			if s.Call.Intent != calls.MaxAbsent+1 || len(w.ledger()) != 0 {
				t.Error(describe(s))
			}
		})
	})
}

// What somebody changes while a revert runs is not taken back by it.
func TestARevertUndoesNobodysWork(t *testing.T) {
	t.Run("password and tags changed after the capture are the ones that are built", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.agreed(w.asked("cache", up))
			w.untilState(r.ID, Saving)
			w.console("cache", map[string]any{"password": "rotated-meanwhile", "tags": map[string]string{"owner": "new"}})
			w.wantEnd(r.ID, Done)
			after := w.find("cache")
			db, err := w.engine().api.Database(w.ctx, after.ref())
			w.nil(err)
			if got := db.Security.Password.Reveal(); got != "rotated-meanwhile" || len(after.Tags) != 1 || after.Tags["owner"] != "new" {
				t.Errorf("password %q, tags %v", got, after.Tags)
			}
			if !strings.Contains(w.said(r.ID), "Captured again") {
				t.Error(w.said(r.ID))
			}
		})
	})
	t.Run("the history of the new database begins with the old one's upgrade", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.reverted("cache", up)
			all, err := w.engine().History(w.ctx, w.find("cache").ref(), 10)
			if w.nil(err); len(all) != 2 || all[0].ID != r.ID || all[1].ID != up.ID {
				t.Errorf("%v", all)
			}
			if broken, err := w.engine().Broken(w.ctx); err != nil || len(broken) != 0 {
				t.Errorf("broken: %v, %v", broken, err)
			}
		})
	})
	t.Run("a database without tags or roles is not captured again", func(t *testing.T) {
		fleet := shop()
		fleet.Roles, fleet.Subscriptions[0].Databases[0].Tags = nil, nil
		bubble(t, fleet, func(t *testing.T, w *world) {
			r := w.reverted("cache", w.upgraded("cache", "7.4"))
			if r.Revert.Recaptured != 0 {
				t.Errorf("captured again %d times", r.Revert.Recaptured)
			}
		})
	})
	t.Run("addresses set behind the closed door are left", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.agreed(w.asked("cache", up))
			w.untilState(r.ID, Saving)
			w.console("cache", map[string]any{"source_ips": []string{"203.0.113.7/32"}})
			r = w.wantEnd(r.ID, Failed)
			if ips := w.find("cache").SourceIPs; len(ips) != 1 || ips[0] != "203.0.113.7/32" {
				t.Errorf("the door: %v", ips)
			}
			if !strings.Contains(r.Problem, "left so; they were 10.0.0.0/8, 192.168.1.0/24") {
				t.Error(r.Problem)
			}
		})
	})
	t.Run("addresses set at the new database are left, and told", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.agreed(w.asked("cache", up))
			w.untilState(r.ID, Restoring)
			w.console("cache", map[string]any{"source_ips": []string{"203.0.113.7/32"}})
			r = w.wantEnd(r.ID, Done)
			if ips := w.find("cache").SourceIPs; len(ips) != 1 || !strings.Contains(strings.Join(r.Revert.Loose, " "), "203.0.113.7/32") {
				t.Errorf("the door: %v; told %v", ips, r.Revert.Loose)
			}
		})
	})
	t.Run("a pause does not hold back what follows the delete", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.agreed(w.asked("cache", up))
			w.until(r.ID, "the delete", func(s Session) bool { return s.Call != nil && s.Call.Key == callDelete && s.Call.Phase == Sent })
			w.nil(w.engine().Pause(w.ctx, dan, true))
			begin := time.Now()
			w.wantEnd(r.ID, Done)
			if took := time.Since(begin); took > time.Hour {
				t.Errorf("it waited for somebody for %s", took)
			}
		})
	})
}
