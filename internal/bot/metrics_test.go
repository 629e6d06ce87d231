package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/slacksocket"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// ears acknowledges with an error where it is told to.
type ears struct{ deaf error }

func (e ears) Ack(socketmode.Request, ...any) error { return e.deaf }

// idle is a bot that does not run, and its Redis.
func idle(t *testing.T, more ...string) (*miniredis.Miniredis, *Bot) {
	t.Helper()
	memory := miniredis.RunT(t)
	environment(t, slices.Concat(good, []string{"REDIS_URL=redis://" + memory.Addr()}, more)...)
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(c, Parts{Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.rdb.Close() })
	return memory, b
}

func TestMetricsTellWhatAnOperatorAsks(t *testing.T) {
	memory, b := idle(t)
	b.health.Opened(1)
	if err := b.store.Due().Set(t.Context(), "u-3f7ka2mzq5", 0); err != nil {
		t.Fatal(err)
	}
	memory.SetTime(time.Now().Add(time.Minute))

	command := socketmode.Event{Type: socketmode.EventTypeSlashCommand, Request: &socketmode.Request{Type: "slash_commands"}}
	heard := b.metrics.arrived(command, ears{})
	_, _ = heard.Ack(socketmode.Request{}), heard.Ack(socketmode.Request{}) // timed once
	_ = b.metrics.arrived(command, ears{errors.New("closed")}).Ack(socketmode.Request{})
	b.metrics.arrived(slacksocket.Decode([]byte(`{"type":"interactive","envelope_id":"e1","payload":7}`)), ears{})
	gone, _ := json.Marshal(upgrade.Body{Revert: &upgrade.RevertWork{DeletedAt: time.Now()}})
	revert := session.Record{ID: "r-1", Life: 1, Kind: "revert", State: "importing", Created: time.Now().Add(-time.Hour)}
	failed := session.Record{ID: "r-1", Life: 1, Kind: "revert", State: "failed", Ended: true, Body: gone, Created: revert.Created, Updated: time.Now()}
	b.metrics.moved(revert, failed)
	b.metrics.moved(failed, failed) // it has ended before
	b.metrics.moved(session.Record{Kind: "upgrade"}, session.Record{Kind: "upgrade", State: "done", Ended: true})
	b.metrics.answered("GET", 200)
	b.metrics.answered("POST", 0)
	away := b.metrics.around(roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("away") }))
	_, _ = away.RoundTrip(httptest.NewRequest("POST", "http://slack.test/api/chat.update", nil))

	page := scrape(b)
	for _, line := range []string{
		`redis_upgrade_payloads_total{type="slash_commands"} 2`,
		`redis_upgrade_payloads_total{type="undecodable"} 1`,
		`redis_upgrade_acknowledgement_seconds_count{type="slash_commands"} 1`,
		`redis_upgrade_cloud_requests_total{method="GET",status="200"} 1`,
		`redis_upgrade_cloud_requests_total{method="POST",status="none"} 1`,
		`redis_upgrade_slack_requests_total{error="",method="chat.update",status="none"} 1`,
		`redis_upgrade_ended_total{kind="revert",outcome="failed-after-delete"} 1`,
		`redis_upgrade_ended_total{kind="revert",outcome="failed"} 0`,
		`redis_upgrade_ended_total{kind="upgrade",outcome="done"} 1`,
		`redis_upgrade_session_seconds_count{kind="revert",outcome="failed-after-delete"} 1`,
		`redis_upgrade_ready 0`,
		`redis_upgrade_paused 0`,
		`redis_upgrade_build_info{go="` + runtime.Version() + `",version="v1"} 1`,
		`redis_upgrade_sockets 1`,
		`redis_upgrade_unknown_calls 0`,
		`redis_upgrade_distrusted_sessions 0`,
		`redis_upgrade_degraded{what="sessions"} 0`,
		`redis_upgrade_queue_waiting{queue="due"} 1`,
		`redis_upgrade_queue_waiting{queue="inbox"} 0`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("/metrics lacks %s:\n%s", line, page)
		}
	}
	if !strings.Contains(page, `redis_upgrade_queue_late_seconds{queue="due"} 5`) && !strings.Contains(page, `redis_upgrade_queue_late_seconds{queue="due"} 60`) {
		t.Errorf("a member that waits for a minute is not late:\n%s", page)
	}
	for _, secret := range []string{"xoxb-1", "xapp-1", "0123456789abcdef"} {
		if strings.Contains(page, secret) {
			t.Errorf("/metrics tells %s", secret)
		}
	}
	memory.Close()
	if page := scrape(b); strings.Contains(page, "queue_waiting{") || !strings.Contains(page, "redis_upgrade_ready 0") {
		t.Errorf("without Redis:\n%s", page)
	}
}

