package slackemu

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCallsAreRefusedInSlacksWords(t *testing.T) {
	const form, jsonType = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	for _, row := range []struct {
		sentence, verb, method, kind, body, bearer string
		want                                       string
	}{
		{"a method that does not exist", "POST", "chat.shout", form, "token=" + testBotToken, "", "unknown_method"},
		{"method names are case-sensitive", "POST", "Auth.test", form, "token=" + testBotToken, "", "unknown_method"},
		{"no token", "POST", "auth.test", form, "", "", "not_authed"},
		{"a wrong token", "POST", "auth.test", form, "token=xoxb-other", "", "invalid_auth"},
		{"a token in a JSON body does not count", "POST", "auth.test", jsonType, `{"token":"` + testBotToken + `"}`, "", "not_authed"},
		{"a bot token opens no connection", "POST", "apps.connections.open", "", "", testBotToken, "not_allowed_token_type"},
		{"an app token tests nothing", "POST", "auth.test", "", "", testAppToken, "not_allowed_token_type"},
		{"the token may come as a header", "POST", "auth.test", "", "", testBotToken, ""},
		{"the token may come in a form", "POST", "auth.test", form, "token=" + testBotToken, "", ""},
		{"a query does for GET", "GET", "auth.test?token=" + testBotToken, "", "", "", ""},
		{"JSON that is none", "POST", "auth.test", jsonType, "{", testBotToken, "invalid_json"},
		{"JSON that is no object", "POST", "auth.test", jsonType, "[]", testBotToken, "json_not_object"},
		{"a body of unknown type", "POST", "auth.test", "text/csv", "a,b", testBotToken, "invalid_post_type"},
		{"a body without a type", "POST", "auth.test", "", "x", testBotToken, "missing_post_type"},
		{"a scope that was not granted", "POST", "reactions.add", "", "", testBotToken, "missing_scope"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			r := newRig(t)
			res, out := r.raw(row.verb, row.method, row.kind, row.body, row.bearer)
			got, _ := out["error"].(string)
			if got != row.want || res.StatusCode != http.StatusOK || out["ok"] != (row.want == "") {
				t.Errorf("HTTP %d %v, want %q", res.StatusCode, out, row.want)
			}
			if ct := res.Header.Get("Content-Type"); ct != "application/json; charset=utf-8" {
				t.Errorf("content type %q", ct)
			}
		})
	}
}

