package cloudemu

import (
	"net/http"
	"strconv"
	"time"
)

// logEntry is a line of the account's system log.
type logEntry struct {
	id       int
	at       time.Time
	resource int
	kind     string
	text     string
}

// maxLog bounds the system log.
const maxLog = 20000

func (s *Server) log(kind string, resource int, text string) {
	id := 2900000
	if n := len(s.logs); n > 0 {
		id = s.logs[n-1].id
	}
	if len(s.logs) >= maxLog {
		s.logs = s.logs[maxLog/2:]
	}
	s.logs = append(s.logs, logEntry{id + 1, s.clock, resource, kind, text})
}

// period reads what logs have in common: a page and a span of time.
func period(r *request) (offset, limit int, from, to time.Time, err error) {
	if offset, err = pageNumber(r, "offset", 0); err != nil {
		return
	}
	if limit, err = pageNumber(r, "limit", 100); err != nil {
		return
	}
	if text := r.query.Get("startTime"); text != "" {
		if from, err = time.Parse(time.RFC3339, text); err != nil {
			return
		}
	}
	if text := r.query.Get("endTime"); text != "" {
		to, err = time.Parse(time.RFC3339, text)
	}
	return
}

// getLogs gives the newest entry first.
func (s *Server) getLogs(r *request) answer {
	offset, limit, from, to, err := period(r)
	resource := r.query.Get("resourceId")
	if err != nil || limit < 1 || limit > 1000 {
		return s.refusal(r, http.StatusBadRequest, "limit must be 1-1000, times RFC 3339")
	}
	list := []obj{}
	for i := len(s.logs) - 1; i >= 0 && len(list) < limit; i-- {
		e := s.logs[i]
		outside := !from.IsZero() && e.at.Before(from) || !to.IsZero() && e.at.After(to)
		if outside || resource != "" && resource != strconv.Itoa(e.resource) {
			continue
		}
		if offset--; offset >= 0 {
			continue
		}
		o := obj{"id": e.id, "time": s.stamp(e.at), "originator": "Redis upgrade bot", "apiKeyName": "sandbox-key", "type": e.kind, "description": e.text}
		if e.resource != 0 {
			o["resourceId"] = e.resource
		}
		list = append(list, o)
	}
	return ok(obj{"entries": list, "links": []obj{r.link("self", "/v1/logs")}})
}

// getSessionLogs knows one person who once logged in to the console.
func (s *Server) getSessionLogs(r *request) answer {
	offset, limit, _, _, err := period(r)
	if err != nil || limit < 1 || limit > 1000 {
		return s.refusal(r, http.StatusBadRequest, "limit must be 1-1000, times RFC 3339")
	}
	list := []obj{}
	if offset == 0 {
		list = append(list, obj{
			"id": "1", "time": s.stamp(s.account.created), "user": "carol@example.com", "userAgent": "Mozilla/5.0",
			"ipAddress": "203.0.113.9", "userRole": "Owner", "type": "Session", "action": "Login succeeded",
		})
	}
	return answer{status: http.StatusOK, body: obj{"entries": list, "links": []obj{r.link("self", "/v1/session-logs")}}}
}
