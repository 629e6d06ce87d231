package slackemu

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// socket is a client of our own, for what a real one would never do.
type socket struct {
	t  *testing.T
	ws *websocket.Conn
}

// ticket opens a connection as apps.connections.open says.
func (r *rig) ticket() string {
	r.t.Helper()
	_, out := r.raw(http.MethodPost, "apps.connections.open", "", "", testAppToken)
	url, _ := out["url"].(string)
	if !strings.HasPrefix(url, "ws"+strings.TrimPrefix(r.url, "http")+"/slack/link/?ticket=") {
		r.t.Fatalf("apps.connections.open: %v", out)
	}
	return url
}

func (r *rig) dial() *socket {
	r.t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial(r.ticket(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { ws.Close() })
	return &socket{r.t, ws}
}

// next reads a frame.
func (c *socket) next() object {
	c.t.Helper()
	c.ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	var o object
	if err := c.ws.ReadJSON(&o); err != nil {
		c.t.Fatal(err)
	}
	return o
}

// connected reads the hello.
func (c *socket) connected() *socket {
	c.t.Helper()
	if o := c.next(); o["type"] != "hello" || dig(o, "connection_info", "app_id") != appID {
		c.t.Fatalf("hello: %v", o)
	}
	return c
}

func (c *socket) ack(envelope object, payload any) {
	o := object{"envelope_id": envelope["envelope_id"]}
	if payload != nil {
		o["payload"] = payload
	}
	c.ws.WriteJSON(o)
}

// later runs a hook in the background and returns what to call for its answer.
func (r *rig) later(path string, in object) func() object {
	ch := make(chan object, 1)
	go func() {
		_, out := r.try(path, in)
		ch <- out
	}()
	return func() object { r.t.Helper(); return <-ch }
}

var aCommand = object{"user": "ann", "channel": "redis-ops", "text": "x"}

func TestAnAcknowledgementMustArriveAsSlackWantsIt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		sentence string
		ack      func(c *socket, envelope object)
		want     string // error; empty: acknowledged
		problem  string // in the journal
	}{
		{"a bare acknowledgement counts", func(c *socket, e object) { c.ack(e, nil) }, "", ""},
		{"an empty payload is none", func(c *socket, e object) { c.ack(e, object{}) }, "", ""},
		{"a message is a response", func(c *socket, e object) { c.ack(e, object{"text": "hi"}) }, "", ""},
		{"one of 20480 bytes is dropped", func(c *socket, e object) { c.ack(e, object{"text": strings.Repeat("x", 20480)}) }, operationTimeout, "drops those of 20480"},
		{"a response with invalid blocks is no response", func(c *socket, e object) { c.ack(e, object{"blocks": []any{object{"type": "x"}}}) }, troubleConnecting, "unsupported type: x"},
		{"a response that is a word is no response", func(c *socket, e object) { c.ack(e, "hi") }, troubleConnecting, "must be a message object"},
		{"an unknown envelope id is ignored", func(c *socket, e object) {
			c.ack(object{"envelope_id": "nobody"}, nil)
			c.ws.WriteMessage(websocket.TextMessage, []byte("{"))
			c.ack(e, nil)
			c.ack(e, object{"text": "again"})
		}, "", ""},
		{"silence is a timeout", func(*socket, object) {}, operationTimeout, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			t.Parallel()
			r := hastyRig(t)
			c := r.dial().connected()
			answer := r.later("command", aCommand)
			e := c.next()
			if e["type"] != "slash_commands" || e["accepts_response_payload"] != true || dig(e, "payload", "command") != "/redis-upgrade" {
				t.Errorf("envelope: %v", e)
			}
			row.ack(c, e)
			got := answer()
			if got["error"] != row.want || got["acked"] != (row.want == "") {
				t.Errorf("answer: %v", got)
			}
			if p := r.envelopes()[0].Problem; !strings.Contains(p, row.problem) {
				t.Errorf("problem %q, want %q", p, row.problem)
			}
		})
	}
}

func TestWhatAPersonSeesWhenACommandFails(t *testing.T) {
	t.Parallel()
	t.Run("without a socket it was not dispatched", func(t *testing.T) {
		r := newRig(t)
		if got := r.do("command", aCommand); got["error"] != dispatchFailed {
			t.Errorf("answer: %v", got)
		}
		m := r.messages("ann")[0]
		if m["text"] != `/redis-upgrade failed with the error "dispatch_failed"` || m["user"] != "USLACKBOT" || m["ephemeral_to"] != "U0ANN" {
			t.Errorf("message: %v", m)
		}
	})
	t.Run("a late acknowledgement is journaled and changes nothing", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		c := r.dial().connected()
		answer := r.later("command", aCommand)
		e := c.next()
		if got := answer(); got["error"] != operationTimeout {
			t.Errorf("answer: %v", got)
		}
		if m := r.messages("ann")[0]; !strings.Contains(m["text"].(string), "did not respond") {
			t.Errorf("message: %v", m)
		}
		c.ack(e, object{"text": "sorry"})
		r.wait("the late mark", func() bool { return r.envelopes()[0].Late })
		if n := len(r.messages("ann")); n != 1 {
			t.Errorf("ann sees %d messages, want 1", n)
		}
		_, out := r.call("views.open", object{"trigger_id": dig(e, "payload", "trigger_id"), "view": parse(t, `{"type":"modal","title":{"type":"plain_text","text":"T"},"blocks":[{"type":"divider"}]}`)})
		if out["error"] != "expired_trigger_id" {
			t.Errorf("views.open after three seconds: %v", out)
		}
	})
}

