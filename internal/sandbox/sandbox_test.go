package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/memnet"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// start runs a sandbox on a free port until the test ends.
func start(t *testing.T, c Config) *Sandbox {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	if c.Log == nil {
		c.Log = quiet()
	}
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("the sandbox broke: %v", err)
		}
	})
	return s
}

// ask drives a path and decodes the answer.
func ask(t *testing.T, method, url, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	raw, _ := io.ReadAll(resp.Body)
	_ = json.Unmarshal(raw, &out) // lists stay nil
	return resp.StatusCode, out
}

func TestOneAddressServesEverything(t *testing.T) {
	s := start(t, Config{NoBot: true})
	for path, want := range map[string]int{
		"/": 200, "/assets/main.js": 200, "/slack/api/api.test": 200, "/cloud/v1/": 401,
		"/hooks/slack/state?user=ann": 200, "/hooks/cloud/ledger": 200, "/hooks/clock": 200, "/nowhere": 404,
	} {
		if got, body := ask(t, "GET", s.URL()+path, ""); got != want {
			t.Errorf("GET %s: %d, want %d: %v", path, got, want, body)
		}
	}
}

func TestEveryListedHookExists(t *testing.T) {
	s := start(t, Config{NoBot: true})
	for _, l := range hookLines() {
		method, path, _ := strings.Cut(l.Hook, " ")
		if code, body := ask(t, method, s.URL()+path, ""); code == http.StatusNotFound && body["hooks"] != nil || code == http.StatusMethodNotAllowed {
			t.Errorf("%s: %d %v", l.Hook, code, body)
		}
	}
}

func TestAnUnknownHookListsThoseThatExist(t *testing.T) {
	s := start(t, Config{NoBot: true})
	for _, path := range []string{"/hooks/", "/hooks/nothing", "/hooks/slack/nothing", "/hooks/cloud/nothing"} {
		code, body := ask(t, "GET", s.URL()+path, "")
		if list, _ := body["hooks"].([]any); code != 404 || len(list) != len(hookLines()) {
			t.Errorf("GET %s: %d %v", path, code, body)
		}
	}
}

func TestTheClockJumpsAndChangesItsSpeed(t *testing.T) {
	s := start(t, Config{NoBot: true})
	clock := s.URL() + "/hooks/clock"
	for _, body := range []string{`{"advance":"9h"}`, `{"advance":1800,"speed":50}`} {
		if code, out := ask(t, "POST", clock, body); code != 200 {
			t.Fatalf("POST %s: %d %v", body, code, out)
		}
	}
	_, out := ask(t, "GET", clock, "")
	if out["offset"] != "9h30m0s" || out["speed"] != 50.0 {
		t.Errorf("the clock shows %v", out)
	}
	if ahead := time.Until(s.clock.Now()); ahead < 9*time.Hour {
		t.Errorf("it is only %s ahead", ahead)
	}
	for _, bad := range []string{``, `[]`, `{"advance":"-1h"}`, `{"advance":"soon"}`, `{"advance":"900000h"}`, `{"speed":0}`, `{"speed":1e9}`, `{"advnace":"1h"}`} {
		if code, out := ask(t, "POST", clock, bad); code != 400 || out["error"] == "" {
			t.Errorf("POST %s: %d %v", bad, code, out)
		}
	}
}

func TestTheMemoryRedisFollowsTheClock(t *testing.T) {
	s := start(t, Config{NoBot: true})
	o, err := redis.ParseURL(s.memory.url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(o)
	defer rdb.Close()
	ctx := t.Context()
	serverTime := func() time.Time {
		t.Helper()
		seconds, err := rdb.Eval(ctx, `return tonumber(redis.call('TIME')[1])`, nil).Int64()
		if err != nil {
			t.Fatal(err)
		}
		return time.Unix(seconds, 0)
	}
	if off := time.Since(serverTime()); off > 5*time.Second || off < -5*time.Second {
		t.Errorf("before any jump it is %s off", off)
	}
	rdb.Set(ctx, "short", "x", time.Hour)
	ask(t, "POST", s.URL()+"/hooks/clock", `{"advance":"2h"}`)
	if ahead := time.Until(serverTime()); ahead < 119*time.Minute {
		t.Errorf("after a jump of 2h it is only %s ahead", ahead)
	}
	if n := rdb.Exists(ctx, "short").Val(); n != 0 {
		t.Error("a key with an hour to live is still there after two")
	}
}

func TestHooksWaitForTheBot(t *testing.T) {
	s, err := New(Config{Listen: "127.0.0.1:0", Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go s.Run(ctx)
	defer func() { cancel(); <-s.done }()
	deadline := time.Now().Add(20 * time.Second)
	for {
		code, body := ask(t, "GET", s.URL()+"/hooks/cloud/ledger", "")
		if code == 200 {
			return
		}
		if text, _ := body["error"].(string); code != 503 || !strings.Contains(text, "starting") {
			t.Fatalf("while the bot starts: %d %v", code, body)
		}
		if code, _ := ask(t, "GET", s.URL()+"/", ""); code != 200 {
			t.Fatalf("the page: %d", code)
		}
		if time.Now().After(deadline) {
			t.Fatal("the bot never became ready")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestASandboxRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lis := memnet.Listen()
		s, err := Start(t.Context(), Config{NoBot: true, Speed: 1, Log: quiet(), Listener: lis, Dial: lis.Dial})
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{DialContext: lis.Dial}}
		resp, err := client.Get(s.URL() + "/hooks/cloud/databases")
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(raw), "cache-prod") {
			t.Errorf("databases: %s", raw)
		}
		client.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestAStartWarnsOfNothing: a newcomer's first look is at a quiet terminal.
func TestAStartWarnsOfNothing(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	s, err := Start(t.Context(), Config{Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(locked{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if log.Len() > 0 {
		t.Errorf("it says:\n%s", &log)
	}
}

// locked is a writer for several goroutines.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// TestItEndsWhilePeopleWatch: neither an open page nor a bot at work holds it up.
func TestItEndsWhilePeopleWatch(t *testing.T) {
	s, err := Start(t.Context(), Config{Listen: "127.0.0.1:0", Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := http.Get(s.URL() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	ask(t, "POST", s.URL()+"/hooks/slack/command", `{"user":"ann","channel":"redis-ops","text":"cache-prod"}`)
	ended := make(chan error, 1)
	go func() { ended <- s.Close() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it still runs 10 s later")
	}
	if _, err := http.Get(s.URL()); err == nil {
		t.Error("it still answers")
	}
}

// TestClockPokesThePage: a jump of the clock changes what the page shows.
func TestClockPokesThePage(t *testing.T) {
	s := start(t, Config{NoBot: true})
	pokes, leave := s.events()
	defer leave()
	ask(t, "POST", s.URL()+"/hooks/clock", `{"advance":"1m"}`)
	select {
	case <-pokes:
	case <-time.After(10 * time.Second):
		t.Error("nothing was poked")
	}
}
