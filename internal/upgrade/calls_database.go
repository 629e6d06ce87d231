package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
)

// The calls about a database that exists: backup, upgrade, update, delete.

// backupCall takes a backup at the database's own destination; it is settled
// by a newer time of the last good backup.
func (e *Engine) backupCall(s Session, key string) outside {
	ref, seen := s.Plan.Ref(), new(string)
	return outside{
		seen: seen,
		key:  key, ref: ref, label: "backup of " + s.Plan.Name, needs: ModeUpgrade, probes: true,
		ready:   func(ctx context.Context, l *lease) (Before, gate, error) { return e.beforeBackup(ctx, l, ref) },
		request: func(context.Context, Session) (calls.Request, error) { return calls.Backup(ref), nil },
		effect: func(ctx context.Context, l *lease, _ cloud.Task) (calls.Verdict, error) {
			b, wait, err := e.calls.LastBackup(ctx, l, ref, l.s.Plan.Backup)
			if err != nil || wait > 0 {
				return calls.Verdict{Wait: wait}, err
			}
			if b.Untold != nil {
				return e.unfollowed(l.s.Call, b.Untold), nil
			}
			*seen = b.Words("backup")
			v := judgeBackup(l.s.Call.Before, b, e.cfg.ProbeEvery)
			switch late := v.Outcome == "" && e.calls.Overdue(l.s.Call); {
			case late && b.Outcome == cloud.Bad:
				return calls.Verdict{Outcome: Broke, Text: "Redis Cloud still reports " + b.Raw + " (" + b.Reason + ")"}, nil
			case late && b.Outcome != cloud.Running:
				return calls.Verdict{Lost: true}, nil
			}
			return v, nil
		},
		trace: func(ctx context.Context, l *lease) (calls.Finding, error) {
			b, wait, err := e.calls.LastBackup(ctx, l, ref, l.s.Plan.Backup)
			if err != nil || wait > 0 {
				return "", err
			}
			if b.Untold != nil {
				*seen = b.Untold.Text
				return calls.Unclear, nil
			}
			*seen = b.Words("backup")
			was := l.s.Call.Before
			if b.At.After(was.At) || b.Untimed() && b.Raw != was.Status || b.Outcome == cloud.Running || b.Outcome == cloud.Bad && b.Raw != was.Status {
				return calls.Found, nil
			}
			return calls.NotFound, nil
		},
		settled: func(b *Body, v calls.Verdict) {
			at, untimed := v.At, v.At.IsZero()
			if untimed {
				at = b.Call.Left(e.cfg.SendTimeout)
			}
			b.Upgrade.noteBackup(key, at, b.Call.SendBy.Add(-e.cfg.SendTimeout), untimed)
			if key == callSafetyBackup && b.Revert != nil {
				b.Revert.SafetyAt, b.Revert.SafetyUntimed = at, untimed
			}
		},
	}
}

// beforeBackup waits until a backup can be taken and notes the last one.
func (e *Engine) beforeBackup(ctx context.Context, l *lease, ref cloud.Ref) (Before, gate, error) {
	if g, err := e.atRest(ctx, ref); err != nil || g.stop != nil || g.wait > 0 {
		return Before{}, g, err
	}
	b, wait, err := e.calls.LastBackup(ctx, l, ref, l.s.Plan.Backup)
	switch {
	case err != nil || wait > 0:
		return Before{}, gate{wait: wait}, err
	case b.Refused != nil || b.Untold != nil:
		return Before{}, gate{stop: refusalOf(cmp.Or(b.Refused, b.Untold))}, nil
	case b.Outcome == cloud.Running:
		return Before{}, gate{wait: e.cfg.ProbeEvery, text: "another backup of this database is running; waiting for it to end.", others: true}, nil
	}
	return Before{At: b.At, Status: b.Raw, Failed: b.Outcome == cloud.Bad || b.Untimed(), Known: true}, gate{}, nil
}

// unfollowed ends the following of a call whose state Redis Cloud does not tell: it
// is a question for people, and done where they said already that it happened.
func (e *Engine) unfollowed(c *Call, untold *calls.Refused) calls.Verdict {
	if c.Question != 0 && !c.Adopted.IsZero() {
		return calls.Verdict{Outcome: Happened}
	}
	return calls.Verdict{Lost: true, Text: untold.Text}
}

func (w *UpgradeWork) noteBackup(key string, at, sent time.Time, untimed bool) {
	if key == callBackup {
		w.BackupAt, w.BackupBy, w.Untimed = at, sent, untimed
	}
}

