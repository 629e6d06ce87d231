package bench

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

const (
	followedSessions = 5000
	movingSessions   = 500
	warmUp           = 10 * time.Second
	window           = 50 * time.Second
)

// BenchmarkFollowed runs the production binary, with production intervals and
// limits, in real time, over 5,000 sessions:
//
//   - soaking: all of them are watched after their upgrade, and end evenly over
//     the half hour that a watch lasts;
//   - moving: 500 of them were just approved and want to be checked, backed up
//     and upgraded, all at once.
//
// late is how long a due session waits until somebody claims it. It is seen
// from outside: a script looks at the head of the queue every two milliseconds;
// a session that is never seen overdue counts as two milliseconds late.
func BenchmarkFollowed(b *testing.B) {
	bot, sandbox := build(b, "cmd/bot"), build(b, "cmd/sandbox")
	for _, mix := range []struct {
		name   string
		moving int
	}{{"soaking", 0}, {"moving", movingSessions}} {
		b.Run(mix.name, func(b *testing.B) {
			for b.Loop() {
				follow(b, bot, sandbox, mix.moving)
			}
		})
	}
}

func follow(b *testing.B, bot, sandbox string, moving int) {
	addr := startRedis(b, "everysec")
	rdb := dialRedis(b, addr)
	emu := startEmulators(b, sandbox, addr, "-speed", "1", "-databases", fmt.Sprint(followedSessions))
	gate := newGate(b, emu)
	health := freeAddr(b)
	env := append(slices.Clone(emu.env), "REDIS_CLOUD_API_URL="+gate.url+"/cloud/v1", "HEALTH_ADDR="+health, "LOG_LEVEL=error", "PATH="+os.Getenv("PATH"))
	p := run(b, env, func(line string) { b.Log(line) }, bot)
	eventually(b, "a ready bot", time.Minute, func() bool { return answers("http://" + health + "/readyz") })
	index := gate.calls()

	store := seedStore(rdb, "redis-upgrade", value(emu.env, "SEAL_KEY"))
	sow(b, store, 0, followed(b, emu, moving))
	time.Sleep(warmUp)
	gate.reset()
	late := watchQueue(b, rdb, "{redis-upgrade}:queue:due", "{redis-upgrade}:fence", window)
	calls := float64(gate.calls()) / window.Minutes()

	b.ReportMetric(millis(late.at(50)), "late-p50-ms")
	b.ReportMetric(millis(late.at(99)), "late-p99-ms")
	b.ReportMetric(float64(len(late.all))/window.Seconds(), "looks/s")
	b.ReportMetric(calls, "cloud-calls/min")
	b.ReportMetric(p.memory("VmRSS"), "RSS-MiB")
	b.ReportMetric(p.memory("VmHWM"), "peak-RSS-MiB")
	b.ReportMetric(float64(index), "first-index-calls")
	b.ReportMetric(0, "ns/op")
	b.Logf("calls in %s: %s", window, gate.kinds())
	states := map[string]int{}
	records, err := store.List(context.Background(), false, 0)
	must(b, err)
	for _, r := range records {
		states[r.State]++
	}
	b.Logf("states at the end: %v", states)
}

func value(env []string, name string) string {
	for _, line := range env {
		if v, ok := strings.CutPrefix(line, name+"="); ok {
			return v
		}
	}
	return ""
}