// Every metric is in the table for the people who run the bot.
func TestEveryMetricIsDocumented(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	memory := miniredis.RunT(t)
	environment(t, append(good, "REDIS_URL=redis://"+memory.Addr())...)
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(c, Parts{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.rdb.Close()
	all := make(chan *prometheus.Desc, 1000)
	b.metrics.registry.Describe(all)
	close(all)
	found := 0
	for d := range all {
		name, _, _ := strings.Cut(strings.TrimPrefix(d.String(), `Desc{fqName: "`), `"`)
		if !strings.HasPrefix(name, namespace+"_") {
			continue // of Go and of the process
		}
		found++
		if !strings.Contains(string(page), "`"+name+"`") && !strings.Contains(string(page), "`"+name+"{") {
			t.Errorf("docs/operations.md does not name %s", name)
		}
	}
	if found < 15 {
		t.Errorf("only %d metrics were found", found)
	}
}

func scrape(b *Bot) string {
	page := httptest.NewRecorder()
	b.metrics.handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	return page.Body.String()
}

// keysRead notes the keys of every command that is not a script.
type keysRead struct {
	redis.Hook
	mu   sync.Mutex
	keys []string
}

func (k *keysRead) DialHook(next redis.DialHook) redis.DialHook { return next }

func (k *keysRead) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		k.see(cmd)
		return next(ctx, cmd)
	}
}

func (k *keysRead) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		k.see(cmds...)
		return next(ctx, cmds)
	}
}

func (k *keysRead) see(cmds ...redis.Cmder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range cmds {
		if args := c.Args(); len(args) > 1 {
			k.keys = append(k.keys, fmt.Sprint(args[1]))
		}
	}
}

// However many sessions are open, a scrape reads none of them.
func TestAScrapeLoadsNoSession(t *testing.T) {
	memory, b := idle(t)
	for i, phase := range []upgrade.Phase{upgrade.Sent, upgrade.Unknown, upgrade.Unknown} {
		body, _ := json.Marshal(upgrade.Body{Call: &upgrade.Call{Phase: phase}})
		if _, err := b.store.Advance(t.Context(), session.Move{Record: session.Record{ID: fmt.Sprint("u-", i), Kind: "upgrade", Database: fmt.Sprint(i)},
			Event: "propose", Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	reads := &keysRead{}
	b.rdb.AddHook(reads)
	page := scrape(b)
	for _, line := range []string{`redis_upgrade_sessions{kind="upgrade",state="proposed"} 3`, `redis_upgrade_unknown_calls 2`} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("/metrics lacks %s:\n%s", line, page)
		}
	}
	if len(reads.keys) == 0 {
		t.Fatal("nothing was seen to be read")
	}
	for _, key := range reads.keys {
		if strings.Contains(key, ":session:") || strings.Contains(key, ":journal:") {
			t.Errorf("a scrape read %s", key)
		}
	}
	// Whoever has Redis can write any word where counts stand: that is no label, and ends no process.
	if err := b.rdb.HSet(t.Context(), "{redis-upgrade}:counts", "up\xffgrade prop\xffosed ", 4, "x", 1, "a b c", "y").Err(); err != nil {
		t.Fatal(err)
	}
	if page := scrape(b); !strings.Contains(page, `redis_upgrade_sessions{kind="other",state="other"} 4`+"\n") {
		t.Errorf("a word that nobody knows:\n%s", page)
	}
	if err := b.rdb.HDel(t.Context(), "{redis-upgrade}:counts", "up\xffgrade prop\xffosed ").Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	memory.HSet("{redis-upgrade}:counts", "upgrade proposed ", "77")
	done := make(chan error, 1)
	go func() { done <- b.recount(ctx) }()
	for i := 0; !strings.Contains(scrape(b), `redis_upgrade_sessions{kind="upgrade",state="proposed"} 3`+"\n"); i++ {
		if i == 500 {
			t.Fatalf("a wrong count is not put right:\n%s", scrape(b))
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-done
}

// Sessions that are not believed are counted, and named where an alert leads.
func TestSessionsThatAreNotBelievedAreNamed(t *testing.T) {
	memory, b := idle(t)
	rec, err := b.store.Advance(t.Context(), session.Move{Record: session.Record{ID: "u-3f7ka2mzq5", Kind: "upgrade", Database: "pro/1/7"}, Event: "propose", Body: []byte("{}"), At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	memory.Del("{" + b.cfg.RedisPrefix + "}:journal:" + rec.ID)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.engine.Run(ctx) }()
	defer func() { stop(); <-done }()
	for deadline := time.Now().Add(20 * time.Second); len(b.engine.Distrusted()) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the session is believed")
		}
	}
	page := scrape(b)
	for _, line := range []string{`redis_upgrade_distrusted_sessions 1`, `redis_upgrade_degraded{what="sessions"} 1`} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("/metrics lacks %s:\n%s", line, page)
		}
	}
	ready := httptest.NewRecorder()
	b.health.readyz(ready, nil)
	var answer struct{ Degraded map[string]string }
	if err := json.Unmarshal(ready.Body.Bytes(), &answer); err != nil || !strings.Contains(answer.Degraded["sessions"], "not believed") || !strings.Contains(answer.Degraded["sessions"], rec.ID) {
		t.Errorf("/readyz says %s, %v", ready.Body, err)
	}
}
