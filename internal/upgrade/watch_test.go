package upgrade

import (
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// reads counts GETs of the database itself in the log.
func (w *world) reads(d fleetDB) int {
	return strings.Count(w.log.String(), "method=GET path="+d.path()+" ")
}

// Watching costs no calls of its own while the shared index says that all is
// well; what looks unusual is read from Redis Cloud.
func TestWatchingIsCheap(t *testing.T) {
	long := func(w *world) { w.cfg.Soak = 2 * time.Hour }
	t.Run("a fresh index is believed, but not for the last look", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.untilState(s.ID, Soaking)
			time.Sleep(time.Minute)
			before := w.reads(w.find("cache"))
			for !w.load(s.ID).Ended {
				w.storeIs(cloud.Ref{}) // the index is read anew
				time.Sleep(5 * time.Minute)
			}
			if n := w.reads(w.find("cache")) - before; n == 0 || n > 3 {
				t.Errorf("the database was read %d times in two hours", n)
			}
			w.wantEnd(s.ID, Done)
		}, long)
	})
	t.Run("an old index is not", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.untilState(s.ID, Soaking)
			w.storeIs(cloud.Ref{})
			w.console("cache", map[string]any{"redis_version": "7.2"})
			begin := time.Now()
			w.wantEnd(s.ID, Failed)
			if time.Since(begin) > time.Hour {
				t.Errorf("it took %s to notice", time.Since(begin))
			}
		}, long)
	})
}
