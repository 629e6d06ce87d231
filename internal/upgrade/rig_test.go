package upgrade

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/approvals"
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
	t     testing.TB
	ctx   context.Context
	mini  *miniredis.Miniredis
	emu   *cloudemu.Server
	pipes pipes
	web   *http.Server
	log   *logBuffer
	crash *crash
	roles *roster
	cfg   Config
	index *inventory.Index
	tick  time.Duration  // between two looks of the test at a session
	speed float64        // of the emulator
	rdb   *redis.Client  // undisturbed
	store *session.Store // undisturbed

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
		Soak: 2 * time.Minute, Poll: 10 * time.Second, StatusEvery: time.Minute, ProbeEvery: 15 * time.Second,
		SendTimeout: 5 * time.Second, Grace: 30 * time.Second, Patience: time.Hour, Disbelief: time.Hour,
		Lease: 10 * time.Second, Workers: 4,
	}
}

// newWorld builds a world in the bubble it is called in. adjust may change
// configuration before anything is built.
func newWorld(t testing.TB, fleet cloudemu.Fleet, adjust ...func(*world)) *world {
	t.Helper()
	w := &world{
		t: t, ctx: context.Background(), mini: miniredis.NewMiniRedis(), log: &logBuffer{}, cfg: testConfig(), crash: &crash{}, tick: 5 * time.Second, speed: 1,
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
	w.web = &http.Server{Handler: w.crash.around(w, w.emu.API()), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = w.web.Serve(w.pipes) }()
	w.rdb = w.redisClient(nil)
	w.store = w.newStore(w.rdb)
	client := w.cloudClient(w.pipes.dial)
	w.index = inventory.New(inventory.Config{Cloud: client, Redis: w.rdb, TagsPerRefresh: -1, Every: 1000 * time.Hour, Allow: w.cfg.Allow})
	w.nil(w.index.Refresh(w.ctx))
	client.Close()
	t.Cleanup(w.close)
	return w
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
	w.nil(w.rdb.Close())
	w.mini.Close()
}

func (w *world) redisClient(dial func(context.Context, string, string) (net.Conn, error)) *redis.Client {
	if dial == nil {
		dial = func(context.Context, string, string) (net.Conn, error) { return w.mini.Dial() }
	}
	return redis.NewClient(&redis.Options{Addr: redisAddr, Dialer: dial, ContextTimeoutEnabled: true, MaxRetries: -1})
}

func (w *world) newStore(rdb *redis.Client) *session.Store {
	return session.New(rdb, session.Config{SealKey: []byte(testSeal), Lives: Lives(), Retention: 400 * 24 * time.Hour, Log: w.logger()})
}

func (w *world) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (w *world) cloudClient(dial func(context.Context, string, string) (net.Conn, error)) *cloud.Client {
	c, err := cloud.New(cloud.Config{URL: "http://127.0.0.1:8080/cloud", Key: testKey, Secret: testSecret, Dial: dial, Log: w.logger(),
		Jitter: func(n time.Duration) time.Duration { return n / 2 }})
	w.nil(err)
	return c
}

// replica is one process: an engine with its own connections.
type replica struct {
	*Engine
	w    *world
	rdb  *redis.Client
	api  *cloud.Client
	dead atomic.Bool
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

func (w *world) replica() *replica {
	r := &replica{w: w, done: make(chan struct{})}
	r.rdb = w.redisClient(nil)
	r.rdb.AddHook(&redisHook{crash: w.crash, dead: r})
	r.api = w.cloudClient(r.dial)
	sealer, err := NewSealer(zeroes{}, []byte(testSeal))
	w.nil(err)
	r.Engine = New(w.cfg, Parts{Store: w.newStore(r.rdb), Cloud: r.api, Inventory: w.index, Roles: w.roles, Sealer: sealer, Now: time.Now, Log: w.logger()})
	r.idle = time.Hour // due dates say when to look; virtual hours should not cost real ones
	ctx, cancel := context.WithCancel(w.ctx)
	r.stop = cancel
	go func() {
		defer close(r.done)
		_ = r.Run(ctx)
	}()
	return r
}

// zeroes is a source of chance without chance.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (r *replica) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if r.dead.Load() {
		return nil, errDead
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
}

func (w *world) nil(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// hook drives the emulator's other door.
func (w *world) hook(method, path string, in, out any) {
	w.t.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		w.nil(err)
		body = bytes.NewReader(raw)
	}
	rec := httptest.NewRecorder()
	w.emu.Hooks().ServeHTTP(rec, httptest.NewRequest(method, "/hooks/cloud/"+path, body))
	if rec.Code != http.StatusOK {
		w.t.Fatalf("hook %s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	if out != nil {
		w.nil(json.Unmarshal(rec.Body.Bytes(), out))
	}
}

func (w *world) fault(name string, times int, match string) {
	w.t.Helper()
	w.hook("POST", "faults", map[string]any{"fault": name, "times": times, "match": match}, nil)
}

// console changes a database as somebody in the cloud console would.
func (w *world) console(name string, set map[string]any) {
	w.t.Helper()
	w.hook("POST", "database", map[string]any{"name": name, "set": set}, nil)
}

// fleetDB is a database as the hook shows it.
type fleetDB struct {
	ID           int               `json:"id"`
	Subscription int               `json:"subscription_id"`
	Name         string            `json:"name"`
	Version      string            `json:"redis_version"`
	Status       string            `json:"status"`
	Port         int               `json:"port"`
	Endpoint     string            `json:"endpoint"`
	Keys         int               `json:"keys"`
	Digest       string            `json:"digest"`
	Shards       int               `json:"shards"`
	SourceIPs    []string          `json:"source_ips"`
	Tags         map[string]string `json:"tags"`
}

func (w *world) databases() []fleetDB {
	w.t.Helper()
	var all []fleetDB
	w.hook("GET", "databases", nil, &all)
	return all
}

// find is the database of that name; the zero value when there is none.
func (w *world) find(name string) fleetDB {
	w.t.Helper()
	for _, d := range w.databases() {
		if d.Name == name {
			return d
		}
	}
	return fleetDB{}
}

func (d fleetDB) ref() cloud.Ref {
	return cloud.Ref{Plan: cloud.Pro, Subscription: d.Subscription, Database: d.ID}
}

// storedFile is a backup file as the hook shows it.
type storedFile struct {
	URI       string `json:"uri"`
	Shards    int    `json:"shards"`
	SetDigest string `json:"set_digest"`
	Version   string `json:"version"`
}

// newest are the files of the latest backup of a database.
func (w *world) newest(name string) []storedFile {
	w.t.Helper()
	var all map[string][]storedFile
	w.hook("GET", "backups", nil, &all)
	files := all[name]
	if len(files) == 0 {
		w.t.Fatalf("no backup of %s", name)
	}
	return files[len(files)-files[len(files)-1].Shards:]
}

func (w *world) keys(name string) map[string]string {
	w.t.Helper()
	var out struct{ Keys map[string]string }
	w.hook("GET", "keys?name="+name, nil, &out)
	return out.Keys
}

// accepted is one accepted changing call.
type accepted struct {
	At       time.Time `json:"at"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Resource int       `json:"resource_id"`
	Outcome  string    `json:"outcome"`
	Error    string    `json:"error"`
}

func (w *world) ledger() []accepted {
	w.t.Helper()
	var all []accepted
	w.hook("GET", "ledger", nil, &all)
	return all
}

// calls counts accepted changing calls whose "METHOD path" ends like that.
func (w *world) calls(method, suffix string) int {
	w.t.Helper()
	n := 0
	for _, c := range w.ledger() {
		if c.Method == method && bytes.HasSuffix([]byte(c.Path), []byte(suffix)) {
			n++
		}
	}
	return n
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

// act lets a person act until the bot has an answer: what fails for technical
// reasons is delivered again, as the inbox does.
func (w *world) act(try func(*replica) (Session, error)) (Session, *Refusal) {
	w.t.Helper()
	var last error
	for range 40 {
		s, err := try(w.engine())
		if err == nil {
			return s, nil
		}
		if r, ok := AsRefusal(err); ok && r.Code != Unreachable {
			return s, r
		}
		last = err
		time.Sleep(2 * time.Second)
	}
	w.t.Fatalf("no answer to a person: %v", last)
	return Session{}, nil
}

// must is act for what has to succeed.
func (w *world) must(try func(*replica) (Session, error)) Session {
	w.t.Helper()
	s, r := w.act(try)
	if r != nil {
		w.t.Fatalf("refused: %s: %s", r.Code, r)
	}
	return s
}

func (w *world) propose(name, to string, adjust ...func(*Request)) Session {
	w.t.Helper()
	return w.must(w.request(name, to, adjust...))
}

func (w *world) request(name, to string, adjust ...func(*Request)) func(*replica) (Session, error) {
	r := Request{Origin: "modal " + name + to, By: ann, Ref: w.find(name).ref(), To: to, Reason: "support ends", Home: "D0ANN"}
	for _, a := range adjust {
		a(&r)
	}
	return func(e *replica) (Session, error) { return e.Propose(w.ctx, r) }
}

func (w *world) approve(s Session, by approvals.Voter) Session {
	w.t.Helper()
	return w.must(w.vote(s, by))
}

func (w *world) vote(s Session, by approvals.Voter) func(*replica) (Session, error) {
	return func(e *replica) (Session, error) {
		return e.Approve(w.ctx, Click{Session: s.ID, Ask: s.Ask, By: by, Typed: s.ConfirmText()})
	}
}

// limit is the virtual time after which a session counts as stuck.
const limit = 40 * time.Hour

// until lets time pass until the session is as wanted.
func (w *world) until(id, want string, is func(Session) bool) Session {
	w.t.Helper()
	begin := time.Now()
	for {
		w.engine()
		s := w.load(id)
		if is(s) {
			return s
		}
		if time.Since(begin) > limit {
			w.t.Fatalf("stuck waiting for %s: %s\nlog:\n%s", want, describe(s), tail(w.log.String()))
		}
		time.Sleep(w.tick)
	}
}

func tail(s string) string { return s[max(0, len(s)-6000):] }

func describe(s Session) string {
	c := "no call"
	if s.Call != nil {
		c = fmt.Sprintf("call %s %s intent %d outcome %q %s %s", s.Call.Key, s.Call.Phase, s.Call.Intent, s.Call.Outcome, s.Call.Code, s.Call.Error)
	}
	return fmt.Sprintf("%s is %s at %d, %s, cancelled by %q, problem %q, progress %+v", s.ID, s.State, s.Revision, c, s.CancelBy, s.Problem, s.Progress)
}

func (w *world) untilState(id string, want State) Session {
	w.t.Helper()
	return w.until(id, string(want), func(s Session) bool { return s.State == want })
}

func (w *world) untilEnded(id string) Session {
	w.t.Helper()
	return w.until(id, "an end", func(s Session) bool { return s.Ended })
}

// wantEnd waits for the end and compares it.
func (w *world) wantEnd(id string, want State) Session {
	w.t.Helper()
	s := w.untilEnded(id)
	if s.State != want {
		w.t.Fatalf("ended %s, want %s: %s\nlog:\n%s", s.State, want, describe(s), tail(w.log.String()))
	}
	return s
}

// upgraded brings a database to a version, with everybody's consent.
func (w *world) upgraded(name, to string) Session {
	w.t.Helper()
	s := w.propose(name, to)
	w.approve(s, bob)
	return w.wantEnd(s.ID, Done)
}

// revertOf asks to take an upgrade back with the newest files of its backup.
func (w *world) revertOf(up Session, files string) func(*replica) (Session, error) {
	return func(e *replica) (Session, error) {
		return e.ProposeRevert(w.ctx, RevertRequest{Origin: "revert " + up.ID, Upgrade: up.ID, By: ann, Files: files,
			Name: up.Plan.Name, Reason: "clients break", Home: "D0ANN"})
	}
}

func (w *world) filesOf(name string) string {
	w.t.Helper()
	text := ""
	for _, f := range w.newest(name) {
		text += f.URI + "\n"
	}
	return text
}
