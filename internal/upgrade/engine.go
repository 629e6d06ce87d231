package upgrade

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// Mode is how far the bot may go.
type Mode = calls.Mode

// The modes.
const (
	ModeObserve = calls.Observe  // no changing call
	ModeUpgrade = calls.Upgrades // no delete, create or redirect
	ModeFull    = calls.Full
)

// Config is what an Engine needs to know.
type Config struct {
	Mode         Mode
	Allow        []int    // subscriptions it may touch; empty: all
	Destinations []string // BACKUP_DESTINATIONS: further places that import files may come from
	Upgrades     approvals.Policy
	Reverts      approvals.Policy
	Soak         time.Duration // watch after success
	Poll         time.Duration // between looks at work in flight
	StatusEvery  time.Duration // between looks while soaking or blocked
	ProbeEvery   time.Duration // between two status tasks of the account
	SendTimeout  time.Duration // from intent to the last moment in which the request may leave
	Grace        time.Duration // after the send deadline, before anybody asks what happened
	Patience     time.Duration // how long a refusal that may pass by itself is tried again
	Disbelief    time.Duration // how long a delete or import without an answer cannot be declared "did not happen"
	Lease        time.Duration // how long a claimed session is left to its replica
	Workers      int           // sessions looked at in parallel
	Idle         time.Duration // longest sleep between two claims: what a dead replica leaves is seen within Lease + Idle; zero: half a second
}

// Calls is the part that whoever sends the changing calls needs.
func (c Config) Calls() calls.Config {
	return calls.Config{Mode: c.Mode, Allow: c.Allow, SendTimeout: c.SendTimeout, Grace: c.Grace,
		Poll: c.Poll, StatusEvery: c.StatusEvery, ProbeEvery: c.ProbeEvery, Patience: c.Patience}
}

// Roles answers who somebody is, now; membership is never older than a minute
// and unknown means no.
type Roles interface {
	Voter(ctx context.Context, user string) (approvals.Voter, error)
	// Under is Voter by a session's own rule, whatever is configured now.
	Under(ctx context.Context, user string, rule approvals.Policy) (approvals.Voter, error)
}

// Parts are what an Engine works with.
type Parts struct {
	Store     *session.Store
	Cloud     *cloud.Client
	Calls     *calls.Sender
	Inventory Inventory
	Roles     Roles
	Sealer    *Sealer
	Name      string // of this replica, among the others; empty: the others do not hear of it
	Log       *slog.Logger
}

// Engine moves sessions.
type Engine struct {
	cfg       Config
	mode      Mode
	store     *session.Store
	cloud     *cloud.Client
	calls     *calls.Runner
	inventory Inventory
	roles     Roles
	sealer    *Sealer
	log       *slog.Logger
	wake      chan struct{}
	places    *places // of looks that read Redis Cloud
	name      string
	silent    atomic.Pointer[[]string] // replicas that died; see beat

	distrust struct {
		sync.Mutex
		at map[string]time.Time // sessions that are not believed, when they were last found so
	}
}

// New wires an Engine; Run starts it.
func New(cfg Config, p Parts) *Engine {
	cfg.Idle = cmp.Or(cfg.Idle, 500*time.Millisecond)
	e := &Engine{cfg: cfg, mode: cfg.Mode, store: p.Store, cloud: p.Cloud, calls: calls.NewRunner(cfg.Calls(), p.Calls, p.Cloud, p.Store, p.Log),
		inventory: p.Inventory, roles: p.Roles, sealer: p.Sealer, log: p.Log, wake: make(chan struct{}, 1), places: newPlaces(), name: p.Name}
	e.distrust.at = map[string]time.Time{}
	return e
}

// now is the store's time in the form in which it is stored. No replica's clock
// decides anything.
func (e *Engine) now() time.Time { return e.store.Now().UTC().Truncate(time.Millisecond) }

// dated is when, by now, a date comes that somebody has named; zero for none.
func (e *Engine) dated(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(e.store.Shift())
}

