package slackemu

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestTheGrantedScopesAreThoseOfTheManifest(t *testing.T) {
	text, err := os.ReadFile("../../../manifest.yml")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		OAuth struct {
			Scopes struct{ Bot []string }
		} `yaml:"oauth_config"`
	}
	if err := yaml.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	res, _ := r.call("auth.test", nil)
	granted := strings.Split(res.Header.Get("X-OAuth-Scopes"), ",")
	slices.Sort(granted)
	slices.Sort(m.OAuth.Scopes.Bot)
	if len(granted) < 2 || !slices.Equal(granted, m.OAuth.Scopes.Bot) {
		t.Errorf("granted: %v\nin the manifest: %v", granted, m.OAuth.Scopes.Bot)
	}
	for method, needed := range map[string]string{"conversations.history": "channels:history", "conversations.replies": "channels:history", "reactions.add": "reactions:write"} {
		if _, out := r.call(method, object{"channel": "C0REDISOPS", "ts": "1.1"}); out["error"] != "missing_scope" || !strings.Contains(fmt.Sprint(out["needed"]), needed) {
			t.Errorf("%s: %v", method, out)
		}
	}
	if res, _ := r.raw(http.MethodPost, "apps.connections.open", "application/json", "{}", testAppToken); res.Header.Get("X-OAuth-Scopes") != "connections:write" {
		t.Errorf("the app token has %q", res.Header.Get("X-OAuth-Scopes"))
	}
}

func TestDirectMessagesNeedScopesOfTheirOwn(t *testing.T) {
	r := newRig(t)
	for _, row := range []struct {
		method string
		args   object
		needed string
	}{
		{"conversations.list", object{"types": "im"}, "im:read"},
		{"conversations.list", object{"types": "public_channel,mpim"}, "mpim:read"},
		{"conversations.members", object{"channel": "D0ANN"}, "im:read"},
		{"conversations.info", object{"channel": "D0ANN"}, "im:read"},
	} {
		if _, out := r.call(row.method, row.args); out["error"] != "missing_scope" || out["needed"] != row.needed {
			t.Errorf("%s %v: %v", row.method, row.args, out)
		}
	}
	r = newRig(t, func(c *Config) { c.Scopes = append(grantedScopes(), "im:read") })
	if out := r.must("conversations.members", object{"channel": "D0ANN"}); len(out["members"].([]any)) != 2 {
		t.Errorf("members: %v", out)
	}
	if out := r.must("conversations.list", object{"types": "im"}); len(out["channels"].([]any)) != 6 {
		t.Errorf("direct messages: %v", out)
	}
}

func TestTextComesBackAsRichText(t *testing.T) {
	r := newRig(t)
	m := r.must("chat.postMessage", object{"channel": "C0REDISOPS",
		"text": "a &lt;b&gt; <@U0ANN> in <#C0REDISOPS|redis-ops> of <!subteam^S0DBA> <!here> :eyes: <https://redis.io|Redis> <!date^1700000000^{date}|then>"})["message"]
	want := parse(t, `[{"type":"text","text":"a <b> "},{"type":"user","user_id":"U0ANN"},{"type":"text","text":" in "},{"type":"channel","channel_id":"C0REDISOPS"},
		{"type":"text","text":" of "},{"type":"usergroup","usergroup_id":"S0DBA"},{"type":"text","text":" "},{"type":"broadcast","range":"here"},{"type":"text","text":" "},
		{"type":"emoji","name":"eyes"},{"type":"text","text":" "},{"type":"link","url":"https://redis.io","text":"Redis"},{"type":"text","text":" "},
		{"type":"date","timestamp":1700000000,"format":"{date}","fallback":"then"}]`)
	if got := dig(m, "blocks", 0, "elements", 0, "elements"); dig(m, "blocks", 0, "type") != "rich_text" || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("blocks:\n%v\nwant\n%v", got, want)
	}
	if dig(m, "bot_profile", "user_id") != "UBOT" {
		t.Errorf("bot_profile: %v", dig(m, "bot_profile"))
	}
	if u := r.must("users.info", object{"user": "UBOT"})["user"]; dig(u, "profile", "bot_id") != "B0REDISUP" {
		t.Errorf("the bot's profile: %v", dig(u, "profile"))
	}
	got := r.autopilot(nothing)
	r.do("mention", object{"user": "ann", "channel": "redis-ops", "text": "@redis-upgrade status"})
	e := dig(<-got, "event", "blocks", 0, "elements", 0, "elements")
	if dig(e, 0, "type") != "user" || dig(e, 0, "user_id") != "UBOT" || dig(e, 1, "text") != " status" {
		t.Errorf("app_mention: %v", e)
	}
}

