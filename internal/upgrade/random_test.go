package upgrade

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// TestRandomLives lets two processes, people, Redis Cloud and Redis do random
// things to several sessions at once; then everything is well again, time
// passes until all sessions have ended, and the promises of the crash matrix
// must hold. A failing run prints a script; put into testdata/scripts it is
// repeated by TestScripts. -rapid.checks=N tries more lives.
func TestRandomLives(t *testing.T) {
	inPart(t)
	given := map[string]bool{"rapid.checks": os.Getenv("RAPID_CHECKS") != ""}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(15 / part), "rapid.nofailfile": "true"} {
		if given[name] {
			continue
		}
		was := flag.Lookup(name).Value.String()
		_ = flag.Set(name, value)
		t.Cleanup(func() { _ = flag.Set(name, was) })
	}
	ends := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.Custom(drawScript).Draw(rt, "script")
		if problems, log := playScript(t, s, ends); len(problems) > 0 {
			rt.Log(log) // not part of the message: rapid compares those
			rt.Fatalf("%s\nscript:\n%s", strings.Join(problems, "\n"), s)
		}
	})
	t.Log(ends)
}

// TestScripts repeats lives that once broke a promise.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := parseScript(string(text))
			if err != nil {
				t.Fatal(err)
			}
			problems, log := playScript(t, s, map[string]int{})
			if len(problems) > 0 {
				t.Error(strings.Join(problems, "\n"), log)
			}
		})
	}
}

// playScript plays a script in a bubble of its own and says what broke, with
// the end of the log. ends counts the states in which sessions ended.
func playScript(t *testing.T, s script, ends map[string]int) (problems []string, log string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &court{TB: t}
		var l *lives
		defer func() {
			if p := recover(); p != nil {
				problems = append(problems, fmt.Sprint(p))
				if _, judged := p.(ruling); !judged {
					problems = append(problems, string(debug.Stack()))
				}
			}
			if len(problems) > 0 && l != nil {
				log = l.told()
			}
			c.close()
		}()
		l = newLives(c)
		l.play(s)
		problems = l.judge(ends)
	})
	return problems, log
}

// told is the end of the log without the requests.
func (l *lives) told() string {
	var kept []string
	for line := range strings.Lines(l.w.log.String()) {
		if !strings.Contains(line, "level=DEBUG") {
			kept = append(kept, line)
		}
	}
	return tail(strings.Join(kept, ""))
}

// court is the testing.TB of a world whose failure is a finding: it ends the
// life, not the test.
type court struct {
	testing.TB
	cleanups []func()
}

type ruling string

func (c *court) Fatal(args ...any)                 { panic(ruling(fmt.Sprint(args...))) }
func (c *court) Fatalf(format string, args ...any) { panic(ruling(fmt.Sprintf(format, args...))) }
func (c *court) Errorf(format string, args ...any) { panic(ruling(fmt.Sprintf(format, args...))) }
func (c *court) Cleanup(f func())                  { c.cleanups = append(c.cleanups, f) }
func (c *court) close() {
	for _, f := range slices.Backward(c.cleanups) {
		f()
	}
}

// lives is a world with two processes, several databases and people who
// click until they have an answer.
type lives struct {
	w      *world
	begin  time.Time
	clicks sync.WaitGroup
	still  sync.RWMutex // of the processes, in what they write

	mu       sync.Mutex // guards the rest
	procs    map[string]*replica
	gremlins map[string]*gremlin
	configs  map[string]*Config // of a process that is configured otherwise
	turn     int
	said     []said
	words    []finality
	rewinds  int               // how often Redis was put back
	lost     []*intent         // that Redis does not hold any more since
	undone   map[int]time.Time // databases that were changed by what Redis does not hold any more
	problems []string

	// Only the script's goroutine uses these.
	downUntil time.Time
	meddled   map[int]time.Time   // when somebody else changed a database's version, or deleted it; 0: any database
	deaf      []string            // faults of Slack
	set       func(time.Duration) // Redis' clock; nil: it is right
	stopClock func()
	copied    *copied
	differed  bool // processes were configured differently
	repairs   []func()
	read      int // rewinds of which the test's own store knows
}

// said is a decision whose recording was confirmed to a person.
type said struct{ session, by, verb string }

