package upgrade

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/words"
)

// stepRehearsing imports the backup into a temporary database on the
// original version, and dry-runs the create. It changes nothing that anybody
// uses. Whatever happens, the temporary database is deleted again.
func (e *Engine) stepRehearsing(ctx context.Context, l *lease) (answer, error) {
	t := l.s.Revert.Trial
	switch {
	case t.Result == "" && t.Ref == "" && l.s.CancelBy != "" && !l.s.callOut():
		return e.end(ctx, l, Cancel, "Revert cancelled. Nothing was changed.")
	case t.Ref == "" && t.Result == "":
		return e.rehearseCreate(ctx, l)
	case t.Result == "":
		return e.rehearseImport(ctx, l)
	case t.Ref != "" && !t.Deleted:
		return e.rehearseDelete(ctx, l)
	case l.s.CancelBy != "":
		return e.end(ctx, l, Cancel, "Revert cancelled. Nothing was changed.")
	case !t.Passed:
		return e.untouched(ctx, l, "The test restore failed: "+strings.TrimSuffix(t.Result, ".")+".")
	}
	return e.rehearseDryRun(ctx, l)
}

// learn stores a fact and looks again at once.
func (e *Engine) learn(ctx context.Context, l *lease, note string, change func(*RevertWork)) (answer, error) {
	return e.do(ctx, l, move{event: Note, note: note}, func(b *Body) { change(b.Revert) })
}

func (e *Engine) rehearseCreate(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	body := func(s Session) (cloud.Create, error) {
		db, err := e.cloud.Database(context.WithoutCancel(ctx), s.Plan.Ref())
		if err != nil {
			return cloud.Create{}, err
		}
		c := e.createBody(s, db)
		c.Name, c.Port, c.SourceIPs, c.Backup, c.Password = s.Revert.Trial.Name, 0, closedDoor, nil, ""
		return c, nil
	}
	a, err := e.drive(ctx, l, e.createCall(build{key: callRehearsalCreate, label: "creation of the temporary database",
		parent: s.Plan.Ref(), name: s.Revert.Trial.Name, body: body}))
	return then(a, err, means{
		stopped: func(g gate) (answer, error) { return e.trialResult(ctx, l, g.stop.Error()) },
		failed: func(c *Call) (answer, error) {
			return e.trialResult(ctx, l, "the temporary database could not be created: "+c.Error)
		},
		done: func() (answer, error) { return later(0), nil }, // its ref is in the record
	})
}

// trialResult says how a rehearsal that did not pass ended.
func (e *Engine) trialResult(ctx context.Context, l *lease, result string) (answer, error) {
	return e.learn(ctx, l, "", func(w *RevertWork) { w.Trial.Result = result })
}

// createBody is the database as it was, on the version it had: module list
// and port come from before the upgrade, the rest from now.
func (e *Engine) createBody(s Session, db cloud.Database) cloud.Create {
	db.Modules = nil
	for _, m := range s.Revert.Snapshot.Modules {
		db.Modules = append(db.Modules, cloud.Module{Name: m})
	}
	db.Port = s.Revert.Snapshot.Port
	return cloud.CreateFrom(db, s.Plan.To)
}

func (e *Engine) rehearseImport(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	ref, err := cloud.ParseRef(s.Revert.Trial.Ref)
	if err != nil {
		return nil, err
	}
	if s.CancelBy != "" && !s.callOut() {
		return e.trialResult(ctx, l, "cancelled")
	}
	if c := s.Call; c != nil && c.Key == callRehearsalCreate && c.Outcome == Broke { // it exists all the same
		return e.trialResult(ctx, l, "the temporary database could not be created: "+c.Error)
	}
	a, err := e.drive(ctx, l, e.importCall(s, callRehearsalImport, "test import", ref))
	return then(a, err, means{
		stopped: func(g gate) (answer, error) { return e.trialResult(ctx, l, g.stop.Error()) },
		failed:  func(c *Call) (answer, error) { return e.trialResult(ctx, l, "the import did not succeed: "+c.Error) },
		done:    func() (answer, error) { return e.judgeTrial(ctx, l, ref) },
	})
}

