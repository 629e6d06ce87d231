package slackemu

import (
	"strings"
	"testing"
)

// opened is a rig with a socket that acknowledges everything, and a modal that
// ann has open.
type opened struct {
	*rig
	last chan object // every payload that the app got
	view string
}

// autopilot acknowledges everything and remembers payloads.
func (r *rig) autopilot(answer func(payload object) any) chan object {
	c := r.dial().connected()
	got := make(chan object, 1000)
	go func() {
		for {
			var e object
			if c.ws.ReadJSON(&e) != nil {
				return
			}
			payload, _ := e["payload"].(object)
			got <- payload
			c.ack(e, answer(payload))
		}
	}()
	return got
}

func nothing(object) any { return nil }

// trigger makes ann type a command and returns the trigger of it.
func (r *rig) trigger(got chan object) string {
	r.t.Helper()
	r.do("command", aCommand)
	return dig(<-got, "trigger_id").(string)
}

const aModal = `{"type":"modal","callback_id":"form","title":{"type":"plain_text","text":"T"},"submit":{"type":"plain_text","text":"Go"},"notify_on_close":true,"blocks":[
	{"type":"input","block_id":"why","label":{"type":"plain_text","text":"Why"},"element":{"type":"plain_text_input","action_id":"text","min_length":2,"max_length":5}},
	{"type":"input","block_id":"ver","optional":true,"label":{"type":"plain_text","text":"Version"},"element":{"type":"static_select","action_id":"sel","options":[
		{"text":{"type":"plain_text","text":"7.4"},"value":"7.4"},{"text":{"type":"plain_text","text":"8.0"},"value":"8.0"}]}},
	{"type":"input","block_id":"when","optional":true,"label":{"type":"plain_text","text":"When"},"element":{"type":"datetimepicker","action_id":"at"}},
	{"type":"input","block_id":"tick","optional":true,"label":{"type":"plain_text","text":"Boxes"},"element":{"type":"checkboxes","action_id":"boxes","options":[
		{"text":{"type":"mrkdwn","text":"*a*"},"value":"a"},{"text":{"type":"plain_text","text":"b"},"value":"b"}]}},
	{"type":"actions","block_id":"act","elements":[{"type":"button","action_id":"more","text":{"type":"plain_text","text":"More"}}]}]}`

func (r *rig) openModal(got chan object, view string) opened {
	r.t.Helper()
	out := r.must("views.open", object{"trigger_id": r.trigger(got), "view": parse(r.t, view)})
	return opened{r, got, dig(out, "view", "id").(string)}
}

func TestTriggersOpenOneModalEach(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	id := r.trigger(got)
	refused := func(sentence, want string, a object) {
		t.Helper()
		if _, out := r.call("views.open", a); out["error"] != want {
			t.Errorf("%s: %v, want %s", sentence, out, want)
		}
	}
	refused("an invalid view does not use the trigger up", "invalid_arguments", object{"trigger_id": id, "view": `{"type":"modal"}`})
	refused("a view of 250 KB is too large", "view_too_large", object{"trigger_id": id, "view": object{"type": "modal", "private_metadata": chars(maxViewBytes)}})
	refused("no view", "invalid_arguments", object{"trigger_id": id})
	out := r.must("views.open", object{"trigger_id": id, "view": aModal})
	v := dig(out, "view")
	if dig(v, "root_view_id") != dig(v, "id") || dig(v, "previous_view_id") != nil || dig(v, "state", "values", "why", "text", "value") != nil ||
		dig(v, "state", "values", "tick", "boxes", "selected_options") == nil || dig(v, "close") != nil {
		t.Errorf("view: %v", v)
	}
	refused("a trigger opens one modal", "exchanged_trigger_id", object{"trigger_id": id, "view": aModal})
	refused("an invented trigger", "invalid_trigger_id", object{"trigger_id": "1.2.abc", "view": aModal})
}