// finality is a cancel or deny that was confirmed, and the revision that has it.
type finality struct {
	said
	revision int64
}

const otherPassword = "battery-staple-changed-elsewhere"

var eve = approvals.Voter{ID: "U0EVE", Name: "eve", Member: true, Known: true}

var people = map[string]approvals.Voter{"ann": ann, "bob": bob, "carol": carol, "dan": dan, "dora": dora, "eve": eve, "guest": guest}

func newLives(c *court) *lives {
	fleet := shop()
	fleet.Subscriptions = append(fleet.Subscriptions, cloudemu.FleetSubscription{Name: "media", Databases: []cloudemu.FleetDatabase{
		{Name: "search", Version: "6.2", Port: 12003, SizeGB: 2, Shards: 2, BackupPath: "s3://acme/search", Keys: 8, Password: password}}})
	w := newWorld(c, fleet, coarse, furnished(time.Minute), func(w *world) { // patience costs computing time
		w.cfg.StatusEvery = 10 * time.Minute
		for _, p := range []*approvals.Policy{&w.cfg.Upgrades, &w.cfg.Reverts} {
			p.DecideWithin, p.StartWithin = time.Hour, 2*time.Hour
		}
	})
	w.roles.set(eve)
	l := &lives{w: w, begin: time.Now(), procs: map[string]*replica{}, gremlins: map[string]*gremlin{}, configs: map[string]*Config{}, meddled: map[int]time.Time{}}
	l.revive()
	l.undone = map[int]time.Time{}
	return l
}

// revive starts the processes that are dead.
func (l *lives) revive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range []string{"A", "B"} {
		if p := l.procs[name]; p != nil && !p.dead.Load() {
			continue
		}
		was := l.procs[name]
		l.procs[name] = l.start(name)
		if was != nil { // the machine and its clock are still the same
			l.procs[name].skew.Store(was.skew.Load())
		}
	}
	l.w.mu.Lock()
	l.w.alive = l.procs["A"] // whom a cut call kills
	l.w.mu.Unlock()
}

// start is world.replica with a gremlin of its own.
func (l *lives) start(name string) *replica {
	w := l.w
	r := &replica{w: w, done: make(chan struct{}), cfg: l.configs[name]}
	l.gremlins[name] = &gremlin{l: l, r: r}
	w.launch(r, l.gremlins[name], l.gremlins[name])
	w.mu.Lock()
	w.all = append(w.all, r)
	w.mu.Unlock()
	return r
}

// frozen is a process that stands still right after a move of a session, and
// then goes on as if nothing had been. What it does with its leases fails
// meanwhile instead of standing still: those are under a mutex, and in a
// bubble time does not pass for who waits for one.
const frozen kind = "frozen"

// forgotten is a write that a failover forgets after its answer.
const forgotten kind = "forgotten"

// gremlin spoils what one process does with Redis.
type gremlin struct {
	l  *lives
	r  *replica
	mu sync.Mutex // guards the rest

	left      int // writes until kind happens
	kind      kind
	thawAt    time.Time
	awayUntil time.Time
}

func (g *gremlin) set(change func(*gremlin)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

// pass counts a write.
func (g *gremlin) pass(move bool) (k kind) {
	g.set(func(g *gremlin) {
		if g.left--; g.left < 0 && (move || g.kind != frozen) {
			k, g.kind = g.kind, nothing
		}
	})
	return k
}

// wait is what every command meets: a frozen process, or Redis out of reach.
func (g *gremlin) wait(cmds ...redis.Cmder) error {
	var thaw, away time.Duration
	g.set(func(g *gremlin) { thaw, away = time.Until(g.thawAt), time.Until(g.awayUntil) })
	for _, cmd := range cmds {
		if thaw > 0 && isWrite(cmd) && !isMove(cmd) {
			return errInjected
		}
	}
	time.Sleep(thaw)
	switch {
	case g.r.dead.Load():
		return errDead
	case away > 0:
		return errInjected
	}
	return nil
}

func isMove(cmd redis.Cmder) bool { return redisPoint(cmd) == "redis move" }
func isWrite(cmd redis.Cmder) bool {
	name := strings.ToLower(cmd.Name())
	return strings.HasPrefix(name, "eval") || name == "set" || name == "del"
}

func (g *gremlin) DialHook(next redis.DialHook) redis.DialHook { return next }

func (g *gremlin) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if err := g.wait(cmds...); err != nil {
			return err
		}
		return next(ctx, cmds)
	}
}

