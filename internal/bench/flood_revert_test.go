package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/bot"
	"github.com/redis-upgrade/bot/internal/sandbox"
	"github.com/redis-upgrade/bot/internal/sandbox/scenario"
)

// revertTalk is a whole revert up to the last approval of its delete.
const revertTalk = `
ann asks for cache-prod on 8.2, because "Need the new hash commands"
bob clicks "Approve"
the thread says "Version 8.2 confirmed"
dan asks for the revert of cache-prod with its newest backup, because "Clients fail"
bob approves the deletion
carol approves the deletion
`

// BenchmarkFloodRevert measures how long a database is away while a revert restores
// it: from the moment the delete is accepted until clients can connect again. First
// calm, then while one person types a command about another database three times a
// second, with the limits of production and one replica.
func BenchmarkFloodRevert(b *testing.B) {
	calm, _, _ := revertTime(b, false)
	flooded, typed, lost := revertTime(b, true)
	b.ReportMetric(calm.Seconds(), "calm-s")
	b.ReportMetric(flooded.Seconds(), "flooded-s")
	b.ReportMetric(ratio(flooded, calm), "ratio")
	b.ReportMetric(float64(typed), "commands")
	b.ReportMetric(float64(lost), "commands-unacknowledged")
	b.ReportMetric(0, "ns/op")
}

func revertTime(b *testing.B, flooded bool) (took time.Duration, typed, lost int64) {
	b.Helper()
	s, err := sandbox.Start(b.Context(), sandbox.Config{
		Listen: "127.0.0.1:0", Speed: 60, Databases: 100, Log: silent,
		Adjust: func(c *bot.Config) {
			c.RateWindow, c.PollInterval, c.StatusInterval, c.SettleGrace = time.Minute, 2*time.Second, 20*time.Second, 5*time.Second
			c.ApprovalsRequired, c.Soak = 1, time.Second
		},
	})
	must(b, err)
	defer s.Close()
	before := theDatabase(b, s)
	talk, err := scenario.Parse("revert", revertTalk)
	must(b, err)
	p := scenario.Player{URL: s.URL(), Log: func(string, ...any) {}, Patience: 4 * time.Minute}
	must(b, p.Play(b.Context(), talk))
	stop := func() (int64, int64) { return 0, 0 }
	if flooded {
		stop = floodSandbox(b, s)
	}
	eventually(b, "the delete", 4*time.Minute, func() bool {
		var calls []struct {
			Method   string
			Resource int `json:"resource_id"`
		}
		get(b, s.URL()+"/hooks/cloud/ledger", &calls)
		for _, c := range calls {
			if c.Method == http.MethodDelete && c.Resource == before.ID {
				return true
			}
		}
		return false
	})
	began := time.Now()
	eventually(b, "the database", 10*time.Minute, func() bool {
		d := theDatabase(b, s)
		return d.ID != before.ID && d.Digest == before.Digest && d.Open
	})
	took = time.Since(began)
	typed, lost = stop()
	return took, typed, lost
}

type emulated struct {
	ID           int
	Name, Digest string
	Open         bool
}

func theDatabase(b *testing.B, s *sandbox.Sandbox) emulated {
	b.Helper()
	var all []emulated
	get(b, s.URL()+"/hooks/cloud/databases", &all)
	for _, d := range all {
		if d.Name == "cache-prod" {
			return d
		}
	}
	return emulated{}
}

// floodSandbox types three commands a second in ann's name until stop.
func floodSandbox(b *testing.B, s *sandbox.Sandbox) (stop func() (typed, lost int64)) {
	var typed, lost atomic.Int64
	var answers sync.WaitGroup
	stopTyping := repeat(time.Second/3, func() {
		body := fmt.Appendf(nil, `{"user":"ann","channel":"redis-ops","text":"gen-%03d"}`, 1+typed.Add(1)%100)
		answers.Go(func() {
			var a acked
			resp, err := http.Post(s.URL()+"/hooks/slack/command", "application/json", bytes.NewReader(body))
			if err == nil {
				err = json.NewDecoder(resp.Body).Decode(&a)
				resp.Body.Close()
			}
			if err != nil || !a.Acked {
				lost.Add(1)
			}
		})
	})
	return func() (int64, int64) { stopTyping(); answers.Wait(); return typed.Load(), lost.Load() }
}

func get(b *testing.B, url string, into any) {
	b.Helper()
	resp, err := http.Get(url)
	must(b, err)
	defer resp.Body.Close()
	must(b, json.NewDecoder(resp.Body).Decode(into))
}
