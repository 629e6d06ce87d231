package view_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

// A database that is deleted and not back reads like nothing else, wherever it is
// named: notification, card, status, history, Home, an answer to a mention.
func TestTheWorstStateHasTheStrongestWords(t *testing.T) {
	permalink := func(string) string { return "" }
	for sentence, s := range map[string]upgrade.Session{
		"the revert": samples.RevertFailed(upgrade.Importing), "its upgrade": samples.With(samples.Upgrade(upgrade.Failed), samples.Linked),
	} {
		home := view.Home([]upgrade.Session{s}, 0, permalink)
		for where, text := range map[string]string{
			"notification": view.Card(s, samples.Policy()).Text, "card": said(t, view.Card(s, samples.Policy())), "status": said(t, view.Sessions("Under way", []upgrade.Session{s}, 0, permalink)),
			"home": strings.Join(markup(t, samples.Sample{Home: &home}), "\n"), "mention": view.MentionReply(s, samples.Policy()).Text,
			"unposted": view.Unposted(s, "C1", "is_inactive", true).Text,
		} {
			if !strings.Contains(strings.ToLower(text), view.ActNow) {
				t.Errorf("%s, %s: %s", sentence, where, text)
			}
		}
	}
	if text := view.Card(samples.Failed(upgrade.Upgrading), samples.Policy()).Text; strings.Contains(text, view.ActNow) {
		t.Errorf("nothing was deleted, and yet: %s", text)
	}
}

// The bot's clock and Redis Cloud's may differ.
func TestALossIsNeverNegative(t *testing.T) {
	for _, state := range revertStates {
		s := samples.With(samples.Revert(state), func(s *upgrade.Session) {
			s.Revert.BackupAt = samples.Noon.Add(24 * time.Hour)
		})
		if text := said(t, view.Card(s, samples.Policy())); strings.Contains(text, ": -") {
			t.Errorf("%s: %s", state, text)
		}
	}
}

// Slack draws the confirmation of a dialog green, unless it is told that it is
// dangerous.
func TestADangerousDialogLooksDangerous(t *testing.T) {
	for _, s := range samples.All() {
		if s.Message == nil {
			continue
		}
		for _, b := range s.Message.Blocks {
			a, ok := b.(*slack.ActionBlock)
			if !ok {
				continue
			}
			for _, e := range a.Elements.ElementSet {
				if e := e.(*slack.ButtonBlockElement); e.Confirm != nil && e.Style != slack.StylePrimary && e.Confirm.Style != slack.StyleDanger {
					t.Errorf("%s: the dialog of %q is green", s.Name, e.Text.Text)
				}
			}
		}
	}
}

// A session that is not believed offers nothing to click, whatever its record holds.
func TestNothingCanBeClickedOnADoubtedCard(t *testing.T) {
	for _, kind := range []upgrade.Kind{upgrade.KindUpgrade, upgrade.KindRevert} {
		for _, state := range []upgrade.State{upgrade.Proposed, upgrade.Approved, upgrade.Soaking, ""} {
			m := view.Card(upgrade.Session{ID: "u-3f7ka2mzq5", Kind: kind, State: state, Distrusted: "the journal is gone"}, view.Policy{OnCall: "@oncall"})
			raw, err := json.Marshal(m.Blocks)
			if err != nil || strings.Contains(string(raw), "action_id") || !strings.Contains(string(raw), "the journal is gone") {
				t.Errorf("%s %s: %s, %v", kind, state, raw, err)
			}
		}
	}
}

// Of a revert that is not believed nobody knows whether its database exists; wherever
// it is named, that is said.
func TestADoubtedRevertPastItsDeleteHasTheStrongestWords(t *testing.T) {
	permalink := func(string) string { return "" }
	for _, state := range []upgrade.State{upgrade.Deleting, upgrade.Creating, upgrade.Importing, upgrade.Restoring} {
		s := samples.With(samples.Revert(state), samples.Doubted("the journal is gone"))
		home := view.Home([]upgrade.Session{s}, 0, permalink)
		for where, text := range map[string]string{
			"notification": view.Card(s, samples.Policy()).Text, "card": said(t, view.Card(s, samples.Policy())), "thread": view.Distrusted(s, samples.Policy()).Text,
			"status": said(t, view.Sessions("Under way", []upgrade.Session{s}, 0, permalink)), "home": strings.Join(markup(t, samples.Sample{Home: &home}), "\n"),
			"mention": view.MentionReply(s, samples.Policy()).Text,
		} {
			if !strings.Contains(text, view.DistrustedActNow) {
				t.Errorf("%s, %s: %s", state, where, text)
			}
		}
	}
	for _, s := range []upgrade.Session{samples.With(samples.Upgrade(upgrade.Upgrading), samples.Doubted("x")), samples.With(samples.Revert(upgrade.Proposed), samples.Doubted("x")), samples.With(samples.Revert(upgrade.Importing), samples.Doubted("x"))} {
		modal := view.ReleaseModal(s, nil, "{}")
		for where, text := range map[string]string{"card": said(t, view.Card(s, samples.Policy())), "thread": said(t, view.Distrusted(s, samples.Policy())), "form": strings.Join(markup(t, samples.Sample{Modal: &modal}), "\n")} {
			if !strings.Contains(text, view.UnknownHere) {
				t.Errorf("%s %s, %s: %s", s.Kind, s.State, where, text)
			}
		}
	}
}
