package upgrade

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/session"
)

// Engine tests run in synctest bubbles: the emulator of Redis Cloud behind an
// HTTP server on pipes, an in-memory Redis, and replicas that can be killed.

const (
	testKey    = "sandbox-account-key"
	testSecret = "sandbox-secret-key"
	testSeal   = "seal-key-of-the-tests"
	password   = "correct-horse-battery"
	redisAddr  = "127.0.0.1:6379"
)

// shop is one subscription with what most tests need.
func shop() cloudemu.Fleet {
	return cloudemu.Fleet{
		Subscriptions: []cloudemu.FleetSubscription{{Name: "shop", Databases: []cloudemu.FleetDatabase{
			{Name: "cache", Version: "7.2", Port: 12001, SizeGB: 2, BackupPath: "s3://acme/cache", BackupAge: "2h", Password: password,
				Keys: 20, KeyPrefix: "cart", SourceIPs: []string{"10.0.0.0/8", "192.168.1.0/24"}, Tags: map[string]string{"environment": "production"}},
			{Name: "orders", Version: "7.2", Port: 12002, SizeGB: 2, BackupPath: "s3://acme/orders", Keys: 10, NoAutoMinor: true},
		}}},
		Roles: []cloudemu.FleetRole{{Name: "app", Rule: "Read-Write", Databases: []string{"cache", "orders"}}},
	}
}

// world is everything around the engine.
type world struct {
	t      testing.TB
	ctx    context.Context
	mini   *miniredis.Miniredis
	emu    *cloudemu.Server
	pipes  pipes
	web    *http.Server
	log    *logBuffer
	crash  *crash // of what the engine writes and sends
	pens   *crash // of what the drawer does
	words  []word // what people were told is done; mu guards it
	saying sync.WaitGroup
	copied func()                    // puts back what Redis held at an earlier point; nil: there is no copy
	copies int                       // how many intents were in it
	sent   int                       // how many changing calls were accepted before that
	lost   bool                      // that Redis was put back to before a call that was accepted
	clock  func(ahead time.Duration) // sets Redis' clock
	odd    time.Duration             // that the store's time may differ from the emulator's: Redis' clock was set
	heard  *heard                    // the store's time, where it may be another one than the emulator's
	stands []string                  // sessions that are not believed: they keep what they hold
	seen   *sightings                // of databases; nil: not kept
	room   Room                      // nil: nobody draws cards
	roles  *roster
	cfg    Config
	index  *shared
	tick   time.Duration  // between two looks of the test at a session
	speed  float64        // of the emulator
	skew   time.Duration  // how far the clocks of replicas started from now on are ahead
	seal   string         // SEAL_KEY of replicas started from now on, for sealed values; empty: the one of all
	named  bool           // replicas have names, and hear of each other
	wait   *waitHook      // stands for the replicas of the store; nil: there are none
	ours   int            // calls in the ledger from here on are the bot's
	rdb    *redis.Client  // undisturbed
	store  *session.Store // undisturbed

	mu    sync.Mutex // guards alive and all
	alive *replica
	all   []*replica
}

