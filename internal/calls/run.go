package calls

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// Store is what calls need of [session.Store].
type Store interface {
	Now() time.Time
	Flag(ctx context.Context, name string) (string, error)
	TakeTurn(ctx context.Context, name, owner string, revision int64, priority int) (held bool, ahead int, err error)
	LeaveTurn(ctx context.Context, name, owner string) error
	TakeBudget(ctx context.Context, name string, limit int, per time.Duration, burst, cost int, reserve ...int) (wait time.Duration, err error)
}

// Runner carries calls from plan to end. It is safe for concurrent use.
type Runner struct {
	cfg    Config
	sender *Sender
	cloud  *cloud.Client
	store  Store
	log    *slog.Logger
}

// NewRunner makes a Runner that sends through sender.
func NewRunner(cfg Config, sender *Sender, account *cloud.Client, store Store, log *slog.Logger) *Runner {
	return &Runner{cfg: cfg, sender: sender, cloud: account, store: store, log: log}
}

func (r *Runner) now() time.Time { return r.store.Now().UTC().Truncate(time.Millisecond) }

// Run makes one move of the case's call, or says how long to wait, or that it has ended.
// A case whose last call is another one begins this one.
func (r *Runner) Run(ctx context.Context, c Case, s Spec) (Result, error) {
	call := c.Call()
	if call == nil || call.Key != s.Key {
		return r.plan(ctx, c, Call{Key: s.Key, Ref: s.Ref.String(), First: r.now()})
	}
	switch call.Phase {
	case Planned:
		return r.sendPlanned(ctx, c, s)
	case Sending:
		return r.recover(ctx, c, s)
	case Sent:
		return r.follow(ctx, c, s)
	case Settled:
		return r.settled(ctx, c, s)
	default: // Unknown: people decide; look now and then
		return Wait(r.cfg.StatusEvery), nil
	}
}

// advance moves the call along its transitions and writes that.
func (r *Runner) advance(ctx context.Context, c Case, call Call, m Move, change func(*Call)) (Result, error) {
	next, err := Transitions.Next(call.Phase, m.Answer)
	if err != nil {
		return nil, err
	}
	call.Phase = next
	if change != nil {
		change(&call)
	}
	m.Call = call
	return Moved{}, c.Advance(ctx, m)
}

func (r *Runner) plan(ctx context.Context, c Case, call Call) (Result, error) {
	return r.advance(ctx, c, call, Move{Answer: Intend}, nil)
}

// settled hands over a settled call, or plans a refused one again while the refusal may
// pass by itself.
func (r *Runner) settled(ctx context.Context, c Case, s Spec) (Result, error) {
	call := c.Call()
	if err := r.unlock(ctx, c, s); err != nil {
		return nil, err // no other pass would
	}
	if call.Outcome != Rejected || call.RetryAt.IsZero() {
		return Ended{call}, nil
	}
	if wait := call.RetryAt.Sub(r.now()); wait > 0 {
		if text := "Redis Cloud said " + call.Error + "; trying again."; call.Busy() {
			r.ObserveWithActor(ctx, c, text, s.Ref)
		} else {
			c.Observe(ctx, Progress{Text: text})
		}
		return Wait(wait), nil
	}
	return r.plan(ctx, c, Call{Key: call.Key, Ref: call.Ref, Phase: call.Phase, Intent: call.Intent, Tries: call.Tries + 1, First: call.First})
}

// sendPlanned reads Redis Cloud again, takes the locks, writes the intent and sends. The
// order is the promise: nothing leaves before it is durable.
func (r *Runner) sendPlanned(ctx context.Context, c Case, s Spec) (Result, error) {
	if refused := r.permitted(ctx, s); refused != nil {
		if err := r.unlock(ctx, c, s); err != nil {
			return nil, err
		}
		if refused.Why == Paused {
			c.Observe(ctx, Progress{Text: refused.Text, Trouble: true})
			return Wait(r.cfg.StatusEvery), nil
		}
		return Stopped{refused}, nil
	}
	held, err := r.lock(ctx, c, s)
	if err != nil || !held {
		return Wait(r.cfg.Poll), err
	}
	before, g, err := s.Ready(ctx)
	if err != nil { // it is not known for how long: others may go first
		return nil, errors.Join(err, r.unlock(ctx, c, s))
	}
	switch {
	case g.Stop != nil:
		return Stopped{g.Stop}, r.unlock(ctx, c, s)
	case g.Wait > 0 && g.Text != "":
		err := r.unlockAccount(ctx, c)
		if g.Others {
			r.ObserveWithActor(ctx, c, g.Text, s.Ref)
		} else {
			c.Observe(ctx, Progress{Text: g.Text, Trouble: g.Trouble})
		}
		return Wait(g.Wait), err
	case g.Wait > 0: // for a status task, which may be minutes behind others
		return Wait(g.Wait), r.giveUpStatusTask(ctx, c, s)
	}
	return r.send(ctx, c, s, before)
}