func TestMarkdownTextStandsAlone(t *testing.T) {
	r := newRig(t)
	for _, more := range []object{{"text": "x"}, {"blocks": `[{"type":"divider"}]`}} {
		more["channel"], more["markdown_text"] = "C0REDISOPS", "**bold**"
		if got := r.code("chat.postMessage", more); got != "markdown_text_conflict" {
			t.Errorf("%v: %v", more, got)
		}
	}
	out := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "markdown_text": "**bold**"})
	if dig(out, "message", "text") != "**bold**" || dig(out, "message", "blocks", 0, "type") == nil {
		t.Errorf("message: %v", out)
	}
	if got := r.code("chat.update", object{"channel": "C0REDISOPS", "ts": out["ts"], "markdown_text": strings.Repeat("x", 12001)}); got != "msg_too_long" {
		t.Errorf("too long: %v", got)
	}
}

func TestAttachmentsAreCountedAndClicksInThemSaySo(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	button := `{"type":"actions","block_id":"b%d","elements":[{"type":"button","action_id":"ok","value":"%[1]d","text":{"type":"plain_text","text":"OK"}}]}`
	ts := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "blocks": "[" + fmt.Sprintf(button, 0) + "]",
		"attachments": `[{"color":"#D93025","text":"first"},{"blocks":[` + fmt.Sprintf(button, 2) + `]}]`})["ts"]
	click := func(value string) object {
		r.do("action", object{"user": "ann", "channel": "redis-ops", "ts": ts, "action_id": "ok", "value": value})
		return <-got
	}
	p := click("2")
	if a := dig(p, "message", "attachments", 0); dig(a, "id") != 1.0 || dig(a, "fallback") != "first" || dig(a, "color") != "D93025" {
		t.Errorf("first attachment: %v", a)
	}
	if a := dig(p, "message", "attachments", 1); dig(a, "id") != 2.0 || dig(a, "fallback") != "[no preview available]" {
		t.Errorf("second attachment: %v", a)
	}
	if c := p["container"]; dig(c, "type") != "message_attachment" || dig(c, "attachment_id") != 2.0 || dig(c, "message_ts") != ts || dig(c, "is_app_unfurl") != false {
		t.Errorf("container of a click in an attachment: %v", c)
	}
	if c := click("0")["container"]; dig(c, "type") != "message" || dig(c, "attachment_id") != nil {
		t.Errorf("container of a click in the message: %v", c)
	}
}

func TestABroadcastReplyIsAThreadBroadcast(t *testing.T) {
	r := newRig(t)
	root := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "root"})["ts"]
	m := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "reply", "thread_ts": root, "reply_broadcast": "true"})["message"]
	if dig(m, "subtype") != "thread_broadcast" || dig(m, "root", "ts") != root || dig(m, "thread_ts") != root {
		t.Errorf("reply: %v", m)
	}
	if m := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "no reply", "reply_broadcast": "true"})["message"]; dig(m, "subtype") != nil {
		t.Errorf("what is in no thread: %v", m)
	}
}

