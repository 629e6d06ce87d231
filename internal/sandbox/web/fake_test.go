package web

import (
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	asked  url.Values                         // guarded by mu; how the state was asked for last
	events int                                // guarded by mu; event streams that were opened
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
		f.asked = r.URL.Query()
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
		Events:  f.subscribe,
		Gallery: []byte(gallery),
		Speed:   func() float64 { return 60 },
	}, os.DirFS("assets")))
	t.Cleanup(func() {
		srv.CloseClientConnections() // event streams never end by themselves
		srv.Close()
	})
	return srv.URL
}

func (f *fake) subscribe() (<-chan struct{}, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events++
	return f.pokes, func() {}
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
