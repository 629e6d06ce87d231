package cloudemu

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// API is what a client sees. Mount it at /cloud/ (with or without stripping
// that prefix); it serves /v1/….
func (s *Server) API() http.Handler {
	list := router(routes())
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r, problem := readRequest(req)
		if problem != 0 {
			http.Error(w, http.StatusText(problem), problem)
			return
		}
		in := s.arriving(r)
		if in.hang {
			<-req.Context().Done()
		}
		sleep(req, in.wait)
		if in.drop {
			panic(http.ErrAbortHandler)
		}
		out := s.handle(list, r, req.Header)
		sleep(req, out.wait)
		if out.drop {
			panic(http.ErrAbortHandler)
		}
		for name, value := range out.header {
			w.Header().Set(name, value)
		}
		out.answer.write(w)
	})
}

// readRequest takes a call off the wire; the second result is an HTTP status
// if that was not possible.
func readRequest(req *http.Request) (*request, int) {
	raw, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	if err != nil {
		return nil, http.StatusRequestTimeout
	}
	if len(bytes.TrimSpace(raw)) > 0 {
		if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			return nil, http.StatusUnsupportedMediaType
		}
	}
	path, prefix := req.URL.EscapedPath(), ""
	if rest, mounted := strings.CutPrefix(path, "/cloud"); mounted {
		path, prefix = rest, "/cloud"
	}
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		host = req.RemoteAddr
	}
	if path != "/v1" && !strings.HasPrefix(path, "/v1/") {
		return nil, http.StatusNotFound
	}
	return &request{
		method: req.Method, path: path, query: req.URL.Query(), raw: raw, userIP: host,
		base: "http://" + req.Host + prefix,
	}, 0
}

// sleep waits, but not longer than the client does.
func sleep(req *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-req.Context().Done():
	}
}

// reply is an answer with what happens to it on the way.
type reply struct {
	answer answer
	header map[string]string
	drop   bool
	wait   time.Duration
}

// slowness is how late slow answers come, at speed 1, where no time is named.
const slowness = 20 * time.Second

// delay is how long a slow fault lasts on the clock; 0 where it does not hit.
func (s *Server) delay(fault, call string) time.Duration {
	arg, hits := s.fireArg(fault, call)
	if !hits {
		return 0
	}
	d, err := time.ParseDuration(arg)
	if err != nil {
		d = slowness
	}
	return s.scaled(d)
}

// arrival is what happens to a request before it is accepted.
type arrival struct {
	hang, drop bool
	wait       time.Duration
}

// arriving plays the faults that hit a request before it is accepted.
func (s *Server) arriving(r *request) arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	in := arrival{wait: s.delay("slow_accept", r.call())}
	in.hang = s.fire("hang", r.call())
	in.drop = in.hang || s.fire("drop_before_accept", r.call()) || s.foreignCreate(r)
	return in
}

// handle answers a call: keys, rate limit, injected refusals, then the route,
// then the faults that hit an answer.
func (s *Server) handle(list router, r *request, h http.Header) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	if s.fire("html_401", r.call()) || h.Get("X-Api-Key") != s.cfg.Key || h.Get("X-Api-Secret-Key") != s.cfg.Secret {
		return reply{answer: answer{status: http.StatusUnauthorized, html: unauthorized}}
	}
	remaining, inside := s.admit()
	out := reply{header: map[string]string{"X-Rate-Limit-Remaining": strconv.Itoa(remaining)}}
	a, refused := s.refusedByFault(r, out.header)
	switch {
	case refused:
	case !inside:
		a = s.refusal(r, http.StatusTooManyRequests, "Too many requests: the limit is 400 requests per minute")
	default:
		a = list.dispatch(s, r)
	}
	if r.method != http.MethodGet && a.status < 300 {
		s.poke()
	}
	out.answer = s.mangle(r, a)
	s.departing(r, &out)
	return out
}

// departing plays the faults that hit the answer to a call that was processed.
func (s *Server) departing(r *request, out *reply) {
	accepted := out.answer.status < 300
	changing := r.method != http.MethodGet
	if accepted && (changing || s.meansReads("drop_after_accept")) {
		out.drop = s.fire("drop_after_accept", r.call())
	}
	if accepted && changing && s.fire("error_500_after_accept", r.call()) {
		out.answer = s.refusal(r, http.StatusInternalServerError, "Internal Server Error")
	}
	out.wait = s.delay("slow", r.call())
}

// refusals are the faults that answer in place of the route.
var refusals = []struct {
	fault  string
	status int
	text   string
}{
	{"rate_limit", http.StatusTooManyRequests, "Too many requests"},
	{"rate_limit_no_header", http.StatusTooManyRequests, "Too many requests"},
	{"error_500", http.StatusInternalServerError, "Internal Server Error"},
	{"error_503", http.StatusServiceUnavailable, "Service Unavailable"},
	{"forbidden_403", http.StatusForbidden, "The source IP address is not allowed for this key"},
	{"timeout_408", http.StatusRequestTimeout, "The request body was not received in time"},
	{"conflict_409", http.StatusConflict, "Conflict"},
	{"precondition_412", http.StatusPreconditionFailed, "Feature flag for this flow is off"},
}

// refusedByFault answers for the route if an injected refusal is due.
func (s *Server) refusedByFault(r *request, header map[string]string) (answer, bool) {
	for _, f := range refusals {
		if !s.fire(f.fault, r.call()) {
			continue
		}
		switch f.fault {
		case "rate_limit":
			header["X-Rate-Limit-Remaining"] = "0"
		case "rate_limit_no_header":
			delete(header, "X-Rate-Limit-Remaining")
		}
		return s.refusal(r, f.status, f.text), true
	}
	isPage := strings.HasSuffix(r.path, "/databases") && r.method == http.MethodGet
	if isPage && s.fire("list_404", r.call()) {
		return s.refusal(r, http.StatusNotFound, "No databases were found"), true
	}
	isTask := strings.HasPrefix(r.path, "/v1/tasks/") && r.method == http.MethodGet
	if isTask && s.fire("task_404", r.call()) {
		return empty(http.StatusNotFound), true
	}
	return answer{}, false
}

// callsPerMinute is the limit of one account key.
const callsPerMinute = 400

// rateWindow counts the calls of a fixed minute whose phase clients do not know.
type rateWindow struct {
	phase time.Duration
	index int64
	used  int
}

// admit counts a call. A minute of the limit is as short as Speed makes it.
func (s *Server) admit() (remaining int, inside bool) {
	minute := max(s.scaled(time.Minute), time.Millisecond)
	index := s.clock.Add(s.scaled(s.window.phase)).UnixNano() / int64(minute)
	if index != s.window.index {
		s.window.index, s.window.used = index, 0
	}
	s.window.used++
	return max(0, callsPerMinute-s.window.used), s.window.used <= callsPerMinute
}

// generic turns any JSON value into maps and lists.
func generic(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return v // only values of our own making come here
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		return v
	}
	return out
}
