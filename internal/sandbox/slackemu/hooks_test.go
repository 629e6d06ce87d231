package slackemu

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestHooksSayWhatIsWrongAndWhatExists(t *testing.T) {
	r := newRig(t)
	ts := r.do("message", object{"user": "ann", "channel": "redis-ops", "text": "hello"})["ts"]
	for _, row := range []struct {
		sentence, path string
		in             object
		status         int
		says           string
	}{
		{"an unknown user", "command", object{"user": "zoe", "channel": "redis-ops"}, 404, "ann, bob, carol, dan, eve, guest"},
		{"nobody", "command", object{"channel": "redis-ops"}, 404, "ann"},
		{"the bot is not a person", "command", object{"user": "UBOT", "channel": "redis-ops"}, 404, "unknown user"},
		{"an unknown channel", "command", object{"user": "ann", "channel": "nowhere"}, 404, "redis-ops"},
		{"a channel that the person is not in", "command", object{"user": "ann", "channel": "dba-room"}, 404, "dba-room"},
		{"a field nobody knows", "command", object{"user": "ann", "chanel": "redis-ops"}, 400, "chanel"},
		{"a field of the wrong type", "command", object{"user": 7}, 400, "user"},
		{"an unknown view", "submit", object{"user": "ann", "view_id": "V1"}, 404, "V1"},
		{"an unknown view for options", "options", object{"user": "ann", "view_id": "V1", "action_id": "a"}, 404, "V1"},
		{"an unknown view to close", "close", object{"user": "ann", "view_id": "V1"}, 404, "V1"},
		{"an unknown message", "action", object{"user": "ann", "channel": "redis-ops", "ts": "1.1", "action_id": "a"}, 404, "1.1"},
		{"an element that is not there", "action", object{"user": "ann", "channel": "redis-ops", "ts": ts, "action_id": "a"}, 409, `"a"`},
		{"an element that never was there", "action", object{"user": "ann", "channel": "redis-ops", "ts": ts, "action_id": "a", "stale": true}, 409, `"a"`},
		{"an unknown shortcut", "action", object{"user": "ann", "channel": "redis-ops", "ts": ts, "shortcut": "dance"}, 404, "revert_upgrade"},
		{"a reply to nothing", "message", object{"user": "ann", "channel": "redis-ops", "text": "x", "thread_ts": "1.1"}, 404, "1.1"},
		{"an empty message", "message", object{"user": "ann", "channel": "redis-ops"}, 400, "empty"},
		{"an unknown fault", "faults", object{"fault": "meteor"}, 400, "method_error"},
		{"a count below -1", "faults", object{"fault": "slow", "times": -2}, 400, "-2"},
		{"an unknown mode", "limits", object{"mode": "kind"}, 400, "strict"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			status, out := r.try(row.path, row.in)
			text, _ := out["error"].(string)
			if status != row.status || !strings.Contains(text, row.says) {
				t.Errorf("HTTP %d %v, want %d and %q", status, out, row.status, row.says)
			}
		})
	}
	res, err := http.Post(r.url+"/hooks/slack/command", "application/json", strings.NewReader(`{"user":"ann"`))
	if err != nil || res.StatusCode != 400 {
		t.Errorf("half a body: %v %v", res.StatusCode, err)
	}
	res.Body.Close()
	if res, _ = http.Get(r.url + "/hooks/slack/command"); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET of a command: HTTP %d", res.StatusCode)
	}
	res.Body.Close()
}

func TestNamesAndIdsBothDo(t *testing.T) {
	r := newRig(t)
	r.autopilot(nothing)
	for _, user := range []string{"ann", "@ann", "U0ANN"} {
		for _, channel := range []string{"redis-ops", "#redis-ops", "C0REDISOPS", "D0ANN"} {
			if got := r.do("command", object{"user": user, "channel": channel, "text": ""}); got["acked"] != true {
				t.Errorf("%s in %s: %v", user, channel, got)
			}
		}
	}
}

func TestTheCommandWordIsStripped(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	for typed, want := range map[string]string{
		"cache-prod 7.4": "cache-prod 7.4", "/redis-upgrade cache-prod  7.4 ": "cache-prod  7.4", "/redis-upgrade": "", "": "",
		"/redis-upgrades": "/redis-upgrades", "/etc/passwd": "/etc/passwd",
	} {
		r.do("command", object{"user": "ann", "channel": "redis-ops", "text": typed})
		if p := <-got; p["text"] != want || p["channel_name"] != "redis-ops" || p["is_enterprise_install"] != "false" {
			t.Errorf("%q: %v", typed, p)
		}
	}
}

func TestAnInChannelResponseEchoesTheCommand(t *testing.T) {
	r := newRig(t)
	r.autopilot(func(object) any { return object{"response_type": "in_channel", "text": "to all"} })
	r.do("command", aCommand)
	m := r.messages("bob")
	if len(m) != 2 || m[0]["text"] != "/redis-upgrade x" || m[0]["user"] != "U0ANN" || m[1]["text"] != "to all" || m[1]["user"] != "UBOT" {
		t.Errorf("messages: %v", m)
	}
}

