package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestUnixSocketWithLeastPrivilege: a user that may do exactly what
// docs/reliability.md lists, over a unix socket.
func TestUnixSocketWithLeastPrivilege(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(shortDir(t), "redis.sock")
	store := redisServer(t, "--unixsocket", socket)
	store.do(aclOf(t)...)
	store.do("ACL", "SETUSER", "admin", "on", ">admin", "+@all", "~*")
	store.do("ACL", "SETUSER", "default", "off")
	w := newWorld(t, "unix://upgrade-bot:a-long-password@"+socket, 1, 200)
	r := w.bot("bot", quick...)
	r.awaitReady(15 * time.Second)
	w.approved("db-001")
	w.endWell(30*time.Second, "db-001")
	doctor := start(t, "doctor", program(t, "bot"), w.env, "doctor")
	doctor.ends(20 * time.Second)
	admin := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, Username: "admin", Password: "admin"})
	defer admin.Close()
	for _, refusal := range admin.ACLLog(context.Background(), 50).Val() {
		if !strings.HasPrefix(refusal.Object, "client") { // CLIENT SETINFO and the like are greetings that may be refused
			t.Errorf("refused to %s: %s %s", refusal.Username, refusal.Reason, refusal.Object)
		}
	}
	if said := doctor.printed(); strings.Contains(said, "NOPERM") || strings.Contains(said, "a-long-password") {
		t.Errorf("doctor says:\n%s", said)
	}
}

// aclOf reads the rule from docs/reliability.md, so that the page cannot be wrong.
func aclOf(t *testing.T) []any {
	t.Helper()
	raw, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "ACL SETUSER "); ok {
			args := []any{"ACL", "SETUSER"}
			for _, word := range strings.Fields(rest) {
				args = append(args, word)
			}
			return args
		}
	}
	t.Fatal("docs/reliability.md has no line that begins with ACL SETUSER")
	return nil
}

// shortDir is a folder whose path fits a unix socket's 108 bytes.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/tmp", "rs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestTwoBotsOnOneServerDoNotSeeEachOther: REDIS_PREFIX keeps them apart.
func TestTwoBotsOnOneServerDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	store := redisServer(t)
	one, two := newWorld(t, store.url(), 1, 200), newWorld(t, store.url(), 1, 200)
	a, b := one.bot("one", append(quick, "REDIS_PREFIX=one")...), two.bot("two", append(quick, "REDIS_PREFIX=two")...)
	a.awaitReady(15 * time.Second)
	b.awaitReady(15 * time.Second)
	one.approved("db-001")
	one.endWell(30*time.Second, "db-001")
	if n := len(two.cards()) + len(two.ledger()); n > 0 {
		t.Errorf("the other bot drew or did %d things", n)
	}
	for _, key := range store.do("KEYS", "*").([]any) {
		if k := fmt.Sprint(key); !strings.HasPrefix(k, "{one}:") && !strings.HasPrefix(k, "{two}:") {
			t.Errorf("key %s is under no prefix", k)
		}
	}
	two.approved("db-001")
	two.endWell(30*time.Second, "db-001")
}

// TestPrivateCertificateAuthority: rediss:// with a certificate that only
// SSL_CERT_FILE vouches for; without it the bot does not talk.
func TestPrivateCertificateAuthority(t *testing.T) {
	t.Parallel()
	needRedis(t)
	ca, cert, key := certificates(t)
	port := freePort(t)
	redisServer(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "no")
	w := newWorld(t, "rediss://127.0.0.1:"+port, 1, 200)
	stranger := w.bot("stranger", quick...)
	stranger.awaitRed(10*time.Second, "certificate")
	stranger.kill()
	w.bot("bot", append(quick, "SSL_CERT_FILE="+ca)...).awaitReady(15 * time.Second)
	w.approved("db-001")
	w.endWell(30*time.Second, "db-001")
}

// TestSentinelFailsOver: one master, two replicas, three sentinels; the master is
// killed while sessions run, and the bot goes on with the new one.
func TestSentinelFailsOver(t *testing.T) {
	t.Parallel()
	master := redisServer(t)
	replicas := []*server{redisServer(t, "--replicaof", "127.0.0.1 "+master.port), redisServer(t, "--replicaof", "127.0.0.1 "+master.port)}
	for _, r := range replicas {
		r.awaitSynced()
	}
	var sentinels []string
	for range 3 {
		sentinels = append(sentinels, sentinel(t, master).addr)
	}
	for _, s := range sentinels {
		until(t, 20*time.Second, "the sentinels know each other", func() bool { return knows(s, "num-other-sentinels", "2") && knows(s, "num-slaves", "2") })
	}
	w := newWorld(t, "redis+sentinel://"+strings.Join(sentinels, ",")+"/mymaster", 4, 100)
	w.forgetful = true
	r := w.bot("bot", quick...)
	r.awaitReady(20 * time.Second)
	w.approved("db-001")
	waiting := w.propose("db-002")
	until(t, 20*time.Second, "an intent is confirmed by a replica", func() bool {
		return strings.Contains(fmt.Sprint(master.do("INFO", "commandstats")), "cmdstat_wait:")
	})
	began := time.Now()
	master.kill()
	promoted(t, 40*time.Second, replicas) // which may be sooner than readiness turns red
	r.awaitReady(40 * time.Second)
	t.Logf("ready %s after the master was killed", time.Since(began).Round(100*time.Millisecond))
	w.approves(waiting.message)
	w.approved("db-003")
	w.endWell(40*time.Second, "db-001", "db-002", "db-003")
}

