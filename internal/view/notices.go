package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/releases"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// Refused is the private answer to something that cannot be done. Permalink
// leads to the session that stands in the way; it may be empty.
func Refused(r *upgrade.Refusal, permalink string) Message {
	text := ":no_entry_sign: " + prose(r.Text)
	if r.Hint != "" {
		text += "\n:point_right: " + prose(r.Hint)
	}
	if permalink != "" {
		text += "\n" + link(permalink, "Open its card")
	}
	m := notice(text)
	var offers []slack.BlockElement
	for i, s := range r.Instead[:min(len(r.Instead), maxOffers)] {
		b := slack.NewButtonBlockElement(fmt.Sprintf("%s_%d", ActionRequest, i), Wish{Ref: s.Ref.String(), Version: s.To}.Value(), plain(fmt.Sprintf("Upgrade %s to %s…", s.Name, s.To), maxButton))
		offers = append(offers, b)
	}
	if len(offers) > 0 {
		m.Blocks = append(m.Blocks, slack.NewActionBlock("offers", offers...))
	}
	return m
}

// Unposted tells the requester that Slack does not let the bot post in its
// channel, so that nobody sees what becomes of the session. drawn says whether
// its card was posted before; word is what Slack said.
func Unposted(s upgrade.Session, channel, word string, drawn bool) Message {
	why := "Slack says " + code(word)
	switch {
	case word == "is_archived" || word == "is_inactive":
		why = "the channel is archived"
	case word == "not_in_channel" || word == "channel_not_found":
		why = "I am not in that channel; somebody there can `/invite` me"
	case strings.HasPrefix(word, "restricted_action"):
		why = "the settings of the channel or workspace do not let me post there (" + code(word) + "); an administrator can change that"
	case word == "missing_scope" || word == "no_permission":
		why = "the Slack app lacks a permission (" + code(word) + "); whoever runs it has to install it again"
	case word == "team_access_not_granted" || word == "ekm_access_denied":
		why = "an administrator does not let the Slack app into that workspace (" + code(word) + ")"
	}
	text := fmt.Sprintf(":warning: *%s*: I cannot post its card in <#%s>: %s.", Escape(sessionTitle(s)), channel, why)
	switch {
	case !drawn:
		text += "\nNobody sees it, so nobody can decide on it. Once that is mended it appears by itself."
	case s.Ended:
		text += fmt.Sprintf("\nIt is %s; its card and thread there do not say so yet.", stateWords(s))
	default:
		text += fmt.Sprintf("\nIt is %s, and goes on; its card and thread stand still until that is mended. `/redis-upgrade status` tells how it stands.", stateWords(s))
	}
	return notice(text)
}

// Replaced says in the thread of a new card why there is one, to those who are
// waited for. link leads to the old one; "" where that is deleted.
func Replaced(s upgrade.Session, p Policy, link string) Message {
	text := ":recycle: The card before this one was deleted or can no longer be edited; this is the card now."
	if link != "" {
		text += " <" + link + "|The old card and its thread>"
	}
	whom := person(s.By)
	switch {
	case isUnknown(s) || s.NotBack():
		whom = p.OnCall
	case s.State == upgrade.Proposed:
		whom = faceOf(s).who(p, " ")
	}
	return Summon(notice(text), whom)
}

// maxOffers is how many buttons a refusal shows; its text names all.
const maxOffers = 5

// notice is a message of one text in our own words. It is markup: what comes from
// outside is escaped by the caller, and a plain < is written &lt;.
func notice(text string) Message {
	return Message{Text: cutMarkup(text, maxText), Blocks: []slack.Block{section(text)}}
}

// Reading is the answer while the list of databases is read for the first time.
func Reading(done, total int) Message {
	return notice(":hourglass_flowing_sand: " + ReadingText(done, total))
}

// ReadingText is [Reading] in a form's words.
func ReadingText(done, total int) string {
	so := ""
	switch {
	case total > 0 && done == total:
		so = fmt.Sprintf(" (all of %s are read; versions and tags follow)", plural(total, "subscription"))
	case total > 0:
		so = fmt.Sprintf(" (%d of %s)", done, plural(total, "subscription"))
	}
	return "I am still reading the list of databases" + so + ". Try again in a moment."
}