func TestEveryElementOfAMessageSendsWhatWasChosen(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	const opts = `"options":[{"text":{"type":"plain_text","text":"1"},"value":"1"},{"text":{"type":"plain_text","text":"2"},"value":"2"}]`
	ts := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "blocks": `[{"type":"actions","block_id":"b","elements":[
		{"type":"static_select","action_id":"sel",` + opts + `},{"type":"overflow","action_id":"more",` + opts + `},{"type":"checkboxes","action_id":"boxes",` + opts + `},
		{"type":"datepicker","action_id":"day"},{"type":"timepicker","action_id":"time"},{"type":"datetimepicker","action_id":"at"},{"type":"users_select","action_id":"who"},
		{"type":"button","action_id":"yes","value":"1","text":{"type":"plain_text","text":"Yes"}}]},
		{"type":"input","block_id":"in","label":{"type":"plain_text","text":"L"},"element":{"type":"plain_text_input","action_id":"text"}}]`})["ts"]
	act := func(action string, value any) object {
		t.Helper()
		return r.do("action", object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": action, "value": value})
	}
	for _, row := range []struct {
		action string
		value  any
		path   []any
		want   any
	}{
		{"sel", "2", []any{"selected_option", "value"}, "2"},
		{"more", "1", []any{"selected_option", "value"}, "1"},
		{"boxes", []any{"1", "2"}, []any{"selected_options", 1, "value"}, "2"},
		{"day", "2026-11-22", []any{"selected_date"}, "2026-11-22"},
		{"time", "23:30", []any{"selected_time"}, "23:30"},
		{"at", 1800000000, []any{"selected_date_time"}, 1800000000.0},
		{"who", "U0DAN", []any{"selected_user"}, "U0DAN"},
		{"yes", nil, []any{"value"}, "1"},
	} {
		if out := act(row.action, row.value); out["acked"] != true || out["sent"] != true {
			t.Errorf("%s: %v", row.action, out)
		}
		p := <-got
		a := dig(p, "actions", 0)
		if dig(a, row.path...) != row.want || dig(a, "action_id") != row.action || dig(a, "block_id") != "b" || dig(a, "action_ts") == nil {
			t.Errorf("%s: %v", row.action, a)
		}
	}
	if out := act("text", "typed"); out["sent"] != false {
		t.Errorf("an input that does not dispatch: %v", out)
	}
	act("yes", "1")
	p := <-got
	if dig(p, "state", "values", "in", "text", "value") != "typed" || dig(p, "state", "values", "b", "day", "selected_date") != "2026-11-22" {
		t.Errorf("state: %v", p["state"])
	}
	if status, out := r.try("action", object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": "sel", "value": "9"}); status != 409 || !strings.Contains(out["error"].(string), "[1, 2]") {
		t.Errorf("an option that is not there: HTTP %d %v", status, out)
	}
	if status, _ := r.try("action", object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": "yes", "value": "2"}); status != 409 {
		t.Errorf("a button with another value: HTTP %d", status)
	}
}

func TestAStaleClickFindsTheOldButtonByItsValue(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	blocks := func(value string) string {
		return `[{"type":"actions","block_id":"ask` + value + `","elements":[{"type":"button","action_id":"approve","value":"` + value + `","text":{"type":"plain_text","text":"Yes"}}]}]`
	}
	ts := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "blocks": blocks("1")})["ts"]
	for _, v := range []string{"2", "3"} {
		r.must("chat.update", object{"channel": "C0REDISOPS", "ts": ts, "text": "x", "blocks": blocks(v)})
	}
	for _, row := range []struct{ value, block string }{{"1", "ask1"}, {"2", "ask2"}, {"3", "ask3"}} {
		r.do("action", object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": "approve", "value": row.value, "stale": true})
		if a := dig(<-got, "actions", 0); dig(a, "value") != row.value || dig(a, "block_id") != row.block {
			t.Errorf("value %s: %v", row.value, a)
		}
	}
	r.must("chat.delete", object{"channel": "C0REDISOPS", "ts": ts})
	in := object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": "approve", "value": "3"}
	if status, _ := r.try("action", in); status != 409 {
		t.Errorf("a deleted message: HTTP %d", status)
	}
	in["stale"] = true
	if out := r.do("action", in); out["acked"] != true {
		t.Errorf("an old client with a deleted message: %v", out)
	}
}

