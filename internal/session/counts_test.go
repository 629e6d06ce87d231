package session_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
)

// counted is what the store counts, as "errand busy 3".
func (h *harness) counted() []string {
	h.t.Helper()
	counts, err := h.Counts(h.ctx)
	h.nil(err)
	var out []string
	for _, c := range counts {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", c.Kind, c.State, c.Sessions, c.Also)))
	}
	slices.Sort(out)
	return out
}

// scanned is the same from all open sessions.
func (h *harness) scanned() []string {
	h.t.Helper()
	open, err := h.List(h.ctx, true, 0)
	h.nil(err)
	in := map[[3]string]int{}
	for _, r := range open {
		also := ""
		if strings.Contains(string(r.Body), "unknown") {
			also = "unknown"
		}
		in[[3]string{r.Kind, r.State, also}]++
	}
	var out []string
	for at, n := range in {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", at[0], at[1], n, at[2])))
	}
	slices.Sort(out)
	return out
}

func (h *harness) wantCounts(when string) {
	h.t.Helper()
	if diff := cmp.Diff(h.scanned(), h.counted()); diff != "" {
		h.t.Fatalf("%s (-sessions +counts):\n%s", when, diff)
	}
}

// counting is a store in which sessions whose body says so are counted apart.
func counting(t *testing.T, rdb redis.UniversalClient, more ...func(*session.Config)) *harness {
	h := newHarness(t, rdb)
	h.cfg.Lives = slices.Clone(lives)
	h.cfg.Lives[0].Also = func(body []byte) string {
		if strings.Contains(string(body), "unknown") {
			return "unknown"
		}
		return ""
	}
	for _, change := range more {
		change(&h.cfg)
	}
	h.Store = session.New(rdb, h.cfg)
	return h
}

// Whatever moves, is refused, is repeated after a lost reply, is lost or is written by
// somebody else: counts are what a scan of the sessions says, at once or after Recount.
func TestCountsAreWhatAScanSays(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			h := counting(t, b.start(t))
			chance := rand.New(rand.NewPCG(3, 5))
			lossy, lose := lossyClient(t, h.rdb, 3)
			repeats := session.New(lossy, h.cfg)
			for n := range 400 {
				id := fmt.Sprintf("s%d", chance.IntN(12))
				r, err := h.Load(h.ctx, id)
				if err != nil {
					_, err = h.Advance(h.ctx, opening(id, "db-"+id))
					h.nil(err)
					continue
				}
				events := errand.Events(state(r.State))
				if len(events) == 0 {
					continue
				}
				m := session.Move{Record: r, Event: string(events[chance.IntN(len(events))]), Due: session.Never, Body: []byte([]string{`{}`, `"unknown"`}[chance.IntN(2)])}
				if chance.IntN(6) == 0 {
					m.Record.Revision-- // somebody else was first
				}
				if chance.IntN(8) == 0 {
					m.Unless = "flag"
					h.nil(h.SetFlag(h.ctx, "flag", "x"))
				}
				if chance.IntN(3) == 0 {
					lose.Store(1)
					_, _ = repeats.Advance(h.ctx, m)
				} else {
					_, _ = h.Advance(h.ctx, m)
				}
				h.wantCounts(fmt.Sprint("after move ", n))
			}
		})
	}
}

func TestRecountPutsCountsRight(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h = counting(t, h.rdb)
		for i := range 5 {
			h.open(fmt.Sprint("s", i), fmt.Sprint("db", i))
		}
		busy := h.move(h.load("s0"), "begin")
		for harm, do := range map[string]func(){
			"all counts are lost":           func() { h.nil(h.rdb.Del(h.ctx, h.key("counts"), h.key("places")).Err()) },
			"the counts are lost":           func() { h.nil(h.rdb.Del(h.ctx, h.key("counts")).Err()) },
			"a count is changed":            func() { h.nil(h.rdb.HSet(h.ctx, h.key("counts"), "errand asked ", -7).Err()) },
			"a count is no number":          func() { h.nil(h.rdb.HSet(h.ctx, h.key("counts"), "errand asked ", "x", "junk", "9").Err()) },
			"a place is changed":            func() { h.nil(h.rdb.HSet(h.ctx, h.key("places"), "s1", "errand done ").Err()) },
			"a session is counted for ever": func() { h.nil(h.rdb.HSet(h.ctx, h.key("places"), "s99", "errand asked ").Err()) },
			"the keys are of another type": func() {
				h.nil(h.rdb.Del(h.ctx, h.key("counts"), h.key("places")).Err())
				h.nil(h.rdb.Set(h.ctx, h.key("counts"), 1, 0).Err())
				h.nil(h.rdb.Set(h.ctx, h.key("places"), 1, 0).Err())
			},
			"an older release moved a session": func() { h.nil(h.rdb.HSet(h.ctx, h.key("places"), "s0", "errand asked ").Err()) },
			"a session's keys are lost": func() {
				h.open("gone", "db-gone")
				h.nil(h.rdb.Del(h.ctx, h.key("session:gone"), h.key("journal:gone")).Err())
			},
			"nothing at all": func() {},
		} {
			do()
			busy = h.move(busy, "note") // whatever became of the counts, work goes on
			_, err := h.Recount(h.ctx, 0)
			h.nil(err)
			h.wantCounts(harm)
		}
		if wrong, err := h.Recount(h.ctx, time.Hour); err != nil || wrong != 0 {
			t.Errorf("counts that are right: %d wrong, %v", wrong, err)
		}
		h.nil(h.rdb.Del(h.ctx, h.key("counts")).Err())
		if wrong, err := h.Recount(h.ctx, time.Hour); err != nil || wrong != 0 || len(h.counted()) != 0 {
			t.Errorf("counted again within the hour: %d, %v", wrong, err)
		}
	})
}

// A vanished session is counted no more as soon as somebody notices.
func TestAForgottenSessionIsNotCounted(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.open("a", "db1")
		h.open("b", "db2")
		h.nil(h.rdb.Del(h.ctx, h.key("session:b"), h.key("journal:b")).Err())
		wantOpen(h, "a")
		if diff := cmp.Diff([]string{"errand asked 1"}, h.counted()); diff != "" {
			t.Error(diff)
		}
	})
}

// What somebody writes into a record is counted as nothing that this build knows.
func TestForgedStatesAreCountedTogether(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.open("a", "db1")
		h.nil(h.rdb.HSet(h.ctx, h.key("session:a"), "state", "\xff evil").Err())
		_, err := h.Recount(h.ctx, 0)
		h.nil(err)
		if diff := cmp.Diff([]string{"other other 1"}, h.counted()); diff != "" {
			t.Error(diff)
		}
	})
}
