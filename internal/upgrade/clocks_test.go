package upgrade

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/session"
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

// redisClock lets the store's clock be set, and replicas look after the time as
// they do in a bot. set says by how much the clock is ahead from now on.
func (w *world) redisClock(t *testing.T) (set func(time.Duration)) {
	return w.setClock(t, time.Second, func() (all []*session.Store) {
		for _, r := range w.started() {
			all = append(all, r.store)
		}
		return all
	})
}

// setClock is redisClock with those who look after the time, and how often they do.
func (w *world) setClock(t testing.TB, every time.Duration, pinging func() []*session.Store) (set func(time.Duration)) {
	var ahead atomic.Int64
	w.mini.Server().SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if command == "EVAL" || command == "EVALSHA" { // the server is locked for the commands of a script
			w.mini.SetTime(time.Now().Add(time.Duration(ahead.Load())))
		}
		return false
	})
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for ctx.Err() == nil {
			for _, s := range pinging() {
				_ = s.Ping(ctx)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return func(d time.Duration) { ahead.Store(int64(d)) }
}

// started are the replicas that were started.
func (w *world) started() []*replica {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// Redis' clock is set while a database is deleted and not back yet, or a failover
// leads to a server with another clock: the revert goes on as if nothing had been.
func TestAClockThatIsSetHoldsNoRevertUp(t *testing.T) {
	for name, steps := range map[string][]time.Duration{
		"an hour back":            {-time.Hour},
		"an hour ahead for a bit": {time.Hour, 0},
		"a day ahead":             {24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.engine()
				set := w.redisClock(t)
				keys := w.keys("cache")
				r := w.agreed(w.asked("cache", w.upgraded("cache", "7.4")))
				w.until(r.ID, "the delete", func(s Session) bool { return !s.Revert.DeletedAt.IsZero() })
				begun := time.Now()
				for _, d := range steps {
					set(d)
					time.Sleep(3 * time.Second)
				}
				r = w.wantEnd(r.ID, Done)
				if took := time.Since(begun); took > 15*time.Minute {
					t.Errorf("it took %s from the delete", took)
				}
				for call, want := range map[[2]string]int{{"POST", "/import"}: 2, {"POST", "/databases"}: 2, {"DELETE", ""}: 2} {
					if n := w.calls(call[0], call[1]); n != want {
						t.Errorf("%s …%s was accepted %d times, want %d", call[0], call[1], n, want)
					}
				}
				if diff := cmp.Diff(keys, w.keys("cache")); diff != "" {
					t.Errorf("keys:\n%s", diff)
				}
			}, closely)
		})
	}
}

// When an upgrade starts is judged by Redis' time: neither a replica whose clock is
// ahead starts it, nor a jump of Redis' own clock.
func TestNoClockStartsAnUpgradeEarly(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.engine()
		w.skew = 21 * time.Hour
		ahead := w.another()
		set := w.redisClock(t)
		at := time.Now().Add(15 * time.Minute)
		s := w.approve(w.propose("cache", "7.4", func(r *Request) { r.NotBefore = at }), bob)
		time.Sleep(10 * time.Second)
		set(time.Hour)
		time.Sleep(3 * time.Second)
		set(0)
		time.Sleep(time.Until(at) - time.Minute)
		if s = w.load(s.ID); s.State != Approved {
			t.Fatalf("a minute before its start it is %s", s.State)
		}
		s = w.wantEnd(s.ID, Done)
		if late := s.Upgrade.Finished.Sub(at); late < 0 || late > 20*time.Minute {
			t.Errorf("finished %s after its start", late)
		}
		if skew := ahead.store.Clock().Skew.Round(time.Second); skew != 21*time.Hour {
			t.Errorf("the replica that is ahead says %s", skew)
		}
	})
}

// Where the step of Redis' clock holds, a start that people named is by that clock.
func TestAStartIsADate(t *testing.T) {
	for _, step := range []time.Duration{-6 * time.Minute, 6 * time.Minute} {
		t.Run(fmt.Sprint("the clock is set by ", step), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.engine()
				set := w.redisClock(t)
				at := time.Now().Add(15 * time.Minute) // by the clock before
				s := w.approve(w.propose("cache", "7.4", func(r *Request) { r.NotBefore = at }), bob)
				set(step)
				begins := at.Add(-step)
				time.Sleep(time.Until(begins) - 2*time.Minute)
				if s = w.load(s.ID); s.State != Approved {
					t.Fatalf("two minutes before its start it is %s", s.State)
				}
				w.until(s.ID, "the start", func(s Session) bool { return s.State != Approved })
				if late := time.Since(begins); late > 3*time.Minute {
					t.Errorf("it started %s after its start", late)
				}
				w.wantEnd(s.ID, Done)
			})
		})
	}
}

// inBubble is bubble without its comparison of what the store's time says with what
// Redis Cloud's says: after a step they differ.
func inBubble(t *testing.T, run func(t *testing.T, w *world), adjust ...func(*world)) {
	t.Parallel()
	if leftOut(t) {
		return
	}
	adjust = append(adjust, func(w *world) { w.cfg.Idle = time.Second })
	synctest.Test(t, func(t *testing.T) { run(t, newWorld(t, shop(), adjust...)) })
}
