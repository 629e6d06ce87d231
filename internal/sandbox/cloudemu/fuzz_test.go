package cloudemu

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fuzzed is a server whose clock runs an hour ahead with every call, so that
// whatever was begun also ends. It is made anew now and then.
type fuzzed struct {
	s     *Server
	calls int
	now   time.Time
}

// smallFleet has one of each kind, and few keys.
var smallFleet = Fleet{
	Subscriptions: []FleetSubscription{
		{Name: "prod", Databases: []FleetDatabase{
			{Name: "cache-prod", Version: "7.2", Port: 12010, Shards: 2, Keys: 5, BackupPath: "s3://acme-backups/cache-prod", BackupAge: "2h", Password: "hunter2", WritesPerMinute: 1, Tags: map[string]string{"environment": "production"}},
			{Name: "cache-copy", Version: "7.2", Port: 12011, ReplicaOf: "cache-prod"},
			{Name: "legacy", Protocol: "memcached", Port: 12012},
		}},
		{Name: "global", ActiveActive: true, Regions: []string{"us-east-1", "eu-west-1"}, Databases: []FleetDatabase{{Name: "global-aa", Version: "7.2"}}},
		{Name: "play", Plan: "essentials", Backups: true, Databases: []FleetDatabase{{Name: "trial", Version: "7.2"}}},
	},
	Roles: []FleetRole{{Name: "app", Rule: "Read-Write", Databases: []string{"cache-prod"}}},
}

func (z *fuzzed) serve(method, path, contentType string, body []byte) *httptest.ResponseRecorder {
	if z.calls++; z.s == nil || z.calls > 100 {
		z.calls, z.now = 0, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		z.s = New(Config{Seed: 7, Now: func() time.Time { return z.now }, Fleet: smallFleet})
	}
	z.now = z.now.Add(time.Hour)
	req := httptest.NewRequest(method, "http://cloud/", strings.NewReader(string(body)))
	req.URL.Path, req.URL.RawQuery, _ = strings.Cut(path, "?")
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Api-Key", "sandbox-account-key")
	req.Header.Set("X-Api-Secret-Key", "sandbox-secret-key")
	w := httptest.NewRecorder()
	if strings.HasPrefix(path, "/hooks/") {
		z.s.Hooks().ServeHTTP(w, req)
	} else {
		z.s.API().ServeHTTP(w, req)
	}
	return w
}

// checkJSON is what holds of every answer with a body.
func checkJSON(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s: HTTP %d with %q, which is not JSON", what, w.Code, w.Body)
	}
}

// Whatever a client sends: it is answered, and never with the emulator's own
// failure.
func FuzzAPI(f *testing.F) {
	methods := []string{"GET", "POST", "PUT", "DELETE", "PATCH"}
	f.Add(byte(0), "/v1/subscriptions", []byte{})
	f.Add(byte(1), "/cloud/v1/subscriptions/1206/databases", []byte(`{"name":"x","redisVersion":"7.4"}`))
	z := &fuzzed{}
	f.Fuzz(func(t *testing.T, which byte, path string, body []byte) {
		if !strings.HasPrefix(path, "/") {
			path = "/v1/" + path
		}
		method := methods[int(which)%len(methods)]
		what := method + " " + path + " " + string(body)
		w := z.serve(method, path, "application/json", body)
		checkJSON(t, what, w)
		if w.Code >= 500 && w.Code != http.StatusNotImplemented {
			t.Errorf("%s: HTTP %d %s", what, w.Code, w.Body)
		}
		if method == "GET" && w.Code == http.StatusOK && w.Body.Len() == 0 {
			t.Errorf("%s: nothing was answered", what)
		}
	})
}

// Whatever a hook is sent: it is done or refused in words, and the account can
// still be read by a client.
func FuzzHooks(f *testing.F) {
	f.Add("database", []byte(`{"name":"cache-prod","set":{"redis_version":"8.2"}}`))
	f.Add("faults", []byte(`{"fault":"error_500","times":0}`))
	z := &fuzzed{}
	f.Fuzz(func(t *testing.T, hook string, body []byte) {
		w := z.serve("POST", "/hooks/cloud/"+hook, "application/json", body)
		checkJSON(t, hook, w)
		switch w.Code {
		case http.StatusOK:
		case http.StatusBadRequest, http.StatusNotFound:
			var no struct{ Error string }
			if json.Unmarshal(w.Body.Bytes(), &no) != nil || no.Error == "" {
				t.Errorf("%s %s: refused without a word: %s", hook, body, w.Body)
			}
		default:
			t.Errorf("%s %s: HTTP %d", hook, body, w.Code)
		}
		if hook == "faults" {
			z.s = nil // a fault is meant to spoil answers
			return
		}
		for _, path := range []string{"/v1/subscriptions", "/hooks/cloud/databases", "/hooks/cloud/applications"} {
			w := z.serve("GET", path, "", nil)
			if checkJSON(t, path, w); w.Code != http.StatusOK || w.Body.Len() < 2 {
				t.Errorf("after %s %s: %s answers HTTP %d %q", hook, body, path, w.Code, w.Body)
			}
		}
	})
}

// A fleet file that is taken says the same when it is written down again, and
// makes an account that holds its databases and lives on for a day.
func FuzzFleet(f *testing.F) {
	f.Add([]byte(`{"subscriptions":[{"name":"shop","databases":[{"name":"carts","version":"7.2"},{"name":"copy","replica_of":"carts"}]}]}`))
	f.Add([]byte(`{"subscriptions":[{"name":"s","databases":[{"name":"d","writes_per_minute":1e11,"backup_path":"s3://b/d","backup_age":"2h"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fleet, err := ParseFleet(data)
		if err != nil {
			if len(fleet.Subscriptions) > 0 {
				t.Errorf("%q is refused, and yet %+v", data, fleet)
			}
			return
		}
		raw, err := json.Marshal(fleet)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseFleet(raw)
		if err != nil {
			t.Fatalf("%s was written down and is refused: %v", raw, err)
		}
		if second, _ := json.Marshal(again); string(second) != string(raw) {
			t.Errorf("%q says something else when it is written down:\n%s", data, cmp.Diff(string(raw), string(second)))
		}
		work, names := 0, 0
		for _, u := range fleet.Subscriptions {
			for _, d := range u.Databases {
				names++
				work += d.Keys + 100*d.Shards
			}
		}
		if work > 20_000 {
			return // true of any fleet, and slow
		}
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		s := New(Config{Seed: 7, Now: func() time.Time { return now }, Fleet: fleet})
		now = now.Add(24 * time.Hour)
		w := httptest.NewRecorder()
		s.Hooks().ServeHTTP(w, httptest.NewRequest("GET", "/hooks/cloud/databases", nil))
		var list []struct{ Name string }
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != names {
			t.Errorf("%q holds %d databases, the account %d: %v", data, names, len(list), err)
		}
	})
}
