package upgrade

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

func TestEveryPartOfAPlanMovesItsHash(t *testing.T) {
	p := Plan{Database: "pro/1/2", Name: "cache", From: "7.2", To: "7.4", Backup: "s3://a", NotBefore: sentAt, Until: sentAt, Path: Recreate, Files: []string{"a", "b"}}
	for sentence, change := range map[string]func(*Plan){
		"another database": func(p *Plan) { p.Database = "pro/1/3" }, "another name": func(p *Plan) { p.Name = "x" },
		"another start version": func(p *Plan) { p.From = "7.0" }, "another target": func(p *Plan) { p.To = "8.2" },
		"another backup": func(p *Plan) { p.Backup = "s3://b" }, "another start": func(p *Plan) { p.NotBefore = sentAt.Add(1) },
		"another end": func(p *Plan) { p.Until = sentAt.Add(1) }, "another path": func(p *Plan) { p.Path = "" },
		"other files": func(p *Plan) { p.Files = []string{"b", "a"} }, "fewer files": func(p *Plan) { p.Files = p.Files[:1] },
	} {
		q := p
		change(&q)
		if q.Hash() == p.Hash() {
			t.Errorf("%s has the same hash", sentence)
		}
	}
	s := Session{Body: Body{Plan: p}}
	if got := s.clone().Plan.Hash(); got != p.Hash() {
		t.Error("a stored and loaded plan has another hash")
	}
}

func TestIDs(t *testing.T) {
	a := idOf(KindUpgrade, "modal 1")
	if a != idOf(KindUpgrade, "modal 1") {
		t.Error("the same modal opens two sessions")
	}
	if a == idOf(KindUpgrade, "modal 2") || a[2:] == idOf(KindRevert, "modal 1")[2:] {
		t.Error("different origins, one id")
	}
	for i := range 200 {
		for _, kind := range []Kind{KindUpgrade, KindRevert} {
			if id := idOf(kind, fmt.Sprint(i)); !IsID(id) || KindOf(id) != kind {
				t.Errorf("%s id %q is not known as one", kind, id)
			}
		}
	}
	for _, word := range []string{"", "u-", "cache-prod", "u-ABCDEFGHIJ", "u-0123456789", "x-abcdefghij", "u-abcdefghi", "u_abcdefghij", "51055"} {
		if IsID(word) {
			t.Errorf("%q counts as an id", word)
		}
	}
}

