package slackemu

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// fault is a switched-on bad day.
type fault struct {
	Fault      string `json:"fault"`
	Times      int    `json:"times"` // how often it still strikes; -1 until switched off
	Match      string `json:"match"`
	Error      string `json:"error,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"`
	DelayMS    int    `json:"delay_ms,omitempty"`
}

// faultKind is a bad day that can be switched on.
type faultKind struct {
	name, match, does string
	standing          bool // without a count it stays on until switched off
}

// faultKinds lists all faults: name, what "match" selects, what happens.
func faultKinds() []faultKind {
	const (
		aMethod   = "a method, optionally followed by an error code; empty: every method"
		aPayload  = "an envelope type (slash_commands, interactive, events_api) or payload type (block_actions, view_submission, app_mention …); empty: every one"
		aRoom     = "a channel name or id; empty: every channel"
		noMatch   = "nothing"
		junkKinds = "unknown_type, unknown_interaction, unknown_element, payload_string or not_json"
	)
	return []faultKind{
		{"method_error", aMethod, "The method answers ok:false with an error (default internal_error) and does nothing.", false},
		{"rate_limited", aMethod, "The method answers HTTP 429 with Retry-After (retry_after seconds, default 1) and does nothing.", false},
		{"http_500", aMethod, "The method answers HTTP 500 with a page that is not JSON and does nothing.", false},
		{"drop_request", aMethod, "The connection is closed before the method does anything.", false},
		{"drop_answer", aMethod, "The method does its work, then the connection is closed without an answer.", false},
		{"slow", aMethod, "The method does its work at once and answers after delay_ms (default 5000).", false},
		{"usergroups_down", noMatch, "usergroups.* answer with an error (default service_unavailable).", true},
		{"channel_archived", aRoom, "The channel counts as archived: nothing can be posted or edited (is_archived).", true},
		{"bot_removed", aRoom, "The bot counts as removed from the channel (not_in_channel).", true},
		{"token_revoked", noMatch, "Every method answers token_revoked.", true},
		{"socket_silent", noMatch, "No pings, pongs or deliveries on any socket; times counts the deliveries that are swallowed.", true},
		{"socket_drop", noMatch, "Acts at once: closes this many sockets (default all) without a word.", true},
		{"socket_cut", aPayload, "The socket is closed right after the payload was written, so that its acknowledgement is lost.", false},
		{"no_hello", noMatch, "New sockets get no hello and no payloads.", false},
		{"delay_delivery", aPayload, "The payload reaches the app delay_ms later (default 4000); Slack's three seconds already run.", false},
		{"duplicate_event", aPayload, "The event is delivered twice: one event_id, two envelopes.", false},
		{"ack_ignored", aPayload, "The acknowledgement is lost on its way to Slack.", false},
		{"junk_payload", junkKinds, "Acts at once: sends the app something that it cannot know.", false},
	}
}

// takeFault uses up one strike of a fault that is on for one of the subjects,
// or returns nil. mu is held.
func (s *Server) takeFault(name string, subjects ...string) *fault {
	f := s.findFault(name, subjects...)
	if f == nil {
		return nil
	}
	struck := *f
	if f.Times > 0 {
		f.Times--
	}
	s.faults = slices.DeleteFunc(s.faults, func(f *fault) bool { return f.Times == 0 })
	s.changed()
	return &struck
}

// findFault looks without using up a strike. mu is held.
func (s *Server) findFault(name string, subjects ...string) *fault {
	for _, f := range s.faults {
		if f.Fault == name && (f.Match == "" || slices.Contains(subjects, f.Match)) {
			return f
		}
	}
	return nil
}

// setFault switches a fault on, changes it or switches it off. mu is held.
func (s *Server) setFault(f fault) {
	if match, code, ok := strings.Cut(f.Match, " "); ok {
		f.Match, f.Error = match, cmp.Or(f.Error, strings.TrimSpace(code))
	}
	if f.Match == "*" {
		f.Match = ""
	}
	f.Match = strings.TrimPrefix(f.Match, "#")
	s.faults = slices.DeleteFunc(s.faults, func(old *fault) bool {
		return old.Fault == f.Fault && (old.Match == f.Match || f.Times == 0 && f.Match == "")
	})
	if f.Times != 0 {
		s.faults = append(s.faults, &f)
	}
	s.changed()
}

// faultBefore lets a fault answer instead of the method. mu is held.
func (s *Server) faultBefore(name string, entry *callEntry) (answer, bool) {
	no := func(f *fault, status int, code string) (answer, bool) {
		entry.Fault = f.Fault
		return answer{status: status, body: object{"ok": false, "error": code}}, true
	}
	if f := s.takeFault("drop_request", name); f != nil {
		out, ok := no(f, http.StatusOK, "fault: connection closed before the call")
		out.cut = true
		return out, ok
	}
	if f := s.takeFault("http_500", name); f != nil {
		out, ok := no(f, http.StatusInternalServerError, "fault: HTTP 500")
		out.text, out.kind = "<html><body>Internal Server Error</body></html>", "text/html"
		return out, ok
	}
	if f := s.takeFault("rate_limited", name); f != nil {
		out, ok := no(f, http.StatusTooManyRequests, "ratelimited")
		out.retryAfter = cmp.Or(f.RetryAfter, 1)
		return out, ok
	}
	if f := s.takeFault("method_error", name); f != nil {
		return no(f, http.StatusOK, cmp.Or(f.Error, "internal_error"))
	}
	if f := s.takeFault("token_revoked"); f != nil {
		return no(f, http.StatusOK, "token_revoked")
	}
	if strings.HasPrefix(name, "usergroups.") {
		if f := s.takeFault("usergroups_down"); f != nil {
			return no(f, http.StatusOK, cmp.Or(f.Error, "service_unavailable"))
		}
	}
	return answer{}, false
}

// faultAfter spoils an answer that is already decided. mu is held.
func (s *Server) faultAfter(name string, entry *callEntry, out *answer) {
	if f := s.takeFault("slow", name); f != nil {
		entry.Fault = f.Fault
		out.delay = time.Duration(cmp.Or(f.DelayMS, 5000)) * time.Millisecond
	}
	if f := s.takeFault("drop_answer", name); f != nil {
		entry.Fault = f.Fault
		out.cut = true
	}
}

// roomFault is the error that writing to a room would give, without using up a
// strike. mu is held.
func (s *Server) roomFault(r *room) string {
	if s.findFault("channel_archived", r.id, r.name) != nil {
		return "is_archived"
	}
	if s.findFault("bot_removed", r.id, r.name) != nil {
		return "not_in_channel"
	}
	return ""
}

// silent reports whether sockets play dead.
func (s *Server) silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findFault("socket_silent") != nil
}

// deliveryPlan is what goes wrong with a delivery.
type deliveryPlan struct {
	delay   time.Duration
	swallow bool
	cut     bool
}

// deliveryFaults decides what goes wrong with a delivery. mu is held.
func (s *Server) deliveryFaults(d delivery) deliveryPlan {
	var plan deliveryPlan
	plan.swallow = s.takeFault("socket_silent") != nil
	if f := s.takeFault("delay_delivery", d.kind, d.payload); f != nil {
		plan.delay = time.Duration(cmp.Or(f.DelayMS, 4000)) * time.Millisecond
	}
	plan.cut = s.takeFault("socket_cut", d.kind, d.payload) != nil
	return plan
}
