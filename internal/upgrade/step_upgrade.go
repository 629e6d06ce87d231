package upgrade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/words"
)

// stepFunc does what a state asks for. Whoever looks runs it from what the record
// says, so it is also what follows a crash.
type stepFunc func(*Engine, context.Context, *lease) (answer, error)

func (e *Engine) step(ctx context.Context, l *lease) (answer, error) {
	run, ok := l.s.row().steps[l.s.State]
	if !ok {
		return nil, fmt.Errorf("no step for a %s that is %s", l.s.Kind, l.s.State)
	}
	return run(e, ctx, l)
}

// stepReverting has nothing to do: the revert moves its upgrade.
func (e *Engine) stepReverting(context.Context, *lease) (answer, error) {
	return later(e.cfg.StatusEvery), nil
}

// do makes a move whose only purpose is the move.
func (e *Engine) do(ctx context.Context, l *lease, m move, change func(*Body)) (answer, error) {
	_, err := e.advance(ctx, l.s, m, change)
	return moved{}, err
}

// free is the hold that lets go of the session's database.
func free(s Session) []session.Hold {
	return []session.Hold{{Database: s.Plan.Database, From: s.ID}}
}

// policy is who decides on this session: by the rule with which it was opened,
// however this replica is configured.
func (e *Engine) policy(s Session) approvals.Policy { return s.Policy(e.cfg.Upgrades, e.cfg.Reverts) }

// Policy is the rule by which this session is decided; upgrades and reverts are
// those configured now, for sessions that older builds opened.
func (s Session) Policy(upgrades, reverts approvals.Policy) approvals.Policy {
	if s.Rule != nil {
		return *s.Rule
	}
	return s.configured(upgrades, reverts)
}

// configured is the rule that is configured now for sessions of this kind.
func (s Session) configured(upgrades, reverts approvals.Policy) approvals.Policy {
	if rule := s.row().rule; rule != nil {
		return rule(upgrades, reverts)
	}
	return upgrades
}

// voter looks somebody up by the session's rule.
func (e *Engine) voter(ctx context.Context, s Session, user string) (approvals.Voter, error) {
	if s.Rule == nil || len(s.Rule.Approvers) == 0 {
		return e.roles.Voter(ctx, user)
	}
	return e.roles.Under(ctx, user, *s.Rule)
}

// stepProposed waits for people, and gives up when they have not decided.
func (e *Engine) stepProposed(ctx context.Context, l *lease) (answer, error) {
	p := e.policy(l.s)
	until := p.DecideBy(l.s.question())
	if until.IsZero() {
		return later(time.Minute), nil
	}
	if wait := until.Sub(e.now()); wait > 0 {
		return later(min(wait, time.Minute)), nil
	}
	return e.end(ctx, l, Expire, fmt.Sprintf("Nobody decided within %s. Nothing was done.", words.Span(p.DecideWithin)))
}

// end closes a session that has not changed anything, and hands the database
// back to the upgrade if it is a revert.
func (e *Engine) end(ctx context.Context, l *lease, ev Event, note string) (answer, error) {
	_, err := e.close(ctx, l.s, move{event: ev, note: note}, nil)
	return moved{}, err
}

// stepApproved waits for the start, and never runs late.
func (e *Engine) stepApproved(ctx context.Context, l *lease) (answer, error) {
	now := e.now()
	if missed(now, e.startBy(l.s)) {
		return e.missedStart(ctx, l, "Nothing was done.")
	}
	if wait := e.dated(l.s.Plan.NotBefore).Sub(now); wait > 0 {
		return later(min(wait, time.Minute)), nil
	}
	if err := e.prove(ctx, l.s); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return e.do(ctx, l, move{event: Begin}, nil)
}

func (e *Engine) missedStart(ctx context.Context, l *lease, note string) (answer, error) {
	return e.end(ctx, l, Expire, fmt.Sprintf("The start (%s at the latest) was missed, so the approval has lapsed. %s", words.Instant(e.startBy(l.s)), note))
}

// startBy is the moment after which the approval is not used any more; zero:
// there is none.
func (e *Engine) startBy(s Session) time.Time {
	from := s.Agreed
	if start := e.dated(s.Plan.NotBefore); start.After(from) {
		from = start
	}
	return e.policy(s).StartBy(from, e.dated(s.Plan.Until))
}

// lapsed reports whether the approvals are too old for the call of this key, which
// has not left yet.
func (e *Engine) lapsed(s Session, key string) bool {
	c := s.Call
	left := c != nil && c.Key == key && c.Phase != Planned && (c.Phase != Settled || c.RetryAt.IsZero())
	return !left && missed(e.now(), e.startBy(s))
}

