package bot

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// running is a replica at work; what it serves is asked for like an operator does.
type running struct {
	*Bot
	t    *testing.T
	url  string
	done chan error
}

// runs starts a replica until the test ends. That it ends earlier is a failure.
func (w *world) runs(c Config, change ...func(*Bot)) *running {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	c.HealthAddr = l.Addr().String()
	l.Close() // free again
	c.StatusInterval = time.Second
	b, err := New(c, Parts{})
	if err != nil {
		w.t.Fatal(err)
	}
	b.slackPace = pace{seldom: 500 * time.Millisecond, often: 50 * time.Millisecond}
	for _, f := range change {
		f(b)
	}
	r := &running{Bot: b, t: w.t, url: "http://" + c.HealthAddr, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { r.done <- b.Run(ctx) }()
	w.t.Cleanup(func() {
		select {
		case err := <-r.done:
			w.t.Errorf("the replica ended by itself: %v", err)
		default:
			cancel()
			<-r.done
		}
	})
	return r
}

// get reads an address of the health server; 0 while nothing answers.
func (r *running) get(path string) (int, string) {
	resp, err := http.Get(r.url + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

type readiness struct {
	Ready    bool
	Problems []string
	Degraded map[string]string
}

func (r *running) readyz() (int, readiness) {
	code, body := r.get("/readyz")
	var is readiness
	_ = json.Unmarshal([]byte(body), &is) // while nothing answers there is nothing to read
	return code, is
}

// eventually waits; a safety net, not a measurement.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so after 90 s: %s", what)
		}
	}
}

// red waits until the replica says that it is not ready, and why.
func (r *running) red(why string) {
	r.t.Helper()
	var is readiness
	eventually(r.t, "readiness is red with "+why, func() bool {
		code, now := r.readyz()
		is = now
		return code == http.StatusServiceUnavailable && strings.Contains(strings.Join(now.Problems, "\n"), why)
	})
	if is.Ready {
		r.t.Errorf("ready, with problems: %+v", is)
	}
}

func (r *running) ready() {
	r.t.Helper()
	eventually(r.t, "the replica is ready", func() bool { code, is := r.readyz(); return code == http.StatusOK && is.Ready })
}

// counted waits until /metrics has this line.
func (r *running) counted(line string) {
	r.t.Helper()
	eventually(r.t, "/metrics has "+line, func() bool { _, page := r.get("/metrics"); return strings.Contains(page, "\n"+line) })
}

// No answer of Slack at the start ends the process or keeps /healthz, the
// inventory and the engine from running; what is wrong is on /readyz and counted.
func TestAStartWithoutSlackIsAlive(t *testing.T) {
	for _, row := range []struct {
		sentence string
		spoil    func(*world, *Config)
		says     string
		counts   string
		mends    bool // when the fault is taken back
	}{
		{"a bot token of somebody else", func(_ *world, c *Config) { c.SlackBotToken = "xoxb-2" }, "Slack refuses the bot token: invalid_auth: is the token complete",
			`redis_upgrade_slack_requests_total{error="invalid_auth",method="auth.test",status="200"}`, false},
		{"an app token of somebody else", func(_ *world, c *Config) { c.SlackAppToken = "xapp-2" }, "Slack refuses the app token: invalid_auth: is the token complete",
			`redis_upgrade_slack_requests_total{error="invalid_auth",method="apps.connections.open",status="200"}`, false},
		{"the app was removed", func(w *world, _ *Config) { w.fault("token_revoked", "bot account_inactive") }, "account_inactive: the app was removed",
			`redis_upgrade_slack_requests_total{error="account_inactive",method="auth.test",status="200"}`, true},
		{"Slack answers 500", func(w *world, _ *Config) { w.fault("http_500", "") }, "Slack does not answer",
			`redis_upgrade_slack_requests_total{error="",method="auth.test",status="500"}`, true},
		{"Slack closes every connection", func(w *world, _ *Config) { w.fault("drop_request", "") }, "Slack does not answer",
			`redis_upgrade_slack_requests_total{error="",method="auth.test",status="none"}`, true},
		{"Socket Mode is forbidden", func(w *world, _ *Config) { w.fault("method_error", "apps.connections.open forbidden") }, "Slack forbids this app the use of Socket Mode", "", true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			w, c := newWorld(t)
			row.spoil(w, &c)
			r := w.runs(c)
			r.red(row.says)
			if code, _ := r.get("/healthz"); code != http.StatusOK {
				t.Errorf("/healthz answers %d", code)
			}
			eventually(t, "the inventory is read", r.inventory.Ready)
			if row.counts != "" {
				r.counted(row.counts)
			}
			if row.mends {
				w.fault("none", "")
				r.ready()
			}
		})
	}
}

