package commands

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

const (
	tag         = "{redis-upgrade}:"
	releaseForm = "views.open Release a record"
)

// doubt loses the journal of a session, so that its record is not believed.
func (d *desk) doubt(s upgrade.Session) upgrade.Session {
	d.t.Helper()
	d.memory.Del(tag + "journal:" + s.ID)
	if s = d.load(s.ID); s.Distrusted == "" {
		d.t.Fatal("the record is believed")
	}
	return s
}

// releases is somebody who reads the form and releases what it shows.
func (d *desk) releases(user, id string) {
	d.t.Helper()
	d.types(user, "release "+id)
	d.mu.Lock()
	form := d.views[len(d.views)-1]
	d.mu.Unlock()
	d.submits(user, view.CallbackRelease, parsePlace(form.PrivateMetadata), looked())
}

func looked() values {
	return values{"looked": {view.ActionLooked: {SelectedOptions: []slack.OptionBlockObject{{Value: "looked"}}}}}
}

// lastForm is the text of the form that was shown last.
func (d *desk) lastForm() string {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	raw, err := json.Marshal(d.views[len(d.views)-1])
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(raw))
}

func TestTwoPeopleReleaseARecordFromItsForm(t *testing.T) {
	d := newDesk(t)
	s := d.doubt(d.proposed("cache-prod"))
	d.threads[home+"/5.5"] = s.ID
	d.happened()

	d.types("dan", "release "+s.ID)
	if diff := cmp.Diff([]string{"ack", releaseForm}, d.happened()); diff != "" {
		t.Errorf("a form opens, and nothing is recorded:\n%s", diff)
	}
	for _, says := range []string{"not known here", "Redis Cloud's console", s.Plan.Database, "waiting for approval", "7.2 → *8.2*", "the journal is gone", s.Version(), "nobody; it takes two"} {
		if !strings.Contains(d.lastForm(), says) {
			t.Errorf("the form lacks %q: %s", says, d.lastForm())
		}
	}
	at := place{Channel: home, Session: s.ID, Record: s.Version()}
	d.submits("dan", view.CallbackRelease, at, values{"looked": {}})
	if got := d.wrongs()["looked"]; !strings.Contains(got, "Look at the database") {
		t.Errorf("without a look: %q", got)
	}
	d.happened()
	d.submits("dan", view.CallbackRelease, at, looked())
	if diff := cmp.Diff([]string{"record", "ack", "chat.postMessage", "chat.postEphemeral"}, d.happened()); diff != "" {
		t.Errorf("the first of two:\n%s", diff)
	}
	told := d.answers()
	if first, mine := told[len(told)-2], told[len(told)-1]; first.thread != "5.5" || !strings.Contains(first.text, "<@dan> released the record") || !strings.Contains(first.text, "1 more, a different person") ||
		mine.user != "dan" || !strings.Contains(mine.text, "nothing is sent yet") {
		t.Errorf("told %+v and %+v", first, mine)
	}

	d.releases("dan", s.ID)
	if form := d.lastForm(); !strings.Contains(form, "<@dan>; one more, different person") {
		t.Errorf("the second look does not say who did: %s", form)
	}
	if told := d.answers(); !strings.Contains(told[len(told)-1].text, "a second, different person") {
		t.Errorf("the same person again: %+v", told[len(told)-1])
	}
	if d.load(s.ID).Distrusted == "" {
		t.Fatal("one person released it alone")
	}

	d.releases("bob", s.ID)
	if told := d.answers(); !strings.Contains(told[len(told)-1].text, "Released: the bot goes on") {
		t.Errorf("the second person: %+v", told[len(told)-1])
	}
	now := d.load(s.ID)
	if now.Distrusted != "" || now.State != upgrade.Proposed {
		t.Errorf("after two people: %q, %s", now.Distrusted, now.State)
	}
	entries, err := d.store.Journal(t.Context(), s.ID, 0, 0)
	if err != nil || len(entries) != 1 || entries[0].By != "bob dan" {
		t.Errorf("the journal: %+v, %v", entries, err)
	}
	d.clicks("bob", view.ActionApprove, now)
	if got := d.load(s.ID); got.State != upgrade.Approved {
		t.Errorf("it does not go on: %s", got.State)
	}
	if n := d.inbox.left(); n != 0 {
		t.Errorf("%d intents were not settled", n)
	}
}

