package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a name, a port or a task says of a database proves nothing: it is overwritten,
// adopted and deleted only when it has the password that this session drew.

// touched are the accepted requests that changed one database.
func (w *world) touched(id int) (out []string) {
	w.t.Helper()
	for _, c := range w.ledger()[w.ours:] {
		if strings.Contains(c.Path+"/", fmt.Sprintf("/databases/%d/", id)) {
			out = append(out, c.Method+" "+shape(c.Path))
		}
	}
	return out
}

func TestADatabaseOfSomebodyElseIsNotAdopted(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		up := w.upgraded("cache", "7.4")
		r := w.asked("cache", up)
		w.fault("foreign_create", 1, "")
		w.agreed(r)
		r = w.until(r.ID, "a question or an end", func(s Session) bool { return s.Ended || s.Call != nil && s.Call.Phase == Unknown })
		theirs := w.find("cache")
		if theirs.ID == 0 || theirs.Version == "7.2" {
			t.Fatalf("nobody created anything: %+v", theirs)
		}
		if got := w.touched(theirs.ID); len(got) > 0 {
			t.Errorf("changed somebody's database: %q", got)
		}
		if r.Ended || !strings.Contains(r.Call.Seen, fmt.Sprint(theirs.ID)) || strings.Contains(w.said(r.ID), "Created on") {
			t.Errorf("%s, seen %q", describe(r), r.Call.Seen)
		}
		// People remove it and say that the create did not happen: it is created.
		w.hook("POST", "database", map[string]any{"name": "cache", "set": map[string]any{"delete": true}}, nil)
		time.Sleep(10 * time.Minute)
		w.must(func(e *replica) (Session, error) { return e.Settle(w.ctx, Click{Session: r.ID, By: dan}, false) })
		r = w.wantEnd(r.ID, Done)
		if db := w.find("cache"); db.Version != "7.2" || db.ID == theirs.ID {
			t.Errorf("in the end %+v", db)
		}
	})
}

func TestATaskThatNamesAnotherDatabaseIsNotBelieved(t *testing.T) {
	for _, row := range []struct {
		sentence string
		at       State
	}{{"of the test restore", ""}, {"of the revert", Proposed}} {
		t.Run(row.sentence, func(t *testing.T) {
			bubble(t, shop(), func(t *testing.T, w *world) {
				orders, keys := w.find("orders"), w.keys("cache")
				up := w.upgraded("cache", "7.4")
				if row.at == "" {
					w.fault("wrong_resource", 1, "/databases "+fmt.Sprint(orders.ID))
				}
				r := w.asked("cache", up)
				if row.at != "" {
					w.fault("wrong_resource", 1, "/databases "+fmt.Sprint(orders.ID))
				}
				w.agreed(r)
				r = w.wantEnd(r.ID, Done)
				if got := w.touched(orders.ID); len(got) > 0 || w.find("orders").Digest != orders.Digest {
					t.Errorf("orders was changed: %q", got)
				}
				if len(w.databases()) != 2 || len(w.keys("cache")) != len(keys) {
					t.Errorf("databases %+v", w.databases())
				}
			})
		})
	}
}

// Whoever renames, or puts another database in the place of the approved one, right
// before a call, keeps that call from leaving.
func TestTheTargetIsReadBack(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		up := w.upgraded("cache", "7.4")
		r := w.asked("cache", up)
		w.console("cache", map[string]any{"name": "cache-renamed"})
		since := len(w.ledger())
		w.agreed(r)
		r = w.until(r.ID, "an end", func(s Session) bool { return s.Ended || s.State == Proposed && s.Ask > r.Ask })
		if i := slices.IndexFunc(w.ledger()[since:], func(c accepted) bool { return c.Method == "DELETE" }); i >= 0 {
			t.Errorf("deleted: %+v", w.ledger()[since+i])
		}
	})
}

// Somebody deletes the database, or Redis was put back to before our own delete: what
// is not known is not claimed, and people get what they need.
func TestADatabaseThatIsGoneIsNotCalledUntouched(t *testing.T) {
	bubble(t, shop(), func(t *testing.T, w *world) {
		up := w.upgraded("cache", "7.4")
		r := w.agreed(w.asked("cache", up))
		w.until(r.ID, "access blocked", func(s Session) bool { return s.State == Saving })
		w.console("cache", map[string]any{"delete": true})
		r = w.wantEnd(r.ID, Failed)
		said := w.said(r.ID) + r.Problem
		if strings.Contains(strings.ToLower(said), "nothing was deleted") || !strings.Contains(r.Problem, "recorded no delete") || !r.Revert.Missing ||
			!strings.Contains(r.Problem, r.Plan.Files[0]) {
			t.Errorf("problem %q\n%s", r.Problem, said)
		}
		if r.Revert.Was == nil || r.Revert.Was.Password == "" {
			t.Error("whoever rebuilds it by hand has no password any more")
		}
	})
}