// followed are the sessions: one per generated database.
func followed(b *testing.B, emu *emulators, moving int) []seed {
	var all []struct {
		ID             int
		SubscriptionID int `json:"subscription_id"`
		Name           string
		Version        string `json:"redis_version"`
	}
	emu.get(b, "/hooks/cloud/databases", &all)
	chance := rand.New(rand.NewPCG(1, 2))
	var out []seed
	for _, d := range all {
		if !strings.HasPrefix(d.Name, "gen-") {
			continue
		}
		s := seed{database: cloud.Ref{Plan: cloud.Pro, Subscription: d.SubscriptionID, Database: d.ID}.String(), name: d.Name, quiet: true}
		if moving > 0 && d.Version == "6.2" {
			moving--
			s.state, s.from, s.to, s.change = upgrade.Approved, d.Version, "7.2", agreed
		} else {
			ends := time.Now().Add(time.Duration(chance.Int64N(int64(30 * time.Minute))))
			s.state, s.from, s.to = upgrade.Soaking, "6.2", d.Version
			s.due = time.Duration(chance.Int64N(int64(time.Minute)))
			s.change = func(body *upgrade.Body) { body.Upgrade.SoakUntil = ends.UTC() }
		}
		out = append(out, s)
	}
	return out
}

// agreed is a plan that bob said yes to.
func agreed(body *upgrade.Body) {
	now := time.Now().UTC()
	body.Facts.WayBack = upgrade.WayBack{}
	// What is not known was not approved: the generated databases differ in these.
	body.Facts.Subscription, body.Facts.Endpoint, body.Facts.Port, body.Facts.AutoMinor = "", "", 0, true
	q := approvals.Question{Authors: body.Authors, PlanHash: body.Plan.Hash(), Ask: 1, Asked: now, Seen: 1, Now: now}
	bob := approvals.Voter{ID: "U0BOB", Name: "bob", Approver: true, Member: true, Known: true}
	body.Decisions = []approvals.Decision{bob.Vote(q, approvals.Approve, "", now)}
	body.Agreed = now
}

// gate counts the calls on their way to Redis Cloud.
type gate struct {
	url string
	mu  sync.Mutex
	by  map[string]int
}

var number = regexp.MustCompile(`/[0-9a-f-]{4,}`)

func newGate(b *testing.B, emu *emulators) *gate {
	to, err := url.Parse(emu.url)
	must(b, err)
	g := &gate{by: map[string]int{}}
	proxy := httputil.NewSingleHostReverseProxy(to)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.by[r.Method+" "+number.ReplaceAllString(strings.TrimPrefix(r.URL.Path, "/cloud/v1"), "/*")]++
		g.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	b.Cleanup(web.Close)
	g.url = web.URL
	return g
}

func (g *gate) calls() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range g.by {
		n += k
	}
	return n
}

func (g *gate) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.by)
}

func (g *gate) kinds() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []string
	for _, k := range slices.Sorted(maps.Keys(g.by)) {
		out = append(out, fmt.Sprintf("%d × %s", g.by[k], k))
	}
	return strings.Join(out, ", ")
}

// overdueScript lists what is due and not claimed.
//
//	KEYS  1 queue
//	→     {now ms, then per member: id, score}
var overdueScript = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now * 1000), 'WITHSCORES')
table.insert(out, 1, string.format('%.0f', now))
return out
`)

// watchQueue measures how late sessions are claimed. Every claim and every
// reschedule takes one number of the fence, so half of what it moved by is the
// number of looks; those never seen overdue were on time.
func watchQueue(b *testing.B, rdb *redis.Client, queue, fence string, during time.Duration) *samples {
	ctx := context.Background()
	worst := map[string]int64{} // id and score → ms
	before, err := rdb.Get(ctx, fence).Int64()
	must(b, err)
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		seen, err := overdueScript.Run(ctx, rdb, []string{queue}).Slice()
		must(b, err)
		var now, score float64
		fmt.Sscan(seen[0].(string), &now)
		for i := 1; i+1 < len(seen); i += 2 {
			fmt.Sscan(seen[i+1].(string), &score)
			key := seen[i].(string) + " " + seen[i+1].(string)
			worst[key] = max(worst[key], int64(now-score/1000))
		}
	}
	after, err := rdb.Get(ctx, fence).Int64()
	must(b, err)
	var late samples
	for _, ms := range worst {
		late.add(time.Duration(ms) * time.Millisecond)
	}
	for range max(0, int(after-before)/2-len(worst)) {
		late.add(2 * time.Millisecond)
	}
	return &late
}