func TestWhatIsReleasedIsWhatWasShown(t *testing.T) {
	d := newDesk(t)
	s := d.doubt(d.proposed("cache-prod"))
	d.releases("dan", s.ID)
	seen := place{Channel: home, Session: s.ID, Record: s.Version()}
	d.memory.HSet(tag+"session:"+s.ID, "state", string(upgrade.Approved)) // between the looks of two people
	d.submits("bob", view.CallbackRelease, seen, looked())
	if told := d.answers(); !strings.Contains(told[len(told)-1].text, "changed after it was shown to you") {
		t.Errorf("told %+v", told[len(told)-1])
	}
	d.releases("bob", s.ID) // of what stands there now he is the first
	if told := d.answers(); !strings.Contains(told[len(told)-1].text, "nothing is sent yet") {
		t.Errorf("told %+v", told[len(told)-1])
	}
	if got := d.load(s.ID); got.Distrusted == "" {
		t.Error("votes of two versions were counted together")
	}
}

func TestWhoAndWhatIsNotReleased(t *testing.T) {
	d := newDesk(t)
	d.people["foreign"] = approvals.Voter{ID: "foreign", Name: "foreign", Known: true, Foreign: true, OnCall: true, Approver: true}
	fine, doubted, lost, held := d.proposed("search-prod"), d.proposed("cache-prod"), d.proposed("reports-staging"), d.proposed("catalog-replica")
	ended := d.done()
	if _, err := d.engine.Deny(t.Context(), upgrade.Click{Session: fine.ID, By: d.people["bob"], Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	doubted, held = d.doubt(doubted), d.doubt(held)
	d.memory.HSet(tag+"session:"+lost.ID, "state", "unheard-of")
	lost = d.doubt(lost)
	if err := d.memory.Set(tag+"active:"+held.Plan.Database, doubted.ID); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence, user string
		session        upgrade.Session
		says           string
	}{
		{"nobody of the two groups", "eve", doubted, "This is for on-call or an approver."},
		{"a guest", "guest", doubted, "Guest accounts cannot do anything here."},
		{"somebody of another workspace", "foreign", doubted, "People from other workspaces"},
		{"somebody Slack cannot name", "stranger", doubted, "Slack could not say who you are"},
		{"a session that is believed and has ended", "dan", fine, "is in order"},
		{"an upgrade that is done", "dan", ended, "is in order"},
		{"a state that no life has", "dan", lost, "Too much of the record"},
		{"a session that there is not", "dan", upgrade.Session{ID: "u-zzzzzzzzzz"}, "There is no upgrade or revert"},
	} {
		d.happened()
		before := len(d.answers())
		d.types(row.user, "release "+row.session.ID)
		told := ""
		if all := d.answers(); len(all) > before {
			told = all[len(all)-1].text
		}
		if happened := d.happened(); slices.Contains(happened, "views.update That is not possible") {
			told = d.lastForm()
		} else if slices.Contains(happened, releaseForm) {
			t.Errorf("%s: the form stays open", row.sentence)
		}
		if !strings.Contains(told, row.says) {
			t.Errorf("%s: the command says %q, want %q", row.sentence, told, row.says)
		}
		d.submits(row.user, view.CallbackRelease, place{Channel: home, Session: row.session.ID, Record: row.session.Version()}, looked())
		if all := d.answers(); !strings.Contains(all[len(all)-1].text, row.says) {
			t.Errorf("%s: the form says %q, want %q", row.sentence, all[len(all)-1].text, row.says)
		}
	}
	d.releases("dan", held.ID)
	d.releases("bob", held.ID)
	if all := d.answers(); !strings.Contains(all[len(all)-1].text, "Another upgrade or revert has its database") {
		t.Errorf("the lock is another session's: %q", all[len(all)-1].text)
	}
	d.types("dan", "release cache-prod")
	if got := d.lastAck(); !strings.Contains(got, "Which upgrade or revert?") {
		t.Errorf("a name: %s", got)
	}
	for _, s := range []upgrade.Session{doubted, held, lost} {
		if d.load(s.ID).Distrusted == "" {
			t.Errorf("%s is believed", s.Plan.Name)
		}
	}
}

// What has ended is released too: else it could never be reverted.
func TestAnEndedRecordIsReleasedForItsRevert(t *testing.T) {
	d := newDesk(t)
	s := d.doubt(d.done())
	if r := d.engine.Revertible(s); r == nil || r.Code != upgrade.Distrusted {
		t.Errorf("what is not believed can be reverted: %v", r)
	}
	d.releases("dan", s.ID)
	d.releases("carol", s.ID)
	s = d.load(s.ID)
	if s.Distrusted != "" || s.State != upgrade.Done || !s.Ended {
		t.Fatalf("after two people: %q, %s", s.Distrusted, s.State)
	}
	if r := d.engine.Revertible(s); r != nil {
		t.Errorf("it cannot be reverted: %v", r)
	}
	for _, key := range []string{"session:", "journal:"} {
		if left := d.memory.TTL(tag + key + s.ID); left <= 0 || left > time.Hour {
			t.Errorf("%s of an ended session lapses in %s", key, left)
		}
	}
	if due, err := d.memory.ZMembers(tag + "queue:due"); err == nil && slices.Contains(due, s.ID) {
		t.Error("an ended session is due")
	}
}
