package approvals

import "time"

// Choice is what a person said. The words are stored; never rename one.
type Choice string

// The choices.
const (
	Approve Choice = "approve"
	Deny    Choice = "deny" // one is enough, and it needs a reason
)

// Decision is one recorded vote: who, when, on what, and why they were entitled.
// It is stored inside a session's record; never rename a field's key.
type Decision struct {
	By       string    `json:"by"`   // Slack user id
	Name     string    `json:"name"` // as shown when they voted
	Choice   Choice    `json:"choice"`
	At       time.Time `json:"at"`
	Ask      int64     `json:"ask"`  // the ask that was answered
	PlanHash string    `json:"plan"` // hash of the plan that was answered
	Groups   []string  `json:"groups,omitempty"`
	Reason   string    `json:"reason,omitempty"`

	// OnCall marks a vote that counts only because its voter is on call. An
	// approver who is also on call votes as an approver, and this stays false.
	OnCall bool `json:"on_call,omitempty"`

	// WritersStopped says that this voter took it on them that nothing writes to the
	// database any more when a revert begins.
	WritersStopped bool `json:"writers_stopped,omitempty"`

	// JoinedAt is when the voter joined the entitling group, where that is known:
	// the card names who joined within a day. Zero: unknown, or long ago.
	JoinedAt time.Time `json:"joined_at,omitzero"`
}

// Voter is a person as just looked up in Slack. The zero Voter is nobody and may
// do nothing.
type Voter struct {
	ID, Name string

	Guest       bool // a restricted account
	Bot         bool
	Deactivated bool
	Foreign     bool // from another workspace

	Approver bool // in an approver group, or named as approver
	OnCall   bool // in the on-call group
	Member   bool // may ask for things: in the channel, or in a requester group

	Known bool // false: Slack could not say who this is or which groups they are in
}

// Vote is the decision that this person makes now. Call it when [Policy.May] has
// agreed; Groups says in which role, and the caller may name the groups instead.
func (v Voter) Vote(q Question, c Choice, reason string, at time.Time) Decision {
	d := Decision{
		By: v.ID, Name: v.Name, Choice: c, At: at, Ask: q.Ask, PlanHash: q.PlanHash, Reason: reason,
		OnCall: v.OnCall && !v.Approver,
	}
	if v.Approver {
		d.Groups = append(d.Groups, "approvers")
	}
	if v.OnCall {
		d.Groups = append(d.Groups, "on-call")
	}
	return d
}

// Question is what a session puts to people.
type Question struct {
	Authors  []string  // user ids of who asked for it and of everybody who edited the plan
	PlanHash string    // of the plan as it is now
	Ask      int64     // moves only when what is asked changes
	Asked    time.Time // when this ask was first put; the clock to decide starts here

	// Seen is the ask that the clicked button carries; 0 when the choice did not
	// come from a button. Now is when the click is judged. With Seen, [Policy.May]
	// recognises a click on an old card; with Now, a late one.
	Seen int64
	Now  time.Time
}

// Outcome is what the decisions amount to: Pending, Approved, Denied or Expired.
type Outcome interface{ outcome() }

// Pending waits for people.
type Pending struct {
	Missing      int  // how many votes are still needed, at least 1
	ApproverOnly bool // on-call can add nothing: only approvers can give the missing votes
}

// Approved has its quorum.
type Approved struct {
	By []string  // user ids of who made the quorum, in the order of their votes
	At time.Time // when the last of them voted; the clock to start begins here
}

// Denied was refused by somebody.
type Denied struct {
	By, Name, Reason string
	At               time.Time
}

// Expired had no quorum when the time to decide was over.
type Expired struct{}

func (Pending) outcome()  {}
func (Approved) outcome() {}
func (Denied) outcome()   {}
func (Expired) outcome()  {}
