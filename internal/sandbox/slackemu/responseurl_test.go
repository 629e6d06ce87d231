package slackemu

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func post(t *testing.T, url any, body string) (int, string) {
	t.Helper()
	res, err := http.Post(url.(string), "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(data)
}

func TestResponseURLsWorkFiveTimesInHalfAnHour(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newRig(t, func(c *Config) { c.Now = func() time.Time { return now } })
	got := r.autopilot(nothing)
	r.do("command", object{"user": "ann", "channel": "general", "text": ""})
	url := (<-got)["response_url"]
	if status, text := post(t, url, `{"text":"","blocks":null}`); status != 400 || !strings.Contains(text, "no_text") {
		t.Errorf("nothing to say: HTTP %d %s", status, text)
	}
	if status, text := post(t, url, `{"blocks":[{"type":"section"}]}`); status != 400 || !strings.Contains(text, "invalid_blocks") {
		t.Errorf("invalid blocks: HTTP %d %s", status, text)
	}
	for range 5 {
		if status, text := post(t, url, `{"text":"x","replace_original":true,"metadata":{"event_type":"","event_payload":null}}`); status != 200 || text != "ok" {
			t.Errorf("HTTP %d %s", status, text)
		}
	}
	if status, text := post(t, url, `{"text":"x"}`); status != 404 || !strings.Contains(text, "used_url") {
		t.Errorf("the sixth time: HTTP %d %s", status, text)
	}
	general := r.state("ann").Channels[1]
	if general.ID != "C0GENERAL" || len(general.Messages) != 5 || general.Messages[0]["ephemeral_to"] != "U0ANN" {
		t.Errorf("it works where the bot is not a member: %v", general)
	}
	r.do("command", aCommand)
	url = (<-got)["response_url"]
	now = now.Add(31 * time.Minute)
	if status, text := post(t, url, `{"text":"x"}`); status != 404 || !strings.Contains(text, "expired_url") {
		t.Errorf("after 31 minutes: HTTP %d %s", status, text)
	}
	if status, _ := post(t, r.url+"/slack/response/nobody", `{"text":"x"}`); status != 404 {
		t.Errorf("an invented address: HTTP %d", status)
	}
}

func TestAResponseURLReplacesTheMessageThatWasClicked(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	ts := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "blocks": `[{"type":"actions","elements":[{"type":"button","action_id":"ok","text":{"type":"plain_text","text":"OK"}}]}]`})["ts"]
	r.do("action", object{"user": "ann", "channel": "redis-ops", "ts": ts, "action_id": "ok"})
	url := (<-got)["response_url"]
	post(t, url, `{"text":"new","response_type":"in_channel","thread_ts":"`+ts.(string)+`"}`)
	post(t, url, `{"text":"only ann"}`)
	post(t, url, `{"text":"replaced","replace_original":"true"}`)
	m := r.messages("bob")
	if len(m) != 2 || m[0]["text"] != "replaced" || m[0]["edited"] == nil || m[1]["text"] != "new" || m[1]["thread_ts"] != ts {
		t.Errorf("messages: %v", m)
	}
	var calls []callEntry
	r.look("calls", &calls)
	if last := calls[len(calls)-1]; last.Method != "response_url" || !last.OK || dig(object(last.Args), "text") != "replaced" {
		t.Errorf("journal: %+v", last)
	}
}
