package upgrade

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatGoesWrongBeforeTheDelete(t *testing.T) {
	for _, row := range []struct {
		sentence string
		fault    func(w *world)
		says     string
	}{
		{"a corrupt file fails the rehearsal", func(w *world) {
			w.hook("POST", "backup", map[string]any{"uri": w.newest("cache")[0].URI, "set": map[string]any{"corrupt": true}}, nil)
		}, "file-corrupted"},
		{"a missing file fails the rehearsal", func(w *world) {
			w.hook("POST", "backup", map[string]any{"uri": w.newest("cache")[0].URI, "set": map[string]any{"delete": true}}, nil)
		}, "test restore failed"},
		{"a temporary database that cannot be made", func(w *world) { w.fault("create_failed", 1, "") }, "could not be created"},
		{"a temporary database that is refused", func(w *world) { w.fault("task_error", 1, "/databases") }, "could not be created"},
		{"a failed safety backup reopens the door", func(w *world) { w.fault("backup_no_permission", 1, "") }, "The backup of the upgraded data did not succeed"},
		{"a refused close", func(w *world) { w.fault("task_error", 1, "PUT") }, "Client access could not be blocked"},
		{"a refused delete reopens the door", func(w *world) {
			w.fault("task_error", 1, fmt.Sprintf("DELETE /v1/subscriptions/%d/databases/%d", w.find("cache").Subscription, w.find("cache").ID))
		}, "Redis Cloud refused the delete"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				up := w.upgraded("cache", "7.4")
				before, files := w.find("cache"), w.filesOf("cache")
				row.fault(w)
				r := w.must(w.revertOf(up, files))
				r = w.until(r.ID, "the question", func(s Session) bool { return s.State == Proposed || s.Ended })
				if r.State == Proposed {
					w.agreed(r)
				}
				r = w.wantEnd(r.ID, Failed)
				if !strings.Contains(r.Problem, row.says) {
					t.Errorf("problem %q, want %q", r.Problem, row.says)
				}
				if diff := cmp.Diff(before, w.find("cache")); diff != "" {
					t.Errorf("(-before +after):\n%s", diff)
				}
				if got := w.load(up.ID); got.State != Done {
					t.Errorf("the upgrade is %s", got.State)
				}
				time.Sleep(time.Minute)
				for _, p := range slices.Concat(w.checkCloud(up.ID, r.ID), w.checkMemory(up.ID, r.ID)) {
					t.Error(p)
				}
			})
		})
	}
}

