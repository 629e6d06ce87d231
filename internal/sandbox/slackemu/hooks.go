package slackemu

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Hooks is what the page and end-to-end tests drive, to be mounted at
// /hooks/slack/: JSON in, JSON out, refusals as {"error":"…"} with a fitting
// status. A missed acknowledgement is no refusal: HTTP 200, "acked":false and
// one of "dispatch_failed" (no socket), "operation_timeout" (no
// acknowledgement in three seconds), "trouble_connecting" (an unusable one; the
// reason stands in the envelopes journal as "problem") and "client_validation"
// (the browser would not have sent it).
func (s *Server) Hooks() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/slack/command", hook(s.hookCommand))
	mux.Handle("POST /hooks/slack/action", hook(s.hookAction))
	mux.Handle("POST /hooks/slack/options", hook(s.hookOptions))
	mux.Handle("POST /hooks/slack/submit", hook(s.hookSubmit))
	mux.Handle("POST /hooks/slack/close", hook(s.hookClose))
	mux.Handle("POST /hooks/slack/message", hook(s.hookMessage))
	mux.Handle("POST /hooks/slack/mention", hook(s.hookMention))
	mux.Handle("POST /hooks/slack/home", hook(s.hookHome))
	mux.Handle("POST /hooks/slack/group", hook(s.hookGroup))
	mux.Handle("POST /hooks/slack/person", hook(s.hookPerson))
	mux.Handle("POST /hooks/slack/channel", hook(s.hookChannel))
	mux.Handle("POST /hooks/slack/moderate", hook(s.hookModerate))
	mux.Handle("POST /hooks/slack/workspace", hook(s.hookWorkspace))
	mux.Handle("POST /hooks/slack/disconnect", hook(s.hookDisconnect))
	mux.Handle("POST /hooks/slack/limits", hook(s.hookLimits))
	mux.Handle("POST /hooks/slack/faults", hook(s.hookFault))
	mux.Handle("GET /hooks/slack/faults", show(func(*http.Request) (any, error) { return s.faultList(), nil }))
	mux.Handle("GET /hooks/slack/state", show(s.showState))
	mux.Handle("GET /hooks/slack/people", show(s.showPeople))
	mux.Handle("GET /hooks/slack/calls", show(s.showCalls))
	mux.Handle("GET /hooks/slack/envelopes", show(s.showEnvelopes))
	return mux
}

// hook serves one thing that a person can do.
func hook[T any](do func(T) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in T
		if err := strictJSON(http.MaxBytesReader(w, r.Body, maxBody), &in); err != nil {
			reply(w, nil, err)
			return
		}
		out, err := do(in)
		reply(w, out, err)
	})
}

// show serves one thing that can be looked at.
func show(look func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := look(r)
		reply(w, out, err)
	})
}

// strictJSON decodes exactly one object and names what it does not know.
func strictJSON(body io.Reader, into any) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return badRequest("body: %v", err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return badRequest("body: a JSON object is wanted")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return badRequest("body: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return badRequest("body: something follows the JSON object")
	}
	return nil
}

// reply writes an answer or a refusal.
func reply(w http.ResponseWriter, out any, err error) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err != nil {
		w.WriteHeader(statusOf(err))
		out = object{"error": err.Error()}
	}
	json.NewEncoder(w).Encode(out)
}

// ackAnswer is what hooks say about one delivery.
type ackAnswer struct {
	Acked    bool    `json:"acked"`
	AckMS    float64 `json:"ack_ms"`
	Response any     `json:"response"`
	Error    string  `json:"error"`
}

func answerOf(out outcome) ackAnswer {
	return ackAnswer{Acked: out.acked, AckMS: milliseconds(out.took), Error: out.err}
}
