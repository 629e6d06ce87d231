package chaos

import (
	"strings"
	"testing"
	"time"
)

// approved starts sessions that must end well, whatever Redis goes through.
func (w *world) approved(databases ...string) {
	w.t.Helper()
	for _, name := range databases {
		c := w.propose(name)
		w.approves(c.message)
	}
}

// approves presses Approve until it is heard.
func (w *world) approves(m message) {
	w.t.Helper()
	if _, err := again(func() (answer, error) { return w.click("bob", m, "approve", true) }); err != nil {
		w.t.Fatal(err)
	}
}

// endWell waits until these databases are upgraded once, and their cards say so.
func (w *world) endWell(within time.Duration, databases ...string) {
	w.t.Helper()
	for deadline := time.Now().Add(widened(within)); ; time.Sleep(100 * time.Millisecond) {
		state, says := map[string]string{}, map[string]string{}
		for _, c := range w.cards() {
			state[c.database], says[c.database] = c.state(), c.words()
		}
		done := 0
		for _, name := range databases {
			if state[name] == "done" {
				done++
			}
		}
		if done == len(databases) {
			break
		}
		if w.forgetful {
			w.approvedAgain()
		}
		if time.Now().After(deadline) {
			for _, name := range databases {
				if state[name] != "done" {
					w.t.Logf("%s: %s", name, says[name])
				}
			}
			w.t.Fatalf("not done within %s: %v", within, state)
		}
	}
	sent, dbs := map[int]int{}, w.databases()
	for _, e := range w.ledger() {
		if e.is("POST", "upgrade") && e.Outcome != "error" {
			sent[e.Resource]++
		}
	}
	for _, name := range databases {
		if db := dbs[name]; db.Version != target || sent[db.ID] != 1 {
			w.t.Errorf("%s is on %s after %d upgrade calls", name, db.Version, sent[db.ID])
		}
	}
}

// approvedAgain approves whatever asks, as people do whose vote was forgotten.
func (w *world) approvedAgain() {
	for _, m := range w.messages("bob") {
		if c := (card{message: m}); c.session() != "" && c.offers("approve") {
			_, _ = w.click("bob", m, "approve", true) // it asks for as long as it was not heard
		}
	}
}

// idle checks that nothing that changes is accepted while do runs.
func (w *world) idle(what string, do func()) {
	w.t.Helper()
	before := len(w.ledger())
	do()
	if n := len(w.ledger()) - before; n > 0 {
		w.t.Errorf("%s: %d changing calls were sent", what, n)
	}
}

// unheard clicks while nothing can be recorded: no acknowledgement, so that the
// person sees Slack's error.
func (w *world) unheard(c card) {
	w.t.Helper()
	if a, err := w.click("bob", c.message, "approve", true); err != nil || a.Acked {
		w.t.Errorf("a click that could not be recorded was acknowledged: %+v %v", a, err)
	}
}

// TestRedisGoneAndBack: readiness is red within three seconds, sockets are closed,
// nothing is acknowledged and nothing sent; then everything goes on by itself.
// The server comes back with what it had saved, and without its scripts.
func TestRedisGoneAndBack(t *testing.T) {
	t.Parallel()
	store := redisServer(t, "--appendonly", "yes", "--appendfsync", "always")
	w := newWorld(t, store.url(), 6, 150)
	r := w.bot("bot", quick...)
	r.awaitReady(15 * time.Second)
	w.approved("db-001", "db-005")
	waiting := w.propose("db-002")
	time.Sleep(300 * time.Millisecond) // a call may be out
	store.kill()
	time.Sleep(100 * time.Millisecond) // what passed the limiter before is on its way
	w.idle("Redis gone", func() {
		took := r.awaitRed(5*time.Second, "no answer from Redis")
		t.Logf("readiness was red %s after the server was killed", took.Round(10*time.Millisecond))
		if took > 3*time.Second {
			t.Errorf("it must be within 3 s")
		}
		until(t, 3*time.Second, "the sockets are closed", func() bool {
			_, problems := r.ready()
			return strings.Contains(problems, "no socket")
		})
		w.unheard(waiting)
		time.Sleep(2 * time.Second)
	})
	store.start()
	r.awaitReady(15 * time.Second)
	w.approves(waiting.message)
	w.approved("db-003") // asking needs inventory and people
	w.endWell(40*time.Second, "db-001", "db-005", "db-002", "db-003")
}

// TestRedisFrozenAndThawed: connections stay open and nothing answers.
func TestRedisFrozenAndThawed(t *testing.T) {
	t.Parallel()
	store := redisServer(t)
	w := newWorld(t, store.url(), 2, 150)
	r := w.bot("bot", quick...)
	r.awaitReady(15 * time.Second)
	w.approved("db-001")
	store.signal(stopSignal)
	time.Sleep(100 * time.Millisecond)
	w.idle("Redis frozen", func() {
		took := r.awaitRed(6*time.Second, "no answer from Redis")
		t.Logf("readiness was red %s after the server was frozen", took.Round(10*time.Millisecond))
		if took > 3500*time.Millisecond {
			t.Errorf("it must be within 3.5 s")
		}
		time.Sleep(time.Second)
	})
	store.signal(contSignal)
	r.awaitReady(15 * time.Second)
	w.approved("db-002")
	w.endWell(30*time.Second, "db-001", "db-002")
}

