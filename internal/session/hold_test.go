package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/session"
)

func TestOneSessionPerDatabase(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		r := h.open("s1", "db1")
		h.wantOwner("db1", "s1")
		_, err := h.Advance(h.ctx, opening("s2", "db1"))
		var held *session.HeldError
		if !errors.As(err, &held) || held.Owner != "s1" || held.Database != "db1" {
			t.Errorf("got %v", err)
		}
		_, err = h.Load(h.ctx, "s2")
		h.wantErr(err, session.ErrNotFound)

		done := h.move(h.move(r, "begin"), "finish")
		if !done.Ended || done.Holds != nil {
			t.Errorf("finished: %+v", done)
		}
		h.wantOwner("db1", "")
		h.open("s2", "db1")
		h.wantOwner("db1", "s2")
		got, err := h.History(h.ctx, "db1", 10)
		h.nil(err)
		if diff := cmp.Diff([]string{"s2", "s1"}, got); diff != "" {
			t.Errorf("history, newest first (-want +got):\n%s", diff)
		}
		got, err = h.History(h.ctx, "db1", 1)
		h.nil(err)
		if diff := cmp.Diff([]string{"s2"}, got); diff != "" {
			t.Errorf("history of one (-want +got):\n%s", diff)
		}
	})
}

func TestEndingReleasesEverythingHeld(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		r := h.move(h.open("s1", "db1"), "begin")
		r = h.must(h.Advance(h.ctx, session.Move{Record: r, Event: "note"}, session.Hold{Database: "db2", To: "s1"}))
		if diff := cmp.Diff([]string{"db1", "db2"}, r.Holds); diff != "" {
			t.Errorf("holds (-want +got):\n%s", diff)
		}
		h.wantOwner("db2", "s1")
		r = h.move(r, "finish")
		h.wantOwner("db1", "")
		h.wantOwner("db2", "")
		if diff := cmp.Diff(h.load("s1"), r); diff != "" {
			t.Errorf("(-loaded +returned):\n%s", diff)
		}
		history, err := h.History(h.ctx, "db2", 0)
		h.nil(err)
		if diff := cmp.Diff([]string{"s1"}, history); diff != "" {
			t.Errorf("history of the second database (-want +got):\n%s", diff)
		}
	})
}

func TestEndingDoesNotFailForALostHoldNorStealAnothers(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		r := h.move(h.open("s1", "db1"), "begin")
		h.nil(h.rdb.Set(h.ctx, h.key("active:db1"), "s9", 0).Err())
		h.move(r, "finish")
		h.wantOwner("db1", "s9")
	})
}

func TestHandOverAndBackInOneWrite(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		up := h.move(h.open("up", "db1"), "begin")
		back := opening("back", "db1")
		both, err := h.AdvanceAll(h.ctx, []session.Move{{Record: up, Event: "yield"}, back}, session.Hold{Database: "db1", From: "up", To: "back"})
		h.nil(err)
		h.wantOwner("db1", "back")
		for i, want := range [][]string{nil, {"db1"}} {
			if diff := cmp.Diff(want, both[i].Holds); diff != "" {
				t.Errorf("%s holds (-want +got):\n%s", both[i].ID, diff)
			}
			if diff := cmp.Diff(h.load(both[i].ID), both[i]); diff != "" {
				t.Errorf("%s (-loaded +returned):\n%s", both[i].ID, diff)
			}
		}

		// One of the two is stale: neither moves.
		stale := both[1]
		both[1] = h.move(stale, "vote")
		before := dump(h)
		_, err = h.AdvanceAll(h.ctx, []session.Move{{Record: both[0], Event: "return"}, {Record: stale, Event: "begin"}}, session.Hold{Database: "db1", From: "back", To: "up"})
		h.wantErr(err, session.ErrStale)
		if diff := cmp.Diff(before, dump(h)); diff != "" {
			t.Errorf("half a hand-over (-before +after):\n%s", diff)
		}

		_, err = h.AdvanceAll(h.ctx, []session.Move{{Record: both[1], Event: "cancel"}, {Record: both[0], Event: "return"}}, session.Hold{Database: "db1", From: "back", To: "up"})
		h.nil(err)
		h.wantOwner("db1", "up")
		if got := h.load("up"); got.State != "busy" || len(got.Holds) != 1 {
			t.Errorf("up: %+v", got)
		}
		if got := h.load("back"); !got.Ended || got.Holds != nil {
			t.Errorf("back: %+v", got)
		}
		h.nil(h.Verify(h.ctx, "up"))
		h.nil(h.Verify(h.ctx, "back"))
	})
}