// A token that dies while the replica works is named within a minute, although
// the other one lives; the process goes on, and is ready again when it is mended.
func TestATokenThatDiesIsNamed(t *testing.T) {
	for _, row := range []struct{ sentence, fault, match, says string }{
		{"the bot token alone is revoked", "token_revoked", "bot", "Slack refuses the bot token: token_revoked: make a new token"},
		{"the app is removed, its sockets stay", "token_revoked", "bot account_inactive", "Slack refuses the bot token: account_inactive: the app was removed"},
		{"a scope is taken away", "method_error", "auth.test missing_scope", "missing_scope: install the app again"},
		{"Slack answers 500", "http_500", "", "Slack does not answer"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			w, c := newWorld(t)
			r := w.runs(c)
			r.ready()
			w.fault(row.fault, row.match)
			r.red(row.says)
			w.fault("none", "")
			r.ready()
		})
	}
}

// What Slack refuses in a call of the bot is looked into at once.
func TestARefusedCallIsLookedInto(t *testing.T) {
	w, c := newWorld(t)
	r := w.runs(c, func(b *Bot) { b.slackPace.seldom = time.Hour })
	r.ready()
	w.fault("token_revoked", "bot")
	_, _, _ = r.slack.PostMessageContext(t.Context(), "C0REDISOPS")
	r.red("token_revoked")
}

// What is set up wrongly in Slack is said at the start, on /readyz and in a metric,
// and so is that it was mended.
func TestWhatIsSetUpWronglyIsSaid(t *testing.T) {
	for _, row := range []struct {
		sentence, what, says string
		spoil                func(*world, *Config)
	}{
		{"a channel that does not exist", "slack_channel", "SLACK_CHANNEL must be the id", func(_ *world, c *Config) { c.SlackChannel = "C0NOWHERE" }},
		{"a channel without the bot", "slack_channel", "/invite @redis-upgrade", func(w *world, _ *Config) { w.fault("bot_removed", "") }},
		{"an archived channel", "slack_channel", "is archived", func(w *world, _ *Config) { w.fault("channel_archived", "") }},
		{"a group that does not exist", "user_groups", "S0NOBODY", func(_ *world, c *Config) { c.OnCallGroup = "S0NOBODY" }},
		{"a group that is disabled", "user_groups", "unknown here or disabled", func(w *world, _ *Config) { w.fault("usergroups_down", "S0DBA no_such_subteam") }},
		{"more approvals than approvers", "approvers", "only 2 people can approve", func(_ *world, c *Config) { c.ApprovalsRequired = 3 }},
		{"a guest among the approvers", "approvers", "U0GUEST is a guest", func(_ *world, c *Config) { c.ApproverUsers = []string{"U0GUEST"} }},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			w, c := newWorld(t)
			row.spoil(w, &c)
			r := w.runs(c)
			var is readiness
			eventually(t, row.says, func() bool { _, is = r.readyz(); return strings.Contains(is.Degraded[row.what], row.says) })
			if len(is.Degraded) != 1 && row.what != "user_groups" {
				t.Errorf("more than this is degraded: %v", is.Degraded)
			}
			r.ready() // what works works
			r.counted(`redis_upgrade_degraded{what="` + row.what + `"} 1`)
		})
	}
}

func TestWhatIsMendedIsNoLongerSaid(t *testing.T) {
	w, c := newWorld(t)
	w.fault("channel_archived", "")
	r := w.runs(c)
	r.counted(`redis_upgrade_degraded{what="slack_channel"} 1`)
	w.fault("none", "")
	w.fault("http_500", "auth.test") // the next look at channel and groups follows an outage
	r.red("Slack does not answer")
	w.fault("none", "")
	r.counted(`redis_upgrade_degraded{what="slack_channel"} 0`)
}
