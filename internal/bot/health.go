package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/session"
)

// health knows whether this replica can do its work.
type health struct {
	store     *session.Store
	inventory *inventory.Index
	log       *slog.Logger

	distrusted func() []string // sessions that are not believed

	settings, notes []string // of Redis' settings: what to mend, what is unknown; owned by watch

	mu       sync.Mutex        // guards the rest
	sockets  int               // connections that have said hello and are not closed
	socket   string            // why the last connection ended or could not be made
	slack    string            // why Slack's Web API cannot be used; empty: it can
	account  string            // why it is not known whose account of Redis Cloud this is; empty: it is
	up       bool              // Redis answers, and takes writes
	redis    error             // why not
	own      string            // why it is not known which database the bot lives in; empty: it is
	aside    string            // why this replica leaves the work to others; empty: it does not
	changed  chan struct{}     // closed and replaced when up or aside changes
	degraded map[string]string // what works in part only, and how to mend it
}

func newHealth(store *session.Store, index *inventory.Index, log *slog.Logger) *health {
	return &health{store: store, inventory: index, log: log, changed: make(chan struct{}),
		redis: errNotAsked, slack: "Slack has not said yet who this bot is", degraded: map[string]string{},
		distrusted: func() []string { return nil }}
}

var errNotAsked = errors.New("not asked yet")

// Redis is looked at every beat; it is away when it has not answered for
// patience, and back with its first answer.
const (
	beat     = 500 * time.Millisecond
	patience = 2 * time.Second
)

