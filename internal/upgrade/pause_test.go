package upgrade

import (
	"testing"
	"time"
)

// A failover that forgets a pause lets nothing leave: whoever saw it puts it back.
func TestAForgottenPauseHoldsAllTheSame(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		w.named = true
		s := w.propose("cache", "7.4")
		w.nil(w.engine().Pause(w.ctx, dan, true))
		time.Sleep(time.Minute) // a heartbeat
		w.nil(w.rdb.Del(w.ctx, "{redis-upgrade}:flag:pause", "{redis-upgrade}:flag:pause:receipt").Err())
		w.approve(s, bob)
		time.Sleep(2 * time.Hour)
		if by := w.engine().PausedBy(w.ctx); by != dan.ID {
			t.Errorf("paused by %q", by)
		}
		if n := w.calls("POST", "/backup"); n != 0 {
			t.Errorf("%d backups were taken", n)
		}
		w.nil(w.engine().Pause(w.ctx, dan, false))
		w.wantEnd(s.ID, Done)
	})
}
