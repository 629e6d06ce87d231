package view

import (
	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// buttons are the moves that the engine would accept now.
func buttons(s upgrade.Session, p Policy) []slack.BlockElement {
	if s.Distrusted != "" {
		return nil
	}
	value := Target{Session: s.ID, Ask: s.Ask}.Value()
	button := func(id, label string, style slack.Style) *slack.ButtonBlockElement {
		b := slack.NewButtonBlockElement(id, value, plain(label, maxButton))
		b.Style = style
		return b
	}
	if isUnknown(s) {
		value = Target{Session: s.ID, Ask: s.Call.Question}.Value()
		out := []slack.BlockElement{
			confirm(button(ActionHappened, "It happened", slack.StylePrimary), "Go on as if it happened?", "The bot follows it from there and verifies the result. Check the Redis Cloud console first."),
			confirm(button(ActionAbsent, "It did not happen", slack.StyleDanger), "Declare that it did not happen?", absentText(s)),
		}
		if s.Cancellable() && s.CancelBy == "" {
			value = Target{Session: s.ID, Ask: s.Ask}.Value()
			out = append(out, confirm(button(ActionCancel, "Cancel", slack.StyleDefault), "Cancel?", "Nothing more is sent if it turns out that it did not happen. If it did happen, the bot follows it to its end."))
		}
		return out
	}
	var out []slack.BlockElement
	deny := button(ActionDeny, "Deny…", slack.StyleDanger)
	switch s.State {
	case upgrade.Proposed:
		out = append(out, button(ActionApprove, faceOf(s).approve, slack.StylePrimary), deny)
	case upgrade.Blocked:
		out = append(out, button(ActionRecheck, "Check again", slack.StylePrimary))
	}
	if s.Deniable() && s.CancelBy == "" { // until the call leaves that cannot be taken back
		out = append(out, deny)
	}
	if faceOf(s).changes && !s.Ended && s.State != upgrade.Reverting {
		out = append(out, button(ActionChanges, "Breaking changes", slack.StyleDefault))
	}
	if s.Cancellable() && s.CancelBy == "" {
		out = append(out, confirm(button(ActionCancel, "Cancel", slack.StyleDefault), "Cancel?", faceOf(s).cancel(s)))
	}
	if p.revertible(s) {
		out = append(out, button(ActionRevert, "Revert…", slack.StyleDanger))
	}
	return out
}

func isUnknown(s upgrade.Session) bool { return s.Call != nil && s.Call.Phase == upgrade.Unknown }

func absentText(s upgrade.Session) string {
	text := "Check the Redis Cloud console first. "
	switch {
	case upgrade.Once(s.Call):
		return text + "An import is never sent twice, so the revert ends here and the rest is done by hand."
	case upgrade.Grave(s.Call):
		return text + "Two people have to say so, and not within the first hour. Then it is sent once more."
	}
	return text + "It is then sent once more: if it did happen, it happens twice."
}

func confirm(b *slack.ButtonBlockElement, title, text string) *slack.ButtonBlockElement {
	b.Confirm = slack.NewConfirmationBlockObject(plain(title, 100), plain(text, 300), plain("Yes", 30), plain("Back", 30))
	if b.Style != slack.StylePrimary { // what stops or repeats something: Slack would show it green
		b.Confirm.Style = slack.StyleDanger
	}
	return b
}