func TestTheWorldMovesBeforeTheDelete(t *testing.T) {
	for sentence, row := range map[string]struct {
		change func(w *world)
		says   string
	}{
		"the password is told no more": {func(w *world) { w.fault("no_password", -1, "") }, "does not tell this database's password"},
		"clients begin to need certificates": {func(w *world) {
			w.put("cache", map[string]any{"enableTls": true, "clientTlsCertificates": []any{map[string]any{"publicCertificatePEMString": "PEM"}}})
		}, "would let in who has none"},
	} {
		t.Run(sentence+": nothing is changed", func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				up := w.upgraded("cache", "7.4")
				r := w.asked("cache", up)
				row.change(w)
				w.agreed(r)
				r = w.wantEnd(r.ID, Failed)
				if !strings.Contains(r.Problem, row.says) || w.find("cache").Version != "7.4" || len(w.find("cache").SourceIPs) != 2 {
					t.Error(r.Problem)
				}
			})
		})
	}
	t.Run("somebody opens the door again: nothing is deleted", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.agreed(w.asked("cache", up))
			w.untilState(r.ID, Saving)
			w.console("cache", map[string]any{"source_ips": []string{"10.9.9.9/32"}})
			r = w.wantEnd(r.ID, Failed)
			if !strings.Contains(r.Problem, "Somebody restored client access") || w.find("cache").Version != "7.4" {
				t.Error(r.Problem)
			}
		})
	})
	t.Run("Slack is silent right before the delete: it waits", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.agreed(w.asked("cache", up))
			w.untilState(r.ID, Saving)
			w.roles.silence(errors.New("slack is away"))
			time.Sleep(40 * time.Minute)
			if r = w.load(r.ID); r.State != Deleting || !strings.Contains(r.Progress.Text, "Slack does not say") {
				t.Fatal(describe(r))
			}
			w.roles.silence(nil)
			w.wantEnd(r.ID, Done)
		})
	})
	t.Run("Slack stays silent: the door opens again", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			before := w.find("cache")
			r := w.agreed(w.asked("cache", up))
			w.untilState(r.ID, Saving)
			w.roles.silence(errors.New("slack is away"))
			r = w.wantEnd(r.ID, Failed)
			if !strings.Contains(r.Problem, "no answer from Slack") {
				t.Error(r.Problem)
			}
			if diff := cmp.Diff(before, w.find("cache")); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	})
	t.Run("the database breaks behind its closed door: a named failure", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.agreed(w.asked("cache", up))
			w.until(r.ID, "the safety backup", func(s Session) bool { return s.State == Saving && s.Call != nil && s.Call.Phase == Sent })
			w.console("cache", map[string]any{"status": "error"})
			r = w.wantEnd(r.ID, Failed)
			if !strings.Contains(r.Problem, "could not be restored") || !strings.Contains(r.Problem, "10.0.0.0/8") {
				t.Error(r.Problem)
			}
		})
	})
	t.Run("the version moves after the approval: nothing is changed", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.asked("cache", up)
			w.console("cache", map[string]any{"redis_version": "8.2"})
			w.agreed(r)
			r = w.wantEnd(r.ID, Failed)
			if !strings.Contains(r.Problem, "is on 8.2 now") {
				t.Error(r.Problem)
			}
		})
	})
	t.Run("the database is deleted while the rehearsal runs", func(t *testing.T) {
		bubble(t, shop(), func(t *testing.T, w *world) {
			up := w.upgraded("cache", "7.4")
			r := w.must(w.revertOf(up, w.filesOf("cache")))
			w.until(r.ID, "the import", func(s Session) bool { return s.Call != nil && s.Call.Key == callRehearsalImport })
			w.console("cache", map[string]any{"delete": true})
			r = w.wantEnd(r.ID, Failed)
			if !strings.Contains(r.Problem, "no longer exists") && !strings.Contains(r.Problem, "Not Found") {
				t.Error(r.Problem)
			}
		})
	})
}

// untilVerified waits until the revert has read its new database back.
func (w *world) untilVerified() {
	w.t.Helper()
	w.until(w.running(), "the verified database", func(s Session) bool { return slices.Contains(s.Revert.After, "verified") })
}

// running is the id of the revert that has not ended.
func (w *world) running() string {
	w.t.Helper()
	recs, err := w.store.List(w.ctx, false, 0)
	w.nil(err)
	for _, r := range recs {
		if r.Kind == string(KindRevert) && !r.Ended {
			return r.ID
		}
	}
	w.t.Fatal("no revert is running")
	return ""
}

