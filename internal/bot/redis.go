package bot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// redisOptions reads REDIS_URL: go-redis's own schemes, and two of ours for
// Sentinel and Cluster.
//
//	redis+sentinel://[user:password@]host:port[,host:port…]/master[?db=0]
//	redis+cluster://[user:password@]host:port[,host:port…]
//
// With an s (rediss+sentinel, rediss+cluster) the connections use TLS.
//
// Errors say what is wrong without showing the address: there is a password in it.
func redisOptions(raw string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return nil, errors.New("no scheme; write redis://host:port")
	}
	base, topology, _ := strings.Cut(scheme, "+")
	if topology == "" {
		o, err := redis.ParseURL(raw)
		if err != nil {
			return nil, errUnreadable
		}
		return universal(o, o.Addr), nil
	}
	if base != "redis" && base != "rediss" || topology != "sentinel" && topology != "cluster" {
		return nil, errors.New("unknown scheme; there are redis, rediss and unix, and redis and rediss with +sentinel or +cluster")
	}
	user, hosts, path, query, err := split(rest)
	if err != nil {
		return nil, err
	}
	first, err := redis.ParseURL(base + "://" + user + hosts[0] + "/?" + query)
	if err != nil {
		return nil, errUnreadable
	}
	out := universal(first, hosts...)
	if topology == "cluster" {
		out.IsClusterMode = true
		return out, nil
	}
	if out.MasterName = path; path == "" {
		return nil, errors.New("redis+sentinel: the master's name is missing (…/mymaster)")
	}
	return out, nil
}

var errUnreadable = errors.New("not a Redis address; write redis://user:password@host:port/0, with the special characters of a password percent-encoded")

// universal carries what a URL can say over to the options that know all topologies.
func universal(o *redis.Options, addrs ...string) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs: addrs, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig, Dialer: dialerFor(o.Network),
		Protocol: o.Protocol, ClientName: o.ClientName, MaxRetries: o.MaxRetries, MinRetryBackoff: o.MinRetryBackoff, MaxRetryBackoff: o.MaxRetryBackoff,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		PoolFIFO: o.PoolFIFO, PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout, MinIdleConns: o.MinIdleConns, MaxIdleConns: o.MaxIdleConns,
		MaxActiveConns: o.MaxActiveConns, ConnMaxIdleTime: o.ConnMaxIdleTime, ConnMaxLifetime: o.ConnMaxLifetime,
	}
}

// split takes user, hosts, path and query apart; url.Parse refuses several hosts.
func split(rest string) (user string, hosts []string, path, query string, err error) {
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, rest = rest[:at+1], rest[at+1:]
	}
	rest, query, _ = strings.Cut(rest, "?")
	list, path, _ := strings.Cut(rest, "/")
	for i, h := range strings.Split(list, ",") {
		if _, _, err := net.SplitHostPort(h); err != nil {
			return "", nil, "", "", fmt.Errorf("address %d is not host:port", i+1)
		}
		hosts = append(hosts, h)
	}
	if path, err = url.PathUnescape(path); err != nil {
		err = errUnreadable
	}
	return user, hosts, path, query, err
}

// dialerFor lets a unix socket through UniversalOptions, which knows TCP only.
func dialerFor(network string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if network != "unix" {
		return nil
	}
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", addr)
	}
}

// quietRedis keeps the client library from writing a line of its own form for
// every dial that fails: what it cannot do comes back as an error and is logged.
var quietRedis = sync.OnceFunc(func() { redis.SetLogger(discard{}) })

type discard struct{}

// Printf implements go-redis' logger.
func (discard) Printf(context.Context, string, ...any) {}
