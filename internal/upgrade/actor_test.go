package upgrade

import (
	"strings"
	"testing"
)

// Wherever a session waits because somebody else changes its database, the card says
// who does, as far as Redis Cloud tells.
func TestEveryWaitNamesTheOtherActor(t *testing.T) {
	pending := map[string]any{"status": "active-change-pending"}
	sent := func(in State) func(Session) bool {
		return func(s Session) bool { return s.State == in && s.Call != nil && s.Call.Phase == Sent }
	}
	saved := func(s Session) bool { return s.Revert.Was != nil }
	upgrade := func(w *world) Session { return w.propose("cache", "7.4") }
	revert := func(w *world) Session { return w.asked("cache", w.upgraded("cache", "7.4")) }
	for _, row := range []struct {
		sentence string
		in       State
		begin    func(*world) Session
		pause    func(Session) bool // when everything is paused, so that somebody else can be first; nil: before the approval
		other    map[string]any
		end      State
	}{
		{"its backup", BackingUp, upgrade, nil, pending, Done},
		{"its backup, the subscription", BackingUp, upgrade, nil, map[string]any{"subscription_status": "pending"}, Done},
		{"its upgrade", Upgrading, upgrade, sent(BackingUp), pending, Done},
		{"blocking access", Closing, revert, saved, pending, Done},
		{"its backup of the upgraded data", Saving, revert, sent(Closing), pending, Done},
		{"its delete", Deleting, revert, sent(Saving), pending, Done},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				closely(w)
				pause := func(on bool) { w.nil(w.engine().Pause(w.ctx, dan, on)) }
				s := row.begin(w)
				if row.pause == nil || row.in == Closing {
					pause(true)
				}
				w.approve(s, bob)
				if s.Kind == KindRevert {
					w.approve(w.load(s.ID), dan)
				}
				if row.pause != nil {
					w.until(s.ID, "the moment before", row.pause)
					pause(true)
				}
				w.untilState(s.ID, row.in)
				w.console("cache", row.other)
				pause(false)
				s = w.until(s.ID, "another actor", func(s Session) bool {
					return s.Ended || strings.Contains(s.Progress.Text, `system log: "cache was changed in the console" (Redis upgrade bot, key sandbox-key)`)
				})
				if s.Ended || s.State != row.in {
					t.Fatalf("nobody is named:\n%s", describe(s))
				}
				w.console("cache", map[string]any{"status": "active", "subscription_status": ""})
				w.wantEnd(s.ID, row.end)
			})
		})
	}
}

// Where the log may not be read, or besides it, the tasks say what is at work.
func TestAWaitNamesTheTaskAtWork(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		closely(w)
		s := w.propose("cache", "7.4")
		w.fault("forbidden_403", -1, "GET /v1/logs")
		w.api("PUT", w.find("cache").path(), map[string]any{"dataEvictionPolicy": "allkeys-lru"})
		w.ours = len(w.ledger())
		w.approve(s, bob)
		s = w.until(s.ID, "another actor", func(s Session) bool { return s.Ended || strings.Contains(s.Progress.Text, "task about it") })
		if !strings.Contains(s.Progress.Text, " Newest task about it: databaseUpdateRequest, processing-") {
			t.Error(describe(s))
		}
	})
}

// A refusal that another change is the reason for names it too, whichever call meets it.
func TestARefusalForAnotherChangeNamesIt(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		closely(w)
		s := w.approve(w.propose("cache", "7.4"), bob)
		w.fault("subscription_busy", 1, "POST /v1"+w.find("cache").path()+"/upgrade")
		s = w.until(s.ID, "a refusal", func(s Session) bool { return s.Ended || strings.HasPrefix(s.Progress.Text, "Redis Cloud said ") })
		if !strings.Contains(s.Progress.Text, "SUBSCRIPTION_NOT_ACTIVE") || !strings.Contains(s.Progress.Text, " Newest task about it: ") && !strings.Contains(s.Progress.Text, "Newest entry") {
			t.Error(describe(s))
		}
		w.wantEnd(s.ID, Done)
	})
}