func TestChatMethodsRefuseWhatSlackRefuses(t *testing.T) {
	r := newRig(t, readers)
	r.do("limits", object{"mode": "off"})
	mine := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "mine"})["ts"]
	theirs := r.do("message", object{"user": "ann", "channel": "redis-ops", "text": "theirs"})["ts"]
	private := r.must("chat.postEphemeral", object{"channel": "C0REDISOPS", "user": "U0ANN", "text": "psst"})["message_ts"]
	for _, row := range []struct {
		sentence, method string
		args             object
		want             string
	}{
		{"a channel nobody knows", "chat.postMessage", object{"channel": "C0NONE", "text": "x"}, "channel_not_found"},
		{"a private channel of others does not exist", "chat.postMessage", object{"channel": "C0DBAROOM", "text": "x"}, "channel_not_found"},
		{"a public channel wants membership", "chat.postMessage", object{"channel": "C0GENERAL", "text": "x"}, "not_in_channel"},
		{"nothing to say", "chat.postMessage", object{"channel": "C0REDISOPS"}, "no_text"},
		{"blocks that are no JSON", "chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "blocks": "[{"}, "invalid_blocks_format"},
		{"blocks that are no list", "chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "blocks": "{}"}, "invalid_blocks_format"},
		{"blocks that are wrong", "chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "blocks": `[{"type":"section"}]`}, "invalid_blocks"},
		{"blocks in attachments that are wrong", "chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "attachments": `[{"blocks":[{"type":"section"}]}]`}, "invalid_blocks"},
		{"metadata without a type", "chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "metadata": `{"event_payload":{"a":"b"}}`}, "invalid_metadata_format"},
		{"metadata with a null", "chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "metadata": `{"event_type":"a","event_payload":{"a":null}}`}, "invalid_metadata_format"},
		{"metadata that is huge", "chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "metadata": object{"event_type": "a", "event_payload": object{"a": chars(20000)}}}, "metadata_too_large"},
		{"a user id means the direct message", "chat.postMessage", object{"channel": "U0EVE", "text": "x"}, ""},
		{"editing a message nobody wrote", "chat.update", object{"channel": "C0REDISOPS", "ts": "1.1", "text": "x"}, "message_not_found"},
		{"editing somebody else's", "chat.update", object{"channel": "C0REDISOPS", "ts": theirs, "text": "x"}, "cant_update_message"},
		{"editing an ephemeral one", "chat.update", object{"channel": "C0REDISOPS", "ts": private, "text": "x"}, "message_not_found"},
		{"an edit of 4001 characters", "chat.update", object{"channel": "C0REDISOPS", "ts": mine, "text": chars(4001)}, "msg_too_long"},
		{"an edit to nothing", "chat.update", object{"channel": "C0REDISOPS", "ts": mine}, "no_text"},
		{"deleting somebody else's", "chat.delete", object{"channel": "C0REDISOPS", "ts": theirs}, "cant_delete_message"},
		{"an ephemeral message for an outsider", "chat.postEphemeral", object{"channel": "C0REDISOPS", "user": "U0NOBODY", "text": "x"}, "user_not_in_channel"},
		{"a link to nothing", "chat.getPermalink", object{"channel": "C0REDISOPS", "message_ts": "1.1"}, "message_not_found"},
		{"a thread of nothing", "conversations.replies", object{"channel": "C0REDISOPS", "ts": "1.1"}, "thread_not_found"},
		{"a cursor nobody gave", "conversations.history", object{"channel": "C0REDISOPS", "cursor": "x"}, "invalid_cursor"},
		{"reading a direct message wants a scope", "conversations.history", object{"channel": "D0EVE"}, "missing_scope"},
		{"a user nobody knows", "users.info", object{"user": "U0NOBODY"}, "user_not_found"},
		{"a group nobody knows", "usergroups.users.list", object{"usergroup": "S0NONE"}, "no_such_subteam"},
		{"a message for the past", "chat.scheduleMessage", object{"channel": "C0REDISOPS", "text": "x", "post_at": "1000"}, "time_in_past"},
		{"a message for next year", "chat.scheduleMessage", object{"channel": "C0REDISOPS", "text": "x", "post_at": fmt.Sprint(time.Now().AddDate(1, 0, 0).Unix())}, "time_too_far"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			_, out := r.call(row.method, row.args)
			if got, _ := out["error"].(string); got != row.want {
				t.Errorf("got %v, want %q", out, row.want)
			}
		})
	}
}

func TestMessagesCarryWhatSlackAdds(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newRig(t, func(c *Config) { c.Now = func() time.Time { return now } })
	out := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "blocks": `[{"type":"section","text":{"type":"mrkdwn","text":"a"}},{"type":"header","text":{"type":"plain_text","text":"b"}}]`})
	msg := dig(out, "message")
	if dig(msg, "blocks", 0, "block_id") == "" || dig(msg, "blocks", 0, "text", "verbatim") != false || dig(msg, "blocks", 1, "text", "emoji") != true {
		t.Errorf("blocks: %v", dig(msg, "blocks"))
	}
	if out["warning"] != "missing_text_in_message" {
		t.Errorf("warning: %v", out["warning"])
	}
	if want := fmt.Sprintf("%d.000000", now.Unix()); out["ts"] != want {
		t.Errorf("ts %v, want %s", out["ts"], want)
	}
	long := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": chars(40001)})
	if long["warning"] != "message_truncated" || long["ts"].(string) <= out["ts"].(string) {
		t.Errorf("long message: %v %v", long["warning"], long["ts"])
	}
	meta := object{"event_type": "redis_upgrade", "event_payload": object{"session": "s"}}
	ts := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "metadata": meta})["ts"]
	r.must("chat.update", object{"channel": "C0REDISOPS", "ts": ts, "text": "y"})
	if got := dig(r.messages("ann")[2], "metadata", "event_type"); got != "redis_upgrade" {
		t.Errorf("an edit without metadata lost it: %v", got)
	}
	r.must("chat.update", object{"channel": "C0REDISOPS", "ts": ts, "text": "y", "metadata": "{}"})
	if got := r.messages("ann")[2]["metadata"]; got != nil {
		t.Errorf("an edit with empty metadata kept it: %v", got)
	}
}

func TestHistoryIsNewestFirstAndPaged(t *testing.T) {
	r := newRig(t, readers)
	r.do("limits", object{"mode": "off"})
	var stamps []string
	for i := range 5 {
		stamps = append(stamps, r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": fmt.Sprint(i)})["ts"].(string))
	}
	r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "reply", "thread_ts": stamps[4]})
	r.must("chat.postEphemeral", object{"channel": "C0REDISOPS", "user": "U0ANN", "text": "psst"})
	var got []string
	for cursor := ""; ; {
		out := r.must("conversations.history", object{"channel": "C0REDISOPS", "limit": "2", "cursor": cursor})
		for _, m := range out["messages"].([]any) {
			got = append(got, dig(m, "ts").(string))
		}
		if cursor, _ = dig(out, "response_metadata", "next_cursor").(string); cursor == "" {
			break
		}
	}
	slices.Reverse(got)
	if diff := cmp.Diff(stamps, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	out := r.must("conversations.history", object{"channel": "C0REDISOPS", "oldest": stamps[2], "latest": stamps[3], "inclusive": "true"})
	if n := len(out["messages"].([]any)); n != 2 {
		t.Errorf("%d messages in a range of two", n)
	}
}

func TestDeletingARootWithRepliesLeavesATombstone(t *testing.T) {
	r := newRig(t)
	root := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "root"})["ts"]
	reply := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "reply", "thread_ts": root})["ts"]
	r.must("chat.delete", object{"channel": "C0REDISOPS", "ts": root})
	if m := r.messages("ann"); len(m) != 2 || m[0]["subtype"] != "tombstone" || m[0]["user"] != "USLACKBOT" {
		t.Errorf("messages: %v", m)
	}
	r.must("chat.delete", object{"channel": "C0REDISOPS", "ts": reply})
	if m := r.messages("ann"); len(m) != 1 {
		t.Errorf("messages: %v", m)
	}
}