// judgeTrial reads the rehearsal database back.
func (e *Engine) judgeTrial(ctx context.Context, l *lease, ref cloud.Ref) (answer, error) {
	db, err := e.cloud.Database(ctx, ref)
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return e.trialResult(ctx, l, "somebody deleted the temporary database")
	case err != nil:
		return nil, err
	case !sameVersion(db.Version, l.s.Plan.To):
		return e.trialResult(ctx, l, fmt.Sprintf("the temporary database reads %s, not %s", db.Version, l.s.Plan.To))
	}
	return e.learn(ctx, l, "", func(w *RevertWork) {
		w.Trial.Passed = true
		w.Trial.Result = fmt.Sprintf("%s imported into a temporary database on %s (%.0f MB used afterwards)",
			counted(len(l.s.Plan.Files)), db.Version, db.UsedMB)
	})
}

func (e *Engine) rehearseDelete(ctx context.Context, l *lease) (answer, error) {
	ref, err := cloud.ParseRef(l.s.Revert.Trial.Ref)
	if err != nil {
		return nil, err
	}
	name := l.s.Revert.Trial.Name
	only := func(_ context.Context, _ *lease, db cloud.Database) gate {
		mark, err := e.mark(l.s, callRehearsalCreate)
		if err != nil || db.Security.Password != mark {
			return gate{stop: refuse(Stale, "Database %d (%s) is not the one that this revert created: it is not deleted.", ref.Database, db.Name)}
		}
		if db.Name != name || ref.Database == l.s.Plan.Ref().Database {
			return gate{stop: refuse(Stale, "Database %d is named %s, not %s: not ours to delete.", ref.Database, db.Name, name)}
		}
		return gate{}
	}
	through := func(loose string) (answer, error) {
		hold := session.Hold{Database: ref.String(), From: l.s.ID}
		return e.do(ctx, l, move{event: Note, holds: []session.Hold{hold}}, func(b *Body) {
			b.Revert.Trial.Deleted = true
			b.Revert.leave(loose)
		})
	}
	a, err := e.drive(ctx, l, e.deleteCall(callRehearsalDelete, "removal of the temporary database", name, ref, only))
	return then(a, err, means{
		stopped: func(g gate) (answer, error) {
			if g.stop.Code == NotFound {
				return through("")
			}
			return through("the temporary database " + name + " is not deleted: " + g.stop.Error())
		},
		failed: func(c *Call) (answer, error) {
			return through("the temporary database " + name + " could not be deleted (" + c.Error + "); delete it by hand")
		},
		done: func() (answer, error) { return through("") },
	})
}

// leave notes what a person has to look after; empty: nothing.
func (w *RevertWork) leave(loose string) {
	if loose != "" {
		w.Loose = append(w.Loose, loose)
	}
}

// rehearseDryRun asks Redis Cloud whether the create would be accepted, then
// puts the question to people.
func (e *Engine) rehearseDryRun(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	if p := s.Progress; p.Probe != "" {
		task, err := e.cloud.Task(ctx, p.Probe)
		if errors.Is(err, cloud.ErrNotFound) || err == nil && !task.Ended() {
			return later(e.cfg.Poll), nil
		}
		if err != nil {
			return nil, err
		}
		if task.Err != nil && task.Err.Retryable() && e.now().Sub(s.Updated) < e.cfg.Patience {
			l.observe(ctx, Progress{Text: "The dry run of the create met " + task.Err.Error() + "; trying again." + e.calls.Actor(ctx, l, s.Plan.Ref())})
			return later(4 * e.cfg.Poll), nil
		}
		if task.Err != nil && !expectedWhileItExists(task.Err.Code) {
			return e.failRevert(ctx, l, "The dry run of the create was refused: "+task.Err.Error()+". Nothing was changed.")
		}
		return e.ask(ctx, l)
	}
	db, err := e.cloud.Database(ctx, s.Plan.Ref())
	if errors.Is(err, cloud.ErrNotFound) {
		return e.missing(ctx, l, "")
	}
	if err != nil {
		return nil, err
	}
	c := e.createBody(s, db)
	c.SourceIPs, c.Name, c.Port = closedDoor, s.Revert.Trial.Name, 0 // name and port are still taken by the database itself
	task, err := e.calls.DryRun(ctx, s.Plan.Ref(), c)
	if err != nil {
		code, text, retry := e.calls.Judge(s.Updated, err)
		if retry > 0 || code == "" {
			return nil, err
		}
		return e.failRevert(ctx, l, "The dry run of the create was refused: "+text+". Nothing was changed.")
	}
	l.observe(ctx, Progress{Probe: task.ID, Text: "dry run of the create"})
	return later(e.cfg.Poll), nil
}

