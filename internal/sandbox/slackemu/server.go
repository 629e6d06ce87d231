package slackemu

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Config says which workspace to emulate. The zero value of every field but the
// tokens has a working default.
type Config struct {
	// Now is the visible clock: message time stamps, hashes, the 30 minutes of
	// a response URL. Default time.Now.
	Now func() time.Time

	// Speed multiplies the rate limits and divides the delays between
	// redeliveries of an event. It never scales the three-second rules.
	// Default 1.
	Speed func() float64

	// Seed makes ids, and the choice among several sockets, repeatable.
	Seed uint64

	// BotToken and AppToken are the only tokens that are accepted.
	BotToken, AppToken string

	// Scopes are those of the bot token. Default: those of manifest.yml.
	Scopes []string

	// Command is the only registered slash command. Default "/redis-upgrade".
	Command string

	// CommandHint and CommandText are its usage hint and description, which Slack
	// shows to whoever types it.
	CommandHint, CommandText string

	// Shortcuts are the callback ids of the registered message shortcuts;
	// ShortcutNames is how Slack's menu calls them, by id.
	Shortcuts     []string
	ShortcutNames map[string]string

	// Log hears what a developer should know: refused acknowledgements,
	// unknown arguments. Never tokens. Default: silence.
	Log *slog.Logger
}

// Server is one emulated workspace with one installed app. It is safe for
// concurrent use. Close it to end its goroutines.
type Server struct {
	cfg      Config
	log      *slog.Logger
	methods  map[string]method
	scopes   []string      // granted to the bot token
	patience time.Duration // for an acknowledgement: three seconds, but in tests of its absence
	upgrader websocket.Upgrader

	done chan struct{}  // closed by Close
	once sync.Once      // guards done
	wg   sync.WaitGroup // sockets, redeliveries, deliveries under way

	// mu owns every field below. It is never held during network input or
	// output.
	mu       sync.Mutex
	rand     *rand.Rand
	lastTS   int64 // microseconds; time stamps never repeat
	people   []person
	groups   []group
	rooms    []*room
	views    map[string]*view   // open modals and published homes, by id
	stacks   map[string][]*view // open modals by user, top last
	homes    map[string]*view   // published home tabs by user
	triggers map[string]*trigger
	urls     map[string]*responseURL
	// How many triggers and addresses there may be before old ones are swept.
	triggerSweep, urlSweep int
	uploads                map[string]*upload
	scheduled              []*scheduledMessage
	partner, grid          bool // what there is beyond the workspace: see hookWorkspace
	orgInstall             bool
	tickets                map[string]bool // issued by apps.connections.open, not yet dialled
	conns                  []*conn
	connSeq                int
	waiting                map[string]*envelope // sent, not acknowledged, not given up
	journal                ring[*envelopeEntry]
	calls                  ring[*callEntry]
	faults                 []*fault
	buckets                map[string]*bucket
	limits                 limitMode
	watchers               map[chan struct{}]struct{}
}

// New returns a workspace with its people, groups and channels, in which
// nothing has been said yet.
func New(c Config) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Speed == nil {
		c.Speed = func() float64 { return 1 }
	}
	if c.Scopes == nil {
		c.Scopes = grantedScopes()
	}
	if c.Command == "" {
		c.Command = "/redis-upgrade"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	s := &Server{
		cfg:      c,
		log:      c.Log,
		methods:  methodTable(),
		scopes:   c.Scopes,
		patience: ackDeadline,
		upgrader: websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }},
		done:     make(chan struct{}),
		rand:     rand.New(rand.NewPCG(c.Seed, 0x51ac)),
		people:   builtinPeople(),
		groups:   builtinGroups(),
		views:    map[string]*view{},
		stacks:   map[string][]*view{},
		homes:    map[string]*view{},
		triggers: map[string]*trigger{},
		urls:     map[string]*responseURL{},
		uploads:  map[string]*upload{},
		tickets:  map[string]bool{},
		waiting:  map[string]*envelope{},
		journal:  ring[*envelopeEntry]{limit: journalSize},
		calls:    ring[*callEntry]{limit: journalSize},
		buckets:  map[string]*bucket{},
		limits:   limitsOn,
		watchers: map[chan struct{}]struct{}{},
	}
	s.rooms = builtinRooms(s.people)
	return s
}

// Connected is the number of sockets that have said hello and are not being
// recycled: those among which the next payload will be dealt.
func (s *Server) Connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.liveConns())
}

// Subscribe returns a channel that is poked after every change that a hook
// would show, and a function that ends the subscription. Pokes are dropped
// while one is pending; the channel is never closed.
func (s *Server) Subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	s.watchers[ch] = struct{}{}
	s.mu.Unlock()
	return ch, func() {
		s.mu.Lock()
		delete(s.watchers, ch)
		s.mu.Unlock()
	}
}

// changed pokes everybody who watches. mu is held.
func (s *Server) changed() {
	for ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default: // a poke is already waiting
		}
	}
}

// Close cuts all sockets, gives up everything under way and returns when no
// goroutine of the server is left. Hooks that still wait answer at once.
func (s *Server) Close() {
	s.once.Do(func() {
		s.mu.Lock()
		close(s.done)
		conns := append([]*conn(nil), s.conns...)
		s.mu.Unlock()
		for _, c := range conns {
			c.cut()
		}
	})
	s.wg.Wait()
}

// begin counts a goroutine in, unless the server is closing. mu is held.
func (s *Server) begin() bool {
	select {
	case <-s.done:
		return false
	default:
		s.wg.Add(1)
		return true
	}
}
