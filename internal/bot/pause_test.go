package bot

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Everybody hears, in the bot's channel, that a pause was forgotten and holds again.
func TestAPauseThatWasForgottenIsTold(t *testing.T) {
	posts := make(chan url.Values, 8)
	slack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(raw))
		posts <- form
		io.WriteString(w, `{"ok":true,"channel":"C0REDISOPS","ts":"1.1"}`)
	}))
	defer slack.Close()
	memory, b := idle(t, "SLACK_API_URL="+slack.URL+"/api/")
	if err := b.store.SetFlag(t.Context(), "pause", "U0DAN"); err != nil {
		t.Fatal(err)
	}
	memory.Del("{redis-upgrade}:flag:pause")
	memory.Del("{redis-upgrade}:flag:pause:receipt")
	if by := b.engine.PausedBy(t.Context()); by != "U0DAN" {
		t.Errorf("paused by %q", by)
	}
	select {
	case p := <-posts:
		if p.Get("channel") != b.cfg.SlackChannel || !strings.Contains(p.Get("text"), "had forgotten that <@U0DAN> paused") {
			t.Errorf("posted %v", p)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is posted")
	}
	b.engine.PausedBy(t.Context())
	select {
	case p := <-posts:
		t.Errorf("posted again: %v", p)
	case <-time.After(50 * time.Millisecond):
	}
}