func TestHandOverOpenedTwiceGivesTheFirst(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		up := h.move(h.open("up", "db1"), "begin")
		moves := []session.Move{{Record: up, Event: "yield"}, opening("back", "db1")}
		hold := session.Hold{Database: "db1", From: "up", To: "back"}
		first, err := h.AdvanceAll(h.ctx, moves, hold)
		h.nil(err)
		// The second click loaded the upgrade before or after the first was stored.
		_, err = h.AdvanceAll(h.ctx, moves, hold)
		h.wantErr(err, session.ErrStale)
		moves[0], moves[1] = moves[1], moves[0]
		got, err := h.AdvanceAll(h.ctx, moves, hold)
		h.wantErr(err, session.ErrExists)
		if diff := cmp.Diff([]session.Record{first[1], {}}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestHoldsAreBetweenSessionsThatMove(t *testing.T) {
	h := newHarness(t, backends[0].start(t))
	r := h.move(h.open("s1", "db1"), "begin")
	for sentence, hold := range map[string]session.Hold{
		"to a stranger":          {Database: "db2", To: "s9"},
		"from a stranger":        {Database: "db2", From: "s9", To: "s1"},
		"of nothing":             {To: "s1"},
		"that changes nothing":   {Database: "db1", From: "s1", To: "s1"},
		"to a session that ends": {Database: "db2", To: "s1"},
	} {
		ev := "note"
		if sentence == "to a session that ends" {
			ev = "finish"
		}
		if _, err := h.Advance(h.ctx, session.Move{Record: r, Event: ev}, hold); err == nil {
			t.Errorf("a hold %s was accepted", sentence)
		}
	}
	if _, err := h.AdvanceAll(h.ctx, []session.Move{{Record: r, Event: "note"}, {Record: r, Event: "note"}}); err == nil {
		t.Error("one session moved twice in one write")
	}
}

func TestOnlyEndedSessionsAgeAndAReopenedOneIsKept(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		keys := []string{h.key("session:s1"), h.key("journal:s1"), h.key("thread:s1")}
		wantAge := func(when string, aging bool) {
			t.Helper()
			for _, k := range keys {
				if ttl := h.rdb.PTTL(h.ctx, k).Val(); (ttl > 0) != aging || ttl > time.Hour {
					t.Errorf("%s: %s lives %s", when, k, ttl)
				}
			}
		}
		r := h.move(h.open("s1", "db1"), "begin")
		h.nil(h.Drawn(h.ctx, "s1", 1, "d"))
		wantAge("open", false)
		r = h.move(r, "finish")
		wantAge("ended", true)
		h.nil(h.Drawn(h.ctx, "s1", 3, "d"))
		h.nil(h.rdb.Del(h.ctx, keys[2]).Err())
		h.nil(h.Milestone(h.ctx, "s1", 3))
		wantAge("drawn after the end", true)
		wantOpen(h)
		h.move(r, "reopen")
		wantAge("reopened", false)
		wantOpen(h, "s1")
		h.wantOwner("db1", "") // a reopening takes nothing by itself
	})
}

func wantOpen(h *harness, want ...string) {
	h.t.Helper()
	got, err := h.List(h.ctx, true, 0)
	h.nil(err)
	var ids []string
	for _, r := range got {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		h.t.Errorf("open sessions (-want +got):\n%s", diff)
	}
}

func TestList(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		first := h.open("a", "db1")
		h.open("b", "db2")
		h.open("c", "db3")
		wantOpen(h, "c", "b", "a")
		h.move(first, "cancel")
		wantOpen(h, "c", "b")
		all, err := h.List(h.ctx, false, 0)
		h.nil(err)
		if len(all) != 3 || all[2].State != "dropped" {
			t.Errorf("all: %+v", all)
		}
		two, err := h.List(h.ctx, true, 1)
		h.nil(err)
		if diff := cmp.Diff([]session.Record{h.load("c")}, two); diff != "" {
			t.Errorf("at most one (-want +got):\n%s", diff)
		}
		h.nil(h.rdb.Del(h.ctx, h.key("session:c"), h.key("journal:c")).Err())
		wantOpen(h, "b")
		if n := h.rdb.ZCard(h.ctx, h.key("open")).Val(); n != 1 {
			t.Errorf("a vanished session stays in the index: %d", n)
		}
	})
}
