package approvals

import (
	"fmt"
	"slices"
	"time"
)

// Policy is how one kind of session is decided. Take [Upgrade] or [Revert]; a
// rule may then change single fields.
//
// A session keeps the one with which it was opened, so it is stored; never rename a
// field's key.
type Policy struct {
	Quorum       int           `json:"quorum"`                   // votes it takes; less than 1 counts as 1
	FourEyes     bool          `json:"four_eyes,omitempty"`      // authors do not decide on their own request
	OnCallCounts bool          `json:"on_call_counts,omitempty"` // on-call votes count, all of them together as at most one
	DecideWithin time.Duration `json:"decide_within,omitempty"`  // from the ask; 0: no limit
	StartWithin  time.Duration `json:"start_within,omitempty"`   // from the approval, where no window was chosen; 0: no limit

	// Approvers are the ids of the groups and people who decide, OnCall those of
	// on-call. Whoever looks a voter up goes by them; with no Approvers, by what is
	// configured now.
	Approvers []string `json:"approvers,omitempty"`
	OnCall    []string `json:"on_call,omitempty"`
}

// The two clocks, unless configured otherwise.
const (
	DecideWithin = 8 * time.Hour
	StartWithin  = 24 * time.Hour
)

// Upgrade is the policy of an upgrade: this many approvers (at least one), none
// of them an author.
func Upgrade(quorum int) Policy {
	return Policy{Quorum: max(quorum, 1), FourEyes: true, DecideWithin: DecideWithin, StartWithin: StartWithin}
}

// Revert is the policy of a revert: this many people and never less than two, at
// most one of them only as on-call, authors included. The package comment says why.
func Revert(quorum int) Policy {
	return Policy{Quorum: max(quorum, 2), OnCallCounts: true, DecideWithin: DecideWithin, StartWithin: StartWithin}
}

// StartBy is the moment after which an approval must not be used any more: the
// end of the chosen window, or, where none was chosen (zero), StartWithin after the
// approval. A zero result means no limit. Too late means expired, never run late.
func (p Policy) StartBy(approved, windowEnd time.Time) time.Time {
	switch {
	case !windowEnd.IsZero():
		return windowEnd
	case p.StartWithin <= 0:
		return time.Time{}
	default:
		return approved.Add(p.StartWithin)
	}
}

// DecideBy is when the time to decide is over; zero means never.
func (p Policy) DecideBy(q Question) time.Time {
	if p.DecideWithin <= 0 {
		return time.Time{}
	}
	return q.Asked.Add(p.DecideWithin)
}

// May says whether this person may make this choice now. It returns nil, or a
// *Refusal with the reason and who could do it. A refusal changes nothing, so a
// double click is a friendly no-op.
func (p Policy) May(v Voter, q Question, so []Decision, c Choice) error {
	if err := p.Entitled(v); err != nil {
		return err
	}
	if q.Seen != 0 && q.Seen != q.Ask {
		return &Refusal{CodeStale, "What is asked has changed since this button was drawn. Look at the card as it is now and decide again.", p.who()}
	}
	if err := p.open(q, so, c); err != nil {
		return err
	}
	if p.FourEyes && slices.Contains(q.Authors, v.ID) {
		return &Refusal{CodeOwnRequest, "You asked for this or edited its plan, so somebody else has to decide it. You can cancel it.", p.who() + " who had no part in the plan"}
	}
	return p.first(v, q, so, c)
}

// open refuses what is decided already. A denial may still follow an approval:
// until it is used, any denial wins.
func (p Policy) open(q Question, so []Decision, c Choice) error {
	switch o := p.Outcome(q, so, q.Now).(type) {
	case Denied:
		return &Refusal{Code: CodeDecided, Text: "This has been denied already."}
	case Expired:
		return &Refusal{CodeLate, fmt.Sprintf("This had to be decided by %s. Ask for it again.", p.DecideBy(q).UTC().Format("15:04 UTC, 2 January")), "whoever asked for it"}
	case Approved:
		if c == Approve {
			return &Refusal{Code: CodeDecided, Text: fmt.Sprintf("This has its %s already; nothing is missing.", votes(len(o.By)))}
		}
	}
	return nil
}

// first refuses a vote that would add nothing. Who approved may still deny.
func (p Policy) first(v Voter, q Question, so []Decision, c Choice) error {
	if c == Deny {
		return nil
	}
	var onCall bool
	for _, d := range so {
		if !q.isAbout(d) {
			continue
		}
		if d.By == v.ID {
			return &Refusal{CodeVoted, "You have approved this already; somebody else has to give the next vote.", p.who()}
		}
		onCall = onCall || d.OnCall
	}
	if onCall && !v.Approver {
		return &Refusal{CodeOnCallVoted, "On-call has given its one vote; the missing one has to come from an approver. You can still deny.", "an approver"}
	}
	return nil
}

// Entitled says whether this person has a vote at all, whatever is asked.
func (p Policy) Entitled(v Voter) error {
	if err := excluded(v, p.who()); err != nil {
		return err
	}
	if v.Approver || p.OnCallCounts && v.OnCall {
		return nil
	}
	return &Refusal{CodeNotEntitled, "You are not among the people who decide this.", p.who()}
}

func (p Policy) who() string {
	if p.OnCallCounts {
		return "an approver, or on-call for one of the votes"
	}
	return "an approver"
}

func votes(n int) string {
	if n == 1 {
		return "approval"
	}
	return fmt.Sprintf("%d approvals", n)
}
