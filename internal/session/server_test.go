package session_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// TestMain ends the servers that the tests started.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, stop := range stops {
		stop()
	}
	os.Exit(code)
}

var (
	stopsMu sync.Mutex
	stops   []func()
)

// backend is one kind of server that the conformance suite runs on.
type backend struct {
	name  string
	start func(t testing.TB) redis.UniversalClient
}

var backends = []backend{
	{"miniredis", func(t testing.TB) redis.UniversalClient {
		m := miniredis.RunT(t)
		return client(t, m.Addr())
	}},
	{"redis-server", func(t testing.TB) redis.UniversalClient {
		return client(t, realServer(t))
	}},
	{"cluster", func(t testing.TB) redis.UniversalClient {
		rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{realCluster(t)}})
		t.Cleanup(func() { rdb.Close() })
		return rdb
	}},
}

// eachBackend runs a test on every kind of server, each under a prefix of its own.
func eachBackend(t *testing.T, run func(t *testing.T, h *harness)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			run(t, newHarness(t, b.start(t)))
		})
	}
}

func client(t testing.TB, addr string) *redis.Client {
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// One real server and one real cluster (of one node, which still refuses keys of
// different slots) serve all tests; prefixes keep them apart.
var (
	realOnce, clusterOnce sync.Once
	realAddr, clusterAddr string
)

func realServer(t testing.TB) string {
	needRedis(t)
	realOnce.Do(func() { realAddr = startRedis(t) })
	return orFatal(t, realAddr)
}

func realCluster(t testing.TB) string {
	needRedis(t)
	clusterOnce.Do(func() {
		addr := startRedis(t, "--cluster-enabled", "yes")
		ctx, rdb := context.Background(), redis.NewClient(&redis.Options{Addr: addr})
		defer rdb.Close()
		if err := rdb.ClusterAddSlotsRange(ctx, 0, 16383).Err(); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			if info := rdb.ClusterInfo(ctx).Val(); strings.Contains(info, "cluster_state:ok") {
				clusterAddr = addr
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	return orFatal(t, clusterAddr)
}

func orFatal(t testing.TB, addr string) string {
	t.Helper()
	if addr == "" {
		t.Fatal("redis-server did not come up")
	}
	return addr
}

// needRedis skips where redis-server is not installed, except in CI.
func needRedis(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	const how = "redis-server is not on the PATH; install it (Debian: apt-get install redis-server) to run the suite on a real server"
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
}

// startRedis starts a server on a free loopback port and returns its address. It
// lives until the end of all tests.
func startRedis(t testing.TB, args ...string) string {
	t.Helper()
	for range 5 { // a free port may be taken by somebody else before the server binds it
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		_, port, _ := net.SplitHostPort(addr)
		l.Close()
		if tryRedis(t, addr, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}, args...)) {
			return addr
		}
	}
	t.Fatal("redis-server does not start")
	return ""
}

func tryRedis(t testing.TB, addr string, args []string) bool {
	t.Helper()
	dir, err := os.MkdirTemp("", "session-redis-")
	if err != nil {
		t.Fatal(err)
	}
	logfile := filepath.Join(dir, "log")
	cmd := exec.Command("redis-server", append(args, "--dir", dir, "--logfile", logfile)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	stop := func() { cmd.Process.Kill(); <-exited; os.RemoveAll(dir) }
	rdb := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	defer rdb.Close()
	for range 250 {
		select {
		case <-exited:
			os.RemoveAll(dir)
			return false
		default:
		}
		if rdb.Ping(context.Background()).Err() == nil {
			stopsMu.Lock()
			stops = append(stops, stop)
			stopsMu.Unlock()
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	return false
}

// lossyClient is a client of the same server whose replies can be lost on the way:
// the server has done the work, the client sees a broken connection.
func lossyClient(t testing.TB, rdb redis.UniversalClient, retries int) (lossy redis.UniversalClient, lose *atomic.Int32) {
	t.Helper()
	lose = new(atomic.Int32)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &lossyConn{Conn: c, lose: lose}, nil
	}
	switch c := rdb.(type) {
	case *redis.Client:
		lossy = redis.NewClient(&redis.Options{Addr: c.Options().Addr, Dialer: dial, MaxRetries: retries})
	case *redis.ClusterClient:
		lossy = redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Options().Addrs, Dialer: dial, MaxRetries: retries, MaxRedirects: retries})
	default:
		t.Fatalf("no lossy %T", rdb)
	}
	t.Cleanup(func() { lossy.Close() })
	if err := lossy.Ping(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	return lossy, lose
}

type lossyConn struct {
	net.Conn
	lose *atomic.Int32 // replies still to lose
}

func (c *lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.lose.Load() > 0 {
		c.lose.Add(-1)
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	return n, err
}
