package upgrade

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// Three replicas on one Redis, each looking as soon as it can: whatever one
// does, no other does again.
func TestReplicasDoNothingTwice(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		w.engine()
		w.another()
		w.another()
		a := w.propose("cache", "7.4")
		b := w.propose("orders", "8.2")
		w.approve(a, bob)
		w.approve(b, bob)
		w.wantEnd(a.ID, Done)
		w.wantEnd(b.ID, Done)
		if n := w.calls("POST", "/upgrade"); n != 2 {
			t.Errorf("%d upgrades of two databases", n)
		}
		r := w.reverted("cache", w.load(a.ID))
		if n := w.calls("POST", "/import"); n != 2 {
			t.Errorf("%d imports of one revert", n)
		}
		time.Sleep(time.Minute)
		for _, p := range append(w.checkMemory(a.ID, b.ID, r.ID), w.checkCloud(a.ID, b.ID, r.ID)...) {
			t.Error(p)
		}
	}, func(w *world) { w.cfg.Idle = 5 * time.Second })
}

// Killed again and again, the work goes on, each time within lease and idle.
func TestWhoeverDiesIsFollowed(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		s := w.approve(w.propose("cache", "7.4"), bob)
		for i := 0; !w.load(s.ID).Ended; i++ {
			if i > 500 {
				t.Fatal(describe(w.load(s.ID)))
			}
			e := w.engine()
			time.Sleep(13 * time.Second)
			e.kill()
		}
		w.wantEnd(s.ID, Done)
		if n := w.calls("POST", "/upgrade"); n != 1 {
			t.Errorf("%d upgrades", n)
		}
	})
}

// Whoever follows the thread learns that somebody else has the work in hand now;
// a replica that stops in good order hands over without a word.
func TestTheThreadSaysWhenASessionIsPickedUp(t *testing.T) {
	const news = "Picked up: the replica that had this in hand went silent."
	for sentence, row := range map[string]struct {
		end  func(*replica)
		says int
	}{
		"killed":  {(*replica).kill, 1},
		"stopped": {(*replica).end, 0},
	} {
		t.Run(sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				s := w.approve(w.propose("cache", "7.4"), bob)
				w.until(s.ID, "the upgrade", func(s Session) bool { return s.Call != nil && s.Call.Key == callUpgrade && s.Call.Phase == Sent })
				row.end(w.engine())
				w.alive.dead.Store(true)
				w.wantEnd(s.ID, Done)
				if n := strings.Count(w.said(s.ID), news); n != row.says {
					t.Errorf("said %d times, want %d:\n%s", n, row.says, w.said(s.ID))
				}
			}, func(w *world) { w.named = true })
		})
	}
}

// A sender that is frozen between its intent and the request, and thawed after
// its deadline, sends nothing: somebody else has gone on.
func TestAFrozenSenderNeverSendsLate(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		frozen := w.engine()
		other := w.another()
		other.stop()
		<-other.done
		var ice atomic.Int32
		frozen.thaw = func() {
			if ice.Add(1) == 1 {
				time.Sleep(3 * time.Minute)
			}
		}
		s := w.approve(w.propose("cache", "7.4"), bob)
		w.until(s.ID, "the intent", func(s Session) bool { return s.Call != nil && s.Call.Phase == Sending })
		helper := w.another()
		defer helper.end()
		w.wantEnd(s.ID, Done)
		if ice.Load() == 0 {
			t.Fatal("nobody was frozen")
		}
		time.Sleep(10 * time.Minute)
		for path, want := range map[string]int{"/backup": 1, "/upgrade": 1} {
			if n := w.calls("POST", path); n != want {
				t.Errorf("%d calls of %s, want %d", n, path, want)
			}
		}
	}, func(w *world) { w.cfg.Idle = 5 * time.Second })
}

