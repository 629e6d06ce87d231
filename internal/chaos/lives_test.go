package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// length is how long the chaos lasts and among how many sessions.
type length struct {
	sessions int           // upgrades
	back     int           // one in so many is taken back
	trouble  time.Duration // so long something dies every second; from then on until everything has ended, now and then
	end      time.Duration // no card has moved for so long: what has not ended is stuck
	others   bool          // others meddle as well; see meddle
}

// asked is the length that `make chaos CHAOS=5m` asks for, or the short one.
func asked(t testing.TB) length {
	text := os.Getenv("CHAOS")
	if text == "" {
		return length{sessions: 26, back: 5, trouble: 22 * time.Second, end: 2 * time.Minute}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("CHAOS: %v", err)
	}
	return length{sessions: 200, back: 6, trouble: d, end: 2 * time.Minute, others: true}
}

// seed is the seed of this run, or the one that CHAOS_SEED repeats.
func seed(t testing.TB) uint64 {
	s := uint64(time.Now().UnixNano())
	if text := os.Getenv("CHAOS_SEED"); text != "" {
		var err error
		if s, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("CHAOS_SEED: %v", err)
		}
	}
	t.Logf("CHAOS_SEED=%d", s)
	return s
}

// target is what every session of the chaos upgrades to, from 7.2.
const target = "8.2"

// quick are intervals at which takeovers and lost answers fit into a test.
var quick = []string{"LEASE=1500ms", "SEND_TIMEOUT=2s", "SETTLE_GRACE=1s", "SOAK=1s"}

// settings are those of the replicas. The sandbox's own on-call is one person,
// and it takes two to say that an import did not happen: the approvers are on
// call here.
var settings = append(slices.Clip(quick), "ONCALL_GROUP=S0DBA", "LEASE=1s", "SEND_TIMEOUT=1s", "STATUS_INTERVAL=160ms")

// onCall are the people of that group, requesters those who ask.
var (
	onCall     = []string{"bob", "carol"}
	requesters = []string{"ann", "eve", "dan"}
)

// TestNothingIsLostOrDoneTwiceWhileReplicasDie is the whole promise: three
// replicas are killed, frozen and thawed at random while people ask, approve
// (twice, or on old screens), deny and cancel, revert upgrades and settle unknown calls,
// and Redis Cloud loses answers. With CHAOS somebody also uses the console, two people of
// on-call disagree, and Slack refuses everything for a while.
func TestNothingIsLostOrDoneTwiceWhileReplicasDie(t *testing.T) {
	long := asked(t)
	run := newChaos(t, long, seed(t))
	rest := run.unleash(long.others)
	t.Cleanup(rest) // of a test that fails half way
	run.everybody()
	time.Sleep(time.Until(run.weary))
	run.settle()
	rest()
	run.judge()
}

// unleash begins all trouble, and lets on-call watch; rest ends both, with
// every replica alive.
func (c *chaos) unleash(others bool) (rest func()) {
	stop := make(chan struct{})
	var at sync.WaitGroup
	for i := range c.replicas {
		at.Go(func() { c.torment(i, stop) })
	}
	at.Go(func() { c.cut(stop) })
	at.Go(func() { c.cutImports(stop) })
	if others {
		at.Go(func() { c.meddle(stop) })
	}
	at.Go(func() { c.operate(stop) })
	return sync.OnceFunc(func() {
		close(stop)
		at.Wait()
	})
}

// chaos is one run.
type chaos struct {
	*world
	t        *testing.T
	store    *server
	replicas [3]*replica // each owned by its tormentor while it runs
	names    []string    // of all databases, those that are taken back first
	before   map[string]database
	weary    time.Time // from then on the monkey strikes more seldom
	watch    *watch
	people   map[string]*sync.Mutex // one pair of hands each
	puzzled  map[string]int         // looks in a row in which on-call found no answer; operate's
	informed atomic.Int32           // modals that said why not

	mu       sync.Mutex // guards the rest
	rand     *rand.Rand
	acts     []act
	hits     map[string]int    // what the monkey did
	back     map[string]*back  // what is taken back, by database
	verdicts map[string]string // what on-call found out, by session and call
}

