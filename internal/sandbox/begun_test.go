package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/bot"
	"github.com/redis-upgrade/bot/internal/sandbox/scenario"
)

// machine is one bot that can be killed: its connections break, and nothing that it
// does from then on reaches anybody.
type machine struct {
	bot  *bot.Bot
	stop context.CancelFunc
	done chan error

	mu    sync.Mutex // guards the rest
	dead  bool
	conns []net.Conn
}

func boot(t *testing.T, cfg bot.Config, log *slog.Logger) *machine {
	t.Helper()
	m := &machine{done: make(chan error, 1)}
	b, err := bot.New(cfg, bot.Parts{Dial: m.dial, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	m.bot = b
	ctx, cancel := context.WithCancel(context.Background())
	m.stop = cancel
	go func() { m.done <- b.Run(ctx) }()
	t.Cleanup(m.kill)
	return m
}

func (m *machine) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return nil, errors.New("the machine is dead")
	}
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err == nil {
		m.conns = append(m.conns, c)
	}
	return c, err
}

// kill cuts everything off at once, then clears away what is left of the process.
func (m *machine) kill() {
	m.mu.Lock()
	first := !m.dead
	m.dead = true
	for _, c := range m.conns {
		c.Close()
	}
	m.mu.Unlock()
	if m.stop(); first {
		<-m.done
	}
}

// ended reports whether the process has ended by itself, and how.
func (m *machine) ended() (error, bool) {
	select {
	case err := <-m.done:
		m.done <- err
		return err, true
	default:
		return nil, false
	}
}

// until waits for something; a safety net, not a measurement.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// look reads a hook into a value.
func look(t *testing.T, url string, into any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v in %s", url, err, raw)
	}
}

type emulated struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	Version string `json:"redis_version"`
	Status  string `json:"status"`
	Open    bool   `json:"open"`
	Digest  string `json:"digest"`
}

func emulatedDatabase(t *testing.T, s *Sandbox, name string) emulated {
	t.Helper()
	var all []emulated
	look(t, s.URL()+"/hooks/cloud/databases", &all)
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	return emulated{}
}

// deleted reports whether the delete of this database was accepted.
func deleted(t *testing.T, s *Sandbox, id int) bool {
	t.Helper()
	var ledger []struct {
		Method   string
		Resource int `json:"resource_id"`
	}
	look(t, s.URL()+"/hooks/cloud/ledger", &ledger)
	for _, e := range ledger {
		if e.Method == "DELETE" && e.Resource == id {
			return true
		}
	}
	return false
}

// untilApproved is a revert up to the last approval of its delete.
const untilApproved = `
ann asks for cache-prod on 8.2, because "Need the new hash commands"
bob clicks "Approve"
the thread says "Version 8.2 confirmed"
dan asks for the revert of cache-prod with its newest backup, because "Clients fail"
bob approves the deletion
carol approves the deletion
`

// TestARevertPastItsDeleteNeedsNoSlack: from the moment of the delete on Slack
// refuses everything, the replica at work is killed, and a new one starts. The
// database comes back all the same; card, thread and people catch up with Slack.
func TestARevertPastItsDeleteNeedsNoSlack(t *testing.T) {
	for name, bad := range map[string]string{
		"Slack answers 500":     `{"fault":"http_500","times":-1}`,
		"bot token is revoked":  `{"fault":"token_revoked","times":-1,"match":"bot"}`,
		"a scope is taken away": `{"fault":"method_error","times":-1,"error":"missing_scope"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := wanted(scenario.File{}, scenarioSpeed)
			soak := c.Adjust
			c.NoBot, c.Adjust = true, func(b *bot.Config) { soak(b); b.Lease = 2 * time.Second }
			s := start(t, c)
			first := boot(t, s.config, quiet())
			until(t, "the first replica is ready", first.bot.Ready)

			before := emulatedDatabase(t, s, "cache-prod")
			play(t, s, untilApproved)
			until(t, "the delete is accepted", func() bool { return deleted(t, s, before.ID) })
			ask(t, "POST", s.URL()+"/hooks/clock", `{"speed":1}`) // the deletion takes half a minute now
			first.kill()
			if code, out := ask(t, "POST", s.URL()+"/hooks/slack/faults", bad); code != 200 {
				t.Fatalf("switch the fault: %v", out)
			}
			ask(t, "POST", s.URL()+"/hooks/clock", `{"speed":400}`)

			second := boot(t, s.config, slog.New(slog.NewTextHandler(t.Output(), nil)))
			until(t, "the database is back, imported, and open", func() bool {
				d := emulatedDatabase(t, s, "cache-prod")
				return d.ID != before.ID && d.Version == before.Version && d.Digest == before.Digest && d.Open
			})
			if err, ended := second.ended(); ended {
				t.Fatalf("the replica ended by itself: %v", err)
			}
			if second.bot.Ready() {
				t.Error("it is ready without Slack")
			}
			ask(t, "POST", s.URL()+"/hooks/slack/faults", `{"fault":"none"}`)
			play(t, s, `
see the card "Revert cache-prod: 8.2 → 7.2"
the card is "reverted"
the thread says "Deleted"
see the card "Upgrade cache-prod: 7.2 → 8.2"
the card is "reverted"
`)
			until(t, "the replica is ready", second.bot.Ready)
			play(t, s, `
eve: /redis-upgrade status cache-prod
eve is told "cache-prod"
`)
		})
	}
}

// play plays sentences against a sandbox.
func play(t *testing.T, s *Sandbox, text string) {
	t.Helper()
	f, err := scenario.Parse("talk", text)
	if err != nil {
		t.Fatal(err)
	}
	p := scenario.Player{URL: s.URL(), Log: t.Logf, Patience: patience}
	if err := p.Play(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}