func TestInputsSurviveAnUpdateOnlyUnderTheSameIDs(t *testing.T) {
	r := newRig(t)
	o := r.openModal(r.autopilot(nothing), aModal)
	for _, in := range []object{{"action_id": "text", "value": "hello"}, {"action_id": "ver/sel", "value": "8.0"}, {"action_id": "boxes", "value": []any{"a", "b"}}, {"action_id": "at", "value": 1800000000}} {
		in["user"], in["view_id"] = "ann", o.view
		if got := r.do("action", in); got["sent"] != false || got["acked"] != false {
			t.Errorf("%v: %v", in, got)
		}
	}
	hash := r.state("ann").Modals[0]["hash"]
	if _, out := r.call("views.update", object{"view_id": o.view, "hash": "1.beef", "view": aModal}); out["error"] != "hash_conflict" {
		t.Errorf("a stale hash: %v", out)
	}
	changed := strings.NewReplacer(`"block_id":"why"`, `"block_id":"why2"`, `"value":"8.0"`, `"value":"8.2"`).Replace(aModal)
	out := r.must("views.update", object{"view_id": o.view, "hash": hash, "view": changed})
	values := dig(out, "view", "state", "values")
	if dig(values, "why2", "text", "value") != nil || dig(values, "why") != nil {
		t.Errorf("text under another block id: %v", values)
	}
	if dig(values, "ver", "sel", "selected_option") != nil {
		t.Errorf("a choice that is no longer offered: %v", values)
	}
	if dig(values, "tick", "boxes", "selected_options", 1, "value") != "b" || dig(values, "when", "at", "selected_date_time") != 1800000000.0 {
		t.Errorf("what stayed the same: %v", values)
	}
	if dig(out, "view", "hash") == hash || dig(out, "view", "id") != o.view {
		t.Errorf("view: %v", out)
	}
	r.do("close", object{"user": "ann", "view_id": o.view})
	if _, out := r.call("views.update", object{"view_id": o.view, "view": aModal}); out["error"] != "not_found" {
		t.Errorf("a closed view: %v", out)
	}
}

func TestABrowserRefusesWhatItWouldNotSend(t *testing.T) {
	r := newRig(t)
	o := r.openModal(r.autopilot(nothing), aModal)
	for _, row := range []struct {
		sentence string
		values   object
		block    string
	}{
		{"a required field that is empty", object{}, "why"},
		{"a text that is too short", object{"text": "x"}, "why"},
		{"a text that is too long", object{"why/text": "123456"}, "why"},
		{"an option that is not offered", object{"text": "okay", "sel": "9.9"}, "ver"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			before := len(r.envelopes())
			got := r.do("submit", object{"user": "ann", "view_id": o.view, "values": row.values})
			if got["acked"] != false || got["error"] != clientValidation || dig(got, "errors", row.block) == nil {
				t.Errorf("answer: %v", got)
			}
			if len(r.envelopes()) != before {
				t.Error("the app was told")
			}
		})
	}
	if status, out := r.try("submit", object{"user": "ann", "view_id": o.view, "values": object{"nope": "x"}}); status != 409 || !strings.Contains(out["error"].(string), "why/text") {
		t.Errorf("an unknown field: HTTP %d %v", status, out)
	}
	got := r.do("submit", object{"user": "ann", "view_id": o.view, "values": object{"text": "okay", "at": 1800000000, "boxes": []any{"a"}}})
	if got["acked"] != true || got["view"] != nil {
		t.Errorf("a good submission: %v", got)
	}
}

func TestAnUnusableAnswerToASubmissionIsTroubleConnecting(t *testing.T) {
	for _, row := range []struct {
		sentence, payload, problem string
	}{
		{"a response_action nobody knows", `{"response_action":"dance"}`, "unknown response_action"},
		{"some other body", `{"ok":true}`, "unknown response_action"},
		{"errors without errors", `{"response_action":"errors"}`, "without errors"},
		{"an error for a block that is not there", `{"response_action":"errors","errors":{"nope":"x"}}`, `block "nope"`},
		{"an error for a block that is no input", `{"response_action":"errors","errors":{"act":"x"}}`, `block "act"`},
		{"an update with an invalid view", `{"response_action":"update","view":{"type":"modal","title":{"type":"plain_text","text":"T"},"blocks":[]}}`, "must provide at least 1 items [json-pointer:/view/blocks]"},
		{"a push without a view", `{"response_action":"push"}`, "missing required field: view"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			r := newRig(t)
			var answer any
			o := r.openModal(r.autopilot(func(p object) any {
				if p["type"] == "view_submission" {
					return answer
				}
				return nil
			}), aModal)
			answer = parse(t, row.payload)
			got := r.do("submit", object{"user": "ann", "view_id": o.view, "values": object{"text": "okay"}})
			if got["acked"] != false || got["error"] != troubleConnecting || dig(got, "view", "id") != o.view {
				t.Errorf("answer: %v", got)
			}
			envs := r.envelopes()
			if p := envs[len(envs)-1].Problem; !strings.Contains(p, row.problem) {
				t.Errorf("problem %q, want %q", p, row.problem)
			}
			if m := r.state("ann").Modals[0]; m["trouble"] != true || dig(m, "state", "values", "why", "text", "value") != "okay" {
				t.Errorf("modal: %v", m)
			}
		})
	}
}

