package session_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
)

// clocks are replicas that ping twice a second, and a server whose clock can be
// set, in a bubble.
type clocks struct {
	*harness
	ahead    time.Duration // by which the server's clock is ahead
	pinging  []*session.Store
	log      strings.Builder
	mini     *miniredis.Miniredis
	replicas []*session.Store
}

func withClocks(t *testing.T, replicas int, play func(c *clocks)) {
	synctest.Test(t, func(t *testing.T) {
		c := &clocks{mini: miniredis.NewMiniRedis()}
		defer c.mini.Close()
		dial := func(context.Context, string, string) (net.Conn, error) { return c.mini.Dial() }
		rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: dial, MaxRetries: -1})
		defer rdb.Close()
		if err := rdb.Ping(context.Background()).Err(); err != nil { // before that there is no server
			t.Fatal(err)
		}
		c.before(func() {})
		c.harness = newHarness(t, rdb)
		c.cfg.Log = slog.New(slog.NewTextHandler(&c.log, nil))
		for range replicas {
			c.replicas = append(c.replicas, session.New(rdb, c.cfg))
		}
		c.pinging = c.replicas
		c.pass(2 * time.Second)
		play(c)
	})
}

// before sets the server's clock whenever a script begins, after doing something.
// The server is locked for the commands of the script itself.
func (c *clocks) before(do func()) {
	c.mini.Server().SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if command == "EVAL" || command == "EVALSHA" {
			do()
			c.mini.SetTime(time.Now().Add(c.ahead))
		}
		return false
	})
}

// pass lets time go by.
func (c *clocks) pass(d time.Duration) {
	c.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		for _, s := range c.pinging {
			c.nil(s.Ping(c.ctx))
		}
	}
}

// wantIn fails unless something happens when it should, give or take the part by
// which the store's time comes near to Redis' clock again.
func (c *clocks) wantIn(what string, from time.Time, want time.Duration, happens func() bool) {
	c.t.Helper()
	for !happens() {
		if time.Since(from) > want+time.Minute {
			c.t.Errorf("%s: not after %s, want %s", what, time.Since(from), want)
			return
		}
		c.pass(500 * time.Millisecond)
	}
	if late := time.Since(from) - want; late < -want/16-time.Second || late > want/16+5*time.Second {
		c.t.Errorf("%s: after %s, want %s", what, time.Since(from), want)
	}
}

