package calls

import (
	"context"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Spec says how one call of a session is sent and how it is read. Its functions may be
// called by any replica at any time, so they know only what the record and Redis Cloud say.
type Spec struct {
	Key   string
	Ref   cloud.Ref // the database that it is about: its subscription is locked, and status tasks ask about it
	Label string    // for people: "backup of cache-prod"
	Needs Mode      // the mode that allows it

	Name      string    // of the database that is changed, read back before; empty: whatever it is called
	Activated time.Time // when that was created; zero: not known
	Late      time.Time // the first intent is not written after this, by the store's time; zero: no limit
	Once      bool      // never sent again once it may have left
	ByTask    bool      // Effect and Trace need status tasks: Effect itself says when nothing shows
	Urgent    bool      // goes first, and not even a pause holds it: a deleted database waits to be built again
	Locked    bool      // goes before others: applications cannot connect meanwhile

	// Ready reads Redis Cloud again; what it returns is noted before the send.
	Ready func(ctx context.Context) (Before, Gate, error)
	// Request is made right before the intent is written. It is sent at most once per intent.
	Request func(ctx context.Context) (Request, error)
	// Effect says whether an accepted call is seen to have ended.
	Effect func(ctx context.Context, task cloud.Task) (Verdict, error)
	// Trace reads, when no answer came and everything queued before is processed, whether
	// it happened; "": not to be said yet.
	Trace func(ctx context.Context) (Finding, error)
	// Fence queues a harmless task behind the call; nil: a backup status task.
	Fence func(ctx context.Context) (cloud.Task, error)
	// Seen is where Effect and Trace leave in words what they read, for people; nil: only
	// the database's state is told.
	Seen *string
}

// Gate is the answer of Ready: go (zero), wait, or stop.
type Gate struct {
	Wait    time.Duration
	Text    string // with Wait: what for; others may go first meanwhile
	Trouble bool   // with Text: somebody has to act
	Others  bool   // with Text: another change is why; who makes it is told too
	Stop    error  // why it is not sent at all
}

// Verdict is the answer of Effect.
type Verdict struct {
	Outcome  Outcome // empty: not yet
	Text     string
	Resource int // the id that a create made
	At       time.Time
	Moved    bool          // not yet, but otherwise than before the send
	Lost     bool          // not yet, and nothing shows of a call made long ago
	Wait     time.Duration // zero: one poll
}

// Finding is the answer of Trace.
type Finding string

// The findings.
const (
	Found    Finding = "happened"
	NotFound Finding = "absent"
	Unclear  Finding = "unclear"
)

// Case is the session that a call belongs to, claimed by this replica.
type Case interface {
	ID() string
	Revision() int64
	Call() *Call        // its last one; nil: none
	Cancelled() bool    // somebody asked to cancel it: nothing is sent again
	Progress() Progress // as last observed
	Observe(context.Context, Progress)
	Prove(context.Context) error // proves its whole journal
	// Advance writes a move of its call. Errors are those of [session.Store.Advance].
	Advance(context.Context, Move) error
}

// Move is one move of a call, to be written together with its session.
type Move struct {
	Call    Call // as it is afterwards
	Answer  Answer
	Note    string // a milestone for the thread; empty: none
	Due     time.Duration
	Terms   *Terms   // of an intent: what its write is bound to; it must be there after a failover
	Verdict *Verdict // of a call that has ended
}

// Data is what the journal keeps of a move.
func (m Move) Data() map[string]any {
	data := map[string]any{"call": m.Call.Key, "answer": m.Answer, "intent": m.Call.Intent}
	if m.Terms == nil {
		data["task"], data["code"] = m.Call.Task, m.Call.Code
	}
	return data
}

// Result is what a pass over a call comes to: [Wait], [Moved], [Ended] or [Stopped].
type Result interface{ result() }

type (
	// Wait is how long nothing has to be done.
	Wait time.Duration
	// Moved says that the session was moved; that move set its next pass.
	Moved struct{}
	// Ended is a call that is settled, however it ended.
	Ended struct{ Call *Call }
	// Stopped is a call that was not sent.
	Stopped struct{ Why error }
)

func (Wait) result()    {}
func (Moved) result()   {}
func (Ended) result()   {}
func (Stopped) result() {}
