package upgrade

import (
	"strings"
	"testing"
	"time"
)

func TestBackupsThatFail(t *testing.T) {
	t.Run("a failed backup blocks, names why, and can be tried again", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("backup_no_permission", 2, "")
			s := w.approve(w.propose("cache", "7.4"), bob)
			s = w.untilState(s.ID, Blocked)
			if !strings.Contains(s.Problem, "no-permission") || w.calls("POST", "/upgrade") != 0 {
				t.Error(s.Problem)
			}
			recheck := func(e *replica) (Session, error) { return e.Recheck(w.ctx, s.ID, ann) }
			w.must(recheck)
			begin := time.Now()
			s = w.untilState(s.ID, Blocked) // the second failure reads like the first
			if time.Since(begin) > 10*time.Minute {
				t.Errorf("the second failure took %s to be noticed", time.Since(begin))
			}
			w.must(recheck)
			w.wantEnd(s.ID, Done)
			if w.calls("POST", "/backup") != 3 {
				t.Errorf("%d backups", w.calls("POST", "/backup"))
			}
		}, closely)
	})
	t.Run("a second failure that nobody saw begin is noticed in the end", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("backup_no_permission", 2, "")
			s := w.approve(w.propose("cache", "7.4"), bob)
			s = w.untilState(s.ID, Blocked)
			w.must(func(e *replica) (Session, error) { return e.Recheck(w.ctx, s.ID, ann) })
			w.until(s.ID, "the second backup", func(s Session) bool { return s.Call != nil && s.Call.Phase == Sent })
			w.engine().kill()
			time.Sleep(20 * time.Minute)
			w.untilState(s.ID, Blocked)
		})
	})
	t.Run("a database deleted while its backup runs", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.until(s.ID, "a running backup", func(s Session) bool { return s.Call != nil && s.Call.Phase == Sent })
			w.console("cache", map[string]any{"delete": true})
			s = w.untilState(s.ID, Blocked)
			if !strings.Contains(s.Problem, "no longer exists") {
				t.Error(s.Problem)
			}
		})
	})
	t.Run("backups switched off while it waits for its turn", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.untilState(s.ID, BackingUp)
			w.console("cache", map[string]any{"backup_path": ""})
			s = w.untilState(s.ID, Blocked)
			if !strings.Contains(s.Problem, "backup is off") && !strings.Contains(s.Problem, "did not succeed") {
				t.Error(s.Problem)
			}
		})
	})
}

