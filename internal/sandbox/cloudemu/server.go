package cloudemu

import (
	"container/heap"
	"math/rand/v2"
	"sync"
	"time"
)

// Config says what to emulate. Now is required; everything else has a default.
type Config struct {
	// Now is the emulator's clock: wall time plus an offset. It may jump forward.
	Now func() time.Time
	// Speed divides every emulated duration and the length of a rate limit's
	// minute. Default 1. It may change while the server runs.
	Speed func() float64
	// Seed decides names, ids, task ids, passwords and keys.
	Seed uint64
	// Key and Secret are the only accepted x-api-key and x-api-secret-key.
	// Defaults: sandbox-account-key, sandbox-secret-key.
	Key, Secret string
	// Fleet is what the account owns at the start. Default DefaultFleet().
	Fleet Fleet
	// Databases adds so many generated databases gen-001 … in further subscriptions.
	Databases int
}

// Server is one emulated account. All methods may be used at the same time.
type Server struct {
	cfg Config

	// mu is owned by the request being answered, from the playing of due
	// events to the last byte it reads of the state; it guards all fields below.
	mu sync.Mutex

	clock  time.Time // the moment being played; never moves back
	speed  float64   // Config.Speed as of clock
	events eventList
	serial int64
	chance *rand.Rand

	account       account
	subscriptions []*subscription
	addresses     map[string]*database      // static and dynamic host:port; nil: index rebuilds it and links
	links         map[*database][]*database // source to Active-Passive targets
	applications  []*application
	lastDatabase  int // highest database id given out

	tasks        []*task // oldest first
	taskByID     map[string]*task
	queue        []*task // queue[0] is being worked on
	objects      map[string]*backupFile
	ledger       []*ledgerEntry
	faults       map[string]*faultState
	roles        []*aclRole
	redirections map[string]*redirection
	logs         []logEntry
	window       rateWindow

	pokes map[chan struct{}]bool
}

// New builds the account. The fleet must be one that ParseFleet or
// DefaultFleet gave.
func New(cfg Config) *Server {
	if cfg.Speed == nil {
		cfg.Speed = func() float64 { return 1 }
	}
	if cfg.Key == "" {
		cfg.Key = "sandbox-account-key"
	}
	if cfg.Secret == "" {
		cfg.Secret = "sandbox-secret-key"
	}
	if len(cfg.Fleet.Subscriptions) == 0 {
		cfg.Fleet = DefaultFleet()
	}
	s := &Server{
		cfg:          cfg,
		clock:        cfg.Now(),
		speed:        positive(cfg.Speed()),
		chance:       rand.New(rand.NewPCG(cfg.Seed, 1)),
		taskByID:     map[string]*task{},
		objects:      map[string]*backupFile{},
		faults:       map[string]*faultState{},
		redirections: map[string]*redirection{},
		pokes:        map[chan struct{}]bool{},
	}
	s.window.phase = time.Duration(s.chance.Int64N(int64(time.Minute)))
	s.build()
	return s
}

// Subscribe gives a channel that receives after requests that changed
// something. Sends never block, so several changes may arrive as one. The
// second result ends the subscription.
func (s *Server) Subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pokes[c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.pokes, c)
	}
}

// poke tells all subscribers that something changed.
func (s *Server) poke() {
	for c := range s.pokes {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// event is one thing that will happen.
type event struct {
	at     time.Time
	serial int64 // order of events of the same moment
	do     func()
}

// eventList is a heap, earliest first.
type eventList []*event

func (l eventList) Len() int { return len(l) }
func (l eventList) Less(i, j int) bool {
	if l[i].at.Equal(l[j].at) {
		return l[i].serial < l[j].serial
	}
	return l[i].at.Before(l[j].at)
}
func (l eventList) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *eventList) Push(x any)   { *l = append(*l, x.(*event)) }
func (l *eventList) Pop() any {
	old := *l
	last := old[len(old)-1]
	*l = old[:len(old)-1]
	return last
}

// after lets do happen when the emulated duration d has passed.
func (s *Server) after(d time.Duration, do func()) {
	s.serial++
	heap.Push(&s.events, &event{at: s.clock.Add(s.scaled(d)), serial: s.serial, do: do})
}

// scaled is how long the emulated duration d lasts on the clock.
func (s *Server) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.speed)
}

// advance plays everything that is due by now. Every request begins with it.
func (s *Server) advance() {
	now := s.cfg.Now()
	if now.Before(s.clock) {
		now = s.clock
	}
	if speed := positive(s.cfg.Speed()); speed != s.speed {
		s.changeSpeed(speed)
	}
	played := false
	for len(s.events) > 0 && !s.events[0].at.After(now) {
		e := heap.Pop(&s.events).(*event)
		s.runApplications(e.at)
		s.clock = e.at
		e.do()
		played = true
	}
	s.runApplications(now)
	s.clock = now
	if played {
		s.poke()
	}
}

// changeSpeed moves what is still to come, so that a long wait begun at a slow
// speed ends soon at a fast one.
func (s *Server) changeSpeed(speed float64) {
	move := func(at time.Time) time.Time {
		return s.clock.Add(time.Duration(float64(at.Sub(s.clock)) * s.speed / speed))
	}
	for _, e := range s.events {
		e.at = move(e.at) // keeps the order, so the heap stays one
	}
	for _, a := range s.applications {
		a.next = move(a.next)
	}
	s.speed = speed
}

func positive(speed float64) float64 {
	if speed <= 0 {
		return 1
	}
	return speed
}

// stamp writes a time as the API does: whole seconds, finer only where a
// faster clock would make different moments look the same.
func (s *Server) stamp(t time.Time) string {
	if s.speed > 1 {
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}