// watch looks at Redis until ctx ends: whether it takes writes at every beat; as
// soon as it does, and every so often, whether its settings endanger the memory and
// whether it is the server that it was.
func (h *health) watch(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var last, checked time.Time
	wrong := false // the clocks
	for {
		ask, cancel := context.WithTimeout(ctx, patience/2)
		err := h.store.Ping(ask)
		cancel()
		now := time.Now()
		if err == nil {
			last = now
			wrong = h.clocks(wrong)
		}
		back := h.setStore(now.Sub(last) < patience, err)
		if err == nil && (back || now.Sub(checked) >= every) {
			checked = now
			h.check(ctx)
			h.catchUp(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// check says what about the server's settings has to be mended, once until it
// changes.
func (h *health) check(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience/2)
	defer cancel()
	problems, notes, err := h.store.Check(ctx)
	if err != nil {
		return // the next beat tells
	}
	for _, n := range notes {
		if !slices.Contains(h.notes, n) {
			h.log.Info("setting of Redis is unknown", "note", n)
		}
	}
	h.notes = notes
	for _, p := range problems {
		if !slices.Contains(h.settings, p) {
			h.log.Warn("Redis has to be mended", "problem", p)
		}
	}
	h.settings = problems
	h.setDegraded("redis_settings", strings.Join(problems, "; "))
}

// catchUp has cards drawn again that a failover left behind.
func (h *health) catchUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience/2)
	defer cancel()
	cards, err := h.store.CatchUp(ctx, apart)
	if err != nil {
		h.log.Warn("look whether Redis failed over", "error", err)
	}
	if cards > 0 {
		h.log.Warn("an unknown Redis server answers, after a failover, a restart or a long pause: what it forgot is drawn again", "cards", cards)
	}
}

// apart is the time between two cards that are drawn again after a failover: less
// than half of what Slack allows, the rest is for those that move.
const apart = 3 * time.Second

// setStore notes how Redis answers, and reports whether it has come back.
func (h *health) setStore(up bool, err error) (back bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := err != nil && h.redis == errNotAsked
	if err != nil {
		h.redis = err
	}
	if h.up == up && !first {
		return false
	}
	if up {
		h.log.Info("Redis", "answers", up)
	} else {
		h.log.Error("Redis", "answers", up, "error", err)
	}
	if h.up == up {
		return false
	}
	h.up = up
	close(h.changed)
	h.changed = make(chan struct{})
	return up
}

// waitStore returns when Redis is up, or not up, as asked.
func (h *health) waitStore(ctx context.Context, up bool) error {
	return h.wait(ctx, func() bool { return h.up == up })
}

// wait returns when something is so; is runs with mu held.
func (h *health) wait(ctx context.Context, is func() bool) error {
	for {
		h.mu.Lock()
		so, changed := is(), h.changed
		h.mu.Unlock()
		if so {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Opened counts a connection that has said hello.
func (h *health) Opened(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets++
	h.log.Info("socket", "connection", n, "open", true, "sockets", h.sockets)
}

// Closed counts it off.
func (h *health) Closed(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets--
	h.log.Info("socket", "connection", n, "open", false, "sockets", h.sockets)
}

// Trouble notes why there may be no connection.
func (h *health) Trouble(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.socket = why
}

// setSlack notes why Slack's Web API cannot be used, or with "" that it can.
func (h *health) setSlack(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.slack == why:
	case why == "":
		h.log.Info("slack answers, and knows this bot")
	default:
		h.log.Error("slack cannot be used; work that was begun goes on without it", "problem", why)
	}
	h.slack = why
}

// setAccount notes why it is not known whose account of Redis Cloud this is, or
// with "" that it is.
func (h *health) setAccount(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.account != why && why != "" {
		h.log.Error("cannot begin to work", "problem", why)
	}
	h.account = why
}

// setAside notes why this replica leaves the work to others, or with "" that it
// does not.
func (h *health) setAside(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.aside == why {
		return
	}
	if h.aside = why; why != "" {
		h.log.Error("standing aside", "problem", why)
	} else {
		h.log.Info("no longer standing aside")
	}
	close(h.changed)
	h.changed = make(chan struct{})
}

// waitAside returns when this replica stands aside, or does not, as asked.
func (h *health) waitAside(ctx context.Context, aside bool) error {
	return h.wait(ctx, func() bool { return h.aside != "" == aside })
}

// setStoreProblem notes why it is not known which database the bot lives in, or
// with "" that it is.
func (h *health) setStoreProblem(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.own != why && why != "" {
		h.log.Error("nobody can ask for anything", "problem", why)
	}
	h.own = why
}

// setDegraded notes what works in part only, or with "" that it works.
func (h *health) setDegraded(what, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.degraded[what] == why {
		return
	}
	if h.degraded[what] = why; why != "" {
		h.log.Error("something has to be mended", "what", what, "problem", why)
		return
	}
	h.log.Info("mended", "what", what)
}

// partly is what works in part only: each by its name, with how to mend it.
func (h *health) partly() map[string]string {
	h.mu.Lock()
	out := maps.Clone(h.degraded)
	h.mu.Unlock()
	out["sessions"] = ""
	if ids := h.distrusted(); len(ids) > 0 {
		out["sessions"] = fmt.Sprintf("%d not believed, so nothing is sent for them: %s; "+
			"their cards say what differs, docs/operations.md what to do", len(ids), strings.Join(ids[:min(len(ids), namedAtMost)], ", "))
	}
	return out
}

// namedAtMost is how many sessions /readyz names.
const namedAtMost = 20

// condition is ready and the number of sockets, for the metrics.
func (h *health) condition() (ready bool, sockets int) {
	ready = len(h.problems()) == 0
	h.mu.Lock()
	defer h.mu.Unlock()
	return ready, h.sockets
}

// problems say why this replica cannot take a payload and act on it; none when
// it can.
func (h *health) problems() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var problems []string
	if !h.up {
		problems = append(problems, fmt.Sprintf("no answer from Redis: %v", h.redis))
	}
	if h.aside != "" {
		problems = append(problems, h.aside)
	}
	if h.own != "" {
		problems = append(problems, h.own)
	}
	if h.account != "" {
		problems = append(problems, h.account)
	}
	if h.slack != "" {
		problems = append(problems, h.slack)
	}
	if h.sockets == 0 {
		problems = append(problems, strings.TrimSuffix("no socket to Slack: "+h.socket, ": "))
	}
	if !h.inventory.Ready() {
		problems = append(problems, "the list of databases has not been read yet")
	}
	return append(problems, clockTrouble(h.store.Clock())...)
}

// serve answers /healthz (the process runs), /readyz (it can work) and /metrics.
func (h *health) serve(ctx context.Context, addr string, metrics http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.readyz)
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("HEALTH_ADDR: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 30 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug)}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

// readyz answers whether this replica can work, and why not; degraded is what has
// to be mended although it works.
func (h *health) readyz(w http.ResponseWriter, _ *http.Request) {
	out := struct {
		Ready        bool              `json:"ready"`
		Problems     []string          `json:"problems,omitempty"`
		Degraded     map[string]string `json:"degraded,omitempty"`
		InventoryAge int               `json:"inventory_age_seconds"`
	}{Problems: h.problems(), Degraded: h.partly(), InventoryAge: int(h.inventory.Age().Seconds())}
	maps.DeleteFunc(out.Degraded, func(_, why string) bool { return why == "" })
	out.Ready = len(out.Problems) == 0
	w.Header().Set("Content-Type", "application/json")
	if !out.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(out)
}