// expectedWhileItExists are complaints that vanish with the delete.
func expectedWhileItExists(code string) bool {
	return slices.Contains([]string{"DATABASE_NAME_EXISTS", "DATABASE_PORT_IS_UNAVAILABLE", "DATABASE_CUSTOM_PORT_NOT_UNIQUE"}, code)
}

func (e *Engine) ask(ctx context.Context, l *lease) (answer, error) {
	return e.do(ctx, l, move{event: Rehearse, ask: true, note: "Test restore passed: " + l.s.Revert.Trial.Result + ". Two people decide now."}, func(b *Body) {
		b.Asked, b.Revert.DryRun, b.Call = e.now(), "accepted", nil
	})
}

// failRevert ends a revert that has changed nothing, or nothing that is not
// put back.
func (e *Engine) failRevert(ctx context.Context, l *lease, text string) (answer, error) {
	_, err := e.close(ctx, l.s, move{event: Fail, note: text}, func(b *Body) { b.Problem = text })
	return moved{}, err
}

// missing ends a revert whose database is gone although it recorded no delete; why, if
// anything, comes before that.
func (e *Engine) missing(ctx context.Context, l *lease, why string) (answer, error) {
	text := strings.TrimSpace(why + " " + notByUs(l.s))
	_, err := e.close(ctx, l.s, move{event: Fail, note: text}, func(b *Body) { b.Problem, b.Revert.Missing = text, true })
	return moved{}, err
}

// untouched ends a revert before it changed anything: says so, where the database is
// still the one that the record tells of.
func (e *Engine) untouched(ctx context.Context, l *lease, why string) (answer, error) {
	if _, err := e.cloud.Database(ctx, l.s.Plan.Ref()); errors.Is(err, cloud.ErrNotFound) {
		return e.missing(ctx, l, why)
	}
	return e.failRevert(ctx, l, why+" Nothing was changed.")
}

// giveUp leads back over the door before anything is deleted.
func (e *Engine) giveUp(ctx context.Context, l *lease, why string) (answer, error) {
	note := why + " Restoring client access; this revert deleted nothing."
	return e.do(ctx, l, move{event: Reopen, note: note}, func(b *Body) {
		b.Call = nil
		if b.CancelBy == "" {
			b.Problem = why
		}
	})
}

// lapsedText says why people are asked once more.
const lapsedText = "The approvals are older than they may be when a database is deleted."

// maybeGiveUp leads back where somebody called the revert off, or where its
// approvals are too old for the call of this key, which has not left yet; nil: neither.
func (e *Engine) maybeGiveUp(ctx context.Context, l *lease, key string) (answer, error) {
	switch {
	case l.s.stopping() && l.s.denied():
		return e.giveUp(ctx, l, "Denied.")
	case l.s.stopping():
		return e.giveUp(ctx, l, "Cancelled.")
	case e.lapsed(l.s, key):
		return e.reopenAndAsk(ctx, l, lapsedText)
	}
	return nil, nil
}

// reopenAndAsk leads back, and then asks people once more.
func (e *Engine) reopenAndAsk(ctx context.Context, l *lease, why string) (answer, error) {
	return e.do(ctx, l, move{event: Reopen, note: why + " Restoring client access, then asking again; nothing was deleted."},
		func(b *Body) { b.Call, b.Revert.AskAgain = nil, why })
}

// askAgain puts a revert that has changed nothing, or nothing that is not put
// back, to people once more.
func (e *Engine) askAgain(ctx context.Context, l *lease, why string) (answer, error) {
	return e.do(ctx, l, move{event: Revise, ask: true, note: why + " Please decide again."}, func(b *Body) {
		b.Asked, b.Agreed, b.Decisions, b.Call, b.Problem = e.now(), time.Time{}, nil, nil, ""
		w := b.Revert
		w.Was, w.Recaptured, w.DoorShut, w.SafetyAt, w.AskAgain = nil, 0, time.Time{}, time.Time{}, ""
	})
}

