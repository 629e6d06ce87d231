package chaos

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// proposed is a world with one session that waits for people.
func proposed(t *testing.T, settings ...string) (*world, *replica, card) {
	t.Helper()
	store := redisServer(t)
	w := newWorld(t, store.url(), 1, 100)
	r := w.bot("bot", settings...)
	r.awaitReady(15 * time.Second)
	return w, r, w.propose("db-001")
}

// propose opens a session for a database and returns its card.
func (w *world) propose(database string) card {
	w.t.Helper()
	if err := w.asks("ann", database, target); err != nil {
		w.t.Fatal(err)
	}
	c, err := w.cardOf(database, 45*time.Second) // the request alone may wait 20 s for the time of the last backup
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) disconnect(reason string) {
	w.t.Helper()
	w.must("POST", "/hooks/slack/disconnect", object{"reason": reason}, nil)
}

// TestRefreshesLoseAlmostNoClick measures the gap: people click all the time
// while Slack refreshes the sockets of the only replica.
func TestRefreshesLoseAlmostNoClick(t *testing.T) {
	t.Parallel()
	w, _, asked := proposed(t)
	const clicks, refreshes, hands = 200, 20, 8
	var mu sync.Mutex
	acked, lost := 0, map[string]int{}
	var people sync.WaitGroup
	for hand := range hands {
		people.Go(func() {
			chance := rand.New(rand.NewPCG(1, uint64(hand)))
			for range clicks / hands {
				time.Sleep(time.Duration(chance.IntN(int(1800 * time.Millisecond))))
				a, err := w.click("eve", asked.message, "approve", false) // may not, and is told so
				mu.Lock()
				switch {
				case err != nil:
					t.Error(err)
				case a.Acked:
					acked++
				default:
					lost[a.Error]++
				}
				mu.Unlock()
			}
		})
	}
	for i := range refreshes {
		w.disconnect([]string{"refresh_requested", "warning"}[i%2])
		time.Sleep(1200 * time.Millisecond)
	}
	people.Wait()
	t.Logf("%d clicks during %d refreshes of both sockets at once: %d acknowledged, lost: %v", clicks, refreshes, acked, lost)
	if acked < clicks*9/10 {
		t.Errorf("more than one click in ten was lost")
	}
}

// TestSocketsComeBackWithoutALoop: whatever reason Slack gives, the bot
// comes back, and it does not hammer.
func TestSocketsComeBackWithoutALoop(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"refresh_requested", "warning", "too_many_websockets"} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			w, r, _ := proposed(t)
			before := w.opened()
			w.disconnect(reason)
			time.Sleep(300 * time.Millisecond)
			r.awaitReady(20 * time.Second)
			time.Sleep(2 * time.Second)
			if n := w.opened() - before; n > 4 {
				t.Errorf("%d sockets were opened after one %s", n, reason)
			}
		})
	}
}

// opened counts apps.connections.open.
func (w *world) opened() int {
	w.t.Helper()
	var calls []struct{ Method string }
	w.must("GET", "/hooks/slack/calls", nil, &calls)
	n := 0
	for _, c := range calls {
		if c.Method == "apps.connections.open" {
			n++
		}
	}
	return n
}

// TestSwitchedOffSocketModeIsSaidAndNotHammered: there is nothing to reconnect
// to until somebody switches it on again.
func TestSwitchedOffSocketModeIsSaidAndNotHammered(t *testing.T) {
	t.Parallel()
	w, r, _ := proposed(t)
	before := w.opened()
	w.disconnect("link_disabled")
	r.awaitRed(5*time.Second, "link_disabled")
	time.Sleep(3 * time.Second)
	if n := w.opened() - before; n > 0 {
		t.Errorf("%d sockets were opened after link_disabled", n)
	}
	if !strings.Contains(r.said(), "Socket Mode is switched off") {
		t.Errorf("the log does not say what to mend: %s", tail(r.said(), 5))
	}
	if !r.running() {
		t.Error("the replica ended: work in flight would not be followed")
	}
}

// TestSilentSocketIsReplaced: Slack's pings stop, and nothing else tells.
func TestSilentSocketIsReplaced(t *testing.T) {
	t.Parallel()
	w, _, _ := proposed(t)
	before, began := w.opened(), time.Now()
	w.fault("slack", "socket_silent", -1, "")
	until(t, 40*time.Second, "both sockets are replaced", func() bool { return w.opened() >= before+2 })
	took := time.Since(began)
	t.Logf("both silent sockets were replaced after %s", took.Round(100*time.Millisecond))
	if took > 30*time.Second {
		t.Errorf("it must be within 30 s")
	}
}

// TestSocketWithoutHelloIsLeft: a socket that never says hello carries nothing.
func TestSocketWithoutHelloIsLeft(t *testing.T) {
	t.Parallel()
	w, r, _ := proposed(t)
	w.fault("slack", "no_hello", 2, "")
	w.disconnect("refresh_requested")
	r.awaitRed(5*time.Second, "no socket")
	r.awaitReady(20 * time.Second)
}

// TestARefusedTokenDoesNotEndTheProcess: work in flight needs no Slack, so a
// replica whose token Slack refuses stays, says what to mend, and is ready again
// when that is done.
func TestARefusedTokenDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	w, r, _ := proposed(t)
	w.fault("slack", "token_revoked", -1, "bot")
	w.disconnect("refresh_requested")
	r.awaitRed(60*time.Second, "Slack refuses the bot token: token_revoked: make a new token and set it")
	w.fault("slack", "token_revoked", -1, "app")
	w.disconnect("refresh_requested")
	r.awaitRed(15*time.Second, "Slack refuses the app token: token_revoked: make a new token and set it")
	if !r.running() {
		t.Fatalf("the replica ended: work in flight would not be followed; it said:\n%s", tail(r.said(), 5))
	}
	w.fault("slack", "none", 0, "")
	r.awaitReady(60 * time.Second)
}
