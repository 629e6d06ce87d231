package web

import (
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

//go:embed testdata/state.json
var cannedState []byte

//go:embed testdata/modal.json
var cannedModal []byte

type object = map[string]any

// posted is one body that the page sent to a hook.
type posted struct {
	Path string
	Body object
}

// fake answers the hooks with canned JSON and remembers what was posted.
type fake struct {
	mu     sync.Mutex
	state  object                             // guarded by mu; what the state hook answers
	log    []posted                           // guarded by mu
	answer map[string]func(object) (int, any) // by path; set before the server starts

	pokes chan struct{}
}

func newFake(t testing.TB) *fake {
	t.Helper()
	f := &fake{pokes: make(chan struct{}, 1), answer: map[string]func(object) (int, any){}}
	f.state = decode(t, cannedState)
	return f
}

func decode(t testing.TB, raw []byte) object {
	t.Helper()
	var v object
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// change edits the state and pokes the page.
func (f *fake) change(edit func(state object)) {
	f.mu.Lock()
	edit(f.state)
	f.mu.Unlock()
	select {
	case f.pokes <- struct{}{}:
	default:
	}
}

// open shows modals to everybody.
func (f *fake) open(views ...object) {
	f.change(func(s object) {
		list := []any{}
		for _, v := range views {
			list = append(list, v)
		}
		s["modals"] = list
	})
}

// sent answers the bodies posted to path so far.
func (f *fake) sent(path string) []object {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []object
	for _, p := range f.log {
		if p.Path == path {
			out = append(out, p.Body)
		}
	}
	return out
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, value := http.StatusOK, any(nil)
	raw, _ := io.ReadAll(r.Body)
	body := object{}
	json.Unmarshal(raw, &body)
	f.mu.Lock()
	if r.Method == http.MethodPost {
		f.log = append(f.log, posted{r.URL.Path, body})
	}
	f.mu.Unlock()
	path := r.Method + " " + r.URL.Path
	switch answer := f.answer[path]; {
	case answer != nil:
		status, value = answer(body)
	case path == "GET /hooks/slack/state":
		f.mu.Lock()
		raw, _ := json.Marshal(f.state)
		f.mu.Unlock()
		value = json.RawMessage(raw)
	default:
		value = canned[path]
	}
	if value == nil {
		http.Error(w, "no such hook", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

// serve starts the page over f on a port of its own.
func (f *fake) serve(t testing.TB, gallery string) string {
	t.Helper()
	// From disk, so that -look shows edits after a reload.
	srv := httptest.NewServer(handler(Config{
		Hooks:   f,
		Events:  func() (<-chan struct{}, func()) { return f.pokes, func() {} },
		Gallery: []byte(gallery),
		Speed:   func() float64 { return 60 },
	}, os.DirFS("assets")))
	t.Cleanup(func() {
		srv.CloseClientConnections() // event streams never end by themselves
		srv.Close()
	})
	return srv.URL
}

var acked = object{"acked": true, "ack_ms": 1.2, "response": nil, "error": ""}

// canned are the answers of all hooks but the state.
var canned = map[string]any{
	"POST /hooks/slack/command": acked,
	"POST /hooks/slack/action":  acked,
	"POST /hooks/slack/message": object{"ok": true},
	"POST /hooks/slack/mention": acked,
	"POST /hooks/slack/home":    acked,
	"POST /hooks/slack/close":   acked,
	"POST /hooks/slack/submit":  object{"acked": true, "ack_ms": 2.0, "response_action": "", "errors": nil, "view": nil, "error": ""},
	"POST /hooks/slack/options": object{"options": []any{
		object{"text": "cache-prod", "value": "51423"}, object{"text": "orders-prod", "value": "51424"}}},
	"GET /hooks/slack/people": object{
		"people": []any{
			object{"id": "U0ANN", "name": "ann", "real_name": "Ann Lee", "title": "Engineer", "groups": []any{}},
			object{"id": "U0BOB", "name": "bob", "real_name": "Bob Stone", "title": "Database team", "groups": []any{"dba"}},
			object{"id": "U0CAROL", "name": "carol", "real_name": "Carol Diaz", "title": "Database team", "groups": []any{"dba"}},
			object{"id": "U0DAN", "name": "dan", "real_name": "Dan Moss", "title": "On call", "groups": []any{"oncall"}},
			object{"id": "U0EVE", "name": "eve", "real_name": "Eve Park", "title": "Engineer", "groups": []any{}},
			object{"id": "U0GUEST", "name": "guest", "real_name": "Gus Guest", "title": "Guest", "groups": []any{}}},
		"channels": []any{object{"id": "C0REDISOPS", "name": "redis-ops"}},
		"bot":      object{"id": "UBOT", "name": "redis-upgrade"},
		"groups":   []any{object{"id": "S0DBA", "handle": "dba"}, object{"id": "S0ONCALL", "handle": "oncall"}},
	},
}

// hostile is a text that must stay text wherever it is drawn.
const hostile = `<img src=x onerror="window.pwned=1"><script>window.pwned=2</script>&lt;b&gt;" onmouseover="window.pwned=3`

// hostileEverywhere replaces every text of a JSON value by the hostile one.
func hostileEverywhere(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = hostileEverywhere(v[k], k)
		}
		return v
	case []any:
		for i := range v {
			v[i] = hostileEverywhere(v[i], key)
		}
		return v
	case string:
		if strings.Contains(" text alt_text url image_url name user_id ", " "+key+" ") {
			return hostile
		}
	}
	return v
}

const cannedGallery = `[{"name":"Proposed","note":"waiting for an approver","kind":"message","blocks":[
	{"type":"section","block_id":"a","text":{"type":"mrkdwn","text":"*cache-prod* 7.2 → 7.4"}},
	{"type":"actions","block_id":"b","elements":[{"type":"button","action_id":"approve","style":"primary","text":{"type":"plain_text","text":"Approve"}}]}]},
	{"name":"Request form","note":"what /redis-upgrade opens","kind":"modal","view":{"type":"modal","title":{"type":"plain_text","text":"Upgrade"},"submit":{"type":"plain_text","text":"Propose"},
	"blocks":[{"type":"input","block_id":"why","label":{"type":"plain_text","text":"Why"},"element":{"type":"plain_text_input","action_id":"why"}}]}},
	{"name":"Home","kind":"home","view":{"type":"home","blocks":[{"type":"header","text":{"type":"plain_text","text":"Upgrades"}}]}}]`