func TestUpgradesThatFail(t *testing.T) {
	for _, row := range []struct {
		sentence string
		fault    func(w *world)
		end      State
		says     string
	}{
		{"Redis Cloud ends it as failed", func(w *world) { w.fault("upgrade_failed", 1, "") }, Failed, "reports the upgrade to 7.4 as failed"},
		{"a code that may pass is tried again", func(w *world) { w.fault("subscription_busy", 2, "/upgrade") }, Done, ""},
		{"maintenance is waited for", func(w *world) { w.fault("maintenance", 2, "/upgrade") }, Done, ""},
		{"a final code is not", func(w *world) { w.fault("task_error", 1, "/upgrade") }, Failed, "Redis Cloud refused the upgrade: task failed: GENERAL_ERROR"},
		{"too many requests are waited for", func(w *world) { w.fault("rate_limit", 3, "/upgrade") }, Done, ""},
		{"a conflict is an answer", func(w *world) { w.fault("conflict_409", 1, "POST") }, Blocked, "Conflict"},
		{"a missing permission is named", func(w *world) { w.fault("forbidden_403", 1, "POST") }, Blocked, "permission to change"},
		{"a code that never passes ends it in time", func(w *world) { w.fault("subscription_busy", -1, "/upgrade") }, Failed, "SUBSCRIPTION_NOT_ACTIVE"},
		{"no answer, yet it happened", func(w *world) { w.fault("drop_after_accept", 2, "POST") }, Done, ""},
		{"no answer, and it did not happen", func(w *world) { w.fault("drop_before_accept", 2, "POST") }, Done, ""},
		{"an error after it happened", func(w *world) { w.fault("error_500_after_accept", 2, "POST") }, Done, ""},
		{"an error, and it did not happen", func(w *world) { w.fault("error_500", 2, "POST") }, Done, ""},
		{"an answer that comes too late", func(w *world) { w.fault("slow", 2, "POST") }, Done, ""},
		{"a queue that stands still", func(w *world) { w.fault("task_stuck", 2, "POST") }, Done, ""},
		{"an upgrade that recovers", func(w *world) { w.fault("upgrade_recovery_pending", 1, "") }, Done, ""},
		{"an upgrade status that is not there", func(w *world) { w.fault("upgrade_status_404", -1, "") }, Done, ""},
		{"a task that is not known for long", func(w *world) { w.fault("task_404", 20, "") }, Done, ""},
		{"errors as strings", func(w *world) { w.fault("string_error", -1, ""); w.fault("subscription_busy", 1, "/upgrade") }, Done, ""},
		{"status words nobody knows", func(w *world) { w.fault("unknown_status", 30, "/tasks") }, Done, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				s := w.propose("cache", "7.4")
				row.fault(w)
				w.approve(s, bob)
				s = w.until(s.ID, "an end", func(s Session) bool { return s.Ended || s.State == Blocked || s.Call != nil && s.Call.Phase == Unknown })
				if s.State != row.end || !strings.Contains(s.Problem, row.says) {
					t.Fatalf("want %s, %q: %s\n%s", row.end, row.says, describe(s), tail(w.log.String()))
				}
				done := 0
				for _, c := range w.ledger() {
					if strings.HasSuffix(c.Path, "/upgrade") && c.Outcome == "completed" {
						done++
					}
				}
				if want := map[bool]int{true: 1}[s.State == Done]; done != want && row.sentence != "Redis Cloud ends it as failed" {
					t.Errorf("%d upgrades happened, want %d", done, want)
				}
			})
		})
	}
	for sentence, then := range map[string]func(w *world){
		"the version is another one at once": func(w *world) { w.console("cache", map[string]any{"redis_version": "8.0"}) },
		"the version is the old one again":   func(w *world) { w.console("cache", map[string]any{"redis_version": "7.2"}) },
		"somebody upgrades further": func(w *world) {
			w.hook("POST", "call", map[string]any{"method": "POST", "path": w.find("cache").path() + "/upgrade", "body": map[string]any{"targetRedisVersion": "8.2"}}, nil)
		},
	} {
		t.Run("it is done, and before that is read "+sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				s := w.approve(w.propose("cache", "7.4"), bob)
				w.until(s.ID, "the upgrade call", func(s Session) bool { return s.Call != nil && s.Call.Key == callUpgrade && s.Call.Phase == Sent })
				w.fault("task_404", -1, "/tasks/"+w.load(s.ID).Call.Task)
				w.until(s.ID, "the upgrade", func(Session) bool {
					d := w.find("cache")
					return d.Version == "7.4" && d.SubscriptionStatus == "active"
				})
				then(w)
				time.Sleep(20 * time.Minute)
				w.fault("task_404", 0, "")
				begin := time.Now()
				if s := w.wantEnd(s.ID, Failed); !strings.Contains(s.Problem, "the database reads "+w.find("cache").Version) || time.Since(begin) > 3*time.Hour {
					t.Errorf("after %s: %s", time.Since(begin), s.Problem)
				}
			})
		})
	}
	t.Run("a second failure reads like the first, and is seen", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			w.fault("upgrade_failed", 2, "")
			for _, origin := range []string{"first", "second"} {
				s := w.approve(w.propose("cache", "7.4", func(r *Request) { r.Origin = origin }), bob)
				begin := time.Now()
				w.wantEnd(s.ID, Failed)
				if time.Since(begin) > time.Hour {
					t.Errorf("the %s failure took %s to be noticed", origin, time.Since(begin))
				}
				time.Sleep(time.Minute) // until the subscription is active again
			}
			s := w.approve(w.propose("cache", "7.4", func(r *Request) { r.Origin = "third" }), bob)
			w.wantEnd(s.ID, Done)
		})
	})
	t.Run("a database deleted while it is upgraded", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.until(s.ID, "the upgrade", func(s Session) bool { return s.Progress.Percent > 0 })
			w.console("cache", map[string]any{"delete": true})
			if s := w.wantEnd(s.ID, Failed); !strings.Contains(s.Problem, "no longer exists") {
				t.Error(s.Problem)
			}
		})
	})
	t.Run("a database deleted while it is watched", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.untilState(s.ID, Soaking)
			w.console("cache", map[string]any{"delete": true})
			w.wantEnd(s.ID, Failed)
		})
	})
	t.Run("a version that moves back while it is watched", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "7.4"), bob)
			w.untilState(s.ID, Soaking)
			w.console("cache", map[string]any{"redis_version": "7.2"})
			if s := w.wantEnd(s.ID, Failed); !strings.Contains(s.Problem, "turned to version 7.2") {
				t.Error(s.Problem)
			}
		})
	})
	t.Run("Redis moving on to the next minor is fine where it may", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			s := w.approve(w.propose("cache", "8.2"), bob)
			w.untilState(s.ID, Soaking)
			w.console("cache", map[string]any{"redis_version": "8.4"})
			w.wantEnd(s.ID, Done)
		})
	})
}
