package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// Call is one outside call as the record holds it.
type Call struct {
	Key      string    `json:"key"` // which of the session's calls; one of the keys below
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

// left is when the request left, by the clock of Redis Cloud where it told.
func (c *Call) left(within time.Duration) time.Time {
	if !c.Taken.IsZero() {
		return c.Taken
	}
	return c.SendBy.Add(-within)
}

// Before is what was read before the request left, to be compared with what
// is read afterwards.
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

func (c *Call) traits() traits { return traitsOf[c.Key] }

// Grave reports whether nobody may say at once, or alone, that the call did not happen.
func (c *Call) Grave() bool { return c.traits().grave }

// Once reports whether the call is never sent again once it may have left.
func (c *Call) Once() bool { return c.traits().once }

// outside is one outside call of a step: how it is sent and how it is read.
// Its functions may be called by any process at any time, so they know only
// what the record and the world say.
type outside struct {
	key    string
	ref    cloud.Ref // whose turn and barrier
	label  string    // for people: "backup of cache-prod"
	probes bool      // effect and trace need status tasks: effect itself says when nothing shows
	needs  Mode      // the mode that allows it
	rush   bool      // goes first in turns, and not even a pause holds it: a revert past its delete
	locked bool      // goes before others in turns: applications stand before a closed door

	// ready reads the world again; what it returns is noted before the send.
	ready func(ctx context.Context, l *lease) (Before, gate, error)
	// request is made from the record and, where it must, from the world, right before
	// the intent is written. It is sent at most once per intent.
	request func(ctx context.Context, s Session) (calls.Request, error)
	target  string // name of the database that is changed, read back before; empty: whatever it is called
	mark    bool   // the call creates: its database is known by a password of this session
	// effect says whether an accepted call is seen to have ended.
	effect func(ctx context.Context, l *lease, task cloud.Task) (verdict, error)
	// trace reads, when no answer came and everything queued before is
	// processed, whether it happened.
	trace func(ctx context.Context, l *lease) (finding, error)
	// barrier queues a harmless status task; nil: a backup status task.
	barrier func(ctx context.Context, s Session) (cloud.Task, error)
	// settled adds to the write that settles the call well.
	settled func(b *Body, v verdict)
	// seen is where effect and trace leave in words what they read, for people;
	// nil: only the database's state is told.
	seen  *string
	holds func(s Session, v verdict) []session.Hold
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

// verdict is effect's answer.
type verdict struct {
	outcome  Outcome // empty: not yet
	text     string
	resource int
	at       time.Time
	moved    bool          // not yet, but otherwise than before the send
	lost     bool          // not yet, and nothing shows of a call made long ago
	wait     time.Duration // zero: one poll
}

// finding is trace's answer.
type finding string

const (
	happened finding = "happened"
	absent   finding = "absent"
	unclear  finding = "unclear"
)

// drive makes one move of the step's call, or says how long to wait, or that
// it is settled. It is the only code that sends a changing call.
func (e *Engine) drive(ctx context.Context, l *lease, o outside) (answer, error) {
	c := l.s.Call
	if c == nil || c.Key != o.key {
		return e.intend(ctx, l, o, Call{Key: o.key, Ref: o.ref.String(), First: e.now()})
	}
	switch c.Phase {
	case Planned:
		return e.sendPlanned(ctx, l, o)
	case Sending:
		return e.recover(ctx, l, o)
	case Sent:
		return e.follow(ctx, l, o)
	case Settled:
		return e.settledCall(ctx, l, o)
	default: // Unknown: people decide; look now and then
		return later(e.cfg.StatusEvery), nil
	}
}

// turn moves the call within its life and writes that.
func (e *Engine) turn(ctx context.Context, l *lease, a Answer, m move, change func(*Call), body func(*Body)) (answer, error) {
	c := *l.s.Call
	next, err := callLife.Next(c.Phase, a)
	if err != nil {
		return nil, err
	}
	c.Phase = next
	if change != nil {
		change(&c)
	}
	m.event = Calling
	m.data = map[string]any{"call": c.Key, "answer": a, "intent": c.Intent, "task": c.Task, "code": c.Code}
	_, err = e.advance(ctx, l.s, m, func(b *Body) {
		b.Call = &c
		if body != nil {
			body(b)
		}
	})
	return moved{}, err
}

func (e *Engine) intend(ctx context.Context, l *lease, o outside, c Call) (answer, error) {
	l.s.Call = &c
	if !o.mark || l.s.Revert.Marks[o.key] != "" {
		return e.turn(ctx, l, Intend, move{}, nil, nil)
	}
	mark, err := e.newMark(l.s, o.key)
	if err != nil {
		return nil, err
	}
	return e.turn(ctx, l, Intend, move{}, nil, func(b *Body) {
		if b.Revert.Marks == nil {
			b.Revert.Marks = map[string]string{}
		}
		b.Revert.Marks[o.key] = mark
	})
}

// settledCall hands a settled call to the step, or plans a refused one again
// while the refusal may pass by itself.
func (e *Engine) settledCall(ctx context.Context, l *lease, o outside) (answer, error) {
	c := l.s.Call
	if err := e.leaveTurns(ctx, l.s, o); err != nil {
		return nil, err // nobody else would give them back
	}
	if c.Outcome != Rejected || c.RetryAt.IsZero() {
		return settled{c}, nil
	}
	if wait := c.RetryAt.Sub(e.now()); wait > 0 {
		if text := "Redis Cloud said " + c.Error + "; trying again."; c.busy() {
			l.observeWithActor(ctx, text, o.ref)
		} else {
			l.observe(ctx, Progress{Text: text})
		}
		return later(wait), nil
	}
	return e.intend(ctx, l, o, Call{Key: c.Key, Ref: c.Ref, Phase: c.Phase, Intent: c.Intent, Tries: c.Tries + 1, First: c.First})
}

// sendPlanned reads the world again, takes the turns, writes the intent and
// sends. The order is the promise: nothing leaves before it is durable.
func (e *Engine) sendPlanned(ctx context.Context, l *lease, o outside) (answer, error) {
	if r := e.permitted(ctx, o); r != nil {
		if err := e.leaveTurns(ctx, l.s, o); err != nil {
			return nil, err
		}
		if r.Code == Paused {
			l.observe(ctx, Progress{Text: r.Text, Trouble: true})
			return later(e.cfg.StatusEvery), nil
		}
		return stopped{gate{stop: r}}, nil
	}
	held, err := e.takeTurns(ctx, l, o)
	if err != nil || !held {
		return later(e.cfg.Poll), err
	}
	before, g, err := o.ready(ctx, l)
	if err != nil { // nobody knows for how long: others may go first
		return nil, errors.Join(err, e.leaveTurns(ctx, l.s, o))
	}
	switch {
	case g.stop != nil:
		return stopped{g}, e.leaveTurns(ctx, l.s, o)
	case g.wait > 0 && g.text != "":
		err := e.leaveTurn(ctx, l.s, accountTurn)
		if g.others {
			l.observeWithActor(ctx, g.text, o.ref)
		} else {
			l.observe(ctx, Progress{Text: g.text, Trouble: g.trouble})
		}
		return later(g.wait), err
	case g.wait > 0: // for a status task, which may be minutes behind others
		return later(g.wait), e.giveUpProbe(ctx, l, o)
	}
	return e.send(ctx, l, o, before)
}

// permitted tests, before anything is waited for, what the sender tests again; nil:
// nothing speaks against it.
func (e *Engine) permitted(ctx context.Context, o outside) *Refusal {
	if r := e.calls.Permitted(o.ref, o.needs, o.label); r != nil {
		return refusalOf(r)
	}
	if o.rush {
		return nil // a database is waiting to be built again: that waits for nobody
	}
	if by, err := e.store.Flag(ctx, flagPause); err == nil && by == PausedBySilence {
		return refuse(Paused, "Paused: for more than ten minutes no replica of this bot was at work, or its Redis was restored from an older copy. "+
			"Nothing is sent until on-call has compared the open cards with Redis Cloud and resumes.")
	} else if err != nil || by != "" {
		return refuse(Paused, "Paused: no changing call is sent until somebody resumes.")
	}
	return nil
}

const flagPause = calls.PauseFlag

// refusalOf puts a refusal of the sender among ours.
func refusalOf(r *calls.Refused) *Refusal {
	code := map[calls.Reason]Code{calls.OwnStore: OwnStore, calls.Target: Stale}[r.Why]
	return &Refusal{Code: cmp.Or(code, NotAllowed), Text: r.Text}
}

// send hands the call to the sender, which writes its intent through entry, and then
// writes the answer, even while shutting down.
func (e *Engine) send(ctx context.Context, l *lease, o outside, before Before) (answer, error) {
	request, err := o.request(ctx, l.s)
	if err != nil && (errors.Is(err, cloud.ErrNotFound) || e.now().Sub(l.s.Call.First) > e.cfg.Patience) {
		return stopped{gate{stop: refuse(Unreachable, "The request of the %s could not be made: %s.", o.label, err)}}, e.leaveTurns(ctx, l.s, o)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the request of the %s: %w", o.label, err), e.leaveTurns(ctx, l.s, o))
	}
	to := &entry{e: e, s: l.s, before: before}
	order := calls.Order{Request: request, Label: o.label, Needs: o.needs, Name: o.target, Activated: l.s.Facts.Activated, Urgent: o.rush}
	if l.s.Call.traits().covered && l.s.Call.Intent == 0 {
		order.Late = e.startBy(l.s)
	}
	if o.ref != l.s.Plan.Ref() {
		order.Activated = time.Time{} // the session made it itself
	}
	task, left, err := e.calls.Send(ctx, order, to)
	l.s = to.s
	if left {
		settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		return e.answered(settle, l, o, task, err)
	}
	var refused *calls.Refused
	switch {
	case errors.As(err, &refused):
		return stopped{gate{stop: refusalOf(refused)}}, e.leaveTurns(ctx, l.s, o)
	case errors.Is(err, session.ErrFlagged), errors.Is(err, session.ErrLate):
		return later(e.cfg.Poll), nil // the next look says so
	case errors.Is(err, session.ErrUnconfirmed): // a failover could forget the intent, so nothing left
		return e.turn(ctx, l, Absent, move{due: e.cfg.Poll}, nil, nil)
	}
	return nil, err
}

// entry is a session's side of one order: its journal, and the write of the intent.
type entry struct {
	e      *Engine
	s      Session // as the intent left it
	before Before
}

func (n *entry) Verify(ctx context.Context) error { return n.e.prove(ctx, n.s) }

func (n *entry) Intend(ctx context.Context, terms calls.Terms) error {
	c := *n.s.Call
	phase, err := callLife.Next(c.Phase, Send)
	if err != nil {
		return err
	}
	if c.Intent == 0 {
		c.First = n.e.now() // waiting for its turn was no trial of patience
	}
	c.Phase, c.Before, c.Intent, c.SendBy = phase, n.before, c.Intent+1, n.e.now().Add(terms.Within)
	m := move{event: Calling, due: terms.Within + n.e.cfg.Grace, confirm: true, owner: true, unless: terms.Unless, notAfter: terms.NotAfter,
		data: map[string]any{"call": c.Key, "answer": Send, "intent": c.Intent}}
	s, err := n.e.advance(ctx, n.s, m, func(b *Body) { b.Call = &c })
	if err == nil || errors.Is(err, session.ErrUnconfirmed) {
		n.s = s
	}
	return err
}

// settleTimeout bounds the write of an answer.
const settleTimeout = 10 * time.Second

// answered writes what Redis Cloud said. Without an answer nothing is
// written: the session stays sending and is recovered after its deadline.
func (e *Engine) answered(ctx context.Context, l *lease, o outside, task cloud.Task, err error) (answer, error) {
	if err == nil && task.Err != nil {
		err = task.Err
	}
	if err == nil {
		return e.turn(ctx, l, Accept, move{due: e.cfg.Poll}, func(c *Call) { c.Task, c.Taken, c.Resource = task.ID, task.At, task.Resource }, nil)
	}
	var unknown *cloud.Unknown
	if errors.As(err, &unknown) {
		e.log.Warn("no answer to a changing call", "session", l.s.ID, "call", o.key, "error", err)
		return moved{}, nil
	}
	code, text, retry := e.judge(l.s.Call, err)
	return e.refused(ctx, l, code, text, retry)
}

// refused settles a call that did not happen.
func (e *Engine) refused(ctx context.Context, l *lease, code, text string, retry time.Duration) (answer, error) {
	return e.turn(ctx, l, Refuse, move{}, func(c *Call) {
		c.Outcome, c.Code, c.Error = Rejected, code, text
		if retry > 0 {
			c.RetryAt = e.now().Add(retry)
		}
	}, nil)
}

// crowded is Redis Cloud's word that three subscriptions of the account are
// changing already. It is a queue, not a failure: waited for without end, or
// until the time to start is over.
const crowded = "TOO_MANY_PENDING_SUBSCRIPTIONS"

// judge reads an answer that says "it did not happen": its code, its words,
// and after how long it may be tried again (0: not).
func (e *Engine) judge(c *Call, err error) (code, text string, retry time.Duration) {
	again := func(wait time.Duration) time.Duration {
		if e.now().Sub(c.First) > e.cfg.Patience {
			return 0
		}
		return max(wait, e.cfg.Poll, time.Millisecond)
	}
	var (
		limited  *cloud.RateLimited
		notSent  *cloud.NotSent
		rejected *cloud.Rejected
		taskErr  *cloud.TaskError
	)
	switch {
	case errors.As(err, &limited):
		return "RATE_LIMITED", "too many requests", again(limited.Wait)
	case errors.As(err, &notSent):
		return "NOT_SENT", "unreachable: " + err.Error(), again(2 * e.cfg.Poll)
	case errors.As(err, &taskErr):
		if taskErr.Code == crowded {
			return taskErr.Code, taskErr.Error(), max(4*e.cfg.Poll, time.Millisecond)
		}
		if taskErr.Retryable() {
			retry = again(4 * e.cfg.Poll)
		}
		return taskErr.Code, taskErr.Error(), retry
	case denied(err) != nil:
		return deniedCode, denied(err).Text, 0
	case errors.As(err, &rejected):
		if rejected.Retryable() {
			retry = again(4 * e.cfg.Poll)
		}
		return rejected.Code, err.Error(), retry
	}
	return "", err.Error(), 0
}

// busy reports whether a refused call met another change that is at work.
func (c *Call) busy() bool {
	what, passes := cloud.Passing(c.Code)
	return passes && strings.HasSuffix(what, "changing")
}

// deniedCode stands for an answer of 401, 403 or 412: somebody has to permit it.
const deniedCode = "DENIED"

// follow watches an accepted call until its effect is seen.
func (e *Engine) follow(ctx context.Context, l *lease, o outside) (answer, error) {
	c := l.s.Call
	var task cloud.Task
	if c.Task != "" { // an adopted call has none
		var err error
		task, err = e.cloud.Task(ctx, c.Task)
		forgotten := errors.Is(err, cloud.ErrNotFound)
		if forgotten && e.now().Sub(c.SendBy) < e.cfg.Patience {
			return later(e.cfg.Poll), nil // not known yet
		}
		if err != nil && !forgotten {
			return nil, fmt.Errorf("read task: %w", err)
		}
		if task.Err != nil {
			code, text, retry := e.judge(c, task.Err)
			return e.refused(ctx, l, code, text, retry)
		}
		if !task.Ended() && !forgotten {
			l.observe(ctx, Progress{Percent: l.s.Progress.Percent, Text: "in Redis Cloud's queue"})
			return later(e.cfg.Poll), nil
		}
		if err := e.leaveTurn(ctx, l.s, accountTurn); err != nil {
			return nil, err
		}
	}
	v, err := o.effect(ctx, l, task)
	if err != nil {
		return nil, err
	}
	wait := max(v.wait, e.cfg.Poll)
	switch {
	case v.outcome == "" && v.moved && c.Before.Failed && !c.Before.Moved:
		return e.turn(ctx, l, See, move{due: wait}, func(c *Call) { c.Before.Moved = true }, nil)
	case v.lost:
		return e.lose(ctx, l, o, v.text)
	case v.outcome == "" && e.overdue(c) && !o.probes:
		return e.doubt(ctx, l, o, wait)
	case v.outcome == "":
		return later(wait), nil
	}
	return e.conclude(ctx, l, o, v)
}

// conclude settles a call whose end was seen.
func (e *Engine) conclude(ctx context.Context, l *lease, o outside, v verdict) (answer, error) {
	answer, m := Succeed, move{}
	if v.outcome != Happened {
		answer = Break
	}
	if o.holds != nil && v.resource != 0 {
		m.holds = o.holds(l.s, v)
	}
	return e.turn(ctx, l, answer, m, func(c *Call) {
		c.Outcome, c.Error = v.outcome, ""
		if v.outcome != Happened {
			c.Error = v.text
		}
		if v.resource != 0 {
			c.Resource = v.resource
		}
	}, func(b *Body) {
		if o.settled != nil && (v.outcome == Happened || v.resource != 0) {
			o.settled(b, v)
		}
	})
}
