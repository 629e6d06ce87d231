package cloudemu

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

// ledgerEntry is one accepted changing call, with what came of its task.
type ledgerEntry struct {
	At       time.Time `json:"at"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Body     any       `json:"body"`
	TaskID   string    `json:"task_id"`
	Resource int       `json:"resource_id"`
	Outcome  string    `json:"outcome"` // pending, completed or error
	Error    string    `json:"error"`
}

// record notes an accepted changing call. taskID is empty for calls that are
// done when they are answered.
func (s *Server) record(r *request, taskID string) *ledgerEntry {
	e := &ledgerEntry{At: s.clock, Method: r.method, Path: r.path, TaskID: taskID, Outcome: "pending"}
	e.Body = redact("", generic(r.body))
	if len(r.raw) == 0 {
		e.Body = nil
	}
	for _, name := range []string{"role", "s", "d"} {
		if r.args[name] != "" {
			e.Resource = r.id(name)
		}
	}
	if strings.HasSuffix(r.path, "/databases") {
		e.Resource = 0 // the task tells the new id
	}
	if taskID == "" {
		e.Outcome = "completed"
	}
	if !r.foreign {
		s.ledger = append(s.ledger, e)
	}
	s.log("API", e.Resource, r.method+" "+r.path+" was accepted")
	return e
}

// settle writes down how a task ended.
func (s *Server) settle(t *task, refused *domainError) {
	if t.entry == nil {
		return
	}
	t.entry.Outcome = "completed"
	if refused != nil {
		t.entry.Outcome, t.entry.Error = "error", refused.kind
	}
	if id, ok := t.response["resourceId"].(int); ok {
		t.entry.Resource = id
	}
	s.log("API", t.entry.Resource, t.command+": "+t.entry.Outcome+" "+t.entry.Error)
}

const redacted = "[redacted]"

// userinfo finds the credentials of a URI.
var userinfo = regexp.MustCompile(`://[^/@\s]*@`)

// redact takes passwords and the credentials of URIs out of a JSON value.
func redact(name string, v any) any {
	switch v := v.(type) {
	case obj:
		for key, e := range v {
			v[key] = redact(key, e)
		}
	case []any:
		for i, e := range v {
			v[i] = redact(name, e)
		}
	case string:
		if strings.Contains(strings.ToLower(name), "password") {
			return redacted
		}
		return cleanURI(v)
	case json.Number:
		return v
	}
	return v
}

func cleanURI(text string) string { return userinfo.ReplaceAllString(text, "://"+redacted+"@") }
