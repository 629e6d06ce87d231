package bot

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"
)

// redisOptions reads REDIS_URL: go-redis's own schemes, and two of ours for
// Sentinel and Cluster.
//
//	redis+sentinel://[user:password@]host:port[,host:port…]/master[?db=0]
//	redis+cluster://[user:password@]host:port[,host:port…]
//
// With an s (rediss+sentinel, rediss+cluster) the connections use TLS.
func redisOptions(raw string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return nil, fmt.Errorf("no scheme; write redis://host:port")
	}
	base, topology, _ := strings.Cut(scheme, "+")
	if topology == "" {
		o, err := redis.ParseURL(raw)
		if err != nil {
			return nil, plainError(err)
		}
		return &redis.UniversalOptions{Addrs: []string{o.Addr}, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
			Dialer: dialerFor(o.Network)}, nil
	}
	if topology != "sentinel" && topology != "cluster" {
		return nil, fmt.Errorf("unknown scheme %q", scheme)
	}
	user, hosts, path, err := split(rest)
	if err != nil {
		return nil, err
	}
	first, err := redis.ParseURL(base + "://" + user + hosts[0] + "/0")
	if err != nil {
		return nil, plainError(err)
	}
	out := &redis.UniversalOptions{Addrs: hosts, Username: first.Username, Password: first.Password, TLSConfig: first.TLSConfig}
	if topology == "cluster" {
		out.IsClusterMode = true
		return out, nil
	}
	if out.MasterName = path; path == "" {
		return nil, fmt.Errorf("redis+sentinel: the master's name is missing (…/mymaster)")
	}
	return out, nil
}

// split takes user, hosts and path apart; url.Parse refuses several hosts.
func split(rest string) (user string, hosts []string, path string, err error) {
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, rest = rest[:at+1], rest[at+1:]
	}
	list, path, _ := strings.Cut(rest, "/")
	path, _, _ = strings.Cut(path, "?")
	for _, h := range strings.Split(list, ",") {
		if _, _, err := net.SplitHostPort(h); err != nil {
			return "", nil, "", fmt.Errorf("%q is not host:port", h)
		}
		hosts = append(hosts, h)
	}
	path, err = url.PathUnescape(path)
	return user, hosts, path, err
}

// plainError keeps a password out of an error.
func plainError(err error) error {
	if u, ok := err.(*url.Error); ok {
		return u.Err
	}
	return err
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
