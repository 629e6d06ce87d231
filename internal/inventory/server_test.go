package inventory

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestSharedOnEveryServer runs what the scripts promise on the in-memory server
// and on a real one.
func TestSharedOnEveryServer(t *testing.T) {
	t.Run("in memory", func(t *testing.T) {
		_, client := newServer(t)
		testShared(t, client)
	})
	t.Run("redis-server", func(t *testing.T) { testShared(t, realServer(t)) })
}

func testShared(t *testing.T, client redis.UniversalClient) {
	f := smallFleet()
	f.targets[cacheProd] = []string{"7.4"}
	reader, follower := newIndex(t, f, client), newIndex(t, f, client)
	ctx, s := t.Context(), reader.shared
	if now, err := s.stamp(ctx); err != nil || now != (stamp{}) {
		t.Errorf("stamp of nothing = %+v, %v", now, err)
	}
	refresh(t, reader)
	if _, err := follower.follow(ctx); err != nil || len(follower.All()) != 9 {
		t.Errorf("follower has %d databases, %v; want 9", len(follower.All()), err)
	}
	now, err := s.stamp(ctx)
	if err != nil || now.generation != 1 || now.failures != 0 || now.done.IsZero() || now.tried.IsZero() {
		t.Errorf("stamp after a reading = %+v, %v", now, err)
	}
	if ok, err := s.acquire(ctx, "one"); !ok || err != nil {
		t.Errorf("free lease: acquire = %v, %v", ok, err)
	}
	if ok, err := s.acquire(ctx, "one"); !ok || err != nil {
		t.Errorf("a repeated script: acquire = %v, %v", ok, err)
	}
	if ok, err := s.acquire(ctx, "two"); ok || err != nil {
		t.Errorf("held lease: acquire = %v, %v", ok, err)
	}
	if err := s.renew(ctx, "one"); err != nil {
		t.Errorf("renew by the holder = %v", err)
	}
	if err := s.renew(ctx, "two"); !errors.Is(err, errLeaseLost) {
		t.Errorf("renew by another = %v, want lease lost", err)
	}
	if _, err := s.publish(ctx, "two", &account{}, time.Now()); !errors.Is(err, errLeaseLost) {
		t.Errorf("publish by another = %v, want lease lost", err)
	}
	if err := s.release(ctx, "two"); err != nil {
		t.Errorf("release by another = %v", err)
	}
	if n, err := s.publish(ctx, "one", &account{At: time.Now()}, time.Now()); n != 2 || err != nil {
		t.Errorf("publish by the holder = generation %d, %v; want 2", n, err)
	}
	if ttl := client.PTTL(ctx, s.leaseKey()).Val(); ttl <= 0 || ttl > leaseTTL {
		t.Errorf("lease lives %v, want at most %v", ttl, leaseTTL)
	}
	if err := s.release(ctx, "one"); err != nil || client.Exists(ctx, s.leaseKey()).Val() != 0 {
		t.Errorf("release by the holder = %v, or the lease is still there", err)
	}
	if got, err := follower.Targets(ctx, cacheProd); err != nil || len(got) != 1 {
		t.Errorf("Targets = %v, %v", got, err)
	}
}

// realServer starts redis-server on a Unix socket. Where it is not installed
// the test is skipped, except in CI.
func realServer(t *testing.T) redis.UniversalClient {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		const how = "redis-server is not on the PATH; install it (Debian: apt-get install redis-server) to run this on a real server"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	dir, err := os.MkdirTemp("", "inv") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "redis.sock")
	server := exec.Command(binary, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	t.Cleanup(func() { client.Close() })
	for range 200 {
		if client.Ping(t.Context()).Err() == nil {
			return client
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("redis-server did not come up")
	return nil
}
