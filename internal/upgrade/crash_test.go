package upgrade

import (
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
)

var (
	listPoints = flag.Bool("crash.list", false, "list the points of the crash matrix")
	cloudSpeed = flag.Float64("crash.speed", 8, "how much faster than its work the emulated cloud is in the crash matrix")
	fullMatrix = flag.Bool("crash.full", false, "try every kind at every point; without it, see sampled")
)

// point is a place in a life at which something can go wrong.
type point struct {
	drawn bool // in the drawer's work, otherwise in the engine's
	n     int
	name  string
}

// ending is what a whole life came to.
type ending struct {
	points  []point
	session Session
	unknown int // calls that on-call had to settle
}

// play runs a life with one thing going wrong and returns what broke.
type play func(w *world, at point, k kind) (ending, []string)

// TestCrashMatrix: every write and every outside call of both lives, each
// once failed, once failed but happened, once the last thing a process did.
// Whoever goes on, the promises hold. The points come from a clean run.
func TestCrashMatrix(t *testing.T) {
	for _, life := range []struct {
		name string
		play play
	}{{"upgrade", playUpgrade}, {"revert", playRevert}} {
		t.Run(life.name, func(t *testing.T) { matrix(t, life.play) })
	}
}

func matrix(t *testing.T, play play) {
	points := run(t, play, point{}, nothing).points
	var mu sync.Mutex
	tried, ends, chosen := 0, map[string]int{}, 0
	inPart(t)
	t.Run("points", func(t *testing.T) {
		for i, at := range points {
			if *listPoints {
				t.Log(i, at.name)
			}
			for n, k := range kinds {
				if !*fullMatrix && !sampled(i, n, at.name) {
					continue
				}
				if chosen++; chosen%part != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%d %s %s", i, at.name, k), func(t *testing.T) {
					t.Parallel()
					end := run(t, play, at, k)
					mu.Lock()
					defer mu.Unlock()
					tried++
					ends[string(end.session.State)]++
					if end.unknown > 0 {
						ends["settled by on-call"]++
					}
				})
			}
		}
	})
	var sums []string
	for _, name := range slices.Sorted(maps.Keys(ends)) {
		sums = append(sums, fmt.Sprintf("%d %s", ends[name], name))
	}
	t.Logf("%d points × %d kinds = %d; tried %d: %s", len(points), len(kinds), len(points)*len(kinds), tried, strings.Join(sums, ", "))
}

// part thins long lists of lives out once more: TEST_PART=8 plays one in eight.
// scripts/test does so under the race detector, and plays them all without it.
var part = func() int {
	n, _ := strconv.Atoi(os.Getenv("TEST_PART"))
	return max(1, n)
}()

// inPart tells scripts/report that this test has to run once more, in full.
func inPart(t *testing.T) {
	if part > 1 {
		t.Logf("played in part: one in %d", part)
	}
}

// leftOut leaves a test to the run without the race detector, all but one in part:
// always the same ones, by their names.
func leftOut(t *testing.T) bool {
	name := fnv.New32a()
	_, _ = name.Write([]byte(t.Name()))
	if name.Sum32()%uint32(part) == 0 {
		return false
	}
	inPart(t)
	return true
}

// sampled thins the matrix out to what a minute allows: calls that change a
// database keep all kinds; of a session's moves every third gets one kind, in
// turn, of Slack's calls every seventh, and of the rest (claims, turns, budgets)
// every 25th.
func sampled(at, kind int, name string) bool {
	every := 25
	switch {
	case testing.Short():
	case strings.HasPrefix(name, "cloud ") && !strings.HasPrefix(name, "cloud GET"):
		return true
	case name == "redis move":
		every = 3
	case strings.HasPrefix(name, "slack "):
		every = 7
	}
	return at%every == 0 && kind == at/every%len(kinds)
}

// run plays one life in a bubble of its own.
func run(t *testing.T, play play, at point, k kind) (end ending) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shop(), coarse, furnished(20*time.Second))
		var problems []string
		end, problems = play(w, at, k)
		for _, p := range problems {
			t.Error(p)
		}
		if t.Failed() {
			t.Logf("after %q at %+v: %s\n%s", k, at, describe(end.session), tail(w.log.String()))
		}
	})
	return end
}

// coarse lets a life have fewer looks at what only takes its time, and so
// fewer points that are all alike.
func coarse(w *world) {
	w.cfg.Poll, w.cfg.ProbeEvery, w.cfg.StatusEvery = 45*time.Second, 30*time.Second, 5*time.Minute
	w.tick, w.speed = 20*time.Second, *cloudSpeed
}

// votes are what people were told is recorded.
type votes map[string][]approvals.Voter

func (w *world) checkVotes(v votes) (problems []string) {
	for id, voters := range v {
		entries := w.journal(id)
		for _, by := range voters {
			n := 0
			for _, e := range entries {
				if e.By == by.ID && (e.Event == string(Vote) || e.Event == string(Approve)) {
					n++
				}
			}
			if n != 1 {
				problems = append(problems, fmt.Sprintf("the vote of %s on %s is recorded %d times", by.Name, id, n))
			}
		}
	}
	return problems
}

