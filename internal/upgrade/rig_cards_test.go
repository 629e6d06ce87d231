package upgrade

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
)

// NewRoom makes a room for a world that wants one. It is set by package
// upgrade_test: the drawer of cards imports this package, so its tests cannot
// name it.
var NewRoom func(t testing.TB, idle time.Duration) Room

// Room is a Slack with a channel full of cards.
type Room interface {
	// ServeHTTP is Slack's Web API.
	http.Handler
	// Draw is one process's drawer; it draws until ctx ends.
	Draw(ctx context.Context, e *Engine, store *session.Store, client *http.Client)
	// Fault gives Slack that many bad answers.
	Fault(name string, times int)
	// Look says where cards and threads differ from records and journals. So
	// many messages may be there twice.
	Look(ctx context.Context, e *Engine, store *session.Store, twice int, ids ...string) []string
	Close()
}

// furnished is a world with a room, in which drawers look for work that often.
func furnished(idle time.Duration) func(*world) {
	return func(w *world) { w.room = NewRoom(w.t, idle) }
}

// checkCards: what people see is what is recorded.
func (w *world) checkCards(twice int, ids ...string) []string {
	w.t.Helper()
	return w.room.Look(w.ctx, w.engine().Engine, w.store, twice, ids...)
}
