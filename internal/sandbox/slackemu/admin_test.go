package slackemu

import (
	"fmt"
	"slices"
	"testing"

	"github.com/slack-go/slack"
)

// code is the error of a call, or nil.
func (r *rig) code(method string, a object) any {
	r.t.Helper()
	_, out := r.call(method, a)
	return out["error"]
}

func TestAnAdministratorChangesUserGroups(t *testing.T) {
	r := newRig(t)
	members := func(group string) any {
		_, out := r.call("usergroups.users.list", object{"usergroup": group})
		if out["ok"] != true {
			return out["error"]
		}
		return fmt.Sprint(out["users"])
	}
	for _, row := range []struct {
		set  object
		want string
	}{
		{object{"users": []any{"eve", "U0BOB"}}, "[U0EVE U0BOB]"},
		{object{"users": []any{}}, "[]"},
		{object{"disabled": true}, "no_such_subteam"},
		{object{"disabled": false, "users": []any{"carol"}}, "[U0CAROL]"},
		{object{"deleted": true}, "no_such_subteam"},
		{object{"created": true, "users": []any{"ann"}}, "[U0ANN]"},
	} {
		r.do("group", object{"group": "dba", "set": row.set})
		if got := members("S0DBA"); got != row.want {
			t.Errorf("%v: %v, want %s", row.set, got, row.want)
		}
		if got := members("S0ONCALL"); got != "[U0DAN]" {
			t.Errorf("%v: the other group has %v", row.set, got)
		}
	}
	r.do("group", object{"group": "S0ONCALL", "set": object{"disabled": true}})
	for _, row := range []struct {
		args object
		want int
	}{{nil, 1}, {object{"include_disabled": "true"}, 2}} {
		if got := r.must("usergroups.list", row.args)["usergroups"].([]any); len(got) != row.want {
			t.Errorf("%v: %v", row.args, got)
		}
	}
	if got := r.must("usergroups.users.list", object{"usergroup": "S0ONCALL", "include_disabled": "true"}); dig(got, "users", 0) != "U0DAN" {
		t.Errorf("a disabled group that was asked for: %v", got)
	}
}

func TestAnAdministratorChangesAccounts(t *testing.T) {
	r := newRig(t)
	info := func(user string) any { return r.must("users.info", object{"user": user})["user"] }
	r.do("person", object{"user": "bob", "set": object{"restricted": true}})
	if u := info("U0BOB"); dig(u, "is_restricted") != true || dig(u, "is_ultra_restricted") != false || dig(u, "deleted") != false {
		t.Errorf("a guest: %v", u)
	}
	r.do("person", object{"user": "bob", "set": object{"restricted": false, "deactivated": true}})
	if u := info("U0BOB"); dig(u, "is_restricted") != false || dig(u, "deleted") != true {
		t.Errorf("deactivated: %v", u)
	}
	if status, _ := r.try("message", object{"user": "bob", "channel": "redis-ops", "text": "hello"}); status != 409 {
		t.Errorf("who is deactivated wrote something: HTTP %d", status)
	}
	if got := r.code("conversations.open", object{"users": "U0BOB"}); got != "user_disabled" {
		t.Errorf("a direct message: %v", got)
	}
	if got := r.code("chat.postEphemeral", object{"channel": "C0REDISOPS", "user": "U0BOB", "text": "x"}); got != "user_not_in_channel" {
		t.Errorf("an ephemeral message: %v", got)
	}
	r.do("person", object{"user": "eve", "set": object{"info": object{"team_id": nil, "is_stranger": true, "enterprise_user": object{"teams": []any{"T9"}}}}})
	u := info("U0EVE").(object)
	if _, has := u["team_id"]; has || u["is_stranger"] != true || dig(u, "enterprise_user", "teams", 0) != "T9" || u["name"] != "eve" {
		t.Errorf("what users.info was told to say: %v", u)
	}
}

func TestEveryMethodSaysInItsOwnWordsThatAChannelIsShut(t *testing.T) {
	r := newRig(t)
	ts := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x"})["ts"]
	scopes := r.s.scopes
	r.s.scopes = append(slices.Clone(scopes), "reactions:write")
	defer func() { r.s.scopes = scopes }()
	shut := []struct {
		set  object
		want map[string]any
	}{
		{object{"archived": true}, map[string]any{"chat.postMessage": "is_archived", "chat.postEphemeral": "is_archived", "chat.scheduleMessage": "is_archived",
			"chat.update": "is_inactive", "chat.delete": "cant_delete_message", "reactions.add": "is_archived"}},
		{object{"archived": false, "bot_member": false}, map[string]any{"chat.postMessage": "not_in_channel", "chat.postEphemeral": "not_in_channel",
			"chat.scheduleMessage": "not_in_channel", "chat.update": "channel_not_found", "chat.delete": "channel_not_found", "reactions.add": "not_in_channel"}},
		{object{"bot_member": true}, map[string]any{"chat.postMessage": nil, "chat.postEphemeral": nil, "chat.update": nil, "reactions.add": nil, "chat.delete": nil}},
	}
	for _, row := range shut {
		r.do("channel", object{"channel": "redis-ops", "set": row.set})
		for _, method := range []string{"chat.postMessage", "chat.postEphemeral", "chat.scheduleMessage", "reactions.add", "chat.update", "chat.delete"} {
			want, has := row.want[method]
			a := object{"channel": "C0REDISOPS", "ts": ts, "timestamp": ts, "text": "y", "user": "U0ANN", "name": "eyes", "post_at": "9999999999"}
			if got := r.code(method, a); has && got != want {
				t.Errorf("%v: %s answers %v, want %v", row.set, method, got, want)
			}
		}
	}
	r.do("channel", object{"channel": "redis-ops", "set": object{"archived": true}})
	if ch := r.must("conversations.info", object{"channel": "C0REDISOPS"})["channel"]; dig(ch, "is_archived") != true || dig(ch, "is_member") != true {
		t.Errorf("channel: %v", ch)
	}
	if status, _ := r.try("command", aCommand); status != 409 {
		t.Errorf("a command in an archived channel: HTTP %d", status)
	}
	r.do("channel", object{"channel": "#redis-ops", "set": object{"archived": false, "shared": true, "remove": []any{"eve"}}})
	ch, err := r.api().GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: "C0REDISOPS"})
	if err != nil || !ch.IsExtShared || ch.IsArchived || slices.Contains(r.s.room("C0REDISOPS").members, "U0EVE") {
		t.Errorf("shared: %+v %v", ch, err)
	}
}