// stepClosing captures what will be built again, then closes the door.
func (e *Engine) stepClosing(ctx context.Context, l *lease) (answer, error) {
	if l.s.Revert.Was == nil {
		if l.s.CancelBy != "" {
			return e.calledOff(ctx, l, "Nothing was changed.")
		}
		if e.lapsed(l.s, callCloseDoor) {
			return e.askAgain(ctx, l, lapsedText)
		}
		return e.capture(ctx, l)
	}
	if a, err := e.maybeGiveUp(ctx, l, callCloseDoor); a != nil || err != nil {
		return a, err
	}
	same := func(db cloud.Database) bool { return sameAddresses(db.Security.SourceIPs, closedDoor) }
	change := func(Session) (cloud.Update, error) { return cloud.Update{SourceIPs: &closedDoor}, nil }
	a, err := e.drive(ctx, l, e.updateCall(callCloseDoor, "blocking of client access to "+l.s.Plan.Name, l.s.Plan.Ref(), change, same))
	return then(a, err, means{
		stopped: func(g gate) (answer, error) { return e.giveUp(ctx, l, g.stop.Error()) },
		failed: func(c *Call) (answer, error) {
			return e.giveUp(ctx, l, "Client access could not be blocked: "+c.Error+".")
		},
		done: func() (answer, error) {
			return e.do(ctx, l, move{event: Close, note: blockedText(l.s) + " Backing up the upgraded data."},
				func(b *Body) { b.Revert.DoorShut = e.now() })
		},
	})
}

// blockedText says what was read back, and no more.
func blockedText(s Session) string {
	text := "Client access blocked: the source IPs read " + strings.Join(closedDoor, ", ") + ". Connections that are established may continue."
	for _, d := range s.Decisions {
		if d.WritersStopped {
			return text + " Writers have stopped, says " + d.Name + "."
		}
	}
	return text + " Nobody said that writers have stopped: what is written from now on is in no backup."
}

func (e *Engine) stepSaving(ctx context.Context, l *lease) (answer, error) {
	if a, err := e.maybeGiveUp(ctx, l, callSafetyBackup); a != nil || err != nil {
		return a, err
	}
	o := e.backupCall(l.s, callSafetyBackup)
	o.locked = true
	a, err := e.drive(ctx, l, o)
	return then(a, err, means{
		stopped: func(g gate) (answer, error) { return e.giveUp(ctx, l, g.stop.Error()) },
		failed: func(c *Call) (answer, error) {
			return e.giveUp(ctx, l, "The backup of the upgraded data did not succeed: "+c.Error+".")
		},
		done: func() (answer, error) {
			done := "Backup of the upgraded data done at " + words.Instant(l.s.Revert.SafetyAt) + "."
			if l.s.Revert.SafetyUntimed {
				done = "Backup of the upgraded data done; Redis Cloud does not say when."
			}
			return e.do(ctx, l, move{event: Save, note: done}, nil)
		},
	})
}

// stepDeleting is the point of no return: its ready tests everything once
// more, and the approval is spent by its intent.
func (e *Engine) stepDeleting(ctx context.Context, l *lease) (answer, error) {
	if a, err := e.maybeGiveUp(ctx, l, callDelete); a != nil || err != nil {
		return a, err
	}
	o := e.deleteCall(callDelete, "deletion of "+l.s.Plan.Name, l.s.Plan.Name, l.s.Plan.Ref(), e.mayDelete)
	o.locked = true
	a, err := e.drive(ctx, l, o)
	return then(a, err, means{
		stopped: func(g gate) (answer, error) {
			switch {
			case g.again != nil && l.s.Revert.Recaptured < maxRecaptures:
				return e.learn(ctx, l, "Settings were changed after they had been captured. Captured again.",
					func(w *RevertWork) { w.Was = g.again; w.Recaptured++ })
			case g.stop.Code == NotEntitled && g.void:
				return e.reopenAndAsk(ctx, l, sentence(g.stop))
			}
			return e.giveUp(ctx, l, g.stop.Error())
		},
		failed: func(c *Call) (answer, error) { return e.giveUp(ctx, l, "Redis Cloud refused the delete: "+c.Error+".") },
		done: func() (answer, error) {
			note := tooLate(l.s) + "Deleted. Creating it again on " + l.s.Plan.To + ", same port, client access still blocked."
			return e.do(ctx, l, move{event: Delete, note: note},
				func(b *Body) { b.Revert.DeletedAt, b.CancelBy = e.now(), "" })
		},
	})
}

