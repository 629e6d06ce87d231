package slackemu

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"time"
)

const (
	responseURLUses = 5
	responseURLLife = 30 * time.Minute // on the visible clock
)

// responseURL lets the app answer one interaction without being in the room.
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
type responseURL struct {
	room     *room
	user     string
	original *message // the message that was clicked, if any
	uses     int
	expires  time.Time
}

// newResponseURL issues an address. mu is held.
func (s *Server) newResponseURL(base string, u responseURL) string {
	now := s.cfg.Now()
	if len(s.urls) >= s.urlSweep {
		maps.DeleteFunc(s.urls, func(_ string, old *responseURL) bool { return now.Sub(old.expires) > responseURLLife })
		s.urlSweep = 2*len(s.urls) + 1000
	}
	u.expires = now.Add(responseURLLife)
	id := s.random(anyAlnum, 40)
	s.urls[id] = &u
	return base + "/slack/response/" + id
}

// serveResponseURL takes what the app posts to a response URL. It is journaled
// as the method "response_url", and faults for that name apply.
func (s *Server) serveResponseURL(w http.ResponseWriter, r *http.Request) {
	data, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var body any
	malformed := json.Unmarshal(data, &body)
	a, isObject := body.(object)
	entry := &callEntry{At: stamp(s.cfg.Now()), Method: "response_url", Args: a}

	s.mu.Lock()
	s.calls.add(entry)
	out, settled := s.faultBefore("", entry)
	if !settled {
		err := refuse("invalid_payload")
		if malformed == nil && isObject {
			err = s.useResponseURL(r.PathValue("id"), a)
		}
		out = responseURLAnswer(err)
		s.faultAfter(entry, &out)
	}
	entry.OK = out.status == http.StatusOK
	entry.Error, _ = out.body["error"].(string)
	s.mu.Unlock()
	s.write(w, r, out)
}

// responseURLAnswer is "ok" as plain text, or an error that is neither.
func responseURLAnswer(err error) answer {
	if err == nil {
		return answer{status: http.StatusOK, text: "ok", kind: "text/plain; charset=utf-8"}
	}
	status := http.StatusBadRequest
	switch err.Error() {
	case "used_url", "expired_url", "no_such_url":
		status = http.StatusNotFound
	}
	return answer{status: status, body: envelopeOf(nil, err, nil)}
}

// useResponseURL does what a body asks for. mu is held.
func (s *Server) useResponseURL(id string, body object) error {
	u := s.urls[id]
	switch {
	case u == nil:
		return refuse("no_such_url")
	case u.uses >= responseURLUses:
		return refuse("used_url")
	case s.cfg.Now().After(u.expires):
		return refuse("expired_url")
	}
	if truth(body["delete_original"]) && u.original != nil {
		u.uses++
		s.remove(u.original)
		return nil
	}
	d, err := s.saidInBody(body)
	if err != nil {
		return err
	}
	u.uses++
	if truth(body["replace_original"]) && u.original != nil && !u.original.deleted {
		u.original.replace(d)
		if u.original.ephemeralTo == "" {
			u.original.edited = object{"user": botUserID, "ts": s.newTS()}
		}
		s.changed()
		return nil
	}
	to := u.user
	if body["response_type"] == "in_channel" {
		to = ""
	}
	s.post(u.room, botUserID, true, to, d)
	return nil
}

// saidInBody reads a message from a response URL or an acknowledgement. An
// empty metadata object, and blocks that are null, are nothing.
func (s *Server) saidInBody(body object) (draft, error) {
	a := args{}
	for k, v := range body {
		a.set(k, v)
	}
	if meta, ok := a["metadata"].(object); ok && (meta["event_type"] == "" || meta["event_type"] == nil) {
		delete(a, "metadata")
	}
	d, err := s.readDraft(&call{args: a})
	if body["response_type"] != "in_channel" {
		d.metadata = nil
	}
	return d, err
}

// truth reads a boolean that may come as a string.
func truth(v any) bool { return v == true || v == "true" }
