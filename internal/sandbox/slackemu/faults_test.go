package slackemu

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestFaultsStrikeAsOftenAsTheyShould(t *testing.T) {
	hello := object{"channel": "C0REDISOPS", "text": "x"}
	for _, row := range []struct {
		sentence string
		fault    object
		method   string
		args     object
		status   int
		want     string
	}{
		{"an error of our choice", object{"fault": "method_error", "match": "chat.postMessage fatal_error"}, "chat.postMessage", hello, 200, "fatal_error"},
		{"an error as a field", object{"fault": "method_error", "match": "chat.postMessage", "error": "account_inactive"}, "chat.postMessage", hello, 200, "account_inactive"},
		{"an error for every method", object{"fault": "method_error"}, "auth.test", nil, 200, "internal_error"},
		{"an error for another method", object{"fault": "method_error", "match": "chat.update"}, "auth.test", nil, 200, ""},
		{"too many requests", object{"fault": "rate_limited"}, "auth.test", nil, 429, "ratelimited"},
		{"a server error", object{"fault": "http_500"}, "auth.test", nil, 500, ""},
		{"an error for a family of methods", object{"fault": "method_error", "match": "chat.*"}, "chat.postMessage", hello, 200, "internal_error"},
		{"an error for another family", object{"fault": "method_error", "match": "views.*"}, "chat.postMessage", hello, 200, ""},
		{"an error for every method, of our choice", object{"fault": "method_error", "match": "* fatal_error"}, "auth.test", nil, 200, "fatal_error"},
		{"an error in one channel", object{"fault": "method_error", "match": "chat.postMessage is_archived channel=C0REDISOPS"}, "chat.postMessage", hello, 200, "is_archived"},
		{"an error in a channel by its name", object{"fault": "method_error", "match": "channel=redis-ops restricted_action"}, "chat.postMessage", hello, 200, "restricted_action"},
		{"an error in another channel", object{"fault": "method_error", "match": "chat.postMessage channel=C0GENERAL"}, "chat.postMessage", hello, 200, ""},
		{"an error for one user", object{"fault": "method_error", "match": "users.info user_not_visible user=U0BOB"}, "users.info", object{"user": "U0BOB"}, 200, "user_not_visible"},
		{"an error for another user", object{"fault": "method_error", "match": "users.info user_not_visible user=U0BOB"}, "users.info", object{"user": "U0ANN"}, 200, ""},
		{"an error for what stands inside an argument", object{"fault": "method_error", "match": "chat.postMessage metadata.event_payload.session=u-1"}, "chat.postMessage",
			object{"channel": "C0REDISOPS", "text": "x", "metadata": object{"event_type": "e", "event_payload": object{"session": "u-1"}}}, 200, "internal_error"},
		{"a server error for every method", object{"fault": "http_500", "match": "*"}, "auth.test", nil, 500, ""},
		{"a revoked token", object{"fault": "token_revoked", "times": 1}, "auth.test", nil, 200, "token_revoked"},
		{"the bot's token alone", object{"fault": "token_revoked", "match": "bot account_inactive", "times": 1}, "auth.test", nil, 200, "account_inactive"},
		{"the app's token alone", object{"fault": "token_revoked", "match": "app", "times": 1}, "auth.test", nil, 200, ""},
		{"one user group down", object{"fault": "usergroups_down", "match": "dba no_such_subteam", "times": 1}, "usergroups.users.list", object{"usergroup": "S0DBA"}, 200, "no_such_subteam"},
		{"another user group down", object{"fault": "usergroups_down", "match": "S0ONCALL", "times": 1}, "usergroups.users.list", object{"usergroup": "S0DBA"}, 200, ""},
		{"user groups down", object{"fault": "usergroups_down", "times": 1}, "usergroups.users.list", object{"usergroup": "S0DBA"}, 200, "service_unavailable"},
		{"an archived channel", object{"fault": "channel_archived", "match": "#redis-ops", "times": 1}, "chat.postMessage", hello, 200, "is_archived"},
		{"another channel archived", object{"fault": "channel_archived", "match": "general", "times": 1}, "chat.postMessage", hello, 200, ""},
		{"the bot removed", object{"fault": "bot_removed", "times": 1}, "chat.postMessage", hello, 200, "not_in_channel"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			r := newRig(t)
			r.do("faults", row.fault)
			res, out := r.call(row.method, row.args)
			if got, _ := out["error"].(string); got != row.want || res.StatusCode != row.status {
				t.Errorf("HTTP %d %v, want %d %q", res.StatusCode, out, row.status, row.want)
			}
			if res, out := r.call(row.method, row.args); res.StatusCode != 200 || out["ok"] != true {
				t.Errorf("it struck again: HTTP %d %v", res.StatusCode, out)
			}
		})
	}
}

