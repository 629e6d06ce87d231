package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// Message is what is posted: text for notifications and screen readers,
// blocks for eyes, metadata for machines.
type Message struct {
	Text     string
	Blocks   []slack.Block
	Metadata slack.SlackMetadata
}

// Policy is what a card has to know of who decides.
type Policy struct {
	Upgrades, Reverts approvals.Policy
	Approvers         string // in words with mentions, e.g. "<!subteam^S1>"
	OnCall            string
	Engine            Offers
}

// Offers says what the engine would accept.
type Offers interface {
	Revertible(upgrade.Session) *upgrade.Refusal
}

// Card draws a session's one message.
func Card(s upgrade.Session, p Policy) Message {
	var blocks []slack.Block
	if s.Kind == upgrade.KindRevert {
		blocks = revertBlocks(s, p)
	} else {
		blocks = upgradeBlocks(s, p)
	}
	return Message{Text: Cut(title(s)+" — "+stateWords(s), maxText), Blocks: blocks[:min(len(blocks), maxBlocks)], Metadata: metadata(s)}
}

func metadata(s upgrade.Session) slack.SlackMetadata {
	return slack.SlackMetadata{EventType: "redis_upgrade", EventPayload: map[string]any{
		"session": s.ID, "kind": string(s.Kind), "database": s.Plan.Database, "state": string(s.State),
	}}
}

func title(s upgrade.Session) string {
	verb := "Upgrade"
	if s.Kind == upgrade.KindRevert {
		verb = "Revert"
	}
	return fmt.Sprintf("%s %s: %s → %s", verb, s.Plan.Name, s.Plan.From, s.Plan.To)
}

func upgradeBlocks(s upgrade.Session, p Policy) []slack.Block {
	blocks := []slack.Block{
		slack.NewHeaderBlock(plain(title(s), maxHeader)),
		section(headline(s, p)),
	}
	blocks = append(blocks, problem(s)...)
	blocks = append(blocks, unknownCall(s)...)
	blocks = append(blocks, section(fmt.Sprintf("*Why*, says %s:\n%s", person(s.By), quote(s.Reason))))
	blocks = append(blocks, fields(facts(s)...))
	blocks = append(blocks, warnings(s)...)
	blocks = append(blocks, changes(s)...)
	blocks = append(blocks, section(progress(s)))
	return append(blocks, footer(s, p)...)
}

// footer ends every card: decisions, buttons, and where it came from.
func footer(s upgrade.Session, p Policy) []slack.Block {
	var blocks []slack.Block
	if text := decisions(s); text != "" {
		blocks = append(blocks, note(text))
	}
	if b := buttons(s, p); len(b) > 0 {
		blocks = append(blocks, slack.NewActionBlock("actions", b...))
	}
	return append(blocks, note(fmt.Sprintf("`%s` · asked %s by %s", s.ID, when(s.Created), person(s.By))))
}

// facts are the two columns of what is known.
func facts(s upgrade.Session) []string {
	f := s.Facts
	out := []string{
		"*Database*\n" + Escape(s.Plan.Name) + "  `" + Escape(s.Plan.Database) + "`",
		"*Subscription*\n" + Escape(f.Subscription) + " (" + Escape(f.SubStatus) + ")",
		"*Version*\n" + Escape(s.Plan.From) + " → *" + Escape(s.Plan.To) + "*",
		"*Size*\n" + fmt.Sprintf("%s, %.0f MB used", plural(f.Shards, "shard"), f.UsedMB),
		"*Backup*\n" + backup(s),
		"*Way back*\n" + wayBack(f),
	}
	if !s.Plan.NotBefore.IsZero() {
		out = append(out, "*Start*\nnot before "+when(s.Plan.NotBefore))
	}
	if f.Endpoint != "" {
		out = append(out, "*Endpoint*\n`"+Escape(f.Endpoint)+"`")
	}
	return out
}

func backup(s upgrade.Session) string {
	f := s.Facts.Backup
	switch {
	case !s.Upgrade.BackupAt.IsZero():
		return ":white_check_mark: taken for this upgrade " + when(s.Upgrade.BackupAt) + "\n`" + Escape(f.Where) + "`"
	case !f.Known:
		return ":grey_question: last one unknown; a new one is taken first\n`" + Escape(f.Where) + "`"
	case f.Last.IsZero():
		return ":warning: *never backed up*; a backup is taken first\n`" + Escape(f.Where) + "`"
	}
	age := upgrade.Words(s.Facts.At.Sub(f.Last).Round(time.Minute))
	if s.Facts.At.Sub(f.Last) < time.Minute {
		age = "less than a minute"
	}
	return fmt.Sprintf("last %s (%s old when asked); a new one is taken first\n`%s`", when(f.Last), age, Escape(f.Where))
}

