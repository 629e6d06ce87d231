package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// world is one cmd/sandbox without a bot: Slack, Redis Cloud, and the people
// and databases in them.
type world struct {
	t    testing.TB
	url  string
	env  []string // for cmd/bot
	http *http.Client
	proc *process

	forgetful bool // its Redis fails over, which may forget the last votes
}

type object = map[string]any

// newWorld starts the emulators with so many databases, a few to a
// subscription, all on 7.2 and with remote backup. redisURL is where the bots
// keep their sessions.
func newWorld(t testing.TB, redisURL string, databases int, speed float64) *world {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fleet.json")
	if err := os.WriteFile(file, fleet(databases), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	addr := "127.0.0.1:" + freePort(t)
	w.url = "http://" + addr
	w.proc = start(t, "sandbox", program(t, "sandbox"), nil, "-bot=false", "-redis", redisURL, "-fleet", file,
		"-speed", fmt.Sprint(speed), "-listen", addr)
	until(t, 20*time.Second, "the sandbox answers", func() bool {
		if !w.proc.running() {
			t.Fatalf("the sandbox ended: %s", w.proc.said())
		}
		resp, err := w.http.Get(w.url + "/hooks/cloud/ledger")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	w.env = environ(w.proc.printed())
	return w
}

// perSubscription is small, because a subscription works on one change at a time.
const perSubscription = 4

func fleet(n int) []byte {
	var subs []object
	for i := range n {
		if i%perSubscription == 0 {
			subs = append(subs, object{"name": fmt.Sprintf("sub-%02d", len(subs)+1), "region": "us-east-1", "databases": []object{}})
		}
		name, last := fmt.Sprintf("db-%03d", i+1), subs[len(subs)-1]
		last["databases"] = append(last["databases"].([]object), object{
			"name": name, "version": "7.2", "port": 12001 + i%perSubscription, "keys": 10,
			"backup_path": "s3://acme-backups/" + name, "backup_age": "3h", "shards": 1 + i%2,
		})
	}
	raw, err := json.Marshal(object{"subscriptions": subs})
	if err != nil {
		panic(err)
	}
	return raw
}

// hook drives a hook; the error is the transport's or the hook's own.
func (w *world) hook(method, path string, body, into any) error {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, w.url+path, reader)
	if err != nil {
		return err
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

func (w *world) must(method, path string, body, into any) {
	w.t.Helper()
	if err := w.hook(method, path, body, into); err != nil {
		w.t.Fatal(err)
	}
}

// fault switches a bad day on; times -1 until it is switched off with 0.
func (w *world) fault(where, name string, times int, match string, more ...object) {
	w.t.Helper()
	body := object{"fault": name, "times": times, "match": match}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	w.must("POST", "/hooks/"+where+"/faults", body, nil)
}

// entry is one accepted changing call.
type entry struct {
	At       time.Time `json:"at"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Body     object    `json:"body"`
	Resource int       `json:"resource_id"`
	Outcome  string    `json:"outcome"`
	Error    string    `json:"error"`
}

func (e entry) is(method, last string) bool {
	return e.Method == method && strings.HasSuffix(e.Path, "/"+last)
}

func (w *world) ledger() []entry {
	w.t.Helper()
	var out []entry
	w.must("GET", "/hooks/cloud/ledger", nil, &out)
	return out
}

// accepted counts the accepted calls of one kind.
func (w *world) accepted(method, last string) int {
	n := 0
	for _, e := range w.ledger() {
		if e.is(method, last) {
			n++
		}
	}
	return n
}

// database is one as the emulator holds it.
type database struct {
	ID      int    `json:"id"`
	Sub     int    `json:"subscription_id"`
	Name    string `json:"name"`
	Version string `json:"redis_version"`
	Status  string `json:"status"`
	Port    int    `json:"port"`
	Digest  string `json:"digest"` // of its keys
	Open    bool   `json:"open"`   // to applications
}

func (w *world) databases() map[string]database {
	w.t.Helper()
	var list []database
	if err := w.hook("GET", "/hooks/cloud/databases", nil, &list); err != nil {
		w.t.Errorf("databases: %v", err) // not fatal: people look too, each in a goroutine
	}
	out := map[string]database{}
	for _, d := range list {
		out[d.Name] = d
	}
	return out
}

// message is one in a channel.
type message struct {
	TS          string   `json:"ts"`
	ThreadTS    string   `json:"thread_ts"`
	User        string   `json:"user"`
	Text        string   `json:"text"`
	Blocks      []object `json:"blocks"`
	EphemeralTo string   `json:"ephemeral_to"`
	Edited      struct {
		TS string `json:"ts"`
	} `json:"edited"`
	Metadata struct {
		Payload struct {
			Session  string `json:"session"`
			Kind     string `json:"kind"`
			Database string `json:"database"`
			State    string `json:"state"`
		} `json:"event_payload"`
	} `json:"metadata"`
}

// modal is an open one.
type modal struct {
	ID       string   `json:"id"`
	Callback string   `json:"callback_id"`
	Blocks   []object `json:"blocks"`
}

// words is everything that a modal says, as JSON.
func (m modal) words() string {
	raw, _ := json.Marshal(m.Blocks)
	return string(raw)
}

type screen struct {
	Channels []struct {
		Name     string    `json:"name"`
		Messages []message `json:"messages"`
	} `json:"channels"`
	Modals []modal `json:"modals"`
}

func (w *world) screen(user string) screen {
	var s screen
	if err := w.hook("GET", "/hooks/slack/state?user="+user, nil, &s); err != nil {
		w.t.Errorf("what %s sees: %v", user, err)
	}
	return s
}

// messages lists the channel, oldest first, as one person sees it.
func (w *world) messages(user string) []message {
	var out []message
	for _, c := range w.screen(user).Channels {
		out = append(out, c.Messages...)
	}
	return out
}

// card is one session as Slack shows it.
type card struct {
	message
	database string // name
	doubles  int    // further messages that were posted as its card
}

// cards are all living cards by session. Of doubled ones the living one is that
// which shows the furthest, or was edited last: the others stay as they were posted.
func (w *world) cards() map[string]card {
	out := map[string]card{}
	for _, m := range w.messages("bob") {
		id := m.Metadata.Payload.Session
		if id == "" || m.EphemeralTo != "" {
			continue
		}
		c := card{message: m, database: titled(m)}
		if old, ok := out[id]; ok {
			if old.rank() > c.rank() || old.rank() == c.rank() && old.Edited.TS > c.Edited.TS {
				c = old
			}
			c.doubles = old.doubles + 1
		}
		out[id] = c
	}
	return out
}

func (c card) state() string { return c.Metadata.Payload.State }

// kind is what the session is about: "upgrade" or "revert".
func (c card) kind() string { return c.Metadata.Payload.Kind }

func (c card) session() string { return c.Metadata.Payload.Session }

// lives are the states of each kind in their order, without the final ones.
var lives = map[string][]string{
	"upgrade": {"proposed", "approved", "blocked", "checking", "backing-up", "upgrading", "verifying", "soaking", "reverting"},
	"revert": {"rehearsing", "proposed", "approved", "closing", "saving", "deleting", "creating", "importing", "restoring",
		"reopening"},
}

// rank tells how far a card has come.
func (c card) rank() int {
	if c.final() {
		return len(lives["upgrade"]) + len(lives["revert"])
	}
	return slices.Index(lives[c.kind()], c.state())
}

func (c card) final() bool {
	return slices.Contains([]string{"done", "denied", "expired", "cancelled", "failed", "reverted"}, c.state())
}

// offers reports whether a card has this button.
func (c card) offers(action string) bool {
	return strings.Contains(c.words(), `"action_id":"`+action+`"`)
}

// problem is the named failure on a card, empty where it names none.
func (c card) problem() string {
	for _, b := range c.Blocks {
		text, _ := b["text"].(object)
		says, _ := text["text"].(string)
		why, named := strings.CutPrefix(says, ":rotating_light: ")
		if named && !strings.HasPrefix(why, "*") { // that would be the headline
			return why
		}
	}
	return ""
}

// titled is the database in "Upgrade db-001: 7.2 → 8.2" and "Revert db-001: …".
func titled(m message) string {
	for _, b := range m.Blocks {
		if b["type"] != "header" {
			continue
		}
		text, _ := b["text"].(object)
		title, _ := text["text"].(string)
		fields := strings.Fields(title)
		if len(fields) > 1 {
			return strings.TrimSuffix(fields[1], ":")
		}
	}
	return ""
}

// words is everything that a message says, as JSON.
func (m message) words() string {
	raw, _ := json.Marshal(m.Blocks)
	return m.Text + string(raw)
}
