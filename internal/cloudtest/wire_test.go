package cloudtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

const (
	accountKey = "sandbox-account-key"
	secretKey  = "sandbox-secret-key"
)

// exchange is one request and its answer as they crossed the wire.
type exchange struct {
	request *http.Request // as the server saw it, its path beginning at /v1
	body    []byte
	status  int
	header  http.Header
	answer  []byte
}

func (x exchange) call() string { return x.request.Method + " " + x.request.URL.RequestURI() }

// account is everything that can be asked of an account and done to it.
type account struct {
	*cloud.Client
	*cloud.Changes
}

// wire is a client and an emulator with a recorder between them. The emulator
// moves only when the test says so.
type wire struct {
	t      *testing.T
	emu    *cloudemu.Server
	client account
	server *httptest.Server

	mu     sync.Mutex
	offset time.Duration       // guarded by mu
	seen   []exchange          // guarded by mu
	before func(*http.Request) // guarded by mu; runs outside of it
}

// newWire starts both ends. adjust may change the client's configuration.
func newWire(t *testing.T, fleet cloudemu.Fleet, adjust ...func(*cloud.Config)) *wire {
	t.Helper()
	w := &wire{t: t}
	w.emu = cloudemu.New(cloudemu.Config{Now: w.now, Seed: 11, Fleet: fleet})
	w.server = httptest.NewServer(http.StripPrefix("/cloud", w.recorder(w.emu.API())))
	cfg := cloud.Config{URL: w.server.URL + "/cloud", Key: accountKey, Secret: secretKey, RetryBase: time.Millisecond}
	for _, a := range adjust {
		a(&cfg)
	}
	c, err := cloud.New(cfg)
	must(t, err)
	changes, err := cloud.NewChanges(cfg)
	must(t, err)
	w.client = account{c, changes}
	t.Cleanup(func() { c.Close(); w.server.Close() })
	return w
}

func (w *wire) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.offset)
}

// pass lets emulated time go by.
func (w *wire) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offset += d
}

// recorder keeps every exchange.
func (w *wire) recorder(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			w.t.Error(err)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		kept := req.Clone(context.Background())
		w.mu.Lock()
		before := w.before
		w.mu.Unlock()
		if before != nil {
			before(req)
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, req)
		x := exchange{kept, body, rec.Code, rec.Header().Clone(), bytes.Clone(rec.Body.Bytes())}
		w.mu.Lock()
		w.seen = append(w.seen, x)
		w.mu.Unlock()
		for name, values := range rec.Header() {
			rw.Header()[name] = values
		}
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(x.answer)
	})
}

// between runs f with every request before the emulator sees it; nil: nothing.
func (w *wire) between(f func(*http.Request)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = f
}

func (w *wire) exchanges() []exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]exchange(nil), w.seen...)
}

func (w *wire) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = nil
}

// change is a context in which changing calls may leave.
func (w *wire) change() context.Context {
	return cloud.WithSendDeadline(w.t.Context(), time.Now().Add(30*time.Second))
}

// ended follows a task to its end, as fast as emulated time can pass.
func (w *wire) ended(task cloud.Task, err error) cloud.Task {
	w.t.Helper()
	must(w.t, err)
	for range 200 {
		w.pass(2 * time.Second)
		got, err := w.client.Task(w.t.Context(), task.ID)
		if err == nil && got.Ended() {
			return got
		}
	}
	w.t.Fatalf("task %s does not end", task.ID)
	return task
}

// done is ended for what has to succeed, with time for its work to be over.
func (w *wire) done(task cloud.Task, err error) cloud.Task {
	w.t.Helper()
	got := w.ended(task, err)
	if got.Err != nil {
		w.t.Fatalf("%s: %v", got.Command, got.Err)
	}
	w.pass(10 * time.Minute)
	return got
}

// hook drives the emulator's other door.
func hook(t testing.TB, emu *cloudemu.Server, method, path string, in, out any) {
	t.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		must(t, err)
		body = bytes.NewReader(raw)
	}
	rec := httptest.NewRecorder()
	emu.Hooks().ServeHTTP(rec, httptest.NewRequest(method, "/hooks/cloud/"+path, body))
	if rec.Code != http.StatusOK {
		t.Fatalf("hook %s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	if out != nil {
		must(t, json.Unmarshal(rec.Body.Bytes(), out))
	}
}

// hooked is a database as the hook shows it.
type hooked struct {
	ID           int               `json:"id"`
	Subscription int               `json:"subscription_id"`
	Plan         cloud.Plan        `json:"plan"`
	Name         string            `json:"name"`
	Version      string            `json:"redis_version"`
	Status       string            `json:"status"`
	Port         int               `json:"port"`
	Endpoint     string            `json:"endpoint"`
	Keys         int               `json:"keys"`
	Digest       string            `json:"digest"`
	SourceIPs    []string          `json:"source_ips"`
	Tags         map[string]string `json:"tags"`
}

func (d hooked) ref() cloud.Ref {
	return cloud.Ref{Plan: d.Plan, Subscription: d.Subscription, Database: d.ID}
}

// named finds a database of the emulator by name.
func named(t testing.TB, emu *cloudemu.Server, name string) hooked {
	t.Helper()
	var all []hooked
	hook(t, emu, "GET", "databases", nil, &all)
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	return hooked{}
}

func (w *wire) ref(name string) cloud.Ref {
	w.t.Helper()
	d := named(w.t, w.emu, name)
	if d.ID == 0 {
		w.t.Fatalf("there is no database %s", name)
	}
	return d.ref()
}

func (w *wire) fault(name string, times int, match string) {
	w.t.Helper()
	hook(w.t, w.emu, "POST", "faults", map[string]any{"fault": name, "times": times, "match": match}, nil)
}

// exchangeOf is an exchange that never happened.
func exchangeOf(method, path, body string, status int, answer string) exchange {
	return exchange{httptest.NewRequest(method, path, nil), []byte(body), status, nil, []byte(answer)}
}
