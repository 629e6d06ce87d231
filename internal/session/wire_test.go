package session_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/thread"
)

func TestPrefixesDoNotSeeEachOther(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		other := newHarness(t, h.rdb)
		h.open("s1", "db1")
		other.open("s1", "db1") // same id, same database
		h.nil(h.Due().Set(h.ctx, "x", 0))
		other.wantClaim(other.Due(), lease)
		other.nil(other.Verify(other.ctx, "s1"))

		// Even a journal copied with its record is not the other deployment's.
		for name, copyKey := range map[string]string{"session:s1": "hash", "journal:s1": "stream"} {
			h.nil(h.rdb.Del(h.ctx, h.key(name)).Err())
			if copyKey == "hash" {
				h.nil(h.rdb.HSet(h.ctx, h.key(name), h.rdb.HGetAll(h.ctx, other.key(name)).Val()).Err())
				continue
			}
			for _, m := range h.rdb.XRange(h.ctx, other.key(name), "-", "+").Val() {
				h.nil(h.rdb.XAdd(h.ctx, &redis.XAddArgs{Stream: h.key(name), ID: m.ID, Values: m.Values}).Err())
			}
		}
		h.wantErr(h.Verify(h.ctx, "s1"), session.ErrTampered)
	})
}

// keySpy collects the keys of every script that goes over the wire.
type keySpy struct {
	mu   sync.Mutex
	keys []string
}

func (k *keySpy) DialHook(next redis.DialHook) redis.DialHook { return next }
func (k *keySpy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (k *keySpy) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); strings.HasPrefix(cmd.Name(), "eval") {
			n := args[2].(int)
			k.mu.Lock()
			for _, key := range args[3 : 3+n] {
				k.keys = append(k.keys, key.(string))
			}
			k.mu.Unlock()
		}
		return next(ctx, cmd)
	}
}

func TestEveryKeySharesTheTagWhateverThePrefix(t *testing.T) {
	rdb := backends[0].start(t)
	spy := &keySpy{}
	rdb.AddHook(spy)
	for prefix, tag := range map[string]string{"": "{redis-upgrade}:", "ops": "{ops}:", "{ops}": "{ops}:", "a}b{c": "{abc}:", "{}": "{redis-upgrade}:"} {
		spy.keys = nil
		ctx, s := context.Background(), session.New(rdb, session.Config{Prefix: prefix, Lives: lives})
		id := "s-" + prefix
		if _, err := s.Advance(ctx, opening(id, "db"+prefix)); err != nil {
			t.Fatal(err)
		}
		s.TakeTurn(ctx, "t", id, 1, 0)
		s.TakeBudget(ctx, "b", 1, time.Second, 1, 1)
		s.Receive(ctx, "e", nil, lease)
		s.Inbox().Claim(ctx, lease, 1)
		thread.Memory{Store: s}.Claim(ctx, id, "C1", "1", "")
		if len(spy.keys) < 20 {
			t.Fatalf("the spy saw %v", spy.keys)
		}
		for _, k := range spy.keys {
			if !strings.HasPrefix(k, tag) {
				t.Errorf("prefix %q: key %s", prefix, k)
			}
		}
	}
}

func TestNothingIsWrittenOutOfMemoryOrReadOnly(t *testing.T) {
	needRedis(t)
	h := newHarness(t, client(t, startRedis(t)))
	r := h.open("s1", "db1")
	h.nil(h.Due().Set(h.ctx, "s1", 0))
	refused := func(why string) {
		t.Helper()
		before := dump(h)
		_, err := h.Advance(h.ctx, session.Move{Record: r, Event: "begin"})
		h.wantErr(err, session.ErrUnavailable)
		_, err = h.Advance(h.ctx, opening("s2", "db2"))
		h.wantErr(err, session.ErrUnavailable)
		_, _, err = h.Due().Claim(h.ctx, lease, 1)
		h.wantErr(err, session.ErrUnavailable)
		if diff := cmp.Diff(before, dump(h)); diff != "" {
			t.Errorf("%s, yet something was written (-before +after):\n%s", why, diff)
		}
	}
	h.nil(h.rdb.ConfigSet(h.ctx, "maxmemory", "1").Err())
	refused("out of memory")
	h.nil(h.rdb.ConfigSet(h.ctx, "maxmemory", "0").Err())
	h.nil(h.rdb.ConfigSet(h.ctx, "min-replicas-to-write", "1").Err())
	refused("too few replicas")
	h.nil(h.rdb.ConfigSet(h.ctx, "min-replicas-to-write", "0").Err())
	h.move(r, "begin")
}

