package session_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/session"
)

const lease = 10 * time.Second // long: it does not end within a test

var fencingRows = []struct {
	sentence string
	play     func(t *testing.T, h *harness, q *session.Queue)
}{
	{"what is claimed is hidden until the lease ends, then handed out again", func(t *testing.T, h *harness, q *session.Queue) {
		old := h.wantClaim(q, 30*time.Millisecond, "a")[0]
		h.wantClaim(q, lease)
		var again []session.Item
		eventually(t, "claimed again", func() bool { again = h.claim(q, lease); return len(again) == 1 })
		h.ok("done by whom it lapsed for", false)(q.Done(h.ctx, old))
		h.ok("rescheduled by whom it lapsed for", false)(q.Reschedule(h.ctx, old, 0))
		_, ok, err := q.Renew(h.ctx, old, lease)
		h.ok("renewed by whom it lapsed for", false)(ok, err)
		h.ok("done by the new one", true)(q.Done(h.ctx, again[0]))
	}},
	{"who claims what was left is told; who claims what was given back or set is not", func(t *testing.T, h *harness, q *session.Queue) {
		it := h.wantClaim(q, 30*time.Millisecond, "a")[0]
		it, _, err := q.Renew(h.ctx, it, 40*time.Millisecond)
		h.nil(err)
		var again []session.Item
		eventually(t, "claimed again", func() bool { again = h.claim(q, lease); return len(again) == 1 })
		h.ok("rescheduled", true)(q.Reschedule(h.ctx, again[0], 0))
		given := h.wantClaim(q, lease, "a")[0]
		h.nil(q.Set(h.ctx, "a", 0))
		set := h.wantClaim(q, lease, "a")[0]
		if it.Lapsed || !again[0].Lapsed || given.Lapsed || set.Lapsed {
			t.Errorf("lapsed: first %v, left %v, given back %v, set %v", it.Lapsed, again[0].Lapsed, given.Lapsed, set.Lapsed)
		}
	}},
	{"a lease that ended counts on while nobody else came", func(t *testing.T, h *harness, q *session.Queue) {
		it := h.wantClaim(q, time.Millisecond, "a")[0]
		time.Sleep(5 * time.Millisecond)
		h.ok("done late", true)(q.Done(h.ctx, it))
	}},
	{"done removes, and only once", func(t *testing.T, h *harness, q *session.Queue) {
		it := h.wantClaim(q, lease, "a")[0]
		h.ok("done", true)(q.Done(h.ctx, it))
		h.ok("done again", false)(q.Done(h.ctx, it))
		_, next, err := q.Claim(h.ctx, lease, 1)
		h.nil(err)
		if next != -1 {
			t.Errorf("an empty queue's next is %s", next)
		}
	}},
	{"setting takes a member away from whoever has it", func(t *testing.T, h *harness, q *session.Queue) {
		it := h.wantClaim(q, lease, "a")[0]
		h.nil(q.Set(h.ctx, "a", 0))
		h.ok("done", false)(q.Done(h.ctx, it))
		h.wantClaim(q, lease, "a")
	}},
	{"rescheduled comes back later", func(t *testing.T, h *harness, q *session.Queue) {
		it := h.wantClaim(q, lease, "a")[0]
		h.ok("rescheduled", true)(q.Reschedule(h.ctx, it, 40*time.Millisecond))
		items, next, err := q.Claim(h.ctx, lease, 1)
		h.nil(err)
		if len(items) != 0 || next <= 0 || next > 40*time.Millisecond {
			t.Errorf("claimed %v, next in %s", items, next)
		}
		h.ok("rescheduled with an old token", false)(q.Reschedule(h.ctx, it, 0))
		eventually(t, "back", func() bool { return len(h.claim(q, lease)) == 1 })
	}},
	{"a renewed claim has a new token and a new lease", func(t *testing.T, h *harness, q *session.Queue) {
		it := h.wantClaim(q, 40*time.Millisecond, "a")[0]
		renewed, ok, err := q.Renew(h.ctx, it, lease)
		h.ok("renewed", true)(ok, err)
		if renewed.Token == it.Token || renewed.ID != "a" {
			t.Errorf("renewed %+v to %+v", it, renewed)
		}
		time.Sleep(60 * time.Millisecond)
		h.wantClaim(q, lease)
		h.ok("done with the old token", false)(q.Done(h.ctx, it))
		h.ok("done", true)(q.Done(h.ctx, renewed))
	}},
	{"the longest waiting goes first, and no more than asked", func(t *testing.T, h *harness, q *session.Queue) {
		h.nil(q.Set(h.ctx, "b", -2*time.Second))
		h.nil(q.Set(h.ctx, "c", -1*time.Second))
		items, next, err := q.Claim(h.ctx, lease, 2)
		h.nil(err)
		if diff := cmp.Diff([]string{"b", "c"}, ids(items)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if next != 0 {
			t.Errorf("more is waiting, next is %s", next)
		}
		if late := items[0].Late; late < 2*time.Second || late > 30*time.Second {
			t.Errorf("late by %s", late)
		}
	}},
	{"what is not due yet is not claimed", func(t *testing.T, h *harness, q *session.Queue) {
		h.wantClaim(q, lease, "a")
		h.nil(q.Set(h.ctx, "b", time.Hour))
		items, next, err := q.Claim(h.ctx, lease, 5)
		h.nil(err)
		if len(items) != 0 || next <= 0 || next > lease {
			t.Errorf("claimed %v, next in %s", items, next)
		}
	}},
}

func TestQueueFencing(t *testing.T) {
	for _, row := range fencingRows {
		t.Run(row.sentence, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, h *harness) {
				h.nil(h.Due().Set(h.ctx, "a", 0))
				row.play(t, h, h.Due())
			})
		})
	}
}

