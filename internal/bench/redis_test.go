package bench

import (
	"context"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// fsyncs are the ways to keep a write that are worth telling apart: everysec
// may lose a second at a power cut, always loses nothing.
var fsyncs = []string{"everysec", "always"}

// startRedis starts a real server with an append-only file on a free loopback
// port, for as long as the benchmark lasts.
func startRedis(b *testing.B, fsync string) string {
	b.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		b.Skip("redis-server is not on the PATH; install it to run this benchmark")
	}
	for range 5 { // a free port may be taken by somebody else before the server binds it
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(b, err)
		addr := l.Addr().String()
		l.Close()
		if tryRedis(b, addr, fsync) {
			return addr
		}
	}
	b.Fatal("redis-server does not start")
	return ""
}

func tryRedis(b *testing.B, addr, fsync string) bool {
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
		"--appendfsync", fsync, "--maxmemory-policy", "noeviction", "--dir", b.TempDir(), "--loglevel", "warning")
	must(b, cmd.Start())
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	b.Cleanup(func() { cmd.Process.Kill(); <-exited })
	rdb := dialRedis(b, addr)
	for range 250 {
		select {
		case <-exited:
			return false
		case <-time.After(20 * time.Millisecond):
		}
		if rdb.Ping(context.Background()).Err() == nil {
			return true
		}
	}
	return false
}

func dialRedis(b *testing.B, addr string) *redis.Client {
	rdb := redis.NewClient(&redis.Options{Addr: addr, PoolSize: 64})
	b.Cleanup(func() { rdb.Close() })
	return rdb
}