// calledOff ends a session as asked: denied, where somebody said no, else cancelled.
func (e *Engine) calledOff(ctx context.Context, l *lease, note string) (answer, error) {
	if l.s.denied() {
		return e.end(ctx, l, Deny, "Denied. "+note)
	}
	return e.end(ctx, l, Cancel, "Cancelled, as asked. "+note)
}

func missed(now, until time.Time) bool { return !until.IsZero() && now.After(until) }

// stepChecking reads the world again and compares it with what was approved.
func (e *Engine) stepChecking(ctx context.Context, l *lease) (answer, error) {
	f, db, g, err := e.compare(ctx, l.s)
	if err != nil {
		return nil, err
	}
	if g.stop != nil && g.stop.passes && e.now().Sub(l.s.Updated) < e.cfg.Patience {
		e.calls.ObserveWithActor(ctx, l, g.stop.Text, l.s.Plan.Ref()) // another change, perhaps one of ours: it passes by itself
		return later(e.cfg.Poll), nil
	}
	if g.stop != nil {
		g.facts = &f
		return e.stopUpgrade(ctx, l, g)
	}
	if err := e.entitled(ctx, l.s); errors.Is(err, errNoWord) {
		return nil, err
	} else if err != nil {
		return e.stopUpgrade(ctx, l, gate{stop: &Refusal{Code: NotEntitled, Text: err.Error()}, void: true, facts: &f})
	}
	return e.do(ctx, l, move{event: Fit, note: "Preflight passed. Backing up first."}, func(b *Body) {
		f.Backup = b.Facts.Backup.refreshed(f.Backup)
		b.Facts = f
		b.Problem = ""
		b.Upgrade.Snapshot = &Snapshot{Version: db.Version, Modules: f.Modules, Endpoint: db.PublicEndpoint, Port: db.Port, Shards: db.Shards}
	})
}

// refreshed keeps the last backup's time, which only a status task tells.
func (b BackupFacts) refreshed(now BackupFacts) BackupFacts {
	now.Last, now.Status, now.Known, now.Untimed = b.Last, b.Status, b.Known, b.Untimed
	return now
}

// denied turns a missing permission or feature into words.
func denied(err error) *Refusal {
	if text := calls.Denied(err); text != "" {
		return refuse(NotAllowed, "%s", text)
	}
	return nil
}

// stopUpgrade says what moved. A plan that can be asked again is; what nobody can
// mend ends it; everything else blocks and names who can unblock it.
func (e *Engine) stopUpgrade(ctx context.Context, l *lease, g gate) (answer, error) {
	if !g.void && (g.stop.Code == NotFound || g.stop.Code == Stale) {
		return e.do(ctx, l, move{event: Fail, holds: free(l.s), note: g.stop.Error() + " No upgrade call is recorded for this request."}, func(b *Body) { b.Problem = g.stop.Error() })
	}
	if !g.void {
		return e.do(ctx, l, move{event: Block, note: "Blocked: " + g.stop.Error()}, func(b *Body) { b.Problem = g.stop.Error() })
	}
	return e.do(ctx, l, move{event: Revise, ask: true, note: g.stop.Error() + " Please decide again."}, func(b *Body) {
		if f := g.facts; f != nil {
			f.Backup = b.Facts.Backup.refreshed(f.Backup)
			b.Facts, b.Plan.Name, b.Plan.From, b.Plan.Backup = *f, f.Name, f.Version, f.Backup.Where
		}
		b.Asked, b.Agreed, b.Decisions, b.Call = e.now(), time.Time{}, nil, nil
	})
}

// entitled tests the approvals once more when they are used: a voter who left
// the group meanwhile does not count.
//
// errNoWord says nothing about them: Slack does not answer just now, so nothing
// new begins, and the approvals stand.
func (e *Engine) entitled(ctx context.Context, s Session) error {
	now := map[string]approvals.Voter{}
	for _, d := range s.Decisions {
		v, err := e.voter(ctx, s, d.By)
		if err != nil {
			return fmt.Errorf("%w whether %s may still approve: %w", errNoWord, d.Name, err)
		}
		now[d.By] = v
	}
	p := e.policy(s)
	if _, ok := p.Outcome(s.question(), p.Recheck(s.Decisions, now), s.Agreed).(approvals.Approved); !ok {
		return errors.New("a voter has lost the right to approve since, so the approvals no longer reach the quorum")
	}
	return nil
}

// stepBlocked looks again now and then; people can ask for it too.
func (e *Engine) stepBlocked(ctx context.Context, l *lease) (answer, error) {
	if until := e.startBy(l.s); missed(e.now(), until) {
		return e.end(ctx, l, Expire, "It stayed blocked until its approval lapsed. Nothing was upgraded.")
	}
	return later(e.cfg.StatusEvery), nil
}