// maxRecaptures bounds how often settings are captured again: who keeps changing
// them does not want the database deleted now.
const maxRecaptures = 5

// mayDelete is the last gate before the irreversible: the database is still
// the approved one and could be built again, its door is shut, the safety backup is
// younger than the door's closing, the secrets can be unsealed, and the voters are
// entitled.
func (e *Engine) mayDelete(ctx context.Context, l *lease, _ cloud.Database) gate {
	s := l.s
	_, db, g, err := e.compare(ctx, s)
	switch {
	case err != nil:
		return gate{wait: e.cfg.Poll, text: "Redis Cloud does not tell once more how the database stands"}
	case g.stop != nil && g.stop.passes:
		return gate{wait: e.cfg.Poll, text: g.stop.Text, others: true}
	case g.stop != nil:
		return g
	case !sameAddresses(db.Security.SourceIPs, closedDoor):
		return gate{stop: refuse(Stale, "Somebody restored client access (source IPs %s).", strings.Join(db.Security.SourceIPs, ", "))}
	case s.Revert.SafetyAt.IsZero():
		return gate{stop: refuse(NoBackup, "There is no backup of the upgraded data.")}
	}
	if _, err := e.recreateBody(s); err != nil {
		return gate{stop: refuse(NoWayBack, "The captured settings cannot be unsealed: %s.", err)}
	}
	switch err := e.entitled(ctx, s); {
	case errors.Is(err, errNoWord) && e.now().Sub(s.Updated) < e.cfg.Patience:
		return gate{wait: e.cfg.Poll, text: "Slack does not say whether the approvals still stand; nothing is deleted before it does"}
	case err != nil: // or for too long: the door is closed all the time
		return gate{stop: &Refusal{Code: NotEntitled, Text: err.Error()}, void: !errors.Is(err, errNoWord)}
	}
	return e.unchanged(ctx, s, db)
}

// unchanged reads once more what will be built again: a password, tag, role or
// setting that was captured before the safety backup may have been changed since,
// and the old one could bring back what was revoked.
func (e *Engine) unchanged(ctx context.Context, s Session, db cloud.Database) gate {
	now, err := e.captured(ctx, s, db)
	if r := denied(err); r != nil {
		return gate{stop: r}
	}
	if err != nil {
		return gate{wait: e.cfg.Poll, text: "Redis Cloud does not tell the settings once more"}
	}
	now.SourceIPs = s.Revert.Was.SourceIPs // as they were before the door was closed
	same, err := e.buildsTheSame(s, now)
	if err != nil {
		return gate{stop: refuse(NoWayBack, "The captured settings cannot be compared: %s.", err)}
	}
	if !same {
		return gate{stop: refuse(Stale, "Settings were changed after they had been captured."), again: now}
	}
	return gate{}
}

// persist is drive for the calls that give applications their database or their
// access back. One that the configuration of this replica does not allow, or that
// needs a secret which it cannot open, waits and says so: another replica may be
// configured otherwise, and giving up helps nobody.
func (e *Engine) persist(ctx context.Context, l *lease, o outside, m means) (answer, error) {
	s := l.s
	if key := e.sealedAway(s); key != "" && !s.callOut() && (slices.Contains([]string{callCreate, callImport, callPassword}, o.key)) {
		return e.callForHelp(ctx, l, o, key+" The revert goes on when it can be opened; the sealed password is kept.")
	}
	o.rush = true
	stopped := m.stopped
	m.stopped = func(g gate) (answer, error) {
		if g.stop.Code == NotAllowed && e.now().Sub(s.Updated) < e.cfg.Patience {
			return e.callForHelp(ctx, l, o, g.stop.Error()+" Trying again for "+words.Span(e.cfg.Patience)+".")
		}
		return stopped(g)
	}
	a, err := e.drive(ctx, l, o)
	return then(a, err, m)
}