// Without enough replicas of the store the intent could be forgotten: nothing
// leaves until they are back.
func TestNothingLeavesUnconfirmed(t *testing.T) {
	var confirmed atomic.Bool
	bubble(t, shop(), func(t *testing.T, w *world) {
		s := w.propose("cache", "7.4")
		w.approve(s, bob)
		time.Sleep(10 * time.Minute)
		s = w.load(s.ID)
		if len(w.ledger()) != 0 || s.State != BackingUp || s.Call.Intent == 0 {
			t.Fatalf("%d calls, %s", len(w.ledger()), describe(s))
		}
		confirmed.Store(true)
		w.wantEnd(s.ID, Done)
	}, func(w *world) { w.wait = &waitHook{confirmed: &confirmed} })
}

// waitHook answers WAIT, which the in-memory server does not know.
type waitHook struct{ confirmed *atomic.Bool }

func (h *waitHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}
func (h *waitHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (h *waitHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() != "wait" {
			return next(ctx, cmd)
		}
		n, ok := cmd.(*redis.IntCmd)
		if !ok {
			return errors.New("WAIT of an unknown kind")
		}
		if h.confirmed.Load() {
			n.SetVal(1)
		}
		return nil
	}
}

// Whoever asks while another upgrade keeps the subscription pending is not sent
// away: the session waits for its turn, says so, and takes it.
func TestTurnsOfOneSubscription(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		a := w.approve(w.propose("cache", "7.4"), bob)
		w.until(a.ID, "the pending subscription", func(s Session) bool {
			return s.State == Upgrading && w.find("cache").SubscriptionStatus == "pending"
		})
		b := w.approve(w.propose("orders", "8.2"), bob)
		if b.Facts.SubStatus != "pending" {
			t.Fatalf("asked while the subscription was %s", b.Facts.SubStatus)
		}
		waits := func(s Session) bool { return strings.Contains(s.Progress.Text, "waiting for its turn: 1 ahead") }
		if got := w.until(b.ID, "its turn", func(s Session) bool { return waits(s) || s.Ended }); got.State != BackingUp {
			t.Errorf("it waits while %s", got.State)
		}
		w.wantEnd(b.ID, Done)
		w.wantEnd(a.ID, Done)
	})
}

// A subscription that somebody else keeps pending is waited for, before an
// upgrade and before the rehearsal of a revert.
func TestAPendingSubscriptionIsWaitedFor(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		pending := func(begin func() Session) Session {
			w.console("cache", map[string]any{"subscription_status": "pending"})
			s := begin()
			before := len(w.ledger())
			w.until(s.ID, "the wait", func(s Session) bool {
				return strings.Contains(s.Progress.Text, "waiting for the subscription: pending")
			})
			time.Sleep(2 * time.Hour) // twice what Patience has for things that fail
			if s = w.load(s.ID); s.State != BackingUp && s.State != Rehearsing {
				t.Errorf("it is %s: %s", s.State, s.Problem)
			}
			if n := len(w.ledger()) - before; n > 0 {
				t.Errorf("%d calls were sent", n)
			}
			w.console("cache", map[string]any{"subscription_status": ""})
			return s
		}
		up := w.wantEnd(pending(func() Session { return w.approve(w.propose("cache", "7.4"), bob) }).ID, Done)
		files := w.filesOf("cache")
		r := w.untilState(pending(func() Session { return w.must(w.revertOf(up, files)) }).ID, Proposed)
		w.agreed(r)
		w.wantEnd(r.ID, Done)
	}, func(w *world) { w.cfg.Poll = time.Minute })
}