func TestTokensDifferThoughTheClockStandsStill(t *testing.T) {
	m := miniredis.RunT(t)
	m.SetTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	h := newHarness(t, client(t, m.Addr()))
	seen := map[int64]bool{}
	for range 240 { // two stamps each, of five hundred a millisecond; a server makes some twenty
		h.nil(h.Due().Set(h.ctx, "a", 0))
		it := h.wantClaim(h.Due(), lease, "a")[0]
		if seen[it.Token] {
			t.Fatalf("token %d came twice", it.Token)
		}
		seen[it.Token] = true
	}
}

func TestManyClaimersShareWithoutOverlap(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		const n = 100
		for i := range n {
			h.nil(h.Due().Set(h.ctx, fmt.Sprint(i), 0))
		}
		var mu sync.Mutex
		got := map[string]int{}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					items, _, err := h.Due().Claim(h.ctx, lease, 7)
					if err != nil || len(items) == 0 {
						return
					}
					mu.Lock()
					for _, it := range items {
						got[it.ID]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for id, times := range got {
			if times != 1 {
				t.Errorf("%s was claimed %d times", id, times)
			}
		}
		if len(got) != n {
			t.Errorf("%d of %d claimed", len(got), n)
		}
	})
}

func TestAMoveSetsTheTimersWithoutAsking(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		m := opening("s1", "db1")
		m.Due = 0
		r := h.must(h.Advance(h.ctx, m))
		due := h.wantClaim(h.Due(), lease, "s1")[0]
		dirty := h.wantClaim(h.Dirty(), lease, "s1")[0]

		r = h.must(h.Advance(h.ctx, session.Move{Record: r, Event: "vote"}))
		h.ok("due done by the overtaken", false)(h.Due().Done(h.ctx, due))
		h.ok("dirty done by the overtaken", false)(h.Dirty().Done(h.ctx, dirty))
		due = h.wantClaim(h.Due(), lease, "s1")[0]
		dirty = h.wantClaim(h.Dirty(), lease, "s1")[0]

		r = h.must(h.Advance(h.ctx, session.Move{Record: r, Event: "begin", Due: time.Hour, Quiet: true}))
		h.ok("due done by the overtaken", false)(h.Due().Done(h.ctx, due))
		h.wantClaim(h.Due(), lease)
		h.ok("a quiet move leaves the drawer alone", true)(h.Dirty().Done(h.ctx, dirty))

		r = h.must(h.Advance(h.ctx, session.Move{Record: r, Event: "finish", Due: time.Millisecond}))
		time.Sleep(5 * time.Millisecond)
		h.wantClaim(h.Due(), lease) // ended: no next look, whatever was asked
		h.wantClaim(h.Dirty(), lease, "s1")
		h.move(r, "reopen") // Never
		h.wantClaim(h.Due(), lease)
	})
}

func TestAMoveAfterALapsedClaimStaysDirty(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		r := h.open("s1", "db1")
		slow := h.wantClaim(h.Dirty(), time.Millisecond, "s1")[0]
		time.Sleep(5 * time.Millisecond) // the lease ends, nobody comes
		h.move(r, "vote")
		h.ok("done by the slow drawer", false)(h.Dirty().Done(h.ctx, slow))
		h.wantClaim(h.Dirty(), lease, "s1")
	})
}

func TestUrgencyOvertakesAndWaitingIsNeverLost(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		a := h.open("a", "db1")
		time.Sleep(3 * time.Millisecond)
		h.open("b", "db2")
		urgent := opening("c", "db3")
		urgent.Urgency = time.Minute
		h.must(h.Advance(h.ctx, urgent))
		time.Sleep(3 * time.Millisecond)
		h.move(a, "vote") // again dirty: keeps its place before b
		h.wantClaim(h.Dirty(), lease, "c", "a", "b")
	})
}

