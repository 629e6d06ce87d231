package session_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
)

// slowRoad is a client whose bytes wait for hold on their way to the server; they
// arrive even when the client has gone.
func slowRoad(t *testing.T, addr string) (rdb redis.UniversalClient, hold *atomic.Int64) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	hold = &atomic.Int64{}
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", addr)
			if err != nil {
				from.Close()
				continue
			}
			go func() { _, _ = io.Copy(from, to); from.Close() }()
			go func() {
				defer to.Close()
				buf := make([]byte, 64<<10)
				for {
					n, err := from.Read(buf)
					if err != nil {
						time.Sleep(time.Duration(hold.Load()))
						return
					}
					time.Sleep(time.Duration(hold.Load()))
					if _, err := to.Write(buf[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	rdb = redis.NewClient(&redis.Options{Addr: l.Addr().String(), ContextTimeoutEnabled: true, DisableIdentity: true})
	t.Cleanup(func() { rdb.Close() })
	return rdb, hold
}

// Redis is slow, so the receiver gives up: what arrives afterwards is not recorded.
func TestWhatReachesRedisTooLateIsNotRecorded(t *testing.T) {
	h := newHarness(t, client(t, realServer(t)))
	slow, hold := slowRoad(t, h.rdb.(*redis.Client).Options().Addr)
	s := session.New(slow, h.cfg)
	for _, known := range []bool{false, true} { // whether Redis' clock was heard of before
		if known {
			hold.Store(0)
			_, fresh, err := s.Receive(h.ctx, "in time", nil, lease)
			h.ok("received in time", true)(fresh, err)
		}
		hold.Store(int64(600 * time.Millisecond))
		ctx, cancel := context.WithTimeout(h.ctx, 300*time.Millisecond)
		_, fresh, err := s.Receive(ctx, "late", []byte("x"), time.Millisecond)
		cancel()
		if err == nil {
			t.Fatalf("received through a slow road, fresh %v; the test proves nothing", fresh)
		}
		time.Sleep(1500 * time.Millisecond) // everything has arrived
		for _, it := range h.claim(h.Inbox(), time.Millisecond) {
			if it.ID == "late" {
				t.Error("what was given up is in the inbox")
			}
		}
	}
	hold.Store(0)
	ctx, cancel := context.WithTimeout(h.ctx, 5*time.Second)
	defer cancel()
	_, fresh, err := s.Receive(ctx, "late", []byte("x"), lease)
	h.ok("received when Redis is quick again", true)(fresh, err)
}

// A clock that is set must not make everything late, nor everything early for ever.
func TestALastMomentFollowsRedisClock(t *testing.T) {
	m := miniredis.RunT(t)
	h := newHarness(t, client(t, m.Addr()))
	now := time.Now()
	for n, at := range []time.Duration{0, time.Hour, -time.Hour, 0} {
		m.SetTime(now.Add(at))
		ctx, cancel := context.WithTimeout(h.ctx, 2*time.Second)
		_, fresh, err := h.Receive(ctx, string(rune('a'+n)), []byte("x"), lease)
		h.ok("received with Redis' clock set by "+at.String(), true)(fresh, err)
		cancel()
	}
}

func TestAReceiptGrowsAndIsFoundAgain(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		var receipts []int64
		for _, envelope := range []string{"e1", "e2", "e3"} {
			it, fresh, err := h.Receive(h.ctx, envelope, []byte("x"), time.Millisecond)
			h.ok("received", true)(fresh, err)
			receipts = append(receipts, it.Receipt)
		}
		if receipts[0] <= 0 || receipts[0] >= receipts[1] || receipts[1] >= receipts[2] {
			t.Errorf("receipts %v do not grow", receipts)
		}
		found := map[string]session.Item{}
		eventually(t, "found", func() bool {
			items, err := h.ClaimInbox(h.ctx, lease, 10)
			h.nil(err)
			for _, it := range items {
				found[it.ID] = it
			}
			return len(found) == 3
		})
		for i, envelope := range []string{"e1", "e2", "e3"} {
			it := found[envelope]
			if it.Receipt != receipts[i] {
				t.Errorf("%s has the receipt %d, want %d", envelope, it.Receipt, receipts[i])
			}
			for n := 1; n <= 3; n++ {
				if got, err := h.Failed(h.ctx, it); err != nil || got != n {
					t.Errorf("failure %d is counted as %d, %v", n, got, err)
				}
			}
			h.ok("worked off", true)(h.Inbox().Done(h.ctx, it))
			if got, err := h.Failed(h.ctx, it); err != nil || got != 0 {
				t.Errorf("what is gone failed %d times, %v", got, err)
			}
		}
		if n := h.rdb.HLen(h.ctx, h.key("inbox:notes")).Val(); n != 0 {
			t.Errorf("%d notes are left", n)
		}
	})
}

func TestWithdraw(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		it, _, err := h.Receive(h.ctx, "e1", []byte("x"), time.Millisecond)
		h.nil(err)
		h.ok("withdrawn", true)(h.Withdraw(h.ctx, "e1"))
		h.ok("withdrawn again", false)(h.Withdraw(h.ctx, "e1"))
		h.ok("worked off", false)(h.Inbox().Done(h.ctx, it))
		time.Sleep(5 * time.Millisecond)
		h.wantClaim(h.Inbox(), lease)
		for _, key := range []string{"inbox", "inbox:notes"} {
			if n := h.rdb.HLen(h.ctx, h.key(key)).Val(); n != 0 {
				t.Errorf("%s holds %d", key, n)
			}
		}
		_, fresh, err := h.Receive(h.ctx, "e1", []byte("x"), lease)
		h.ok("received again", false)(fresh, err)
	})
}

// Decisions about a flag hold in the order of their receipt, whenever they are
// worked off.
func TestFlagsInOrderOfReceipt(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		receipt := func(envelope string) int64 {
			it, _, err := h.Receive(h.ctx, envelope, []byte("x"), lease)
			h.nil(err)
			return it.Receipt
		}
		resume, pause := receipt("resume"), receipt("pause")
		h.ok("the newer pause", true)(h.SetFlagInOrder(h.ctx, "pause", "U0DAN", pause))
		h.ok("the older resume", false)(h.SetFlagInOrder(h.ctx, "pause", "", resume))
		if got, err := h.Flag(h.ctx, "pause"); err != nil || got != "U0DAN" {
			t.Errorf("the pause is %q, %v", got, err)
		}
		h.ok("the same pause once more", true)(h.SetFlagInOrder(h.ctx, "pause", "U0DAN", pause))
		h.ok("a resume of now", true)(h.SetFlagInOrder(h.ctx, "pause", "", 0))
		h.ok("the pause, much later", false)(h.SetFlagInOrder(h.ctx, "pause", "U0DAN", pause))
		if got, err := h.Flag(h.ctx, "pause"); err != nil || got != "" {
			t.Errorf("the pause is %q, %v", got, err)
		}
	})
}
