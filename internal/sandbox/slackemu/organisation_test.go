package slackemu

import (
	"fmt"
	"slices"
	"testing"
)

func TestAPartnerSharesAChannel(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	if code := r.code("users.info", object{"user": "U0FRANK"}); code != "user_not_found" {
		t.Errorf("before: %v", code)
	}
	r.do("workspace", object{"partner": true})
	frank := r.must("users.info", object{"user": "U0FRANK"})["user"]
	if dig(frank, "team_id") != "T0PARTNER" || dig(frank, "is_stranger") != true || dig(frank, "enterprise_user") != nil {
		t.Errorf("a stranger: %v", frank)
	}
	fay := r.must("users.info", object{"user": "U0FAY"})["user"]
	if dig(fay, "team_id") != "T0PARTNER" || dig(fay, "is_stranger") != false || fmt.Sprint(dig(fay, "enterprise_user", "teams")) != "[T0PARTNER]" {
		t.Errorf("somebody of another organisation: %v", fay)
	}
	if ann := r.must("users.info", object{"user": "U0ANN"})["user"]; dig(ann, "team_id") != "T0SANDBOX" || dig(ann, "enterprise_user") != nil {
		t.Errorf("ours: %v", ann)
	}
	if ch := r.must("conversations.info", object{"channel": "C0PARTNER"})["channel"]; dig(ch, "is_ext_shared") != true || dig(ch, "is_member") != true {
		t.Errorf("channel: %v", ch)
	}
	r.do("mention", object{"user": "frank", "channel": "redis-partner", "text": "status"})
	if e := (<-got)["event"]; dig(e, "user") != "U0FRANK" || dig(e, "team") != "T0PARTNER" {
		t.Errorf("mention: %v", e)
	}
	ts := r.must("chat.postMessage", object{"channel": "C0PARTNER", "text": "x", "blocks": `[{"type":"actions","elements":[{"type":"button","action_id":"ok","text":{"type":"plain_text","text":"OK"}}]}]`})["ts"]
	r.do("action", object{"user": "fay", "channel": "redis-partner", "ts": ts, "action_id": "ok"})
	if p := <-got; dig(p, "user", "team_id") != "T0PARTNER" || dig(p, "team", "id") != "T0SANDBOX" {
		t.Errorf("click: %v", p)
	}
	r.do("channel", object{"channel": "redis-ops", "set": object{"shared": true, "add": []any{"frank"}}})
	r.do("command", object{"user": "frank", "channel": "redis-ops", "text": "list"})
	<-got
	r.do("workspace", object{"partner": false})
	if code := r.code("users.info", object{"user": "U0FRANK"}); code != "user_not_found" || slices.Contains(r.s.room("C0REDISOPS").members, "U0FRANK") {
		t.Errorf("after: %v", code)
	}
}

func TestAnOrganisationHasManyForms(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	r.do("workspace", object{"grid": true})
	for _, row := range []struct{ id, team, teams string }{
		{"U0ANN", "T0SANDBOX", "[T0SANDBOX]"},
		{"U0GITA", "T0ACMEUK", "[T0ACMEUK T0SANDBOX]"},
		{"U0HUGO", "<nil>", "[T0SANDBOX T0ACMEUK]"},
		{"U0OLGA", "E0ACME", "[T0SANDBOX]"},
		{"U0IVAN", "T0ACMEUK", "[T0ACMEUK]"},
	} {
		for _, id := range []string{row.id, "W" + row.id[1:]} {
			u := r.must("users.info", object{"user": id})["user"]
			if dig(u, "id") != row.id || fmt.Sprint(dig(u, "team_id")) != row.team || fmt.Sprint(dig(u, "enterprise_user", "teams")) != row.teams ||
				dig(u, "enterprise_user", "enterprise_id") != "E0ACME" || dig(u, "enterprise_user", "id") != "W"+row.id[1:] {
				t.Errorf("%s: %v", id, u)
			}
		}
	}
	who := r.must("auth.test", nil)
	if who["team_id"] != "T0SANDBOX" || who["enterprise_id"] != "E0ACME" || who["is_enterprise_install"] != false {
		t.Errorf("auth.test: %v", who)
	}
	groups := r.must("usergroups.list", object{"include_users": "true"})["usergroups"].([]any)
	if len(groups) != 3 || dig(groups[2], "team_id") != "E0ACME" || dig(groups[2], "users", 0) != "W0DAN" {
		t.Errorf("groups: %v", groups)
	}
	for _, user := range []string{"bob", "U0BOB", "W0BOB"} {
		want := "U0BOB"
		if user == "W0BOB" {
			want = user
		}
		r.do("command", object{"user": user, "channel": "redis-ops", "text": "list"})
		if p := <-got; p["user_id"] != want || p["enterprise_id"] != "E0ACME" || p["is_enterprise_install"] != "false" {
			t.Errorf("command of %s: %v", user, p)
		}
		r.do("mention", object{"user": user, "channel": "redis-ops", "text": "list"})
		if p := <-got; dig(p, "event", "user") != want || p["enterprise_id"] != "E0ACME" {
			t.Errorf("mention of %s: %v", user, p)
		}
	}
	r.must("chat.postEphemeral", object{"channel": "C0REDISOPS", "user": "W0BOB", "text": "x"})
	if dm := r.must("conversations.open", object{"users": "W0BOB"}); dig(dm, "channel", "id") != "D0BOB" {
		t.Errorf("direct message: %v", dm)
	}
	r.do("workspace", object{"grid": false})
	if u := r.must("users.info", object{"user": "U0BOB"})["user"]; dig(u, "enterprise_user") != nil || r.code("users.info", object{"user": "W0BOB"}) != "user_not_found" {
		t.Errorf("after: %v", u)
	}
}

func TestAnOrgWideInstallSaysSo(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	r.do("workspace", object{"org_install": true})
	if who := r.must("auth.test", nil); who["team_id"] != "E0ACME" || who["is_enterprise_install"] != true || who["enterprise_id"] != "E0ACME" {
		t.Errorf("auth.test: %v", who)
	}
	for _, method := range []string{"users.list", "usergroups.list", "conversations.list"} {
		if code := r.code(method, nil); code != "missing_argument" {
			t.Errorf("%s without a workspace: %v", method, code)
		}
		r.must(method, object{"team_id": "T0SANDBOX"})
	}
	if code := r.code("chat.postMessage", object{"channel": "#redis-ops", "text": "x"}); code != "team_not_found" {
		t.Errorf("a channel by its name: %v", code)
	}
	ts := r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x"})["ts"]
	r.do("action", object{"user": "dan", "channel": "redis-ops", "ts": ts, "shortcut": "revert_upgrade"})
	if p := <-got; p["is_enterprise_install"] != true || dig(p, "enterprise", "id") != "E0ACME" || dig(p, "team", "enterprise_id") != "E0ACME" {
		t.Errorf("shortcut: %v", p)
	}
	r.do("mention", object{"user": "dan", "channel": "redis-ops", "text": "status"})
	if p := <-got; dig(p, "authorizations", 0, "is_enterprise_install") != true || dig(p, "authorizations", 0, "enterprise_id") != "E0ACME" {
		t.Errorf("event: %v", p)
	}
}
