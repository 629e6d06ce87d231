package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// A session whose record, journal and lock do not belong together: what stands in its
// record may be anybody's, so little of it is shown, and nothing can be clicked.

// distrustedWords are its state, wherever it is named; distrustedActNow where its
// database may be deleted.
const (
	distrustedWords  = "record not to be believed; nothing is sent"
	distrustedActNow = "not believed, may be deleted: act now"
)

func distrustedState(s upgrade.Session) string {
	if perhapsDeleted(s) {
		return distrustedActNow
	}
	return distrustedWords
}

// perhapsDeleted reports a revert that is past its delete, or about to, and not done, if
// its record is true; also one whose record is lost.
func perhapsDeleted(s upgrade.Session) bool {
	past := []upgrade.State{upgrade.Deleting, upgrade.Creating, upgrade.Importing, upgrade.Restoring, ""}
	return s.Kind.Destroys() && (slices.Contains(past, s.State) || s.NotBack())
}

// unknownHere is what everybody has to know who reads of such a session.
const unknownHere = "What the database is like now is not known here."

func distrustedBlocks(s upgrade.Session, p Policy) []slack.Block {
	return []slack.Block{
		slack.NewHeaderBlock(plain(sessionTitle(s), maxHeader)), section(headline(s, p)), note(code(s.ID)),
	}
}

// worst is what may be true of a revert, whatever its record says.
func worst(s upgrade.Session) string {
	switch {
	case !s.Kind.Destroys():
		return ""
	case s.PastDelete() && s.State != upgrade.Done:
		return " *By its record it was deleted, and its data is not back: look now.*"
	}
	return " It may be deleted."
}

// distrustedNext says what differs, and what helps.
func distrustedNext(s upgrade.Session, p Policy) string {
	id := Escape(s.ID)
	text := "*" + unknownHere + "*" + worst(s) + "\nWhat differs: " + prose(Cut(s.Distrusted, 400)) + ".\n" +
		p.OnCall + " looks at the database in Redis Cloud's console, and at this bot's Redis: `bot verify " + id +
		"` shows the journal entry by entry. It goes on by itself when Redis or SEAL_KEY is put right"
	if s.Plan.Database == "" { // nothing is left to go on from
		return text + "; if Redis cannot be, do by hand what is left to do."
	}
	return text + "; or two people, of on-call or the approvers, let it go on from the record that is there: " +
		"`/redis-upgrade release " + id + "`."
}

// Distrusted tells people in a session's thread that it stands.
func Distrusted(s upgrade.Session, p Policy) Message {
	text := Card(s, p).Text
	return Message{Text: text, Blocks: []slack.Block{section(":rotating_light: " + text)}}
}

// ReleaseModal shows the record of a session that is not believed, as it is, to
// somebody who may let the bot go on from exactly that. by are those who did already.
func ReleaseModal(s upgrade.Session, by []string, metadata string) slack.ModalViewRequest {
	looked := slack.NewOptionBlockObject("looked",
		plain("I have looked at the database in Redis Cloud's console", maxOption), nil)
	look := slack.NewInputBlock("looked", plain("The bot may go on from this record", maxLabel),
		plain("Two different people say so within a day, for this very record. "+
			"It is then done as if nothing had happened.", maxHint),
		slack.NewCheckboxGroupsBlockElement(ActionLooked, looked))
	released := "*Released so far:* nobody; it takes two different people, each of on-call or an approver."
	if len(by) > 0 {
		released = "*Released so far:* " + people(by) +
			"; one more, different person, of on-call or the approvers, is missing."
	}
	blocks := []slack.Block{
		section(":rotating_light: *" + Escape(Cut(sessionTitle(s), 150)) + ": " + distrustedState(s) +
			".*\nWhat differs: " + prose(Cut(s.Distrusted, 400)) + "."),
		section(":warning: *" + unknownHere + "*" + worst(s) +
			"\n*Look in Redis Cloud's console first:* " + lookAt(s)),
		slack.NewDividerBlock(),
		section("*The record as it is now; somebody may have changed it*"),
		fields(recordFacts(s)...),
		section("*Decisions in it*\n" + orNone(decisions(s))),
		section("*Then the bot* " + callFirst(s) + goesOn(s)),
		section(released),
		look,
	}
	return modal(CallbackRelease, "Release a record", "Release", "Leave it", blocks, metadata)
}

