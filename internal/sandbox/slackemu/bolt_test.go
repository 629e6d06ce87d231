package slackemu

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// boltApp is an app on Slack's own framework in a process of its own.
type boltApp struct {
	*rig
	in    io.Writer
	calls int
	heard map[string]chan object
}

// missing skips a test for want of something, unless CI=true says that nothing
// may be skipped.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// installBolt brings the packages of the lock file, if they are not there yet.
func installBolt(t *testing.T, dir string) {
	t.Helper()
	version, err := exec.Command("node", "--version").Output()
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, _ := strconv.Atoi(major); err != nil || n < 20 {
		missing(t, "Node.js 20 or later is missing (found %q): scripts/need installs it on Debian", version)
	}
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	stamp := filepath.Join(dir, "node_modules", ".installed")
	if done, err := os.ReadFile(stamp); err == nil && bytes.Equal(done, lock) {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir, npm.WaitDelay = dir, time.Second
	if out, err := npm.CombinedOutput(); err != nil {
		missing(t, "npm ci in %s: %v\n%s", dir, err, out)
	}
	if err := os.WriteFile(stamp, lock, 0o644); err != nil {
		t.Fatal(err)
	}
}

func startBolt(t *testing.T) *boltApp {
	t.Helper()
	const dir = "testdata/bolt"
	installBolt(t, dir)
	quick := func(c *Config) { c.Speed = func() float64 { return 1000 } } // of rate limits
	a := &boltApp{rig: newRig(t, readers, quick), heard: map[string]chan object{}}
	for _, kind := range strings.Fields("started command options view closed action shortcut mention home error call") {
		a.heard[kind] = make(chan object, 100)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	node := exec.CommandContext(ctx, "node", "app.mjs")
	node.Dir, node.WaitDelay = dir, time.Second
	node.Env = append(os.Environ(), "SLACK_API_URL="+a.url+"/slack/api/", "SLACK_BOT_TOKEN="+testBotToken, "SLACK_APP_TOKEN="+testAppToken)
	var complaints bytes.Buffer
	node.Stderr = &complaints
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	a.in = in
	read := make(chan struct{})
	t.Cleanup(func() {
		in.Close()
		a.s.Close() // so that nothing of the app waits for an answer
		cancel()
		<-read
		node.Wait()
		if t.Failed() {
			t.Logf("standard error of the app:\n%s", complaints.String())
		}
	})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var o object
			if json.Unmarshal(lines.Bytes(), &o) != nil {
				continue
			}
			kind, isText := o["heard"].(string)
			if !isText {
				kind = "call"
			}
			a.heard[kind] <- o
		}
	}()
	a.next("started")
	a.wait("a connection", func() bool { return a.s.Connected() == 1 })
	return a
}

// next is the next thing of a kind that the app reports.
func (a *boltApp) next(kind string) object {
	a.t.Helper()
	select {
	case o := <-a.heard[kind]:
		return o
	case o := <-a.heard["error"]:
		a.t.Fatalf("waiting for %s: the app failed: %v", kind, o)
	case <-time.After(30 * time.Second):
		a.t.Fatalf("the app reported no %s", kind)
	}
	return nil
}

// api calls a method by the app's own client.
func (a *boltApp) api(method string, in object) object {
	a.t.Helper()
	a.calls++
	line, _ := json.Marshal(object{"id": a.calls, "method": method, "args": in})
	if _, err := fmt.Fprintf(a.in, "%s\n", line); err != nil {
		a.t.Fatal(err)
	}
	return a.next("call")
}

// good calls a method that must succeed, and returns its answer.
func (a *boltApp) good(method string, in object) object {
	a.t.Helper()
	out := a.api(method, in)
	answer, _ := out["answer"].(object)
	if out["error"] != nil || answer["ok"] != true {
		a.t.Fatalf("%s %v: %v", method, in, out)
	}
	return answer
}