func wayBack(f upgrade.Facts) string {
	mark := ":warning: "
	if f.WayBack.Possible {
		mark = ":leftwards_arrow_with_hook: "
	}
	return mark + Escape(f.WayBack.Text)
}

// warnings are facts that an approver should not overlook.
func warnings(s upgrade.Session) []slack.Block {
	var out []string
	f := s.Facts
	if !f.Replication && f.Persistence == "none" {
		out = append(out, "No replication and no persistence: if the upgrade goes wrong, only the backup is left.")
	}
	if f.Dynamic {
		out = append(out, "It has dynamic endpoints. A revert by recreating keeps the static endpoint only; clients that use the dynamic names must be told.")
	}
	if len(f.ReplicaOf) > 0 {
		out = append(out, "It replicates from "+Escape(strings.Join(f.ReplicaOf, ", "))+" (Active-Passive); upgrade that one afterwards.")
	}
	if f.ExternalSource {
		out = append(out, "It replicates from a source outside this account; this bot cannot see its version.")
	}
	if f.AutoMinor {
		out = append(out, "Redis moves this database to newer minor versions by itself (auto minor upgrades).")
	}
	if len(out) == 0 {
		return nil
	}
	return []slack.Block{section(":warning: " + strings.Join(out, "\n:warning: "))}
}

// decisions name who said what.
func decisions(s upgrade.Session) string {
	var out []string
	for _, d := range s.Decisions {
		word := ":white_check_mark: " + person(d.By) + " approved " + when(d.At)
		if d.Choice == approvals.Deny {
			word = ":no_entry: " + person(d.By) + " denied " + when(d.At) + ": " + Escape(Cut(d.Reason, 300))
		}
		if !d.JoinedAt.IsZero() && d.At.Sub(d.JoinedAt) < 24*time.Hour {
			word += " (joined the group within the last day)"
		}
		out = append(out, word)
	}
	return strings.Join(out, "\n")
}

// buttons are the moves that the engine would accept now.
func buttons(s upgrade.Session, p Policy) []slack.BlockElement {
	value := Target{Session: s.ID, Ask: s.Ask}.Value()
	button := func(id, label string, style slack.Style) *slack.ButtonBlockElement {
		b := slack.NewButtonBlockElement(id, value, plain(label, maxButton))
		b.Style = style
		return b
	}
	var out []slack.BlockElement
	if s.Call != nil && s.Call.Phase == upgrade.Unknown {
		return append(out,
			confirm(button(ActionHappened, "It happened", slack.StylePrimary), "Go on as if it happened?", "The bot follows it from there and verifies the result. Check the Redis Cloud console first."),
			confirm(button(ActionAbsent, "It did not happen", slack.StyleDanger), "Declare that it did not happen?", "It may be sent once more. Check the Redis Cloud console first: if it did happen, it would happen twice."))
	}
	switch s.State {
	case upgrade.Proposed:
		label := "Approve"
		if s.Kind == upgrade.KindRevert {
			label = "Approve deletion…"
		}
		out = append(out, button(ActionApprove, label, slack.StylePrimary), button(ActionDeny, "Deny…", slack.StyleDanger))
	case upgrade.Blocked:
		out = append(out, button(ActionRecheck, "Check again", slack.StylePrimary))
	}
	if s.Kind == upgrade.KindUpgrade && !s.Ended && s.State != upgrade.Reverting {
		out = append(out, button(ActionChanges, "Breaking changes", slack.StyleDefault))
	}
	if s.Cancellable() && s.CancelBy == "" {
		out = append(out, confirm(button(ActionCancel, "Cancel", slack.StyleDefault), "Cancel?", cancelText(s)))
	}
	if s.Kind == upgrade.KindUpgrade && p.Engine != nil && p.Engine.Revertible(s) == nil {
		out = append(out, button(ActionRevert, "Revert…", slack.StyleDanger))
	}
	return out
}

func cancelText(s upgrade.Session) string {
	if s.Kind == upgrade.KindRevert {
		return "The revert stops and the door is opened again. Nothing is deleted."
	}
	return "Nothing has been upgraded yet, and nothing will be."
}

func confirm(b *slack.ButtonBlockElement, title, text string) *slack.ButtonBlockElement {
	b.Confirm = slack.NewConfirmationBlockObject(plain(title, 100), plain(text, 300), plain("Yes", 30), plain("Back", 30))
	return b
}
