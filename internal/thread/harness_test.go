package thread

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/memnet"
	"github.com/redis-upgrade/bot/internal/sandbox/slackemu"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

const (
	channel = "C0REDISOPS"
	other   = "C0GENERAL" // another channel
)

// stage is a store and a Slack inside a bubble in which time passes only when
// everybody waits; nothing in it has a socket.
type stage struct {
	rdb    *redis.Client // undisturbed
	t      *testing.T
	ctx    context.Context
	store  *session.Store
	memory Memory
	slack  *slackemu.Server
	api    *slack.Client
}

// play runs a test on a stage.
func play(t *testing.T, run func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		memory := miniredis.NewMiniRedis()
		memory.ClockTTL(true) // leases lapse by the bubble's clock
		rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: func(context.Context, string, string) (net.Conn, error) { return memory.Dial() }})
		emu := slackemu.New(slackemu.Config{BotToken: "xoxb-1", AppToken: "xapp-1", Now: time.Now})
		lis := memnet.Listen()
		server := &http.Server{Handler: emu.API()}
		go server.Serve(lis)
		transport := &http.Transport{DialContext: lis.Dial}
		store := session.New(rdb, session.Config{Prefix: "test", SealKey: []byte("seal"), Retention: time.Hour, Lives: upgrade.Lives()})
		s := &stage{rdb: rdb, t: t, ctx: ctx, slack: emu, store: store, memory: Memory{store},
			api: slack.New("xoxb-1", slack.OptionAPIURL("http://slack.test/slack/api/"), slack.OptionHTTPClient(&http.Client{Transport: transport}))}
		defer func() {
			cancel()
			synctest.Wait()
			transport.CloseIdleConnections()
			server.Close()
			emu.Close()
			rdb.Close()
			memory.Close()
		}()
		run(s)
	})
}

// draw starts a drawer; stop ends it and waits for it.
func (s *stage) draw(change ...func(*Config, *Slack)) (stop func()) {
	cfg := Config{Channel: channel, Policy: view.Policy{Upgrades: approvals.Upgrade(1), Reverts: approvals.Revert(2), Approvers: "<!subteam^S0DBA>", OnCall: "<!subteam^S0ONCALL>"},
		Lease: 10 * time.Second, Window: time.Minute, Workers: 4}
	var api Slack = s.api
	for _, f := range change {
		f(&cfg, &api)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	var wg sync.WaitGroup
	wg.Go(func() { New(cfg, s.store, api, slog.New(slog.DiscardHandler)).Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

// open opens an upgrade.
func (s *stage) open(name string) session.Record {
	s.t.Helper()
	return s.start("u-"+name, upgrade.KindUpgrade, upgrade.Body{})
}

func (s *stage) start(id string, kind upgrade.Kind, b upgrade.Body) session.Record {
	s.t.Helper()
	b.Plan = upgrade.Plan{Database: "pro/1/7", Name: id[2:], From: "7.2", To: "7.4", Backup: "s3://bucket/x"}
	b.Reason, b.By, b.Authors, b.Asked = "because", "U0ANN", []string{"U0ANN"}, time.Now()
	raw, err := json.Marshal(b)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.must(s.store.Advance(s.ctx, session.Move{Record: session.Record{ID: id, Kind: string(kind), Life: 1, Database: "db-" + id},
		Event: string(upgrade.Propose), By: "U0ANN", Body: raw, Ask: true, Due: session.Never, At: time.Now()}))
}

// move makes a move with words for the thread.
func (s *stage) move(r session.Record, ev upgrade.Event, note string) session.Record {
	s.t.Helper()
	return s.must(s.store.Advance(s.ctx, session.Move{Record: r, Event: string(ev), By: "U0BOB", Note: note, Due: session.Never, At: time.Now()}))
}

func (s *stage) must(r session.Record, err error) session.Record {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// fault switches a bad day of Slack.
func (s *stage) fault(format string, args ...any) {
	s.t.Helper()
	s.hook("faults", format, args...)
}

// moderate is an administrator at a message.
func (s *stage) moderate(ts, set string) {
	s.t.Helper()
	s.hook("moderate", `{"channel":%q,"ts":%q,"set":%s}`, channel, ts, set)
}

func (s *stage) hook(name, format string, args ...any) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.slack.Hooks().ServeHTTP(w, httptest.NewRequest("POST", "/hooks/slack/"+name, strings.NewReader(fmt.Sprintf(format, args...))))
	if w.Code != 200 {
		s.t.Fatalf("%s: %s", name, w.Body)
	}
}

func (s *stage) look(path string, into any) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.slack.Hooks().ServeHTTP(w, httptest.NewRequest("GET", "/hooks/slack/"+path, nil))
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		s.t.Fatalf("%v in %s", err, w.Body)
	}
}

// call is one Web API call that reached Slack.
type call struct {
	At, Method string
	OK         bool
}

func (s *stage) calls(method string) []call {
	s.t.Helper()
	var all, out []call
	s.look("calls", &all)
	for _, c := range all {
		if c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

// message is one that everybody sees.
type message struct {
	TS, Text string
	ThreadTS string `json:"thread_ts"`
}

func (s *stage) messages() []message {
	s.t.Helper()
	return s.in(func(id string, _ bool) bool { return id == channel })
}

// direct are the bot's direct messages to ann.
func (s *stage) direct() (texts []string) {
	s.t.Helper()
	for _, m := range s.in(func(_ string, im bool) bool { return im }) {
		texts = append(texts, m.Text)
	}
	return texts
}

func (s *stage) in(room func(id string, im bool) bool) (out []message) {
	s.t.Helper()
	var state struct {
		Channels []struct {
			ID       string
			IM       bool `json:"is_im"`
			Messages []message
		}
	}
	s.look("state?user=ann", &state)
	for _, c := range state.Channels {
		if room(c.ID, c.IM) {
			out = append(out, c.Messages...)
		}
	}
	return out
}

// cards are the roots, replies the answers in one thread: the first line of their texts.
func (s *stage) cards() []message {
	s.t.Helper()
	var out []message
	for _, m := range s.messages() {
		if m.ThreadTS == "" || m.ThreadTS == m.TS {
			m.Text, _, _ = strings.Cut(m.Text, "\n")
			out = append(out, m)
		}
	}
	return out
}

func (s *stage) replies(root string) []string {
	s.t.Helper()
	var out []string
	for _, m := range s.messages() {
		if m.ThreadTS == root && m.TS != root {
			first, _, _ := strings.Cut(m.Text, "\n")
			out = append(out, first)
		}
	}
	return out
}

// pass lets time go by until everybody waits for more of it.
func (s *stage) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