// stepBackingUp makes the way back. A wish to cancel is met as soon as nothing
// is out, however the backup ended.
func (e *Engine) stepBackingUp(ctx context.Context, l *lease) (answer, error) {
	if l.s.stopping() {
		return e.calledOff(ctx, l, "Nothing was upgraded.")
	}
	if e.lapsed(l.s, callBackup) {
		return e.missedStart(ctx, l, "Nothing was done.")
	}
	a, err := e.drive(ctx, l, e.backupCall(l.s, callBackup))
	return then(a, err, means{
		stopped: func(g gate) (answer, error) { return e.stopUpgrade(ctx, l, g) },
		failed: func(c *Call) (answer, error) {
			problem := "The backup did not succeed: " + c.Error + "."
			return e.do(ctx, l, move{event: Block, note: problem + " Nothing was upgraded."},
				func(b *Body) { b.Problem, b.Call = problem+" Mend it, then check again.", nil })
		},
		done: func() (answer, error) {
			done := "Backup done at " + words.Instant(l.s.Upgrade.BackupAt)
			if l.s.Upgrade.Untimed {
				done = "Backed up; Redis Cloud does not say when"
			}
			return e.do(ctx, l, move{event: BackUp, note: done + ". Upgrading."}, nil)
		},
	})
}

func (e *Engine) stepUpgrading(ctx context.Context, l *lease) (answer, error) {
	if l.s.stopping() {
		return e.calledOff(ctx, l, "Nothing was upgraded; the backup stays.")
	}
	if e.lapsed(l.s, callUpgrade) {
		return e.missedStart(ctx, l, "Nothing was upgraded; the backup stays.")
	}
	a, err := e.drive(ctx, l, e.upgradeCall(l.s))
	return then(a, err, means{
		stopped: func(g gate) (answer, error) { return e.stopUpgrade(ctx, l, g) },
		failed:  func(c *Call) (answer, error) { return e.failedUpgrade(ctx, l, c) },
		done: func() (answer, error) {
			note := tooLate(l.s) + "Redis Cloud says the upgrade is done. Verifying."
			return e.do(ctx, l, move{event: Upgrade, note: note}, func(b *Body) { b.CancelBy = "" })
		},
	})
}

// failedUpgrade tells a refused upgrade from one that Redis Cloud carried out badly.
func (e *Engine) failedUpgrade(ctx context.Context, l *lease, c *Call) (answer, error) {
	switch {
	case c.Outcome == Broke:
		return e.brokenUpgrade(ctx, l, c)
	case c.Code == calls.DeniedCode:
		return e.stopUpgrade(ctx, l, gate{stop: refuse(NotAllowed, "%s", c.Error).hint("Nothing was upgraded; the backup stays.")})
	}
	problem := "Redis Cloud refused the upgrade: " + c.Error
	return e.do(ctx, l, move{event: Fail, holds: free(l.s), note: problem + ". Nothing was changed."},
		func(b *Body) { b.Problem = problem })
}

// tooLate begins the news of what could not be cancelled any more.
func tooLate(s Session) string {
	if s.CancelBy == "" {
		return ""
	}
	return "The cancel request arrived too late. "
}

// brokenUpgrade ends an upgrade that Redis Cloud carried out badly. Where the
// version moved all the same, or does so later, there is something to take back.
func (e *Engine) brokenUpgrade(ctx context.Context, l *lease, c *Call) (answer, error) {
	db, err := e.cloud.Database(ctx, l.s.Plan.Ref())
	if err != nil && !errors.Is(err, cloud.ErrNotFound) {
		return nil, fmt.Errorf("read the database after a failed upgrade: %w", err)
	}
	unmoved := err != nil || sameVersion(db.Version, l.s.Plan.From)
	m := move{event: Fail, holds: free(l.s), note: "The upgrade failed: " + c.Error, linger: unmoved && err == nil, due: e.arrivalEvery()}
	return e.do(ctx, l, m, func(b *Body) {
		b.Problem, b.CancelBy = "The upgrade failed: "+c.Error, ""
		b.Upgrade.Sent, b.Upgrade.Unmoved = c.Left(e.cfg.SendTimeout), unmoved
	})
}

