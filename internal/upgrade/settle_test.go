package upgrade

import (
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
)

// lostImport is a revert whose import left no trace.
func (w *world) lostImport(fault string) Session {
	w.t.Helper()
	up := w.upgraded("cache", "7.4")
	r := w.agreed(w.asked("cache", up))
	w.until(r.ID, "the create", func(s Session) bool { return s.Call != nil && s.Call.Key == callCreate && s.Call.Phase == Sent })
	w.fault(fault, 1, "POST")
	return w.until(r.ID, "an answer to the import", func(s Session) bool {
		return s.Ended || s.Call != nil && s.Call.Key == callImport && (s.Call.Phase == Unknown || s.Call.Phase == Settled)
	})
}

func TestUnknownCallsAreForPeople(t *testing.T) {
	settle := func(w *world, r Session, by approvals.Voter, yes bool) (Session, *Refusal) {
		return w.act(func(e *replica) (Session, error) { return e.Settle(w.ctx, Click{Session: r.ID, By: by}, yes) })
	}
	t.Run("an import that nobody saw is never sent again", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			r := w.lostImport("drop_before_accept")
			if r.Call.Phase != Unknown {
				t.Fatal(describe(r))
			}
			if want := "is active on 7.2; its import status is empty, none so far"; !strings.Contains(r.Call.Seen, want) {
				t.Errorf("read back %q, want %q", r.Call.Seen, want)
			}
			_, no := settle(w, r, bob, false)
			w.wantRefusal(no, NotEntitled, "")
			_, no = settle(w, r, dan, false)
			w.wantRefusal(no, TooLate, "two people")
			time.Sleep(time.Hour)
			if s, no := settle(w, r, dan, false); no != nil || s.Call.Phase != Unknown {
				t.Fatalf("%v %s", no, describe(s))
			}
			_, no = settle(w, r, dan, false)
			w.wantRefusal(no, TooLate, "a second person")
			if s, no := settle(w, r, dora, false); no != nil || s.Call.Phase != Settled {
				t.Fatalf("%v %s", no, describe(s))
			}
			r = w.wantEnd(r.ID, Failed)
			if w.calls("POST", "/import") != 1 || !strings.Contains(r.Problem, "people say that it did not happen") {
				t.Errorf("%d imports: %s", w.calls("POST", "/import"), r.Problem)
			}
			_, no = settle(w, r, dan, true)
			w.wantRefusal(no, TooLate, "No call")
		})
	})
	t.Run("an on-call group of one is enough: an approver may be the second", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			r := w.lostImport("drop_before_accept")
			time.Sleep(time.Hour)
			settle(w, r, dan, false)
			_, no := settle(w, r, ann, false)
			w.wantRefusal(no, NotEntitled, "on-call or an approver")
			_, no = settle(w, r, bob, true)
			w.wantRefusal(no, NotEntitled, "Only on-call")
			if s, no := settle(w, r, bob, false); no != nil || s.Call.Phase != Settled {
				t.Fatalf("%v %s", no, describe(s))
			}
			w.wantEnd(r.ID, Failed)
		})
	})
	t.Run("a button answers only the question it was drawn for", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			r := w.lostImport("drop_before_accept")
			old := Click{Session: r.ID, Ask: r.Call.Question, By: dan}
			w.must(func(e *replica) (Session, error) { return e.Settle(w.ctx, old, true) })
			w.until(r.ID, "another question", func(s Session) bool { return s.Call.Phase == Unknown })
			for _, yes := range []bool{true, false} {
				_, no := w.act(func(e *replica) (Session, error) { return e.Settle(w.ctx, old, yes) })
				w.wantRefusal(no, Stale, "another call, or an earlier try")
			}
		})
	})
	t.Run("an import that happened without an answer is found", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			r := w.lostImport("drop_after_accept")
			if r.Call.Phase == Unknown {
				t.Fatal(describe(r))
			}
			r = w.wantEnd(r.ID, Done)
			if !strings.Contains(w.said(r.ID), "No answer came to the import into cache, but Redis Cloud shows that it happened") {
				t.Error(w.said(r.ID))
			}
		})
	})
	t.Run("an unknown call keeps its database and lets other ones go", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			r := w.lostImport("drop_before_accept")
			if holder, _ := w.store.TurnHolder(w.ctx, "account"); holder != "" {
				t.Errorf("the account waits for %s", holder)
			}
			for _, ref := range []string{r.Plan.Database, r.Revert.NewRef} {
				if owner, _ := w.store.Owner(w.ctx, ref); owner != r.ID {
					t.Errorf("%s is held by %q", ref, owner)
				}
			}
			w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, w.propose("orders", "7.4").ID, ann) })
		})
	})
	t.Run("a wrong word is found out: people are asked again", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			r := w.lostImport("drop_before_accept")
			if s, no := settle(w, r, dan, true); no != nil || s.Call.Phase != Sent {
				t.Fatalf("%v %s", no, describe(s))
			}
			begin := time.Now()
			w.until(r.ID, "the same question", func(s Session) bool { return s.Ended || s.Call.Phase == Unknown })
			if took := time.Since(begin); took < time.Hour || took > 2*time.Hour {
				t.Errorf("asked again after %s", took)
			}
			settle(w, r, dan, false)
			settle(w, r, dora, false)
			w.wantEnd(r.ID, Failed)
		})
	})
}

// The task of an upgrade ends before the database shows anything of it. Behind
// a queue that stood still, the bot looks right into that gap.
func TestAbsenceIsNotBelievedTooSoon(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		s := w.propose("cache", "7.4")
		w.fault("task_stuck", 1, "/upgrade")
		w.fault("drop_after_accept", 1, "/upgrade")
		w.approve(s, bob)
		w.wantEnd(s.ID, Done)
		if n := w.calls("POST", "/upgrade"); n != 1 {
			t.Errorf("%d upgrades", n)
		}
	}, func(w *world) { w.cfg.Poll = time.Second })
}

// A lost answer to a second try, after the first ended as failed: what can be
// read looks as it did before, whatever happened.
func TestASecondTryThatNobodyCanTell(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		w.fault("upgrade_failed", 1, "")
		s := w.approve(w.propose("cache", "7.4"), bob)
		w.wantEnd(s.ID, Failed)
		time.Sleep(time.Minute)
		w.fault("drop_before_accept", 1, "POST /v1"+w.find("cache").path()+"/upgrade")
		s = w.approve(w.propose("cache", "7.4", func(r *Request) { r.Origin = "second" }), bob)
		s = w.until(s.ID, "a question", func(s Session) bool { return s.Ended || s.Call != nil && s.Call.Phase == Unknown })
		if s.Ended || w.calls("POST", "/upgrade") != 1 {
			t.Fatal(describe(s))
		}
		w.must(func(e *replica) (Session, error) { return e.Settle(w.ctx, Click{Session: s.ID, By: dan}, false) })
		w.wantEnd(s.ID, Done)
	})
}
