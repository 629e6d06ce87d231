package slackemu

import (
	"cmp"
	"slices"
	"strings"
)

type disconnectRequest struct {
	Reason     string `json:"reason"`
	Connection int    `json:"connection"` // 0: all
}

// hookDisconnect announces the end of one socket or of all.
func (s *Server) hookDisconnect(in disconnectRequest) (any, error) {
	reasons := []string{"warning", "refresh_requested", "link_disabled", "too_many_websockets"}
	if in.Reason == "" {
		in.Reason = "refresh_requested"
	}
	if !slices.Contains(reasons, in.Reason) {
		return nil, badRequest("unknown reason %q; there are %s", in.Reason, strings.Join(reasons, ", "))
	}
	s.mu.Lock()
	var chosen []*conn
	for _, c := range s.conns {
		if c.live && (in.Connection == 0 || in.Connection == c.id) {
			chosen = append(chosen, c)
		}
	}
	s.mu.Unlock()
	if in.Connection != 0 && len(chosen) == 0 {
		return nil, notFound("no connection %d", in.Connection)
	}
	for _, c := range chosen {
		s.disconnect(c, in.Reason)
	}
	return object{"disconnected": len(chosen)}, nil
}

type limitsRequest struct {
	Mode limitMode `json:"mode"`
}

// hookLimits switches rate limiting: off, on or strict.
func (s *Server) hookLimits(in limitsRequest) (any, error) {
	if !slices.Contains([]limitMode{limitsOff, limitsOn, limitsStrict}, in.Mode) {
		return nil, badRequest("unknown mode %q; there are off, on, strict", in.Mode)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = in.Mode
	clear(s.buckets)
	return object{"mode": in.Mode}, nil
}

type faultRequest struct {
	Fault      string `json:"fault"`
	Times      *int   `json:"times"`
	Match      string `json:"match"`
	Error      string `json:"error"`
	RetryAfter int    `json:"retry_after"`
	DelayMS    int    `json:"delay_ms"`
}

// hookFault switches a fault: times 0 is off, -1 until switched off; without
// times once, or until switched off for a fault that stands. "none" switches
// everything off.
func (s *Server) hookFault(in faultRequest) (any, error) {
	i := slices.IndexFunc(faultKinds(), func(k faultKind) bool { return k.name == in.Fault })
	if i < 0 && in.Fault != "none" {
		var names []string
		for _, k := range faultKinds() {
			names = append(names, k.name)
		}
		return nil, badRequest("there is no fault %q; accepted: none (all off), %s", in.Fault, strings.Join(names, ", "))
	}
	times := 1
	if i >= 0 && faultKinds()[i].standing {
		times = -1
	}
	if in.Times != nil {
		times = *in.Times
	}
	if times < -1 {
		return nil, badRequest("times is %d; accepted: 0 (off), a positive number, -1 (until switched off)", times)
	}
	f := fault{Fault: in.Fault, Times: times, Match: in.Match, Error: in.Error, RetryAfter: in.RetryAfter, DelayMS: in.DelayMS}
	switch in.Fault {
	case "socket_drop":
		return object{"fault": in.Fault, "dropped": s.dropSockets(times)}, nil
	case "junk_payload":
		return s.sendJunk(in.Match)
	}
	if err := f.read(s.methods); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.Fault == "none" {
		s.faults = nil
		s.changed()
	} else {
		s.setFault(f)
	}
	return object{"fault": f.Fault, "times": times, "match": f.Match}, nil
}

// dropSockets cuts some sockets, or all, without a word.
func (s *Server) dropSockets(times int) int {
	s.mu.Lock()
	chosen := s.liveConns()
	if times >= 0 {
		chosen = chosen[:min(times, len(chosen))]
	}
	for _, c := range chosen {
		c.live = false
	}
	s.mu.Unlock()
	for _, c := range chosen {
		c.cut()
	}
	return len(chosen)
}

// listedFault is one line of the list of faults.
type listedFault struct {
	Fault      string `json:"fault"`
	Does       string `json:"does"`
	Matches    string `json:"matches"` // what "match" selects
	Times      int    `json:"times"`
	Match      string `json:"match"`
	Error      string `json:"error,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"`
	DelayMS    int    `json:"delay_ms,omitempty"`
}

// faultList is every fault that exists, with what is left of it; one that is
// on for several matches has a line for each.
func (s *Server) faultList() []listedFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []listedFault{}
	for _, k := range faultKinds() {
		line := listedFault{Fault: k.name, Does: k.does, Matches: k.match}
		on := false
		for _, f := range s.faults {
			if f.Fault == k.name {
				on = true
				line.Times, line.Match, line.Error, line.RetryAfter, line.DelayMS = f.Times, f.Match, f.Error, f.RetryAfter, f.DelayMS
				out = append(out, line)
			}
		}
		if !on {
			out = append(out, line)
		}
	}
	return out
}

// sendJunk sends the app something that it cannot know.
func (s *Server) sendJunk(kind string) (any, error) {
	s.mu.Lock()
	who := s.personByID("U0ANN")
	d := delivery{kind: "interactive", payload: "junk"}
	var payload any
	switch kind = cmp.Or(kind, "unknown_type"); kind {
	case "unknown_type":
		d.kind, payload = "unheard_of", object{"type": "unheard_of"}
	case "unknown_interaction":
		payload = s.interaction("unheard_of", who, object{"trigger_id": s.newTrigger(who.id, nil, nil)})
	case "unknown_element":
		el := object{"type": "unheard_of_input", "action_id": "a"}
		payload = s.interaction("view_submission", who, object{"view": object{"id": "V0JUNK", "type": "modal", "callback_id": "junk",
			"blocks": []any{object{"type": "input", "block_id": "b", "element": el}}, "state": object{"values": object{}}}})
	case "payload_string":
		payload = "not an object"
	case "not_json":
		defer s.mu.Unlock()
		for _, c := range s.liveConns() {
			select {
			case c.out <- frame{data: []byte(`{"type":"interactive","envelope_id":`)}:
			default:
			}
		}
		return object{"fault": "junk_payload", "match": kind}, nil
	default:
		s.mu.Unlock()
		return nil, badRequest("unknown junk %q", kind)
	}
	s.mu.Unlock()
	d.build = func(string) any { return payload }
	out := s.deliver(d)
	return object{"fault": "junk_payload", "match": kind, "acked": out.acked, "ack_ms": milliseconds(out.took), "error": out.err}, nil
}
