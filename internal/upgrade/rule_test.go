package upgrade

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
)

// pause stops all changing calls for that long.
func (w *world) pause(d time.Duration) {
	w.t.Helper()
	w.nil(w.engine().Pause(w.ctx, dan, true))
	time.Sleep(d)
	w.nil(w.engine().Pause(w.ctx, dan, false))
}

// heldAt lets people approve a revert and pauses so that it stands in that state.
func (w *world) heldAt(r Session, state State) {
	w.t.Helper()
	w.nil(w.engine().Pause(w.ctx, dan, state == Closing))
	w.agreed(r)
	if state == Deleting {
		w.until(r.ID, "the safety backup", func(s Session) bool { return s.State == Saving && s.Call != nil && s.Call.Phase == Sent })
		w.nil(w.engine().Pause(w.ctx, dan, true))
	}
	w.untilState(r.ID, state)
}

// The approval's clock holds for every send that it covers: nothing leaves late,
// however long a session stood in between.
func TestApprovalsLapseForEverySend(t *testing.T) {
	const long = 25 * time.Hour
	t.Run("an upgrade before its backup", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.tick = time.Minute
			w.nil(w.engine().Pause(w.ctx, dan, true))
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.untilState(s.ID, BackingUp)
			w.pause(long)
			w.wantEnd(s.ID, Expired)
			if n := len(w.ledger()); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	})
	t.Run("an upgrade after its backup", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.tick = time.Minute
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.until(s.ID, "the backup", func(s Session) bool { return s.Call != nil && s.Call.Phase == Sent })
			w.pause(long)
			s = w.wantEnd(s.ID, Expired)
			if w.calls("POST", "/upgrade") != 0 || !strings.Contains(w.said(s.ID), "the approval has lapsed. Nothing was upgraded; the backup stays.") {
				t.Error(w.said(s.ID))
			}
		})
	})
	for _, state := range []State{Closing, Saving, Deleting} {
		t.Run("a revert while "+string(state)+": clients get access, people are asked again", func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				r := w.asked("cache", w.upgraded("cache", "7.4"))
				door := w.find("cache").SourceIPs
				ask := r.Ask
				w.heldAt(r, state)
				w.tick = time.Minute
				w.pause(long)
				r = w.until(r.ID, "the question again", func(s Session) bool { return s.State == Proposed || s.Ended })
				if r.Ask == ask || len(r.Decisions) != 0 || !slices.Equal(w.find("cache").SourceIPs, door) || !strings.Contains(w.said(r.ID), "The approvals are older than they may be") {
					t.Fatalf("%s, door %v\n%s", describe(r), w.find("cache").SourceIPs, w.said(r.ID))
				}
				w.tick = 5 * time.Second
				w.wantEnd(w.agreed(r).ID, Done)
				if w.calls("DELETE", "") != 2 {
					t.Errorf("%d deletes", w.calls("DELETE", ""))
				}
			})
		})
	}
}

// A voter who lost the right before the delete: access first, then asked again.
func TestARevertIsAskedAgainWhenAVoterLosesTheRight(t *testing.T) {
	for _, state := range []State{Approved, Saving} {
		bubbleOf := func(t *testing.T, w *world) {
			r := w.asked("cache", w.upgraded("cache", "7.4"))
			door := w.find("cache").SourceIPs
			left := bob
			left.Approver = false
			if state == Approved {
				w.nil(w.engine().Pause(w.ctx, dan, true))
			}
			r = w.agreed(r)
			if state != Approved {
				w.untilState(r.ID, state)
			}
			w.roles.set(left)
			w.nil(w.engine().Pause(w.ctx, dan, false))
			ask := r.Ask
			r = w.until(r.ID, "the question again", func(s Session) bool { return s.Ask != ask || s.Ended })
			if r.State != Proposed || !strings.Contains(w.said(r.ID), "lost the right to approve") || !slices.Equal(w.find("cache").SourceIPs, door) {
				t.Fatalf("%s\n%s", describe(r), w.said(r.ID))
			}
			w.approve(r, carol)
			w.approve(w.load(r.ID), dan)
			w.wantEnd(r.ID, Done)
		}
		t.Run("while "+string(state), func(t *testing.T) { bubble(t, shop(), bubbleOf) })
	}
}