var validName = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,38}[a-zA-Z0-9])?$`)

func TestTrialNamesAreValid(t *testing.T) {
	id := idOf(KindRevert, "x")
	for _, name := range []string{"a", "cache-prod", strings.Repeat("x", 40), strings.Repeat("x", 22) + "-" + strings.Repeat("y", 10), strings.Repeat("ab-", 13)} {
		got := trialName(name, id)
		if !validName.MatchString(got) || len(got) > 40 || strings.EqualFold(got, name) {
			t.Errorf("%q → %q", name, got)
		}
		if trialName(name, idOf(KindRevert, "y")) == got {
			t.Errorf("two reverts of %q have one trial name", name)
		}
	}
}

func TestDecode(t *testing.T) {
	good := session.Record{ID: "u-1", Kind: "upgrade", State: "proposed", Revision: 3, Life: lifeVersion, Body: []byte(`{"reason":"why"}`)}
	for _, row := range []struct {
		sentence string
		change   func(*session.Record)
		ok       bool
	}{
		{"a record is read", func(*session.Record) {}, true},
		{"a record of a newer life is not", func(r *session.Record) { r.Life = 99 }, false},
		{"nor one of no life", func(r *session.Record) { r.Life = 0 }, false},
		{"nor one that is cut off", func(r *session.Record) { r.Body = r.Body[:5] }, false},
		{"nor a revert of which nothing is stored", func(r *session.Record) { r.Kind = "revert" }, false},
		{"broken progress may be lost", func(r *session.Record) { r.Progress = []byte("{") }, true},
		{"fields that are not known are ignored", func(r *session.Record) { r.Body = []byte(`{"reason":"why","new":1}`) }, true},
	} {
		r := good
		row.change(&r)
		s, err := Decode(r)
		if (err == nil) != row.ok || row.ok && (s.Reason != "why" || s.ID != "u-1") {
			t.Errorf("%s: %+v, %v", row.sentence, s, err)
		}
	}
	old := good
	old.Progress = []byte(`{"revision":2,"text":"of the last state"}`)
	if s, err := Decode(old); err != nil || s.Progress.Text != "" {
		t.Errorf("progress of an older revision is shown: %+v, %v", s.Progress, err)
	}
}

func TestRefusals(t *testing.T) {
	r := refuse(NoBackup, "No backup of %s.", "cache").hint("Turn it on.")
	if r.Error() != "No backup of cache. Turn it on." {
		t.Error(r.Error())
	}
	if got, ok := AsRefusal(fmt.Errorf("wrapped: %w", r)); !ok || got != r {
		t.Error("a wrapped refusal is not found")
	}
	if _, ok := AsRefusal(errors.New("x")); ok {
		t.Error("any error is a refusal")
	}
}

var (
	before     = time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	afterwards = before.Add(time.Minute)
)

func TestABackupIsBelievedOnlyWhenItIsNew(t *testing.T) {
	for _, row := range []struct {
		sentence string
		before   Before
		now      calls.Status
		want     Outcome // empty: not yet
	}{
		{"a newer success is done", Before{At: before, Status: "success"}, calls.Status{Outcome: cloud.Ok, Raw: "success", At: afterwards}, Happened},
		{"the old success is not", Before{At: before, Status: "success"}, calls.Status{Outcome: cloud.Ok, Raw: "success", At: before}, ""},
		{"the first success is done", Before{}, calls.Status{Outcome: cloud.Ok, Raw: "success", At: afterwards}, Happened},
		{"a success without a time is one where there was none before", Before{}, calls.Status{Outcome: cloud.Ok, Raw: "success"}, Happened},
		{"a success without a time is not believed where there was one", Before{At: before, Status: "success"}, calls.Status{Outcome: cloud.Ok, Raw: "success"}, ""},
		{"running is not done", Before{At: before}, calls.Status{Outcome: cloud.Running, Raw: "exporting", At: afterwards}, ""},
		{"a failure that was not there before is one", Before{At: before, Status: "success"}, calls.Status{Outcome: cloud.Bad, Raw: "failed", Reason: "no-permission", At: before}, Broke},
		{"a failure that was there before says nothing", Before{At: before, Status: "failed"}, calls.Status{Outcome: cloud.Bad, Raw: "failed", At: before}, ""},
		{"unless it was seen running in between", Before{At: before, Status: "failed", Moved: true}, calls.Status{Outcome: cloud.Bad, Raw: "failed", At: before}, Broke},
		{"a failure with a newer time is one", Before{At: before, Status: "failed"}, calls.Status{Outcome: cloud.Bad, Raw: "failed", At: afterwards}, Broke},
		{"nothing known is not done", Before{}, calls.Status{}, ""},
		{"backups switched off never end well", Before{}, calls.Status{Refused: &calls.Refused{Why: calls.BackupOff, Text: "off"}}, Broke},
	} {
		if got := judgeBackup(row.before, row.now, time.Minute); got.Outcome != row.want || got.Outcome == "" && got.Wait != time.Minute {
			t.Errorf("%s: %+v", row.sentence, got)
		}
	}
}

func TestAnImportIsBelievedOnlyWhenItIsNew(t *testing.T) {
	for _, row := range []struct {
		sentence string
		before   Before
		now      calls.Status
		want     Outcome
	}{
		{"the first success is done", Before{}, calls.Status{Outcome: cloud.Ok, Raw: "succeeded", At: afterwards}, Happened},
		{"an old success is not", Before{At: before, Status: "succeeded"}, calls.Status{Outcome: cloud.Ok, Raw: "succeeded", At: before}, ""},
		{"a success without a time is one where there was none before", Before{}, calls.Status{Outcome: cloud.Ok, Raw: "succeeded"}, Happened},
		{"the first failure is one", Before{}, calls.Status{Outcome: cloud.Bad, Raw: "failed", Reason: "file-corrupted"}, Broke},
		{"importing is not done", Before{}, calls.Status{Outcome: cloud.Running, Raw: "importing"}, ""},
		{"never imported is not done", Before{}, calls.Status{Outcome: cloud.Never}, ""},
	} {
		if got := judgeImport(row.before, row.now, time.Minute); got.Outcome != row.want {
			t.Errorf("%s: %+v", row.sentence, got)
		}
	}
}