func TestEphemeralMessagesAreForOnePersonAndThin(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	ts := r.must("chat.postEphemeral", object{"channel": "C0REDISOPS", "user": "U0ANN", "text": "psst", "blocks": `[{"type":"actions","elements":[{"type":"button","action_id":"ok","text":{"type":"plain_text","text":"OK"}}]}]`})["message_ts"]
	if len(r.messages("bob")) != 0 {
		t.Error("bob sees it")
	}
	if m := r.messages("ann")[0]; m["ephemeral_to"] != "U0ANN" || m["ephemeral_to_name"] != "ann" {
		t.Errorf("message: %v", m)
	}
	if status, _ := r.try("action", object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": "ok"}); status != 404 {
		t.Errorf("bob clicked it: HTTP %d", status)
	}
	r.do("action", object{"user": "ann", "channel": "redis-ops", "ts": ts, "action_id": "ok"})
	p := <-got
	if p["message"] != nil || dig(p, "container", "is_ephemeral") != true {
		t.Errorf("payload: %v", p)
	}
	if res, err := http.Post(p["response_url"].(string), "application/json", strings.NewReader(`{"delete_original":true}`)); err != nil || res.StatusCode != 200 {
		t.Errorf("delete: %v %v", res, err)
	}
	if len(r.messages("ann")) != 0 {
		t.Error("it is still there")
	}
}

func TestOptionsComeFromTheAppAsABrowserAsks(t *testing.T) {
	r := newRig(t)
	var answer any
	got := r.autopilot(func(p object) any {
		if p["type"] == "block_suggestion" {
			return answer
		}
		return nil
	})
	o := r.openModal(got, strings.Replace(aModal, `"blocks":[`, `"blocks":[{"type":"input","block_id":"db","label":{"type":"plain_text","text":"DB"},"element":{"type":"external_select","action_id":"db","min_query_length":2}},`, 1))
	ask := func(query string) object {
		t.Helper()
		return r.do("options", object{"user": "ann", "view_id": o.view, "action_id": "db", "query": query})
	}
	if out := ask("c"); out["sent"] != false || len(out["options"].([]any)) != 0 {
		t.Errorf("a query that is too short: %v", out)
	}
	answer = parse(t, `{"option_groups":[{"label":{"type":"plain_text","text":"EU"},"options":[{"text":{"type":"plain_text","text":"cache"},"value":"7","description":{"type":"plain_text","text":"7.2"}}]}]}`)
	out := ask("ca")
	if want := (object{"text": "cache", "value": "7", "description": "7.2", "group": "EU"}); len(out["options"].([]any)) != 1 || !same(out["options"].([]any)[0], want) {
		t.Errorf("groups: %v", out)
	}
	if p := <-got; p["value"] != "ca" || p["action_id"] != "db" || p["block_id"] != "db" || dig(p, "container", "view_id") != o.view {
		t.Errorf("payload: %v", p)
	}
	answer = object{"options": []any{}}
	if out := ask("zz"); out["acked"] != true || len(out["options"].([]any)) != 0 {
		t.Errorf("no match: %v", out)
	}
	answer = object{}
	if out := ask("zz"); out["error"] != troubleConnecting {
		t.Errorf("an empty answer: %v", out)
	}
	answer = parse(t, `{"options":[{"text":{"type":"plain_text","text":""},"value":"7"}]}`)
	if out := ask("zz"); out["error"] != troubleConnecting {
		t.Errorf("an invalid option: %v", out)
	}
	if status, _ := r.try("options", object{"user": "ann", "view_id": o.view, "action_id": "sel", "query": "x"}); status != 409 {
		t.Errorf("a static select: HTTP %d", status)
	}
}

func same(got any, want object) bool {
	o, _ := got.(object)
	for k, v := range want {
		if o[k] != v {
			return false
		}
	}
	return len(o) == len(want)
}

func TestMentionsAreHeardOnlyWhereTheBotIs(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	if out := r.do("message", object{"user": "ann", "channel": "redis-ops", "text": "just talk"}); out["ok"] != true {
		t.Errorf("a message: %v", out)
	}
	out := r.do("message", object{"user": "ann", "channel": "redis-ops", "text": "@redis-upgrade help"})
	if out["acked"] != true || out["ok"] != true {
		t.Errorf("a message that mentions the bot: %v", out)
	}
	if p := <-got; dig(p, "event", "text") != "<@UBOT> help" || dig(p, "event", "type") != "app_mention" {
		t.Errorf("payload: %v", p)
	}
	if out := r.do("mention", object{"user": "ann", "channel": "general", "text": "hello"}); out["acked"] != false || out["error"] != "not_in_channel" {
		t.Errorf("where the bot is not: %v", out)
	}
	if n := len(r.envelopes()); n != 1 {
		t.Errorf("%d envelopes, want 1", n)
	}
	if st := r.state("ann"); len(st.Channels) != 2 || st.Channels[0].ID != "C0REDISOPS" {
		t.Errorf("channels: %v", st.Channels)
	}
}

func TestPeopleAreListed(t *testing.T) {
	r := newRig(t)
	var out object
	r.look("people", &out)
	people := out["people"].([]any)
	i := slices.IndexFunc(people, func(p any) bool { return dig(p, "name") == "dan" })
	if len(people) != 6 || dig(people[i], "groups", 0) != "oncall" || dig(people[i], "title") == "" || dig(out, "bot", "id") != "UBOT" {
		t.Errorf("people: %v", out)
	}
}