// Load reads one session. A missing one is a Refusal.
func (e *Engine) Load(ctx context.Context, id string) (Session, error) {
	r, err := e.store.Load(ctx, id)
	if errors.Is(err, session.ErrNotFound) {
		return Session{}, refuse(NotFound, "There is no upgrade or revert %s.", id)
	}
	if err != nil {
		return Session{}, fmt.Errorf("load session %s: %w", id, err)
	}
	return decode(r)
}

// move is one event with what travels with it.
type move struct {
	event   Event
	by      string // user id; empty: the bot itself
	note    string // a milestone in words for the thread; empty: none
	data    any    // details for the journal; never a secret
	due     time.Duration
	linger  bool // due also where the move ends the session
	ask     bool
	holds   []session.Hold
	confirm bool // must not be forgotten: replicas confirm it where there are any

	owner    bool      // only while the session holds its database
	unless   string    // only while this flag is not set
	notAfter time.Time // only until then, by Redis' clock
}

// advance makes one move. change may be nil. The session that comes back is
// the stored one; on an error nothing was stored, or it is not known, except
// with session.ErrUnconfirmed, which comes with the stored one.
func (e *Engine) advance(ctx context.Context, s Session, m move, change func(*Body)) (Session, error) {
	sm, err := e.prepare(s, m, change)
	if err != nil {
		return s, err
	}
	rec, err := e.store.Advance(ctx, sm, m.holds...)
	if err != nil {
		err = fmt.Errorf("%s %s of %s: %w", s.ID, m.event, s.State, err)
	}
	if err != nil && !errors.Is(err, session.ErrUnconfirmed) {
		return s, err
	}
	e.poke()
	stored, unreadable := decode(rec)
	return stored, errors.Join(err, unreadable)
}

func (e *Engine) prepare(s Session, m move, change func(*Body)) (session.Move, error) {
	body := s.clone()
	body.Worker = e.name
	if change != nil {
		change(&body)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return session.Move{}, fmt.Errorf("encode session %s: %w", s.ID, err)
	}
	var data []byte
	if m.data != nil {
		if data, err = json.Marshal(m.data); err != nil {
			return session.Move{}, fmt.Errorf("encode journal data of %s: %w", s.ID, err)
		}
	}
	return session.Move{Record: s.record, Event: string(m.event), By: m.by, Note: m.note, Data: data, At: e.now(),
		Body: raw, Ask: m.ask, Due: m.due, Linger: m.linger, Urgency: urgency(m.event), Confirm: m.confirm, Owner: m.owner, Unless: m.unless, NotAfter: m.notAfter}, nil
}

// urgency is the head start of a card that people wait for.
func urgency(ev Event) time.Duration {
	switch ev {
	case Propose, Revise, Block, Rehearse:
		return 30 * time.Second
	case Fail:
		return 20 * time.Second
	case Finish, Undo, Cancel, Deny, Expire:
		return 10 * time.Second
	}
	return 0
}

func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Run looks at due sessions until ctx ends, then waits for the looks in hand.
func (e *Engine) Run(ctx context.Context) error {
	if e.name != "" {
		var beating sync.WaitGroup
		defer beating.Wait()
		beating.Go(func() { e.beat(ctx) })
	}
	return e.store.Due().Work(ctx, session.Work{Lease: e.cfg.Lease, Workers: e.cfg.Workers, Idle: e.cfg.Idle, Wake: e.wake, Do: e.look, Log: e.log})
}

// retriesOfALook is how long reads that fail are tried again within a look. After
// that the card says so, and the queue is what waits.
const retriesOfALook = 10 * time.Second

