package commands

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// stored writes a session as an engine would have left it.
func (d *desk) stored(id string, kind upgrade.Kind, b upgrade.Body, events ...upgrade.Event) upgrade.Session {
	d.t.Helper()
	raw, err := json.Marshal(b)
	if err != nil {
		d.t.Fatal(err)
	}
	rec := session.Record{ID: id, Kind: string(kind), Life: 1, Database: b.Plan.Database + "-" + id}
	for _, ev := range events {
		if rec, err = d.store.Advance(d.ctx, session.Move{Record: rec, Event: string(ev), Body: raw, Ask: ev == upgrade.Propose, Due: session.Never, At: time.Now()}); err != nil {
			d.t.Fatal(err)
		}
	}
	return d.load(id)
}

// done is an upgrade of cache-prod that can be reverted.
func (d *desk) done() upgrade.Session {
	d.t.Helper()
	e, err := d.index.Find("cache-prod")
	if err != nil {
		d.t.Fatal(err)
	}
	sent := time.Now().Add(-time.Hour)
	b := upgrade.Body{Plan: upgrade.Plan{Database: e.Ref.String(), Name: "cache-prod", From: "7.2", To: "8.2", Backup: "s3://acme-backups/cache-prod"}, By: "ann", Authors: []string{"ann"}}
	b.Upgrade = upgrade.UpgradeWork{Sent: sent, BackupAt: sent.Add(-time.Minute), Snapshot: &upgrade.Snapshot{Version: "7.2", Port: 12001, Shards: 2}}
	return d.stored("u-aaaaaaaaaa", upgrade.KindUpgrade, b, upgrade.Propose, upgrade.Approve, upgrade.Begin, upgrade.Fit, upgrade.BackUp, upgrade.Upgrade, upgrade.Verify, upgrade.Finish)
}

func TestARevertIsValidatedFieldByField(t *testing.T) {
	d := newDesk(t)
	s := d.done()
	file := func(shard, database int) string {
		return fmt.Sprintf("s3://acme-backups/cache-prod/bk%s-%d-cache-prod-%d_of_2-%d-0-1.rdb.gz", s.Upgrade.BackupAt.UTC().Format("20060102-150405"), database, shard, shard)
	}
	id := s.Plan.Ref().Database
	fine := func() values {
		return values{"files": typed(view.ActionFiles, file(1, id)+"\n"+file(2, id)), "name": typed(view.ActionName, "cache-prod"), "reason": typed(view.ActionReason, "timeouts")}
	}
	for _, row := range []struct {
		sentence string
		change   func(values)
		block    string
		says     string
	}{
		{"another name", func(v values) { v["name"] = typed(view.ActionName, "cache-prd") }, "name", "Type cache-prod exactly"},
		{"no reason", func(v values) { v["reason"] = typed(view.ActionReason, "") }, "reason", "Say why"},
		{"no file", func(v values) { v["files"] = typed(view.ActionFiles, " ") }, "files", "one per shard"},
		{"a shard is missing", func(v values) { v["files"] = typed(view.ActionFiles, file(1, id)) }, "files", "1 of 2 files"},
		{"another database's backup", func(v values) { v["files"] = typed(view.ActionFiles, file(1, 7)) }, "files", "database 7"},
		{"a file from elsewhere", func(v values) {
			v["files"] = typed(view.ActionFiles, "s3://evil/"+strings.TrimPrefix(file(1, id), "s3://acme-backups/"))
		}, "files", "is not under"},
		{"credentials in a file's address", func(v values) {
			v["files"] = typed(view.ActionFiles, "ftp://user:s3cr3t@host/x/bk20260101-000000-1-x-1_of_1-1-0-1.rdb")
		}, "files", "There is a password in that"},
	} {
		v := fine()
		row.change(v)
		d.happened()
		d.submits("dan", view.CallbackRevert, place{Channel: home, Session: s.ID}, v)
		wrongs := d.wrongs()
		if len(wrongs) != 1 || !strings.Contains(wrongs[row.block], row.says) {
			t.Errorf("%s: got %v, want %q under %s", row.sentence, wrongs, row.says, row.block)
		}
		if strings.Contains(d.lastAck(), "s3cr3t") {
			t.Errorf("%s: a secret is shown: %s", row.sentence, d.lastAck())
		}
		if diff := cmp.Diff([]string{"ack"}, d.happened()); diff != "" {
			t.Errorf("%s:\n%s", row.sentence, diff)
		}
	}
	d.submits("dan", view.CallbackRevert, place{Channel: home, Session: s.ID}, fine())
	if got := d.happened(); got[0] != "record" || got[1] != "ack" || d.lastAck() != "[]" {
		t.Errorf("a good form: %v, %s", got, d.lastAck())
	}
	if told := d.answers(); len(told) != 1 || !strings.Contains(told[0].text, "already reads 7.2") { // what only a look at Redis Cloud can tell
		t.Errorf("got %+v", told)
	}
}