// insist is persist for a call without which nobody can work: a refusal of Redis Cloud
// is no end of it while [Engine.insists].
func (e *Engine) insist(ctx context.Context, l *lease, o outside, m means) (answer, error) {
	failed := m.failed
	m.failed = func(c *Call) (answer, error) {
		if e.insists(c) {
			return e.again(ctx, l, o.label, c)
		}
		return failed(c)
	}
	return e.persist(ctx, l, o, m)
}

// callForHelp waits where somebody has to act: on-call is called once, and the card says
// why, and what could be set by hand.
func (e *Engine) callForHelp(ctx context.Context, l *lease, o outside, why string) (answer, error) {
	why = strings.TrimSpace(why + " " + accessOf(l.s))
	if l.s.Revert.Told != why {
		m := move{event: Calling, note: why, data: map[string]any{"call": o.key, "answer": Insist}}
		return e.do(ctx, l, m, func(b *Body) { b.Revert.Told = why })
	}
	l.observe(ctx, Progress{Text: why, Trouble: true})
	return later(e.cfg.Poll), nil
}

// sealedAway says why the saved password or destination cannot be opened by this
// replica; empty: they can.
func (e *Engine) sealedAway(s Session) string {
	if _, err := e.recreateBody(s); errors.Is(err, ErrSeal) {
		return "The saved password cannot be opened (" + err.Error() + "): SEAL_KEY is another one than when it was saved. Set the old one as SEAL_KEY_OLD."
	}
	return ""
}

// accessOf names the source addresses that applications had.
func accessOf(s Session) string {
	if s.Revert.Was == nil {
		return ""
	}
	return "Source IPs before access was blocked: " + cmp.Or(strings.Join(s.Revert.Was.SourceIPs, ", "), "0.0.0.0/0") + "."
}

func (e *Engine) stepCreating(ctx context.Context, l *lease) (answer, error) {
	s := l.s
	o := e.createCall(build{key: callCreate, label: "creation of " + s.Plan.Name, parent: s.Plan.Ref(), name: s.Plan.Name,
		port: s.Revert.Snapshot.Port, body: e.recreateBody})
	return e.insist(ctx, l, o, means{
		stopped: func(g gate) (answer, error) { return e.stuck(ctx, l, "It could not be created again: "+g.stop.Error()) },
		failed:  func(c *Call) (answer, error) { return e.stuck(ctx, l, "It could not be created again: "+c.Error) },
		done:    func() (answer, error) { return e.afterCreate(ctx, l) },
	})
}

// insists reports whether a refused call is sent again whatever the refusal
// says. So it is while applications stand before a closed door or a deleted
// database: giving up early helps nobody, and what is missing may be mended
// meanwhile. An import that Redis Cloud had accepted first is not sent again.
func (e *Engine) insists(c *Call) bool {
	return c.Outcome == Rejected && (c.Key != callImport || c.Task == "") && e.now().Sub(c.First) < e.cfg.Patience
}

// again plans a refused call once more after a while. The first time, people
// are told, unless it is known to pass: a port stays taken for some minutes.
func (e *Engine) again(ctx context.Context, l *lease, label string, c *Call) (answer, error) {
	m := move{event: Calling, data: map[string]any{"call": c.Key, "answer": Insist, "code": c.Code}}
	if c.Tries == 0 && !expectedWhileItExists(c.Code) {
		m.note = fmt.Sprintf("Redis Cloud refused the %s: %s. Trying again until %s; what is missing can be mended meanwhile.",
			label, c.Error, words.Instant(c.First.Add(e.cfg.Patience)))
		if c.Busy() {
			m.note += e.calls.Actor(ctx, l, l.s.Plan.Ref())
		}
	}
	next := *c
	next.RetryAt = e.now().Add(4 * e.cfg.Poll)
	return e.do(ctx, l, m, func(b *Body) { b.Call = &next })
}

