package session_test

import (
	"fmt"
	"testing"
	"time"
)

// A server that was not there before may have forgotten what cards show: they are
// drawn again, once, newest first and apart.
func TestCardsAreDrawnAgainOnAnotherServer(t *testing.T) {
	needRedis(t)
	addr := startRedis(t)
	h := newHarness(t, client(t, addr))
	draw := func(id string) {
		_, _, err := h.Claim(h.ctx, id, "C1", id, "")
		h.nil(err)
		h.nil(h.Drawn(h.ctx, id, 1, "drawn"))
	}
	wantCards := func(sentence string, want int) {
		t.Helper()
		got, err := h.CatchUp(h.ctx, time.Hour)
		h.nil(err)
		if got != want {
			t.Errorf("%s: %d cards are drawn again, want %d", sentence, got, want)
		}
	}
	wantCards("nothing is open", 0)
	done := h.open("s0", "db0")
	h.move(done, "cancel")
	for _, id := range []string{"s1", "s2"} {
		h.open(id, id)
		draw(id)
	}
	h.wantClaim(h.Dirty(), time.Hour, "s0", "s1", "s2")
	wantCards("the same server", 0)
	// What a replica becomes when it is made master: another history.
	h.nil(h.rdb.Do(h.ctx, "REPLICAOF", "127.0.0.1", "1").Err())
	h.nil(h.rdb.Do(h.ctx, "REPLICAOF", "NO", "ONE").Err())
	wantCards("after a failover", 2)
	wantCards("and only once", 0)
	for _, id := range []string{"s1", "s2"} {
		got, err := h.Card(h.ctx, id)
		h.nil(err)
		if got.Digest != "" || got.TS != id {
			t.Errorf("thread of %s: %+v", id, got)
		}
	}
	h.wantClaim(h.Dirty(), lease, "s2") // s1 comes later
}

// Thousands: several scripts, and none is left out.
func TestManyCardsAreDrawnAgain(t *testing.T) {
	needRedis(t)
	const many = 1201
	h := newHarness(t, client(t, startRedis(t)))
	for i := range many {
		id := fmt.Sprint("s", i)
		h.open(id, id)
		h.nil(h.Drawn(h.ctx, id, 1, "drawn"))
	}
	for left := many; left > 0; {
		items, _, err := h.Dirty().Claim(h.ctx, time.Hour, 500)
		h.nil(err)
		left -= len(items)
	}
	if n, err := h.CatchUp(h.ctx, 0); n != many || err != nil {
		t.Fatalf("%d cards are drawn again, %v", n, err)
	}
	again := map[string]bool{}
	for range 3 {
		items, _, err := h.Dirty().Claim(h.ctx, time.Hour, 500)
		h.nil(err)
		for _, it := range items {
			again[it.ID] = true
		}
	}
	if len(again) != many {
		t.Errorf("%d cards are drawn again, want %d", len(again), many)
	}
	for _, id := range []string{"s0", "s700", "s1200"} {
		if got, err := h.Card(h.ctx, id); err != nil || got.Digest != "" {
			t.Errorf("thread of %s: %+v, %v", id, got, err)
		}
	}
}

// A server that does not tell who it is: nothing to go by.
func TestACatchUpWithoutInfo(t *testing.T) {
	h := newHarness(t, backends[0].start(t))
	h.open("s1", "db1")
	if n, err := h.CatchUp(h.ctx, 0); n != 0 || err != nil {
		t.Errorf("%d cards, %v", n, err)
	}
}