func TestRateLimitsAnswer429(t *testing.T) {
	t.Parallel()
	post := object{"channel": "C0REDISOPS", "text": "x"}
	until429 := func(r *rig, method string, a object) (int, *http.Response) {
		for n := range 1000 {
			if res, out := r.call(method, a); res.StatusCode == http.StatusTooManyRequests {
				if out["error"] != "ratelimited" || out["ok"] != false {
					t.Errorf("%s: %v", method, out)
				}
				return n, res
			}
		}
		return 1000, nil
	}
	t.Run("one post per second and channel, with a small burst", func(t *testing.T) {
		n, res := until429(newRig(t), "chat.postMessage", post)
		if n < 1 || n > channelBurst+1 || res.Header.Get("Retry-After") != "1" {
			t.Errorf("%d posts, Retry-After %q", n, res.Header.Get("Retry-After"))
		}
	})
	t.Run("a tier 2 method allows twenty a minute", func(t *testing.T) {
		n, res := until429(newRig(t), "usergroups.users.list", object{"usergroup": "S0DBA"})
		if n < 20 || n > 22 || res.Header.Get("Retry-After") != "3" {
			t.Errorf("%d calls, Retry-After %q", n, res.Header.Get("Retry-After"))
		}
	})
	t.Run("the sandbox's speed multiplies them", func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Speed = func() float64 { return 5 } })
		if n, _ := until429(r, "usergroups.users.list", object{"usergroup": "S0DBA"}); n < 100 || n > 115 {
			t.Errorf("%d calls, want 100", n)
		}
	})
	t.Run("strict allows a tenth at once, off everything", func(t *testing.T) {
		r := newRig(t)
		r.do("limits", object{"mode": "strict"})
		if n, _ := until429(r, "usergroups.users.list", object{"usergroup": "S0DBA"}); n > 3 {
			t.Errorf("%d calls, want 2", n)
		}
		r.do("limits", object{"mode": "off"})
		if n, _ := until429(r, "usergroups.users.list", object{"usergroup": "S0DBA"}); n != 1000 {
			t.Errorf("stopped after %d calls", n)
		}
	})
}

func TestUnknownArgumentsAreJournaled(t *testing.T) {
	r := newRig(t)
	r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "colour": "red"})
	var calls []callEntry
	r.look("calls", &calls)
	if !slices.Equal(calls[0].Unknown, []string{"colour"}) || !calls[0].OK {
		t.Errorf("journal: %+v", calls)
	}
}

func TestScheduledMessagesArePostedWhenTheirTimeHasCome(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newRig(t, func(c *Config) { c.Now = func() time.Time { return now } })
	out := r.must("chat.scheduleMessage", object{"channel": "C0REDISOPS", "text": "later", "post_at": fmt.Sprint(now.Add(time.Hour).Unix())})
	if n := len(r.messages("ann")); n != 0 {
		t.Errorf("%d messages before the time", n)
	}
	if l := r.must("chat.scheduledMessages.list", object{}); dig(l, "scheduled_messages", 0, "id") != out["scheduled_message_id"] {
		t.Errorf("list: %v", l)
	}
	now = now.Add(2 * time.Hour)
	if m := r.messages("ann"); len(m) != 1 || m[0]["text"] != "later" {
		t.Errorf("messages after the time: %v", m)
	}
}

func TestFilesAndReactionsWorkOnceTheirScopesAreGranted(t *testing.T) {
	r := newRig(t)
	r.s.scopes = append(r.s.scopes, "files:write", "reactions:write")
	api := r.api()
	ts := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x"})["ts"]
	r.must("reactions.add", object{"channel": "C0REDISOPS", "timestamp": ts, "name": "eyes"})
	if _, out := r.call("reactions.add", object{"channel": "C0REDISOPS", "timestamp": ts, "name": "eyes"}); out["error"] != "already_reacted" {
		t.Errorf("a second reaction: %v", out)
	}
	if got := dig(r.messages("ann")[0], "reactions", 0, "count"); got != 1.0 {
		t.Errorf("reactions: %v", got)
	}
	r.must("reactions.remove", object{"channel": "C0REDISOPS", "timestamp": ts, "name": "eyes"})
	file, err := api.UploadFile(uploadOf("log.txt", "all went well", ts.(string)))
	if err != nil {
		t.Fatal(err)
	}
	m := r.messages("ann")[1]
	if dig(m, "files", 0, "id") != file.ID || m["thread_ts"] != ts || !strings.Contains(m["text"].(string), "the log") {
		t.Errorf("message with a file: %v", m)
	}
}
