package upgrade

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// What a session stores of its call, by the words of package calls.
type (
	Call     = calls.Call
	Before   = calls.Before
	Outcome  = calls.Outcome
	Phase    = calls.Phase
	Answer   = calls.Answer
	Progress = calls.Progress
)

// The outcomes.
const (
	Happened = calls.Happened
	Rejected = calls.Rejected
	Broke    = calls.Broke
)

// The phases of a call.
const (
	Planned = calls.Planned
	Sending = calls.Sending
	Sent    = calls.Sent
	Unknown = calls.Unknown
	Settled = calls.Settled
)

// The answers that are told to people.
const (
	Send   = calls.Send
	Lose   = calls.Lose
	Insist = calls.Insist
)

// The keys of the calls that a session makes.
const (
	callBackup          = "backup"
	callUpgrade         = "upgrade"
	callRehearsalCreate = "rehearsal create"
	callRehearsalImport = "rehearsal import"
	callRehearsalDelete = "rehearsal delete"
	callCloseDoor       = "close door"
	callSafetyBackup    = "safety backup"
	callDelete          = "delete"
	callCreate          = "create"
	callRules           = "sharding rules"
	callImport          = "import"
	callPassword        = "password"
	callDefaultUser     = "default user"
	callTags            = "tags"
	callOpenDoor        = "open door"
	callReopenDoor      = "reopen door"
)

// traits are what is known of a call by its key.
type traits struct {
	covered      bool // sent because people approved, so not after their approval has lapsed; what else is sent puts something back
	irreversible bool // there is no cancel after it
	grave        bool // nobody may say at once, or alone, that it did not happen
	once         bool // never sent again once it may have left
}

var traitsOf = map[string]traits{
	callBackup:          {covered: true},
	callUpgrade:         {covered: true, irreversible: true},
	callRehearsalImport: {grave: true, once: true},
	callRehearsalDelete: {grave: true},
	callCloseDoor:       {covered: true},
	callSafetyBackup:    {covered: true},
	callDelete:          {covered: true, irreversible: true, grave: true},
	callImport:          {grave: true, once: true},
}

// irreversible reports whether there is no cancel after this call.
func irreversible(c *Call) bool { return c != nil && traitsOf[c.Key].irreversible }

// Grave reports whether nobody may say at once, or alone, that a call did not happen.
func Grave(c *Call) bool { return c != nil && traitsOf[c.Key].grave }

// Once reports whether a call is never sent again once it may have left.
func Once(c *Call) bool { return c != nil && traitsOf[c.Key].once }

// outside is one call of a step: how it is sent and how it is read, as in [calls.Spec],
// and what its session keeps of it.
type outside struct {
	key    string
	ref    cloud.Ref
	label  string
	probes bool
	needs  Mode
	rush   bool
	locked bool
	target string // name of the database that is changed
	mark   bool   // the call creates: its database is known by a password of this session

	ready   func(ctx context.Context, l *lease) (Before, gate, error)
	request func(ctx context.Context, s Session) (calls.Request, error)
	effect  func(ctx context.Context, l *lease, task cloud.Task) (calls.Verdict, error)
	trace   func(ctx context.Context, l *lease) (calls.Finding, error)
	barrier func(ctx context.Context, s Session) (cloud.Task, error)
	seen    *string

	// settled adds to the write that settles the call well.
	settled func(b *Body, v calls.Verdict)
	holds   func(s Session, v calls.Verdict) []session.Hold
}

// gate is ready's answer: go (zero), wait, or stop.
type gate struct {
	wait    time.Duration
	text    string   // with wait: what for; others may go first meanwhile
	trouble bool     // with text: somebody has to act
	others  bool     // with text: another change is why; who makes it is told too
	stop    *Refusal // what moved; the step decides what that means
	void    bool     // with stop: the plan must be asked again
	facts   *Facts   // with void: as they are now

	again *Captured // with stop: settings that must be captured again first
}

// Error implements error for a gate that stops.
func (g *gate) Error() string { return g.stop.Error() }