// PausedBySilence stands for a person where calls are paused because the last heartbeat
// in the store was old, so that it may be an older copy of what was.
const PausedBySilence = "silence"

// permitted tests, before anything is waited for, what the sender tests again; nil:
// nothing speaks against it.
func (r *Runner) permitted(ctx context.Context, s Spec) *Refused {
	if refused := r.sender.Permitted(s.Ref, s.Needs, s.Label); refused != nil {
		return refused
	}
	if s.Urgent {
		return nil // a database is waiting to be built again: that waits for nobody
	}
	if by, err := r.store.Flag(ctx, PauseFlag); err == nil && by == PausedBySilence {
		return &Refused{Paused, "Paused: for more than ten minutes no replica of this bot was at work, or its Redis was restored from an older copy. " +
			"Nothing is sent until on-call has compared the open cards with Redis Cloud and resumes."}
	} else if err != nil || by != "" {
		return &Refused{Paused, "Paused: no changing call is sent until somebody resumes."}
	}
	return nil
}

// send hands the call to the sender, which writes its intent through an entry, and then
// writes the answer, even while shutting down.
func (r *Runner) send(ctx context.Context, c Case, s Spec, before Before) (Result, error) {
	request, err := s.Request(ctx)
	if err != nil && (errors.Is(err, cloud.ErrNotFound) || r.now().Sub(c.Call().First) > r.cfg.Patience) {
		return Stopped{&Refused{NotMade, fmt.Sprintf("The request of the %s could not be made: %s.", s.Label, err)}}, r.unlock(ctx, c, s)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the request of the %s: %w", s.Label, err), r.unlock(ctx, c, s))
	}
	order := Order{Request: request, Label: s.Label, Needs: s.Needs, Name: s.Name, Activated: s.Activated, Urgent: s.Urgent}
	if c.Call().Intent == 0 {
		order.Late = s.Late
	}
	task, left, err := r.sender.Send(ctx, order, &entry{r, c, before})
	if left {
		settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		return r.answered(settle, c, s, task, err)
	}
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		return Stopped{refused}, r.unlock(ctx, c, s)
	case errors.Is(err, session.ErrFlagged), errors.Is(err, session.ErrLate):
		return Wait(r.cfg.Poll), nil // the next pass says so
	case errors.Is(err, session.ErrUnconfirmed): // a failover could forget the intent, so nothing left
		return r.advance(ctx, c, *c.Call(), Move{Answer: Absent, Due: r.cfg.Poll}, nil)
	}
	return nil, err
}

// entry is a case's side of one order: its journal, and the write of the intent.
type entry struct {
	r      *Runner
	c      Case
	before Before
}

func (n *entry) Verify(ctx context.Context) error { return n.c.Prove(ctx) }

func (n *entry) Intend(ctx context.Context, terms Terms) error {
	call := *n.c.Call()
	if call.Intent == 0 {
		call.First = n.r.now() // waiting for its locks was no trial of patience
	}
	call.Before, call.Intent, call.SendBy = n.before, call.Intent+1, n.r.now().Add(terms.Within)
	_, err := n.r.advance(ctx, n.c, call, Move{Answer: Send, Due: terms.Within + n.r.cfg.Grace, Terms: &terms}, nil)
	return err
}

// settleTimeout bounds the write of an answer.
const settleTimeout = 10 * time.Second

// answered writes what Redis Cloud said. Without an answer nothing is written: the call
// stays sending and is recovered after its deadline.
func (r *Runner) answered(ctx context.Context, c Case, s Spec, task cloud.Task, err error) (Result, error) {
	if err == nil && task.Err != nil {
		err = task.Err
	}
	if err == nil {
		return r.advance(ctx, c, *c.Call(), Move{Answer: Accept, Due: r.cfg.Poll},
			func(call *Call) { call.Task, call.Taken, call.Resource = task.ID, task.At, task.Resource })
	}
	var unknown *cloud.Unknown
	if errors.As(err, &unknown) {
		r.log.Warn("no answer to a changing call", "session", c.ID(), "call", s.Key, "error", err)
		return Moved{}, nil
	}
	code, text, retry := r.Judge(c.Call().First, err)
	return r.refused(ctx, c, code, text, retry)
}

// refused settles a call that did not happen.
func (r *Runner) refused(ctx context.Context, c Case, code, text string, retry time.Duration) (Result, error) {
	return r.advance(ctx, c, *c.Call(), Move{Answer: Refuse}, func(call *Call) {
		call.Outcome, call.Code, call.Error = Rejected, code, text
		if retry > 0 {
			call.RetryAt = r.now().Add(retry)
		}
	})
}

