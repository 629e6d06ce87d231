package session_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
)

func TestAdvanceReturnsWhatLoadReads(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		opened := h.open("s1", "db1")
		if diff := cmp.Diff(h.load("s1"), opened); diff != "" {
			t.Errorf("opening (-loaded +returned):\n%s", diff)
		}
		want := session.Record{
			ID: "s1", Kind: "errand", State: "asked", Revision: 1, Life: 1, Database: "db1", Holds: []string{"db1"},
			Created: opened.Created, Updated: opened.Created, Body: []byte(`{"v":1}`), Head: opened.Head,
		}
		if diff := cmp.Diff(want, opened); diff != "" {
			t.Errorf("opening (-want +got):\n%s", diff)
		}
		if d := time.Since(opened.Created); d < -time.Minute || d > time.Minute {
			t.Errorf("created %s", opened.Created)
		}
		at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
		next, err := h.Advance(h.ctx, session.Move{
			Record: opened, Event: "vote", By: "U0BOB", Note: "looks good", Data: []byte(`{"n":1}`), At: at, Ask: true, Body: []byte(`{"v":2}`),
		})
		h.nil(err)
		if diff := cmp.Diff(h.load("s1"), next); diff != "" {
			t.Errorf("vote (-loaded +returned):\n%s", diff)
		}
		if next.Revision != 2 || next.Ask != 1 || string(next.Body) != `{"v":2}` {
			t.Errorf("after a vote: %+v", next)
		}
		kept := h.move(next, "begin")
		if string(kept.Body) != `{"v":2}` || string(h.load("s1").Body) != `{"v":2}` {
			t.Errorf("a nil body must keep the stored one, got %s", kept.Body)
		}
		entries, err := h.Journal(h.ctx, "s1", 1, 1)
		h.nil(err)
		wantEntry := []session.Entry{{
			Revision: 2, Event: "vote", From: "asked", To: "asked", By: "U0BOB", Note: "looks good", At: at, Stored: next.Updated, Data: []byte(`{"n":1}`),
		}}
		if diff := cmp.Diff(wantEntry, entries); diff != "" {
			t.Errorf("journal after 1, at most 1 (-want +got):\n%s", diff)
		}
	})
}

var refusalRows = []struct {
	sentence string
	move     func(h *harness, r session.Record) session.Move
	want     error
}{
	{"a move that the life does not have", func(h *harness, r session.Record) session.Move {
		return session.Move{Record: r, Event: "finish"}
	}, session.ErrNotAllowed},
	{"an opening by an event that does not open", func(h *harness, r session.Record) session.Move {
		return session.Move{Record: session.Record{ID: "new", Kind: "errand"}, Event: "begin"}
	}, session.ErrNotAllowed},
	{"an opening that names a state", func(h *harness, r session.Record) session.Move {
		return session.Move{Record: session.Record{ID: "new", Kind: "errand", State: "asked"}, Event: "begin"}
	}, session.ErrNotAllowed},
	{"a kind without a life", func(h *harness, r session.Record) session.Move {
		return session.Move{Record: session.Record{ID: "new", Kind: "party"}, Event: "ask"}
	}, session.ErrNotAllowed},
	{"a life version that is not configured", func(h *harness, r session.Record) session.Move {
		r.Life = 7
		return session.Move{Record: r, Event: "begin"}
	}, session.ErrNotAllowed},
	{"a record that moved meanwhile", func(h *harness, r session.Record) session.Move {
		h.move(r, "vote")
		return session.Move{Record: r, Event: "begin"}
	}, session.ErrStale},
	{"a record that was made up", func(h *harness, r session.Record) session.Move {
		r.Head = "feed"
		return session.Move{Record: r, Event: "begin"}
	}, session.ErrStale},
	{"a record that was never stored", func(h *harness, r session.Record) session.Move {
		r.ID = "ghost"
		return session.Move{Record: r, Event: "begin"}
	}, session.ErrStale},
	{"an id that another kind has", func(h *harness, r session.Record) session.Move {
		h.nil(h.rdb.HSet(h.ctx, h.key("session:s1"), "kind", "party").Err())
		return opening("s1", "db2")
	}, session.ErrStale},
	{"a database that another session holds", func(h *harness, r session.Record) session.Move {
		return opening("s2", "db1")
	}, session.ErrHeld},
	{"a journal that is ahead of its record", func(h *harness, r session.Record) session.Move {
		h.nil(h.rdb.XAdd(h.ctx, &redis.XAddArgs{Stream: h.key("journal:s1"), ID: "2-1", Values: []string{"event", "forged"}}).Err())
		return session.Move{Record: r, Event: "begin"}
	}, session.ErrTampered},
	{"a journal whose record was taken away", func(h *harness, r session.Record) session.Move {
		h.nil(h.rdb.Del(h.ctx, h.key("session:s1")).Err())
		return opening("s1", "db2")
	}, session.ErrTampered},
}

func TestAdvanceRefuses(t *testing.T) {
	for _, row := range refusalRows {
		t.Run(row.sentence, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, h *harness) {
				m := row.move(h, h.open("s1", "db1"))
				before := dump(h)
				_, err := h.Advance(h.ctx, m)
				h.wantErr(err, row.want)
				if diff := cmp.Diff(before, dump(h)); diff != "" {
					t.Errorf("a refused move wrote (-before +after):\n%s", diff)
				}
			})
		})
	}
}

func TestTwoMoversOneWins(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		r := h.open("s1", "db1")
		var won, stale atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, err := h.Advance(h.ctx, session.Move{Record: r, Event: "vote", By: "U0BOB"})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, session.ErrStale):
					stale.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || stale.Load() != 7 {
			t.Errorf("%d won, %d stale", won.Load(), stale.Load())
		}
		h.nil(h.Verify(h.ctx, "s1"))
	})
}

