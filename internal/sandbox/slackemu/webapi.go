package slackemu

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// method is one row of the Web API: what it needs and what it does.
type method struct {
	name   string
	tier   tier
	scopes []string // any one of them is enough; empty needs none
	app    bool     // wants the app-level token
	args   string   // known argument names, separated by spaces
	run    func(*Server, *call) (object, error)
}

// call is one request to a method. The method runs with mu held.
type call struct {
	args
	method   string
	base     string // scheme and host that the client used
	warnings []string
}

// callEntry is one line of the calls journal, in the order of arrival.
type callEntry struct {
	At      string   `json:"at"`
	Method  string   `json:"method"`
	Args    args     `json:"args"`
	OK      bool     `json:"ok"`
	Error   string   `json:"error"`
	Unknown []string `json:"unknown_args,omitempty"`
	Fault   string   `json:"fault,omitempty"`
}

// API is what the app sees, to be mounted at /slack/: methods under
// /slack/api/, the socket at /slack/link, response URLs under
// /slack/response/, uploads under /slack/upload/.
func (s *Server) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/slack/api/{method}", s.serveMethod)
	mux.HandleFunc("GET /slack/link", s.serveLink)
	mux.HandleFunc("GET /slack/link/{$}", s.serveLink)
	mux.HandleFunc("POST /slack/response/{id}", s.serveResponseURL)
	mux.HandleFunc("POST /slack/upload/{id}", s.serveUpload)
	return mux
}

// baseURL is the address by which the client reached us.
func baseURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// serveMethod answers one call: journal it, apply faults, run it, write.
func (s *Server) serveMethod(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	a, token, warnings, argErr := readArgs(r)
	c := &call{args: a, method: name, base: baseURL(r), warnings: warnings}
	entry := &callEntry{At: stamp(s.cfg.Now()), Method: name, Args: a}

	s.mu.Lock()
	s.calls.add(entry)
	if wait := s.waitBefore(entry); wait > 0 {
		s.mu.Unlock()
		s.pause(r, wait)
		s.mu.Lock()
	}
	out := s.answer(c, token, argErr, entry)
	provided := strings.Join(s.scopes, ",")
	if token == s.cfg.AppToken {
		provided = "connections:write"
	}
	s.mu.Unlock()
	w.Header().Set("X-OAuth-Scopes", provided)
	s.write(w, r, out)
}

// write sends an answer, or spoils it.
func (s *Server) write(w http.ResponseWriter, r *http.Request, out answer) {
	if out.hang {
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
	}
	if out.delay > 0 {
		s.pause(r, out.delay)
	}
	if out.cut {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if out.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(out.retryAfter))
	}
	if out.text != "" {
		h.Set("Content-Type", out.kind)
		w.WriteHeader(out.status)
		io.WriteString(w, out.text)
		return
	}
	body, err := json.Marshal(out.body)
	if err != nil {
		panic(err) // answers are plain JSON objects
	}
	w.WriteHeader(out.status)
	w.Write(body)
}

// pause waits, but not longer than anybody waits for the answer.
func (s *Server) pause(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	case <-s.done:
	}
}

// answer is what goes back, or what goes wrong with it on the way.
type answer struct {
	status     int
	body       object
	text, kind string // in place of body, with its content type
	retryAfter int
	delay      time.Duration
	hang       bool
	cut        bool
}

// answer decides one call. mu is held.
func (s *Server) answer(c *call, token string, argErr error, entry *callEntry) answer {
	out, settled := s.faultBefore(s.tokenKind(token), entry)
	if !settled {
		var result object
		var err error
		var wait time.Duration
		m, known := s.methods[c.method]
		if !known {
			err = &refusal{code: "unknown_method", extra: object{"req_method": c.method}}
		} else if err = s.admit(m, c, token, argErr); err == nil {
			entry.Unknown = s.unknownArgs(m, c.args)
			wait, known = s.allowCall(m, c.args)
			if known {
				result, err = m.run(s, c)
			} else {
				err = refuse("ratelimited")
			}
		}
		out = answer{status: http.StatusOK, body: envelopeOf(result, err, c.warnings)}
		if wait > 0 {
			out.status, out.retryAfter = http.StatusTooManyRequests, retryAfter(wait)
		}
		s.faultAfter(entry, &out)
	}
	entry.OK = out.body["ok"] == true
	entry.Error, _ = out.body["error"].(string)
	return out
}

// tokenKind is how a fault names the token of a call.
func (s *Server) tokenKind(token string) string {
	switch token {
	case s.cfg.BotToken:
		return "bot"
	case s.cfg.AppToken:
		return "app"
	}
	return ""
}

// admit checks token, scopes and form of a call, in Slack's order. mu is held.
func (s *Server) admit(m method, c *call, token string, argErr error) error {
	want, other := s.cfg.BotToken, s.cfg.AppToken
	if m.app {
		want, other = other, want
	}
	switch {
	case token == "":
		return refuse("not_authed")
	case token == other:
		return refuse("not_allowed_token_type")
	case token != want:
		return refuse("invalid_auth")
	}
	if len(m.scopes) > 0 && !slices.ContainsFunc(m.scopes, func(sc string) bool { return slices.Contains(s.scopes, sc) }) {
		return s.missingScope(m.scopes...)
	}
	return argErr
}

// missingScope refuses for want of one of these scopes.
func (s *Server) missingScope(needed ...string) error {
	return &refusal{code: "missing_scope", extra: object{
		"needed": strings.Join(needed, ","), "provided": strings.Join(s.scopes, ",")}}
}

// unknownArgs lists arguments that the method does not have. Slack ignores
// them; the journal and the log do not. mu is held.
func (s *Server) unknownArgs(m method, a args) []string {
	known := strings.Fields(m.args + " token team_id pretty _x_id")
	var out []string
	for name := range a {
		if !slices.Contains(known, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	if len(out) > 0 {
		s.log.Warn("call with unknown arguments", "method", m.name, "unknown", out)
	}
	return out
}

// envelopeOf wraps a result or an error into Slack's common answer.
func envelopeOf(result object, err error, warnings []string) object {
	meta := object{}
	body := object{"ok": true}
	var no *refusal
	switch {
	case err == nil:
		for k, v := range result {
			body[k] = v
		}
	case errors.As(err, &no):
		body = object{"ok": false, "error": no.code}
		for k, v := range no.extra {
			body[k] = v
		}
		if len(no.problems) > 0 {
			var lines []any
			for _, p := range no.problems {
				lines = append(lines, "[ERROR] "+p)
			}
			meta["messages"] = lines
		}
		if no.errors {
			body["errors"] = no.problems
		}
	default:
		body = object{"ok": false, "error": "internal_error"}
	}
	if len(warnings) > 0 {
		body["warning"] = strings.Join(warnings, ",")
		meta["warnings"] = warnings
	}
	if len(meta) > 0 {
		if given, ok := body["response_metadata"].(object); ok {
			for k, v := range given {
				meta[k] = v
			}
		}
		body["response_metadata"] = meta
	}
	return body
}