func TestWhatGoesWrongAfterTheDelete(t *testing.T) {
	for _, row := range []struct {
		sentence string
		fault    func(w *world)
		end      State
		says     string
	}{
		{"the port is still taken for a while", func(w *world) { w.fault("port_taken", 5, "") }, Done, ""},
		{"the create is refused at first", func(w *world) { w.fault("task_error", 3, "/databases") }, Done, ""},
		{"the keys may not create for a while", func(w *world) { w.fault("forbidden_403", 3, "POST /v1/subscriptions") }, Done, ""},
		{"the create is refused for good", func(w *world) { w.fault("task_error", -1, "/databases") }, Failed, "It could not be created again"},
		{"the port never comes back", func(w *world) { w.fault("port_taken", -1, "") }, Failed, "DATABASE_PORT_IS_UNAVAILABLE"},
		{"the create ends badly", func(w *world) { w.fault("create_failed", 1, "") }, Failed, "creation-failed"},
		{"the import ends badly", func(w *world) { w.fault("import_file_corrupted", 1, "") }, Failed, "The import did not succeed"},
		{"the import is accepted and then refused", func(w *world) { w.fault("task_error", 1, "/import") }, Failed, "The import did not succeed"},
		{"the import is refused at once, for a while", func(w *world) {
			w.fault("precondition_412", 3, fmt.Sprintf("POST /v1/subscriptions/%d/databases/", w.find("orders").Subscription))
		}, Done, ""},
		{"the new database breaks before the import", func(w *world) {
			w.until(w.running(), "the new database", func(s Session) bool { return s.State == Importing || s.Ended })
			w.console("cache", map[string]any{"status": "error"})
		}, Failed, "The import cannot start: Redis Cloud shows cache as error"},
		{"the import is busy for a while", func(w *world) { w.fault("subscription_busy", 2, "/import") }, Done, ""},
		{"tags are refused", func(w *world) { w.fault("conflict_409", 1, "/tags") }, Done, "the tags were not put back"},
		{"tags get no answer", func(w *world) { w.fault("drop_after_accept", 2, "/tags") }, Done, ""},
		{"somebody upgrades it before the door opens", func(w *world) {
			w.untilVerified()
			w.console("cache", map[string]any{"redis_version": "7.4"})
		}, Failed, "cache reads 7.4 now"},
		{"somebody deletes it before the door opens", func(w *world) {
			w.untilVerified()
			w.console("cache", map[string]any{"delete": true})
		}, Failed, "Somebody deleted the new database"},
		{"a role is refused", func(w *world) { w.fault("task_error", 1, "/acl/roles") }, Done, "bind the ACL role app"},
		{"the door does not open at first", func(w *world) { w.fault("task_error", 2, "PUT /v1/subscriptions") }, Done, ""},
		{"the door does not open", func(w *world) { w.fault("task_error", -1, "PUT /v1/subscriptions") }, Failed, "The password of the default user could not be put back"},
		{"the door does not open after all", func(w *world) {
			w.until(w.running(), "the password", func(s Session) bool { return slices.Contains(s.Revert.After, "password") || s.Ended })
			w.fault("task_error", -1, "PUT /v1/subscriptions")
		}, Failed, "client access could not be restored"},
		{"a pause in between only waits", func(w *world) {
			w.nil(w.engine().Pause(w.ctx, dan, true))
			time.Sleep(3 * time.Hour)
			w.nil(w.engine().Pause(w.ctx, dan, false))
		}, Done, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				up := w.upgraded("cache", "7.4")
				keys := w.keys("cache")
				r := w.agreed(w.asked("cache", up))
				w.until(r.ID, "the delete", func(s Session) bool { return s.Call != nil && s.Call.Key == callDelete && s.Call.Phase == Sent })
				row.fault(w)
				r = w.wantEnd(r.ID, row.end)
				told := r.Problem + strings.Join(r.Revert.Loose, "\n")
				if !strings.Contains(told, row.says) {
					t.Errorf("told %q, want %q", told, row.says)
				}
				if row.end == Done {
					if diff := cmp.Diff(keys, w.keys("cache")); diff != "" {
						t.Errorf("keys:\n%s", diff)
					}
					if row.says == "" && told != "" {
						t.Errorf("told %q", told)
					}
				} else {
					for _, words := range []string{"The database was deleted at", "Its backup: s3://acme/cache/bk", "Backup of the upgraded data: s3://acme/cache"} {
						if !strings.Contains(r.Problem, words) {
							t.Errorf("the failure does not say %q: %s", words, r.Problem)
						}
					}
					if got := w.load(up.ID); got.State != Failed || !strings.Contains(got.Problem, r.ID) {
						t.Errorf("the upgrade: %s", describe(got))
					}
					broken, err := w.engine().Broken(w.ctx)
					if w.nil(err); len(broken) != 1 || broken[0].ID != r.ID {
						t.Errorf("broken: %v", broken)
					}
					_, no := w.act(func(e *replica) (Session, error) { return e.Cancel(w.ctx, r.ID, dan) })
					w.wantRefusal(no, TooLate, "")
				}
				for _, p := range w.checkMemory(up.ID, r.ID) {
					t.Error(p)
				}
			})
		})
	}
}