func TestModalsPileUpToThree(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	o := r.openModal(got, aModal)
	push := func(view string) object {
		r.do("action", object{"user": "ann", "view_id": view, "action_id": "more"})
		_, out := r.call("views.push", object{"trigger_id": dig(<-got, "trigger_id"), "view": aModal})
		return out
	}
	second := dig(push(o.view), "view", "id").(string)
	if status, _ := r.try("action", object{"user": "ann", "view_id": o.view, "action_id": "more"}); status != 409 {
		t.Errorf("a covered view was used: HTTP %d", status)
	}
	third := dig(push(second), "view", "id").(string)
	if out := push(third); out["error"] != "push_limit_reached" {
		t.Errorf("a fourth: %v", out)
	}
	if ms := r.state("ann").Modals; len(ms) != 3 || ms[2]["id"] != third || ms[2]["previous_view_id"] != second || ms[2]["root_view_id"] != o.view {
		t.Errorf("modals: %v", ms)
	}
	r.do("close", object{"user": "ann", "view_id": third})
	if p := <-got; p["type"] != "view_closed" || p["is_cleared"] != false || len(dig(p, "view", "state", "values").(object)) != 0 {
		t.Errorf("cancel: %v", p)
	}
	r.do("close", object{"user": "ann", "view_id": second, "all": true})
	for range 2 {
		if p := <-got; p["type"] != "view_closed" || p["is_cleared"] != true {
			t.Errorf("✕: %v", p)
		}
	}
	if ms := r.state("ann").Modals; len(ms) != 0 {
		t.Errorf("modals: %v", ms)
	}
	trigger := r.trigger(got)
	if _, out := r.call("views.push", object{"trigger_id": trigger, "view": aModal}); out["error"] != "not_found" {
		t.Errorf("a push without a modal: %v", out)
	}
}

func TestExternalIDsAreUniqueAndNameViews(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	named := strings.Replace(aModal, `"callback_id"`, `"external_id":"mine","callback_id"`, 1)
	o := r.openModal(got, named)
	if _, out := r.call("views.open", object{"trigger_id": r.trigger(got), "view": named}); out["error"] != "duplicate_external_id" {
		t.Errorf("twice: %v", out)
	}
	if out := r.must("views.update", object{"external_id": "mine", "view": named}); dig(out, "view", "id") != o.view {
		t.Errorf("update: %v", out)
	}
}

func TestHomeTabsArePublishedPerPerson(t *testing.T) {
	r := newRig(t)
	got := r.autopilot(nothing)
	const home = `{"type":"home","blocks":[{"type":"actions","block_id":"b","elements":[{"type":"button","action_id":"go","text":{"type":"plain_text","text":"Go"}}]}]}`
	out := r.must("views.publish", object{"user_id": "U0ANN", "view": home})
	again := r.must("views.publish", object{"user_id": "U0ANN", "view": home, "hash": dig(out, "view", "hash")})
	if dig(again, "view", "id") != dig(out, "view", "id") {
		t.Error("publishing again made another view")
	}
	if _, no := r.call("views.publish", object{"user_id": "U0ANN", "view": home, "hash": dig(out, "view", "hash")}); no["error"] != "hash_conflict" {
		t.Errorf("a stale hash: %v", no)
	}
	if got := r.do("action", object{"user": "ann", "view_id": dig(out, "view", "id"), "action_id": "go"}); got["acked"] != true {
		t.Errorf("click: %v", got)
	}
	p := <-got
	if dig(p, "view", "type") != "home" || dig(p, "container", "type") != "view" || p["response_url"] != nil {
		t.Errorf("payload: %v", p)
	}
	_, no := r.call("views.push", object{"trigger_id": p["trigger_id"], "view": aModal})
	if no["error"] != "invalid_arguments" || !strings.Contains(dig(no, "response_metadata", "messages", 0).(string), "must match the `type` of the root view") {
		t.Errorf("a push onto the home tab: %v", no)
	}
}
