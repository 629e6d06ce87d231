package bot

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// The sessions under a prefix belong to one account and one workspace: whoever
// comes with another one touches nothing, and is told what to do.
func TestAPrefixBelongsToOneAccountAndOneWorkspace(t *testing.T) {
	w, c := newWorld(t)
	ours := w.runs(c)
	ours.ready()

	other, err := New(c, Parts{})
	if err != nil {
		t.Fatal(err)
	}
	w.redis.HSet("{redis-upgrade}:binding", "account", "1")
	if err := other.Run(t.Context()); err == nil || !strings.Contains(err.Error(), `its account is 1, not `) || !strings.Contains(err.Error(), "set another REDIS_PREFIX") {
		t.Errorf("another account: %v", err)
	}
	if other.inventory.Ready() {
		t.Error("it has read the other account's databases into this prefix")
	}

	w.redis.HSet("{redis-upgrade}:binding", "workspace", "T0ELSEWHERE")
	w.redis.HDel("{redis-upgrade}:binding", "account")
	third := w.runs(c)
	third.red("its workspace is T0ELSEWHERE, not T0SANDBOX")
	if _, sockets := third.health.condition(); sockets > 0 {
		t.Error("it takes payloads of the wrong workspace")
	}
	w.redis.HDel("{redis-upgrade}:binding", "workspace")
	third.ready()
	if got := w.redis.HGet("{redis-upgrade}:binding", "workspace"); got != "T0SANDBOX" {
		t.Errorf("bound to %q", got)
	}
}

func TestSubscriptionsThatDoNotExistAreSaid(t *testing.T) {
	w, c := newWorld(t)
	c.AllowSubscriptions = []string{"999999"}
	r := w.runs(c)
	r.counted(`redis_upgrade_degraded{what="allow_subscriptions"} 1`)
	var out bytes.Buffer
	if err := Doctor(t.Context(), c, Parts{}, &out); !errors.Is(err, ErrUnhealthy) || !strings.Contains(out.String(), "MEND  subscriptions     ALLOW_SUBSCRIPTIONS: no subscription has the id 999999") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestTheFirstLineSaysWhatABotMayDo(t *testing.T) {
	_, c := newWorld(t)
	var log bytes.Buffer
	b, err := New(c, Parts{Version: "v1.2.3", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(log.String(), "\n")
	for _, word := range []string{"version=v1.2.3", "mode=upgrade", "subscriptions=all", "channel=C0REDISOPS", "approvers=S0DBA"} {
		if !strings.Contains(first, word) {
			t.Errorf("the first line lacks %s: %s", word, first)
		}
	}
}

// verify opens a session, and reads its journal like an operator does.
func TestVerifyShowsAJournalAndWhatIsWrongWithIt(t *testing.T) {
	w, c := newWorld(t)
	b := replica(t, c)
	r, err := b.store.Advance(t.Context(), session.Move{Record: session.Record{ID: "u-3f7ka2mzq5", Kind: string(upgrade.KindUpgrade), Database: "pro/1/7"},
		Event: string(upgrade.Propose), By: "U0ANN", Note: "because", Body: []byte(`{}`), Due: session.Never, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Verify(t.Context(), c, r.ID, &out); err != nil || !strings.Contains(out.String(), "ok      1  ") || !strings.Contains(out.String(), "– → proposed  by U0ANN") {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := Verify(t.Context(), c, "u-none", &out); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("no such session: %v", err)
	}
	w.redis.HSet("{redis-upgrade}:session:"+r.ID, "state", "approved")
	out.Reset()
	if err := Verify(t.Context(), c, r.ID, &out); !errors.Is(err, session.ErrTampered) {
		t.Errorf("a forged state: %v\n%s", err, &out)
	}
	out.Reset()
	if err := Doctor(t.Context(), c, Parts{}, &out); !errors.Is(err, ErrUnhealthy) || !strings.Contains(out.String(), "MEND  sessions") || !strings.Contains(out.String(), "bot verify "+r.ID) {
		t.Errorf("the doctor: %v\n%s", err, &out)
	}
}

// What has one cause is one line, which names the right variable.
func TestTheDoctorNamesAFaultOnce(t *testing.T) {
	for _, row := range []struct {
		sentence, line string
		spoil          func(*world, *Config)
	}{
		{"no Redis", "MEND  Redis             ", func(w *world, _ *Config) { w.redis.Close() }},
		{"TLS where there is none", "write redis:// in place of rediss://", func(_ *world, c *Config) { c.RedisURL = strings.Replace(c.RedisURL, "redis://", "rediss://", 1) }},
		{"a dead bot token", "MEND  Slack bot token", func(w *world, _ *Config) { w.fault("token_revoked", "bot") }},
		{"wrong keys", "MEND  Redis Cloud keys", func(_ *world, c *Config) { c.RedisCloudAPIKey = "other" }},
	} {
		w, c := newWorld(t)
		row.spoil(w, &c)
		var out bytes.Buffer
		if err := Doctor(t.Context(), c, Parts{}, &out); !errors.Is(err, ErrUnhealthy) {
			t.Errorf("%s: %v", row.sentence, err)
		}
		if n := strings.Count(out.String(), "MEND"); n != 1 || !strings.Contains(out.String(), row.line) {
			t.Errorf("%s: %d faults:\n%s", row.sentence, n, &out)
		}
	}
}

func TestTheLogIsReadable(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(stopping{slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: readable})})
	log.Info("pause", "in", 1500*time.Millisecond)
	log.Error("look", "error", context.Canceled)
	log.With("session", "s").Error("look", "error", errors.Join(errors.New("read"), context.Canceled))
	log.Error("look", "error", context.DeadlineExceeded)
	if got := out.String(); !strings.Contains(got, `"in":"1.5s"`) || strings.Count(got, "look") != 1 || !strings.Contains(got, "deadline") {
		t.Errorf("got %s", got)
	}
}