func TestADeletionIsApprovedByTypingIt(t *testing.T) {
	d := newDesk(t)
	up := d.done()
	b := upgrade.Body{Plan: up.Plan, By: "dan", Authors: []string{"dan"}, Asked: time.Now(), Link: up.ID, Revert: &upgrade.RevertWork{Trial: upgrade.Trial{Result: "fine", Passed: true}}}
	s := d.stored("r-aaaaaaaaaa", upgrade.KindRevert, b, upgrade.Propose, upgrade.Rehearse)
	where := place{Channel: home, Session: s.ID, Ask: s.Ask}

	d.clicks("bob", view.ActionApprove, s)
	if diff := cmp.Diff([]string{"ack", "views.open Approve deletion"}, d.happened()); diff != "" {
		t.Errorf("a click alone decides nothing:\n%s", diff)
	}
	d.submits("bob", view.CallbackApprove, where, values{"name": typed(view.ActionName, "cache-prod")})
	if wrongs := d.wrongs(); !strings.Contains(wrongs["name"], "Type "+s.ConfirmText()+" exactly") {
		t.Errorf("got %v", wrongs)
	}
	d.happened()
	tick := map[string]slack.BlockAction{view.ActionWriters: {SelectedOptions: []slack.OptionBlockObject{{Value: "stopped"}}}}
	d.submits("bob", view.CallbackApprove, where, values{"name": typed(view.ActionName, " "+s.ConfirmText()+" "), "writers": tick})
	if diff := cmp.Diff([]string{"record", "ack"}, d.happened()); diff != "" {
		t.Error(diff)
	}
	if got := d.load(s.ID); got.State != upgrade.Proposed || len(got.Decisions) != 1 || !got.Decisions[0].WritersStopped {
		t.Errorf("one of two: %s, %v", got.State, got.Decisions)
	}
	d.clicks("eve", view.ActionApprove, s)
	if diff := cmp.Diff([]string{"ack", "views.open Approve deletion", "views.update That is not possible"}, d.happened()); diff != "" {
		t.Errorf("who may not is told while the form is open:\n%s", diff)
	}
}

func TestTheShortcutFindsTheUpgradeOfAThread(t *testing.T) {
	d := newDesk(t)
	s := d.done()
	d.threads[home+"/5.5"] = s.ID
	on := func(ts, thread string) {
		cb := slack.InteractionCallback{Type: slack.InteractionTypeMessageAction, CallbackID: view.ShortcutRevert, User: slack.User{ID: "dan"}, TriggerID: "T1"}
		cb.Channel.ID = home
		cb.Message.Timestamp, cb.Message.ThreadTimestamp = ts, thread
		d.send(socketmode.EventTypeInteractive, cb)
	}
	// The form opens at once; then Redis Cloud is read, where the database is as it was.
	for sentence, message := range map[string][2]string{"on the card": {"5.5", ""}, "on a reply in its thread": {"5.7", "5.5"}} {
		on(message[0], message[1])
		if diff := cmp.Diff([]string{"ack", "views.open Revert this upgrade", "views.update That is not possible"}, d.happened()); diff != "" {
			t.Errorf("%s:\n%s", sentence, diff)
		}
	}
	on("9.9", "")
	if told := d.answers(); len(told) != 1 || told[0].thread != "" || !strings.Contains(told[0].text, "does not belong to an upgrade") {
		t.Errorf("on somebody's message: %+v", told)
	}
}

func TestARevertCommandOpensTheForm(t *testing.T) {
	d := newDesk(t)
	s := d.done()
	d.types("dan", "revert "+s.ID)
	if diff := cmp.Diff([]string{"ack", "views.open Revert this upgrade", "views.update That is not possible"}, d.happened()); diff != "" {
		t.Error(diff)
	}
	d.types("ann", "history cache-prod")
	if got := d.lastAck(); !strings.Contains(got, "History of cache-prod") {
		t.Errorf("got %s", got)
	}
	d.types("ann", "status "+s.ID)
	if got := d.lastAck(); !strings.Contains(got, "Status of "+s.ID) || !strings.Contains(got, "done") {
		t.Errorf("got %s", got)
	}
}
