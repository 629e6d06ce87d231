package approvals

import (
	"fmt"
	"slices"
)

// Codes of a Refusal, for logs, metrics and tests.
const (
	CodeUnknown     = "unknown-person" // Slack could not say who this is
	CodeExcluded    = "excluded"       // guest, bot, deactivated or of another workspace
	CodeNotEntitled = "not-entitled"   // lacks the role
	CodeOwnRequest  = "own-request"    // four eyes
	CodeVoted       = "already-voted"  // said so before; harmless
	CodeOnCallVoted = "on-call-voted"  // the one vote that on-call has is given
	CodeStale       = "stale"          // the plan or its facts changed since the button was drawn
	CodeDecided     = "decided"        // nothing left to decide
	CodeLate        = "too-late"       // the time to decide is over
)

// Refusal says no to one person, in words meant for that person.
type Refusal struct {
	Code string // one of the codes above
	Text string // the reason: a whole sentence
	Who  string // who could do it instead, e.g. "an approver"; empty: nobody needs to
}

// Error is for logs; show Text and Who to people.
func (r *Refusal) Error() string { return "refused: " + r.Code }

// MayLook says who may see what the bot knows: everybody who may do anything, as
// far as the account goes.
func MayLook(v Voter) error { return excluded(v, "a member of the workspace") }

// MayRequest is the first column of the role table: who may ask for an upgrade or
// a revert. Approvers and on-call may, even when they are not in the channel.
func MayRequest(v Voter) error {
	const who = "a member of the channel"
	if err := excluded(v, who); err != nil {
		return err
	}
	if !v.Member && !v.Approver && !v.OnCall {
		return &Refusal{CodeNotEntitled, "You are not among the people who may ask for this.", who}
	}
	return nil
}

// MayCancel says who may cancel, or edit, a session: its authors, as long as they
// may still ask for anything, and on-call.
func MayCancel(v Voter, authors []string) error {
	const who = "whoever asked for it, or on-call"
	if err := excluded(v, who); err != nil {
		return err
	}
	if v.OnCall {
		return nil
	}
	if !slices.Contains(authors, v.ID) {
		return &Refusal{CodeNotEntitled, "You did not ask for this, so you cannot take it back.", who}
	}
	return MayRequest(v)
}

// MayOperate says who may settle unknown calls, pause, resume and break the glass:
// on-call alone.
func MayOperate(v Voter) error {
	const who = "on-call"
	if err := excluded(v, who); err != nil {
		return err
	}
	if !v.OnCall {
		return &Refusal{CodeNotEntitled, "Only on-call may do this.", who}
	}
	return nil
}

// MayConfirm says who may be the second to say that a delete or an import did not
// happen, and who releases a record that is not believed: on-call or an approver, for an
// on-call group may be one person a week.
func MayConfirm(v Voter) error {
	const who = "on-call or an approver"
	if err := excluded(v, who); err != nil {
		return err
	}
	if !v.OnCall && !v.Approver {
		return &Refusal{CodeNotEntitled, "Only on-call or an approver may confirm this.", who}
	}
	return nil
}

// excluded refuses those who may do nothing at all. It returns an error rather
// than a *Refusal, so that no caller can turn a nil pointer into a refusal.
func excluded(v Voter, who string) error {
	var kind string
	switch {
	case !v.Known || v.ID == "":
		return &Refusal{CodeUnknown, "Slack could not say who you are and which groups you are in, so the answer is no. Try again in a minute.", who}
	case v.Deactivated:
		kind = "Deactivated accounts"
	case v.Bot:
		kind = "Bots"
	case v.Foreign:
		kind = "People from other workspaces"
	case v.Guest:
		kind = "Guest accounts"
	default:
		return nil
	}
	return &Refusal{CodeExcluded, fmt.Sprintf("%s cannot do anything here.", kind), who}
}
