package bot

import (
	"strings"
	"testing"
	"time"
)

func TestARedisAddress(t *testing.T) {
	type read struct {
		addrs, user, password, master string
		db                            int
		tls, cluster                  bool
	}
	for _, row := range []struct {
		sentence, url string
		want          read
	}{
		{"a server", "redis://localhost:6379", read{addrs: "localhost:6379"}},
		{"a database and a password", "redis://:pw@host:6380/3", read{addrs: "host:6380", password: "pw", db: 3}},
		{"a password with special characters, percent-encoded", "redis://u:p%40%2F@host:6380", read{addrs: "host:6380", user: "u", password: "p@/"}},
		{"TLS", "rediss://user:pw@host:6380", read{addrs: "host:6380", user: "user", password: "pw", tls: true}},
		{"a socket", "unix:///run/redis.sock?db=2", read{addrs: "/run/redis.sock", db: 2}},
		{"Sentinel", "redis+sentinel://:pw@a:1,b:2,c:3/mymaster", read{addrs: "a:1 b:2 c:3", password: "pw", master: "mymaster"}},
		{"Sentinel with a database", "redis+sentinel://a:1/mymaster?db=4", read{addrs: "a:1", master: "mymaster", db: 4}},
		{"Sentinel with TLS", "rediss+sentinel://a:1/m", read{addrs: "a:1", master: "m", tls: true}},
		{"Cluster", "redis+cluster://u:pw@a:1,b:2", read{addrs: "a:1 b:2", user: "u", password: "pw", cluster: true}},
		{"a cluster of one known address", "rediss+cluster://a:1", read{addrs: "a:1", cluster: true, tls: true}},
		{"an IPv6 address", "redis+cluster://[::1]:1", read{addrs: "[::1]:1", cluster: true}},
	} {
		o, err := redisOptions(row.url)
		if err != nil {
			t.Errorf("%s: %v", row.sentence, err)
			continue
		}
		got := read{strings.Join(o.Addrs, " "), o.Username, o.Password, o.MasterName, o.DB, o.TLSConfig != nil, o.IsClusterMode}
		if got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.sentence, got, row.want)
		}
	}
}

func TestARedisAddressThatIsNone(t *testing.T) {
	for sentence, url := range map[string]string{
		"no scheme": "localhost:6379", "another scheme": "http://localhost", "a topology nobody knows": "redis+ring://a:1", "a socket cannot be a cluster": "unix+cluster://a:1",
		"Sentinel without its master": "redis+sentinel://a:1", "an address without a port": "redis+cluster://a:1,b", "no address": "redis+cluster://",
		"a database that is no number": "redis://host:1/x", "a master that cannot be decoded": "redis+sentinel://a:1/%zz", "an option nobody knows": "redis://host:1?colour=red",
	} {
		if o, err := redisOptions(url); err == nil {
			t.Errorf("%s: %s was taken as %+v", sentence, url, o.Addrs)
		}
	}
}

func TestOptionsOfARedisAddressReachTheClient(t *testing.T) {
	o, err := redisOptions("redis://host:6379/0?pool_size=7&read_timeout=2s&client_name=bot")
	if err != nil || o.PoolSize != 7 || o.ReadTimeout != 2*time.Second || o.ClientName != "bot" {
		t.Errorf("got %+v, %v", o, err)
	}
}
