package bot

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
	"github.com/redis-upgrade/bot/internal/sandbox/slackemu"
)

// world is a Slack, a Redis Cloud and a Redis to configure a bot for.
type world struct {
	t     *testing.T
	url   string
	redis *miniredis.Miniredis
}

func newWorld(t *testing.T) (*world, Config) {
	t.Helper()
	slack := slackemu.New(slackemu.Config{BotToken: "xoxb-1", AppToken: "xapp-1"})
	cloud := cloudemu.New(cloudemu.Config{Now: time.Now, Key: "account", Secret: "user"})
	mux := http.NewServeMux()
	mux.Handle("/slack/", slack.API())
	mux.Handle("/hooks/slack/", slack.Hooks())
	mux.Handle("/cloud/", cloud.API())
	server := httptest.NewServer(mux)
	t.Cleanup(func() { slack.Close(); server.Close() })
	w := &world{t: t, url: server.URL, redis: miniredis.RunT(t)}
	environment(t, append(append([]string{}, good...), "ONCALL_GROUP=S0ONCALL", "REDIS_URL=redis://"+w.redis.Addr(),
		"SLACK_API_URL="+w.url+"/slack/api/", "REDIS_CLOUD_API_URL="+w.url+"/cloud/v1")...)
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	return w, c
}

// fault switches a bad day of Slack on, until it is switched off; "none" switches
// all off.
func (w *world) fault(name, match string) {
	w.t.Helper()
	w.post("/hooks/slack/faults", `{"fault":"`+name+`","times":-1,"match":"`+match+`"}`)
}

// post drives the emulators.
func (w *world) post(path, body string) {
	w.t.Helper()
	res, err := http.Post(w.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %s", path, body, res.Status)
	}
}

func TestDoctorFindsNothingWhereAllIsWell(t *testing.T) {
	_, c := newWorld(t)
	var out bytes.Buffer
	err := Doctor(t.Context(), c, Parts{}, &out)
	lines := strings.Count(out.String(), "\n")
	mend := strings.Count(out.String(), "MEND")
	if settings := strings.Contains(out.String(), "MEND  Redis settings"); settings { // the in-memory server tells no settings
		mend--
	} else if err != nil {
		t.Error(err)
	}
	if mend != 0 || lines < 8 {
		t.Errorf("got %v\n%s", err, out.String())
	}
}

func TestDoctorSaysHowToMend(t *testing.T) {
	for _, row := range []struct {
		sentence string
		spoil    func(*world, *Config)
		check    string
		says     string
	}{
		{"a wrong bot token", func(_ *world, c *Config) { c.SlackBotToken = "xoxb-2" }, "Slack bot token", "Bot User OAuth Token"},
		{"a wrong app token", func(_ *world, c *Config) { c.SlackAppToken = "xapp-2" }, "Slack app token", "connections:write"},
		{"a channel that does not exist", func(_ *world, c *Config) { c.SlackChannel = "C0NOWHERE" }, "Slack channel", "SLACK_CHANNEL must be the id"},
		{"a group that does not exist", func(_ *world, c *Config) { c.ApproverGroups = []string{"S0NOBODY"} }, "user groups", "S0NOBODY"},
		{"no Redis", func(w *world, _ *Config) { w.redis.Close() }, "Redis ", "REDIS_URL"},
		{"wrong Redis Cloud keys", func(_ *world, c *Config) { c.RedisCloudSecretKey = "other" }, "Redis Cloud keys", "CIDR allow list"},
		{"nobody on call", func(_ *world, c *Config) { c.OnCallGroup = "" }, "mode", "ONCALL_GROUP"},
		{"a Slack that knows no groups today", func(w *world, _ *Config) { w.fault("usergroups_down", "") }, "user groups", "service_unavailable"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			w, c := newWorld(t)
			row.spoil(w, &c)
			var out bytes.Buffer
			if err := Doctor(t.Context(), c, Parts{}, &out); !errors.Is(err, ErrUnhealthy) {
				t.Errorf("got %v", err)
			}
			for line := range strings.Lines(out.String()) {
				if strings.HasPrefix(line, "MEND  "+row.check) && strings.Contains(line, row.says) {
					return
				}
			}
			t.Errorf("no line about %s says %q:\n%s", row.check, row.says, out.String())
		})
	}
}

func TestDoctorShowsNoSecret(t *testing.T) {
	w, c := newWorld(t)
	c.SlackBotToken, c.SlackAppToken, c.RedisCloudAPIKey, c.RedisCloudSecretKey = "xoxb-s3cr3t", "xapp-s3cr3t", "s3cr3t-account", "s3cr3t-user"
	c.RedisURL = "redis://user:s3cr3t@" + w.redis.Addr()
	var out bytes.Buffer
	err := Doctor(t.Context(), c, Parts{}, &out)
	if text := out.String() + err.Error(); strings.Contains(text, "s3cr3t") {
		t.Errorf("a secret is shown:\n%s", text)
	}
}
