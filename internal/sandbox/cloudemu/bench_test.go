package cloudemu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// bench is a server on a real socket, with a clock that only moves when told.
type bench struct {
	t   *testing.T
	s   *Server
	url string

	mu    sync.Mutex
	now   time.Time
	speed float64
}

func newBench(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), speed: 1}
	cfg := Config{Seed: 7, Now: b.clock, Speed: func() float64 { b.mu.Lock(); defer b.mu.Unlock(); return b.speed }}
	for _, f := range change {
		f(&cfg)
	}
	b.s = New(cfg)
	mux := http.NewServeMux()
	mux.Handle("/cloud/", b.s.API())
	mux.Handle("/hooks/cloud/", b.s.Hooks())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// result is an answer as a client sees it.
type result struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
	err    error
}

func (b *bench) send(method, path string, body any, header map[string]string) result {
	b.t.Helper()
	var in io.Reader
	switch v := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(v)
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			b.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, b.url+path, in)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("x-api-key", "sandbox-account-key")
	req.Header.Set("x-api-secret-key", "sandbox-secret-key")
	req.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return result{err: err}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	out := result{status: res.StatusCode, header: res.Header, raw: string(raw), err: err}
	_ = json.Unmarshal(raw, &out.body) // not every answer is an object
	return out
}

// api calls the API under /v1 and wants a status.
func (b *bench) api(want int, method, path string, body any) map[string]any {
	b.t.Helper()
	r := b.send(method, "/cloud/v1"+path, body, nil)
	if r.err != nil || r.status != want {
		b.t.Fatalf("%s %s: got %d %v %s, want %d", method, path, r.status, r.err, r.raw, want)
	}
	return r.body
}

// hook calls a hook and decodes its answer.
func (b *bench) hook(method, name string, body, into any) {
	b.t.Helper()
	r := b.send(method, "/hooks/cloud/"+name, body, nil)
	if r.err != nil || r.status != http.StatusOK {
		b.t.Fatalf("%s hook %s: got %d %v %s", method, name, r.status, r.err, r.raw)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(r.raw), into); err != nil {
			b.t.Fatalf("hook %s: %v in %s", name, err, r.raw)
		}
	}
}

func (b *bench) fault(name string, times int, match string) {
	b.t.Helper()
	b.hook("POST", "faults", obj{"fault": name, "times": times, "match": match}, nil)
}

// shown is a database in the hook's list.
type shown struct {
	ID                 int
	SubscriptionID     int `json:"subscription_id"`
	Name, Status       string
	Port, Keys, Shards int
	Version            string `json:"redis_version"`
	Digest             string
	Endpoint           string
	Dynamic            string  `json:"dynamic_endpoint"`
	LastBackup         *string `json:"last_backup_at"`
	Plan               string
	Protocol           string
	SubscriptionStatus string `json:"subscription_status"`
}

func (b *bench) databases() []shown {
	b.t.Helper()
	var list []shown
	b.hook("GET", "databases", nil, &list)
	return list
}

// database finds a database by name; ID 0: there is none.
func (b *bench) database(name string) shown {
	b.t.Helper()
	for _, d := range b.databases() {
		if d.Name == name {
			return d
		}
	}
	return shown{}
}

func (b *bench) path(name string) string {
	b.t.Helper()
	d := b.database(name)
	if d.ID == 0 {
		b.t.Fatalf("no database %s", name)
	}
	prefix := ""
	if d.Plan == "essentials" {
		prefix = "/fixed"
	}
	return fmt.Sprintf("%s/subscriptions/%d/databases/%d", prefix, d.SubscriptionID, d.ID)
}

// task waits for the end of a task, as a client does, and returns it.
func (b *bench) task(submitted map[string]any) map[string]any {
	b.t.Helper()
	id, _ := submitted["taskId"].(string)
	for range 200 {
		r := b.send("GET", "/cloud/v1/tasks/"+id, nil, nil)
		if r.status == http.StatusOK && (r.body["status"] == taskCompleted || r.body["status"] == taskError) {
			return r.body
		}
		b.wait(time.Second)
	}
	b.t.Fatalf("task %s did not end", id)
	return nil
}

// kind is the type of a task's error; empty: it completed.
func (b *bench) kind(submitted map[string]any) string {
	b.t.Helper()
	end := b.task(submitted)
	kind, _ := dig(end, "response", "error", "type").(string)
	if (kind == "") != (end["status"] == taskCompleted) {
		b.t.Fatalf("task ended as %v with error %q", end["status"], kind)
	}
	return kind
}

// do submits a changing call, wants its task to complete, and waits long.
func (b *bench) do(method, path string, body any) map[string]any {
	b.t.Helper()
	r := b.send(method, "/cloud/v1"+path, body, nil)
	if r.status != http.StatusOK && r.status != http.StatusAccepted {
		b.t.Fatalf("%s %s: %d %s", method, path, r.status, r.raw)
	}
	end := b.task(r.body)
	if end["status"] != taskCompleted {
		b.t.Fatalf("%s %s: %v", method, path, end)
	}
	b.wait(10 * time.Minute)
	return end
}

// refused submits a call and gives the kind of its task's error.
func (b *bench) refused(method, path string, body any) string {
	b.t.Helper()
	r := b.send(method, "/cloud/v1"+path, body, nil)
	if r.status != http.StatusOK && r.status != http.StatusAccepted {
		b.t.Fatalf("%s %s: %d %s", method, path, r.status, r.raw)
	}
	return b.kind(r.body)
}

// dig reads a path of object keys and list indexes.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// quiet is a fleet without applications, so that digests stay.
func quiet(c *Config) {
	c.Fleet = DefaultFleet()
	for i := range c.Fleet.Subscriptions {
		for j := range c.Fleet.Subscriptions[i].Databases {
			c.Fleet.Subscriptions[i].Databases[j].WritesPerMinute = 0
		}
	}
}

// busy is the default fleet with applications that write to some of it, one
// through a dynamic name.
func busy(c *Config) {
	rates := map[string]float64{"cache-prod": 6, "catalog-prod": 2, "sessions-eu": 10}
	c.Fleet = DefaultFleet()
	for _, u := range c.Fleet.Subscriptions {
		for i := range u.Databases {
			d := &u.Databases[i]
			d.WritesPerMinute, d.AppUsesDynamic = rates[d.Name], d.Name == "sessions-eu"
		}
	}
}