// Redis' clock is set, or another server answers after a failover: what was to be in
// a while is then, no sooner and no later, be it a look, the end of a lease, a
// budget, a turn or the silence of a replica.
func TestStepsOfTheClock(t *testing.T) {
	for name, steps := range map[string][]time.Duration{ // what the clock is ahead by, three seconds each, the last one for good
		"an hour back":           {-time.Hour},
		"an hour ahead":          {time.Hour},
		"ahead and right again":  {time.Hour, 0},
		"back and right again":   {-time.Hour, 0},
		"a day back, then a bit": {-24 * time.Hour, -24*time.Hour - 10*time.Second},
		"to and fro":             {time.Hour, -time.Hour, time.Hour, -time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			withClocks(t, 2, func(c *clocks) {
				// Before the step.
				begun := time.Now()
				c.open("holder", "db1")
				c.open("waiter", "db2")
				c.nil(c.Due().Set(c.ctx, "claimed", 0))
				c.wantClaim(c.Due(), 20*time.Second, "claimed")
				c.nil(c.Due().Set(c.ctx, "soon", 30*time.Second))
				c.nil(c.Due().Set(c.ctx, "later", 40*time.Minute))
				for range 10 {
					_, err := c.TakeBudget(c.ctx, "b", 10, 10*time.Minute, 10, 1)
					c.nil(err)
				}
				c.nil(c.SetBudgetPause(c.ctx, "p", 70*time.Second))
				_, err := c.Beat(c.ctx, "other", 10*time.Second)
				c.nil(err)
				was := c.replicas[0].Now()

				for _, c.ahead = range steps {
					c.pass(3 * time.Second)
				}
				for i, s := range c.replicas {
					if off := s.Now().Sub(was) - time.Since(begun); off < -time.Second || off > time.Second {
						t.Errorf("replica %d is off by %s", i, off)
					}
				}
				silent, err := c.Beat(c.ctx, "me", time.Minute)
				c.nil(err)
				if len(silent) > 0 {
					t.Errorf("said to be silent: %v", silent)
				}
				c.wantIn("the end of a claim", begun, 20*time.Second, func() bool { return len(c.claim(c.Due(), 10*time.Minute)) > 0 })
				c.wantIn("a look", begun, 30*time.Second, func() bool { return len(c.claim(c.Due(), 10*time.Minute)) > 0 })
				c.wantIn("a budget", begun, time.Minute, func() bool {
					wait, err := c.TakeBudget(c.ctx, "b", 10, 10*time.Minute, 10, 1)
					c.nil(err)
					return wait == 0
				})
				c.wantIn("the end of a pause", begun, 70*time.Second, func() bool {
					wait, err := c.TakeBudget(c.ctx, "p", 10, 10*time.Minute, 10, 1)
					c.nil(err)
					return wait == 0
				})
				if n := strings.Count(c.log.String(), "Redis' clock was set"); n != len(steps) {
					t.Errorf("%d steps were logged %d times", len(steps), n)
				}
				if got := c.replicas[1].Clock(); got.Steps != int64(len(steps)) {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// A step is no step when time has really passed, and the other way round nobody
// takes the absence of everybody for a step.
func TestTimePassesWhileNobodyPings(t *testing.T) {
	withClocks(t, 1, func(c *clocks) {
		c.nil(c.Due().Set(c.ctx, "a", 30*time.Minute))
		time.Sleep(time.Hour) // one replica, stopped and continued
		c.pass(time.Second)
		c.wantClaim(c.Due(), 40*time.Minute, "a")
		time.Sleep(time.Hour) // it ends, and another one starts
		c.pinging = []*session.Store{session.New(c.rdb, c.cfg)}
		c.pass(5 * time.Second)
		c.wantClaim(c.Due(), lease, "a")
		if c.log.Len() > 0 {
			t.Error(c.log.String())
		}
	})
}

// While all replicas were away the clock went back: the store's time goes on from
// where it was.
func TestTheClockWentBackWhileNobodyLooked(t *testing.T) {
	withClocks(t, 1, func(c *clocks) {
		c.nil(c.Due().Set(c.ctx, "a", 20*time.Second))
		c.ahead = -time.Hour
		c.pinging = []*session.Store{session.New(c.rdb, c.cfg)}
		c.wantIn("a look", time.Now(), 23*time.Second, func() bool { return len(c.claim(c.Due(), lease)) > 0 })
	})
}

// A replica whose machine stood still beside others that went on does not move the
// time of all.
func TestAReplicaThatStoodStillMovesNobodysTime(t *testing.T) {
	withClocks(t, 1, func(c *clocks) {
		stood := time.Duration(0)
		cfg := c.cfg
		cfg.Steady = func() time.Time { return time.Now().Add(-stood) }
		still := session.New(c.rdb, cfg)
		c.nil(still.Ping(c.ctx))
		c.pass(10 * time.Minute)
		stood = 10 * time.Minute
		c.nil(still.Ping(c.ctx))
		c.pass(time.Second)
		if got := c.replicas[0].Clock(); got.Steps != 0 {
			t.Errorf("%+v", got)
		}
		if off := still.Now().Sub(c.replicas[0].Now()); off < -time.Second || off > time.Second {
			t.Errorf("it is off by %s", off)
		}
	})
}

// Redis answers after it stood still, and works off what it was asked meanwhile.
func TestRedisStoodStill(t *testing.T) {
	withClocks(t, 2, func(c *clocks) {
		hold := make(chan struct{})
		c.before(func() { <-hold })
		for _, s := range c.replicas {
			go func() { _ = s.Ping(c.ctx) }()
		}
		time.Sleep(time.Minute)
		close(hold)
		synctest.Wait()
		c.pass(5 * time.Second)
		if got := c.replicas[0].Clock(); got.Steps != 0 || got.Offset != 0 {
			t.Errorf("%+v", got)
		}
		if off := time.Until(c.replicas[0].Now()); off < -time.Second || off > time.Second {
			t.Errorf("off by %s", off)
		}
	})
}

// Dates that people name are Redis' once its clock has held for a minute, and in
// the end the store's time is Redis' again.
func TestTheCalendarFollowsAStepThatHolds(t *testing.T) {
	withClocks(t, 2, func(c *clocks) {
		calendar := func() time.Duration {
			return time.Until(c.replicas[0].Now().Add(-c.replicas[0].Shift())).Round(15 * time.Second)
		}
		c.ahead = 4 * time.Minute
		c.pass(30 * time.Second)
		if got := calendar(); got != 0 || !c.replicas[0].Clock().Recent {
			t.Errorf("believed at once: %s, %+v", got, c.replicas[0].Clock())
		}
		c.pass(time.Minute)
		if got := calendar(); got != c.ahead || c.replicas[0].Clock().Recent {
			t.Errorf("after a minute the calendar is ahead by %s, %+v", got, c.replicas[0].Clock())
		}
		if got := c.replicas[0].Clock().Skew.Round(time.Second); got != -c.ahead {
			t.Errorf("this machine is ahead by %s", got)
		}
		for range 70 * 60 / 2 { // the slower it is pinged, the less work is an hour
			time.Sleep(2 * time.Second)
			c.nil(c.replicas[0].Ping(c.ctx))
		}
		if got := c.replicas[0].Clock().Offset; got != 0 {
			t.Errorf("after an hour %s are left", got)
		}
	})
}
