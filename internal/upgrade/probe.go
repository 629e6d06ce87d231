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
}

// noDatabase is what a probe says of a database that somebody deleted.
var noDatabase = refuse(NotFound, "The database no longer exists in Redis Cloud.")

func (e *Engine) probeBackup(ctx context.Context, l *lease, ref cloud.Ref) (probed, time.Duration, error) {
	task, wait, err := e.probe(ctx, l, func() (cloud.Task, error) { return e.cloud.AskBackup(ctx, ref) })
	if err != nil || wait > 0 {
		return probed{}, wait, err
	}
	if task.Err != nil {
		switch {
		case task.Err != nil && errors.Is(task.Err, cloud.ErrNotFound):
			return probed{refused: noDatabase}, 0, nil
		case task.Err.Code == "DATABASE_BACKUP_DISABLED" || task.Err.Code == "DATABASE_BACKUP_NOT_CONFIGURED":
			return probed{refused: refuse(NoBackup, "Remote backup is off for this database.")}, 0, nil
		}
		return probed{}, e.cfg.ProbeEvery, nil // SUBSCRIPTION_NOT_ACTIVE and the like say nothing about the backup
	}
	b := cloud.BackupOf(task)
	return probed{Status: b.Status, Raw: b.Raw, At: b.At, Reason: b.Reason}, 0, nil
}

func (e *Engine) probeImport(ctx context.Context, l *lease, ref cloud.Ref) (probed, time.Duration, error) {
	task, wait, err := e.probe(ctx, l, func() (cloud.Task, error) { return e.cloud.AskImport(ctx, ref) })
	if err != nil || wait > 0 {
		return probed{}, wait, err
	}
	switch {
	case task.Err != nil && errors.Is(task.Err, cloud.ErrNotFound):
		return probed{refused: noDatabase}, 0, nil
	case task.Err != nil:
		return probed{}, e.cfg.ProbeEvery, nil
	}
	i := cloud.ImportOf(task)
	return probed{Status: i.Status, Raw: i.Raw, At: i.At, Reason: i.Reason}, 0, nil
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
	l.observe(ctx, p)
	return task, 0, nil
}
