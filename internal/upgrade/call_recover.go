package upgrade

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// What became of a call that has no answer: nobody sends it again before that
// is known.

// recover finds out what became of a call that has no answer.
func (e *Engine) recover(ctx context.Context, l *lease, o outside) (answer, error) {
	c := l.s.Call
	if wait := c.SendBy.Add(e.cfg.Grace).Sub(e.now()); wait > 0 {
		return later(wait), nil
	}
	if c.Barrier == "" {
		return e.putBarrier(ctx, l, o)
	}
	task, err := e.barrierTask(ctx, c.Barrier)
	if errors.Is(err, cloud.ErrNotFound) && e.now().Sub(c.Queued) > e.cfg.Patience {
		return e.putBarrier(ctx, l, o) // forgotten: ended tasks are kept for some days only
	}
	if err != nil && !errors.Is(err, cloud.ErrNotFound) {
		return nil, err
	}
	if err != nil || !task.Ended() {
		return later(e.cfg.Poll), nil // the task service may not know a young task yet
	}
	return e.judgeTrace(ctx, l, o)
}

// judgeTrace believes a trace of the call at once, and the lack of one only
// when there has been time for it to show: a task ends before its effect does.
func (e *Engine) judgeTrace(ctx context.Context, l *lease, o outside) (answer, error) {
	if err := e.leaveTurn(ctx, l.s, accountTurn); err != nil {
		return nil, err
	}
	found, err := o.trace(ctx, l)
	if err != nil {
		return nil, err
	}
	if wait := e.settling(ctx, l); wait > 0 && (found == absent || found == unclear) {
		return later(wait), nil
	}
	switch {
	case found == happened:
		return e.turn(ctx, l, Adopt, move{note: "No answer came to the " + o.label + ", but Redis Cloud shows that it happened. Going on from there."}, func(c *Call) { c.Adopted = e.now() }, nil)
	case found == absent && !l.s.Call.Once() && (o.rush || l.s.Call.Tries < maxAbsent):
		return e.turn(ctx, l, Absent, move{note: absentText(l.s, o)}, func(c *Call) { c.Barrier = ""; c.Tries++ }, nil)
	case found == absent && !l.s.Call.Once():
		return e.askPeople(ctx, l, o, "Redis Cloud gave no answer to the "+o.label+" again and again, and shows that it never happened. On-call decides.")
	case found == "":
		return later(e.cfg.Poll), nil // still being read
	}
	return e.askPeople(ctx, l, o, "No answer came to the "+o.label+", and what Redis Cloud shows does not say whether it happened. On-call decides.")
}

// maxAbsent is how often a call that never arrives is sent again before people
// are asked.
const maxAbsent = 4

// absentText tells people of a call that did not arrive, once.
func absentText(s Session, o outside) string {
	if s.Call.Tries > 0 || s.CancelBy != "" {
		return ""
	}
	return "No answer came to the " + o.label + ", and Redis Cloud shows that it did not happen. Sending it again."
}

// askPeople puts a call of which nobody can tell to people.
func (e *Engine) askPeople(ctx context.Context, l *lease, o outside, note string) (answer, error) {
	seen := e.readBack(ctx, o)
	return e.turn(ctx, l, Lose, move{note: note}, func(c *Call) { c.Question, c.Seen = l.s.Revision, seen }, nil)
}

// readBack tells people what Redis Cloud shows of a call that nobody can judge.
func (e *Engine) readBack(ctx context.Context, o outside) string {
	var out []string
	switch db, err := e.cloud.Database(ctx, o.ref); {
	case errors.Is(err, cloud.ErrNotFound):
		out = append(out, fmt.Sprintf("database %d does not exist", o.ref.Database))
	case err == nil:
		out = append(out, fmt.Sprintf("database %d is %s on %s", o.ref.Database, db.Status, db.Version))
	}
	if o.seen != nil && *o.seen != "" {
		out = append(out, *o.seen)
	}
	return strings.Join(out, "; ")
}

// reading is a status and its time, as a status task tells them.
func reading(what string, p probed) string {
	at := "none so far"
	switch {
	case !p.At.IsZero():
		at = "the last at " + stamp(p.At)
	case p.Status == cloud.Ok:
		at = "without a time"
	}
	status := p.Raw
	if status == "" {
		status = "empty"
	}
	return fmt.Sprintf("its %s status is %s, %s", what, status, at)
}

// doubt looks whether anything shows of a call that was accepted, or taken to
// be, long ago.
func (e *Engine) doubt(ctx context.Context, l *lease, o outside, wait time.Duration) (answer, error) {
	found, err := o.trace(ctx, l)
	if err != nil || found != absent && found != unclear {
		return later(wait), err
	}
	return e.lose(ctx, l, o, "")
}

// lose asks people about a call of which nothing shows. Otherwise a wrong word
// would be waited for, for ever.
func (e *Engine) lose(ctx context.Context, l *lease, o outside, why string) (answer, error) {
	note := "The " + o.label + " should have shown in Redis Cloud for " + words(e.cfg.Patience) + ", and does not. On-call decides."
	if why != "" {
		note = "The " + o.label + " was accepted, and cannot be followed. " + why + " On-call decides."
		*o.seen = why
	}
	return e.askPeople(ctx, l, o, note)
}

// settling is how long an effect may still take to show. It begins with the
// first look after the barrier; losing that only makes it longer.
func (e *Engine) settling(ctx context.Context, l *lease) time.Duration {
	p := l.s.Progress
	if p.Since.IsZero() {
		p.Since = e.now()
		l.observe(ctx, p)
	}
	return p.Since.Add(e.cfg.Grace).Sub(e.now())
}

func (e *Engine) putBarrier(ctx context.Context, l *lease, o outside) (answer, error) {
	task, err := e.queueBarrier(ctx, l, o)
	if err != nil {
		return nil, fmt.Errorf("queue a status task behind the %s: %w", o.key, err)
	}
	return e.turn(ctx, l, Barrier, move{due: e.cfg.Poll}, func(c *Call) { c.Barrier, c.Queued = task, e.now() }, nil)
}

func (e *Engine) queueBarrier(ctx context.Context, l *lease, o outside) (string, error) {
	ask := o.barrier
	if ask == nil {
		ask = func(ctx context.Context, _ Session) (cloud.Task, error) { return e.cloud.AskBackup(ctx, o.ref) }
	}
	task, err := ask(ctx, l.s)
	if errors.Is(err, cloud.ErrNotFound) {
		return noTask, nil // the database is gone, which is what trace will read
	}
	return task.ID, err
}

// noTask stands for a task that could not be made because its database is gone.
const noTask = "-"

func (e *Engine) barrierTask(ctx context.Context, id string) (cloud.Task, error) {
	if id == noTask {
		return cloud.Task{Status: cloud.TaskCompleted}, nil
	}
	return e.cloud.Task(ctx, id)
}