func (e *Engine) afterCreate(ctx context.Context, l *lease) (answer, error) {
	ref, err := cloud.ParseRef(l.s.Revert.NewRef)
	if err != nil {
		return nil, err
	}
	db, err := e.cloud.Database(ctx, ref)
	if errors.Is(err, cloud.ErrNotFound) {
		return e.stuck(ctx, l, "Somebody deleted the new database")
	}
	if err != nil {
		return nil, err
	}
	was := l.s.Revert.Snapshot
	note := fmt.Sprintf("Created on %s with id %d, endpoint %s. Importing the backup.", db.Version, ref.Database, db.PublicEndpoint)
	var loose []string
	if db.PublicEndpoint != was.Endpoint {
		loose = append(loose, fmt.Sprintf("the endpoint was %s and is %s: clients must be told", was.Endpoint, db.PublicEndpoint))
		note += " The endpoint is not the old one."
	}
	var before cloud.Database
	if err := json.Unmarshal(l.s.Revert.Was.Database, &before); err != nil {
		return nil, fmt.Errorf("captured settings: %w", err)
	}
	if movesByItself(before) && !movesByItself(db) {
		loose = append(loose, "auto minor upgrades were on and are off now, for Redis Cloud would move it on again")
	}
	return e.do(ctx, l, move{event: Create, note: note}, func(b *Body) {
		b.Revert.Endpoint = db.PublicEndpoint
		b.Revert.Loose = append(b.Revert.Loose, loose...)
	})
}

// stepImporting sets what would wipe data first, then imports.
func (e *Engine) stepImporting(ctx context.Context, l *lease) (answer, error) {
	ref, err := cloud.ParseRef(l.s.Revert.NewRef)
	if err != nil {
		return nil, err
	}
	return e.wipingSettings(ctx, l, ref, func() (answer, error) {
		return e.insist(ctx, l, e.importCall(l.s, callImport, "import into "+l.s.Plan.Name, ref), means{
			stopped: func(g gate) (answer, error) { return e.stuck(ctx, l, "The import cannot start: "+g.stop.Error()) },
			failed:  func(c *Call) (answer, error) { return e.stuck(ctx, l, "The import did not succeed: "+c.Error) },
			done: func() (answer, error) {
				note := "Imported at " + words.Instant(l.s.Revert.ImportedAt) + ". Verifying, then restoring users, roles and tags."
				return e.do(ctx, l, move{event: Import, note: note}, nil)
			},
		})
	})
}

// remains says what there is of a deleted database.
func remains(s Session) string {
	return strings.TrimSpace(fmt.Sprintf("The database was deleted at %s. Its backup: %s. Backup of the upgraded data: %s, at %s. %s",
		words.Instant(s.Revert.DeletedAt), strings.Join(s.Plan.Files, " "), s.Plan.Backup, words.Instant(s.Revert.SafetyAt), accessOf(s)))
}

// notByUs says that the database is gone although this session recorded no delete.
func notByUs(s Session) string {
	text := s.Plan.Name + " no longer exists in Redis Cloud, and this revert recorded no delete of it: somebody else deleted it, or the Redis of this bot " +
		"was put back to an older state. Look into Redis Cloud's log. The backup that was to be imported: " + strings.Join(s.Plan.Files, " ") + "."
	if !s.Revert.SafetyAt.IsZero() {
		text += fmt.Sprintf(" Backup of the upgraded data: %s, at %s.", s.Plan.Backup, words.Instant(s.Revert.SafetyAt))
	}
	return text
}

// stuck ends a revert after its delete with a named failure: what exists, what
// does not, and what a person does next.
func (e *Engine) stuck(ctx context.Context, l *lease, why string) (answer, error) {
	s := l.s
	text := strings.TrimSuffix(why, ".") + ". " + remains(s)
	if s.Revert.NewRef != "" {
		text += " The new database exists, with client access blocked: " + s.Revert.NewRef + "."
		if len(s.Revert.Marks) > 0 && !slices.Contains(s.Revert.After, "password") {
			text += " Its password is a temporary one: set the one that clients use before you let them in."
		}
	}
	return e.failRevert(ctx, l, text)
}