func TestInbox(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		inbox, payload := h.Inbox(), []byte("{\"text\":\"\x00é\"}")
		it, fresh, err := h.Receive(h.ctx, "e1", payload, lease)
		h.ok("received", true)(fresh, err)
		h.wantClaim(inbox, lease) // the receiver has it
		_, fresh, err = h.Receive(h.ctx, "e1", payload, lease)
		h.ok("received again", false)(fresh, err)
		h.ok("worked off", true)(inbox.Done(h.ctx, it))
		if n := h.rdb.HLen(h.ctx, h.key("inbox")).Val(); n != 0 {
			t.Errorf("%d payloads are left", n)
		}
		_, fresh, err = h.Receive(h.ctx, "e1", payload, lease)
		h.ok("received after it was worked off", false)(fresh, err)

		lost, fresh, err := h.Receive(h.ctx, "e2", payload, 20*time.Millisecond)
		h.ok("received by one who dies", true)(fresh, err)
		var found []session.Item
		eventually(t, "found", func() bool { found = h.claim(inbox, lease); return len(found) == 1 })
		if diff := cmp.Diff(payload, found[0].Payload); diff != "" || found[0].ID != "e2" {
			t.Errorf("found %s (-want +got):\n%s", found[0].ID, diff)
		}
		h.ok("worked off by one thought dead", false)(inbox.Done(h.ctx, lost))
		h.ok("worked off", true)(inbox.Done(h.ctx, found[0]))
	})
}

func TestAnEnvelopeStillWaitingIsNotFreshHoweverOld(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.WithSeenFor(time.Millisecond)
		_, fresh, err := h.Receive(h.ctx, "e1", []byte("x"), lease)
		h.ok("received", true)(fresh, err)
		h.nil(h.rdb.Del(h.ctx, h.key("seen:envelope:e1")).Err())
		_, fresh, err = h.Receive(h.ctx, "e1", []byte("x"), lease)
		h.ok("received again", false)(fresh, err)
	})
}

func TestAReceiverWhoseReplyWasLostStillHasIt(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		_, _, err := h.Receive(h.ctx, "warm", nil, lease)
		h.nil(err)
		lossy, lose := lossyClient(t, h.rdb, 3)
		lose.Store(1)
		it, fresh, err := session.New(lossy, h.cfg).Receive(h.ctx, "e1", []byte("x"), lease)
		h.ok("received", true)(fresh, err)
		if lose.Load() != 0 {
			t.Fatal("no reply was lost; the test proves nothing")
		}
		h.ok("worked off", true)(h.Inbox().Done(h.ctx, it))
	})
}

func TestSeen(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		h.ok("first", true)(h.Seen(h.ctx, "Ev1"))
		h.ok("second", false)(h.Seen(h.ctx, "Ev1"))
		h.ok("another", true)(h.Seen(h.ctx, "Ev2"))
		if ttl := h.rdb.PTTL(h.ctx, h.key("seen:event:Ev1")).Val(); ttl <= 59*time.Minute || ttl > time.Hour {
			t.Errorf("remembered for %s", ttl)
		}
	})
}

func TestObserve(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		m := opening("s1", "db1")
		m.Due = 0
		r := h.must(h.Advance(h.ctx, m))
		it := h.wantClaim(h.Due(), lease, "s1")[0]
		clean := func() {
			for _, d := range h.claim(h.Dirty(), lease) {
				h.ok("drawn", true)(h.Dirty().Done(h.ctx, d))
			}
		}
		clean()
		h.ok("observed", true)(h.Observe(h.ctx, it, []byte("10 %")))
		got := h.load("s1")
		if string(got.Progress) != "10 %" || got.Revision != r.Revision || len(h.events("s1")) != 1 {
			t.Errorf("after observing: %+v", got)
		}
		h.wantClaim(h.Dirty(), lease, "s1")
		clean()
		h.nil(h.rdb.Del(h.ctx, h.key("queue:dirty")).Err())
		h.ok("observed the same", true)(h.Observe(h.ctx, it, []byte("10 %")))
		h.wantClaim(h.Dirty(), lease)
		h.nil(h.Verify(h.ctx, "s1"))

		r = h.must(h.Advance(h.ctx, session.Move{Record: r, Event: "vote"}))
		if string(h.load("s1").Progress) != "10 %" {
			t.Error("a move lost the progress")
		}
		h.ok("observed by the overtaken", false)(h.Observe(h.ctx, it, []byte("20 %")))
		if string(h.load("s1").Progress) != "10 %" {
			t.Error("the overtaken wrote progress")
		}
		h.nil(h.Due().Set(h.ctx, "ghost", 0))
		for _, it := range h.claim(h.Due(), lease) {
			if it.ID == "ghost" {
				h.ok("observed a session that is not there", false)(h.Observe(h.ctx, it, []byte("1")))
			}
		}
		_ = r
	})
}
