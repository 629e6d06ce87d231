package view

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// said is everything that a message shows, as one text.
func said(t *testing.T, m Message) string {
	t.Helper()
	return strings.Join(markup(t, Sample{Message: &m}), "\n")
}

// labels are a card's buttons.
func labels(m Message) []string {
	var out []string
	for _, b := range m.Blocks {
		if a, ok := b.(*slack.ActionBlock); ok {
			for _, e := range a.Elements.ElementSet {
				out = append(out, e.(*slack.ButtonBlockElement).Text.Text)
			}
		}
	}
	return out
}

// The rule of a session stands on its card, whatever is configured now.
func TestACardShowsTheRuleOfItsSession(t *testing.T) {
	s := with(upgradeAt(upgrade.Proposed), func(s *upgrade.Session) {
		s.Rule = &approvals.Policy{Quorum: 3, Approvers: []string{"S0OTHER", "U0EVE"}}
	})
	card := said(t, Card(s, samplePolicy()))
	for _, want := range []string{" of 3", "<!subteam^S0OTHER> <@U0EVE>"} {
		if !strings.Contains(card, want) {
			t.Errorf("the card does not say %q:\n%s", want, card)
		}
	}
}

func TestACardOffersWhatTheEngineTakesNow(t *testing.T) {
	for _, row := range []struct {
		sentence string
		session  upgrade.Session
		want     string
	}{
		{"a question can be answered, looked into and taken back", upgradeAt(upgrade.Proposed), "Approve, Deny…, Breaking changes, Cancel"},
		{"until it starts, a denial wins over an approval", upgradeAt(upgrade.Approved), "Deny…, Breaking changes, Cancel"},
		{"what is blocked can be checked again", upgradeAt(upgrade.Blocked), "Check again, Deny…, Breaking changes, Cancel"},
		{"while the backup runs a denial wins", upgradeAt(upgrade.BackingUp), "Deny…, Breaking changes, Cancel"},
		{"a sent upgrade cannot be cancelled", with(upgradeAt(upgrade.Upgrading), calling("upgrade", upgrade.Sent)), "Breaking changes"},
		{"what is being cancelled is not cancelled again", with(upgradeAt(upgrade.BackingUp), cancelled(ann)), "Breaking changes"},
		{"an unknown call has two answers, and a way to want nothing more sent", with(upgradeAt(upgrade.Upgrading), calling("upgrade", upgrade.Unknown)), "It happened, It did not happen, Cancel"},
		{"past the delete it has only the answers", with(revertAt(upgrade.Importing), calling("import", upgrade.Unknown)), "It happened, It did not happen"},
		{"what is watched can be reverted", upgradeAt(upgrade.Soaking), "Breaking changes, Revert…"},
		{"what is done can be reverted", upgradeAt(upgrade.Done), "Revert…"},
		{"what failed after the send can be reverted", failedAt(upgrade.Soaking), "Revert…"},
		{"what was never sent cannot", failedAt(upgrade.BackingUp), ""},
		{"what is being reverted has its revert's card", with(upgradeAt(upgrade.Reverting), linked), ""},
		{"what its revert has deleted cannot be reverted once more", with(upgradeAt(upgrade.Failed), linked), ""},
		{"a denied one has no button", upgradeAt(upgrade.Denied), ""},
		{"a deletion is approved in a modal", revertAt(upgrade.Proposed), "Approve deletion…, Deny…, Cancel"},
		{"a rehearsal can be cancelled", revertAt(upgrade.Rehearsing), "Cancel"},
		{"after the delete there is no way but on", revertAt(upgrade.Creating), ""},
	} {
		m := Card(row.session, samplePolicy())
		if got := strings.Join(labels(m), ", "); got != row.want {
			t.Errorf("%s: got [%s], want [%s]", row.sentence, got, row.want)
		}
	}
}

func TestEveryButtonSaysWhatItIsAbout(t *testing.T) {
	s := upgradeAt(upgrade.Proposed)
	s.Ask = 7
	for _, b := range buttons(s, samplePolicy()) {
		got, ok := ParseTarget(b.(*slack.ButtonBlockElement).Value)
		if want := (Target{Session: s.ID, Ask: 7}); !ok || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", b.(*slack.ButtonBlockElement).ActionID, got, ok, want)
		}
	}
}

