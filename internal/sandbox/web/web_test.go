package web

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func get(t *testing.T, h http.Handler, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Result()
}

func TestHandlerServesThePage(t *testing.T) {
	h := Handler(Config{Hooks: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hook "+r.URL.Path) })})
	for _, row := range []struct {
		path, kind, begins string
		status             int
	}{
		{"/", "text/html; charset=utf-8", "<!doctype html>", 200},
		{"/assets/main.js", "text/javascript; charset=utf-8", "//", 200},
		{"/assets/base.css", "text/css; charset=utf-8", "/*", 200},
		{"/assets/icons.svg", "image/svg+xml", "<svg", 200},
		{"/assets/gallery.json", "application/json", "[]", 200},
		{"/hooks/slack/people", "", "hook /hooks/slack/people", 200},
		{"/archives/C1/p1790000300000200?thread_ts=1790000300.000200", "text/html; charset=utf-8", `<a href="/#area=chat&amp;room=C1&amp;thread=1790000300.000200">`, 302},
		{"/elsewhere", "text/plain; charset=utf-8", "404", 404},
		{"/assets/../web.go", "", "", 307},
	} {
		res := get(t, h, row.path)
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != row.status || !strings.HasPrefix(string(body), row.begins) {
			t.Errorf("GET %s = %d %.20q, want %d %q…", row.path, res.StatusCode, body, row.status, row.begins)
		}
		if kind := res.Header.Get("Content-Type"); row.kind != "" && kind != row.kind {
			t.Errorf("GET %s is %q, want %q", row.path, kind, row.kind)
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'") {
			t.Errorf("GET %s has the policy %q, want one that forbids foreign scripts", row.path, csp)
		}
	}
}

// TestNothingFromElsewhere keeps the page free of foreign files and of the
// calls that make markup out of text.
func TestNothingFromElsewhere(t *testing.T) {
	entries, err := assets.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := assets.ReadFile("assets/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		for _, word := range []string{".innerHTML", ".outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "@import", "url(http", "from 'http", `src="http`, `href="http`} {
			if strings.Contains(text, word) {
				t.Errorf("assets/%s holds %q", e.Name(), word)
			}
		}
		if n := strings.Count(text, "\n"); n > 500 {
			t.Errorf("assets/%s has %d lines: split it", e.Name(), n)
		}
	}
}

// listen opens /events over in-memory pipes and answers a reader of event
// names; an empty name means that the stream ended.
func listen(t *testing.T, c Config) (next func() string, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		Handler(c).ServeHTTP(&pipeWriter{w, http.Header{}}, httptest.NewRequest(http.MethodGet, "/events", nil).WithContext(ctx))
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	next = func() string {
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				lines.Scan() // data
				return name + " " + lines.Text()
			}
		}
		return ""
	}
	return next, func() {
		cancel()
		r.Close()
		<-done
	}
}

type pipeWriter struct {
	io.Writer
	header http.Header
}

func (p *pipeWriter) Header() http.Header { return p.header }
func (p *pipeWriter) WriteHeader(int)     {}
func (p *pipeWriter) Flush()              {}

func TestEventsAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pokes, ended := make(chan struct{}), false
		next, leave := listen(t, Config{
			Events: func() (<-chan struct{}, func()) { return pokes, func() { ended = true } },
			Speed:  func() float64 { return 2.5 },
		})
		if got, want := next(), `state data: {"speed":2.5}`; got != want {
			t.Fatalf("first event = %q, want %q", got, want)
		}
		begin := time.Now()
		go func() { // 1000 changes in a second
			for range 1000 {
				pokes <- struct{}{}
				time.Sleep(time.Millisecond)
			}
		}()
		n := 0
		for time.Since(begin) < time.Second {
			if name := next(); !strings.HasPrefix(name, "state ") {
				t.Fatalf("event %d = %q, want a state event", n, name)
			}
			n++
		}
		if n < 8 || n > 12 {
			t.Errorf("1000 changes in a second made %d events, want about 10", n)
		}
		next() // the last change is told, too
		quiet := time.Now()
		if name := next(); !strings.HasPrefix(name, "beat ") || time.Since(quiet) < heartbeat-time.Second {
			t.Errorf("after %v of silence came %q, want a beat after %v", time.Since(quiet), name, heartbeat)
		}
		leave()
		if !ended {
			t.Error("the subscription was not ended")
		}
	})
}

func TestEventsEndWithTheSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pokes := make(chan struct{})
		next, leave := listen(t, Config{Events: func() (<-chan struct{}, func()) { return pokes, func() {} }})
		defer leave()
		next()
		close(pokes)
		if got := next(); got != "" {
			t.Errorf("after the end came %q", got)
		}
	})
}
