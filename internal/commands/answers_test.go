package commands

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

func TestASlashCommandThatCannotBe(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.threads[home+"/5.5"] = s.ID
	for _, row := range []struct{ sentence, text, says string }{
		{"an unknown name gets the nearest ones", "cache-prd", "Did you mean `cache-prod`"},
		{"a name like no other gets a way on", "zzzzzzzzzzzzzzz", "/redis-upgrade list"},
		{"a hostile name is shown, not obeyed", "<!channel>", "&lt;!channel&gt;"},
		{"memcached is not upgraded", "legacy-mc", "memcached"},
		{"Active-Active is not upgraded", "global-aa", "Active-Active"},
		{"nothing newer", "latest-prod", "nothing newer"},
		{"a version that is not on offer", "search-prod 9.9", "cannot go to 9.9"},
		{"an older version", "search-prod 6.2", "cannot go to 6.2"},
		{"a database with a session leads to its card", "cache-prod", "https://acme.slack.com/archives/C0REDISOPS/p5.5"},
		{"three words", "cache-prod 7.4 please", "more than a database and a version"},
		{"a history of nothing", "history", "Which database?"},
		{"a cancel of nothing", "cancel", "Which upgrade or revert?"},
		{"a cancel of a name", "cancel cache-prod", "Which upgrade or revert?"},
		{"a revert of nothing", "revert", "Which upgrade?"},
	} {
		d.types("ann", row.text)
		d.h.Wait()
		if got := d.lastAck(); !strings.Contains(strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(got), row.says) || !strings.Contains(got, `"ephemeral"`) {
			t.Errorf("%s: got %s, want %q", row.sentence, got, row.says)
		}
	}
	if n := d.inbox.left(); n != 0 {
		t.Errorf("%d intents were recorded", n)
	}
	for _, h := range d.happened() {
		if h == "record" || strings.HasPrefix(h, "views") {
			t.Errorf("%q happened", h)
		}
	}
}

func TestALongVersionDoesNotOverflowTheForm(t *testing.T) {
	d := newDesk(t)
	d.types("ann", "search-prod 8.2."+strings.Repeat("0", 4000))
	d.h.Wait()
	for _, v := range d.views {
		if n := len(v.PrivateMetadata); n > 3000 {
			t.Errorf("%d characters of metadata", n)
		}
	}
}