// act is something that somebody did and that was acknowledged.
type act struct{ user, did, database, session string }

func newChaos(t *testing.T, long length, seed uint64) *chaos {
	store := redisServer(t)
	c := &chaos{t: t, store: store, world: newWorld(t, store.url(), long.sessions, 300), rand: rand.New(rand.NewPCG(seed, 1)),
		hits: map[string]int{}, people: map[string]*sync.Mutex{}, back: map[string]*back{}, puzzled: map[string]int{}, verdicts: map[string]string{}}
	for _, who := range []string{"ann", "bob", "carol", "dan", "eve"} {
		c.people[who] = new(sync.Mutex)
	}
	c.name(long)
	for i := range c.replicas {
		c.replicas[i] = c.bot(fmt.Sprintf("bot-%d", i), settings...)
	}
	c.replicas[0].awaitReady(20 * time.Second)
	c.weary = time.Now().Add(long.trouble)
	c.watch = watchCards(c.world, long.end)
	t.Cleanup(c.watch.end)
	return c
}

// name puts the databases whose upgrades will be taken back first, for that
// takes longest. What is written to them in between tells their backups apart.
func (c *chaos) name(long length) {
	var rest []string
	for i := range long.sessions {
		name := fmt.Sprintf("db-%03d", i+1)
		if i%long.back != 0 {
			rest = append(rest, name)
			continue
		}
		c.names = append(c.names, name)
		c.back[name] = new(back)
		if err := c.write(name, "before the upgrade"); err != nil {
			c.t.Fatal(err)
		}
	}
	c.names = append(c.names, rest...)
	c.before = c.databases()
}

// chance draws a number below n.
func (c *chaos) chance(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rand.IntN(n)
}

func (c *chaos) pause(from, to time.Duration) {
	time.Sleep(from + time.Duration(c.chance(int(to-from))))
}

func (c *chaos) count(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits[what]++
}

// did notes an act that was acknowledged.
func (c *chaos) did(user, did string, on card) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acts = append(c.acts, act{user, did, on.database, on.Metadata.Payload.Session})
}

// hands lets a person do one thing at a time.
func (c *chaos) hands(user string) func() {
	c.people[user].Lock()
	return c.people[user].Unlock
}

// rest is how long the monkey does nothing.
func (c *chaos) rest(from, to time.Duration) time.Duration {
	d := from + time.Duration(c.chance(int(to-from)))
	if time.Now().After(c.weary) {
		d *= 4
	}
	return d
}

// torment kills or freezes one replica now and then until it is stopped; then it
// lives.
func (c *chaos) torment(i int, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(c.rest(time.Second, 5*time.Second)):
		}
		if c.chance(2) == 0 {
			c.count("SIGKILL")
			c.replicas[i].kill()
			c.pause(0, time.Second)
			c.replicas[i] = c.bot(fmt.Sprintf("bot-%d", i), settings...)
			continue
		}
		c.count("SIGSTOP")
		c.freeze(c.replicas[i].process, 100*time.Millisecond, 2500*time.Millisecond)
	}
}

// cut lets answers be lost on their way, of Redis Cloud and of Slack.
func (c *chaos) cut(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(c.rest(500*time.Millisecond, 2500*time.Millisecond)):
		}
		methods := []string{"POST", "POST", "PUT", "DELETE"}
		faults := [][2]string{{"cloud", "drop_after_accept"}, {"cloud", "error_500_after_accept"}, {"cloud", "drop_before_accept"},
			{"slack", "drop_answer"}, {"slack", "http_500"}, {"slack", "socket_drop"}}
		f := faults[c.chance(len(faults))]
		c.count(f[0] + " " + f[1])
		body := object{"fault": f[1], "times": 1}
		if f[0] == "cloud" {
			body["match"] = methods[c.chance(len(methods))]
		}
		if err := c.hook("POST", "/hooks/"+f[0]+"/faults", body, nil); err != nil {
			c.t.Error(err)
		}
	}
}

