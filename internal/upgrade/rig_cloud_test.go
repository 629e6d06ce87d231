package upgrade

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// The emulator's other door.

// hook drives the emulator's other door.
func (w *world) hook(method, path string, in, out any) {
	w.t.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		w.nil(err)
		body = bytes.NewReader(raw)
	}
	rec := httptest.NewRecorder()
	w.emu.Hooks().ServeHTTP(rec, httptest.NewRequest(method, "/hooks/cloud/"+path, body))
	if rec.Code != http.StatusOK {
		w.t.Fatalf("hook %s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	if out != nil {
		w.nil(json.Unmarshal(rec.Body.Bytes(), out))
	}
}

func (w *world) fault(name string, times int, match string) {
	w.t.Helper()
	w.hook("POST", "faults", map[string]any{"fault": name, "times": times, "match": match}, nil)
}

// console changes a database as somebody in the cloud console would.
func (w *world) console(name string, set map[string]any) {
	w.t.Helper()
	w.hook("POST", "database", map[string]any{"name": name, "set": set}, nil)
}

// fleetDB is a database as the hook shows it.
type fleetDB struct {
	ID                 int               `json:"id"`
	Subscription       int               `json:"subscription_id"`
	Name               string            `json:"name"`
	Version            string            `json:"redis_version"`
	Status             string            `json:"status"`
	SubscriptionStatus string            `json:"subscription_status"`
	Port               int               `json:"port"`
	Endpoint           string            `json:"endpoint"`
	Keys               int               `json:"keys"`
	Digest             string            `json:"digest"`
	Shards             int               `json:"shards"`
	SourceIPs          []string          `json:"source_ips"`
	Tags               map[string]string `json:"tags"`
}

func (w *world) databases() []fleetDB {
	w.t.Helper()
	var all []fleetDB
	w.hook("GET", "databases", nil, &all)
	return all
}

// find is the database of that name; the zero value when there is none.
func (w *world) find(name string) fleetDB {
	w.t.Helper()
	for _, d := range w.databases() {
		if d.Name == name {
			return d
		}
	}
	return fleetDB{}
}

func (d fleetDB) ref() cloud.Ref {
	return cloud.Ref{Plan: cloud.Pro, Subscription: d.Subscription, Database: d.ID}
}

// storedFile is a backup file as the hook shows it.
type storedFile struct {
	URI       string `json:"uri"`
	Shards    int    `json:"shards"`
	SetDigest string `json:"set_digest"`
	Version   string `json:"version"`
}

// newest are the files of the latest backup of a database.
func (w *world) newest(name string) []storedFile {
	w.t.Helper()
	var all map[string][]storedFile
	w.hook("GET", "backups", nil, &all)
	files := all[name]
	if len(files) == 0 {
		w.t.Fatalf("no backup of %s", name)
	}
	return files[len(files)-files[len(files)-1].Shards:]
}

func (w *world) keys(name string) map[string]string {
	w.t.Helper()
	var out struct{ Keys map[string]string }
	w.hook("GET", "keys?name="+name, nil, &out)
	return out.Keys
}

// accepted is one accepted changing call.
type accepted struct {
	At       time.Time       `json:"at"`
	Body     json.RawMessage `json:"body"`
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Resource int             `json:"resource_id"`
	Outcome  string          `json:"outcome"`
	Error    string          `json:"error"`
}

func (w *world) ledger() []accepted {
	w.t.Helper()
	var all []accepted
	w.hook("GET", "ledger", nil, &all)
	return all
}

// calls counts accepted changing calls whose "METHOD path" ends like that.
func (w *world) calls(method, suffix string) int {
	w.t.Helper()
	n := 0
	for _, c := range w.ledger() {
		if c.Method == method && bytes.HasSuffix([]byte(c.Path), []byte(suffix)) {
			n++
		}
	}
	return n
}

// api makes a call past the bot, as its owner would.
func (w *world) api(method, path string, in any) map[string]any {
	w.t.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		w.nil(err)
		body = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, "/v1"+path, body)
	req.Header.Set("x-api-key", testKey)
	req.Header.Set("x-api-secret-key", testSecret)
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.emu.API().ServeHTTP(rec, req)
	if rec.Code/100 != 2 {
		w.t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	out := map[string]any{}
	w.nil(json.Unmarshal(rec.Body.Bytes(), &out))
	return out
}

func (d fleetDB) path() string {
	return fmt.Sprintf("/subscriptions/%d/databases/%d", d.Subscription, d.ID)
}

// raw is a database as Redis Cloud tells it.
func (w *world) raw(name string) map[string]any {
	w.t.Helper()
	return w.api("GET", w.find(name).path(), nil)
}

// put changes settings of a database and waits until they hold.
func (w *world) put(name string, set map[string]any) {
	w.t.Helper()
	w.api("PUT", w.find(name).path(), set)
	w.ours = len(w.ledger())
	time.Sleep(2 * time.Minute)
}

// roleDatabases are the ids that an ACL role names.
func (w *world) roleDatabases(name string) []int {
	w.t.Helper()
	var out []int
	roles, _ := w.api("GET", "/acl/roles", nil)["roles"].([]any)
	for _, r := range roles {
		role := r.(map[string]any)
		if role["name"] != name {
			continue
		}
		for _, rule := range role["redisRules"].([]any) {
			for _, d := range rule.(map[string]any)["databases"].([]any) {
				out = append(out, int(d.(map[string]any)["databaseId"].(float64)))
			}
		}
	}
	return out
}