func TestSocketsAreCountedTicketedAndDealt(t *testing.T) {
	r := newRig(t)
	url := r.ticket()
	first, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, res, err := websocket.DefaultDialer.Dial(url, nil); err == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a ticket was good for two sockets: %v", err)
	}
	conns := []*socket{{t, first}}
	conns[0].connected()
	for range 9 {
		conns = append(conns, r.dial().connected())
	}
	if eleventh := r.dial().next(); eleventh["type"] != "disconnect" || eleventh["reason"] != "too_many_websockets" {
		t.Errorf("the eleventh socket: %v", eleventh)
	}
	if n := r.s.Connected(); n != 10 {
		t.Errorf("%d connected, want 10", n)
	}
	used := map[int]bool{}
	for _, c := range conns {
		go func() {
			for {
				var e object
				if c.ws.ReadJSON(&e) != nil {
					return
				}
				c.ack(e, nil)
			}
		}()
	}
	for range 60 {
		r.do("command", aCommand)
	}
	for _, e := range r.envelopes() {
		used[e.Connection] = true
	}
	if len(used) < 8 {
		t.Errorf("60 commands went to %d of 10 sockets", len(used))
	}
}

func TestAnAcknowledgementOnAnotherSocketDoesNotCount(t *testing.T) {
	t.Parallel()
	r := hastyRig(t)
	a, b := r.dial().connected(), r.dial().connected()
	envelopes := make(chan object, 2)
	for _, pair := range [][2]*socket{{a, b}, {b, a}} {
		go func() {
			var e object
			if pair[0].ws.ReadJSON(&e) == nil {
				pair[1].ack(e, nil)
				envelopes <- e
			}
		}()
	}
	if got := r.do("command", aCommand); got["error"] != operationTimeout || !strings.Contains(r.envelopes()[0].Problem, "delivered on") {
		t.Errorf("answer %v, journal %+v", got, r.envelopes())
	}
}

func TestDisconnectFramesEndSockets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	warned := r.dial().connected()
	r.do("disconnect", object{"reason": "warning"})
	if o := warned.next(); o["reason"] != "warning" || o["envelope_id"] != nil {
		t.Errorf("frame: %v", o)
	}
	if n := r.s.Connected(); n != 1 {
		t.Errorf("a warned socket still gets payloads when it is the only one: %d connected", n)
	}
	fresh := r.dial().connected()
	for range 5 {
		answer := r.later("command", aCommand)
		fresh.ack(fresh.next(), nil)
		if got := answer(); got["acked"] != true {
			t.Fatalf("answer: %v", got)
		}
	}
	r.do("disconnect", object{"reason": "refresh_requested"})
	if o := fresh.next(); o["reason"] != "refresh_requested" {
		t.Errorf("frame: %v", o)
	}
	if n := r.s.Connected(); n != 0 {
		t.Errorf("%d connected after a refresh, want 0", n)
	}
	if err := fresh.ws.ReadJSON(&object{}); err == nil {
		t.Error("the socket stayed open")
	}
	if status, _ := r.try("disconnect", object{"reason": "bored"}); status != http.StatusBadRequest {
		t.Errorf("an unknown reason: HTTP %d", status)
	}
}

func TestPingsAreAnswered(t *testing.T) {
	r := newRig(t)
	c := r.dial().connected()
	pong := make(chan string, 1)
	c.ws.SetPongHandler(func(s string) error { pong <- s; return nil })
	go c.ws.ReadMessage()
	c.ws.WriteControl(websocket.PingMessage, []byte("hello?"), time.Now().Add(time.Second))
	select {
	case got := <-pong:
		if got != "hello?" {
			t.Errorf("pong %q", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("no pong")
	}
}

func TestEventsAreRedeliveredUntilAcknowledged(t *testing.T) {
	t.Parallel()
	r := hastyRig(t)
	c := r.dial().connected()
	answer := r.later("mention", object{"user": "ann", "channel": "redis-ops", "text": "<@UBOT> hello"})
	first := c.next()
	if first["retry_attempt"] != 0.0 || first["retry_reason"] != "" || first["accepts_response_payload"] != false {
		t.Errorf("first: %v", first)
	}
	if got := answer(); got["error"] != operationTimeout {
		t.Errorf("answer: %v", got)
	}
	second := c.next()
	if second["retry_attempt"] != 1.0 || second["retry_reason"] != "timeout" {
		t.Errorf("second: %v", second)
	}
	if dig(first, "payload", "event_id") != dig(second, "payload", "event_id") || first["envelope_id"] == second["envelope_id"] {
		t.Error("a redelivery has the same event id and another envelope id")
	}
	c.ack(second, object{"text": "ignored"})
	r.wait("the acknowledgement", func() bool { return r.envelopes()[1].Acked })
	c.ws.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	var more object
	if c.ws.ReadJSON(&more) == nil {
		t.Errorf("redelivered after the acknowledgement: %v", more)
	}
	if p := r.envelopes()[1].Problem; !strings.Contains(p, "ignored") {
		t.Errorf("problem: %q", p)
	}
}

func TestADuplicatedEventHasOneEventID(t *testing.T) {
	r := newRig(t)
	c := r.dial().connected()
	r.do("faults", object{"fault": "duplicate_event"})
	answer := r.later("mention", object{"user": "ann", "channel": "redis-ops", "text": "hello @redis-upgrade"})
	first := c.next()
	c.ack(first, nil)
	second := c.next()
	c.ack(second, nil)
	answer()
	if dig(first, "payload", "event_id") != dig(second, "payload", "event_id") || first["envelope_id"] == second["envelope_id"] {
		data, _ := json.Marshal([]object{first, second})
		t.Errorf("deliveries: %s", data)
	}
}
