package cloudemu

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"
)

// obj is a JSON object on its way out.
type obj = map[string]any

// answer is what a call gets back. A nil body is an empty one.
type answer struct {
	status int
	body   any
	html   string
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// empty is an answer without a body, as GET of an unknown task or database gives.
func empty(status int) answer { return answer{status: status} }

// refusal is the JSON body of an HTTP error.
func (s *Server) refusal(r *request, status int, message string) answer {
	return answer{status: status, body: obj{
		"timestamp": s.clock.UTC().Format(time.RFC3339Nano),
		"status":    status,
		"error":     http.StatusText(status),
		"message":   message,
		"path":      r.path,
	}}
}

// unsupported is the 400 for a body that the service cannot read.
func (s *Server) unsupported(r *request, why string) answer {
	return s.refusal(r, http.StatusBadRequest,
		"Bad Request: JSON parameter contains unsupported fields / values. JSON parse error: "+why)
}

// unauthorized is what the proxy in front of the API answers to bad keys.
const unauthorized = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n" +
	"<center><h1>401 Authorization Required</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

// write sends a. The body was made under the lock and is not shared.
func (a answer) write(w http.ResponseWriter) {
	switch {
	case a.html != "":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.html)) // a client that went away is no matter of ours
	case a.body == nil:
		w.WriteHeader(a.status)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_ = json.NewEncoder(w).Encode(a.body)
	}
}

// links are what every object carries; clients must not depend on them.
func (r *request) link(rel, path string) obj {
	return obj{"rel": rel, "type": "GET", "href": r.base + path}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
