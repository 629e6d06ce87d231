package inventory

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Answers reports whether d answers at the address in uri, as a source of
// replication names it.
func Answers(d cloud.Database, uri string) bool {
	return slices.Contains(d.Endpoints(), address(uri))
}

// address reduces an endpoint or a replication URI to "host:port": no scheme,
// no path, no trailing dot, lower case, and above all no user and password. It
// cuts by hand, because a password that net/url refuses must not survive either.
func address(raw string) string {
	s := strings.TrimSpace(raw)
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	s = strings.ToLower(s)
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return strings.TrimSuffix(s, ".")
	}
	return net.JoinHostPort(strings.TrimSuffix(host, "."), port)
}

// portOf is the port of a host:port address, 0 when it has none.
func portOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}
