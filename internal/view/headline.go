package view

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// headline is the first thing read: where it stands, then who must act and
// what happens next.
func headline(s upgrade.Session, p Policy) string {
	text := stateMark(s) + " *" + upperFirst(stateWords(s)) + "*" + aside(s, p)
	if next := next(s, p); next != "" {
		text += "\n" + next
	}
	return text
}

func upperFirst(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

func stateMark(s upgrade.Session) string {
	if s.Distrusted != "" || isUnknown(s) || s.NotBack() || s.RevertNotBack() {
		return ":rotating_light:"
	}
	switch s.State {
	case upgrade.Proposed, upgrade.Approved:
		return ":large_blue_circle:"
	case upgrade.Blocked:
		return ":no_entry_sign:"
	case upgrade.Done:
		return ":white_check_mark:"
	case upgrade.Failed:
		return ":x:"
	case upgrade.Denied, upgrade.Expired, upgrade.Cancelled:
		return ":white_circle:"
	case upgrade.Reverting, upgrade.Reverted, upgrade.Reopening:
		return ":rewind:"
	}
	return ":hourglass_flowing_sand:"
}

// actNow is the worst state, wherever it is named: of a revert that failed after
// its delete, and of the upgrade that it was to take back.
const actNow = "database deleted, not back: act now"

// stateWords say the state as people do.
func stateWords(s upgrade.Session) string {
	if s.Distrusted != "" {
		return distrustedState(s)
	}
	if isUnknown(s) {
		return "outcome of the " + callWords(s.Call.Key) + " is unknown"
	}
	if s.NotBack() || s.RevertNotBack() {
		return actNow
	}
	if words, ok := faceOf(s).words[s.State]; ok {
		return words
	}
	if !s.State.Known() {
		return "in a state that this replica does not know: " + Escape(string(s.State))
	}
	return s.State.Words()
}

// aside is what belongs right behind the state.
func aside(s upgrade.Session, p Policy) string {
	switch {
	case s.Distrusted != "" || isUnknown(s):
		return ""
	case s.State == upgrade.Proposed:
		return fmt.Sprintf(" · %d of %d", len(s.Decisions), max(s.Policy(p.Upgrades, p.Reverts).Quorum, 1))
	case s.State == upgrade.Approved && !s.Plan.NotBefore.IsZero():
		return " · starts " + when(s.Plan.NotBefore)
	case s.State == upgrade.Soaking:
		return " · until " + when(s.Upgrade.SoakUntil)
	case s.State == upgrade.Done:
		return faceOf(s).done
	}
	return ""
}

// next says who must act and what happens after that.
func next(s upgrade.Session, p Policy) string {
	switch {
	case s.Distrusted != "":
		return distrustedNext(s, p)
	case isUnknown(s) && s.CancelBy != "":
		return p.OnCall + " says what is true with the buttons below. " + person(s.CancelBy) + " asked to cancel: if it did not happen, nothing more is sent."
	case isUnknown(s):
		return p.OnCall + " decides with the buttons below. Until then nothing more is sent."
	case s.Progress.Trouble && !s.Ended:
		return ":warning: " + prose(Cut(s.Progress.Text, 500)) + " Nothing more is sent until then. If this lasts, somebody has to look at it."
	case s.CancelBy != "" && !s.Ended:
		return "Cancelling, as " + person(s.CancelBy) + " asked, as soon as the call that is out is settled, unless that was the one that cannot be taken back."
	}
	return faceOf(s).next(s, p)
}

func nextOfUpgrade(s upgrade.Session, p Policy) string {
	switch s.State {
	case upgrade.Proposed:
		return asks(s, p) + " Once approved, the bot backs up, upgrades and verifies by itself" + start(s) + "."
	case upgrade.Approved:
		return "No action needed. Until it starts it can still be denied or cancelled."
	case upgrade.Checking:
		return "No action needed. The bot reads everything again before it sends anything."
	case upgrade.Blocked:
		return "Nothing is upgraded until this is solved; then press *Check again*. Otherwise the approval lapses " + when(startBy(s, p)) + "."
	case upgrade.BackingUp:
		return "No action needed. The upgrade starts by itself when the backup is done."
	case upgrade.Upgrading:
		if s.Call != nil && s.Call.Phase == upgrade.Sending {
			return "The request has left, or is about to. *Cancel* only keeps it from being sent again."
		}
		return "No action needed. The bot follows it to its end and tells the result here."
	case upgrade.Verifying:
		return "No action needed. The bot follows it to its end and tells the result here."
	case upgrade.Failed:
		return nextOfFailed(s, p)
	case upgrade.Denied, upgrade.Expired, upgrade.Cancelled:
		return "Nothing was upgraded. If it is still wanted, ask again with `/redis-upgrade`."
	case upgrade.Reverting:
		return "The revert's own card in this thread says how far it is."
	case upgrade.Reverted:
		return "It runs " + Escape(s.Plan.From) + " again. The revert's card in this thread says what has changed."
	}
	if p.revertible(s) { // soaking, done
		return "If applications misbehave, use *Revert…*."
	}
	return ""
}

func nextOfFailed(s upgrade.Session, p Policy) string {
	switch {
	case s.RevertNotBack():
		return "Its revert failed after the delete. The revert's card in this thread says what is left and what to do."
	case p.revertible(s):
		return "The bot does nothing more by itself. If applications misbehave, use *Revert…*."
	case s.Upgrade.Unmoved:
		return "For a day the bot looks whether it arrives all the same, and says so here. Once this is solved, ask again with `/redis-upgrade`."
	}
	return "The bot does nothing more by itself. Once this is solved, ask again with `/redis-upgrade`."
}

func nextOfRevert(s upgrade.Session, p Policy) string {
	switch s.State {
	case upgrade.Rehearsing:
		return "No action needed yet. Approvers are asked to approve the deletion when the result is known."
	case upgrade.Proposed:
		return asks(s, p) + " Once approved, the bot blocks client access, backs up the upgraded data and deletes the database; the delete cannot be undone."
	case upgrade.Approved:
		return "Client access is blocked next. *Cancel* still stops it."
	case upgrade.Closing, upgrade.Saving:
		return "From now on applications cannot connect. Nothing is deleted yet: *Cancel* stops the revert and restores client access."
	case upgrade.Deleting:
		if s.Cancellable() && s.Call != nil && s.Call.Phase == upgrade.Sending {
			return "Applications cannot connect. The delete has left, or is about to: *Cancel* only keeps it from being sent again."
		}
		if s.Cancellable() {
			return "Applications cannot connect. About to delete: *Cancel* works until the call has left."
		}
		return "Applications cannot connect. The delete is out and cannot be stopped; the database is created again right after it."
	case upgrade.Creating, upgrade.Importing, upgrade.Restoring:
		return "The old database is deleted and applications cannot connect. The bot waits for nobody until the data is back."
	case upgrade.Reopening:
		return "No delete has left, and none will. Applications can connect as soon as client access is restored."
	case upgrade.Done:
		return "It runs " + Escape(s.Plan.To) + " again, with the data of the backup, and applications can connect."
	case upgrade.Denied, upgrade.Expired, upgrade.Cancelled:
		return "Nothing was deleted. It stays on " + Escape(s.Plan.From) + "."
	}
	if s.NotBack() {
		return "*" + p.OnCall + " has to act now:* the database was deleted, and the bot cannot finish by itself. What exists and what is left to do stands below."
	}
	if s.Revert.Missing {
		return "The database no longer exists. The bot does nothing more by itself."
	}
	return "Nothing was deleted. The bot does nothing more by itself."
}

// asks says who decides, and until when.
func asks(s upgrade.Session, p Policy) string {
	policy := s.Policy(p.Upgrades, p.Reverts)
	text := "*To decide:* " + faceOf(s).who(p, " or ")
	if policy.FourEyes && len(s.Authors) > 0 {
		text += " (not " + people(s.Authors) + ", who asked)"
	}
	if by := policy.DecideBy(approvals.Question{Asked: s.Asked}); !by.IsZero() {
		text += ", by " + when(by)
	}
	return text + "."
}

func start(s upgrade.Session) string {
	if s.Plan.NotBefore.IsZero() {
		return ""
	}
	return ", not before " + when(s.Plan.NotBefore)
}