// same holds what stands at paths (words and numbers with dots between) against
// what should.
func (a *boltApp) same(o object, want map[string]any) {
	a.t.Helper()
	for path, value := range want {
		var steps []any
		for step := range strings.SplitSeq(path, ".") {
			if n, err := strconv.Atoi(step); err == nil {
				steps = append(steps, n)
			} else {
				steps = append(steps, step)
			}
		}
		if got := dig(o, steps...); got != value {
			a.t.Errorf("%s is %v, want %v", path, got, value)
		}
	}
}

// TestSlacksOwnFrameworkWorksUnmodified runs @slack/bolt over everything that
// the bot uses.
func TestSlacksOwnFrameworkWorksUnmodified(t *testing.T) {
	t.Parallel()
	a := startBolt(t)

	t.Run("command, modal, suggestions, submission", func(t *testing.T) {
		a.t = t
		got := a.do("command", object{"user": "ann", "channel": "redis-ops", "text": "cache-prod 7.4"})
		if got["acked"] != true || dig(got, "response", "text") != "one moment, cache-prod 7.4" {
			t.Fatalf("command: %v", got)
		}
		heard := a.next("command")
		a.same(heard, map[string]any{"body.text": "cache-prod 7.4", "body.user_id": "U0ANN", "context.teamId": "T0SANDBOX", "context.userId": "U0ANN",
			"context.botId": "B0REDISUP", "context.botUserId": "UBOT", "context.isEnterpriseInstall": false, "view.title.text": "Upgrade"})
		id := dig(heard, "view", "id")
		if out := a.do("options", object{"user": "ann", "view_id": id, "action_id": "database", "query": "cache"}); dig(out, "options", 0, "text") != "cache-prod" {
			t.Errorf("options: %v", out)
		}
		a.do("action", object{"user": "ann", "view_id": id, "action_id": "database", "value": "1"})
		a.same(a.next("action"), map[string]any{"payload.selected_option.value": "1", "body.container.type": "view", "body.view.id": id})
		submit := func(reason string) object {
			out := a.do("submit", object{"user": "ann", "view_id": id, "values": object{"reason": reason}})
			a.same(a.next("view"), map[string]any{"body.view.state.values.why.reason.value": reason, "body.view.state.values.where.where.selected_conversation": "C0REDISOPS"})
			return out
		}
		if out := submit("short"); out["response_action"] != "errors" || dig(out, "errors", "why") != "say more" {
			t.Errorf("errors: %v", out)
		}
		if out := submit("again"); dig(out, "view", "id") != id {
			t.Errorf("update: %v", out)
		}
		a.do("action", object{"user": "ann", "view_id": id, "action_id": "database", "value": "1"})
		a.next("action")
		if out := submit("long enough"); out["view"] != nil || out["response_action"] != "" {
			t.Errorf("submission: %v", out)
		}
		a.wait("the answer by the response url", func() bool {
			m := a.messages("ann")
			return len(m) == 2 && m[1]["text"] == "via the response url"
		})
	})

	t.Run("messages and clicks", func(t *testing.T) {
		a.t = t
		button := func(id string) object {
			return object{"type": "actions", "block_id": "b-" + id, "elements": []any{object{"type": "button", "action_id": id, "text": plain("Go"), "value": "v"}}}
		}
		posted := a.good("chat.postMessage", object{"channel": "C0REDISOPS", "text": "card", "blocks": []any{button("approve"), button("replace")},
			"attachments": []any{object{"color": "#D93025", "blocks": []any{button("inside")}}}, "metadata": object{"event_type": "e", "event_payload": object{"session": "u-1"}}})
		a.same(posted, map[string]any{"channel": "C0REDISOPS", "message.bot_profile.user_id": "UBOT", "message.metadata.event_payload.session": "u-1",
			"message.attachments.0.id": 1.0, "message.attachments.0.color": "D93025", "message.blocks.0.block_id": "b-approve"})
		ts := posted["ts"]
		click := func(action string) object {
			a.do("action", object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": action})
			return a.next("action")
		}
		a.same(click("approve"), map[string]any{"payload.value": "v", "body.container.type": "message", "body.message.ts": ts, "body.user.id": "U0BOB", "context.userId": "U0BOB"})
		a.same(click("inside"), map[string]any{"body.container.type": "message_attachment", "body.container.attachment_id": 1.0})
		updated := a.good("chat.update", object{"channel": "C0REDISOPS", "ts": ts, "text": "card 2", "blocks": []any{button("replace")}, "attachments": []any{}})
		a.same(updated, map[string]any{"ts": ts, "text": "card 2", "message.edited.user": "UBOT", "message.ts": nil})
		click("replace")
		a.wait("the replaced message", func() bool { m := a.messages("bob"); return m[len(m)-1]["text"] == "replaced" })

		reply := a.good("chat.postMessage", object{"channel": "C0REDISOPS", "text": "<@U0ANN> look", "thread_ts": ts, "reply_broadcast": true})
		a.same(reply, map[string]any{"message.subtype": "thread_broadcast", "message.root.ts": ts, "message.parent_user_id": "UBOT", "message.blocks.0.type": "rich_text",
			"message.blocks.0.elements.0.elements.0.user_id": "U0ANN"})
		a.same(a.good("conversations.replies", object{"channel": "C0REDISOPS", "ts": ts}), map[string]any{"messages.0.ts": ts, "messages.1.ts": reply["ts"]})
		a.same(a.good("chat.postEphemeral", object{"channel": "C0REDISOPS", "user": "U0ANN", "text": "psst"}), map[string]any{"ok": true})
		a.same(a.good("chat.getPermalink", object{"channel": "C0REDISOPS", "message_ts": ts}), map[string]any{"channel": "C0REDISOPS"})
		later := a.good("chat.scheduleMessage", object{"channel": "C0REDISOPS", "text": "later", "post_at": time.Now().Add(time.Hour).Unix()})
		a.same(a.good("chat.scheduledMessages.list", object{}), map[string]any{"scheduled_messages.0.id": later["scheduled_message_id"]})
		a.same(a.good("chat.delete", object{"channel": "C0REDISOPS", "ts": reply["ts"]}), map[string]any{"ts": reply["ts"]})

		a.do("action", object{"user": "dan", "channel": "redis-ops", "ts": ts, "shortcut": "revert_upgrade"})
		a.same(a.next("shortcut"), map[string]any{"body.callback_id": "revert_upgrade", "body.message.ts": ts, "context.userId": "U0DAN"})
		a.do("close", object{"user": "dan", "view_id": a.state("dan").Modals[0]["id"]})
		a.same(a.next("closed"), map[string]any{"body.is_cleared": false, "body.view.callback_id": "request"})
	})

	t.Run("mentions and the home tab", func(t *testing.T) {
		a.t = t
		a.do("mention", object{"user": "eve", "channel": "redis-ops", "text": "@redis-upgrade status"})
		a.same(a.next("mention"), map[string]any{"event.text": "<@UBOT> status", "event.blocks.0.elements.0.elements.0.user_id": "UBOT", "context.teamId": "T0SANDBOX",
			"said.message.text": "here"})
		a.do("home", object{"user": "eve"})
		a.same(a.next("home"), map[string]any{"event.tab": "home", "view.type": "home", "view.title.text": "View Title"})
	})

	t.Run("the directory", func(t *testing.T) {
		a.t = t
		a.same(a.good("auth.test", object{}), map[string]any{"user_id": "UBOT", "bot_id": "B0REDISUP", "team_id": "T0SANDBOX", "is_enterprise_install": false})
		a.same(a.good("users.info", object{"user": "UBOT"}), map[string]any{"user.is_bot": true, "user.profile.bot_id": "B0REDISUP"})
		a.same(a.good("usergroups.list", object{"include_users": true}), map[string]any{"usergroups.0.handle": "dba", "usergroups.0.users.1": "U0CAROL"})
		a.same(a.good("usergroups.users.list", object{"usergroup": "S0ONCALL"}), map[string]any{"users.0": "U0DAN"})
		a.same(a.good("conversations.info", object{"channel": "C0REDISOPS"}), map[string]any{"channel.is_member": true, "channel.is_ext_shared": false})
		a.same(a.good("conversations.list", object{"types": "public_channel,private_channel", "limit": 1}), map[string]any{"channels.0.id": "C0REDISOPS"})
		a.same(a.good("conversations.members", object{"channel": "C0REDISOPS"}), map[string]any{"members.0": "U0ANN"})
		a.same(a.good("conversations.open", object{"users": "U0ANN"}), map[string]any{"channel.id": "D0ANN"})
	})

	t.Run("refusals", func(t *testing.T) {
		a.t = t
		ts := a.good("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x"})["ts"]
		refused := func(method string, in object, want string) {
			t.Helper()
			if out := a.api(method, in); out["error"] != want || out["code"] != "slack_webapi_platform_error" {
				t.Errorf("%s %v: %v, want %s", method, in, out, want)
			}
		}
		refused("chat.update", object{"channel": "U0ANN", "ts": ts, "text": "y"}, "channel_not_found")
		refused("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x", "markdown_text": "y"}, "markdown_text_conflict")
		refused("conversations.list", object{"types": "im"}, "missing_scope")
		a.do("channel", object{"channel": "redis-ops", "set": object{"archived": true}})
		refused("chat.update", object{"channel": "C0REDISOPS", "ts": ts, "text": "y"}, "is_inactive")
		refused("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x"}, "is_archived")
		a.do("channel", object{"channel": "redis-ops", "set": object{"archived": false}})
		a.do("group", object{"group": "dba", "set": object{"disabled": true}})
		refused("usergroups.users.list", object{"usergroup": "S0DBA"}, "no_such_subteam")
		a.do("faults", object{"fault": "http_500", "match": "auth.test"})
		if out := a.api("auth.test", object{}); out["code"] != "slack_webapi_http_error" {
			t.Errorf("HTTP 500: %v", out)
		}
		a.do("faults", object{"fault": "rate_limited", "match": "auth.test 7s"})
		if out := a.api("auth.test", object{}); out["code"] != "slack_webapi_rate_limited_error" || out["retryAfter"] != 7.0 {
			t.Errorf("HTTP 429: %v", out)
		}
	})

	t.Run("an organisation", func(t *testing.T) {
		a.t = t
		a.do("workspace", object{"org_install": true})
		defer a.do("workspace", object{"grid": false, "org_install": false})
		a.do("command", object{"user": "W0BOB", "channel": "redis-ops", "text": "list"})
		a.same(a.next("command"), map[string]any{"context.isEnterpriseInstall": true, "context.enterpriseId": "E0ACME", "context.teamId": "T0SANDBOX", "context.userId": "W0BOB"})
		a.do("mention", object{"user": "gita", "channel": "redis-ops", "text": "status"})
		a.same(a.next("mention"), map[string]any{"context.isEnterpriseInstall": true, "context.enterpriseId": "E0ACME", "event.user": "U0GITA", "event.team": "T0ACMEUK"})
	})

	t.Run("a refreshed socket comes back", func(t *testing.T) {
		a.t = t
		before := a.s.connections()
		a.do("disconnect", object{"reason": "refresh_requested"})
		for end := time.Now().Add(30 * time.Second); a.s.connections() == before || a.s.Connected() == 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("it did not")
			}
		}
		a.do("mention", object{"user": "eve", "channel": "redis-ops", "text": "again"})
		a.next("mention")
	})
}
