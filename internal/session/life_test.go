package session_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/session"
)

func TestTable(t *testing.T) {
	if diff := cmp.Diff([]event{"begin", "cancel", "edit", "vote"}, errand.Events("asked")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := errand.Events("dropped"); len(got) != 0 {
		t.Errorf("a final state has events %v", got)
	}
	if diff := cmp.Diff([]state{"asked", "busy", "done", "dropped", "lent", "planned"}, errand.States()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if to, err := errand.Next("asked", "begin"); err != nil || to != "busy" {
		t.Errorf("got %q, %v", to, err)
	}
	_, err := errand.Next("dropped", "begin")
	if err == nil || !strings.Contains(err.Error(), `"begin"`) || !strings.Contains(err.Error(), `"dropped"`) {
		t.Errorf("the refusal does not name both words: %v", err)
	}
}

func TestMermaid(t *testing.T) {
	table := session.Table[state, event]{
		"":             {"ask": "asked"},
		"asked":        {"approve": "backing-up", "vote": "asked", "edit": "asked", "deny": "denied"},
		"backing-up":   {"done": "asked", "broke": "denied", "lost": "denied"},
		"left-by-hand": {"find": "asked"},
	}
	want := `stateDiagram-v2
    state "backing-up" as backing_up
    state "left-by-hand" as left_by_hand
    [*] --> asked: ask
    asked --> backing_up: approve
    asked --> denied: deny
    asked --> asked: edit, vote
    backing_up --> denied: broke, lost
    backing_up --> asked: done
    denied --> [*]
    left_by_hand --> asked: find
`
	for range 20 { // maps shuffle
		if diff := cmp.Diff(want, table.Mermaid("")); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	delete(table, "")
	if got := table.Mermaid("asked"); !strings.Contains(got, "\n    [*] --> asked\n") {
		t.Errorf("no start:\n%s", got)
	}
}

func TestAnOpenSessionEndsUnderItsOwnLife(t *testing.T) {
	eachBackend(t, func(t *testing.T, h *harness) {
		old := h.open("old", "db1")
		cfg := h.cfg
		strict := session.Table[state, event]{"": {"ask": "asked"}, "asked": {"begin": "busy"}}
		cfg.Lives = append([]session.Life{session.LifeOf("errand", 2, strict, nil)}, lives...)
		store := session.New(h.rdb, cfg)
		fresh, err := store.Advance(h.ctx, opening("fresh", "db2"))
		h.nil(err)
		if fresh.Life != 2 || old.Life != 1 {
			t.Errorf("lives %d and %d", fresh.Life, old.Life)
		}
		_, err = store.Advance(h.ctx, session.Move{Record: fresh, Event: "cancel"})
		h.wantErr(err, session.ErrNotAllowed)
		_, err = store.Advance(h.ctx, session.Move{Record: old, Event: "cancel"})
		h.nil(err)
		ended, err := store.Advance(h.ctx, session.Move{Record: fresh, Event: "begin"})
		h.nil(err)
		if !ended.Ended {
			t.Error("without an ended function, a final state is an end")
		}
		_, err = h.Advance(h.ctx, session.Move{Record: fresh, Event: "begin"})
		h.wantErr(err, session.ErrNotAllowed) // an older release does not know life 2
	})
}
