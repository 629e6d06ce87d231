package session_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
)

// copyOf remembers record and journal of a session, to be put back later.
func copyOf(h *harness, id string) (put func()) {
	hash := maps.Clone(h.rdb.HGetAll(h.ctx, h.key("session:"+id)).Val())
	entries := h.rdb.XRange(h.ctx, h.key("journal:"+id), "-", "+").Val()
	return func() {
		h.t.Helper()
		h.nil(h.rdb.Del(h.ctx, h.key("session:"+id), h.key("journal:"+id)).Err())
		h.nil(h.rdb.HSet(h.ctx, h.key("session:"+id), hash).Err())
		for _, m := range entries {
			h.nil(h.rdb.XAdd(h.ctx, &redis.XAddArgs{Stream: h.key("journal:" + id), ID: m.ID, Values: m.Values}).Err())
		}
	}
}

func TestADoubtedRecordIsNotMoved(t *testing.T) {
	rows := append([]struct {
		sentence string
		tamper   func(h *harness)
		says     string
	}{
		{"the record's key is another type", func(h *harness) {
			h.nil(h.rdb.Del(h.ctx, h.key("session:s1")).Err())
			h.nil(h.rdb.Set(h.ctx, h.key("session:s1"), "x", 0).Err())
		}, "another type"},
		{"the journal's key is another type", func(h *harness) {
			h.nil(h.rdb.Del(h.ctx, h.key("journal:s1")).Err())
			h.nil(h.rdb.Set(h.ctx, h.key("journal:s1"), "x", 0).Err())
		}, "another type"},
		{"the record is gone", func(h *harness) { h.nil(h.rdb.Del(h.ctx, h.key("session:s1")).Err()) }, "record is gone"},
	}, tamperRows...)
	for _, row := range rows {
		t.Run(row.sentence, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, h *harness) {
				r := h.open("s1", "db1")
				r = h.must(h.Advance(h.ctx, session.Move{Record: r, Event: "vote", By: "U0BOB", Note: "hm", Body: []byte("two")}))
				h.move(r, "begin")
				row.tamper(h)
				h.wantErr(h.Verify(h.ctx, "s1"), session.ErrTampered)
				r, err := h.Load(h.ctx, "s1")
				h.nil(err)
				if r.Doubt == "" { // an entry before the last: only the whole chain tells
					return
				}
				_, err = h.Advance(h.ctx, session.Move{Record: r, Event: "note", Body: []byte("laundered")})
				h.wantErr(err, session.ErrTampered)
			})
		})
	}
}

// A forged body must not get a valid seal from the next honest move.
func TestAForgeryIsNotLaundered(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.open("s1", "db1")
		h.nil(h.rdb.HSet(h.ctx, h.key("session:s1"), "body", `{"approved":true}`).Err())
		r := h.load("s1")
		if r.Doubt == "" {
			t.Error("a forged body is believed")
		}
		_, err := h.Advance(h.ctx, session.Move{Record: r, Event: "vote"})
		h.wantErr(err, session.ErrTampered)
	})
}

func TestAnObservationOfSomebodyElseIsNotRead(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.open("s1", "db1")
		h.nil(h.rdb.HSet(h.ctx, h.key("session:s1"), "progress", `{"probe":"task-of-mine"}`).Err())
		if p := h.load("s1").Progress; p != nil {
			t.Errorf("forged progress is read: %s", p)
		}
	})
}

func TestAnOlderStateIsNoticed(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		r := h.open("s1", "db1")
		put := copyOf(h, "s1")
		h.move(r, "vote") // may be forgotten: it is asked again
		put()
		if got := h.load("s1"); got.Doubt != "" {
			t.Errorf("a forgotten vote stops the session: %s", got.Doubt)
		}
		h.must(h.Advance(h.ctx, session.Move{Record: h.load("s1"), Event: "begin", Due: session.Never, Confirm: true}))
		put()
		if got := h.load("s1"); got.Doubt == "" || !got.Own {
			t.Error("a forgotten move that must not be forgotten is not noticed")
		}
		h.wantErr(h.Verify(h.ctx, "s1"), session.ErrTampered)
		other := session.New(h.rdb, h.cfg) // a replica that has seen nothing cannot know
		h.nil(other.Verify(h.ctx, "s1"))
		r = h.must(other.Advance(h.ctx, session.Move{Record: h.must(other.Load(h.ctx, "s1")), Event: "vote", Due: session.Never}))
		r = h.must(other.Advance(h.ctx, session.Move{Record: r, Event: "vote", Due: session.Never}))
		h.wantErr(h.Verify(h.ctx, "s1"), session.ErrTampered) // further, but on another history
		_ = r
	})
}