// Unknown is the answer to a database name that nobody knows.
func Unknown(name string, near []inventory.Entry) Message {
	text := fmt.Sprintf(":mag: There is no database %s in this account.", code(Cut(name, 80)))
	if len(near) > 0 {
		var names []string
		for _, e := range near {
			if name := code(e.Name); !slices.Contains(names, name) { // two subscriptions may have it
				names = append(names, name)
			}
		}
		text += "\nDid you mean " + strings.Join(names, ", ") + "?"
	} else {
		text += "\nType `/redis-upgrade` alone to search, or `/redis-upgrade list`."
	}
	return notice(text)
}

// Ambiguous is the answer to a name that several databases have.
func Ambiguous(name string, matches []inventory.Entry) Message {
	out := []string{fmt.Sprintf(":mag: Several databases are named %s. Say which by its id:", code(Cut(name, 80)))}
	for _, e := range matches {
		out = append(out, fmt.Sprintf("• `%d` %s in %s", e.Ref.Database, Escape(e.Name), Escape(e.SubscriptionName)))
	}
	return notice(lines(out, maxSection))
}

// Help explains the command.
func Help() Message {
	return notice("*Upgrading Redis Cloud databases together*\n" +
		"• `/redis-upgrade` opens the request form\n" +
		"• `/redis-upgrade &lt;database&gt; [version]` opens it filled in\n" +
		"• `/redis-upgrade list` shows which databases are behind\n" +
		"• `/redis-upgrade status [id or database]` shows what is under way\n" +
		"• `/redis-upgrade history &lt;database&gt;` shows what was done to it\n" +
		"• `/redis-upgrade cancel &lt;id&gt;` cancels an upgrade or revert while nothing irreversible has happened\n" +
		"• `/redis-upgrade revert &lt;id&gt;` starts a guided revert\n" +
		"• `/redis-upgrade release &lt;id&gt;`: two people let an upgrade or revert go on whose record is not believed\n" +
		"• `/redis-upgrade pause` and `resume`: on-call stops and restarts all changing calls\n" +
		"Somebody else approves on the card. The bot backs up, upgrades, follows and verifies. Progress is told in the card's thread; its *Revert…* button starts a revert. `&lt;id&gt;` stands at the foot of each card.")
}

// List shows who is behind.
func List(all []inventory.Entry) Message {
	var behind []string
	closed := 0
	for _, e := range all {
		if !e.Allowed {
			closed++
		}
		if e.Upgradable() && e.Behind > 0 {
			behind = append(behind, fmt.Sprintf("• %s %s → up to *%s* (%s)%s%s", code(e.Name), Escape(e.Version), Escape(e.Newest), Escape(e.SubscriptionName), endOf(e.Version), stale(e)))
		}
	}
	rest := len(all) - len(behind) - closed
	head := fmt.Sprintf("*%s behind*, %d up to date or not upgradable here", plural(len(behind), "database"), rest)
	if len(behind) == 0 {
		head = fmt.Sprintf(":white_check_mark: No database is behind. (%s looked at)", plural(len(all)-closed, "database"))
	}
	if closed > 0 {
		head += fmt.Sprintf("\n%s not looked at: their subscriptions are not in ALLOW_SUBSCRIPTIONS.", plural(closed, "database"))
	}
	return notice(lines(append([]string{head}, behind...), maxSection))
}

// stale says since when a database could not be read.
func stale(e inventory.Entry) string {
	if e.Stale.IsZero() {
		return ""
	}
	return " · last read " + when(e.Stale)
}

// endOf says when Redis Cloud ends the support of a version, where that is known.
func endOf(version string) string {
	v, err := releases.Parse(version)
	if err != nil {
		return ""
	}
	r, ok := releases.Lookup(v)
	if !ok || r.EOL == "" || r.EOL == "TBD" {
		return ""
	}
	return " · support ends " + Escape(r.EOL)
}

