package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/sandbox/cloudemu"
)

// What people do in tests, and what they see.

// act lets a person act until the bot has an answer: what fails for technical
// reasons is delivered again, as the inbox does.
func (w *world) act(try func(*replica) (Session, error)) (Session, *Refusal) {
	w.t.Helper()
	var last error
	for range 40 {
		s, err := try(w.engine())
		if err == nil {
			return s, nil
		}
		if r, ok := AsRefusal(err); ok && r.Code != Unreachable {
			return s, r
		}
		last = err
		time.Sleep(2 * time.Second)
	}
	w.t.Fatalf("no answer to a person: %v", last)
	return Session{}, nil
}

// must is act for what has to succeed.
func (w *world) must(try func(*replica) (Session, error)) Session {
	w.t.Helper()
	s, r := w.act(try)
	if r != nil {
		w.t.Fatalf("refused: %s: %s", r.Code, r)
	}
	return s
}

func (w *world) propose(name, to string, adjust ...func(*Request)) Session {
	w.t.Helper()
	return w.must(w.request(name, to, adjust...))
}

func (w *world) request(name, to string, adjust ...func(*Request)) func(*replica) (Session, error) {
	r := Request{Origin: "modal " + name + to, By: ann, Ref: w.find(name).ref(), To: to, Reason: "support ends", Home: "D0ANN"}
	for _, a := range adjust {
		a(&r)
	}
	return func(e *replica) (Session, error) { return e.Propose(w.ctx, r) }
}

func (w *world) approve(s Session, by approvals.Voter) Session {
	w.t.Helper()
	return w.must(w.vote(s, by))
}

func (w *world) vote(s Session, by approvals.Voter) func(*replica) (Session, error) {
	return func(e *replica) (Session, error) {
		return e.Approve(w.ctx, Click{Session: s.ID, Ask: s.Ask, By: by, Typed: s.ConfirmText()})
	}
}

// limit is the virtual time after which a session counts as stuck.
const limit = 40 * time.Hour

// until lets time pass until the session is as wanted.
func (w *world) until(id, want string, is func(Session) bool) Session {
	w.t.Helper()
	begin := time.Now()
	for {
		w.engine()
		s := w.load(id)
		if is(s) {
			return s
		}
		if time.Since(begin) > limit {
			w.t.Fatalf("stuck waiting for %s: %s\nlog:\n%s", want, describe(s), tail(w.log.String()))
		}
		time.Sleep(w.tick)
	}
}

func tail(s string) string { return s[max(0, len(s)-6000):] }

func describe(s Session) string {
	c := "no call"
	if s.Call != nil {
		c = fmt.Sprintf("call %s %s intent %d outcome %q %s %s", s.Call.Key, s.Call.Phase, s.Call.Intent, s.Call.Outcome, s.Call.Code, s.Call.Error)
	}
	return fmt.Sprintf("%s is %s at %d, %s, cancelled by %q, problem %q, progress %+v", s.ID, s.State, s.Revision, c, s.CancelBy, s.Problem, s.Progress)
}

func (w *world) untilState(id string, want State) Session {
	w.t.Helper()
	return w.until(id, string(want), func(s Session) bool { return s.State == want })
}

func (w *world) untilEnded(id string) Session {
	w.t.Helper()
	return w.until(id, "an end", func(s Session) bool { return s.Ended })
}

// wantEnd waits for the end and compares it.
func (w *world) wantEnd(id string, want State) Session {
	w.t.Helper()
	s := w.untilEnded(id)
	if s.State != want {
		w.t.Fatalf("ended %s, want %s: %s\nlog:\n%s", s.State, want, describe(s), tail(w.log.String()))
	}
	return s
}

// upgraded brings a database to a version, with everybody's consent.
func (w *world) upgraded(name, to string) Session {
	w.t.Helper()
	s := w.propose(name, to)
	w.approve(s, bob)
	return w.wantEnd(s.ID, Done)
}

// revertOf asks to take an upgrade back with the newest files of its backup.
func (w *world) revertOf(up Session, files string) func(*replica) (Session, error) {
	return func(e *replica) (Session, error) {
		return e.ProposeRevert(w.ctx, RevertRequest{Origin: "revert " + up.ID, Upgrade: up.ID, By: ann, Files: files,
			Name: up.Plan.Name, Reason: "clients break", Home: "D0ANN"})
	}
}

func (w *world) filesOf(name string) string {
	w.t.Helper()
	text := ""
	for _, f := range w.newest(name) {
		text += f.URI + "\n"
	}
	return text
}

// bubble runs a test in a world of its own, and checks at its end what must
// always be true.
func bubble(t *testing.T, fleet cloudemu.Fleet, run func(t *testing.T, w *world), adjust ...func(*world)) {
	t.Helper()
	t.Parallel()
	if leftOut(t) {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, fleet, adjust...)
		run(t, w)
		if t.Failed() {
			return
		}
		recs, err := w.store.List(w.ctx, false, 0)
		w.nil(err)
		var ids []string
		for _, r := range recs {
			ids = append(ids, r.ID)
		}
		for _, p := range slices.Concat(w.checkLedger(w.ours, ids...), w.checkRecords(ids...), w.checkSecrets()) {
			t.Error(p)
		}
	})
}

// wantRefusal compares a refusal.
func (w *world) wantRefusal(r *Refusal, code Code, says string) {
	w.t.Helper()
	if r == nil || r.Code != code || !strings.Contains(r.Error(), says) {
		w.t.Fatalf("refusal %+v, want %s: %q", r, code, says)
	}
}

// said is every milestone of a session, one a line.
func (w *world) said(id string) string {
	w.t.Helper()
	var b strings.Builder
	for _, e := range w.journal(id) {
		if e.Note != "" {
			fmt.Fprintln(&b, e.Note)
		}
	}
	return b.String()
}
