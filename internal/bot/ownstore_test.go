package bot

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// A store that cannot be told from the account's databases is asked for.
func TestTheOwnRedisIsKnownOrAskedFor(t *testing.T) {
	_, c := newWorld(t)
	read := replica(t, c).inventory // once for all
	if err := read.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence, addr, resolves, set string
		says                          string // empty: it is known
	}{
		{"on this machine", "127.0.0.1:6379", "", "", ""},
		{"a unix socket", "/run/redis.sock", "", "", ""},
		{"a public address of nobody in the account", "redis.example.com:6379", "198.51.100.7", "", ""},
		{"an alias of a database", "redis.example.com:6379", "203.0.113.9", "", "REDIS_URL leads to the same machine as database"},
		{"its bare address, at the port of a Sentinel", "203.0.113.9:8001", "203.0.113.9", "", "REDIS_URL leads to the same machine as database"},
		{"a private address", "redis.internal:6379", "10.0.0.7", "", "is a private one"},
		{"a name that nobody knows", "nowhere.example.com:6379", "", "", "cannot be looked up"},
		{"a private address that is said to be none", "redis.internal:6379", "10.0.0.7", "none", ""},
		{"a database that is named", "redis.internal:6379", "10.0.0.7", "77", ""},
	} {
		c.RedisStoreDatabaseID = row.set
		b := replica(t, c)
		b.inventory = read
		b.addrs = []string{row.addr}
		b.resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
			switch {
			case row.addr == fmt.Sprint(host, ":6379") || strings.HasPrefix(row.addr, host+":"):
				if row.resolves == "" {
					return nil, errors.New("no such host")
				}
				return []netip.Addr{netip.MustParseAddr(row.resolves)}, nil
			}
			return []netip.Addr{netip.MustParseAddr("203.0.113.9")}, nil // every endpoint of the account
		}
		found, err := b.checkStore(t.Context())
		if row.says == "" && (err != nil || found == "") {
			t.Errorf("%s: %v", row.sentence, err)
		}
		if row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), "or to none")) {
			t.Errorf("%s: %q, %v", row.sentence, found, err)
		}
	}
}

// Until it is known nobody can ask for anything, and readiness says what to set.
func TestWithoutKnowingItsOwnRedisABotTakesNothing(t *testing.T) {
	w, c := newWorld(t)
	r := w.runs(c, func(b *Bot) {
		b.addrs = []string{"redis.internal:6379"}
		b.resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
			if host == "redis.internal" {
				return []netip.Addr{netip.MustParseAddr("10.0.0.7")}, nil
			}
			return nil, errors.New("no such host")
		}
	})
	r.red("REDIS_STORE_DATABASE_ID: the address of REDIS_URL is a private one")
	if _, sockets := r.health.condition(); sockets > 0 {
		t.Error("it takes payloads")
	}
}
