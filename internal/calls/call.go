package calls

import (
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// Call is one call as the record of its session holds it.
type Call struct {
	Key      string    `json:"key"` // which of the session's calls
	Ref      string    `json:"ref"` // the database it is about (of a create: its subscription's)
	Phase    Phase     `json:"phase"`
	Intent   int       `json:"intent"` // 1, 2, …: a new one only after an answer, or after it is proved that the last one did not happen
	Tries    int       `json:"tries,omitempty"`
	First    time.Time `json:"first,omitzero"`    // when it was first sent; until then, planned
	RetryAt  time.Time `json:"retry_at,omitzero"` // a refusal that may pass is planned again then
	SendBy   time.Time `json:"send_by,omitzero"`
	Task     string    `json:"task,omitempty"`
	Taken    time.Time `json:"taken,omitzero"`    // Redis Cloud's time of its answer; its clock is not ours
	Barrier  string    `json:"barrier,omitempty"` // the status task behind it
	Queued   time.Time `json:"queued,omitzero"`   // when that was put there
	Adopted  time.Time `json:"adopted,omitzero"`  // when it was taken to have happened without an answer
	Before   Before    `json:"before,omitzero"`
	Outcome  Outcome   `json:"outcome,omitempty"`
	Resource int       `json:"resource,omitempty"` // the id that a create made
	Code     string    `json:"code,omitempty"`
	Error    string    `json:"error,omitempty"`
	Seen     string    `json:"seen,omitempty"`     // while unknown: what was read back, in words
	Question int64     `json:"question,omitempty"` // while unknown: which question people are asked; their buttons carry it
	Settlers []string  `json:"settlers,omitempty"` // who declared that an unknown call did not happen
}

// Left is when the request left, by the clock of Redis Cloud where it told; within is how
// long a request may take to leave.
func (c *Call) Left(within time.Duration) time.Time {
	if !c.Taken.IsZero() {
		return c.Taken
	}
	return c.SendBy.Add(-within)
}

// Out reports whether the request may be under way.
func (c *Call) Out() bool {
	return c != nil && (c.Phase == Sending || c.Phase == Sent || c.Phase == Unknown)
}

// Busy reports whether a refused call met another change that is at work.
func (c *Call) Busy() bool {
	what, passes := cloud.Passing(c.Code)
	return passes && strings.HasSuffix(what, "changing")
}

// Before is what was read before the request left, to be compared with what is read
// afterwards.
type Before struct {
	At      time.Time `json:"at,omitzero"` // Redis Cloud's time of the last backup or import
	Status  string    `json:"status,omitempty"`
	Target  string    `json:"target,omitempty"` // of the latest upgrade attempt
	Failed  bool      `json:"failed,omitempty"` // the last attempt had failed: if ours fails too, it reads the same
	Moved   bool      `json:"moved,omitempty"`  // with Failed: since the send it was seen to be otherwise
	Known   bool      `json:"known,omitempty"`
	Present []int     `json:"present,omitempty"` // databases that had the name or port
}

// Outcome is how a settled call ended. Stored; never rename one.
type Outcome string

// The outcomes.
const (
	Happened Outcome = "done"     // its effect was seen
	Rejected Outcome = "rejected" // an answer: it did not happen
	Broke    Outcome = "failed"   // it happened and ended badly
)

// Phase is where a call stands. Stored; never rename one.
type Phase string

// The phases of a call.
const (
	Planned Phase = "planned" // nothing left yet
	Sending Phase = "sending" // intent and send deadline are durable; the request may be out
	Sent    Phase = "sent"    // accepted: followed until its effect is seen
	Unknown Phase = "unknown" // what became of it cannot be read; people decide
	Settled Phase = "settled" // done, rejected or failed
)

// Answer is what moves a call. Stored in journals; never rename one.
type Answer string

// The answers.
const (
	Intend  Answer = "plan"    // a new call, or a new intent of it
	Send    Answer = "send"    // the intent is written
	Accept  Answer = "accept"  // Redis Cloud took it and named a task
	Barrier Answer = "barrier" // no answer came: a status task was put behind it
	See     Answer = "see"     // its effect is seen to have begun
	Adopt   Answer = "adopt"   // no answer came, but it is seen to have happened
	Absent  Answer = "absent"  // no answer came, and it is proved that it did not happen
	Lose    Answer = "lose"    // no answer came, and what happened cannot be read
	Refuse  Answer = "refuse"  // an answer: it did not happen
	Succeed Answer = "succeed" // the effect is seen
	Break   Answer = "break"   // it happened and ended badly
	Insist  Answer = "again"   // only in journals: refused, and sent again all the same
)

// Transitions are all moves of a call.
var Transitions = session.Table[Phase, Answer]{
	"":      {Intend: Planned},
	Planned: {Send: Sending},
	Sending: {Accept: Sent, Refuse: Settled, Barrier: Sending, Adopt: Sent, Absent: Planned, Lose: Unknown},
	Sent:    {See: Sent, Succeed: Settled, Refuse: Settled, Break: Settled, Lose: Unknown},
	Unknown: {Adopt: Sent, Absent: Planned, Break: Settled},
	Settled: {Intend: Planned},
}

// Progress is the last thing seen of work in flight. It is no decision: it is observed
// under the claim, belongs to one revision of the session and may be lost.
type Progress struct {
	Revision int64     `json:"revision"`
	Percent  float64   `json:"percent,omitempty"`
	Text     string    `json:"text,omitempty"`
	Trouble  bool      `json:"trouble,omitempty"` // Text is why nothing goes on for now
	Probe    string    `json:"probe,omitempty"`   // status task that is being waited for
	Asked    time.Time `json:"asked,omitzero"`    // when that was put into the queue
	Untold   int       `json:"untold,omitempty"`  // status tasks in a row that ended in an error which does not pass
	Since    time.Time `json:"since,omitzero"`    // of a call without an answer: when everything queued before was processed
}