// freeze stops a process for a while.
func (c *chaos) freeze(p *process, from, to time.Duration) {
	p.signal(stopSignal)
	c.pause(from, to)
	p.signal(contSignal)
}

// everybody asks for every database and decides, a few at a time, and takes
// back some of what was done.
func (c *chaos) everybody() {
	queue := make(chan string, len(c.names))
	for _, name := range c.names {
		queue <- name
	}
	close(queue)
	var people sync.WaitGroup
	defer people.Wait()
	for _, requester := range slices.Concat(requesters, requesters) {
		people.Go(func() {
			for name := range queue {
				if err := c.life(requester, name); err != nil {
					c.t.Errorf("%s: %v", name, err)
				} else if c.back[name] != nil {
					people.Go(func() { c.takeBack(requester, name) })
				}
			}
		})
	}
}

// life is one session as people see it: asked for, decided, and decided again by
// somebody who was told that it could not be done just then.
func (c *chaos) life(requester, name string) error {
	asked, err := c.open(requester, name)
	if err != nil {
		return err
	}
	before := c.told(requester)
	if err := c.decide(requester, asked); err != nil {
		return err
	}
	for range 5 {
		if c.decided(asked) {
			return nil
		}
		c.count("decided again")
		if c.told(requester) == before {
			return fmt.Errorf("a decision was acknowledged, the card still waits, and nobody was told why")
		}
		if _, err := again(func() (answer, error) { return c.click("bob", asked.message, "approve", true) }); err != nil {
			return err
		}
	}
	return fmt.Errorf("it could not be decided")
}

// told counts what a requester and those who decide were told in private.
func (c *chaos) told(requester string) int {
	return c.world.told(requester, "bob", "carol") + int(c.informed.Load())
}

// decide is one of the ways in which people decide.
func (c *chaos) decide(requester string, asked card) error {
	click := func(user, action string) error {
		_, err := again(func() (answer, error) { return c.click(user, asked.message, action, true) })
		if err == nil {
			c.did(user, action, asked)
		}
		return err
	}
	both := func(a, b func() error) error {
		var other error
		var side sync.WaitGroup
		side.Go(func() { other = b() })
		err := a()
		side.Wait()
		if err == nil {
			err = other
		}
		return err
	}
	approve := func(user string) func() error { return func() error { return click(user, "approve") } }
	cancel := func() error { return click(requester, "cancel") }
	deny := func() error {
		defer c.hands("carol")()
		done, err := c.denies("carol", asked.message)
		if !done {
			c.informed.Add(1) // in a modal
			return err
		}
		c.did("carol", "deny", asked)
		return err
	}
	way := c.chance(10)
	if c.back[asked.database] != nil {
		way = max(way, 4) // there has to be something to take back
	}
	switch way {
	case 0: // no
		return deny()
	case 1: // thought better of it
		return cancel()
	case 2: // yes and no at once
		return both(approve("bob"), deny)
	case 3: // too late, perhaps
		if err := click("bob", "approve"); err != nil {
			return err
		}
		c.pause(0, time.Second)
		return cancel()
	case 4, 5: // two people, and one of them twice
		if err := both(approve("bob"), approve("bob")); err != nil {
			return err
		}
		return click("carol", "approve")
	}
	if err := click("bob", "approve"); err != nil {
		return err
	}
	c.pause(0, 2*time.Second)
	return click("bob", "approve") // on a screen that was not drawn again
}

// open asks until there is a card: a submission that is acknowledged may still
// be refused, when nobody could read Redis Cloud just then.
func (c *chaos) open(requester, name string) (card, error) {
	for range 5 {
		if err := c.ask(requester, name); err != nil {
			return card{}, err
		}
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if found, ok := c.watch.of(name); ok {
				return found, nil
			}
		}
		c.count("asked again")
	}
	return card{}, fmt.Errorf("no card for %s", name)
}

func (c *chaos) ask(requester, name string) error {
	defer c.hands(requester)()
	return c.asks(requester, name, target)
}

