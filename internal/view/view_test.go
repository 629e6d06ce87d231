package view_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

// said is everything that a message shows, as one text.
func said(t *testing.T, m view.Message) string {
	t.Helper()
	return strings.Join(markup(t, samples.Sample{Message: &m}), "\n")
}

// labels are a card's buttons.
func labels(m view.Message) []string {
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
	s := samples.With(samples.Upgrade(upgrade.Proposed), func(s *upgrade.Session) {
		s.Rule = &approvals.Policy{Quorum: 3, Approvers: []string{"S0OTHER", "U0EVE"}}
	})
	card := said(t, view.Card(s, samples.Policy()))
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
		{"a question can be answered, looked into and taken back", samples.Upgrade(upgrade.Proposed), "Approve, Deny…, Breaking changes, Cancel"},
		{"until it starts, a denial wins over an approval", samples.Upgrade(upgrade.Approved), "Deny…, Breaking changes, Cancel"},
		{"what is blocked can be checked again", samples.Upgrade(upgrade.Blocked), "Check again, Deny…, Breaking changes, Cancel"},
		{"while the backup runs a denial wins", samples.Upgrade(upgrade.BackingUp), "Deny…, Breaking changes, Cancel"},
		{"a sent upgrade cannot be cancelled", samples.With(samples.Upgrade(upgrade.Upgrading), samples.Calling("upgrade", upgrade.Sent)), "Breaking changes"},
		{"what is being cancelled is not cancelled again", samples.With(samples.Upgrade(upgrade.BackingUp), samples.Cancelled(samples.Ann)), "Breaking changes"},
		{"an unknown call has two answers, and a way to want nothing more sent", samples.With(samples.Upgrade(upgrade.Upgrading), samples.Calling("upgrade", upgrade.Unknown)), "It happened, It did not happen, Cancel"},
		{"past the delete it has only the answers", samples.With(samples.Revert(upgrade.Importing), samples.Calling("import", upgrade.Unknown)), "It happened, It did not happen"},
		{"what is watched can be reverted", samples.Upgrade(upgrade.Soaking), "Breaking changes, Revert…"},
		{"what is done can be reverted", samples.Upgrade(upgrade.Done), "Revert…"},
		{"what failed after the send can be reverted", samples.Failed(upgrade.Soaking), "Revert…"},
		{"what was never sent cannot", samples.Failed(upgrade.BackingUp), ""},
		{"what is being reverted has its revert's card", samples.With(samples.Upgrade(upgrade.Reverting), samples.Linked), ""},
		{"what its revert has deleted cannot be reverted once more", samples.With(samples.Upgrade(upgrade.Failed), samples.Linked), ""},
		{"a denied one has no button", samples.Upgrade(upgrade.Denied), ""},
		{"a deletion is approved in a modal", samples.Revert(upgrade.Proposed), "Approve deletion…, Deny…, Cancel"},
		{"a rehearsal can be cancelled", samples.Revert(upgrade.Rehearsing), "Cancel"},
		{"after the delete there is no way but on", samples.Revert(upgrade.Creating), ""},
	} {
		m := view.Card(row.session, samples.Policy())
		if got := strings.Join(labels(m), ", "); got != row.want {
			t.Errorf("%s: got [%s], want [%s]", row.sentence, got, row.want)
		}
	}
}

func TestEveryButtonSaysWhatItIsAbout(t *testing.T) {
	s := samples.Upgrade(upgrade.Proposed)
	s.Ask = 7
	for _, b := range view.Buttons(s, samples.Policy()) {
		got, ok := view.ParseTarget(b.(*slack.ButtonBlockElement).Value)
		if want := (view.Target{Session: s.ID, Ask: 7}); !ok || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", b.(*slack.ButtonBlockElement).ActionID, got, ok, want)
		}
	}
}

func TestACardSays(t *testing.T) {
	auto := func(to string, on bool) upgrade.Session {
		return samples.With(samples.Upgrade(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.To, s.Facts.AutoMinor = to, on })
	}
	between := func(from, to string) upgrade.Session {
		return samples.With(samples.Upgrade(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.From, s.Plan.To = from, to })
	}
	lostOne := samples.RevertFailed(upgrade.Importing)
	missing := samples.With(samples.Revert(upgrade.Failed), func(s *upgrade.Session) { s.Revert.DeletedAt, s.Revert.Missing = time.Time{}, true })
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
		{"whoever asked does not decide", samples.Upgrade(upgrade.Proposed), "(not <@U0ANN>, who asked)", ""},
		{"two votes are counted", samples.With(samples.Upgrade(upgrade.Proposed), samples.Voted(samples.Bob)), "1 of 1", ""},
		{"a blocked one says when its approval lapses", samples.Upgrade(upgrade.Blocked), "the approval lapses <!date^1772712300^", ""},
		{"health is nobody's promise", samples.Upgrade(upgrade.Done), "version confirmed; application health not checked", ""},
		{"a called-off one has nothing left to weigh", samples.Upgrade(upgrade.Cancelled), "Nothing was upgraded.", "Breaking changes"},
		{"nothing is lost by a revert that deleted nothing", samples.Revert(upgrade.Denied), "*Nothing is lost:*", "What is lost"},
		{"of a database that is gone nothing is claimed", missing, "The database no longer exists.", "Nothing is lost"},
		{"of a database that is gone nothing is called kept", missing, "The database no longer exists.", "Nothing was deleted"},
		{"the loss is told in numbers", samples.Revert(upgrade.Saving), "1 h 48 min", ""},
		{"on-call is called where the data is away", lostOne, "*<!subteam^S0ONCALL> has to act now:*", ""},
		{"an import is never sent twice", samples.With(samples.Revert(upgrade.Importing), samples.Calling("import", upgrade.Unknown)), "never sent twice", "sent once more"},
		{"a wild percentage is drawn within bounds", samples.With(samples.Upgrade(upgrade.Upgrading), samples.Doing(1e9, "")), "`████████████` 100 %", ""},
		{"a state of a newer replica is named, not crashed on", samples.Upgrade("unheard-of"), "unheard-of", ""},
	} {
		got := said(t, view.Card(row.session, samples.Policy()))
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
		{samples.Upgrade(upgrade.Proposed), "*Approval*"},
		{samples.Upgrade(upgrade.Approved), "*Preflight*"},
		{samples.Failed(upgrade.Upgrading), ":x: *Upgrade*"},
		{samples.Failed(upgrade.Verifying), ":x: *Verification*"},
		{samples.Failed(upgrade.Soaking), ":x: *Monitoring*"},
		{samples.With(samples.Upgrade(upgrade.Failed), samples.Linked), ":white_check_mark: Monitoring"},
		{samples.RevertFailed(upgrade.Importing), ":x: *Import the backup*"},
		{samples.RevertFailed(upgrade.Rehearsing), ":x: *Test restore and dry run*"},
		{samples.Revert(upgrade.Denied), ":white_check_mark: Test restore and dry run\n:white_circle: Approval of the deletion"},
	} {
		if got := view.ProgressText(row.session); !strings.Contains(got, row.want) {
			t.Errorf("%s %s: %q is missing in\n%s", row.session.Kind, row.session.State, row.want, got)
		}
	}
}