// Paused puts in front of a message who paused everything, if somebody did.
func Paused(by string, m Message) Message {
	if by == upgrade.PausedBySilence {
		m.Blocks = append([]slack.Block{section(":double_vertical_bar: All changing calls are paused: for more than ten minutes no replica of this bot was at work, or its Redis was restored from an older copy. " +
			"On-call compares the open cards with Redis Cloud, then lets them go on with `/redis-upgrade resume`.")}, m.Blocks...)
	} else if by != "" {
		m.Blocks = append([]slack.Block{section(":double_vertical_bar: " + person(by) + " paused all changing calls. On-call lets them go on with `/redis-upgrade resume`.")}, m.Blocks...)
	}
	return m
}

// Sessions lists sessions with links to their cards; more are not among them.
func Sessions(title string, all []upgrade.Session, more int, permalink func(id string) string) Message {
	if len(all) == 0 {
		return notice(Escape(title) + ": nothing.")
	}
	out := []string{"*" + Escape(title) + "*"}
	for _, s := range all {
		line := fmt.Sprintf("• `%s` %s — %s, asked %s by %s", s.ID, Escape(sessionTitle(s)), stateWords(s), when(s.Created), person(s.By))
		if url := permalink(s.ID); url != "" {
			line += " · " + link(url, "card")
		}
		out = append(out, line)
	}
	return notice(linesOf(out, more, maxSection))
}

// Milestone is one journal entry as a reply in the thread; ok is false for
// entries that are not worth one.
func Milestone(ev upgrade.Event, by, words string) (m Message, ok bool) {
	if words == "" {
		return Message{}, false
	}
	who := ""
	if by != "" {
		who = people(strings.Fields(by)) + ": " // a release has two
	}
	return notice(milestoneMark(ev) + " " + who + told(ev, words)), true
}

// told are the words of an entry in mrkdwn. A reason that somebody typed is a
// quote of theirs; everything else is a line of the bot's, in which a text from
// Redis Cloud may stand.
func told(ev upgrade.Event, words string) string {
	if reason, ok := strings.CutPrefix(words, "Denied: "); ok && ev == upgrade.Deny {
		return "Denied:\n" + Quote(reason)
	}
	return prose(words)
}

func milestoneMark(ev upgrade.Event) string {
	marks := map[upgrade.Event]string{
		upgrade.Vote: ":ballot_box_with_check:", upgrade.Approve: ":white_check_mark:", upgrade.Deny: ":no_entry:",
		upgrade.Expire: ":hourglass:", upgrade.Cancel: ":white_circle:", upgrade.Wish: ":white_circle:", upgrade.Block: ":no_entry_sign:",
		upgrade.Revise: ":arrows_counterclockwise:", upgrade.PickUp: ":arrows_counterclockwise:", upgrade.Fit: ":mag:", upgrade.BackUp: ":floppy_disk:", upgrade.Upgrade: ":rocket:",
		upgrade.Verify: ":white_check_mark:", upgrade.Finish: ":tada:", upgrade.Fail: ":x:", upgrade.Propose: ":rewind:",
		upgrade.Rehearse: ":white_check_mark:", upgrade.Close: ":lock:", upgrade.Save: ":floppy_disk:", upgrade.Delete: ":wastebasket:",
		upgrade.Create: ":hammer_and_wrench:", upgrade.Import: ":inbox_tray:", upgrade.Reopen: ":unlock:", upgrade.Calling: ":warning:",
		upgrade.Released: ":white_check_mark:",
	}
	if m, ok := marks[ev]; ok {
		return m
	}
	return ":information_source:"
}

// MentionReply offers the ways on to somebody who mentioned the bot in a
// session's thread.
func MentionReply(s upgrade.Session, p Policy) Message {
	text := fmt.Sprintf("*%s* is %s.", Escape(sessionTitle(s)), stateWords(s))
	blocks := []slack.Block{section(text)}
	if b := buttons(s, p); len(b) > 0 {
		blocks = append(blocks, slack.NewActionBlock("actions", b...))
	}
	return Message{Text: cutMarkup(text, maxText), Blocks: blocks}
}
