package upgrade

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// behind is a revert that has just deleted its database, and whose replica is gone.
func (w *world) behind() Session {
	w.t.Helper()
	r := w.agreed(w.asked("cache", w.upgraded("cache", "7.4")))
	w.until(r.ID, "the delete", func(s Session) bool {
		return s.State == Deleting && s.Call != nil && s.Call.Key == callDelete && s.Call.Phase == Sent
	})
	w.engine().kill()
	return r
}

// Past the delete nothing that this replica's configuration forbids ends a revert:
// it waits, on-call is called at once, and the addresses are named.
func TestAConfigurationThatForbidsWaits(t *testing.T) {
	for sentence, forbid := range map[string]func(*world){
		"MODE":                func(w *world) { w.cfg.Mode = ModeUpgrade },
		"MODE=observe":        func(w *world) { w.cfg.Mode = ModeObserve },
		"ALLOW_SUBSCRIPTIONS": func(w *world) { w.cfg.Allow = []int{1} },
		"SEAL_KEY":            func(w *world) { w.seal = "another key" },
	} {
		t.Run(sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				keys := w.keys("cache")
				r, was := w.behind(), w.cfg
				forbid(w)
				begin := time.Now()
				r = w.until(r.ID, "a word of it", func(s Session) bool { return s.Revert.Told != "" || s.Ended })
				if r.Ended || time.Since(begin) > 10*time.Minute || !strings.Contains(r.Revert.Told, "Source IPs before access was blocked: 10.0.0.0/8, 192.168.1.0/24.") {
					t.Fatalf("after %s: %s\n%s", time.Since(begin), describe(r), w.said(r.ID))
				}
				r = w.until(r.ID, "the card", func(s Session) bool { return s.Progress.Trouble || s.Ended })
				if n := strings.Count(w.said(r.ID), r.Revert.Told); n != 1 {
					t.Errorf("said %d times", n)
				}
				time.Sleep(20 * time.Minute)
				w.engine().kill()
				w.cfg, w.seal = was, ""
				w.wantEnd(r.ID, Done)
				if diff := cmp.Diff(keys, w.keys("cache")); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
	t.Run("for the hour; then the end names the addresses", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			r := w.behind()
			w.cfg.Mode = ModeUpgrade
			r = w.wantEnd(r.ID, Failed)
			if !strings.Contains(r.Problem, "10.0.0.0/8, 192.168.1.0/24") || r.Revert.Was.Password == "" {
				t.Error(r.Problem)
			}
		})
	})
	t.Run("another SEAL_KEY: for longer than the hour", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			r := w.behind()
			w.seal = "another key"
			w.tick = time.Minute
			w.engine()
			time.Sleep(5 * time.Hour)
			if s := w.load(r.ID); s.Ended || s.Revert.Was.Password == "" {
				t.Fatal(describe(s))
			}
			w.engine().kill()
			w.seal = ""
			w.wantEnd(r.ID, Done)
		})
	})
	t.Run("before the delete: client access waits for it too", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			r := w.agreed(w.asked("cache", w.upgraded("cache", "7.4")))
			w.untilState(r.ID, Saving)
			w.must(func(e *replica) (Session, error) { return e.Cancel(w.ctx, r.ID, ann) })
			w.engine().kill()
			was := w.cfg
			w.cfg.Mode = ModeObserve
			r = w.until(r.ID, "a word of it", func(s Session) bool { return s.Revert.Told != "" || s.Ended })
			w.engine().kill()
			w.cfg = was
			w.wantEnd(r.ID, Cancelled)
			if !slices.Equal(w.find("cache").SourceIPs, []string{"10.0.0.0/8", "192.168.1.0/24"}) {
				t.Error(w.find("cache").SourceIPs)
			}
		})
	})
}

// Only what was read back is said of blocked access, and who says the rest.
func TestBlockedAccessSaysWhatWasRead(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		bubbleOf := func(t *testing.T, w *world) {
			r := w.asked("cache", w.upgraded("cache", "7.4"))
			w.approve(r, bob)
			r = w.must(func(e *replica) (Session, error) {
				return e.Approve(w.ctx, Click{Session: r.ID, By: dan, Typed: r.ConfirmText(), WritersStopped: stopped})
			})
			w.wantEnd(r.ID, Done)
			said := w.said(r.ID)
			for part, want := range map[string]bool{
				"the source IPs read 127.0.0.1/32. Connections that are established may continue.": true,
				"Writers have stopped, says dan.":                                                  stopped,
				"Nobody said that writers have stopped":                                            !stopped,
				"no application can connect":                                                       false,
			} {
				if strings.Contains(said, part) != want {
					t.Errorf("stopped %v: says %q: %v\n%s", stopped, part, !want, said)
				}
			}
		}
		t.Run(map[bool]string{true: "somebody ticked", false: "nobody ticked"}[stopped], func(t *testing.T) { bubble(t, shop(), bubbleOf) })
	}
}
