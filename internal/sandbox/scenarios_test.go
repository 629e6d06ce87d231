package sandbox

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-upgrade/bot/internal/bot"
	"github.com/redis-upgrade/bot/internal/memnet"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
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

// wanted is the sandbox that a file asks for.
func wanted(f scenario.File, speed float64) Config {
	c := Config{Speed: speed, Fleet: cloudemu.DefaultFleet()}
	c.Adjust = func(b *bot.Config) {
		b.ApprovalsRequired = max(f.Approvals, 1)
		if speed > 1 {
			b.Soak = 1500 * time.Millisecond // the longest wait, in which nothing happens
		}
	}
	if f.Writers {
		c.Fleet.Subscriptions[0].Databases[0].WritesPerMinute = 6
	}
	return c
}

// TestScenarios plays every conversation against a fresh sandbox.
func TestScenarios(t *testing.T) {
	part := inPart(t, "upgrade and revert alone")
	for name, f := range scenarios(t) {
		if part && name != "upgrade" && name != "revert" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, wanted(f, scenarioSpeed))
			p := scenario.Player{URL: s.URL(), Log: t.Logf, Patience: patience}
			if err := p.Play(t.Context(), f); err != nil {
				t.Error(err)
			}
		})
	}
}

// inPart reports whether only a part of a long test is to run, under the race detector,
// and says which; scripts/test runs it once more, in full.
func inPart(t *testing.T, which string) bool {
	n, _ := strconv.Atoi(os.Getenv("TEST_PART"))
	if n > 1 {
		t.Log("played in part: " + which)
	}
	return n > 1
}

// TestWholeConversationInABubble runs the whole job, and the way back, at the
// speed of production: an hour and more, in the time that the computing takes.
func TestWholeConversationInABubble(t *testing.T) {
	if inPart(t, "not at all; TestScenarios has the same conversations with the race detector") {
		return
	}
	for _, name := range []string{"upgrade", "revert"} {
		f := scenarios(t)[name]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				lis := memnet.Listen()
				c := wanted(f, 1)
				c.Log, c.Listener, c.Dial = quiet(), lis, lis.Dial
				s, err := Start(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				client := &http.Client{Transport: &http.Transport{DialContext: lis.Dial}}
				p := scenario.Player{URL: s.URL(), Client: client, Patience: 3 * time.Hour, Look: 5 * time.Second}
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