func TestAMessageIsForMachinesToo(t *testing.T) {
	m := view.Card(samples.Revert(upgrade.Saving), samples.Policy()).Metadata
	want := map[string]any{"session": "r-9x2mv4kq7t", "kind": "revert", "database": "pro/1206/51055", "state": "saving"}
	for k, v := range want {
		if m.EventPayload[k] != v {
			t.Errorf("metadata %s: got %v, want %v", k, m.EventPayload[k], v)
		}
	}
}

func TestOnlyWordsMakeAMilestone(t *testing.T) {
	if _, ok := view.Milestone(upgrade.Calling, "", ""); ok {
		t.Error("a move without words was told")
	}
	m, ok := view.Milestone(upgrade.Deny, samples.Carol, "Denied: <!channel> no")
	if want := ":no_entry: <@U0CAROL>: Denied:\n>&lt;!channel&gt; no"; !ok || m.Text != want {
		t.Errorf("got %q, want %q", m.Text, want)
	}
}

func TestASelectTellsDatabasesApart(t *testing.T) {
	memcached, aa := samples.Entry(), samples.Entry()
	memcached.Protocol, aa.ActiveActive = "memcached", true
	for _, row := range []struct {
		entry       inventory.Entry
		text, about string
	}{
		{samples.Entry(), "cache-prod · 7.2", "#51055 · 4 versions behind, up to 8.4 · production-us"},
		{samples.UpToDate(), "latest-prod · 8.4", "#51099 · production-us"},
		{memcached, "cache-prod · memcached", "#51055 · production-us"},
		{aa, "cache-prod · 7.2 · Active-Active", "#51055 · production-us"},
	} {
		o := view.Option(row.entry)
		if o.Text.Text != row.text || o.Description.Text != row.about || o.Value != row.entry.Ref.String() {
			t.Errorf("got %q, %q, %q; want %q, %q", o.Text.Text, o.Description.Text, o.Value, row.text, row.about)
		}
	}
}

func TestAVersionListBelongsToOneDatabase(t *testing.T) {
	e, other := samples.Entry(), samples.UpToDate()
	if view.VersionBlock(e) == view.VersionBlock(other) {
		t.Error("a version picked for one database would count for another")
	}
	f := view.RequestForm{Entry: &e, Versions: []string{"7.4"}, Version: "9.9"}
	for _, b := range view.RequestModal(f).Blocks.BlockSet {
		if in, ok := b.(*slack.InputBlock); ok && in.BlockID == view.VersionBlock(e) {
			if list := in.Element.(*slack.SelectBlockElement); list.InitialOption != nil {
				t.Error("a version that is not on offer was preselected")
			}
		}
	}
}

func TestSamplesShowEveryState(t *testing.T) {
	var seen []string
	for _, s := range samples.All() {
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
		got, ok := view.ParseTarget(value)
		if !ok {
			if got != (view.Target{}) {
				t.Errorf("refused, and yet %+v", got)
			}
			return
		}
		if again, ok := view.ParseTarget(got.Value()); !ok || again != got {
			t.Errorf("%q became %+v and then %+v", value, got, again)
		}
		if got.Ask < 0 || len(got.Session) > 40 {
			t.Errorf("took %+v", got)
		}
	})
}

func TestStaleDataIsMarkedWithItsAge(t *testing.T) {
	if got := view.Option(samples.StaleEntry()).Description.Text; !strings.Contains(got, "as of "+samples.Noon.Format("15:04 UTC")) {
		t.Errorf("the option says %q", got)
	}
	if got := view.Option(samples.Entry()).Description.Text; strings.Contains(got, "as of") {
		t.Errorf("a fresh one says %q", got)
	}
	if got := view.List([]inventory.Entry{samples.StaleEntry()}).Text; !strings.Contains(got, "last read <!date^") {
		t.Errorf("the list says %q", got)
	}
}
