package session_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
)

// shift is a due queue in a bubble, worked off by two hands that sleep an hour
// between two claims. What is done and logged is told, with the time since the
// start.
type shift struct {
	*harness
	mini  *miniredis.Miniredis
	wake  chan struct{}
	begun time.Time

	mu   sync.Mutex // guards told
	told []string
}

func (s *shift) tell(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprintf("%s %s", time.Since(s.begun).Round(time.Second), what))
}

// Write implements io.Writer for the log.
func (s *shift) Write(line []byte) (int, error) {
	_, msg, _ := strings.Cut(string(line), "msg=")
	msg, _, _ = strings.Cut(msg, " queue=")
	s.tell(strings.Trim(msg, `"`))
	return len(line), nil
}

// put makes members due now.
func (s *shift) put(ids ...string) {
	for _, id := range ids {
		s.nil(s.Due().Set(s.ctx, id, 0))
	}
	s.wake <- struct{}{}
}

func (s *shift) want(t *testing.T, lines ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(lines, s.told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// work plays a shift.
func work(t *testing.T, do func(*shift, session.Item), play func(*shift)) {
	synctest.Test(t, func(t *testing.T) {
		s := &shift{mini: miniredis.NewMiniRedis(), wake: make(chan struct{}), begun: time.Now()}
		s.mini.ClockTTL(true)
		defer s.mini.Close()
		dial := func(context.Context, string, string) (net.Conn, error) { return s.mini.Dial() }
		rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: dial, MaxRetries: -1})
		defer rdb.Close()
		s.harness = newHarness(t, rdb)
		ctx, stop := context.WithCancel(s.ctx)
		var running sync.WaitGroup
		running.Go(func() {
			_ = s.Due().Work(ctx, session.Work{Lease: lease, Workers: 2, Idle: time.Hour, Wake: s.wake, Log: slog.New(slog.NewTextHandler(s, nil)),
				Do: func(_ context.Context, it session.Item) { do(s, it) }})
		})
		synctest.Wait()
		play(s)
		stop()
		running.Wait()
	})
}

func TestWorkWakesForTheNextDate(t *testing.T) {
	first := true
	work(t, func(s *shift, it session.Item) {
		s.tell(it.ID)
		if first {
			first = false
			s.ok("rescheduled", true)(s.Due().Reschedule(s.ctx, it, 90*time.Second))
			return
		}
		s.ok("done", true)(s.Due().Done(s.ctx, it))
	}, func(s *shift) {
		s.put("a")
		time.Sleep(30 * time.Minute)
		s.want(t, "0s a", "1m30s a")
	})
}

// The answer to a claim says when to come again: nothing is asked twice.
func TestWorkClaimsOnceForWhatIsDue(t *testing.T) {
	work(t, func(s *shift, it session.Item) {
		time.Sleep(lease / 2)
		s.ok("done", true)(s.Due().Done(s.ctx, it))
	}, func(s *shift) {
		s.put("first") // loads the scripts
		time.Sleep(lease)
		var asked commandCount
		s.rdb.AddHook(&asked)
		s.put("a")
		synctest.Wait()
		if n := asked.Load(); n != 2 { // put, claim
			t.Errorf("%d commands until a member was in hand", n)
		}
		time.Sleep(lease)
		if n := asked.Load(); n != 4 { // done, and a claim for the free hand
			t.Errorf("%d commands until it was done", n)
		}
	})
}

// commandCount counts the commands of a client.
type commandCount struct{ atomic.Int64 }

func (c *commandCount) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c *commandCount) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.Add(1)
		return next(ctx, cmd)
	}
}
func (c *commandCount) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestWorkHasNoMoreThanItsHandsFull(t *testing.T) {
	work(t, func(s *shift, it session.Item) {
		s.tell("one more")
		time.Sleep(lease / 2)
		s.ok("done", true)(s.Due().Done(s.ctx, it))
	}, func(s *shift) {
		s.put("a", "b", "c", "d", "e")
		time.Sleep(10 * time.Minute)
		s.want(t, "0s one more", "0s one more", "5s one more", "5s one more", "10s one more")
	})
}

func TestWorkOutlivesPanicsAndOutages(t *testing.T) {
	first := true
	work(t, func(s *shift, it session.Item) {
		if first {
			first = false
			panic("out of paper")
		}
		s.tell(it.ID)
		s.ok("done", true)(s.Due().Done(s.ctx, it))
	}, func(s *shift) {
		s.mini.SetError("away")
		for range 20 {
			s.wake <- struct{}{}
			time.Sleep(time.Second)
		}
		s.mini.SetError("")
		s.put("a")
		time.Sleep(time.Minute)
		s.want(t, "0s queue cannot be read; trying on", "20s queue is read again", "20s work panicked", "30s a")
	})
}

// A part of a millisecond is no time at all for a script: who waited for it was
// back at once, and again.
func TestAShortWaitIsNoLoop(t *testing.T) {
	n := 0
	work(t, func(s *shift, it session.Item) {
		if n++; n == 2000 {
			s.ok("done", true)(s.Due().Done(s.ctx, it))
			s.tell("looked 2000 times")
			return
		}
		s.ok("rescheduled", true)(s.Due().Reschedule(s.ctx, it, time.Microsecond))
	}, func(s *shift) {
		s.put("a")
		time.Sleep(time.Minute)
		s.want(t, "2s looked 2000 times")
	})
}

// A drawer that waits for a slow Slack keeps its session to itself; one that died
// does not.
func TestADrawingIsKeptWhileItLasts(t *testing.T) {
	work(t, func(*shift, session.Item) {}, func(s *shift) {
		s.mini.ClockTTL(true)
		begin := func(ctx context.Context) (func(context.Context), bool) {
			end, ok, err := s.Draw(ctx, "s1", lease)
			s.nil(err)
			return end, ok
		}
		end, ok := begin(s.ctx)
		for range 10 {
			time.Sleep(lease)
			if _, taken := begin(s.ctx); !ok || taken {
				s.t.Fatalf("two drew the same session after %s", time.Since(s.begun))
			}
		}
		end(s.ctx)
		dies, kill := context.WithCancel(s.ctx)
		if _, ok := begin(dies); !ok {
			s.t.Fatal("what had ended could not be drawn again")
		}
		kill()
		time.Sleep(lease + time.Second)
		end, ok = begin(s.ctx)
		if !ok {
			s.t.Fatal("nobody draws for a drawer that died")
		}
		end(s.ctx)
	})
}
