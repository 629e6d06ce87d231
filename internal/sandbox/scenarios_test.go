package sandbox

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-upgrade/bot/internal/bot"
	"github.com/redis-upgrade/bot/internal/sandbox/scenario"
)

// scenarioSpeed lets a conversation of an emulated hour pass in seconds.
const scenarioSpeed = 400

// scenarios lists all files.
func scenarios(t *testing.T) map[string]scenario.File {
	t.Helper()
	dir := os.DirFS("scenario/testdata")
	names, err := filepath.Glob("scenario/testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	out := map[string]scenario.File{}
	for _, name := range names {
		base := filepath.Base(name)
		f, err := scenario.Read(dir, base)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		f.Name = name
		out[strings.TrimSuffix(base, ".txt")] = f
	}
	return out
}

// adjusted is what a file asks of its sandbox.
func adjusted(f scenario.File) func(*bot.Config) {
	return func(b *bot.Config) {
		if f.Approvals > 0 {
			b.ApprovalsRequired = f.Approvals
		}
	}
}

// TestScenarios plays every conversation against a fresh sandbox.
func TestScenarios(t *testing.T) {
	for name, f := range scenarios(t) {
		t.Run(name, func(t *testing.T) {
			s := start(t, Config{Speed: scenarioSpeed, Adjust: adjusted(f)})
			p := scenario.Player{URL: s.URL(), Log: t.Logf}
			if err := p.Play(t.Context(), f); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWholeConversationInABubble runs the whole job, and the way back, at the
// speed of production: an hour and more, in the time that the computing takes.
func TestWholeConversationInABubble(t *testing.T) {
	for _, name := range []string{"upgrade", "revert"} {
		f := scenarios(t)[name]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				pipes := NewPipes()
				s, err := Start(t.Context(), Config{Speed: 1, Log: quiet(), Listener: pipes, Dial: pipes.Dial})
				if err != nil {
					t.Fatal(err)
				}
				client := &http.Client{Transport: &http.Transport{DialContext: pipes.Dial}}
				p := scenario.Player{URL: s.URL(), Client: client, Patience: 3 * time.Hour, Look: time.Second}
				if err := p.Play(t.Context(), f); err != nil {
					t.Error(err)
				}
				t.Logf("%s passed", time.Since(began).Round(time.Second))
				client.CloseIdleConnections()
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
