package chaos

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// needRedis skips where redis-server is not installed, except in CI.
func needRedis(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	const how = "redis-server is not on the PATH; install it (Debian: apt-get install redis-server) to run replicas on a real server"
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
}

// server is one redis-server of ours, on a port and in a folder of its own.
type server struct {
	*process
	t    testing.TB
	addr string
	port string
	dir  string
	args []string
}

// redisServer starts a server that keeps nothing on disk and never evicts;
// later settings win.
func redisServer(t testing.TB, settings ...string) *server {
	t.Helper()
	needRedis(t)
	s := &server{t: t, port: freePort(t), dir: t.TempDir()}
	s.addr = "127.0.0.1:" + s.port
	s.args = append([]string{"--port", s.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0", "--dir", s.dir}, settings...)
	s.start()
	return s
}

// start runs it, also again after it was ended.
func (s *server) start() {
	s.t.Helper()
	path, _ := exec.LookPath("redis-server")
	s.process = start(s.t, "redis-server "+s.port, path, nil, s.args...)
	rdb := s.client()
	defer rdb.Close()
	until(s.t, 10*time.Second, "redis-server answers", func() bool {
		if !s.running() {
			s.t.Fatalf("redis-server ended: %s", s.printed())
		}
		err := rdb.Ping(context.Background()).Err()
		return err == nil || redis.HasErrorPrefix(err, "NOAUTH") || redis.HasErrorPrefix(err, "WRONGPASS")
	})
}

func (s *server) url() string { return "redis://" + s.addr }

// client is a way to the server past every bot.
func (s *server) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, DialTimeout: time.Second, ReadTimeout: 2 * time.Second})
}

// do runs one command that must succeed.
// keys are all keys of these patterns.
func (s *server) keys(patterns ...string) (all []string) {
	s.t.Helper()
	rdb := s.client()
	defer rdb.Close()
	for _, p := range patterns {
		found, err := rdb.Keys(s.t.Context(), p).Result()
		if err != nil {
			s.t.Error(err)
		}
		all = append(all, found...)
	}
	return all
}

func (s *server) do(args ...any) any {
	s.t.Helper()
	rdb := s.client()
	defer rdb.Close()
	out, err := rdb.Do(context.Background(), args...).Result()
	if err != nil {
		s.t.Fatalf("%v on %s: %v", args, s.addr, err)
	}
	return out
}