func (g *gremlin) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := g.wait(cmd); err != nil {
			return err
		}
		if !isWrite(cmd) {
			return next(ctx, cmd)
		}
		k := g.pass(isMove(cmd))
		if k == failed {
			return errInjected
		}
		var before *copied
		if k == forgotten {
			before = g.l.copy()
		}
		g.l.still.RLock()
		err := next(ctx, cmd)
		g.l.still.RUnlock()
		if err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT") {
			g.set(func(g *gremlin) { g.left++; g.kind = max(g.kind, k) })
			return err
		}
		switch k {
		case forgotten:
			g.l.rewind(before)
		case happens:
			return errInjected
		case gone:
			g.r.kill()
			return errDead
		case frozen:
			g.set(func(g *gremlin) { g.thawAt = time.Now().Add(2 * time.Minute) })
			if err := g.wait(cmd); err != nil {
				return err
			}
		}
		return err
	}
}

// play does what the script says; whoever is dead is started again soon.
func (l *lives) play(s script) {
	for _, d := range s {
		l.pass(time.Until(l.begin.Add(d.at)))
		verbs[d.words[0]](l, append(slices.Clone(d.words[1:]), "", "", ""))
	}
	l.pass(time.Minute)
}

func (l *lives) pass(d time.Duration) {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		time.Sleep(min(left, 15*time.Second))
		if time.Now().After(l.downUntil) {
			l.revive()
		}
	}
}

// sessions are all there are, oldest first.
func (l *lives) sessions() []Session {
	l.mu.Lock()
	if l.read != l.rewinds { // the test's own store is not to hold against records what it saw before
		l.read, l.w.store = l.rewinds, l.w.newStore(l.w.rdb, time.Now)
	}
	l.mu.Unlock()
	keys, err := l.w.rdb.Keys(l.w.ctx, "{redis-upgrade}:session:*").Result()
	l.w.nil(err)
	var out []Session
	for _, k := range keys {
		out = append(out, l.w.load(strings.TrimPrefix(k, "{redis-upgrade}:session:")))
	}
	slices.SortFunc(out, func(a, b Session) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// latest is the newest session of a database, of that kind where one is named.
func (l *lives) latest(name string, kind Kind) (Session, bool) {
	for _, s := range slices.Backward(l.sessions()) {
		if s.Plan.Name == name && (kind == "" || s.Kind == kind) {
			return s, true
		}
	}
	return Session{}, false
}

// voter is what Slack says about somebody right now.
func (l *lives) voter(name string) approvals.Voter {
	v, _ := l.w.roles.Voter(l.w.ctx, people[name].ID)
	return v
}

// deliver gives what a person did to a living process until there is an
// answer, as the inbox does; twice means a double click.
func (l *lives) deliver(how string, try func(*replica) (Session, error), confirmed ...said) {
	times := 1
	if how == "twice" {
		times = 2
	}
	for range times {
		l.clicks.Go(func() {
			var last error
			for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); time.Sleep(5 * time.Second) {
				r := l.living()
				if r == nil {
					continue
				}
				l.mu.Lock()
				rewinds := l.rewinds
				l.mu.Unlock()
				var s Session
				s, last = try(r)
				if _, refused := AsRefusal(last); refused {
					return
				}
				if last == nil {
					l.mu.Lock()
					defer l.mu.Unlock()
					if l.rewinds == rewinds { // else it may be forgotten again
						l.said = append(l.said, confirmed...)
						for _, v := range confirmed {
							if v.verb != "approve" {
								l.words = append(l.words, finality{v, s.Revision})
							}
						}
					}
					return
				}
			}
			l.mu.Lock()
			l.problems = append(l.problems, fmt.Sprintf("no answer to a person within a day: %v", last))
			l.mu.Unlock()
		})
	}
}

// living is a process that has not died, each in turn.
func (l *lives) living() *replica {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn++
	for _, name := range [][]string{{"A", "B"}, {"B", "A"}}[l.turn%2] {
		if p := l.procs[name]; !p.dead.Load() {
			return p
		}
	}
	return nil
}

func number(text string) int { n, _ := strconv.Atoi(text); return n }
