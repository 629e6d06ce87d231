package session_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
)

// replica is one process of the bot, with what it was told was put back.
type replica struct {
	*session.Store
	mu   sync.Mutex
	told []string
}

func newReplica(rdb redis.UniversalClient, cfg session.Config) *replica {
	r := &replica{}
	cfg.PutBack = func(flag, value string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, flag+" "+value)
	}
	r.Store = session.New(rdb, cfg)
	return r
}

// A failover to a server that had not heard of a pause: nothing that must not leave
// leaves, and whoever saw the pause puts it back and says so, once.
func TestAPauseOutlivesAFailover(t *testing.T) {
	needRedis(t)
	old := startRedis(t, "--repl-diskless-sync-delay", "0")
	host, port, _ := net.SplitHostPort(old)
	next := startRedis(t, "--replicaof", host+" "+port)
	var master atomic.Pointer[string]
	master.Store(&old)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, *master.Load())
	}
	connect := func() *redis.Client {
		rdb := redis.NewClient(&redis.Options{Addr: "the-master:6379", Dialer: dial})
		t.Cleanup(func() { rdb.Close() })
		return rdb
	}
	h := newHarness(t, connect())
	one, two, blind := newReplica(connect(), h.cfg), newReplica(connect(), h.cfg), newReplica(connect(), h.cfg)
	r := h.must(one.Advance(h.ctx, opening("s1", "db1")))
	h.nil(one.SetFlag(h.ctx, "pause", "U0DAN"))
	h.nil(one.SetFlag(h.ctx, "pause", ""))
	eventually(t, "the replica has all that", func() bool {
		n, _ := client(t, next).Exists(h.ctx, h.key("session:s1"), h.key("flag:pause:receipt")).Result()
		return n == 2
	})

	// From here on the next master hears nothing.
	h.nil(client(t, next).Do(h.ctx, "REPLICAOF", "NO", "ONE").Err())
	h.nil(one.SetFlag(h.ctx, "pause", "U0DAN"))
	if by, err := two.Flag(h.ctx, "pause"); err != nil || by != "U0DAN" {
		t.Fatalf("paused by %q, %v", by, err)
	}
	master.Store(&next)
	h.nil(client(t, old).Do(h.ctx, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no").Err())

	// A call that is about to leave, before anybody has looked.
	var err error
	eventually(t, "the new master", func() bool {
		_, err = one.Advance(h.ctx, session.Move{Record: r, Event: "begin", Unless: "pause", Due: session.Never})
		return !strings.Contains(err.Error(), session.ErrUnavailable.Error())
	})
	h.wantErr(err, session.ErrFlagged)
	for _, at := range []*replica{two, one, blind} {
		if by, err := at.Flag(h.ctx, "pause"); err != nil || by != "U0DAN" {
			t.Errorf("after the failover: paused by %q, %v", by, err)
		}
	}
	if told := slices.Concat(two.told, one.told, blind.told); !slices.Equal(told, []string{"pause U0DAN"}) {
		t.Errorf("told: %q", told)
	}
	_, err = blind.Advance(h.ctx, session.Move{Record: r, Event: "begin", Unless: "pause", Due: session.Never})
	h.wantErr(err, session.ErrFlagged)

	// Who resumes now is heard, by all, and it lasts.
	h.ok("a resume after the failover", true)(blind.SetFlagInOrder(h.ctx, "pause", "", 0))
	time.Sleep(10 * time.Millisecond)
	for _, at := range []*replica{one, two, blind} {
		if by, err := at.Flag(h.ctx, "pause"); err != nil || by != "" {
			t.Errorf("after the resume: paused by %q, %v", by, err)
		}
	}
	h.must(one.Advance(h.ctx, session.Move{Record: r, Event: "begin", Unless: "pause", Due: session.Never}))
}

// What was seen of a flag decides only where the store knows less.
func TestAFlagIsPutBackOnlyWhereItWasForgotten(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		one, two := newReplica(h.rdb, h.cfg), newReplica(h.rdb, h.cfg)
		want := func(sentence, value string) {
			t.Helper()
			for name, at := range map[string]*replica{"one": one, "two": two} {
				if got, err := at.Flag(h.ctx, "pause"); err != nil || got != value {
					t.Errorf("%s: %s reads %q, %v; want %q", sentence, name, got, err, value)
				}
			}
		}
		want("nothing was ever decided", "")
		h.nil(one.SetFlag(h.ctx, "pause", "U0DAN"))
		want("paused", "U0DAN")
		h.nil(h.rdb.Del(h.ctx, h.key("flag:pause")).Err())
		want("the pause is lost", "U0DAN")
		h.nil(h.rdb.Del(h.ctx, h.key("flag:pause"), h.key("flag:pause:receipt"), h.key("fence")).Err())
		want("all of it is lost", "U0DAN")
		h.nil(two.SetFlag(h.ctx, "pause", ""))
		want("resumed", "")
		h.nil(h.rdb.Set(h.ctx, h.key("flag:pause:receipt"), 1, 0).Err())
		want("a resume is forgotten, and nothing holds back", "")
		r := h.must(one.Advance(h.ctx, opening("s1", "db1")))
		h.must(one.Advance(h.ctx, session.Move{Record: r, Event: "begin", Unless: "pause", Due: session.Never}))
		h.nil(one.SetFlag(h.ctx, "pause", "U0DORA"))
		want("paused again", "U0DORA")
		if n := len(one.told) + len(two.told); n != 2 {
			t.Errorf("put back %d times: %q %q", n, one.told, two.told)
		}
	})
}
