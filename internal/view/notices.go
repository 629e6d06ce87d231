package view

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// Refused is the private answer to something that cannot be done. Permalink
// leads to the session that stands in the way; it may be empty.
func Refused(r *upgrade.Refusal, permalink string) Message {
	text := ":no_entry_sign: " + Escape(r.Text)
	if r.Hint != "" {
		text += "\n:point_right: " + Escape(r.Hint)
	}
	if permalink != "" {
		text += "\n" + link(permalink, "Open its card")
	}
	return notice(text)
}

// Notice is a private answer in our own words.
func Notice(format string, args ...any) Message { return notice(fmt.Sprintf(format, args...)) }

func notice(text string) Message {
	return Message{Text: Cut(text, maxText), Blocks: []slack.Block{section(text)}}
}

// Unknown is the answer to a database name that nobody knows.
func Unknown(name string, near []inventory.Entry) Message {
	text := fmt.Sprintf(":mag: There is no database `%s` in this account.", Escape(Cut(name, 80)))
	if len(near) > 0 {
		var names []string
		for _, e := range near {
			names = append(names, "`"+Escape(e.Name)+"`")
		}
		text += "\nDid you mean " + strings.Join(names, ", ") + "?"
	} else {
		text += "\nType `/redis-upgrade` alone to search, or `/redis-upgrade list`."
	}
	return notice(text)
}

// Ambiguous is the answer to a name that several databases have.
func Ambiguous(name string, matches []inventory.Entry) Message {
	var lines []string
	for _, e := range matches[:min(len(matches), 10)] {
		lines = append(lines, fmt.Sprintf("• `%d` %s in %s", e.Ref.Database, Escape(e.Name), Escape(e.SubscriptionName)))
	}
	return notice(fmt.Sprintf(":mag: Several databases are named `%s`. Say which by its id:\n%s", Escape(Cut(name, 80)), strings.Join(lines, "\n")))
}

// Help explains the command.
func Help() Message {
	return notice("*Upgrading Redis Cloud databases together*\n" +
		"• `/redis-upgrade` opens the request form\n" +
		"• `/redis-upgrade <database> [version]` opens it filled in\n" +
		"• `/redis-upgrade list` shows which databases are behind\n" +
		"• `/redis-upgrade status [session or database]` shows what is under way\n" +
		"• `/redis-upgrade history <database>` shows what was done to it\n" +
		"• `/redis-upgrade cancel <session>` calls a session off while nothing irreversible has happened\n" +
		"• `/redis-upgrade revert <session>` starts the guided way back\n" +
		"• `/redis-upgrade pause` and `resume`: on-call stops and restarts all changing calls\n" +
		"Somebody else approves on the card. The bot backs up, upgrades, follows and verifies; the card's thread tells the story, and its *Revert…* button is the way back.")
}

// List shows who is behind.
func List(all []inventory.Entry) Message {
	var behind []string
	rest := 0
	for _, e := range all {
		if !e.Upgradable() || e.Behind == 0 {
			rest++
			continue
		}
		if len(behind) < 30 {
			behind = append(behind, fmt.Sprintf("• `%s` %s → up to *%s* (%s)", Escape(e.Name), Escape(e.Version), Escape(e.Newest), Escape(e.SubscriptionName)))
		}
	}
	if len(behind) == 0 {
		return notice(":white_check_mark: No database is behind.")
	}
	text := fmt.Sprintf("*%s behind*, %d up to date or not upgradable\n%s", plural(len(all)-rest, "database"), rest, strings.Join(behind, "\n"))
	if more := len(all) - rest - len(behind); more > 0 {
		text += fmt.Sprintf("\n… and %d more", more)
	}
	return notice(Cut(text, maxSection))
}

// Sessions lists sessions with links to their cards.
func Sessions(title string, all []upgrade.Session, permalink func(id string) string) Message {
	if len(all) == 0 {
		return notice(title + ": nothing.")
	}
	var lines []string
	for _, s := range all {
		line := fmt.Sprintf("• `%s` %s — %s, asked %s by %s", s.ID, Escape(titleOf(s)), stateWords(s), when(s.Created), person(s.By))
		if url := permalink(s.ID); url != "" {
			line += " · " + link(url, "card")
		}
		lines = append(lines, line)
	}
	return notice(Cut("*"+title+"*\n"+strings.Join(lines, "\n"), maxSection))
}

func titleOf(s upgrade.Session) string { return title(s) }

// Milestone is one journal entry as a reply in the thread; ok is false for
// entries that are not worth one.
func Milestone(ev upgrade.Event, by, words string) (m Message, ok bool) {
	if words == "" {
		return Message{}, false
	}
	who := ""
	if by != "" {
		who = person(by) + ": "
	}
	text := milestoneMark(ev) + " " + who + Escape(words)
	return Message{Text: Cut(text, maxText), Blocks: []slack.Block{section(text)}}, true
}

func milestoneMark(ev upgrade.Event) string {
	marks := map[upgrade.Event]string{
		upgrade.Vote: ":ballot_box_with_check:", upgrade.Approve: ":white_check_mark:", upgrade.Deny: ":no_entry:",
		upgrade.Expire: ":hourglass:", upgrade.Cancel: ":white_circle:", upgrade.Wish: ":white_circle:", upgrade.Block: ":no_entry_sign:",
		upgrade.Revise: ":arrows_counterclockwise:", upgrade.Fit: ":mag:", upgrade.BackUp: ":floppy_disk:", upgrade.Upgrade: ":rocket:",
		upgrade.Verify: ":white_check_mark:", upgrade.Finish: ":tada:", upgrade.Fail: ":x:", upgrade.Propose: ":rewind:",
		upgrade.Rehearse: ":white_check_mark:", upgrade.Close: ":lock:", upgrade.Save: ":floppy_disk:", upgrade.Delete: ":wastebasket:",
		upgrade.Create: ":hammer_and_wrench:", upgrade.Import: ":inbox_tray:", upgrade.Reopen: ":unlock:", upgrade.Calling: ":warning:",
	}
	if m, ok := marks[ev]; ok {
		return m
	}
	return ":information_source:"
}

// MentionReply offers the ways on to somebody who mentioned the bot in a
// session's thread.
func MentionReply(s upgrade.Session, p Policy) Message {
	text := fmt.Sprintf("*%s* is %s.", Escape(title(s)), stateWords(s))
	blocks := []slack.Block{section(text)}
	if b := buttons(s, p); len(b) > 0 {
		blocks = append(blocks, slack.NewActionBlock("actions", b...))
	}
	return Message{Text: text, Blocks: blocks}
}
