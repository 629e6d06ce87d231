package upgrade

import (
	"strings"
	"testing"
	"time"
)

// Redis Cloud answers nothing but errors, or not at all: whoever looks at the card
// knows within half a minute, whatever the session was doing, and nobody keeps a
// place meanwhile. When it is back, so is the work.
func TestACardSaysSoonThatRedisCloudIsAway(t *testing.T) {
	for _, fault := range []string{"error_503", "error_500", "slow 60s"} {
		for _, state := range []State{BackingUp, Upgrading} {
			t.Run(fault+" while "+string(state), func(t *testing.T) {
				bubble(t, shop(), func(t *testing.T, w *world) {
					s := w.approve(w.propose("cache", "7.4"), bob)
					w.until(s.ID, "the call", func(s Session) bool { return s.State == state && s.Call != nil && s.Call.Phase == Sent })
					name, match, _ := strings.Cut(fault, " ")
					w.fault(name, -1, strings.TrimSpace("GET "+match))
					began := time.Now()
					w.until(s.ID, "trouble on the card", func(s Session) bool { return s.Progress.Trouble })
					if took := time.Since(began); took > 30*time.Second {
						t.Errorf("said after %s", took)
					}
					w.fault("none", 0, "")
					w.wantEnd(s.ID, Done)
				}, closely)
			})
		}
	}
}

// A store whose last heartbeat is old may be an older copy of what was: nothing new
// is sent until on-call resumes. An outage of a running replica is no such case.
func TestAStoreThatWasSilentStartsPaused(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		s := w.approve(w.propose("cache", "7.4", func(r *Request) { r.NotBefore = time.Now().Add(30 * time.Minute) }), bob)
		w.engine().kill()
		time.Sleep(5 * time.Minute)
		w.engine()
		time.Sleep(time.Minute)
		if by := w.engine().PausedBy(w.ctx); by != "" {
			t.Errorf("after five minutes: paused by %q", by)
		}
		w.engine().kill()
		time.Sleep(11 * time.Minute)
		w.engine()
		time.Sleep(20 * time.Minute)
		if by := w.engine().PausedBy(w.ctx); by != PausedBySilence {
			t.Errorf("after eleven minutes: paused by %q", by)
		}
		s = w.until(s.ID, "the reason on the card", func(s Session) bool { return strings.Contains(s.Progress.Text, "older copy") })
		if n := w.calls("POST", "/backup"); n != 0 {
			t.Errorf("%d backups were begun", n)
		}
		w.nil(w.engine().Pause(w.ctx, dan, false))
		w.wantEnd(s.ID, Done)
	}, func(w *world) { w.named = true })
}