// crowded is Redis Cloud's word that three subscriptions of the account are changing
// already. It is a queue, not a failure: waited for without end, or until the time to
// start is over.
const crowded = "TOO_MANY_PENDING_SUBSCRIPTIONS"

// DeniedCode is the code of a call that was answered with 401, 403 or 412: somebody has
// to permit it.
const DeniedCode = "DENIED"

// Denied says in words that a permission or a feature is missing; "" for other errors.
func Denied(err error) string {
	var d *cloud.Denied
	if !errors.As(err, &d) {
		return ""
	}
	return fmt.Sprintf("Redis Cloud refused (HTTP %d). What is missing: %s.", d.Status, d.Missing)
}

// Judge reads an answer that says "it did not happen" to a call that was first sent at a
// time: its code, its words, and after how long it may be tried again (0: not).
func (r *Runner) Judge(first time.Time, err error) (code, text string, retry time.Duration) {
	again := func(wait time.Duration) time.Duration {
		if r.now().Sub(first) > r.cfg.Patience {
			return 0
		}
		return max(wait, r.cfg.Poll, time.Millisecond)
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
		return "NOT_SENT", "unreachable: " + err.Error(), again(2 * r.cfg.Poll)
	case errors.As(err, &taskErr):
		if taskErr.Code == crowded {
			return taskErr.Code, taskErr.Error(), max(4*r.cfg.Poll, time.Millisecond)
		}
		if taskErr.Retryable() {
			retry = again(4 * r.cfg.Poll)
		}
		return taskErr.Code, taskErr.Error(), retry
	case Denied(err) != "":
		return DeniedCode, Denied(err), 0
	case errors.As(err, &rejected):
		if rejected.Retryable() {
			retry = again(4 * r.cfg.Poll)
		}
		return rejected.Code, err.Error(), retry
	}
	return "", err.Error(), 0
}

// follow watches an accepted call until its effect is seen.
func (r *Runner) follow(ctx context.Context, c Case, s Spec) (Result, error) {
	call := c.Call()
	var task cloud.Task
	if call.Task != "" { // an adopted call has none
		var err error
		task, err = r.cloud.Task(ctx, call.Task)
		forgotten := errors.Is(err, cloud.ErrNotFound)
		if forgotten && r.now().Sub(call.SendBy) < r.cfg.Patience {
			return Wait(r.cfg.Poll), nil // not known yet
		}
		if err != nil && !forgotten {
			return nil, fmt.Errorf("read task: %w", err)
		}
		if task.Err != nil {
			code, text, retry := r.Judge(call.First, task.Err)
			return r.refused(ctx, c, code, text, retry)
		}
		if !task.Ended() && !forgotten {
			c.Observe(ctx, Progress{Percent: c.Progress().Percent, Text: "in Redis Cloud's queue"})
			return Wait(r.cfg.Poll), nil
		}
		if err := r.unlockAccount(ctx, c); err != nil {
			return nil, err
		}
	}
	v, err := s.Effect(ctx, task)
	if err != nil {
		return nil, err
	}
	wait := max(v.Wait, r.cfg.Poll)
	switch {
	case v.Outcome == "" && v.Moved && call.Before.Failed && !call.Before.Moved:
		return r.advance(ctx, c, *call, Move{Answer: See, Due: wait}, func(call *Call) { call.Before.Moved = true })
	case v.Lost:
		return r.lose(ctx, c, s, v.Text)
	case v.Outcome == "" && r.Overdue(call) && !s.ByTask:
		return r.doubt(ctx, c, s, wait)
	case v.Outcome == "":
		return Wait(wait), nil
	}
	return r.conclude(ctx, c, v)
}

// Overdue reports whether an accepted call should have shown an effect by now.
func (r *Runner) Overdue(call *Call) bool {
	since := call.SendBy
	if call.Adopted.After(since) {
		since = call.Adopted
	}
	return r.now().Sub(since) > r.cfg.Patience
}

// conclude settles a call whose end was seen.
func (r *Runner) conclude(ctx context.Context, c Case, v Verdict) (Result, error) {
	answer := Succeed
	if v.Outcome != Happened {
		answer = Break
	}
	return r.advance(ctx, c, *c.Call(), Move{Answer: answer, Verdict: &v}, func(call *Call) {
		call.Outcome, call.Error = v.Outcome, ""
		if v.Outcome != Happened {
			call.Error = v.Text
		}
		if v.Resource != 0 {
			call.Resource = v.Resource
		}
	})
}

// DryRun asks Redis Cloud whether it would make a database, and makes none; see
// [Sender.DryRun].
func (r *Runner) DryRun(ctx context.Context, parent cloud.Ref, body cloud.Create) (cloud.Task, error) {
	return r.sender.DryRun(ctx, parent, body)
}
