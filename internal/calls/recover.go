package calls

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/words"
)

// recover finds out what became of a call that has no answer. Nobody sends it again
// before that is known.
func (r *Runner) recover(ctx context.Context, c Case, s Spec) (Result, error) {
	call := c.Call()
	if wait := call.SendBy.Add(r.cfg.Grace).Sub(r.now()); wait > 0 {
		return Wait(wait), nil
	}
	if call.Barrier == "" {
		return r.fence(ctx, c, s)
	}
	task, err := r.fenceTask(ctx, call.Barrier)
	if errors.Is(err, cloud.ErrNotFound) && r.now().Sub(call.Queued) > r.cfg.Patience {
		return r.fence(ctx, c, s) // forgotten: ended tasks are kept for some days only
	}
	if err != nil && !errors.Is(err, cloud.ErrNotFound) {
		return nil, err
	}
	if err != nil || !task.Ended() {
		return Wait(r.cfg.Poll), nil // the task service may not know a young task yet
	}
	return r.judgeTrace(ctx, c, s)
}

// fence puts a status task behind the call: when that has ended, the call was processed,
// or never arrived.
func (r *Runner) fence(ctx context.Context, c Case, s Spec) (Result, error) {
	ask := s.Fence
	if ask == nil {
		ask = func(ctx context.Context) (cloud.Task, error) { return r.cloud.AskBackup(ctx, s.Ref) }
	}
	task, err := ask(ctx)
	if errors.Is(err, cloud.ErrNotFound) {
		task, err = cloud.Task{ID: noTask}, nil // the database is gone, which is what Trace will read
	}
	if err != nil {
		return nil, fmt.Errorf("queue a status task behind the %s: %w", s.Key, err)
	}
	return r.advance(ctx, c, *c.Call(), Move{Answer: Barrier, Due: r.cfg.Poll},
		func(call *Call) { call.Barrier, call.Queued = task.ID, r.now() })
}

// noTask stands for a task that could not be made because its database is gone.
const noTask = "-"

func (r *Runner) fenceTask(ctx context.Context, id string) (cloud.Task, error) {
	if id == noTask {
		return cloud.Task{Status: cloud.TaskCompleted}, nil
	}
	return r.cloud.Task(ctx, id)
}

// judgeTrace believes a trace of the call at once, and the lack of one only when there
// has been time for it to show: a task ends before its effect does.
func (r *Runner) judgeTrace(ctx context.Context, c Case, s Spec) (Result, error) {
	if err := r.unlockAccount(ctx, c); err != nil {
		return nil, err
	}
	found, err := s.Trace(ctx)
	if err != nil {
		return nil, err
	}
	if wait := r.settling(ctx, c); wait > 0 && (found == NotFound || found == Unclear) {
		return Wait(wait), nil
	}
	call := c.Call()
	switch {
	case found == Found:
		note := "No answer came to the " + s.Label + ", but Redis Cloud shows that it happened. Going on from there."
		return r.advance(ctx, c, *call, Move{Answer: Adopt, Note: note}, func(call *Call) { call.Adopted = r.now() })
	case found == NotFound && !s.Once && (s.Urgent || call.Tries < MaxAbsent):
		return r.advance(ctx, c, *call, Move{Answer: Absent, Note: absentText(c, s)},
			func(call *Call) { call.Barrier = ""; call.Tries++ })
	case found == NotFound && !s.Once:
		return r.askPeople(ctx, c, s, "Redis Cloud gave no answer to the "+s.Label+" again and again, and shows that it never happened. On-call decides.")
	case found == "":
		return Wait(r.cfg.Poll), nil // still being read
	}
	return r.askPeople(ctx, c, s, "No answer came to the "+s.Label+", and what Redis Cloud shows does not say whether it happened. On-call decides.")
}

// MaxAbsent is how often a call that never arrives is sent again before people are asked.
const MaxAbsent = 4

// absentText tells people of a call that did not arrive, once.
func absentText(c Case, s Spec) string {
	if c.Call().Tries > 0 || c.Cancelled() {
		return ""
	}
	return "No answer came to the " + s.Label + ", and Redis Cloud shows that it did not happen. Sending it again."
}

// settling is how long an effect may still take to show. It begins with the first pass
// after the fence; losing that only makes it longer.
func (r *Runner) settling(ctx context.Context, c Case) time.Duration {
	p := c.Progress()
	if p.Since.IsZero() {
		p.Since = r.now()
		c.Observe(ctx, p)
	}
	return p.Since.Add(r.cfg.Grace).Sub(r.now())
}

// doubt looks whether anything shows of a call that was accepted, or taken to be, long
// ago.
func (r *Runner) doubt(ctx context.Context, c Case, s Spec, wait time.Duration) (Result, error) {
	found, err := s.Trace(ctx)
	if err != nil || found != NotFound && found != Unclear {
		return Wait(wait), err
	}
	return r.lose(ctx, c, s, "")
}

// lose asks people about a call of which nothing shows. Otherwise it would be waited for
// without end.
func (r *Runner) lose(ctx context.Context, c Case, s Spec, why string) (Result, error) {
	note := "The " + s.Label + " should have shown in Redis Cloud for " + words.Span(r.cfg.Patience) + ", and does not. On-call decides."
	if why != "" {
		note = "The " + s.Label + " was accepted, and cannot be followed. " + why + " On-call decides."
		*s.Seen = why
	}
	return r.askPeople(ctx, c, s, note)
}

// askPeople puts a call to people of which nothing says what became of it.
func (r *Runner) askPeople(ctx context.Context, c Case, s Spec, note string) (Result, error) {
	seen := r.shown(ctx, s)
	return r.advance(ctx, c, *c.Call(), Move{Answer: Lose, Note: note},
		func(call *Call) { call.Question, call.Seen = c.Revision(), seen })
}

// shown is what Redis Cloud shows of a call, in words.
func (r *Runner) shown(ctx context.Context, s Spec) string {
	var out []string
	switch db, err := r.cloud.Database(ctx, s.Ref); {
	case errors.Is(err, cloud.ErrNotFound):
		out = append(out, fmt.Sprintf("database %d does not exist", s.Ref.Database))
	case err == nil:
		out = append(out, fmt.Sprintf("database %d is %s on %s", s.Ref.Database, db.Status, db.Version))
	}
	if s.Seen != nil && *s.Seen != "" {
		out = append(out, *s.Seen)
	}
	return strings.Join(out, "; ")
}