// settle waits until every card has reached its end.
func (c *chaos) settle() {
	c.t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		open := []string{}
		for id, k := range c.watch.all() {
			if !k.final() {
				open = append(open, fmt.Sprintf("%s of %s: %s (%s)", id, k.database, k.state(), k.Text))
			}
		}
		if len(open) == 0 {
			c.t.Logf("every session ended, %s after people had nothing left to ask or decide; at most %s without a card that moved",
				time.Since(began).Round(100*time.Millisecond), c.watch.longest().Round(100*time.Millisecond))
			return
		}
		if c.watch.stands() {
			c.t.Fatalf("stuck: %v\n%s", open, c.standing())
		}
	}
}

// standing is how things stand for who has to find out why nothing moves: the
// queues (scores are µs: when each is due), the turns and the replicas' last words.
func (c *chaos) standing() string {
	var b strings.Builder
	rdb := c.store.client()
	defer rdb.Close()
	fmt.Fprintln(&b, "now", time.Now().UnixMicro())
	for _, key := range c.store.keys("{redis-upgrade}:queue:*", "{redis-upgrade}:turn:*", "{redis-upgrade}:pause:*") {
		if value, err := rdb.Get(c.t.Context(), key).Result(); err == nil {
			fmt.Fprintln(&b, key, value)
			continue
		}
		members, _ := rdb.ZRangeWithScores(c.t.Context(), key, 0, 9).Result()
		fmt.Fprintln(&b, key, members)
	}
	for _, z := range rdb.ZRange(c.t.Context(), "{redis-upgrade}:open", 0, 9).Val() {
		fmt.Fprintln(&b, z, rdb.HGetAll(c.t.Context(), "{redis-upgrade}:session:"+z).Val())
	}
	for name, db := range c.databases() {
		if db.Status != "active" || c.before[name].ID != db.ID {
			fmt.Fprintf(&b, "%s is %+v\n", name, db)
		}
	}
	for _, e := range c.ledger()[max(0, len(c.ledger())-40):] {
		fmt.Fprintf(&b, "%+v\n", e)
	}
	for _, r := range c.replicas {
		fmt.Fprintf(&b, "%s says\n%s\n", r.name, tail(r.said(), 15))
	}
	return b.String()
}

// watch looks at the channel for everybody: a look costs the emulator a while.
type watch struct {
	mu   sync.Mutex
	seen map[string]card
	told map[string]int // private messages by person, a second old at most
	last time.Time      // when a card moved
	gap  time.Duration  // the longest time in which none did
	hush time.Duration  // after which nothing moves any more
	stop chan struct{}
	done sync.WaitGroup
}

func watchCards(w *world, hush time.Duration) *watch {
	out := &watch{stop: make(chan struct{}), told: map[string]int{}, last: time.Now(), hush: hush}
	out.look(150*time.Millisecond, func() {
		seen := w.cards()
		out.mu.Lock()
		defer out.mu.Unlock()
		for id, c := range seen {
			if c.state() != out.seen[id].state() {
				out.gap = max(out.gap, time.Since(out.last))
				out.last = time.Now()
			}
		}
		out.seen = seen
	})
	for _, who := range requesters {
		out.look(time.Second, func() {
			n := w.told(who)
			out.mu.Lock()
			defer out.mu.Unlock()
			out.told[who] = n
		})
	}
	return out
}

// look repeats a look until the end.
func (w *watch) look(every time.Duration, at func()) {
	w.done.Go(func() {
		for {
			at()
			select {
			case <-w.stop:
				return
			case <-time.After(every):
			}
		}
	})
}

// stands reports whether no card has moved for long.
func (w *watch) stands() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.last) > w.hush
}

// longest is the longest time in which no card moved.
func (w *watch) longest() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gap
}

// private is how many messages a person has got in private.
func (w *watch) private(who string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told[who]
}

func (w *watch) end() {
	close(w.stop)
	w.done.Wait()
}

func (w *watch) all() map[string]card {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// of is the card of a database's upgrade.
func (w *watch) of(database string) (card, bool) { return w.about("upgrade", database) }

func (w *watch) about(kind, database string) (card, bool) {
	for _, c := range w.all() {
		if c.kind() == kind && c.database == database {
			return c, true
		}
	}
	return card{}, false
}
