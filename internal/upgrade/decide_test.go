package upgrade

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
)

func TestDecisions(t *testing.T) {
	quorum := func(n int) func(*world) { return func(w *world) { w.cfg.Upgrades = approvals.Upgrade(n) } }
	t.Run("one no ends it, with its reason", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.propose("cache", "7.4")
			_, r := w.act(func(e *replica) (Session, error) { return e.Deny(w.ctx, Click{Session: s.ID, Ask: s.Ask, By: bob}) })
			w.wantRefusal(r, BadInput, "Say why")
			s = w.must(func(e *replica) (Session, error) {
				return e.Deny(w.ctx, Click{Session: s.ID, Ask: s.Ask, By: bob, Reason: "not on a Friday"})
			})
			if s.State != Denied || !strings.Contains(w.said(s.ID), "not on a Friday") || len(w.ledger()) != 0 {
				t.Errorf("%s\n%s", describe(s), w.said(s.ID))
			}
			_, r = w.act(w.vote(s, carol))
			w.wantRefusal(r, TooLate, "denied")
		})
	})
	t.Run("nobody approves what they asked for", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.propose("cache", "7.4", func(r *Request) { r.By = bob })
			_, r := w.act(w.vote(s, bob))
			w.wantRefusal(r, NotEntitled, "You asked for this")
			_, r = w.act(w.vote(s, ann))
			w.wantRefusal(r, NotEntitled, "approver")
			_, r = w.act(w.vote(s, dan))
			w.wantRefusal(r, NotEntitled, "")
			w.approve(s, carol)
			w.wantEnd(s.ID, Done)
		})
	})
	t.Run("two votes at once do not make each other stale", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.propose("cache", "7.4")
			a, b := w.engine(), w.another()
			var wg sync.WaitGroup
			for e, by := range map[*replica]approvals.Voter{a: bob, b: carol} {
				wg.Go(func() {
					if _, err := w.vote(s, by)(e); err != nil {
						t.Errorf("%s: %v", by.Name, err)
					}
				})
			}
			wg.Wait()
			if s := w.load(s.ID); len(s.Decisions) != 2 || s.Agreed.IsZero() {
				t.Errorf("decisions %+v", s.Decisions)
			}
			w.wantEnd(s.ID, Done)
		}, quorum(2))
	})
	t.Run("a double click is a friendly no-op", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.propose("cache", "7.4")
			if s = w.approve(s, bob); s.State != Proposed {
				t.Errorf("one of two votes made it %s", s.State)
			}
			_, r := w.act(w.vote(s, bob))
			w.wantRefusal(r, TooLate, "already")
			if s := w.load(s.ID); len(s.Decisions) != 1 {
				t.Errorf("decisions %+v", s.Decisions)
			}
			w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, dan) })
		}, quorum(2))
	})
	t.Run("an old button is recognised", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.propose("cache", "7.4")
			old := s
			old.Ask = s.Ask + 7
			_, r := w.act(w.vote(old, bob))
			w.wantRefusal(r, Stale, "has changed")
			if err := w.engine().MayApprove(w.ctx, s, Click{Ask: s.Ask, By: bob}); err != nil {
				t.Error(err)
			}
			if err := w.engine().MayDeny(w.ctx, s, Click{Ask: s.Ask, By: ann}); err == nil {
				t.Error("ann may deny")
			}
			w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, ann) })
		})
	})
}

func TestClocks(t *testing.T) {
	t.Run("nobody decides within 8 hours", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.propose("cache", "7.4")
			time.Sleep(8*time.Hour - time.Minute)
			if got := w.load(s.ID).State; got != Proposed {
				t.Errorf("too early: %s", got)
			}
			s = w.wantEnd(s.ID, Expired)
			if !strings.Contains(w.said(s.ID), "Nobody decided within 8 h") {
				t.Error(w.said(s.ID))
			}
		})
	})
	t.Run("it starts when it was asked to", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			at := time.Now().Add(5 * time.Hour)
			s := w.approve(w.propose("cache", "7.4", func(r *Request) { r.NotBefore = at }), bob)
			time.Sleep(5*time.Hour - time.Minute)
			if s = w.load(s.ID); s.State != Approved {
				t.Errorf("before its time: %s", s.State)
			}
			w.wantEnd(s.ID, Done)
			if first := w.ledger()[0].At; first.Before(at) {
				t.Errorf("began at %s, asked for %s", first, at)
			}
		})
	})
	t.Run("a start that was missed is never run late", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			at := time.Now().Add(5 * time.Hour)
			s := w.approve(w.propose("cache", "7.4", func(r *Request) { r.NotBefore = at }), bob)
			w.engine().kill()
			time.Sleep(30 * time.Hour) // nobody works
			s = w.wantEnd(s.ID, Expired)
			if len(w.ledger()) != 0 || !strings.Contains(w.said(s.ID), "was missed") {
				t.Error(w.said(s.ID))
			}
		})
	})
	t.Run("a backup that takes too long does not lead to a late upgrade", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("task_stuck", -1, "POST")
			s := w.approve(w.propose("cache", "7.4"), bob)
			time.Sleep(25 * time.Hour)
			w.fault("task_stuck", 0, "")
			s = w.wantEnd(s.ID, Expired)
			if w.calls("POST", "/upgrade") != 0 {
				t.Error("upgraded late")
			}
		}, func(w *world) { w.cfg.Poll, w.cfg.ProbeEvery = 2*time.Minute, 2*time.Minute })
	})
}
