package view

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// A database that is deleted and not back reads like nothing else, wherever it is
// named: notification, card, status, history, Home, an answer to a mention.
func TestTheWorstStateHasTheStrongestWords(t *testing.T) {
	permalink := func(string) string { return "" }
	for sentence, s := range map[string]upgrade.Session{
		"the revert": revertFailed(upgrade.Importing), "its upgrade": with(upgradeAt(upgrade.Failed), linked),
	} {
		home := Home([]upgrade.Session{s}, 0, permalink)
		for where, text := range map[string]string{
			"notification": Card(s, samplePolicy()).Text, "card": said(t, Card(s, samplePolicy())), "status": said(t, Sessions("Under way", []upgrade.Session{s}, 0, permalink)),
			"home": strings.Join(markup(t, Sample{Home: &home}), "\n"), "mention": MentionReply(s, samplePolicy()).Text,
			"unposted": Unposted(s, "C1", "is_inactive", true).Text,
		} {
			if !strings.Contains(strings.ToLower(text), actNow) {
				t.Errorf("%s, %s: %s", sentence, where, text)
			}
		}
	}
	if text := Card(failedAt(upgrade.Upgrading), samplePolicy()).Text; strings.Contains(text, actNow) {
		t.Errorf("nothing was deleted, and yet: %s", text)
	}
}

// The bot's clock and Redis Cloud's may differ.
func TestALossIsNeverNegative(t *testing.T) {
	for _, state := range revertStates {
		s := with(revertAt(state), func(s *upgrade.Session) {
			s.Revert.BackupAt = noon.Add(24 * time.Hour)
		})
		if text := said(t, Card(s, samplePolicy())); strings.Contains(text, ": -") {
			t.Errorf("%s: %s", state, text)
		}
	}
}

// Slack draws the confirmation of a dialog green, unless it is told that it is
// dangerous.
func TestADangerousDialogLooksDangerous(t *testing.T) {
	for _, s := range Samples() {
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
			m := Card(upgrade.Session{ID: "u-3f7ka2mzq5", Kind: kind, State: state, Distrusted: "the journal is gone"}, Policy{OnCall: "@oncall"})
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
		s := with(revertAt(state), doubted("the journal is gone"))
		home := Home([]upgrade.Session{s}, 0, permalink)
		for where, text := range map[string]string{
			"notification": Card(s, samplePolicy()).Text, "card": said(t, Card(s, samplePolicy())), "thread": Distrusted(s, samplePolicy()).Text,
			"status": said(t, Sessions("Under way", []upgrade.Session{s}, 0, permalink)), "home": strings.Join(markup(t, Sample{Home: &home}), "\n"),
			"mention": MentionReply(s, samplePolicy()).Text,
		} {
			if !strings.Contains(text, distrustedActNow) {
				t.Errorf("%s, %s: %s", state, where, text)
			}
		}
	}
	for _, s := range []upgrade.Session{with(upgradeAt(upgrade.Upgrading), doubted("x")), with(revertAt(upgrade.Proposed), doubted("x")), with(revertAt(upgrade.Importing), doubted("x"))} {
		modal := ReleaseModal(s, nil, "{}")
		for where, text := range map[string]string{"card": said(t, Card(s, samplePolicy())), "thread": said(t, Distrusted(s, samplePolicy())), "form": strings.Join(markup(t, Sample{Modal: &modal}), "\n")} {
			if !strings.Contains(text, unknownHere) {
				t.Errorf("%s %s, %s: %s", s.Kind, s.State, where, text)
			}
		}
	}
}
