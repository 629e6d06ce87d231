package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/thread"
)

type (
	state string
	event string
)

// errand is the life of the tests: small, with an end that still has a move.
var errand = session.Table[state, event]{
	"":        {"ask": "asked", "plan": "planned"},
	"planned": {"ask": "asked"},
	"asked":   {"begin": "busy", "cancel": "dropped", "vote": "asked", "edit": "asked"},
	"busy":    {"finish": "done", "yield": "lent", "note": "busy"},
	"lent":    {"return": "busy", "finish": "done"},
	"done":    {"reopen": "busy"},
}

func errandEnded(s state) bool { return s == "done" || s == "dropped" }

var lives = []session.Life{session.LifeOf("errand", 1, errand, errandEnded)}

// harness is a store on a server, with shorthands that fail the test.
type harness struct {
	*session.Store
	thread.Memory
	t      testing.TB
	ctx    context.Context
	rdb    redis.UniversalClient
	prefix string
	cfg    session.Config
}

func newHarness(t testing.TB, rdb redis.UniversalClient) *harness {
	prefix := "test-" + rand.Text()
	cfg := session.Config{Prefix: prefix, SealKey: []byte("seal"), Retention: time.Hour, Lives: lives}
	store := session.New(rdb, cfg)
	return &harness{Store: store, Memory: thread.Memory{Store: store}, t: t, ctx: context.Background(), rdb: rdb, prefix: prefix, cfg: cfg}
}

// key is a key of the store, by its name after the prefix.
func (h *harness) key(name string) string { return "{" + h.prefix + "}:" + name }

// open opens an errand about a database.
func (h *harness) open(id, database string) session.Record {
	h.t.Helper()
	return h.must(h.Advance(h.ctx, opening(id, database)))
}

func opening(id, database string) session.Move {
	return session.Move{
		Record: session.Record{ID: id, Kind: "errand", Database: database},
		Event:  "ask", By: "U0ANN", Note: "please", Body: []byte(`{"v":1}`), Due: session.Never,
	}
}

// move makes a plain move.
func (h *harness) move(r session.Record, ev string) session.Record {
	h.t.Helper()
	return h.must(h.Advance(h.ctx, session.Move{Record: r, Event: ev, By: "U0BOB", Due: session.Never}))
}

func (h *harness) must(r session.Record, err error) session.Record {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *harness) load(id string) session.Record {
	h.t.Helper()
	return h.must(h.Load(h.ctx, id))
}

func (h *harness) wantOwner(database, want string) {
	h.t.Helper()
	if got, err := h.Owner(h.ctx, database); err != nil || got != want {
		h.t.Errorf("owner of %s: got %q, %v; want %q", database, got, err, want)
	}
}

// claim takes everything that is due in a queue.
func (h *harness) claim(q *session.Queue, lease time.Duration) []session.Item {
	h.t.Helper()
	items, _, err := q.Claim(h.ctx, lease, 100)
	if err != nil {
		h.t.Fatal(err)
	}
	return items
}

func (h *harness) wantClaim(q *session.Queue, lease time.Duration, want ...string) []session.Item {
	h.t.Helper()
	items := h.claim(q, lease)
	if diff := cmp.Diff(want, ids(items)); diff != "" {
		h.t.Fatalf("claimed (-want +got):\n%s", diff)
	}
	return items
}

func ids(items []session.Item) []string {
	var out []string
	for _, it := range items {
		out = append(out, it.ID)
	}
	return out
}

// ok asserts a (bool, error) answer.
func (h *harness) ok(what string, want bool) func(bool, error) {
	return func(got bool, err error) {
		h.t.Helper()
		if err != nil || got != want {
			h.t.Errorf("%s: got %v, %v; want %v", what, got, err, want)
		}
	}
}

func (h *harness) wantErr(err, want error) {
	h.t.Helper()
	if !errors.Is(err, want) {
		h.t.Errorf("got error %v, want %v", err, want)
	}
}

func (h *harness) nil(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// events lists the journal as "1 ask →asked by U0ANN".
func (h *harness) events(id string) []string {
	h.t.Helper()
	entries, err := h.Journal(h.ctx, id, 0, 0)
	h.nil(err)
	var out []string
	for _, e := range entries {
		out = append(out, fmt.Sprintf("%d %s %s→%s by %s", e.Revision, e.Event, e.From, e.To, e.By))
	}
	return out
}

// eventually waits for something that Redis time brings about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}