func TestRelease(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		ctx := context.Background()
		release := func(by, version string) (int, error) { return h.Release(ctx, "s1", by, version, 2) }
		good := h.move(h.open("s1", "db1"), "begin")
		_, err := release("U0DAN", good.Version())
		h.wantErr(err, session.ErrNotThis) // nothing is wrong with it

		h.nil(h.rdb.Del(ctx, h.key("journal:s1")).Err())
		r := h.load("s1")
		if r.Doubt == "" {
			t.Fatal("a lost journal is not noticed")
		}
		missing, err := release("U0DAN", r.Version())
		if h.nil(err); missing != 1 {
			t.Errorf("missing %d", missing)
		}
		missing, err = release("U0DAN", r.Version()) // the same person again
		if h.nil(err); missing != 1 {
			t.Errorf("one person released alone: %d", missing)
		}
		h.nil(h.rdb.HSet(ctx, h.key("release:s1"), "U0EVE", "forged").Err()) // only Redis at hand
		missing, err = release("U0DAN", r.Version())
		if h.nil(err); missing != 1 {
			t.Errorf("a forged vote counts: %d", missing)
		}
		h.nil(h.rdb.HSet(ctx, h.key("session:s1"), "body", "another").Err())
		_, err = release("U0BOB", r.Version())
		h.wantErr(err, session.ErrNotThis)
		r = h.load("s1")
		_, err = release("U0BOB", r.Version())
		h.nil(err)
		missing, err = release("U0DAN", r.Version())
		if h.nil(err); missing != 0 {
			t.Fatalf("two released, missing %d", missing)
		}
		h.nil(h.Verify(ctx, "s1"))
		r = h.load("s1")
		if r.Doubt != "" || string(r.Body) != "another" || r.State != "busy" {
			t.Errorf("after the release: %+v", r)
		}
		r = h.move(r, "note")
		h.nil(h.Verify(ctx, "s1"))
		lines, problem, err := h.Audit(ctx, "s1")
		if h.nil(err); problem != "" || len(lines) != 2 || lines[0].Event != "released" || lines[0].Problem+lines[1].Problem != "" {
			t.Errorf("audit: %+v, %q", lines, problem)
		}
		_, err = release("U0BOB", r.Version())
		h.wantErr(err, session.ErrNotThis)
	})
}

// What one person released waits for another one for a day.
func TestAReleaseWaitsForADay(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.move(h.open("s1", "db1"), "begin")
		h.nil(h.rdb.Del(h.ctx, h.key("journal:s1")).Err())
		_, err := h.Release(h.ctx, "s1", "U0DAN", h.load("s1").Version(), 2)
		h.nil(err)
		if left := h.rdb.PTTL(h.ctx, h.key("release:s1")).Val(); left <= 0 || left > 24*time.Hour {
			t.Errorf("it waits for %s", left)
		}
		people, err := h.Releasers(h.ctx, h.load("s1"))
		if h.nil(err); len(people) != 1 || people[0] != "U0DAN" {
			t.Errorf("released by %v", people)
		}
	})
}

// A lock that nobody else can have comes with the record; another one is not taken away.
func TestAReleaseTakesItsLocks(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.move(h.open("s1", "db1"), "begin")
		h.open("s2", "db2")
		h.nil(h.rdb.Del(h.ctx, h.key("journal:s1")).Err())
		lock := h.key("active:db1")
		h.nil(h.rdb.Set(h.ctx, lock, "s2", 0).Err())
		version := h.load("s1").Version()
		_, err := h.Release(h.ctx, "s1", "U0DAN", version, 1)
		h.wantErr(err, session.ErrHeld)
		for _, owner := range []string{"", "ghost", "s1"} {
			h.nil(h.rdb.Del(h.ctx, lock, h.key("journal:s1")).Err())
			if owner != "" {
				h.nil(h.rdb.Set(h.ctx, lock, owner, 0).Err())
			}
			missing, err := h.Release(h.ctx, "s1", "U0DAN", h.load("s1").Version(), 1)
			h.nil(err)
			if got := h.rdb.Get(h.ctx, lock).Val(); missing != 0 || got != "s1" || h.load("s1").Doubt != "" {
				t.Errorf("the lock was %q's and is %q's; missing %d, doubt %q", owner, got, missing, h.load("s1").Doubt)
			}
		}
	})
}

func TestAuditNamesTheEntry(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		r := h.open("s1", "db1")
		h.move(h.move(r, "vote"), "begin")
		word(2, "by", "U0EVE")(h)
		lines, problem, err := h.Audit(h.ctx, "s1")
		h.nil(err)
		if len(lines) != 3 || lines[0].Problem != "" || lines[1].Problem == "" || lines[2].Problem != "" || problem == "" {
			t.Errorf("lines %+v, problem %q", lines, problem)
		}
		_, _, err = h.Audit(h.ctx, "ghost")
		h.wantErr(err, session.ErrNotFound)
	})
}

func TestConditionsOfAMove(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		r := h.open("s1", "db1")
		h.nil(h.SetFlag(h.ctx, "pause", "U0DAN"))
		_, err := h.Advance(h.ctx, session.Move{Record: r, Event: "begin", Unless: "pause"})
		h.wantErr(err, session.ErrFlagged)
		h.nil(h.SetFlag(h.ctx, "pause", ""))
		_, err = h.Advance(h.ctx, session.Move{Record: r, Event: "begin", NotAfter: time.Unix(1, 0)})
		h.wantErr(err, session.ErrLate)
		h.nil(h.rdb.Del(h.ctx, h.key("active:db1")).Err())
		_, err = h.Advance(h.ctx, session.Move{Record: r, Event: "begin", Owner: true})
		h.wantErr(err, session.ErrHeld)
		h.nil(h.rdb.Set(h.ctx, h.key("active:db1"), "s1", 0).Err())
		_, err = h.Advance(h.ctx, session.Move{Record: r, Event: "begin", Owner: true, Unless: "pause", NotAfter: time.Now().Add(time.Hour), Due: session.Never})
		h.nil(err)
	})
}