// judgeBackup believes a success only with a newer time than before, or, where
// Redis Cloud tells none, behind another status that was read before.
func judgeBackup(before Before, b calls.Status, every time.Duration) calls.Verdict {
	switch {
	case b.Refused != nil:
		return calls.Verdict{Outcome: Broke, Text: b.Refused.Error()}
	case b.Outcome == cloud.Ok && b.At.After(before.At):
		return calls.Verdict{Outcome: Happened, At: b.At}
	case b.Untimed() && (before.Status != b.Raw || before.Moved):
		return calls.Verdict{Outcome: Happened}
	case b.Outcome == cloud.Bad && (b.At.After(before.At) || before.Status != b.Raw || before.Moved):
		return calls.Verdict{Outcome: Broke, Text: "Redis Cloud reports " + b.Raw + " (" + b.Reason + ")"}
	}
	return calls.Verdict{Wait: every, Moved: before.Status != b.Raw}
}

// upgradeCall starts the version upgrade. The approval is spent by its intent.
func (e *Engine) upgradeCall(s Session) outside {
	ref, to, seen := s.Plan.Ref(), s.Plan.To, new(string)
	return outside{
		seen: seen,
		key:  callUpgrade, ref: ref, label: "upgrade of " + s.Plan.Name, needs: ModeUpgrade,
		ready: func(ctx context.Context, l *lease) (Before, gate, error) {
			f, _, g, err := e.compare(ctx, l.s)
			g.facts = &f
			if err != nil || g.stop != nil {
				if g.stop != nil && g.stop.passes {
					return Before{}, gate{wait: e.cfg.Poll, text: g.stop.Text, others: true}, nil // the backup may still be settling
				}
				return Before{}, g, err
			}
			if !cloud.Active(f.SubStatus) {
				return Before{}, e.subscriptionWait(cloud.Subscription{Status: f.SubStatus}), nil
			}
			if err := e.entitled(ctx, l.s); errors.Is(err, errNoWord) {
				return Before{}, gate{}, err
			} else if err != nil {
				return Before{}, gate{stop: &Refusal{Code: NotEntitled, Text: err.Error()}, void: true, facts: &f}, nil
			}
			u, err := e.cloud.UpgradeStatus(ctx, ref)
			if errors.Is(err, cloud.ErrNotFound) || denied(err) != nil {
				return Before{Known: true}, gate{}, nil
			}
			again := u.Status == cloud.UpgradeFailed && sameVersion(u.Target, to)
			return Before{Known: true, Target: u.Target, Status: u.Status, Failed: again}, gate{}, err
		},
		request: func(context.Context, Session) (calls.Request, error) { return calls.Upgrade(ref, to), nil },
		target:  s.Plan.Name,
		effect: func(ctx context.Context, l *lease, _ cloud.Task) (calls.Verdict, error) {
			return e.upgradeEffect(ctx, l, ref, to)
		},
		trace: func(ctx context.Context, l *lease) (calls.Finding, error) {
			return e.traceUpgrade(ctx, l, ref, to, seen)
		},
		settled: func(b *Body, _ calls.Verdict) {
			b.Upgrade.Sent = b.Call.Left(e.cfg.SendTimeout)
		},
	}
}

