package cloudtest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/memnet"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

const sealKey = "seal-key-of-the-tests"

var (
	ann = approvals.Voter{ID: "U0ANN", Name: "ann", Member: true, Known: true}
	bob = approvals.Voter{ID: "U0BOB", Name: "bob", Member: true, Approver: true, Known: true}
	dan = approvals.Voter{ID: "U0DAN", Name: "dan", Member: true, OnCall: true, Known: true}
	eva = approvals.Voter{ID: "U0EVA", Name: "eva", Member: true, OnCall: true, Known: true}
)

type roster map[string]approvals.Voter

func (r roster) Voter(_ context.Context, user string) (approvals.Voter, error) { return r[user], nil }
func (r roster) Under(_ context.Context, user string, _ approvals.Policy) (approvals.Voter, error) {
	return r[user], nil
}

// world is an engine between an in-memory Redis and the emulator, in a
// testing/synctest bubble.
type world struct {
	t      testing.TB
	emu    *cloudemu.Server
	engine *upgrade.Engine
	store  *session.Store
	index  *inventory.Index
	client *cloud.Client
	log    *lines

	mu     sync.Mutex
	strike *strike        // guarded by mu; nil: none left
	struck string         // guarded by mu: the call that the fault met
	counts map[string]int // guarded by mu: calls so far, by form
}

// strike switches a fault on right before the emulator sees a certain call.
type strike struct {
	fault string
	call  string // "POST /databases/#/upgrade": method and end of the path, ids as #
	nth   int    // of these calls, from 1
	times int
	also  string        // another fault, once
	heals time.Duration // after which the fault is switched off; 0: never
}

// lines keeps what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.text.String()
	return s[max(0, len(s)-4000):]
}

// engineConfig polls rarely: a life then has few looks that are all alike.
func engineConfig() upgrade.Config {
	return upgrade.Config{
		Mode: upgrade.ModeFull, Upgrades: approvals.Upgrade(1), Reverts: approvals.Revert(2),
		Soak: 2 * time.Minute, Poll: time.Minute, StatusEvery: 5 * time.Minute, ProbeEvery: time.Minute,
		SendTimeout: 5 * time.Second, Grace: 30 * time.Second, Patience: time.Hour, Disbelief: time.Hour,
		Lease: 10 * time.Second, Workers: 4,
		Idle: time.Hour, // there are no other processes whose leavings have to be seen
	}
}

// newWorld builds a world in the bubble it is called in.
func newWorld(t testing.TB, fleet cloudemu.Fleet) *world {
	t.Helper()
	w := &world{t: t, log: &lines{}, counts: map[string]int{},
		emu: cloudemu.New(cloudemu.Config{Now: time.Now, Seed: 7, Fleet: fleet})}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	mini, lis := miniredis.NewMiniRedis(), memnet.Listen()
	mini.ClockTTL(true)
	web := &http.Server{Handler: w.around(w.emu.API()), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = web.Serve(lis) }()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", ContextTimeoutEnabled: true, MaxRetries: -1,
		Dialer: func(context.Context, string, string) (net.Conn, error) { return mini.Dial() }})
	w.store = session.New(rdb, session.Config{SealKey: []byte(sealKey), Lives: upgrade.Lives(), Log: log})
	account := cloud.Config{URL: "http://127.0.0.1:8080/cloud", Key: accountKey, Secret: secretKey, Dial: lis.Dial, Log: log,
		Jitter: func(n time.Duration) time.Duration { return n / 2 }}
	var err error
	w.client, err = cloud.New(account)
	must(t, err)
	sender, err := calls.New(engineConfig().Calls(), account, w.client, func(cloud.Ref) string { return "" })
	must(t, err)
	w.index = inventory.New(inventory.Config{Cloud: w.client, Redis: rdb, TagsPerRefresh: -1, Every: 1000 * time.Hour, Log: log})
	must(t, w.index.Refresh(t.Context()))
	sealer, err := upgrade.NewSealer(zeroes{}, []byte(sealKey))
	must(t, err)
	w.engine = upgrade.New(engineConfig(), upgrade.Parts{Store: w.store, Cloud: w.client, Calls: sender, Inventory: w.index,
		Roles: roster{ann.ID: ann, bob.ID: bob, dan.ID: dan, eva.ID: eva}, Sealer: sealer, Log: log})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.engine.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
		w.client.Close()
		must(t, web.Close())
		must(t, rdb.Close())
		mini.Close()
	})
	return w
}

