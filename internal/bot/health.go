package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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

	mu      sync.Mutex // guards the rest
	sockets [connections]bool
	up      bool          // Redis answers
	changed chan struct{} // closed and replaced when up changes
}

func newHealth(store *session.Store, index *inventory.Index, log *slog.Logger) *health {
	return &health{store: store, inventory: index, log: log, changed: make(chan struct{})}
}

// Redis is looked at every beat; it is away when it has not answered for
// patience, and back with its first answer.
const (
	beat     = 500 * time.Millisecond
	patience = 2 * time.Second
)

// watch looks at Redis until ctx ends.
func (h *health) watch(ctx context.Context) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	last := time.Time{}
	for {
		ask, cancel := context.WithTimeout(ctx, patience/2)
		err := h.store.Ping(ask)
		cancel()
		now := time.Now()
		if err == nil {
			last = now
		}
		h.setStore(now.Sub(last) < patience)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (h *health) setStore(up bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.up == up {
		return
	}
	h.log.Info("Redis", "answers", up)
	h.up = up
	close(h.changed)
	h.changed = make(chan struct{})
}

// waitStore returns when Redis is up, or not up, as asked.
func (h *health) waitStore(ctx context.Context, up bool) error {
	for {
		h.mu.Lock()
		is, changed := h.up, h.changed
		h.mu.Unlock()
		if is == up {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

func (h *health) socket(n int, open bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sockets[n] != open {
		h.log.Info("socket", "connection", n, "open", open)
	}
	h.sockets[n] = open
}

// ready is nil when this replica can take a payload and act on it.
func (h *health) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var problems []error
	if !h.up {
		problems = append(problems, errors.New("no answer from Redis"))
	}
	open := false
	for _, s := range h.sockets {
		open = open || s
	}
	if !open {
		problems = append(problems, errors.New("no socket to Slack"))
	}
	if !h.inventory.Ready() {
		problems = append(problems, errors.New("the list of databases has not been read yet"))
	}
	return errors.Join(problems...)
}

// serve answers /healthz (the process runs) and /readyz (it can work).
func (h *health) serve(ctx context.Context, addr string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		err := h.ready()
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_ = json.NewEncoder(w).Encode(map[string]any{"ready": false, "problems": err.Error()})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"ready": true, "inventory_age_seconds": int(h.inventory.Age().Seconds())})
	})
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("HEALTH_ADDR: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}