func TestACardSays(t *testing.T) {
	auto := func(to string, on bool) upgrade.Session {
		return with(upgradeAt(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.To, s.Facts.AutoMinor = to, on })
	}
	between := func(from, to string) upgrade.Session {
		return with(upgradeAt(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.From, s.Plan.To = from, to })
	}
	lostOne := revertFailed(upgrade.Importing)
	missing := with(revertAt(upgrade.Failed), func(s *upgrade.Session) { s.Revert.DeletedAt, s.Revert.Missing = time.Time{}, true })
	for _, row := range []struct {
		sentence string
		session  upgrade.Session
		says     string
		not      string
	}{
		{"auto minor upgrades do not act below 8.4", auto("8.2", true), "", "Auto minor"},
		{"they act from 8.4 on", auto("8.4", true), "from 8.4 on, Redis Cloud moves this database", ""},
		{"8.10 is newer than 8.4", auto("8.10", true), "from 8.10 on", ""},
		{"they can be off", auto("8.6", false), "", "Auto minor"},
		{"of an unknown version nothing is claimed", between("7.2", "10.0"), "Nothing is known here about Redis 10.0 and other versions after 8.10", ""},
		{"not even where no known version is crossed", between("9.0", "10.0"), "Nothing is known here about Redis 9.0 and 10.0", ""},
		{"a gap in the table is no later version", between("8.1", "8.2"), "Nothing is known here about Redis 8.1. Read <https://redis.io/docs/", ""},
		{"of known ones the table is the answer", between("7.2", "8.6"), "Breaking changes from 7.2 to 8.6", "Nothing is known"},
		{"whoever asked does not decide", upgradeAt(upgrade.Proposed), "(not <@U0ANN>, who asked)", ""},
		{"two votes are counted", with(upgradeAt(upgrade.Proposed), voted(bob)), "1 of 1", ""},
		{"a blocked one says when its approval lapses", upgradeAt(upgrade.Blocked), "the approval lapses <!date^1772712300^", ""},
		{"health is nobody's promise", upgradeAt(upgrade.Done), "version confirmed; application health not checked", ""},
		{"a called-off one has nothing left to weigh", upgradeAt(upgrade.Cancelled), "Nothing was upgraded.", "Breaking changes"},
		{"nothing is lost by a revert that deleted nothing", revertAt(upgrade.Denied), "*Nothing is lost:*", "What is lost"},
		{"of a database that is gone nothing is claimed", missing, "The database no longer exists.", "Nothing is lost"},
		{"of a database that is gone nothing is called kept", missing, "The database no longer exists.", "Nothing was deleted"},
		{"the loss is told in numbers", revertAt(upgrade.Saving), "1 h 48 min", ""},
		{"on-call is called where the data is away", lostOne, "*<!subteam^S0ONCALL> has to act now:*", ""},
		{"an import is never sent twice", with(revertAt(upgrade.Importing), calling("import", upgrade.Unknown)), "never sent twice", "sent once more"},
		{"a wild percentage is drawn within bounds", with(upgradeAt(upgrade.Upgrading), doing(1e9, "")), "`████████████` 100 %", ""},
		{"a state of a newer replica is named, not crashed on", upgradeAt("unheard-of"), "unheard-of", ""},
	} {
		got := said(t, Card(row.session, samplePolicy()))
		if !strings.Contains(got, row.says) {
			t.Errorf("%s: %q is missing in\n%s", row.sentence, row.says, got)
		}
		if row.not != "" && strings.Contains(got, row.not) {
			t.Errorf("%s: %q must not be in\n%s", row.sentence, row.not, got)
		}
	}
}

func TestTheStagesTellHowFarItCame(t *testing.T) {
	for _, row := range []struct {
		session upgrade.Session
		want    string
	}{
		{upgradeAt(upgrade.Proposed), "*Approval*"},
		{upgradeAt(upgrade.Approved), "*Preflight*"},
		{failedAt(upgrade.Upgrading), ":x: *Upgrade*"},
		{failedAt(upgrade.Verifying), ":x: *Verification*"},
		{failedAt(upgrade.Soaking), ":x: *Monitoring*"},
		{with(upgradeAt(upgrade.Failed), linked), ":white_check_mark: Monitoring"},
		{revertFailed(upgrade.Importing), ":x: *Import the backup*"},
		{revertFailed(upgrade.Rehearsing), ":x: *Test restore and dry run*"},
		{revertAt(upgrade.Denied), ":white_check_mark: Test restore and dry run\n:white_circle: Approval of the deletion"},
	} {
		if got := progress(row.session); !strings.Contains(got, row.want) {
			t.Errorf("%s %s: %q is missing in\n%s", row.session.Kind, row.session.State, row.want, got)
		}
	}
}