// A denial wins until the call that cannot be taken back is about to leave.
func TestADenialWinsUntilTheSend(t *testing.T) {
	deny := func(w *world, id string) (Session, *Refusal) {
		return w.act(func(e *replica) (Session, error) {
			return e.Deny(w.ctx, Click{Session: id, By: carol, Reason: "the sale runs"})
		})
	}
	for _, state := range []State{Checking, Blocked, BackingUp, Upgrading} {
		t.Run("an upgrade that is "+string(state), func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				switch state {
				case Checking:
					w.console("cache", map[string]any{"status": "active"})
				case Upgrading:
					w.fault("subscription_busy", -1, "/upgrade")
				}
				s := w.propose("cache", "7.4", func(r *Request) { r.NotBefore = time.Now().Add(10 * time.Minute) })
				w.approve(s, bob)
				switch state {
				case Checking:
					w.console("cache", map[string]any{"status": "active-change-pending"})
				case Blocked:
					w.console("cache", map[string]any{"backup_path": ""})
				}
				s = w.until(s.ID, string(state), func(s Session) bool {
					return s.State == state && (state != BackingUp || s.Call != nil && s.Call.Phase == Sent) && (state != Upgrading || s.Call.Key == callUpgrade && s.Call.Phase == Settled)
				})
				if !s.Deniable() {
					t.Fatal(describe(s))
				}
				if _, r := deny(w, s.ID); r != nil {
					t.Fatal(r)
				}
				s = w.wantEnd(s.ID, Denied)
				if !strings.Contains(w.said(s.ID), "Denied: the sale runs") || w.find("cache").Version != "7.2" {
					t.Error(w.said(s.ID))
				}
			})
		})
	}
	for _, state := range []State{Closing, Saving, Deleting} {
		t.Run("a revert that is "+string(state), func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				r := w.asked("cache", w.upgraded("cache", "7.4"))
				before := w.find("cache")
				w.heldAt(r, state)
				if _, no := deny(w, r.ID); no != nil {
					t.Fatal(no)
				}
				w.nil(w.engine().Pause(w.ctx, dan, false))
				w.wantEnd(r.ID, Denied)
				if after := w.find("cache"); after.ID != before.ID || !slices.Equal(after.SourceIPs, before.SourceIPs) {
					t.Errorf("%+v", after)
				}
			})
		})
	}
	t.Run("not once it was sent", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			s = w.until(s.ID, "the upgrade", func(s Session) bool { return s.Call != nil && s.Call.Key == callUpgrade && s.Call.Phase == Sent })
			_, r := deny(w, s.ID)
			w.wantRefusal(r, TooLate, "nothing to decide")
			w.wantEnd(s.ID, Done)
		})
	})
}

// A session is decided by the rule with which it was opened, whoever works on it.
func TestASessionKeepsItsRule(t *testing.T) {
	byRule := func(quorum int, approvers ...string) func(*world) {
		return func(w *world) {
			w.cfg.Upgrades = approvals.Upgrade(quorum)
			w.cfg.Upgrades.Approvers = approvers
		}
	}
	bubble(t, shop(), func(t *testing.T, w *world) {
		s := w.propose("cache", "7.4")
		w.engine().kill()
		byRule(1, carol.ID, ann.ID)(w) // replicas that are started from now on are configured otherwise
		if s := w.approve(s, bob); s.State != Proposed {
			t.Fatalf("one vote of two is enough: %s", describe(s))
		}
		_, r := w.act(w.vote(s, carol))
		w.wantRefusal(r, NotEntitled, "not among the people who decide")
		if s := w.approve(s, dan); s.State != Approved {
			t.Fatal(describe(s))
		}
		s = w.wantEnd(s.ID, Done)
		if s.Ask != 1 {
			t.Errorf("asked %d times", s.Ask)
		}
		next := w.propose("orders", "7.4")
		if next.Rule == nil || next.Rule.Quorum != 1 {
			t.Errorf("a new one is opened by %+v", next.Rule)
		}
	}, byRule(2, bob.ID, dan.ID))
}
