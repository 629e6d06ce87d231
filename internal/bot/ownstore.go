package bot

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An upgrade of the database that the bot itself lives in would interrupt the
// upgrade. Names do not tell whether it is one of the account's: an alias, an
// address, a Sentinel or a tunnel may stand before it. So unless it provably is
// none, somebody has to say which one it is.

// noStoreDatabase is REDIS_STORE_DATABASE_ID of a store that is no managed database.
const noStoreDatabase = "none"

// storeDatabase is the id of the database that the bot lives in; 0: none is named.
func (c Config) storeDatabase() int {
	id, _ := strconv.Atoi(c.RedisStoreDatabaseID) // validated; none is no number
	return id
}

// mostHosts bounds the names that are looked up to find the store among them.
const mostHosts = 256

// checkStore says which database the bot's own Redis is, or why that is not known.
// The inventory must have been read, unless the store is on this machine.
func (b *Bot) checkStore(ctx context.Context) (string, error) {
	switch {
	case b.cfg.RedisStoreDatabaseID == noStoreDatabase:
		return "none of the managed databases, by REDIS_STORE_DATABASE_ID", nil
	case b.cfg.RedisStoreDatabaseID != "":
		return "database " + b.cfg.RedisStoreDatabaseID + ", by REDIS_STORE_DATABASE_ID; it is never changed", nil
	case b.storeIsHere():
		return "on this machine", nil
	}
	for _, e := range b.inventory.All() {
		if e.Store {
			return fmt.Sprintf("database %d (%s), by its address; it is never changed", e.Ref.Database, e.Name), nil
		}
	}
	theirs, unread := b.accountAddrs(ctx)
	for _, addr := range b.addrs {
		host, _, _ := net.SplitHostPort(addr) // as redisOptions left it
		ips, err := b.resolve(ctx, host)
		if err != nil || len(ips) == 0 {
			return "", storeUnknown("the address of REDIS_URL cannot be looked up")
		}
		for _, ip := range ips {
			id, known := theirs[ip.Unmap()]
			switch {
			case known:
				return "", storeUnknown(fmt.Sprintf("REDIS_URL leads to the same machine as database %d", id))
			case !public(ip.Unmap()):
				return "", storeUnknown("the address of REDIS_URL is a private one, behind which a managed database may be")
			case unread:
				return "", storeUnknown("the account has too many endpoints to compare the address of REDIS_URL with")
			}
		}
	}
	return "none of the managed databases, by its address", nil
}

func storeUnknown(why string) error {
	return mendf("REDIS_STORE_DATABASE_ID: %s; set it to the id of the managed database that this bot lives in, or to none if it lives elsewhere", why)
}

// storeIsHere reports whether every address of the store is on this machine.
func (b *Bot) storeIsHere() bool {
	return !slices.ContainsFunc(b.addrs, func(addr string) bool {
		host, _, err := net.SplitHostPort(addr)
		return !strings.HasPrefix(addr, "/") && (err != nil || !loopback(host))
	})
}

// public reports whether an address is reached over the Internet by everybody alike.
func public(ip netip.Addr) bool {
	shared := netip.MustParsePrefix("100.64.0.0/10") // between a provider and its customers
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip)
}

// accountAddrs are the addresses of the machines behind the account's endpoints,
// each with a database there; unread: there are more than are looked up.
func (b *Bot) accountAddrs(ctx context.Context) (addrs map[netip.Addr]int, unread bool) {
	hosts := map[string]int{}
	for endpoint, id := range b.inventory.Endpoints() {
		if host, _, err := net.SplitHostPort(endpoint); err == nil {
			hosts[host] = id
		}
	}
	addrs = map[netip.Addr]int{}
	for host, id := range hosts {
		if len(hosts) > mostHosts {
			break
		}
		ips, err := b.resolve(ctx, host)
		if err != nil {
			continue // a private name is not known everywhere
		}
		for _, ip := range ips {
			addrs[ip.Unmap()] = id
		}
	}
	return addrs, len(hosts) > mostHosts
}

// settleStore returns when it is known which database the bot lives in, if any.
// Until then nobody can ask for anything; what was begun goes on.
func (b *Bot) settleStore(ctx context.Context) error {
	for {
		wait := 200 * time.Millisecond
		if b.inventory.Ready() || b.storeIsHere() || b.cfg.RedisStoreDatabaseID != "" {
			look, cancel := context.WithTimeout(ctx, 30*time.Second)
			_, err := b.checkStore(look)
			cancel()
			if err == nil {
				b.health.setStoreProblem("")
				return nil
			}
			b.health.setStoreProblem(err.Error())
			wait = 5 * time.Second
		}
		if sleep(ctx, wait, nil) {
			return ctx.Err()
		}
	}
}
