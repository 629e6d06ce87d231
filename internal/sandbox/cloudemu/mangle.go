package cloudemu

import "strings"

// manglers are the faults that change an answer. Each tells whether it found
// something to change; only then one of its times is used up.
var manglers = []struct {
	fault  string
	change func(r *request, body any) bool
}{
	{"string_error", stringError},
	{"unknown_status", unknownStatus},
	{"old_links", oldLinks},
	{"no_password", noPassword},
	{"no_dynamic_endpoints", noDynamicEndpoints},
}

// mangle plays the faults that change a successful answer.
func (s *Server) mangle(r *request, a answer) answer {
	if a.status >= 300 || a.body == nil {
		return a
	}
	for _, m := range manglers {
		if !s.due(m.fault, r.call()) {
			continue
		}
		body := generic(a.body)
		if m.change(r, body) {
			s.fire(m.fault, r.call())
			a.body = body
		}
	}
	return a
}

// walk visits all objects of a JSON value and tells whether any was changed.
func walk(v any, visit func(obj) bool) bool {
	changed := false
	switch v := v.(type) {
	case obj:
		changed = visit(v)
		for _, e := range v {
			changed = walk(e, visit) || changed
		}
	case []any:
		for _, e := range v {
			changed = walk(e, visit) || changed
		}
	}
	return changed
}

func stringError(_ *request, body any) bool {
	return walk(body, func(o obj) bool {
		e, ok := o["error"].(obj)
		if ok {
			o["error"] = e["type"]
		}
		return ok
	})
}

func unknownStatus(_ *request, body any) bool {
	return walk(body, func(o obj) bool {
		_, isTask := o["taskId"]
		_, isDatabase := o["databaseId"]
		status, has := o["status"].(string)
		ended := status == taskCompleted || status == taskError
		switch {
		case has && isTask && !ended:
			o["status"] = "processing-awaiting-capacity"
		case has && isDatabase && !isTask:
			o["status"] = "proxy-rebalance-pending"
		default:
			return false
		}
		return true
	})
}

// oldLinks writes links as older answers have them: by relation.
func oldLinks(_ *request, body any) bool {
	return walk(body, func(o obj) bool {
		list, has := o["links"].([]any)
		if !has {
			return false
		}
		old := obj{}
		for _, e := range list {
			l, _ := e.(obj)
			if rel, _ := l["rel"].(string); rel != "" {
				old[rel] = obj{"href": l["href"], "title": "getTaskStatusUpdates", "type": l["type"]}
			}
		}
		delete(o, "links")
		o["_links"] = old
		return true
	})
}

func noPassword(_ *request, body any) bool {
	return walk(body, func(o obj) bool {
		_, has := o["password"]
		delete(o, "password")
		return has
	})
}

func noDynamicEndpoints(r *request, body any) bool {
	if !strings.Contains(r.path, "/databases") {
		return false
	}
	return walk(body, func(o obj) bool {
		_, has := o["dynamicEndpoints"]
		delete(o, "dynamicEndpoints")
		return has
	})
}