// start lets one thing go wrong from now on.
func (w *world) start(at point, k kind) {
	this, other := w.crash, w.pens
	if at.drawn {
		this, other = other, this
	}
	this.start(at.n, k)
	other.start(0, nothing)
}

// stop says which points were passed.
func (w *world) stop() (points []point) {
	for n, name := range w.crash.stop() {
		points = append(points, point{false, n, name})
	}
	for n, name := range w.pens.stop() {
		points = append(points, point{true, n, name})
	}
	return points
}

func playUpgrade(w *world, at point, k kind) (ending, []string) {
	said := votes{}
	w.start(at, k)
	s := w.propose("cache", "7.4")
	w.decide(s, bob, said)
	s, unknown := w.settle(s.ID)
	end := ending{points: w.stop(), session: s, unknown: unknown}
	problems := w.check(0, said, s.ID)
	if s.State != Done {
		problems = append(problems, "the upgrade ended "+string(s.State))
	}
	return end, problems
}

// decide votes until somebody says it is recorded.
func (w *world) decide(s Session, by approvals.Voter, said votes) {
	w.t.Helper()
	_, r := w.act(w.vote(s, by))
	if r != nil && r.Code != TooLate { // recorded the first time, with the answer lost
		w.t.Fatalf("the vote of %s was refused: %s", by.Name, r)
	}
	said[s.ID] = append(said[s.ID], by)
}

func playRevert(w *world, at point, k kind) (ending, []string) {
	said := votes{}
	port, endpoint, keys := w.find("cache").Port, w.find("cache").Endpoint, w.keys("cache")
	up := w.upgraded("cache", "7.4")
	w.console("cache", map[string]any{"keys": map[string]any{"cart:000001": nil, "new": "after the upgrade"}})
	files, since := w.filesOf("cache"), len(w.ledger())
	w.start(at, k)
	r := w.must(w.revertOf(up, files))
	r, early := w.settleUntil(r.ID, func(s Session) bool { return s.State == Proposed })
	if r.State == Proposed {
		w.decide(r, bob, said)
		w.decide(w.load(r.ID), dan, said)
	}
	r, unknown := w.settle(r.ID)
	unknown += early
	end := ending{points: w.stop(), session: r, unknown: unknown}
	problems := w.check(since, said, up.ID, r.ID)
	db := w.find("cache")
	switch {
	case r.State == Done && (db.Version != "7.2" || db.Port != port || db.Endpoint != endpoint || !maps.Equal(keys, w.keys("cache"))):
		problems = append(problems, fmt.Sprintf("the revert is done and %+v", db))
	case r.State == Done && (len(db.SourceIPs) != 2 || db.Tags["environment"] != "production" && !w.told(r, "tags")):
		problems = append(problems, fmt.Sprintf("the revert is done and its settings are %+v", db))
	case r.State != Done && unknown == 0:
		problems = append(problems, "the revert ended "+string(r.State)+" though nobody had to decide anything")
	}
	if want := map[State]State{Done: Reverted}[r.State]; want != "" && w.load(up.ID).State != want {
		problems = append(problems, "the revert is done and its upgrade is "+string(w.load(up.ID).State))
	}
	return end, problems
}

func (w *world) told(s Session, word string) bool {
	return strings.Contains(strings.Join(s.Revert.Loose, " "), word)
}

func (w *world) check(since int, said votes, ids ...string) []string {
	w.t.Helper()
	time.Sleep(time.Minute) // whatever is still on its way arrives
	return slices.Concat(w.checkLedger(since, ids...), w.checkMemory(ids...), w.checkCloud(ids...), w.checkVotes(said), w.checkSecrets(), w.checkCards(1, ids...))
}

// settle lets time pass until the end, and answers for on-call what nobody but
// people may answer: from what really happened.
func (w *world) settle(id string) (Session, int) {
	w.t.Helper()
	return w.settleUntil(id, func(Session) bool { return false })
}

func (w *world) settleUntil(id string, is func(Session) bool) (Session, int) {
	w.t.Helper()
	asked := 0
	for {
		s := w.until(id, "an end or a question", func(s Session) bool {
			return s.Ended || is(s) || s.Call != nil && s.Call.Phase == Unknown
		})
		if s.Ended || is(s) {
			return s, asked
		}
		asked++
		if w.happened(s) {
			w.must(func(e *replica) (Session, error) { return e.Settle(w.ctx, Click{Session: id, By: dan}, true) })
			continue
		}
		time.Sleep(2 * time.Hour)
		for _, by := range []approvals.Voter{dan, dora} {
			_, _ = w.act(func(e *replica) (Session, error) { return e.Settle(w.ctx, Click{Session: id, By: by}, false) })
		}
	}
}

// happened looks into the emulator's ledger.
func (w *world) happened(s Session) bool {
	w.t.Helper()
	var sent time.Time
	for _, in := range w.intents(s.ID) {
		if in.key == s.Call.Key && in.number == s.Call.Intent {
			sent = in.at
		}
	}
	return slices.ContainsFunc(w.ledger(), func(c accepted) bool {
		return !c.At.Add(w.odd).Before(sent) && slices.Contains(senders(c), s.Call.Key) && c.Outcome != "error"
	})
}