// zeroes is a source of chance without chance.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// around counts calls by form and lets the strike fall.
func (w *world) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		call := req.Method + " " + form(strings.TrimPrefix(req.URL.Path, "/cloud/v1"))
		w.mu.Lock()
		s := w.strike
		if s != nil && strings.HasSuffix(call, s.end()) && strings.HasPrefix(call, s.method()) {
			if w.counts[s.call]++; w.counts[s.call] == s.nth {
				w.strike, w.struck = nil, call
			} else {
				s = nil
			}
		} else {
			s = nil
		}
		w.mu.Unlock()
		if s != nil {
			name, match, _ := strings.Cut(s.fault, " ")
			hook(w.t, w.emu, "POST", "faults", map[string]any{"fault": name, "times": s.times, "match": match}, nil)
			if s.heals > 0 {
				time.AfterFunc(s.heals, func() {
					hook(w.t, w.emu, "POST", "faults", map[string]any{"fault": name, "times": 0}, nil)
				})
			}
			if s.also != "" {
				hook(w.t, w.emu, "POST", "faults", map[string]any{"fault": s.also, "times": 1}, nil)
			}
		}
		next.ServeHTTP(rw, req)
	})
}

func (s *strike) method() string { m, _, _ := strings.Cut(s.call, " "); return m + " " }
func (s *strike) end() string    { _, end, _ := strings.Cut(s.call, " "); return end }

// form is a path with # for every id.
func form(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if p != "" && (strings.Trim(p, "0123456789") == "" || strings.Count(p, "-") == 4) {
			parts[i] = "#"
		}
	}
	return strings.Join(parts, "/")
}

// aim readies a strike.
func (w *world) aim(s strike) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.strike, w.struck = &s, ""
	clear(w.counts)
}

func (w *world) met() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.struck
}

// load reads a session past the engine's refusals.
func (w *world) load(id string) upgrade.Session {
	w.t.Helper()
	r, err := w.store.Load(context.Background(), id)
	must(w.t, err)
	s, err := upgrade.Decode(r)
	must(w.t, err)
	return s
}

// act lets a person act until the bot has an answer that is not about a line
// being down; what is only technical is tried again, as the inbox does.
func (w *world) act(try func(context.Context) (upgrade.Session, error)) (upgrade.Session, *upgrade.Refusal) {
	w.t.Helper()
	var last error
	for range 10 {
		s, err := try(context.Background())
		if err == nil {
			return s, nil
		}
		if r, ok := upgrade.AsRefusal(err); ok {
			return s, r
		}
		last = err
		time.Sleep(10 * time.Second)
	}
	w.t.Fatalf("no answer to a person: %v", last)
	return upgrade.Session{}, nil
}

func (w *world) propose(name, to string) (upgrade.Session, *upgrade.Refusal) {
	w.t.Helper()
	r := upgrade.Request{Origin: "modal " + name + to, By: ann, Ref: named(w.t, w.emu, name).ref(), To: to, Reason: "support ends", Home: "D0ANN"}
	return w.act(func(ctx context.Context) (upgrade.Session, error) { return w.engine.Propose(ctx, r) })
}

func (w *world) proposeRevert(up upgrade.Session, files string) (upgrade.Session, *upgrade.Refusal) {
	w.t.Helper()
	r := upgrade.RevertRequest{Origin: "revert " + up.ID, Upgrade: up.ID, By: ann, Files: files, Name: up.Plan.Name, Reason: "clients break", Home: "D0ANN"}
	return w.act(func(ctx context.Context) (upgrade.Session, error) { return w.engine.ProposeRevert(ctx, r) })
}

// vote says yes for everybody who is asked.
func (w *world) vote(s upgrade.Session) {
	w.t.Helper()
	voters := []approvals.Voter{bob}
	if s.Kind == upgrade.KindRevert {
		voters = append(voters, dan)
	}
	for _, v := range voters {
		s := w.load(s.ID)
		_, _ = w.act(func(ctx context.Context) (upgrade.Session, error) {
			return w.engine.Approve(ctx, upgrade.Click{Session: s.ID, Ask: s.Ask, By: v, Typed: s.ConfirmText()})
		})
	}
}
