package cloud

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testKey    = "account-key-4711"
	testSecret = "user-key-0815"
)

// answer is what a fake API says to one request.
type answer struct {
	status int // 0: 200
	body   string
	header map[string]string
	drop   bool // cut the connection after reading the request
}

// request is what the fake API was asked.
type request struct {
	Method, Path, Query string
	Header              http.Header
	Body                string
}

// fakeAPI answers "METHOD /path" with the given answers in turn, the last one
// forever, and remembers every request.
type fakeAPI struct {
	mu      sync.Mutex
	routes  map[string][]answer
	history []request
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.history = append(f.history, request{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Clone(), string(body)})
	key := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v1")
	if r.URL.RawQuery != "" && len(f.routes[key+"?"+r.URL.RawQuery]) > 0 {
		key += "?" + r.URL.RawQuery
	}
	all := f.routes[key]
	if len(all) > 1 {
		f.routes[key] = all[1:]
	}
	f.mu.Unlock()
	if len(all) == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	a := all[0]
	if a.drop {
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	io.WriteString(w, a.body)
}

// requests returns the history so far.
func (f *fakeAPI) requests() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]request(nil), f.history...)
}

// serve starts a fake API with one body per route.
func serve(t *testing.T, routes map[string]string) (both, *fakeAPI) {
	t.Helper()
	all := make(map[string][]answer)
	for k, body := range routes {
		all[k] = []answer{{body: body}}
	}
	return serveAnswers(t, all)
}

func serveAnswers(t *testing.T, routes map[string][]answer) (both, *fakeAPI) {
	t.Helper()
	f := &fakeAPI{routes: routes}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	c := newClient(t, Config{URL: srv.URL})
	return c, f
}

// both ends of the API, as one process has them.
type both struct {
	*Client
	*Changes
}

// newClient fills in what every test wants: keys and short pauses.
func newClient(t testing.TB, cfg Config) both {
	t.Helper()
	cfg.Key, cfg.Secret = testKey, testSecret
	if cfg.RetryBase == 0 {
		cfg.RetryBase = time.Millisecond
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	changes, err := NewChanges(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return both{c, changes}
}

// sendable is a context in which changes may leave.
func sendable(t *testing.T) context.Context {
	return WithSendDeadline(t.Context(), time.Now().Add(10*time.Second))
}

// sameJSON compares two JSON texts by value.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	if canonical(t, got) != canonical(t, want) {
		t.Errorf("body:\n got %s\nwant %s", got, want)
	}
}

func canonical(t *testing.T, s string) string {
	t.Helper()
	if s == "" {
		return ""
	}
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("not JSON: %q", s)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

const received = `{"taskId":"50ec6172-8475-4ef6-8b3c-d61e688d8fe5","commandType":"x","status":"received","description":"Task request received and is being queued for processing.","timestamp":"2024-04-15T09:08:04.222268Z","links":[{"rel":"task","type":"GET","href":"https://api.redislabs.com/v1/tasks/50ec6172-8475-4ef6-8b3c-d61e688d8fe5"}]}`

var orders = Ref{Pro, 1206, 51055}
var cache = Ref{Essentials, 111728, 51055029}