// TestRedisForgetsAVote: the server comes back as it was before somebody approved,
// as a new master does that had not heard of it yet. The card must ask again.
func TestRedisForgetsAVote(t *testing.T) {
	t.Parallel()
	store := redisServer(t)
	w := newWorld(t, store.url(), 2, 150)
	r := w.bot("bot", quick...)
	r.awaitReady(15 * time.Second)
	pause := func(word string) {
		if _, err := again(func() (answer, error) { return w.command("dan", word) }); err != nil {
			t.Fatal(err)
		}
	}
	pause("pause") // nothing may be sent that would be forgotten
	asked := w.propose("db-001")
	store.do("SAVE")
	w.approves(asked.message)
	shows := func(want string) func() bool {
		return func() bool { return w.cards()[asked.session()].state() == want }
	}
	until(t, 20*time.Second, "the card shows that it was approved", shows("backing-up"))
	store.kill()
	r.awaitRed(6*time.Second, "no answer from Redis")
	store.start()
	r.awaitReady(20 * time.Second)
	until(t, 20*time.Second, "the card asks again", shows("proposed"))
	pause("resume")
	w.approves(w.cards()[asked.session()].message)
	w.endWell(40*time.Second, "db-001")
}

// TestScriptsAreForgotten: SCRIPT FLUSH under way, as a restart or a failover does.
func TestScriptsAreForgotten(t *testing.T) {
	t.Parallel()
	store := redisServer(t)
	w := newWorld(t, store.url(), 2, 200)
	w.bot("bot", quick...).awaitReady(15 * time.Second)
	w.approved("db-001")
	for range 5 {
		store.do("SCRIPT", "FLUSH")
		time.Sleep(100 * time.Millisecond)
	}
	w.approved("db-002")
	w.endWell(30*time.Second, "db-001", "db-002")
}

// TestReadOnlyServerIsNotReady: a replica answers reads and takes no writes.
func TestReadOnlyServerIsNotReady(t *testing.T) {
	t.Parallel()
	store, other := redisServer(t), redisServer(t)
	w := newWorld(t, store.url(), 2, 150)
	r := w.bot("bot", quick...)
	r.awaitReady(15 * time.Second)
	w.approved("db-001")
	waiting := w.propose("db-002")
	other.do("REPLICAOF", "127.0.0.1", store.port) // so that it has the same data
	store.do("CLIENT", "PAUSE", "10000", "WRITE")  // so that nothing is written which the other one does not have
	until(t, 20*time.Second, "the other server has everything", func() bool {
		there := other.info("slave_repl_offset")
		return there != "" && there == store.info("master_repl_offset")
	})
	other.do("REPLICAOF", "NO", "ONE")
	store.do("REPLICAOF", "127.0.0.1", other.port)
	store.do("CLIENT", "UNPAUSE")
	time.Sleep(200 * time.Millisecond)
	w.idle("the server is a replica", func() {
		r.awaitRed(5*time.Second, "READONLY")
		w.unheard(waiting)
	})
	store.do("REPLICAOF", "NO", "ONE")
	r.awaitReady(15 * time.Second)
	w.approves(waiting.message)
	w.endWell(30*time.Second, "db-001", "db-002")
}

// TestFullServerIsNoticed: OOM refuses writes; nothing is half done, nothing is
// acknowledged, and everything goes on once there is room.
func TestFullServerIsNoticed(t *testing.T) {
	t.Parallel()
	store := redisServer(t)
	w := newWorld(t, store.url(), 2, 150)
	r := w.bot("bot", quick...)
	r.awaitReady(15 * time.Second)
	w.approved("db-001")
	waiting := w.propose("db-002")
	store.do("CONFIG", "SET", "maxmemory", "1mb")
	time.Sleep(200 * time.Millisecond)
	w.idle("the server is full", func() {
		r.awaitRed(5*time.Second, "OOM")
		w.unheard(waiting)
		time.Sleep(time.Second)
	})
	store.do("CONFIG", "SET", "maxmemory", "0")
	r.awaitReady(15 * time.Second)
	w.approves(waiting.message)
	w.endWell(30*time.Second, "db-001", "db-002")
}

// TestWrongEvictionPolicyIsSaid: at the start, and when it changes under way.
func TestWrongEvictionPolicyIsSaid(t *testing.T) {
	t.Parallel()
	store := redisServer(t, "--maxmemory-policy", "allkeys-lru")
	w := newWorld(t, store.url(), 1, 100)
	r := w.bot("bot")
	const words = "maxmemory-policy is allkeys-lru"
	until(t, 10*time.Second, "the start warns", func() bool { return strings.Contains(r.said(), words) })
	doctor := start(t, "doctor", program(t, "bot"), w.env, "doctor")
	if code := doctor.ends(20 * time.Second); code == 0 || !strings.Contains(doctor.printed()+doctor.said(), words) {
		t.Errorf("doctor ends with %d and says:\n%s", code, doctor.printed())
	}
	store.do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	other := w.bot("later", "STATUS_INTERVAL=200ms")
	other.awaitReady(15 * time.Second)
	if strings.Contains(other.said(), "maxmemory-policy") {
		t.Error("a server that does not evict is complained about")
	}
	store.do("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
	until(t, 10*time.Second, "a change under way is said", func() bool { return strings.Contains(other.said(), "maxmemory-policy is volatile-ttl") })
}

// TestStoreComesLater: a replica that starts before its Redis waits for it.
func TestStoreComesLater(t *testing.T) {
	t.Parallel()
	store := redisServer(t)
	w := newWorld(t, store.url(), 1, 200)
	store.kill()
	r := w.bot("bot", quick...)
	r.awaitRed(10*time.Second, "no answer from Redis")
	store.start()
	r.awaitReady(15 * time.Second)
	w.approved("db-001")
	w.endWell(30*time.Second, "db-001")
}