func TestALostAnswerIsNotALostCall(t *testing.T) {
	r := newRig(t)
	for _, row := range []struct {
		fault string
		posts int
	}{{"drop_request", 0}, {"drop_answer", 1}} {
		r.do("faults", object{"fault": row.fault, "match": "chat.postMessage"})
		form := strings.NewReader("token=" + testBotToken + "&channel=C0REDISOPS&text=x")
		if _, err := http.Post(r.url+"/slack/api/chat.postMessage", "application/x-www-form-urlencoded", form); err == nil {
			t.Errorf("%s: there was an answer", row.fault)
		}
		if n := len(r.messages("ann")); n != row.posts {
			t.Errorf("%s: %d messages, want %d", row.fault, n, row.posts)
		}
	}
	r.do("faults", object{"fault": "slow", "match": "auth.test", "delay_ms": 50})
	start := time.Now()
	if _, out := r.call("auth.test", nil); out["ok"] != true || time.Since(start) < 50*time.Millisecond {
		t.Errorf("slow: %v after %v", out, time.Since(start))
	}
}

func TestOneTokenDiesAndTheOtherLives(t *testing.T) {
	r := newRig(t)
	sockets := func() any {
		_, out := r.raw("POST", "apps.connections.open", "application/json", "{}", testAppToken)
		return out["error"]
	}
	calls := func() any { _, out := r.call("auth.test", nil); return out["error"] }
	for _, row := range []struct {
		match     string
		bot, apps any
	}{{"bot", "token_revoked", nil}, {"app", nil, "token_revoked"}, {"", "token_revoked", "token_revoked"}} {
		r.do("faults", object{"fault": "token_revoked", "match": row.match})
		if bot, app := calls(), sockets(); bot != row.bot || app != row.apps {
			t.Errorf("%q: the bot token gets %v, the app token %v", row.match, bot, app)
		}
		r.do("faults", object{"fault": "none"})
	}
}