// stepVerifying believes nothing it has not read back.
func (e *Engine) stepVerifying(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	db, err := e.cloud.Database(ctx, s.Plan.Ref())
	if errors.Is(err, cloud.ErrNotFound) {
		return e.vanished(ctx, l, "verified")
	}
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	if db.Failed() {
		return e.do(ctx, l, move{event: Fail, holds: free(s), note: "After the upgrade, " + brokenStatus(db).Error()},
			func(b *Body) { b.Problem = brokenStatus(db).Error() })
	}
	if !db.Active() {
		l.observe(ctx, Progress{Text: "waiting for the database: " + db.Status})
		return later(e.cfg.Poll), nil
	}
	if !reached(db.Version, s.Plan.To, movesByItself(db)) {
		return e.do(ctx, l, move{event: Fail, holds: free(s), note: fmt.Sprintf("Redis Cloud called the upgrade done, but %s reads %s, not %s.", s.Plan.Name, db.Version, s.Plan.To)},
			func(b *Body) { b.Problem = "The version read back is " + db.Version + ", not " + b.Plan.To + "." })
	}
	if changed := differences(s, db); changed != "" {
		return e.do(ctx, l, move{event: Fail, holds: free(s), note: "The upgraded database is not what it was: " + changed}, func(b *Body) { b.Problem = changed })
	}
	now := e.now()
	note := fmt.Sprintf("Version %s confirmed; endpoint and shards unchanged. Monitoring for %s. Application health is not checked.", db.Version, words.Span(e.cfg.Soak))
	return e.do(ctx, l, move{event: Verify, note: note}, func(b *Body) {
		b.Upgrade.Finished, b.Upgrade.SoakUntil = now, now.Add(e.cfg.Soak)
		b.Facts.Version, b.Facts.Status = db.Version, db.Status
	})
}

// vanished ends an upgrade whose database somebody deleted: there is nothing to
// take back, but there is a backup.
func (e *Engine) vanished(ctx context.Context, l *lease, while string) (answer, error) {
	s := l.s
	return e.do(ctx, l, move{event: Fail, holds: free(s), note: s.Plan.Name + " was deleted elsewhere while it was " + while + "."}, func(b *Body) {
		b.Problem = b.Plan.Name + " no longer exists in Redis Cloud."
		if !b.Upgrade.BackupAt.IsZero() {
			b.Problem += fmt.Sprintf(" The backup taken before the upgrade, at %s, is at %s.", words.Instant(b.Upgrade.BackupAt), b.Plan.Backup)
		}
		b.Upgrade.NoWay = b.Problem
	})
}

// differences are what an upgrade must not change.
func differences(s Session, db cloud.Database) string {
	was := s.Upgrade.Snapshot
	switch {
	case was == nil:
		return ""
	case was.Endpoint != db.PublicEndpoint:
		return fmt.Sprintf("its endpoint was %s and is %s.", was.Endpoint, db.PublicEndpoint)
	case was.Shards != db.Shards:
		return fmt.Sprintf("it had %d shards and has %d.", was.Shards, db.Shards)
	}
	return ""
}

// looksWell says from the warm index, which is read per subscription for all
// replicas, that nothing is unusual about a watched database. So thousands of
// watched databases cost no calls of their own; whatever looks unusual, and
// the last look before "done", is read from Redis Cloud.
func (e *Engine) looksWell(s Session) bool {
	entry, ok := e.inventory.Get(s.Plan.Ref())
	fresh := ok && entry.Stale.IsZero() && e.inventory.Age() < glanceAge*e.cfg.StatusEvery
	return fresh && cloud.Active(entry.Status) && sameVersion(entry.Version, s.Plan.To)
}

// glanceAge is how many status intervals old the index may be for looksWell:
// it is read every five.
const glanceAge = 8

func (e *Engine) stepSoaking(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	if left := s.Upgrade.SoakUntil.Sub(e.now()); left > 0 && e.looksWell(s) {
		return later(min(left, e.cfg.StatusEvery)), nil
	}
	db, err := e.cloud.Database(ctx, s.Plan.Ref())
	if errors.Is(err, cloud.ErrNotFound) {
		return e.vanished(ctx, l, "monitored")
	}
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	if !reached(db.Version, s.Plan.To, movesByItself(db)) || db.Failed() {
		text := fmt.Sprintf("While being monitored, %s turned to version %s, status %s.", s.Plan.Name, db.Version, db.Status)
		return e.do(ctx, l, move{event: Fail, holds: free(s), note: text}, func(b *Body) {
			b.Problem = text
			if sameVersion(db.Version, b.Plan.From) {
				b.Upgrade.NoWay = fmt.Sprintf("%s already reads %s.", b.Plan.Name, db.Version)
			}
		})
	}
	left := s.Upgrade.SoakUntil.Sub(e.now())
	if left > 0 {
		return later(min(left, e.cfg.StatusEvery)), nil
	}
	if !db.Active() {
		return later(e.cfg.StatusEvery), nil // not called done in transition
	}
	note := fmt.Sprintf("Done: %s is on %s. Version confirmed; application health not checked.", s.Plan.Name, db.Version)
	return e.do(ctx, l, move{event: Finish, note: note, holds: free(s)}, nil)
}

// errNoWord: Slack could not say who somebody is.
var errNoWord = errors.New("no answer from Slack")
