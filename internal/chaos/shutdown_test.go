package chaos

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stops ends a replica as an orchestrator does and returns how long that took.
func (r *replica) stops(within time.Duration) time.Duration {
	r.t.Helper()
	began := time.Now()
	r.signal(syscall.SIGTERM)
	if code := r.ends(within); code != 0 {
		r.t.Errorf("%s ended with %d after SIGTERM; it said:\n%s", r.name, code, tail(r.said(), 10))
	}
	return time.Since(began)
}

// slowBackup lets Redis Cloud accept a database's backup and answer late.
func (w *world) slowBackup(name string) {
	w.t.Helper()
	db := w.databases()[name]
	w.fault("cloud", "slow", 1, fmt.Sprintf("POST /v1/subscriptions/%d/databases/%d/backup", db.Sub, db.ID))
}

// TestStoppingWritesTheAnswerThatIsOnItsWay: Redis Cloud has accepted an upgrade
// and takes its time to say so, and the replica is told to end. The answer is
// recorded, so the next replica follows the task and asks nobody what happened.
func TestStoppingWritesTheAnswerThatIsOnItsWay(t *testing.T) {
	t.Parallel()
	store := redisServer(t)
	w := newWorld(t, store.url(), 1, 20) // an answer that is slow by 20 emulated seconds is slow by one
	settings := []string{"LEASE=1500ms", "SEND_TIMEOUT=5s", "SETTLE_GRACE=3s", "SOAK=1s", "POLL_INTERVAL=100ms"}
	r := w.bot("bot", settings...)
	r.awaitReady(15 * time.Second)
	w.slowBackup("db-001")
	w.approved("db-001")
	until(t, 20*time.Second, "the call is out", func() bool { return len(w.ledger()) > 0 })
	took := r.stops(12 * time.Second)
	t.Logf("the replica ended %s after SIGTERM", took.Round(10*time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("it must be within 10 s")
	}
	next := w.bot("next", settings...)
	w.endWell(90*time.Second, "db-001")
	if said := next.said(); strings.Contains(said, "no answer") {
		t.Errorf("the answer was lost:\n%s", said)
	}
	for _, m := range w.messages("bob") {
		if strings.Contains(m.words(), "No answer came") {
			t.Errorf("the thread says that the answer was lost: %s", m.Text)
		}
	}
	if n := w.accepted("POST", "backup"); n != 1 {
		t.Errorf("%d backups were taken", n)
	}
}

// TestStoppingDoesNotWaitForever: an answer that does not come is left to others.
func TestStoppingDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	store := redisServer(t)
	w := newWorld(t, store.url(), 1, 1) // slow by 20 s
	r := w.bot("bot", "SEND_TIMEOUT=25s", "SETTLE_GRACE=20s", "POLL_INTERVAL=100ms", "STATUS_INTERVAL=1s")
	r.awaitReady(15 * time.Second)
	w.slowBackup("db-001")
	w.approved("db-001")
	until(t, 60*time.Second, "the call is out", func() bool { return len(w.ledger()) > 0 })
	took := r.stops(12 * time.Second)
	t.Logf("the replica ended %s after SIGTERM, with an answer outstanding", took.Round(10*time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("it must be within 10 s")
	}
}

// TestWhatWasReceivedIsAnsweredWhileStopping: people click while every replica in
// turn is told to end; each click is acknowledged or seen to have failed, and an
// acknowledged vote is never lost.
func TestWhatWasReceivedIsAnsweredWhileStopping(t *testing.T) {
	t.Parallel()
	store := redisServer(t)
	const sessions = 6
	w := newWorld(t, store.url(), sessions, 200)
	a, b := w.bot("a", quick...), w.bot("b", quick...)
	a.awaitReady(15 * time.Second)
	b.awaitReady(15 * time.Second)
	var names []string
	var cards []card
	for i := range sessions {
		names = append(names, "db-00"+string(rune('1'+i)))
		cards = append(cards, w.propose(names[i]))
	}
	var slowest time.Duration
	failed := 0
	for i, c := range cards {
		stopping, other := a, b
		if i%2 == 1 {
			stopping, other = b, a
		}
		if !other.running() {
			t.Fatal("nobody is left")
		}
		clicked := make(chan answer, 1)
		go func() {
			got, _ := w.click("bob", c.message, "approve", true)
			clicked <- got
		}()
		slowest = max(slowest, stopping.stops(12*time.Second))
		if got := <-clicked; !got.Acked {
			failed++
			if _, err := again(func() (answer, error) { return w.click("bob", c.message, "approve", true) }); err != nil {
				t.Fatal(err)
			}
		}
		again := w.bot(stopping.name, quick...)
		again.awaitReady(15 * time.Second)
		if i%2 == 0 {
			a = again
		} else {
			b = again
		}
	}
	w.endWell(60*time.Second, names...)
	t.Logf("%d clicks while a replica stopped: %d not acknowledged; the slowest stop took %s", sessions, failed, slowest.Round(10*time.Millisecond))
}