// lookAt is what of the database decides whether a record is true.
func lookAt(s upgrade.Session) string {
	text := "does it exist, is it active, which version does it run, and does its log show a backup, an upgrade, " +
		"an import or a deletion that the record does not know, or knows and that is not there?"
	if s.Kind.Destroys() {
		text += " Whose source IPs does it let in? Is there a temporary database?"
	}
	return text
}

func recordFacts(s upgrade.Session) []string {
	call := "none"
	if s.Call != nil {
		phase := code(Cut(string(s.Call.Phase), 30))
		call = fmt.Sprintf("%s (%s), try %d", callWords(Cut(s.Call.Key, 60)), phase, s.Call.Tries)
	}
	locks := "none"
	if all := s.Locks(); len(all) > 0 {
		locks = code(Cut(strings.Join(all, " "), 200))
	}
	out := []string{
		"*State*\n" + Escape(Cut(s.State.Words(), 80)) + "  " + code(Cut(string(s.State), 30)) +
			fmt.Sprintf(", revision %d", s.Revision),
		"*Database*\n" + Escape(Cut(s.Plan.Name, 80)) + "  " + code(Cut(s.Plan.Database, 80)),
		"*Version*\n" + Escape(Cut(s.Plan.From, 20)) + " → *" + Escape(Cut(s.Plan.To, 20)) + "*",
		"*Call to Redis Cloud*\n" + call,
		"*Locks*\n" + locks,
		"*Asked by*\n" + person(Cut(s.By, 40)) + " " + when(s.Created),
		"*Last move*\n" + when(s.Updated),
		"*Version of the record*\n" + code(s.Version()),
	}
	if s.Revert != nil {
		deleted := "not yet"
		if !s.Revert.DeletedAt.IsZero() {
			deleted = when(s.Revert.DeletedAt)
		}
		out = append(out, "*Deleted*\n"+deleted)
	}
	return out
}

// callFirst says that a call which may be out is settled before anything else.
func callFirst(s upgrade.Session) string {
	if s.Call == nil || s.Ended || s.Call.Phase == upgrade.Planned || s.Call.Phase == upgrade.Settled {
		return ""
	}
	return "first finds out what became of the call above, and "
}

// goesOn says what a released record leads to.
func goesOn(s upgrade.Session) string {
	switch {
	case s.Ended:
		return "does nothing by itself: the record has ended. " +
			"Its card shows it again, and what it allows, such as a revert, can be asked for."
	case s.State == upgrade.Proposed || s.State == upgrade.Rehearsing:
		return "asks people as before. The decisions above count."
	}
	if to := faceOf(s).leads(s); to != "" {
		return to
	}
	return "goes on where the record stands: " + Escape(Cut(s.State.Words(), 80)) + "."
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// Vouched tells in a session's thread that somebody released its record, and that
// another person has to.
func Vouched(id, by string, missing int, p Policy) Message {
	m := notice(fmt.Sprintf(":ballot_box_with_check: %s released the record of %s as it is. "+
		"%d more, a different person, of on-call or the approvers, has to: `/redis-upgrade release %s`.",
		person(by), code(id), missing, Escape(id)))
	return Summon(m, p.either(" "))
}

// Released is the private answer to somebody whose release is not the last one.
func Released(id string, missing int) Message {
	return notice(fmt.Sprintf(":ballot_box_with_check: Noted; nothing is sent yet. %d more, a different person, "+
		"of on-call or the approvers, has to release the same record within a day: `/redis-upgrade release %s`.",
		missing, Escape(id)))
}

// Believed tells in a session's thread that it is believed again, because Redis or the
// key was put right.
func Believed(s upgrade.Session) Message {
	return notice(":white_check_mark: The record is believed again: it is as this bot left it. It is " +
		stateWords(s) + ".")
}
