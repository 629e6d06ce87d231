package upgrade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Status of backups and imports is only told by tasks that stand in the same
// queue as everything else. A probe is one such task: asked for in one look,
// read in a later one, its id observed under the claim. Losing it is harmless.

// probed is what a probe brought: the last backup or import, or the refusal
// that Redis Cloud gave to the question itself.
type probed struct {
	Status  cloud.Outcome
	Raw     string
	At      time.Time
	Reason  string
	refused *Refusal
	untold  *Refusal // again and again an error in place of an answer
}

// untimed reports a success of which Redis Cloud does not say when it was.
func (p probed) untimed() bool { return p.Status == cloud.Ok && p.At.IsZero() }

// noDatabase is what a probe says of a database that somebody deleted.
var noDatabase = refuse(NotFound, "The database no longer exists in Redis Cloud.")

func (e *Engine) probeBackup(ctx context.Context, l *lease, ref cloud.Ref) (probed, time.Duration, error) {
	task, wait, err := e.probe(ctx, l, func() (cloud.Task, error) { return e.cloud.AskBackup(ctx, ref) })
	switch {
	case err != nil || wait > 0:
		return probed{}, wait, err
	case task.Err != nil && (task.Err.Code == "DATABASE_BACKUP_DISABLED" || task.Err.Code == "DATABASE_BACKUP_NOT_CONFIGURED"):
		return probed{refused: refuse(NoBackup, "Remote backup is off for this database.")}, 0, nil
	case task.Err != nil:
		return e.untold(ctx, l, "backup", task.Err)
	}
	b := cloud.BackupOf(task)
	return probed{Status: b.Status, Raw: b.Raw, At: b.At, Reason: failure(b.Reason, b.Params, l.s.Plan.Backup)}, 0, nil
}

func (e *Engine) probeImport(ctx context.Context, l *lease, ref cloud.Ref) (probed, time.Duration, error) {
	task, wait, err := e.probe(ctx, l, func() (cloud.Task, error) { return e.cloud.AskImport(ctx, ref) })
	switch {
	case err != nil || wait > 0:
		return probed{}, wait, err
	case task.Err != nil:
		return e.untold(ctx, l, "import", task.Err)
	}
	i := cloud.ImportOf(task)
	return probed{Status: i.Status, Raw: i.Raw, At: i.At, Reason: failure(i.Reason, i.Params, l.s.Plan.Backup)}, 0, nil
}

// untoldTries is how often an error that is not known to pass is asked about
// before people are.
const untoldTries = 3

// untold judges a status task that ended in an error. One that passes by itself is
// asked again. Any other stands on the card at once; after some tries it is a fact
// for people: whoever waits would wait without end.
func (e *Engine) untold(ctx context.Context, l *lease, what string, cause *cloud.TaskError) (probed, time.Duration, error) {
	switch {
	case errors.Is(cause, cloud.ErrNotFound):
		return probed{refused: noDatabase}, 0, nil
	case cause.Retryable():
		return probed{}, e.cfg.ProbeEvery, nil
	}
	r := refuse(Unreachable, "Redis Cloud does not tell the state of the %s: %s.", what, cause.Error())
	p := l.s.Progress
	if p.Untold++; p.Untold >= untoldTries {
		p.Untold = 0
		l.observe(ctx, p)
		return probed{untold: r}, 0, nil
	}
	p.Text, p.Trouble = r.Text+" Asking again.", true
	l.observe(ctx, p)
	return probed{}, e.cfg.ProbeEvery, nil
}

// giveUpProbe ends a wait for a status task before a send once it is long: the
// turns that were taken for the send go to others, and what the task would tell is
// asked again when they are back, for it has to be fresh.
func (e *Engine) giveUpProbe(ctx context.Context, l *lease, o outside) error {
	p := l.s.Progress
	if p.Probe == "" || e.now().Sub(p.Asked) < 10*e.cfg.Grace {
		return nil
	}
	p.Probe = ""
	l.observe(ctx, p)
	return e.leaveTurns(ctx, l.s, o)
}

// probe asks for a status task, or reads the one asked for. A positive wait
// means: not yet.
func (e *Engine) probe(ctx context.Context, l *lease, ask func() (cloud.Task, error)) (cloud.Task, time.Duration, error) {
	p := l.s.Progress
	if p.Probe == "" {
		if wait, err := e.store.TakeBudget(ctx, "status-task", 1, e.cfg.ProbeEvery, 1, 1); err != nil || wait > 0 {
			return cloud.Task{}, max(wait, 0), err
		}
		task, err := ask()
		if errors.Is(err, cloud.ErrNotFound) {
			return cloud.Task{Status: cloud.TaskBroke, Err: &cloud.TaskError{Code: "DATABASE_NOT_FOUND"}}, 0, nil
		}
		if err != nil {
			return cloud.Task{}, 0, fmt.Errorf("ask for status: %w", err)
		}
		p.Probe, p.Asked = task.ID, e.now()
		l.observe(ctx, p)
		return cloud.Task{}, e.cfg.Poll, nil
	}
	task, err := e.cloud.Task(ctx, p.Probe)
	if errors.Is(err, cloud.ErrNotFound) {
		if e.now().Sub(p.Asked) > e.cfg.Patience {
			p.Probe = "" // forgotten: ask again
			l.observe(ctx, p)
		}
		return cloud.Task{}, e.cfg.Poll, nil
	}
	if err != nil {
		return cloud.Task{}, 0, fmt.Errorf("read status task: %w", err)
	}
	if !task.Ended() {
		return cloud.Task{}, e.cfg.Poll, nil
	}
	p.Probe = ""
	if task.Err == nil && p.Untold > 0 {
		p.Untold, p.Text, p.Trouble = 0, "", false
	}
	l.observe(ctx, p)
	return task, 0, nil
}
