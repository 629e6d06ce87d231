package upgrade

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The clocks of replicas disagree, jump when a session changes hands, and answers
// are lost meanwhile: nothing is sent twice, and the data comes back. Leases and
// looks go by the store's clock, and a send deadline is fenced on the machine that
// wrote it, so no two clocks are ever compared for that.
func TestClocksThatDisagree(t *testing.T) {
	for _, ahead := range []time.Duration{-20 * time.Minute, -2 * time.Minute, 2 * time.Minute, 20 * time.Minute} {
		t.Run(fmt.Sprint("one is ahead by ", ahead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, shop(), func(w *world) { w.cfg.Idle = 5 * time.Second })
				w.engine()
				w.skew = ahead
				w.another()
				keys := w.keys("cache")
				w.fault("drop_after_accept", 2, "POST /v1/subscriptions")
				up := w.upgraded("cache", "7.4")
				w.fault("slow_accept", 1, "POST /v1/subscriptions")
				r := w.agreed(w.asked("cache", up))
				w.fault("error_500_after_accept", 2, "DELETE")
				if r = w.wantEnd(r.ID, Done); len(r.Revert.Loose) > 0 {
					t.Errorf("left over: %v", r.Revert.Loose)
				}
				for call, want := range map[[2]string]int{{"POST", "/upgrade"}: 1, {"POST", "/backup"}: 2, {"POST", "/import"}: 2, {"POST", "/databases"}: 2, {"DELETE", ""}: 2} {
					if n := w.calls(call[0], call[1]); n != want {
						t.Errorf("%s …%s was accepted %d times, want %d", call[0], call[1], n, want)
					}
				}
				if diff := cmp.Diff(keys, w.keys("cache")); diff != "" {
					t.Errorf("keys:\n%s", diff)
				}
			})
		})
	}
}

// A wish to cancel wakes whoever looks next; with a clock ahead of the sender's,
// that one must not take the request for overdue.
func TestACancelDoesNotHurryALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop(), func(w *world) { w.cfg.Idle = 5 * time.Second })
		w.engine()
		w.skew = time.Hour
		ahead := w.another()
		w.fault("slow_accept", 1, fmt.Sprintf("POST /v1/subscriptions/%d/databases/%d/upgrade", w.find("cache").Subscription, w.find("cache").ID))
		s := w.approve(w.propose("cache", "7.4"), bob)
		s = w.until(s.ID, "the send", func(s Session) bool { return s.Call != nil && s.Call.Key == callUpgrade && s.Call.Phase == Sending })
		if _, err := ahead.Cancel(w.ctx, s.ID, ann); err != nil {
			t.Fatal(err)
		}
		s = w.untilEnded(s.ID)
		if n := w.calls("POST", "/upgrade"); n > 1 || n == 1 && s.State != Done || n == 0 && s.State != Cancelled {
			t.Errorf("%d upgrades were accepted: %s", n, describe(s))
		}
	})
}

// Files carry Redis Cloud's time. With a bot whose clock is ahead, a backup that
// was taken after the upgrade must not pass for one from before it.
func TestABackupAfterTheUpgradeIsNoWayBack(t *testing.T) {
	for _, ahead := range []time.Duration{-3 * time.Hour, 0, 3 * time.Hour} {
		t.Run(fmt.Sprint("the bot is ahead by ", ahead), func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				w.skew = ahead
				up := w.upgraded("cache", "7.4")
				before := w.filesOf("cache")
				time.Sleep(10 * time.Minute)
				w.console("cache", map[string]any{"backup_now": true})
				_, r := w.act(w.revertOf(up, w.filesOf("cache")))
				w.wantRefusal(r, BadInput, "after the upgrade was sent")
				w.untilState(w.must(w.revertOf(up, before)).ID, Proposed)
			})
		})
	}
}