// awaitSynced waits until a replica has its master's data: one that fails over to
// before that has none.
func (s *server) awaitSynced() {
	s.t.Helper()
	until(s.t, 20*time.Second, "the replica has the data", func() bool {
		return strings.Contains(fmt.Sprint(s.do("INFO", "replication")), "master_link_status:up")
	})
}

// info is what the server tells of its replication; "" for what it does not.
func (s *server) info(field string) string {
	for line := range strings.Lines(fmt.Sprint(s.do("INFO", "replication"))) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), field+":"); ok {
			return value
		}
	}
	return ""
}

// promoted waits until one of these servers is a master. Sentinel cuts the
// connections of one that it promotes, which is no answer yet.
func promoted(t *testing.T, within time.Duration, replicas []*server) {
	t.Helper()
	until(t, within, "a replica takes over", func() bool {
		return slices.ContainsFunc(replicas, func(s *server) bool {
			rdb := s.client()
			defer rdb.Close()
			return strings.Contains(rdb.Info(t.Context(), "replication").Val(), "role:master")
		})
	})
}

// sentinel watches a master under the name mymaster.
func sentinel(t *testing.T, master *server) *server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	conf := fmt.Sprintf("sentinel monitor mymaster 127.0.0.1 %s 2\nsentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 5000\n", master.port)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, port: freePort(t), dir: t.TempDir()}
	s.addr = "127.0.0.1:" + s.port
	s.args = []string{file, "--sentinel", "--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir}
	s.start()
	return s
}

// knows asks a sentinel about its master.
func knows(addr, field, want string) bool {
	c := redis.NewSentinelClient(&redis.Options{Addr: addr})
	defer c.Close()
	return c.Master(context.Background(), "mymaster").Val()[field] == want
}

// TestClusterSurvivesTheLossOfOurMaster: three masters with a replica each; the
// master that holds our keys is killed, and its replica takes over.
func TestClusterSurvivesTheLossOfOurMaster(t *testing.T) {
	t.Parallel()
	nodes := cluster(t)
	w := newWorld(t, "redis+cluster://"+nodes[0].addr+","+nodes[1].addr, 4, 100)
	w.forgetful = true
	r := w.bot("bot", quick...)
	r.awaitReady(20 * time.Second)
	w.approved("db-001")
	waiting := w.propose("db-002")
	time.Sleep(300 * time.Millisecond)
	ours := holder(t, nodes)
	began := time.Now()
	ours.kill()
	promoted(t, 30*time.Second, nodes[3:])
	t.Logf("its replica took over after %s", time.Since(began).Round(100*time.Millisecond))
	r.awaitReady(40 * time.Second)
	t.Logf("ready again %s after our master was killed", time.Since(began).Round(100*time.Millisecond))
	w.approves(waiting.message)
	w.approved("db-003")
	w.endWell(40*time.Second, "db-001", "db-002", "db-003")
}

// cluster starts three masters with a replica each.
func cluster(t *testing.T) []*server {
	t.Helper()
	var nodes []*server
	for range 6 {
		nodes = append(nodes, redisServer(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-config-file", "nodes.conf",
			"--cluster-port", freePort(t)))
	}
	for i := range 3 {
		nodes[i].do("CLUSTER", "ADDSLOTSRANGE", i*5461, min(i*5461+5460+i/2, 16383)) // 16384 slots are not divided by three
	}
	for _, n := range nodes[1:] {
		_, bus, _ := strings.Cut(strings.Join(n.args, " "), "--cluster-port ")
		nodes[0].do("CLUSTER", "MEET", "127.0.0.1", n.port, strings.Fields(bus)[0])
	}
	for i := range 3 {
		id := fmt.Sprint(nodes[i].do("CLUSTER", "MYID"))
		replica := nodes[i+3]
		until(t, 20*time.Second, "the nodes know each other", func() bool {
			return strings.Contains(fmt.Sprint(replica.do("CLUSTER", "NODES")), id)
		})
		replica.do("CLUSTER", "REPLICATE", id)
	}
	for _, n := range nodes {
		until(t, 20*time.Second, "the cluster is complete", func() bool {
			return strings.Contains(fmt.Sprint(n.do("CLUSTER", "INFO")), "cluster_state:ok") &&
				strings.Count(fmt.Sprint(n.do("CLUSTER", "NODES")), " slave ")+strings.Count(fmt.Sprint(n.do("CLUSTER", "NODES")), ",slave ") >= 3
		})
	}
	for _, n := range nodes[3:] {
		n.awaitSynced()
	}
	return nodes
}

// holder is the master of the bot's hash tag.
func holder(t *testing.T, nodes []*server) *server {
	t.Helper()
	for _, n := range nodes[:3] {
		if size, _ := n.do("DBSIZE").(int64); size > 0 {
			return n
		}
	}
	t.Fatal("no master has keys")
	return nil
}