func TestLostRepliesStoreOnce(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.open("warm", "") // the script is known to the server: one command per move
		lossy, lose := lossyClient(t, h.rdb, 3)
		store := session.New(lossy, h.cfg)

		lose.Store(1)
		r, err := store.Advance(h.ctx, opening("s1", "db1"))
		h.nil(err)
		lose.Store(1)
		r, err = store.Advance(h.ctx, session.Move{Record: r, Event: "vote", By: "U0BOB"})
		h.nil(err)
		if lose.Load() != 0 {
			t.Fatal("no reply was lost; the test proves nothing")
		}
		if diff := cmp.Diff(h.load("s1"), r); diff != "" {
			t.Errorf("(-loaded +returned):\n%s", diff)
		}
		want := []string{"1 ask →asked by U0ANN", "2 vote asked→asked by U0BOB"}
		if diff := cmp.Diff(want, h.events("s1")); diff != "" {
			t.Errorf("journal (-want +got):\n%s", diff)
		}
	})
}

func TestLostReplyWithoutRetryIsUnavailableAndWhole(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.open("warm", "")
		lossy, lose := lossyClient(t, h.rdb, -1)
		store := session.New(lossy, h.cfg)
		lose.Store(1)
		_, err := store.Advance(h.ctx, opening("s1", "db1"))
		if err != nil { // a cluster client tries another address on its own
			h.wantErr(err, session.ErrUnavailable)
		}
		if got := h.load("s1"); got.State != "asked" {
			t.Errorf("stored %+v", got)
		}
		h.wantOwner("db1", "s1")
		_, err = h.Advance(h.ctx, opening("s1", "db1"))
		h.wantErr(err, session.ErrExists)
	})
}

// again is a hook that repeats the commit script once, after something else
// happened in between: a retry that comes late.
type again struct {
	armed   atomic.Bool
	between func()
}

func (a *again) DialHook(next redis.DialHook) redis.DialHook { return next }
func (a *again) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (a *again) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "evalsha" && err == nil && a.armed.CompareAndSwap(true, false) {
			a.between()
			return next(ctx, cmd)
		}
		return err
	}
}

func TestLateRetryAnswersStoredThoughTheSessionMovedOn(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		r := h.open("s1", "db1")
		repeat := &again{between: func() {
			h.move(h.move(h.load("s1"), "vote"), "begin")
		}}
		h.rdb.AddHook(repeat)
		repeat.armed.Store(true)
		got, err := h.Advance(h.ctx, session.Move{Record: r, Event: "edit", By: "U0ANN"})
		h.nil(err)
		if got.Revision != 2 || got.State != "asked" || got.Created != r.Created || got.Updated.IsZero() {
			t.Errorf("got %+v", got)
		}
		want := []string{
			"1 ask →asked by U0ANN", "2 edit asked→asked by U0ANN", "3 vote asked→asked by U0BOB", "4 begin asked→busy by U0BOB",
		}
		if diff := cmp.Diff(want, h.events("s1")); diff != "" {
			t.Errorf("journal (-want +got):\n%s", diff)
		}
		_, err = h.Advance(h.ctx, session.Move{Record: r, Event: "edit", By: "U0ANN"})
		h.wantErr(err, session.ErrStale) // the same words, but a move of its own
	})
}

func TestOpeningTwiceGivesTheFirst(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		first := h.open("s1", "db1")
		got, err := h.Advance(h.ctx, opening("s1", "db1"))
		h.wantErr(err, session.ErrExists)
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("(-first +got):\n%s", diff)
		}
		if n := len(h.events("s1")); n != 1 {
			t.Errorf("%d journal entries", n)
		}
	})
}

func TestUnavailableServer(t *testing.T) {
	h := newHarness(t, redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialTimeout: 50 * time.Millisecond}))
	_, err := h.Advance(h.ctx, opening("s1", "db1"))
	h.wantErr(err, session.ErrUnavailable)
	_, err = h.Load(h.ctx, "s1")
	h.wantErr(err, session.ErrUnavailable)
	if errors.Is(err, session.ErrNotFound) {
		t.Error("no answer is not an answer")
	}
	h.wantErr(h.Ping(h.ctx), session.ErrUnavailable)
	_, _, err = h.Check(h.ctx)
	h.wantErr(err, session.ErrUnavailable)
	_, _, err = h.Due().Claim(h.ctx, time.Second, 1)
	h.wantErr(err, session.ErrUnavailable)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = h.Advance(ctx, opening("s1", "db1"))
	h.wantErr(err, session.ErrUnavailable)
	h.wantErr(err, context.Canceled)
}

// dump is every key of the store and its content.
func dump(h *harness) map[string]any {
	h.t.Helper()
	out := map[string]any{}
	rdb := h.rdb
	keys, err := rdb.Keys(h.ctx, "{"+h.prefix+"}*").Result()
	h.nil(err)
	for _, k := range keys {
		switch kind := rdb.Type(h.ctx, k).Val(); kind {
		case "hash":
			out[k] = rdb.HGetAll(h.ctx, k).Val()
		case "zset":
			out[k] = rdb.ZRangeWithScores(h.ctx, k, 0, -1).Val()
		case "stream":
			out[k] = rdb.XRange(h.ctx, k, "-", "+").Val()
		case "string":
			out[k] = rdb.Get(h.ctx, k).Val()
		default:
			h.t.Fatalf("key %s of type %s", k, kind)
		}
	}
	return out
}
