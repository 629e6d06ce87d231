package session_test

import (
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
)

var turnRows = []struct {
	sentence string
	play     func(t *testing.T, h *harness, a, b, c session.Record)
}{
	{"one has it, the others line up as they came", func(t *testing.T, h *harness, a, b, c session.Record) {
		h.wantTurn("a", 0, true, 0)
		h.wantTurn("b", 0, false, 1)
		h.wantTurn("c", 0, false, 2)
		h.wantTurn("b", 0, false, 1)
		h.wantTurn("a", 0, true, 0)
		h.wantHolder("a")
		h.nil(h.LeaveTurn(h.ctx, "account", "a"))
		h.wantHolder("")
		h.wantTurn("c", 0, false, 1)
		h.wantTurn("b", 0, true, 0)
		h.wantTurn("c", 0, false, 1)
		h.nil(h.LeaveTurn(h.ctx, "account", "b"))
		h.wantTurn("c", 0, true, 0)
	}},
	{"priority goes before arrival", func(t *testing.T, h *harness, a, b, c session.Record) {
		h.wantTurn("a", 0, true, 0)
		h.wantTurn("b", 0, false, 1)
		h.wantTurn("c", 5, false, 1)
		h.wantTurn("b", 0, false, 2)
		h.nil(h.LeaveTurn(h.ctx, "account", "a"))
		h.wantTurn("b", 0, false, 1)
		h.wantTurn("c", 5, true, 0)
	}},
	{"a raised priority keeps the arrival", func(t *testing.T, h *harness, a, b, c session.Record) {
		h.wantTurn("a", 0, true, 0)
		h.wantTurn("b", -3, false, 1)
		h.wantTurn("c", 7, false, 1)
		h.wantTurn("b", 7, false, 1)
		h.wantTurn("c", 7, false, 2)
	}},
	{"an ended holder loses it by itself", func(t *testing.T, h *harness, a, b, c session.Record) {
		h.wantTurn("a", 0, true, 0)
		h.wantTurn("b", 0, false, 1)
		h.move(a, "cancel")
		h.wantHolder("")
		h.wantTurn("b", 0, true, 0)
		h.wantHolder("b")
	}},
	{"an ended waiter is passed over", func(t *testing.T, h *harness, a, b, c session.Record) {
		h.wantTurn("a", 0, true, 0)
		h.wantTurn("b", 0, false, 1)
		h.wantTurn("c", 0, false, 2)
		h.move(b, "cancel")
		h.nil(h.LeaveTurn(h.ctx, "account", "a"))
		h.wantTurn("c", 0, true, 0)
	}},
	{"a waiter who stopped asking is passed over, and lines up anew", func(t *testing.T, h *harness, a, b, c session.Record) {
		h.WithTurnPatience(40 * time.Millisecond)
		h.wantTurn("a", 0, true, 0)
		h.wantTurn("b", 0, false, 1)
		h.wantTurn("c", 0, false, 2)
		h.nil(h.LeaveTurn(h.ctx, "account", "a"))
		time.Sleep(60 * time.Millisecond)
		h.wantTurn("c", 0, true, 0)
		h.wantTurn("b", 0, false, 1)
	}},
	{"a holder need not ask again", func(t *testing.T, h *harness, a, b, c session.Record) {
		h.WithTurnPatience(time.Millisecond)
		h.wantTurn("a", 0, true, 0)
		time.Sleep(5 * time.Millisecond)
		h.wantTurn("b", 0, false, 1)
		h.wantHolder("a")
	}},
	{"leaving the line gives the place away", func(t *testing.T, h *harness, a, b, c session.Record) {
		h.wantTurn("a", 0, true, 0)
		h.wantTurn("b", 0, false, 1)
		h.wantTurn("c", 0, false, 2)
		h.nil(h.LeaveTurn(h.ctx, "account", "b"))
		h.wantTurn("c", 0, false, 1)
		h.wantHolder("a")
	}},
	{"who is not open gets none", func(t *testing.T, h *harness, a, b, c session.Record) {
		_, _, err := h.TakeTurn(h.ctx, "account", "ghost", 1, 0)
		h.wantErr(err, session.ErrNotFound)
		h.move(a, "cancel")
		_, _, err = h.TakeTurn(h.ctx, "account", "a", 2, 0)
		h.wantErr(err, session.ErrNotFound)
		h.wantHolder("")
	}},
	{"who stood still while the session went on gets none", func(t *testing.T, h *harness, a, b, c session.Record) {
		_, _, err := h.TakeTurn(h.ctx, "account", "a", 2, 0)
		h.wantErr(err, session.ErrStale)
		h.wantHolder("")
		h.wantTurn("b", 0, true, 0)
	}},
}