// pipes is a listener over in-memory connections.
type pipes struct {
	arriving chan net.Conn
	closed   chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.arriving:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.arriving <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// logBuffer keeps every log line.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// roster is who people are.
type roster struct {
	mu   sync.Mutex
	by   map[string]approvals.Voter
	fail error
}

func (r *roster) Voter(_ context.Context, user string) (approvals.Voter, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.by[user]
	if r.fail != nil {
		return approvals.Voter{ID: user}, r.fail
	}
	return v, nil
}

func (r *roster) Under(ctx context.Context, user string, rule approvals.Policy) (approvals.Voter, error) {
	v, err := r.Voter(ctx, user)
	v.Approver, v.OnCall = slices.Contains(rule.Approvers, user), slices.Contains(rule.OnCall, user)
	return v, err
}

// silence makes Slack answer nothing but err; nil: it answers again.
func (r *roster) silence(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

func (r *roster) set(v approvals.Voter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.by[v.ID] = v
}

var (
	ann   = approvals.Voter{ID: "U0ANN", Name: "ann", Member: true, Known: true}
	bob   = approvals.Voter{ID: "U0BOB", Name: "bob", Member: true, Approver: true, Known: true}
	carol = approvals.Voter{ID: "U0CAROL", Name: "carol", Member: true, Approver: true, Known: true}
	dan   = approvals.Voter{ID: "U0DAN", Name: "dan", Member: true, OnCall: true, Known: true}
	dora  = approvals.Voter{ID: "U0DORA", Name: "dora", Member: true, OnCall: true, Known: true}
	guest = approvals.Voter{ID: "U0GUEST", Name: "guest", Guest: true, Known: true}
)

func testConfig() Config {
	return Config{
		Mode: ModeFull, Upgrades: approvals.Upgrade(1), Reverts: approvals.Revert(2),
		Soak: 2 * time.Minute, Poll: 45 * time.Second, StatusEvery: 5 * time.Minute, ProbeEvery: 30 * time.Second,
		SendTimeout: 5 * time.Second, Grace: 30 * time.Second, Patience: time.Hour, Disbelief: time.Hour,
		Lease: 10 * time.Second, Workers: 4,
		Idle: time.Hour, // due dates say when to look; virtual hours should not cost real ones
	}
}

// closely looks as often as a real replica does, for tests of how soon something is
// noticed. The others look less often: virtual hours should not cost real minutes.
func closely(w *world) {
	w.cfg.Poll, w.cfg.ProbeEvery, w.cfg.StatusEvery = 10*time.Second, 15*time.Second, time.Minute
}

// newWorld builds a world in the bubble it is called in. adjust may change
// configuration before anything is built.
func newWorld(t testing.TB, fleet cloudemu.Fleet, adjust ...func(*world)) *world {
	t.Helper()
	w := &world{
		t: t, ctx: context.Background(), mini: miniredis.NewMiniRedis(), log: &logBuffer{}, cfg: testConfig(), crash: &crash{}, pens: &crash{}, tick: 5 * time.Second, speed: 1,
		pipes: pipes{make(chan net.Conn), make(chan struct{})},
		roles: &roster{by: map[string]approvals.Voter{}},
	}
	for _, v := range []approvals.Voter{ann, bob, carol, dan, dora, guest} {
		w.roles.set(v)
	}
	for _, a := range adjust {
		a(w)
	}
	w.emu = cloudemu.New(cloudemu.Config{Now: time.Now, Seed: 7, Fleet: fleet, Speed: func() float64 { return w.speed }})
	w.mini.ClockTTL(true)
	api := http.NewServeMux()
	emu := w.emu.API()
	if w.seen != nil {
		emu = w.seen.around(emu)
	}
	api.Handle("/", w.crash.around(w, cloudPoint, emu))
	if w.room != nil {
		api.Handle("/slack/", w.pens.around(w, slackPoint, w.room))
	}
	w.web = &http.Server{Handler: api, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = w.web.Serve(w.pipes) }()
	w.rdb = w.redisClient(nil)
	w.store = w.newStore(w.rdb, time.Now)
	w.index = &shared{}
	w.storeIs(cloud.Ref{})
	t.Cleanup(w.close)
	return w
}

// shared is the inventory of all replicas; it can be read anew.
type shared struct {
	atomic.Pointer[inventory.Index]
}

func (s *shared) Get(ref cloud.Ref) (inventory.Entry, bool)  { return s.Load().Get(ref) }
func (s *shared) ReplicasOf(ref cloud.Ref) []inventory.Entry { return s.Load().ReplicasOf(ref) }
func (s *shared) SourcesOf(ref cloud.Ref) ([]inventory.Entry, []string) {
	return s.Load().SourcesOf(ref)
}
func (s *shared) Age() time.Duration { return s.Load().Age() }
func (s *shared) CachedTargets(ref cloud.Ref) ([]string, time.Time, bool) {
	return s.Load().CachedTargets(ref)
}

// storeIs reads the inventory anew; the database is the bot's own memory.
func (w *world) storeIs(ref cloud.Ref) {
	w.t.Helper()
	client, _ := w.account(w.pipes.dial)
	defer client.Close()
	index := inventory.New(inventory.Config{Cloud: client, Redis: w.rdb, TagsPerRefresh: -1, Every: 1000 * time.Hour, Allow: w.cfg.Allow,
		StoreDatabase: ref.Database, Log: slog.New(slog.DiscardHandler)})
	w.nil(index.Refresh(w.ctx))
	w.index.Store(index)
}

func (w *world) close() {
	w.mu.Lock()
	all := w.all
	w.mu.Unlock()
	for _, r := range all {
		r.end()
	}
	close(w.pipes.closed)
	w.nil(w.web.Close())
	if w.room != nil {
		w.room.Close()
	}
	w.nil(w.rdb.Close())
	w.mini.Close()
}

func (w *world) redisClient(dial func(context.Context, string, string) (net.Conn, error)) *redis.Client {
	if dial == nil {
		dial = func(context.Context, string, string) (net.Conn, error) { return w.mini.Dial() }
	}
	return redis.NewClient(&redis.Options{Addr: redisAddr, Dialer: dial, ContextTimeoutEnabled: true, MaxRetries: -1})
}

func (w *world) newStore(rdb *redis.Client, clock func() time.Time) *session.Store {
	cfg := session.Config{SealKey: []byte(testSeal), Lives: Lives(), Retention: 400 * 24 * time.Hour, Log: w.logger(), Now: clock}
	if w.wait != nil {
		rdb.AddHook(w.wait)
		cfg.WaitReplicas = 1
	}
	return session.New(rdb, cfg)
}

func (w *world) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (w *world) account(dial func(context.Context, string, string) (net.Conn, error)) (*cloud.Client, *calls.Sender) {
	return w.accountOf(w.cfg, dial)
}

func (w *world) accountOf(bot Config, dial func(context.Context, string, string) (net.Conn, error)) (*cloud.Client, *calls.Sender) {
	cfg := cloud.Config{URL: "http://127.0.0.1:8080/cloud", Key: testKey, Secret: testSecret, Dial: dial, Log: w.logger(),
		Jitter: func(n time.Duration) time.Duration { return n / 2 }}
	c, err := cloud.New(cfg)
	w.nil(err)
	sender, err := calls.New(bot.Calls(), cfg, c, func(ref cloud.Ref) string {
		if entry, ok := w.index.Get(ref); ok && entry.Store {
			return entry.Name
		}
		return ""
	})
	w.nil(err)
	return c, sender
}

// replica is one process: an engine with its own connections.
type replica struct {
	*Engine
	w    *world
	rdb  *redis.Client
	pen  *redis.Client // of its drawer
	api  *cloud.Client
	dead atomic.Bool
	skew atomic.Int64 // how far its clock is ahead, in ns
	cfg  *Config      // nil: that of all
	thaw func()       // frozen between two dials; nil: not
	stop context.CancelFunc
	done chan struct{}

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

var errDead = errors.New("this process is dead")

// engine is the living replica; a dead one is followed by a new one, with
// nothing but what Redis and Redis Cloud know.
func (w *world) engine() *replica {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.alive == nil || w.alive.dead.Load() {
		if w.alive != nil {
			<-w.alive.done
		}
		w.alive = w.replica()
		w.all = append(w.all, w.alive)
	}
	return w.alive
}

// another starts one more replica beside the others.
func (w *world) another() *replica {
	r := w.replica()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, r)
	return r
}

// clock is its machine's clock.
func (r *replica) clock() time.Time { return time.Now().Add(time.Duration(r.skew.Load())) }

func (w *world) replica() *replica {
	r := &replica{w: w, done: make(chan struct{})}
	r.skew.Store(int64(w.skew))
	w.launch(r, &redisHook{crash: w.crash, dead: r}, &redisHook{crash: w.pens, dead: r})
	return r
}

// launch starts a process whose engine and drawer meet those hooks on their way
// to Redis.
func (w *world) launch(r *replica, engine, drawer redis.Hook) {
	r.rdb, r.pen = w.redisClient(nil), w.redisClient(nil)
	r.rdb.AddHook(engine)
	r.pen.AddHook(drawer)
	bot := w.cfg
	if r.cfg != nil {
		bot = *r.cfg
	}
	api, changes := w.accountOf(bot, r.dial)
	r.api = api
	sealer, err := NewSealer(zeroes{}, []byte(cmp.Or(w.seal, testSeal)))
	w.nil(err)
	name := ""
	if w.named {
		name = fmt.Sprintf("bot-%d", len(w.all))
	}
	r.Engine = New(bot, Parts{Name: name, Store: w.newStore(r.rdb, r.clock), Cloud: r.api, Calls: changes, Inventory: w.index, Roles: w.roles, Sealer: sealer, Log: w.logger()})
	ctx, cancel := context.WithCancel(w.ctx)
	r.stop = cancel
	go func() {
		defer close(r.done)
		var drawing sync.WaitGroup
		defer drawing.Wait()
		if w.room != nil {
			client := &http.Client{Transport: &http.Transport{DialContext: r.dial}}
			drawing.Go(func() { w.room.Draw(ctx, r.Engine, w.newStore(r.pen, r.clock), client) })
		}
		_ = r.Run(ctx)
	}()
}

// zeroes is a source of chance without chance.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (r *replica) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if r.dead.Load() {
		return nil, errDead
	}
	if r.thaw != nil && r.sending() {
		r.thaw()
	}
	c, err := r.w.pipes.dial(ctx, network, addr)
	if err == nil {
		r.mu.Lock()
		r.conns = append(r.conns, c)
		r.mu.Unlock()
	}
	return c, err
}

// kill ends the process where it stands: nothing it does from now on reaches
// anybody.
func (r *replica) kill() {
	r.dead.Store(true)
	r.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
}

// end stops it in good order.
func (r *replica) end() {
	r.stop()
	<-r.done
	r.api.Close()
	_ = r.rdb.Close()
	_ = r.pen.Close()
}

func (w *world) nil(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// load reads a session past all faults.
func (w *world) load(id string) Session {
	w.t.Helper()
	r, err := w.store.Load(w.ctx, id)
	w.nil(err)
	s, err := decode(r)
	w.nil(err)
	return s
}

// sending reports whether some session has an intent out: then a new connection
// carries a change.
func (r *replica) sending() bool {
	recs, err := r.w.store.List(r.w.ctx, true, 0)
	r.w.nil(err)
	for _, rec := range recs {
		if s, err := decode(rec); err == nil && s.Call != nil && s.Call.Phase == Sending {
			return true
		}
	}
	return false
}