func TestWhoIsTurnedAwayIsToldWhyAndWho(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	old := s
	old.Ask = 99
	denied := d.proposed("search-prod")
	if _, err := d.engine.Deny(t.Context(), upgrade.Click{Session: denied.ID, By: d.people["bob"], Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence, user, action string
		session                upgrade.Session
		says                   string
	}{
		{"nobody approves their own request", "bob", view.ActionApprove, d.proposedBy("bob", "reports-staging"), "somebody else has to decide"},
		{"in no group", "eve", view.ActionApprove, s, "This is for an approver."},
		{"on-call has no vote on upgrades", "dan", view.ActionApprove, s, "This is for an approver."},
		{"a guest", "guest", view.ActionApprove, s, "Guest accounts cannot do anything here."},
		{"somebody Slack cannot name", "stranger", view.ActionApprove, s, "Slack could not say who you are"},
		{"an outdated button", "bob", view.ActionApprove, old, "changed since this button was drawn"},
		{"a click that comes too late", "bob", view.ActionApprove, denied, "is denied"},
		{"somebody else's cancel", "eve", view.ActionCancel, s, "whoever asked for it, or on-call"},
		{"a recheck of what is not blocked", "ann", view.ActionRecheck, s, "not blocked"},
		{"a settling of what nobody asks", "dan", view.ActionHappened, s, "No call of this upgrade waits"},
		{"a settling by an engineer", "ann", view.ActionAbsent, s, "This is for on-call."},
		{"a revert of what is not done", "dan", view.ActionRevert, s, "there is nothing to revert"},
		{"a session that is gone", "bob", view.ActionApprove, upgrade.Session{ID: "u-aaaaaaaaaa", Ask: 1}, "There is no upgrade or revert"},
	} {
		before := len(d.answers())
		d.clicks(row.user, row.action, row.session)
		told := d.answers()[before:]
		if len(told) != 1 || told[0].user != row.user || told[0].channel != home || !strings.Contains(told[0].text, row.says) {
			t.Errorf("%s: got %+v, want %q", row.sentence, told, row.says)
		}
	}
	if got := d.load(s.ID); got.State != upgrade.Proposed || len(got.Decisions) != 0 {
		t.Errorf("somebody was let through: %s, %v", got.State, got.Decisions)
	}
}

// A guest learns nothing about databases.
func TestGuestsAreTurnedAwayAtTheDoor(t *testing.T) {
	d := newDesk(t)
	d.proposed("cache-prod")
	d.happened()
	for _, text := range []string{"list", "status", "history cache-prod", "cache-prod", "cache-prod 8.2", "cache-prd"} {
		d.types("guest", text)
		if ack := d.lastAck(); !strings.Contains(ack, "Guest accounts cannot do anything here.") || strings.Contains(ack, "cache-prod") {
			t.Errorf("%q is answered with %s", text, ack)
		}
		if diff := cmp.Diff([]string{"ack"}, d.happened()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	d.types("guest", "") // a form's trigger does not wait: it is opened first
	if diff := cmp.Diff([]string{"ack", "views.open Upgrade a database", "views.update That is not possible"}, d.happened()); diff != "" {
		t.Error(diff)
	}
	d.types("guest", "sessions-eu 8.4") // but not with something in it
	if diff := cmp.Diff([]string{"ack", "chat.postEphemeral"}, d.happened()); diff != "" {
		t.Error(diff)
	}
	d.types("guest", "help")
	if ack := d.lastAck(); strings.Contains(ack, "Guest accounts") {
		t.Errorf("help is refused: %s", ack)
	}
}

func TestAFormThatCouldNotBeSubmittedSaysSoAtOnce(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.clicks("eve", view.ActionDeny, s)
	if diff := cmp.Diff([]string{"ack", "views.open Deny", "views.update That is not possible"}, d.happened()); diff != "" {
		t.Error(diff)
	}
}

func TestAnAnswerFindsItsPerson(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.spoil = func(method string) error { // the bot is not where eve clicked
		if method == "chat.postEphemeral" {
			return errors.New("not_in_channel")
		}
		return nil
	}
	d.clicks("eve", view.ActionApprove, s)
	if told := d.answers(); len(told) != 1 || told[0].channel != "eve" {
		t.Errorf("got %+v, want a direct message", told)
	}
}

func TestTroubleIsToldWithoutItsCause(t *testing.T) {
	d := newDesk(t)
	m := d.h.complaint(t.Context(), errors.New("dial tcp 10.0.0.7:6379: connection refused, key s3cr3t"))
	if strings.Contains(m.Text, "10.0.0.7") || strings.Contains(m.Text, "s3cr3t") || !strings.Contains(m.Text, "did not work") {
		t.Errorf("told: %s", m.Text)
	}
}

func TestSuggestionsAreAListWhateverIsAsked(t *testing.T) {
	d := newDesk(t)
	for _, row := range []struct {
		sentence, action, query string
		fewest                  int
	}{
		{"everything at first", view.ActionDatabase, "", 10},
		{"a part of a name", view.ActionDatabase, "cache", 1},
		{"nothing fits", view.ActionDatabase, "zzzzzzzzzz", 0},
		{"a select of another life", "colour", "red", 0},
		{"a hostile query", view.ActionDatabase, "<!channel> `\"\\", 0},
	} {
		d.send(socketmode.EventTypeInteractive, slack.InteractionCallback{Type: slack.InteractionTypeBlockSuggestion, ActionID: row.action, Value: row.query, User: slack.User{ID: "ann"}})
		var got struct{ Options *[]any }
		if err := json.Unmarshal([]byte(d.lastAck()), &got); err != nil || got.Options == nil {
			t.Fatalf("%s: no list of options in %s", row.sentence, d.lastAck())
		}
		if n := len(*got.Options); n < row.fewest || row.fewest == 0 && n != 0 {
			t.Errorf("%s: %d options", row.sentence, n)
		}
	}
}

func TestARequestIsValidatedFieldByField(t *testing.T) {
	d := newDesk(t)
	entry := func(name string) string {
		e, err := d.index.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		return e.Ref.String()
	}
	busy := d.proposed("cache-prod")
	if _, err := d.index.Targets(t.Context(), mustRef(t, entry("search-prod"))); err != nil { // warm
		t.Fatal(err)
	}
	version := "version-" + entry("search-prod")
	fine := func() values {
		return values{"database": chosen(view.ActionDatabase, entry("search-prod")), version: chosen(view.ActionVersion, "8.2"), "reason": typed(view.ActionReason, "because")}
	}
	for _, row := range []struct {
		sentence string
		change   func(values)
		block    string
		says     string
	}{
		{"an empty reason", func(v values) { v["reason"] = typed(view.ActionReason, " \n ") }, "reason", "Say why"},
		{"no database", func(v values) { delete(v, "database") }, "database", "Pick a database"},
		{"a database that vanished meanwhile", func(v values) { v["database"] = chosen(view.ActionDatabase, "pro/1/99999999") }, "database", "no longer exists"},
		{"a value that nobody offered", func(v values) { v["database"] = chosen(view.ActionDatabase, "'; DROP TABLE") }, "database", "no longer exists"},
		{"memcached", func(v values) { v["database"] = chosen(view.ActionDatabase, entry("legacy-mc")) }, "database", "memcached"},
		{"Active-Active", func(v values) { v["database"] = chosen(view.ActionDatabase, entry("global-aa")) }, "database", "Active-Active"},
		{"a database that has a session", func(v values) { v["database"] = chosen(view.ActionDatabase, busy.Plan.Database) }, "database", "is already under way"},
		{"no version", func(v values) { delete(v, version) }, "database", "No version is picked"},
		{"a version that is not on offer", func(v values) { v[version] = chosen(view.ActionVersion, "9.9") }, version, "cannot go to 9.9"},
		{"a start in the past", func(v values) { v["start"] = at(time.Now().Add(-time.Hour)) }, "start", "in the past"},
		{"a start next year", func(v values) { v["start"] = at(time.Now().Add(300 * 24 * time.Hour)) }, "start", "30 days"},
	} {
		v := fine()
		row.change(v)
		d.happened()
		d.submits("ann", view.CallbackRequest, place{Channel: home}, v)
		wrongs := d.wrongs()
		if len(wrongs) != 1 || !strings.Contains(wrongs[row.block], row.says) {
			t.Errorf("%s: got %v, want %q under %s", row.sentence, wrongs, row.says, row.block)
		}
		if happened := d.happened(); slices.Contains(happened, "record") || !slices.Contains(happened, "ack") {
			t.Errorf("%s: got %v", row.sentence, happened)
		}
	}
	d.submits("ann", view.CallbackRequest, place{Channel: home}, values{})
	if wrongs := d.wrongs(); len(wrongs) != 2 {
		t.Errorf("an empty form has two errors, got %v", wrongs)
	}
	d.happened()
	v := fine()
	v["start"] = at(time.Now().Add(2 * time.Hour))
	d.submits("ann", view.CallbackRequest, place{Channel: home}, v)
	if diff := cmp.Diff([]string{"record", "ack"}, d.happened()); diff != "" || d.lastAck() != "[]" {
		t.Errorf("a good request: %s\n%s", d.lastAck(), diff)
	}
}

func TestADenialNeedsAReason(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	where := place{Channel: home, Session: s.ID, Ask: s.Ask}
	d.submits("bob", view.CallbackDeny, where, values{"reason": typed(view.ActionReason, "  ")})
	if wrongs := d.wrongs(); !strings.Contains(wrongs["reason"], "Say why") {
		t.Errorf("got %v", wrongs)
	}
	d.submits("bob", view.CallbackDeny, where, values{"reason": typed(view.ActionReason, "not this week")})
	if got := d.load(s.ID); got.State != upgrade.Denied || got.Decisions[0].Reason != "not this week" {
		t.Errorf("got %s, %+v", got.State, got.Decisions)
	}
}

func TestOldMetadataIsAnEmptyPlace(t *testing.T) {
	d := newDesk(t)
	d.picks("ann", "nonsense", "metadata of another life")
	if diff := cmp.Diff([]string{"ack", "views.update Upgrade a database"}, d.happened()); diff != "" {
		t.Error(diff)
	}
}

func TestAPickedDatabaseShowsItsVersions(t *testing.T) {
	d := newDesk(t)
	e, err := d.index.Find("search-prod")
	if err != nil {
		t.Fatal(err)
	}
	d.picks("ann", e.Ref.String(), place{Channel: home, Version: "7.9"}.String())
	if diff := cmp.Diff([]string{"ack", "views.update Upgrade a database", "views.update Upgrade a database"}, d.happened()); diff != "" {
		t.Errorf("first that they are being read, then the versions:\n%s", diff)
	}
	raw, err := json.Marshal(d.views[len(d.views)-1])
	if err != nil || !strings.Contains(string(raw), view.VersionBlock(e)) || strings.Contains(string(raw), "7.9") {
		t.Errorf("the form is %s", raw)
	}
}

func TestAnOfferedRequestOpensTheForm(t *testing.T) {
	d := newDesk(t)
	entry, err := d.index.Find("search-prod")
	if err != nil {
		t.Fatal(err)
	}
	known := entry.Ref.String()
	for _, row := range []struct{ sentence, value, opens, says string }{
		{"what was offered is filled in", known + "@8.2", "views.open Upgrade a database", ""},
		{"a version that is no longer on offer", known + "@9.9", "", "cannot go to 9.9"},
		{"a database that is gone", "pro/1/2@8.2", "", "no longer exists"},
		{"a made-up value", strings.Repeat("x", 3000), "", "no longer exists"},
		{"no value", "", "", "no longer exists"},
	} {
		told := len(d.answers())
		d.happened()
		d.send(socketmode.EventTypeInteractive, click("ann", view.ActionRequest+"_0", row.value))
		did := d.happened()
		if did[0] != "ack" || row.opens != "" && !slices.Contains(did, row.opens) || row.opens == "" && slices.ContainsFunc(did, func(s string) bool { return strings.HasPrefix(s, "views") }) {
			t.Errorf("%s: %q happened", row.sentence, did)
		}
		answers := d.answers()[told:]
		if row.says == "" && len(answers) > 0 || row.says != "" && (len(answers) != 1 || !strings.Contains(answers[0].text, row.says)) {
			t.Errorf("%s: told %v, want %q", row.sentence, answers, row.says)
		}
	}
	if n := d.inbox.left(); n != 0 {
		t.Errorf("%d intents were recorded", n)
	}
}