// spec is the call as package calls runs it.
func (e *Engine) spec(l *lease, o outside) calls.Spec {
	spec := calls.Spec{Key: o.key, Ref: o.ref, Label: o.label, Needs: o.needs, Name: o.target, Activated: l.s.Facts.Activated,
		Once: traitsOf[o.key].once, ByTask: o.probes, Urgent: o.rush, Locked: o.locked, Seen: o.seen}
	if o.ref != l.s.Plan.Ref() {
		spec.Activated = time.Time{} // the session made it itself
	}
	if traitsOf[o.key].covered {
		spec.Late = e.startBy(l.s)
	}
	spec.Ready = func(ctx context.Context) (Before, calls.Gate, error) {
		before, g, err := o.ready(ctx, l)
		out := calls.Gate{Wait: g.wait, Text: g.text, Trouble: g.trouble, Others: g.others}
		if g.stop != nil {
			out.Stop = &g
		}
		return before, out, err
	}
	spec.Request = func(ctx context.Context) (calls.Request, error) { return o.request(ctx, l.s) }
	spec.Effect = func(ctx context.Context, task cloud.Task) (calls.Verdict, error) { return o.effect(ctx, l, task) }
	spec.Trace = func(ctx context.Context) (calls.Finding, error) { return o.trace(ctx, l) }
	if o.barrier != nil {
		spec.Fence = func(ctx context.Context) (cloud.Task, error) { return o.barrier(ctx, l.s) }
	}
	return spec
}

// drive makes one move of the step's call, or says how long to wait, or that it is
// settled.
func (e *Engine) drive(ctx context.Context, l *lease, o outside) (answer, error) {
	result, err := e.calls.Run(ctx, &atCall{lease: l, o: o}, e.spec(l, o))
	switch r := result.(type) {
	case calls.Wait:
		return later(r), err
	case calls.Moved:
		return moved{}, err
	case calls.Ended:
		return settled{r.Call}, err
	case calls.Stopped:
		var g *gate
		if !errors.As(r.Why, &g) {
			g = &gate{stop: refusalOf(r.Why)}
		}
		return stopped{*g}, err
	}
	return nil, err
}

// refusalOf puts a refusal of package calls among ours; nil for none.
func refusalOf(err error) *Refusal {
	var r *calls.Refused
	if !errors.As(err, &r) || r == nil {
		return nil
	}
	code := map[calls.Reason]Code{calls.OwnStore: OwnStore, calls.Target: Stale, calls.Paused: Paused, calls.NotMade: Unreachable,
		calls.Gone: NotFound, calls.BackupOff: NoBackup, calls.NotTold: Unreachable}[r.Why]
	return &Refusal{Code: cmp.Or(code, NotAllowed), Text: r.Text}
}

// A claimed session as package calls knows it.

func (l *lease) ID() string         { return l.s.ID }
func (l *lease) Revision() int64    { return l.s.Revision }
func (l *lease) Call() *Call        { return l.s.Call }
func (l *lease) Cancelled() bool    { return l.s.CancelBy != "" }
func (l *lease) Progress() Progress { return l.s.Progress }

func (l *lease) Observe(ctx context.Context, p Progress) { l.observe(ctx, p) }
func (l *lease) Prove(ctx context.Context) error         { return l.e.prove(ctx, l.s) }

// Advance writes a move of a call of which nothing but the call is kept.
func (l *lease) Advance(ctx context.Context, m calls.Move) error {
	return (&atCall{lease: l}).Advance(ctx, m)
}

// atCall is a claimed session while it makes one of its calls.
type atCall struct {
	*lease
	o outside
}

// Advance writes a move of the call, and what the session keeps of it.
func (a *atCall) Advance(ctx context.Context, cm calls.Move) error {
	m := move{event: Calling, note: cm.Note, due: cm.Due, data: cm.Data()}
	if t := cm.Terms; t != nil {
		m.confirm, m.owner, m.unless, m.notAfter = true, true, t.Unless, t.NotAfter
	}
	v := cm.Verdict
	if v != nil && a.o.holds != nil && v.Resource != 0 {
		m.holds = a.o.holds(a.s, *v)
	}
	mark, err := a.newMark(cm.Answer)
	if err != nil {
		return err
	}
	s, err := a.e.advance(ctx, a.s, m, func(b *Body) {
		b.Call = &cm.Call
		if mark != "" {
			b.Revert.mark(a.o.key, mark)
		}
		if v != nil && a.o.settled != nil && (v.Outcome == Happened || v.Resource != 0) {
			a.o.settled(b, *v)
		}
	})
	if cm.Terms != nil && (err == nil || errors.Is(err, session.ErrUnconfirmed)) {
		a.s = s // the request leaves in the same pass
	}
	return err
}

// newMark draws the password by which what a call creates is known, once.
func (a *atCall) newMark(answer Answer) (string, error) {
	if answer != calls.Intend || !a.o.mark || a.s.Revert.Marks[a.o.key] != "" {
		return "", nil
	}
	return a.e.newMark(a.s, a.o.key)
}