func TestUpdateAndDeleteTakeAChannelIdOnly(t *testing.T) {
	r := newRig(t)
	ts := r.must("chat.postMessage", object{"channel": "U0ANN", "text": "a direct message"})["ts"]
	for _, method := range []string{"chat.update", "chat.delete"} {
		for _, ref := range []string{"U0ANN", "redis-ops", "#redis-ops"} {
			if got := r.code(method, object{"channel": ref, "ts": ts, "text": "y"}); got != "channel_not_found" {
				t.Errorf("%s with %s: %v", method, ref, got)
			}
		}
		r.must(method, object{"channel": "D0ANN", "ts": ts, "text": "y"})
	}
}

func TestAnAdministratorDeletesMessagesAndClosesTheEditWindow(t *testing.T) {
	r := newRig(t)
	post := func(a object) string {
		a["channel"], a["text"] = "C0REDISOPS", "x"
		return r.must("chat.postMessage", a)["ts"].(string)
	}
	update := func(ts string) any {
		return r.code("chat.update", object{"channel": "C0REDISOPS", "ts": ts, "text": "y"})
	}
	alone, root := post(object{}), post(object{})
	reply := post(object{"thread_ts": root})
	for _, code := range []string{"edit_window_closed", "cant_update_message"} {
		r.do("moderate", object{"channel": "redis-ops", "ts": alone, "set": object{"update_error": code}})
		if got := update(alone); got != code {
			t.Errorf("chat.update: %v, want %s", got, code)
		}
	}
	r.do("moderate", object{"channel": "C0REDISOPS", "ts": alone, "set": object{"update_error": ""}})
	if got := update(alone); got != nil {
		t.Errorf("editable again: %v", got)
	}
	for _, ts := range []string{alone, root} {
		r.do("moderate", object{"channel": "redis-ops", "ts": ts, "set": object{"deleted": true}})
		if got := update(ts); got != "message_not_found" {
			t.Errorf("a deleted message: %v", got)
		}
	}
	if got := update(reply); got != nil {
		t.Errorf("a reply below a deleted root: %v", got)
	}
}

func TestAnotherAppPostsWhatItLikes(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	attachments := []any{object{"id": "1", "color": 3447003, "fields": []any{object{"title": "a", "short": "true"}}}}
	blocks := []any{object{"type": "actions", "elements": []any{object{"type": "unheard_of", "action_id": "x"}}},
		object{"type": "context", "elements": []any{object{"type": "unheard_of"}}}, object{"type": "input", "element": object{"type": "unheard_of"}}}
	ts := r.do("message", object{"user": "deploy-bot", "channel": "redis-ops", "text": "deployed", "blocks": blocks, "attachments": attachments})["ts"]
	r.do("action", object{"user": "dan", "channel": "redis-ops", "ts": ts, "shortcut": "revert_upgrade"})
	p := <-got
	if dig(p, "message", "attachments", 0, "id") != "1" || dig(p, "message", "attachments", 0, "color") != 3447003.0 ||
		dig(p, "message", "blocks", 1, "elements", 0, "type") != "unheard_of" || dig(p, "message", "app_id") != "A0DEPLOYBOT" {
		t.Errorf("shortcut: %v", p)
	}
	r.do("message", object{"user": "deploy-bot", "channel": "redis-ops", "text": "@redis-upgrade status", "attachments": attachments})
	if e := (<-got)["event"]; dig(e, "bot_id") != "B0DEPLOYBOT" || dig(e, "attachments", 0, "id") != "1" || dig(e, "client_msg_id") != nil {
		t.Errorf("a mention by an app: %v", e)
	}
	r.do("mention", object{"user": "ann", "channel": "redis-ops", "text": "status", "attachments": attachments})
	if e := (<-got)["event"]; dig(e, "bot_id") != nil || dig(e, "attachments", 0, "id") != "1" || dig(e, "user") != "U0ANN" {
		t.Errorf("a mention with an attachment: %v", e)
	}
	if got := r.code("chat.update", object{"channel": "C0REDISOPS", "ts": ts, "text": "y"}); got != "cant_update_message" {
		t.Errorf("somebody else's message: %v", got)
	}
	if u, err := r.api().GetUserInfo("U0DEPLOYBOT"); err != nil || !u.IsBot || u.Profile.BotID != "B0DEPLOYBOT" {
		t.Errorf("the other app: %+v %v", u, err)
	}
}