// upgradeEffect is done only when the status of this target, the database,
// its version and its subscription all say so.
func (e *Engine) upgradeEffect(ctx context.Context, l *lease, ref cloud.Ref, to string) (calls.Verdict, error) {
	db, err := e.cloud.Database(ctx, ref)
	if errors.Is(err, cloud.ErrNotFound) {
		return calls.Verdict{Outcome: Broke, Text: calls.NoDatabase.Text}, nil
	}
	if err != nil {
		return calls.Verdict{}, fmt.Errorf("follow upgrade: %w", err)
	}
	u, err := e.cloud.UpgradeStatus(ctx, ref)
	if err != nil && !errors.Is(err, cloud.ErrNotFound) && denied(err) == nil {
		return calls.Verdict{}, fmt.Errorf("follow upgrade: %w", err)
	}
	was := l.s.Call.Before
	differs := u.Status != was.Status || u.Target != was.Target
	ours := err == nil && sameVersion(u.Target, to) && (differs || was.Moved || was.Failed && db.Active() && e.calls.Overdue(l.s.Call))
	arrived := db.Active() && reached(db.Version, to, movesByItself(db))
	failed := ours && u.Status == cloud.UpgradeFailed
	done := ours && u.Status == cloud.UpgradeDone
	third, late := !sameVersion(db.Version, l.s.Plan.From), e.calls.Overdue(l.s.Call)
	elsewhere := db.Active() && !arrived && (done && (third || late) || third && late) // no later look would find it arrived
	switch {
	case failed && !db.Active() && !db.Failed():
		l.observe(ctx, Progress{Text: "Redis Cloud reports the upgrade as failed, and the database as " + db.Status + ": judged when it is at rest", Trouble: true})
		return calls.Verdict{Moved: true}, nil
	case failed && !arrived:
		return calls.Verdict{Outcome: Broke, Text: fmt.Sprintf("Redis Cloud reports the upgrade to %s as failed; the database reads %s, %s", to, db.Version, db.Status)}, nil
	case db.Failed():
		return calls.Verdict{Outcome: Broke, Text: "the database's status is " + db.Status}, nil
	case elsewhere:
		return calls.Verdict{Outcome: Broke, Text: fmt.Sprintf("Redis Cloud took the upgrade to %s, but the database reads %s, %s", to, db.Version, db.Status)}, nil
	case arrived && (err != nil || u.Status == cloud.UpgradeDone || failed):
		sub, err := e.subscription(ctx, ref)
		if err != nil {
			return calls.Verdict{}, err
		}
		if sub.Active() {
			return calls.Verdict{Outcome: Happened}, nil
		}
		l.observe(ctx, Progress{Percent: 100, Text: "waiting for the subscription: " + sub.Status})
		return calls.Verdict{Moved: true}, nil
	}
	p := Progress{Text: db.Status}
	if ours {
		p.Percent = min(max(u.Progress, 0), 100)
		if u.Status == "in-progress-recovery-pending" {
			p.Text = "recovering; tell somebody if this lasts over 15 minutes"
		}
	}
	l.observe(ctx, p)
	return calls.Verdict{Moved: err == nil && differs}, nil
}

// traceUpgrade tells an upgrade that never arrived from one that runs or ran.
// A failed one that was tried before reads the same afterwards, so there
// nobody can tell.
func (e *Engine) traceUpgrade(ctx context.Context, l *lease, ref cloud.Ref, to string, seen *string) (calls.Finding, error) {
	db, err := e.cloud.Database(ctx, ref)
	if errors.Is(err, cloud.ErrNotFound) {
		return calls.NotFound, nil // and the next look says that there is nothing to upgrade
	}
	if err != nil {
		return "", err
	}
	u, err := e.cloud.UpgradeStatus(ctx, ref)
	none := errors.Is(err, cloud.ErrNotFound)
	if err != nil && !none {
		return "", err
	}
	*seen = "it shows no upgrade"
	if !none {
		*seen = fmt.Sprintf("its latest upgrade, to %s, is %s", u.Target, u.Status)
	}
	before := l.s.Call.Before
	moved := !none && (u.Target != before.Target || u.Status != before.Status)
	switch {
	case sameVersion(db.Version, to), moved && sameVersion(u.Target, to):
		return calls.Found, nil
	case !db.Active() && !db.Failed():
		return "", nil // in transition: look again
	case sameVersion(db.Version, l.s.Plan.From) && !moved && !before.Failed:
		return calls.NotFound, nil
	}
	return calls.Unclear, nil
}

// updateCall changes settings and is settled when they read back equal.
func (e *Engine) updateCall(key, label string, ref cloud.Ref, change func(Session) (cloud.Update, error), same func(cloud.Database) bool) outside {
	return outside{
		key: key, ref: ref, label: label, needs: ModeFull,
		ready: func(ctx context.Context, _ *lease) (Before, gate, error) {
			g, err := e.atRest(ctx, ref)
			return Before{Known: true}, g, err
		},
		request: func(_ context.Context, s Session) (calls.Request, error) {
			u, err := change(s)
			return calls.Update(ref, u), err
		},
		effect: func(ctx context.Context, l *lease, _ cloud.Task) (calls.Verdict, error) {
			db, err := e.cloud.Database(ctx, ref)
			switch {
			case errors.Is(err, cloud.ErrNotFound):
				return calls.Verdict{Outcome: Broke, Text: calls.NoDatabase.Text}, nil
			case err == nil && db.Failed():
				return calls.Verdict{Outcome: Broke, Text: brokenStatus(db).Text}, nil
			case err != nil || !db.Active():
				return calls.Verdict{}, err
			case same(db):
				return calls.Verdict{Outcome: Happened}, nil
			case e.calls.Overdue(l.s.Call):
				return calls.Verdict{Outcome: Broke, Text: "Redis Cloud took it, but the settings read back are others"}, nil
			}
			return calls.Verdict{}, nil
		},
		trace: func(ctx context.Context, l *lease) (calls.Finding, error) {
			db, err := e.cloud.Database(ctx, ref)
			switch {
			case errors.Is(err, cloud.ErrNotFound):
				return calls.NotFound, nil // and the next look says that there is nothing to change
			case err != nil:
				return "", err
			case !db.Active() && !db.Failed():
				return "", nil // in transition: look again
			case same(db):
				return calls.Found, nil
			}
			return calls.NotFound, nil
		},
	}
}