func TestAnEditedMessageIsNamedBesideIt(t *testing.T) {
	r := newRig(t)
	ts := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x"})["ts"]
	out := r.must("chat.update", object{"channel": "C0REDISOPS", "ts": ts, "text": "y"})
	if out["ts"] != ts || dig(out, "message", "ts") != nil || dig(out, "message", "edited", "user") != "UBOT" {
		t.Errorf("chat.update: %v", out)
	}
}

func TestScheduledMessagesAreListed(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	r := newRig(t, func(c *Config) { c.Now = func() time.Time { return now } })
	for i := range 3 {
		r.must("chat.scheduleMessage", object{"channel": "C0REDISOPS", "text": "x", "post_at": fmt.Sprint(now.Unix() + int64(i+1)*100)})
	}
	list := func(a object) []any { return r.must("chat.scheduledMessages.list", a)["scheduled_messages"].([]any) }
	if all := list(nil); len(all) != 3 || dig(all[0], "date_created") != float64(now.Unix()) || dig(all[0], "post_at") != float64(now.Unix()+100) {
		t.Errorf("list: %v", all)
	}
	if some := list(object{"oldest": fmt.Sprint(now.Unix() + 150), "latest": fmt.Sprint(now.Unix() + 250)}); len(some) != 1 {
		t.Errorf("a range: %v", some)
	}
	page := r.must("chat.scheduledMessages.list", object{"limit": "2"})
	if rest := list(object{"cursor": dig(page, "response_metadata", "next_cursor")}); len(page["scheduled_messages"].([]any)) != 2 || len(rest) != 1 {
		t.Errorf("pages: %v, %v", page, rest)
	}
	if got := r.code("chat.scheduledMessages.list", object{"channel": "C9"}); got != "invalid_channel" {
		t.Errorf("an unknown channel: %v", got)
	}
}

func TestAMenuKnowsTheConversationItWasOpenedIn(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	menu := `{"type":"input","block_id":"where","label":{"type":"plain_text","text":"L"},"element":{"type":"conversations_select","action_id":"where","default_to_current_conversation":true%s}},`
	for _, row := range []struct{ initial, want string }{{"", "C0REDISOPS"}, {`,"initial_conversation":"C0GENERAL"`, "C0GENERAL"}} {
		o := r.openModal(got, strings.Replace(aModal, `"blocks":[`, `"blocks":[`+fmt.Sprintf(menu, row.initial), 1))
		if v := r.state("ann").Modals[0]; dig(v, "state", "values", "where", "where", "selected_conversation") != row.want {
			t.Errorf("%s: %v", row.initial, dig(v, "state", "values", "where"))
		}
		r.do("close", object{"user": "ann", "view_id": o.view, "all": true})
		<-got // view_closed
	}
}

func TestAHomeTabHasATitle(t *testing.T) {
	r := newRig(t)
	v := r.must("views.publish", object{"user_id": "U0ANN", "view": `{"type":"home","blocks":[{"type":"divider"}]}`})["view"]
	if dig(v, "title", "text") != "View Title" || dig(v, "title", "type") != "plain_text" {
		t.Errorf("view: %v", v)
	}
}

func TestARefreshedSocketStillTakesWhatIsOwed(t *testing.T) {
	r := newRig(t)
	c := r.dial().connected()
	answer := r.later("command", aCommand)
	env := c.next()
	if got := r.do("disconnect", object{"reason": "refresh_requested"}); got["disconnected"] != 1.0 {
		t.Fatalf("disconnect: %v", got)
	}
	if frame := c.next(); frame["type"] != "disconnect" || frame["reason"] != "refresh_requested" {
		t.Fatalf("frame: %v", frame)
	}
	if r.s.Connected() != 0 {
		t.Error("it still gets payloads")
	}
	c.ack(env, nil)
	if got := answer(); got["acked"] != true {
		t.Errorf("the acknowledgement after the refresh: %v", got)
	}
}