func TestTurns(t *testing.T) {
	for _, row := range turnRows {
		t.Run(row.sentence, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, h *harness) {
				row.play(t, h, h.open("a", "1"), h.open("b", "2"), h.open("c", "3"))
			})
		})
	}
}

func (h *harness) wantTurn(id string, priority int, wantHeld bool, wantAhead int) {
	h.t.Helper()
	held, ahead, err := h.TakeTurn(h.ctx, "account", id, 1, priority)
	if err != nil || held != wantHeld || ahead != wantAhead {
		h.t.Errorf("%s asks for the turn: held %v, %d ahead, %v; want %v, %d", id, held, ahead, err, wantHeld, wantAhead)
	}
}

func (h *harness) wantHolder(want string) {
	h.t.Helper()
	if got, err := h.TurnHolder(h.ctx, "account"); err != nil || got != want {
		h.t.Errorf("holder %q, %v; want %q", got, err, want)
	}
}

func TestBudget(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		take := func(name string, limit int, per time.Duration, burst, cost int) time.Duration {
			t.Helper()
			wait, err := h.TakeBudget(h.ctx, name, limit, per, burst, cost)
			h.nil(err)
			return wait
		}
		for i := range 3 {
			if w := take("posts", 1, time.Minute, 3, 1); w != 0 {
				t.Errorf("number %d of a burst of three waits %s", i+1, w)
			}
		}
		w := take("posts", 1, time.Minute, 3, 1)
		if w <= 50*time.Second || w > time.Minute {
			t.Errorf("the fourth waits %s", w)
		}
		if again := take("posts", 1, time.Minute, 3, 1); again > w {
			t.Errorf("a refusal must take nothing: %s, then %s", w, again)
		}
		if w := take("other", 1, time.Minute, 3, 2); w != 0 {
			t.Errorf("another budget waits %s", w)
		}
		if w := take("other", 1, time.Minute, 3, 2); w <= 50*time.Second || w > time.Minute {
			t.Errorf("two of one left wait %s", w)
		}
		if w := take("big", 10, time.Minute, 1, 5); w != 0 {
			t.Errorf("a cost above the burst must be possible at rest, waits %s", w)
		}
		// 20 per second: the eleventh of a burst of ten waits at most 50 ms.
		for range 10 {
			take("fast", 20, time.Second, 10, 1)
		}
		eventually(t, "refilled", func() bool { return take("fast", 20, time.Second, 10, 1) == 0 })
		if _, err := h.TakeBudget(h.ctx, "none", 0, time.Second, 1, 1); err == nil {
			t.Error("a rate of nothing was accepted")
		}
	})
}

// Who leaves a reserve gets nothing of it, however much is asked for, and what the
// urgent take is refilled before anything goes to the others.
func TestBudgetLeavesAReserve(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		take := func(reserve int) bool {
			t.Helper()
			wait, err := h.TakeBudget(h.ctx, "shared", 10, time.Hour, 10, 1, reserve)
			h.nil(err)
			return wait == 0
		}
		for _, row := range []struct{ reserve, want int }{{6, 4}, {6, 0}, {3, 3}, {6, 0}, {0, 3}, {3, 0}, {0, 0}} {
			got := 0
			for take(row.reserve) {
				got++
			}
			if got != row.want {
				t.Errorf("leaving %d: took %d, want %d", row.reserve, got, row.want)
			}
		}
		if wait, err := h.TakeBudget(h.ctx, "small", 10, time.Hour, 4, 1, 9); err != nil || wait != 0 {
			t.Errorf("a reserve larger than the burst leaves one at rest: waits %s, %v", wait, err)
		}
	})
}

func TestBudgetPauseHoldsAllBack(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		other := session.New(h.rdb, h.cfg)
		h.nil(h.SetBudgetPause(h.ctx, "posts", time.Minute))
		h.nil(h.SetBudgetPause(h.ctx, "posts", time.Second)) // never shortened
		w, err := other.TakeBudget(h.ctx, "posts", 100, time.Second, 10, 1)
		h.nil(err)
		if w <= 50*time.Second || w > time.Minute {
			t.Errorf("waits %s", w)
		}
		h.nil(h.SetBudgetPause(h.ctx, "short", 20*time.Millisecond))
		eventually(t, "over", func() bool {
			w, err := other.TakeBudget(h.ctx, "short", 100, time.Second, 10, 1)
			h.nil(err)
			return w == 0
		})
	})
}

func TestFlags(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		for _, want := range []string{"", "U0DAN 2026-01-01", "again", ""} {
			h.nil(h.SetFlag(h.ctx, "paused", want))
			if got, err := h.Flag(h.ctx, "paused"); err != nil || got != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		}
	})
}
