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
	Fault      string
	Times      int    // how often it still strikes; -1 until switched off
	Match      string // subject and arguments as they were given
	Error      string
	RetryAfter int
	DelayMS    int

	subject string            // the first word of Match; empty: everything
	args    map[string]string // arguments that a call must have
}

// faultKind is a bad day that can be switched on.
type faultKind struct {
	name, match, does string
	standing          bool // without a count it stays on until switched off
}

// faultKinds lists all faults: name, what "match" selects, what happens.
func faultKinds() []faultKind {
	const (
		aMethod   = "a method (chat.update, chat.*, * or empty: every one), then in any order an error code, a duration (8s) and arguments (channel=redis-ops)"
		aToken    = "bot or app: which of the two tokens; empty: both; then optionally another error code"
		aGroup    = "a user group's handle or id, empty: every one; then optionally an error code"
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
		{"slow_accept", aMethod, "The method does its work, and answers, only after delay_ms (default 5000).", false},
		{"hang", aMethod, "The method does nothing and never answers; the connection stays open.", false},
		{"usergroups_down", aGroup, "usergroups.* answer with an error (default service_unavailable); narrowed to a group, only its members cannot be read.", true},
		{"channel_archived", aRoom, "The channel counts as archived: nothing can be posted or edited (is_archived).", true},
		{"bot_removed", aRoom, "The bot counts as removed from the channel (not_in_channel).", true},
		{"token_revoked", aToken, "Every method that is called with the token answers token_revoked.", true},
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
	return s.take(s.findFault(name, subjects...))
}

// findFault looks without using up a strike. mu is held.
func (s *Server) findFault(name string, subjects ...string) *fault {
	for _, f := range s.faults {
		if f.Fault == name && (f.subject == "" || slices.Contains(subjects, f.subject)) {
			return f
		}
	}
	return nil
}

// takeCallFault uses up one strike of a fault that is on for this call, or
// returns nil. mu is held.
func (s *Server) takeCallFault(name string, entry *callEntry) *fault {
	for _, f := range s.faults {
		if f.Fault == name && f.forMethod(entry.Method) && s.hasArgs(entry.Args, f.args) {
			return s.take(f)
		}
	}
	return nil
}

// take uses up one strike and returns what struck. mu is held.
func (s *Server) take(f *fault) *fault {
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

// forMethod holds a method against the subject: a name, or a family like chat.*.
func (f *fault) forMethod(method string) bool {
	family, isFamily := strings.CutSuffix(f.subject, "*")
	return f.subject == method || isFamily && strings.HasPrefix(method, family) || f.subject == ""
}

// hasArgs reports whether a call has all these arguments. Dots lead into
// objects; a channel may be named. mu is held.
func (s *Server) hasArgs(a args, want map[string]string) bool {
	for path, value := range want {
		var v any = object(a)
		for name := range strings.SplitSeq(path, ".") {
			o, _ := v.(object)
			v = o[name]
		}
		got := args{"v": v}.str("v")
		if r := s.room(got); path == "channel" && r != nil && r.name == strings.TrimPrefix(value, "#") {
			continue
		}
		if got != value {
			return false
		}
	}
	return true
}

// read takes the words of Match apart: a subject, then in any order an error
// code, a duration and, for a method, arguments.
func (f *fault) read(methods map[string]method) error {
	i := slices.IndexFunc(faultKinds(), func(k faultKind) bool { return k.name == f.Fault })
	ofMethod := i >= 0 && strings.HasPrefix(faultKinds()[i].match, "a method")
	kept := []string{}
	for n, word := range strings.Fields(f.Match) {
		name, value, isArg := strings.Cut(word, "=")
		wait, err := time.ParseDuration(word)
		switch {
		case isArg && ofMethod:
			if f.args == nil {
				f.args = map[string]string{}
			}
			f.args[name] = value
			kept = append(kept, word)
		case n == 0:
			if f.subject = strings.TrimPrefix(word, "#"); f.subject == "*" {
				f.subject = ""
				continue
			}
			kept = append(kept, f.subject)
		case err == nil:
			f.DelayMS, f.RetryAfter = int(wait.Milliseconds()), retryAfter(wait)
		case f.Error == "" || f.Error == word:
			f.Error = word
		default:
			return badRequest("match: %q follows the error code %q", word, f.Error)
		}
	}
	f.Match = strings.Join(kept, " ")
	known := f.subject == "response_url"
	for name := range methods {
		known = known || f.forMethod(name)
	}
	if ofMethod && !known {
		return badRequest("match: there is no method %q", f.subject)
	}
	return nil
}

// setFault switches a fault on, changes it or switches it off. mu is held.
func (s *Server) setFault(f fault) {
	s.faults = slices.DeleteFunc(s.faults, func(old *fault) bool {
		return old.Fault == f.Fault && (old.Match == f.Match || f.Times == 0 && f.Match == "")
	})
	if f.Times != 0 {
		s.faults = append(s.faults, &f)
	}
	s.changed()
}

// faultBefore lets a fault answer instead of the method, which was called with
// a token of this kind. mu is held.
func (s *Server) faultBefore(token string, entry *callEntry) (answer, bool) {
	no := func(f *fault, status int, code string) (answer, bool) {
		entry.Fault = f.Fault
		return answer{status: status, body: object{"ok": false, "error": code}}, true
	}
	if f := s.takeCallFault("drop_request", entry); f != nil {
		out, ok := no(f, http.StatusOK, "fault: connection closed before the call")
		out.cut = true
		return out, ok
	}
	if f := s.takeCallFault("hang", entry); f != nil {
		out, ok := no(f, http.StatusOK, "fault: never answered")
		out.hang, out.cut = true, true
		return out, ok
	}
	if f := s.takeCallFault("http_500", entry); f != nil {
		out, ok := no(f, http.StatusInternalServerError, "fault: HTTP 500")
		out.text, out.kind = "<html><body>Internal Server Error</body></html>", "text/html"
		return out, ok
	}
	if f := s.takeCallFault("rate_limited", entry); f != nil {
		out, ok := no(f, http.StatusTooManyRequests, "ratelimited")
		out.retryAfter = cmp.Or(f.RetryAfter, 1)
		return out, ok
	}
	if f := s.takeCallFault("method_error", entry); f != nil {
		return no(f, http.StatusOK, cmp.Or(f.Error, "internal_error"))
	}
	if f := s.takeFault("token_revoked", token); f != nil {
		return no(f, http.StatusOK, cmp.Or(f.Error, "token_revoked"))
	}
	if strings.HasPrefix(entry.Method, "usergroups.") {
		if f := s.takeFault("usergroups_down", s.groupNames(entry.Args)...); f != nil {
			return no(f, http.StatusOK, cmp.Or(f.Error, "service_unavailable"))
		}
	}
	return answer{}, false
}

// groupNames is how a fault may name the group that a call asks about. mu is
// held.
func (s *Server) groupNames(a args) []string {
	id := a.str("usergroup")
	i := slices.IndexFunc(s.groups, func(g group) bool { return g.id == id })
	if i < 0 {
		return []string{id}
	}
	return []string{id, s.groups[i].handle}
}

// waitBefore is how long a call waits before it does anything. mu is held.
func (s *Server) waitBefore(entry *callEntry) time.Duration {
	f := s.takeCallFault("slow_accept", entry)
	if f == nil {
		return 0
	}
	entry.Fault = f.Fault
	return time.Duration(cmp.Or(f.DelayMS, 5000)) * time.Millisecond
}

// faultAfter spoils an answer that is already decided. mu is held.
func (s *Server) faultAfter(entry *callEntry, out *answer) {
	if f := s.takeCallFault("slow", entry); f != nil {
		entry.Fault = f.Fault
		out.delay = time.Duration(cmp.Or(f.DelayMS, 5000)) * time.Millisecond
	}
	if f := s.takeCallFault("drop_answer", entry); f != nil {
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
