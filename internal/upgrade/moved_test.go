package upgrade

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// The world moved between approval and start.

// later is an approved upgrade that waits an hour for its start.
func (w *world) later() Session {
	w.t.Helper()
	return w.approve(w.propose("cache", "8.2", func(r *Request) { r.NotBefore = time.Now().Add(time.Hour) }), bob)
}

// askedAgain waits until the plan is put to people anew, as it is now.
func (w *world) askedAgain(s Session, says string) Session {
	w.t.Helper()
	ask := s.Ask
	s = w.until(s.ID, "another question", func(s Session) bool { return s.Ask > ask || s.Ended })
	if s.State != Proposed || len(s.Decisions) != 0 || !strings.Contains(w.said(s.ID), says) || !strings.Contains(w.said(s.ID), "Please decide again") {
		w.t.Fatalf("%s\n%s", describe(s), w.said(s.ID))
	}
	return s
}

func TestMovedFactsAreAskedAgain(t *testing.T) {
	t.Run("somebody upgraded it a bit: asked again", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.later()
			w.console("cache", map[string]any{"redis_version": "7.4"})
			s = w.askedAgain(s, "was on 7.2 when this was approved and is on 7.4 now")
			if s.Plan.From != "7.4" || s.Facts.Version != "7.4" {
				t.Errorf("asked with %+v", s.Plan)
			}
			w.approve(s, carol)
			w.wantEnd(s.ID, Done)
		})
	})
	t.Run("the backup goes elsewhere: asked again", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.later()
			w.console("cache", map[string]any{"backup_path": "s3://other/place"})
			s = w.askedAgain(s, "backup destination moved from s3://acme/cache to s3://other/place")
			w.approve(s, bob)
			w.wantEnd(s.ID, Done)
		})
	})
	t.Run("the way back is gone: asked again", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.later()
			w.fault("version_gone", -1, "")
			s = w.askedAgain(s, "and cannot now. Cannot be reverted by this bot: Redis Cloud no longer creates 7.2 databases.")
			if s.Facts.WayBack.Possible {
				t.Error("the new question still promises a way back")
			}
			w.approve(s, bob)
			w.wantEnd(s.ID, Done)
		})
	})
	t.Run("the voter left the group: asked again", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.later()
			left := bob
			left.Approver = false
			w.roles.set(left)
			s = w.askedAgain(s, "lost the right to approve")
			w.approve(s, carol)
			w.wantEnd(s.ID, Done)
		})
	})
	t.Run("the version moved while the backup ran: asked again, once", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "8.2"), bob)
			w.untilState(s.ID, BackingUp)
			w.console("cache", map[string]any{"redis_version": "7.4"})
			s = w.askedAgain(s, "is on 7.4 now")
			if s.Plan.From != "7.4" {
				t.Errorf("asked with the old facts: %+v", s.Plan)
			}
			s = w.approve(s, bob)
			s = w.wantEnd(s.ID, Done)
			if s.Ask != 2 {
				t.Errorf("asked %d times", s.Ask)
			}
		})
	})
}

func TestMovedFactsBlockOrWait(t *testing.T) {
	t.Run("Redis upgraded it all the way: there is nothing left to do", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.later()
			w.console("cache", map[string]any{"redis_version": "8.2"})
			s = w.wantEnd(s.ID, Failed)
			if !strings.Contains(s.Problem, "is on 8.2 now") {
				t.Error(s.Problem)
			}
		})
	})
	t.Run("backups were switched off: blocked, and checked again", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.later()
			w.console("cache", map[string]any{"backup_path": ""})
			s = w.untilState(s.ID, Blocked)
			if !strings.Contains(s.Problem, "Turn on remote backup") {
				t.Error(s.Problem)
			}
			w.console("cache", map[string]any{"backup_path": "s3://acme/cache"})
			w.must(func(e *replica) (Session, error) { return e.Recheck(w.ctx, s.ID, ann) })
			w.wantEnd(s.ID, Done)
			_, r := w.act(func(e *replica) (Session, error) { return e.Recheck(w.ctx, s.ID, ann) })
			w.wantRefusal(r, TooLate, "not blocked")
		})
	})
	t.Run("the database was deleted: nobody can mend that", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.later()
			w.console("cache", map[string]any{"delete": true})
			s = w.wantEnd(s.ID, Failed)
			if !strings.Contains(s.Problem, "no longer exists") {
				t.Error(s.Problem)
			}
			if no := w.engine().Revertible(s); no == nil {
				t.Error("a revert is offered")
			}
		})
	})
	for word, row := range map[string]struct {
		set  map[string]any
		says string
	}{
		"deleted": {map[string]any{"delete": true}, "no longer exists in Redis Cloud. The backup taken before the upgrade"},
		"back":    {map[string]any{"redis_version": "7.2"}, "turned to version 7.2"},
	} {
		t.Run("the database is "+word+" while it is watched: no revert is offered", func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				s := w.approve(w.propose("cache", "8.2"), bob)
				w.untilState(s.ID, Soaking)
				w.console("cache", row.set)
				w.storeIs(cloud.Ref{})
				s = w.wantEnd(s.ID, Failed)
				if !strings.Contains(s.Problem, row.says) {
					t.Error(s.Problem)
				}
				if no := w.engine().Revertible(s); no == nil || no.Code != NoWayBack {
					t.Errorf("a revert is offered: %v", no)
				}
			})
		})
	}
	t.Run("a busy subscription is waited for", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "8.2"), bob)
			w.untilState(s.ID, BackingUp)
			w.console("cache", map[string]any{"subscription_status": "pending"})
			time.Sleep(30 * time.Minute)
			if w.calls("POST", "/upgrade") != 0 || w.load(s.ID).Ended {
				t.Error(describe(w.load(s.ID)))
			}
			if holder, _ := w.store.TurnHolder(w.ctx, "account"); holder != "" {
				t.Error("who only waits keeps the whole account waiting:", describe(w.load(s.ID)))
			}
			w.console("cache", map[string]any{"subscription_status": ""})
			w.wantEnd(s.ID, Done)
		})
	})
}

// A replica that stood still asks for the lock of a subscription when its session has long
// gone on: it does not get it, and a revert of that session does not wait for it.
func TestALockIsNotTakenForASessionThatHasGoneOn(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		up := w.propose("cache", "7.4")
		w.must(w.vote(up, bob))
		up = w.untilState(up.ID, Soaking)
		name := fmt.Sprintf("subscription:%d", up.Plan.Ref().Subscription)
		held, _, err := w.store.TakeTurn(w.ctx, name, up.ID, up.Revision-1, 0)
		if held || !errors.Is(err, session.ErrStale) {
			t.Errorf("the late lock: %v, %v", held, err)
		}
		r := w.must(w.revertOf(up, w.filesOf("cache")))
		w.untilState(r.ID, Proposed)
	})
}
