package approvals

import (
	"slices"
	"time"
)

// isAbout reports whether a decision answers this question, and not an older
// plan or older facts.
func (q Question) isAbout(d Decision) bool { return d.PlanHash == q.PlanHash && d.Ask == q.Ask }

// Outcome reads the decisions, in the order in which they were recorded. A denial
// wins whenever it came; approvals count when they came in time. What reached its
// quorum in time stays Approved after the time to decide: how long it may be used
// is what [Policy.StartBy] says.
func (p Policy) Outcome(q Question, so []Decision, now time.Time) Outcome {
	for _, d := range so {
		if d.Choice == Deny && q.isAbout(d) {
			return Denied{By: d.By, Name: d.Name, Reason: d.Reason, At: d.At}
		}
	}
	var won Approved
	var onCall bool
	for _, d := range so {
		if !p.counts(q, d) || slices.Contains(won.By, d.By) || d.OnCall && onCall {
			continue
		}
		won.By, won.At, onCall = append(won.By, d.By), d.At, onCall || d.OnCall
		if len(won.By) >= max(p.Quorum, 1) {
			return won
		}
	}
	if by := p.DecideBy(q); !by.IsZero() && now.After(by) {
		return Expired{}
	}
	return Pending{Missing: max(p.Quorum, 1) - len(won.By), ApproverOnly: onCall || !p.OnCallCounts}
}

// counts reports whether an approval has weight.
func (p Policy) counts(q Question, d Decision) bool {
	by := p.DecideBy(q)
	switch {
	case d.Choice != Approve || !q.isAbout(d):
		return false
	case p.FourEyes && slices.Contains(q.Authors, d.By):
		return false
	case d.OnCall && !p.OnCallCounts:
		return false
	default:
		return by.IsZero() || !d.At.After(by)
	}
}

// Recheck returns the decisions that still count when an approval is used, with
// the voters as they were just looked up, by user id. Who is missing there, is
// unknown, or has lost the right no longer counts; who has become on-call only
// counts as that. Denials stay whoever made them.
func (p Policy) Recheck(so []Decision, now map[string]Voter) []Decision {
	var still []Decision
	for _, d := range so {
		v := now[d.By]
		if d.Choice != Deny {
			if p.Entitled(v) != nil {
				continue
			}
			d.OnCall = !v.Approver
		}
		still = append(still, d)
	}
	return still
}