// Who cannot go on for now gives its turn back: a revert past its delete must
// not wait because somebody else's upgrade waits, for whatever.
func TestATurnIsNotHeldInVain(t *testing.T) {
	fleet := shop()
	fleet.Subscriptions = append(fleet.Subscriptions, cloudemu.FleetSubscription{Name: "media", Databases: []cloudemu.FleetDatabase{
		{Name: "search", Version: "7.2", Port: 12003, SizeGB: 2, BackupPath: "s3://acme/search", Keys: 8}}})
	for _, row := range []struct {
		sentence string
		hinder   func(w *world, path string) (s Session, relief func()) // an upgrade of search, whose path that is
	}{
		{"Slack does not say who approved", func(w *world, _ string) (Session, func()) {
			s := w.approve(w.propose("search", "7.4"), bob)
			w.untilState(s.ID, BackingUp)
			w.roles.silence(errInjected)
			w.until(s.ID, "an upgrade that waits", func(s Session) bool { return strings.Contains(s.Progress.Text, "Slack does not say") })
			return s, func() { w.roles.silence(nil) }
		}},
		{"a status task is lost", func(w *world, path string) (Session, func()) {
			w.fault("task_stuck", 1, "GET "+path+"/backup")
			s := w.approve(w.propose("search", "7.4"), bob)
			s = w.until(s.ID, "a status task", func(s Session) bool { return s.State == BackingUp && s.Progress.Probe != "" })
			w.fault("task_404", -1, "/tasks/"+s.Progress.Probe)
			return s, func() { w.fault("task_404", 0, "") }
		}},
		{"everything is paused", func(w *world, path string) (Session, func()) {
			w.fault("task_stuck", 1, "GET "+path+"/backup")
			s := w.approve(w.propose("search", "7.4"), bob)
			w.until(s.ID, "a status task", func(s Session) bool { return s.State == BackingUp && s.Progress.Probe != "" })
			w.nil(w.engine().Pause(w.ctx, dan, true))
			return s, func() { w.nil(w.engine().Pause(w.ctx, dan, false)) }
		}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			bubble(t, fleet, func(t *testing.T, w *world) {
				up := w.upgraded("cache", "7.4")
				r := w.agreed(w.asked("cache", up))
				w.untilState(r.ID, Deleting)
				w.fault("forbidden_403", -1, fmt.Sprintf("POST /v1/subscriptions/%d/databases", w.find("cache").Subscription))
				w.untilState(r.ID, Creating)
				other, relief := row.hinder(w, "/v1"+w.find("search").path())
				w.fault("forbidden_403", 0, "")
				begin := time.Now()
				w.wantEnd(r.ID, Done)
				if took := time.Since(begin); took > 45*time.Minute {
					t.Errorf("the revert took %s more", took)
				}
				relief()
				w.wantEnd(other.ID, Done)
			})
		})
	}
}

// What holds something back is called done when a replica has it, and not before.
func TestHoldingBackIsConfirmed(t *testing.T) {
	confirmed := &atomic.Bool{}
	bubble(t, shop(), func(t *testing.T, w *world) {
		for _, row := range []struct {
			sentence string
			decide   func(s Session) error
		}{
			{"cancel", func(s Session) error { return errOf(w.engine().Cancel(w.ctx, s.ID, ann)) }},
			{"deny", func(s Session) error {
				return errOf(w.engine().Deny(w.ctx, Click{Session: s.ID, By: bob, Reason: "no"}))
			}},
			{"pause", func(Session) error { return w.engine().Pause(w.ctx, dan, true) }},
		} {
			for _, reaches := range []bool{true, false} {
				confirmed.Store(true)
				s := w.propose("cache", "7.4", func(r *Request) { r.Origin = fmt.Sprint(row.sentence, reaches) })
				confirmed.Store(reaches)
				r, refused := AsRefusal(row.decide(s))
				if refused == reaches || refused && r.Code != Unconfirmed {
					t.Errorf("%s, confirmed %v: %v", row.sentence, reaches, r)
				}
				confirmed.Store(true)
				if s := w.load(s.ID); !s.Ended {
					w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, s.ID, ann) })
				}
			}
		}
		w.nil(w.engine().Pause(w.ctx, dan, false))
	}, func(w *world) { w.wait = &waitHook{confirmed} })
}