func TestAMethodIsLateOrNeverAnswers(t *testing.T) {
	r := newRig(t)
	r.do("faults", object{"fault": "slow_accept", "match": "chat.postMessage 50ms channel=C0REDISOPS"})
	start := time.Now()
	if r.must("chat.postMessage", object{"channel": "C0REDISOPS", "text": "x"}); time.Since(start) < 50*time.Millisecond {
		t.Error("it did not wait")
	}
	r.do("faults", object{"fault": "hang", "match": "chat.postMessage"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	form := strings.NewReader("token=" + testBotToken + "&channel=C0REDISOPS&text=y")
	req, _ := http.NewRequestWithContext(ctx, "POST", r.url+"/slack/api/chat.postMessage", form)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if res, err := http.DefaultClient.Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("there was an answer: %v %v", res, err)
	}
	if n := len(r.messages("ann")); n != 1 {
		t.Errorf("%d messages, want only the late one", n)
	}
}

func TestAMatchThatCannotStrikeIsRefused(t *testing.T) {
	r := newRig(t)
	for _, in := range []object{
		{"fault": "method_error", "match": "chat.updte"},
		{"fault": "method_error", "match": "internal_error"},
		{"fault": "method_error", "match": "chat.update internal_error fatal_error"},
	} {
		if status, out := r.try("faults", in); status != 400 {
			t.Errorf("%v: HTTP %d %v", in, status, out)
		}
	}
}

func TestFaultsAreListedAndSwitchedOff(t *testing.T) {
	r := newRig(t)
	r.do("faults", object{"fault": "channel_archived"})
	r.do("faults", object{"fault": "method_error", "match": "chat.update", "times": 3})
	r.do("faults", object{"fault": "method_error", "match": "views.open", "times": -1})
	on := func() map[string]int {
		var list []listedFault
		r.look("faults", &list)
		out := map[string]int{}
		for _, f := range list {
			if f.Does == "" || f.Matches == "" {
				t.Errorf("%s is not explained", f.Fault)
			}
			if f.Times != 0 {
				out[f.Fault+" "+f.Match] = f.Times
			}
		}
		return out
	}
	if got := on(); len(got) != 3 || got["channel_archived "] != -1 || got["method_error chat.update"] != 3 || got["method_error views.open"] != -1 {
		t.Errorf("on: %v", got)
	}
	r.do("faults", object{"fault": "method_error", "times": 0})
	if got := on(); len(got) != 1 {
		t.Errorf("on: %v", got)
	}
	r.do("faults", object{"fault": "none"})
	if got := on(); len(got) != 0 {
		t.Errorf("on: %v", got)
	}
}

func TestSocketsFallSilentDropAndAreCut(t *testing.T) {
	t.Parallel()
	t.Run("dropped without a word", func(t *testing.T) {
		r := hastyRig(t)
		c := r.dial().connected()
		if got := r.do("faults", object{"fault": "socket_drop"}); got["dropped"] != 1.0 {
			t.Errorf("answer: %v", got)
		}
		if _, _, err := c.ws.ReadMessage(); err == nil {
			t.Error("the socket said something")
		}
		if got := r.do("command", aCommand); got["error"] != dispatchFailed {
			t.Errorf("answer: %v", got)
		}
	})
	t.Run("silent: nothing arrives", func(t *testing.T) {
		t.Parallel()
		r := hastyRig(t)
		c := r.dial().connected()
		r.do("faults", object{"fault": "socket_silent", "times": 1})
		if got := r.do("command", aCommand); got["error"] != operationTimeout {
			t.Errorf("answer: %v", got)
		}
		answer := r.later("command", aCommand)
		c.ack(c.next(), nil)
		if got := answer(); got["acked"] != true {
			t.Errorf("after the silence: %v", got)
		}
	})
	t.Run("cut after delivery: the acknowledgement is lost", func(t *testing.T) {
		t.Parallel()
		r := hastyRig(t)
		c := r.dial().connected()
		r.do("faults", object{"fault": "socket_cut", "match": "slash_commands"})
		answer := r.later("command", aCommand)
		c.next()
		if got := answer(); got["error"] != operationTimeout || r.s.Connected() != 0 {
			t.Errorf("answer: %v, %d connected", got, r.s.Connected())
		}
	})
	t.Run("ignored acknowledgement", func(t *testing.T) {
		t.Parallel()
		r := hastyRig(t)
		r.autopilot(nothing)
		r.do("faults", object{"fault": "ack_ignored", "match": "slash_commands"})
		if got := r.do("command", aCommand); got["error"] != operationTimeout {
			t.Errorf("answer: %v", got)
		}
	})
	t.Run("delayed delivery arrives after Slack gave up", func(t *testing.T) {
		t.Parallel()
		r := hastyRig(t)
		c := r.dial().connected()
		r.do("faults", object{"fault": "delay_delivery", "delay_ms": 1300})
		if got := r.do("command", aCommand); got["error"] != operationTimeout {
			t.Errorf("answer: %v", got)
		}
		c.ack(c.next(), nil)
		r.wait("the late mark", func() bool { return r.envelopes()[0].Late })
	})
	t.Run("no hello, no payloads", func(t *testing.T) {
		r := hastyRig(t)
		r.do("faults", object{"fault": "no_hello"})
		r.dial()
		if got := r.do("command", aCommand); got["error"] != dispatchFailed {
			t.Errorf("answer: %v", got)
		}
	})
	t.Run("junk reaches the app", func(t *testing.T) {
		r := hastyRig(t)
		got := r.autopilot(nothing)
		for _, kind := range []string{"unknown_type", "unknown_interaction", "unknown_element", "payload_string"} {
			if out := r.do("faults", object{"fault": "junk_payload", "match": kind}); out["acked"] != true {
				t.Errorf("%s: %v", kind, out)
			}
			<-got
		}
	})
}