func TestAMessageIsForMachinesToo(t *testing.T) {
	m := Card(revertAt(upgrade.Saving), samplePolicy()).Metadata
	want := map[string]any{"session": "r-9x2mv4kq7t", "kind": "revert", "database": "pro/1206/51055", "state": "saving"}
	for k, v := range want {
		if m.EventPayload[k] != v {
			t.Errorf("metadata %s: got %v, want %v", k, m.EventPayload[k], v)
		}
	}
}

func TestOnlyWordsMakeAMilestone(t *testing.T) {
	if _, ok := Milestone(upgrade.Calling, "", ""); ok {
		t.Error("a move without words was told")
	}
	m, ok := Milestone(upgrade.Deny, carol, "Denied: <!channel> no")
	if want := ":no_entry: <@U0CAROL>: Denied:\n>&lt;!channel&gt; no"; !ok || m.Text != want {
		t.Errorf("got %q, want %q", m.Text, want)
	}
}

func TestASelectTellsDatabasesApart(t *testing.T) {
	memcached, aa := sampleEntry(), sampleEntry()
	memcached.Protocol, aa.ActiveActive = "memcached", true
	for _, row := range []struct {
		entry       inventory.Entry
		text, about string
	}{
		{sampleEntry(), "cache-prod · 7.2", "#51055 · 4 versions behind, up to 8.4 · production-us"},
		{upToDate(), "latest-prod · 8.4", "#51099 · production-us"},
		{memcached, "cache-prod · memcached", "#51055 · production-us"},
		{aa, "cache-prod · 7.2 · Active-Active", "#51055 · production-us"},
	} {
		o := Option(row.entry)
		if o.Text.Text != row.text || o.Description.Text != row.about || o.Value != row.entry.Ref.String() {
			t.Errorf("got %q, %q, %q; want %q, %q", o.Text.Text, o.Description.Text, o.Value, row.text, row.about)
		}
	}
}

func TestAVersionListBelongsToOneDatabase(t *testing.T) {
	e, other := sampleEntry(), upToDate()
	if VersionBlock(e) == VersionBlock(other) {
		t.Error("a version picked for one database would count for another")
	}
	f := RequestForm{Entry: &e, Versions: []string{"7.4"}, Version: "9.9"}
	for _, b := range RequestModal(f).Blocks.BlockSet {
		if in, ok := b.(*slack.InputBlock); ok && in.BlockID == VersionBlock(e) {
			if list := in.Element.(*slack.SelectBlockElement); list.InitialOption != nil {
				t.Error("a version that is not on offer was preselected")
			}
		}
	}
}

func TestSamplesShowEveryState(t *testing.T) {
	var seen []string
	for _, s := range Samples() {
		if s.Message != nil && s.Message.Metadata.EventPayload != nil {
			seen = append(seen, s.Message.Metadata.EventPayload["kind"].(string)+" "+s.Message.Metadata.EventPayload["state"].(string))
		}
	}
	for kind, states := range map[upgrade.Kind][]upgrade.State{upgrade.KindUpgrade: upgradeStates, upgrade.KindRevert: revertStates} {
		for _, state := range states {
			if word := string(kind) + " " + string(state); state != "" && state != "unheard-of" && !slices.Contains(seen, word) {
				t.Errorf("no sample shows: %s", word)
			}
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"u-3f7ka2mzq5#1", "u-3f7ka2mzq5", "#", "u-3f7ka2mzq5#-1", "u-3f7ka2mzq5#9223372036854775808", "a#1#2", strings.Repeat("u", 50) + "#1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, ok := ParseTarget(value)
		if !ok {
			if got != (Target{}) {
				t.Errorf("refused, and yet %+v", got)
			}
			return
		}
		if again, ok := ParseTarget(got.Value()); !ok || again != got {
			t.Errorf("%q became %+v and then %+v", value, got, again)
		}
		if got.Ask < 0 || len(got.Session) > 40 {
			t.Errorf("took %+v", got)
		}
	})
}

func TestStaleDataIsMarkedWithItsAge(t *testing.T) {
	if got := Option(staleEntry()).Description.Text; !strings.Contains(got, "as of "+noon.Format("15:04 UTC")) {
		t.Errorf("the option says %q", got)
	}
	if got := Option(sampleEntry()).Description.Text; strings.Contains(got, "as of") {
		t.Errorf("a fresh one says %q", got)
	}
	if got := List([]inventory.Entry{staleEntry()}).Text; !strings.Contains(got, "last read <!date^") {
		t.Errorf("the list says %q", got)
	}
}