func TestConfirmWaitsForReplicas(t *testing.T) {
	needRedis(t)
	addr := startRedis(t, "--repl-diskless-sync-delay", "0")
	host, port, _ := net.SplitHostPort(addr)
	h := newHarness(t, client(t, addr))
	h.cfg.WaitReplicas, h.cfg.WaitTimeout = 1, 50*time.Millisecond
	store := session.New(h.rdb, h.cfg)

	m := opening("s1", "db1")
	m.Confirm = true
	r, err := store.Advance(h.ctx, m)
	h.wantErr(err, session.ErrUnconfirmed)
	if diff := cmp.Diff(h.load("s1"), r); diff != "" {
		t.Errorf("unconfirmed, but stored (-loaded +returned):\n%s", diff)
	}
	problems, _, err := store.Check(h.ctx)
	h.nil(err)
	if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, "0 replicas are connected, 1 must confirm") }) {
		t.Errorf("problems: %q", problems)
	}
	r = h.must(store.Advance(h.ctx, session.Move{Record: r, Event: "vote"})) // does not ask
	startRedis(t, "--replicaof", host+" "+port)
	eventually(t, "confirmed", func() bool {
		r, err = store.Advance(h.ctx, session.Move{Record: r, Event: "vote", Confirm: true})
		return err == nil
	})

	// A lost reply: the retry finds the move stored and still waits for its replicas.
	lossy, lose := lossyClient(t, h.rdb, 3)
	h.cfg.WaitTimeout = 5 * time.Second
	lose.Store(1)
	_, err = session.New(lossy, h.cfg).Advance(h.ctx, session.Move{Record: r, Event: "begin", Confirm: true})
	if err != nil { // a pinned connection that breaks is not replaced: no answer
		h.wantErr(err, session.ErrUnavailable)
	}
	if got := h.load("s1"); got.State != "busy" {
		t.Errorf("stored %+v", got)
	}
}

func TestCheck(t *testing.T) {
	needRedis(t)
	h := newHarness(t, client(t, startRedis(t)))
	set := func(name, value string) { t.Helper(); h.nil(h.rdb.ConfigSet(h.ctx, name, value).Err()) }
	want := func(words ...string) {
		t.Helper()
		problems, notes, err := h.Check(h.ctx)
		h.nil(err)
		problems = append(problems, notes...)
		if len(problems) != len(words) {
			t.Fatalf("problems %q, want %q", problems, words)
		}
		for i, w := range words {
			if !strings.Contains(problems[i], w) {
				t.Errorf("problem %q does not say %q", problems[i], w)
			}
		}
	}
	want("nothing on disk")
	set("maxmemory-policy", "allkeys-lru")
	set("save", "3600 1")
	want("allkeys-lru", "snapshots only")
	set("maxmemory-policy", "noeviction")
	set("appendonly", "yes")
	want()
	set("appendfsync", "no")
	want("appendfsync is no")
	h.nil(h.rdb.Do(h.ctx, "ACL", "SETUSER", "default", "-config").Err())
	want("maxmemory-policy is unknown", "persistence is unknown")
	if problems, _, err := h.Check(h.ctx); err != nil || len(problems) > 0 {
		t.Errorf("what is only unknown is a problem: %q, %v", problems, err)
	}
}

func TestCheckElsewhere(t *testing.T) {
	for _, row := range []struct {
		sentence string
		on       backend
		want     int
	}{
		{"a server that tells nothing gives two notes", backends[0], 2},
		{"a cluster is asked at the master of our tag", backends[2], 1},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			h := newHarness(t, row.on.start(t))
			problems, notes, err := h.Check(h.ctx)
			if problems = append(problems, notes...); err != nil || len(problems) != row.want {
				t.Errorf("problems %q, %v", problems, err)
			}
		})
	}
}

func TestConfirmOnACluster(t *testing.T) {
	h := newHarness(t, backends[2].start(t))
	h.cfg.WaitReplicas, h.cfg.WaitTimeout = 1, 20*time.Millisecond
	m := opening("s1", "db1")
	m.Confirm = true
	_, err := session.New(h.rdb, h.cfg).Advance(h.ctx, m)
	h.wantErr(err, session.ErrUnconfirmed)
	h.load("s1")
}

// An hour of leases passes at once in a bubble, over pipes instead of sockets.
func TestLeasesInASynctestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := miniredis.NewMiniRedis()
		m.ClockTTL(true)
		defer m.Close()
		rdb := redis.NewClient(&redis.Options{
			Addr:   "127.0.0.1:1", // not dialled; go-redis looks names up, which a bubble cannot
			Dialer: func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		})
		defer rdb.Close()
		h := newHarness(t, rdb)
		h.nil(h.Due().Set(h.ctx, "a", 0))
		old := h.wantClaim(h.Due(), time.Hour, "a")[0]
		time.Sleep(time.Hour - time.Millisecond)
		h.wantClaim(h.Due(), time.Hour)
		time.Sleep(time.Millisecond)
		h.wantClaim(h.Due(), time.Hour, "a")
		h.ok("done by whom it lapsed for", false)(h.Due().Done(h.ctx, old))
	})
}