// look loads a claimed session and runs its step.
func (e *Engine) look(ctx context.Context, it session.Item) {
	l := e.hold(ctx, it)
	defer l.release()
	s, err := e.Load(ctx, it.ID)
	if r, ok := AsRefusal(err); ok && r.Code == NotFound {
		e.standLost(ctx, l)
		return
	}
	if err != nil {
		e.log.Error("look", "session", it.ID, "error", err)
		l.reschedule(ctx, 30*time.Second)
		return
	}
	l.s = s
	if s.Ended {
		e.afterEnd(ctx, l)
		return
	}
	if s.Distrusted != "" {
		e.stand(ctx, l, s.Distrusted)
		return
	}
	e.believed(ctx, s.ID)
	if e.pickUp(ctx, l) {
		return // that move set its next look: now
	}
	if e.reads(s) {
		leave, ok := e.places.take(s)
		if !ok {
			l.reschedule(ctx, e.places.later(e.cfg.Poll))
			return
		}
		defer leave()
	}
	a, err := e.step(cloud.WithRetriesUntil(cloud.WithClass(ctx, s.class()), time.Now().Add(retriesOfALook)), l)
	var held *session.HeldError
	if errors.As(err, &held) && slices.Contains(l.s.record.Holds, held.Database) {
		err = e.suspect(ctx, l.s, "the lock of its database is not its own: "+held.Error())
	}
	switch {
	case errors.Is(err, session.ErrStale):
		return // somebody else moved it, and that move set its next look
	case errors.Is(err, session.ErrTampered):
		e.stand(ctx, l, err.Error())
	case err != nil && ctx.Err() != nil:
		l.reschedule(ctx, 0) // stopping: another replica looks, now
	case err != nil:
		e.log.Warn("step", "session", s.ID, "state", s.State, "error", err)
		if text := trouble(err); text != "" {
			p := l.s.Progress
			p.Text, p.Trouble = text, true
			l.observe(ctx, p)
		}
		l.reschedule(ctx, max(2*e.cfg.Poll, 100*time.Millisecond))
	default:
		l.settle(ctx, a)
	}
}

// settle gives the session back as an answer says.
func (l *lease) settle(ctx context.Context, a answer) {
	switch a := a.(type) {
	case later:
		l.reschedule(ctx, time.Duration(a))
	case over:
		_, _ = l.e.store.Due().Done(ctx, l.item())
	}
}

// trouble is what the card says of a step that cannot go on for now: somebody
// who looks at it should not have to read the log. Empty: it concerns nobody.
func trouble(err error) string {
	var unavailable *cloud.Unavailable
	var limited *cloud.RateLimited
	switch r := denied(err); {
	case r != nil:
		return r.Text + " Asking again."
	case errors.As(err, &limited):
		return "Redis Cloud's limit of requests is used up; asking again."
	case errors.As(err, &unavailable):
		return "Redis Cloud does not answer; asking again."
	case errors.Is(err, errNoWord):
		return "Slack does not say whether the approvals still stand; asking again."
	}
	return ""
}

// lease is a claimed session in this process's hands; the claim is renewed
// until release.
type lease struct {
	e  *Engine
	s  Session
	mu sync.Mutex // guards it
	it session.Item

	release func() // ends the renewal
}

func (e *Engine) hold(ctx context.Context, it session.Item) *lease {
	l := &lease{e: e, it: it}
	l.release = session.KeepLease(ctx, e.cfg.Lease, l.renew)
	return l
}

func (l *lease) renew(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, ok, err := l.e.store.Due().Renew(ctx, l.it, l.e.cfg.Lease)
	if err == nil && ok {
		l.it = next
	}
	return err != nil || ok // a store that is away is asked again; a lapsed claim is not
}

func (l *lease) item() session.Item {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.it
}

// handOver bounds the write that gives a session back.
const handOver = 2 * time.Second

func (l *lease) reschedule(ctx context.Context, in time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOver) // also while stopping
	defer cancel()
	if _, err := l.e.store.Due().Reschedule(ctx, l.it, in); err != nil {
		l.e.log.Warn("reschedule", "session", l.it.ID, "error", err)
	}
}

// observe shows progress without a move.
func (l *lease) observe(ctx context.Context, p Progress) {
	p.Revision = l.s.Revision
	if p == l.s.Progress {
		return
	}
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.e.store.Observe(ctx, l.it, raw); err != nil && ctx.Err() == nil {
		l.e.log.Warn("observe", "session", l.it.ID, "error", err)
	}
	l.s.Progress = p
}