// brokenStatus refuses what would wait for a database that does not mend itself.
func brokenStatus(db cloud.Database) *Refusal {
	return refuse(NotActive, "Redis Cloud shows %s as %s.", db.Name, db.Status).hint("That takes Redis support; the console shows more.")
}

// atRest reads a database and waits until it takes changes.
func (e *Engine) atRest(ctx context.Context, ref cloud.Ref) (gate, error) {
	db, err := e.cloud.Database(ctx, ref)
	if errors.Is(err, cloud.ErrNotFound) {
		return gate{stop: refusalOf(calls.NoDatabase)}, nil
	}
	if err != nil {
		return gate{}, err
	}
	return e.quiet(ctx, ref, db), nil
}

// quiet waits until a database and its subscription take changes.
func (e *Engine) quiet(ctx context.Context, ref cloud.Ref, db cloud.Database) gate {
	if db.Failed() {
		return gate{stop: brokenStatus(db)}
	}
	if !db.Active() {
		return gate{wait: e.cfg.Poll, text: "waiting for the database: " + db.Status + ".", others: true}
	}
	sub, err := e.subscription(ctx, ref)
	if err != nil || !sub.Active() {
		return e.subscriptionWait(sub)
	}
	return gate{}
}

// subscriptionWait waits for a subscription, and says where somebody has to act.
func (e *Engine) subscriptionWait(sub cloud.Subscription) gate {
	g := gate{wait: e.cfg.Poll, text: "waiting for the subscription: " + cmp.Or(sub.Status, "it cannot be read") + ".", others: true}
	if g.trouble = strings.EqualFold(sub.Status, keyPending); g.trouble {
		g.others, g.text = false, "The subscription waits for its encryption key: whoever manages that key has to grant Redis Cloud access to it."
	}
	return g
}

// deleteCall deletes one database; gone means GET answers 404 and the
// subscription is active again.
func (e *Engine) deleteCall(key, label, name string, ref cloud.Ref, ready func(context.Context, *lease, cloud.Database) gate) outside {
	return outside{
		key: key, ref: ref, label: label, needs: ModeFull,
		ready: func(ctx context.Context, l *lease) (Before, gate, error) {
			db, err := e.cloud.Database(ctx, ref)
			if errors.Is(err, cloud.ErrNotFound) {
				return Before{}, gate{stop: refuse(NotFound, "It no longer exists in Redis Cloud.")}, nil
			}
			if err != nil {
				return Before{}, gate{}, err
			}
			broken := key == callRehearsalDelete && db.Failed() // it never becomes active: let Redis Cloud say what is possible
			if g := e.quiet(ctx, ref, db); !broken && (g.wait > 0 || g.stop != nil) {
				return Before{Known: true}, g, nil
			}
			return Before{Known: true}, ready(ctx, l, db), nil
		},
		request: func(context.Context, Session) (calls.Request, error) { return calls.Delete(ref), nil },
		target:  name,
		effect: func(ctx context.Context, l *lease, _ cloud.Task) (calls.Verdict, error) {
			return e.gone(ctx, l, ref)
		},
		trace: func(ctx context.Context, l *lease) (calls.Finding, error) {
			db, err := e.cloud.Database(ctx, ref)
			switch {
			case errors.Is(err, cloud.ErrNotFound), err == nil && slices.Contains([]string{"delete-pending", "deleting"}, db.Status):
				return calls.Found, nil
			case err != nil:
				return "", err
			case db.Active():
				return calls.NotFound, nil
			}
			return calls.Unclear, nil
		},
	}
}

func (e *Engine) gone(ctx context.Context, l *lease, ref cloud.Ref) (calls.Verdict, error) {
	db, err := e.cloud.Database(ctx, ref)
	if err == nil {
		l.observe(ctx, Progress{Text: db.Status})
		return calls.Verdict{}, nil
	}
	if !errors.Is(err, cloud.ErrNotFound) {
		return calls.Verdict{}, err
	}
	sub, err := e.subscription(ctx, ref)
	if err != nil || !sub.Active() {
		return calls.Verdict{}, err
	}
	return calls.Verdict{Outcome: Happened}, nil
}
