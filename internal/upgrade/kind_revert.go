package upgrade

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// KindRevert takes an upgrade back.
const KindRevert Kind = "revert"

// revertLife is every move of a revert by the recreate path. Cancel leads back
// through Reopening once the door may be closed, and exists no more once the
// delete may have left.
var revertLife = session.Table[State, Event]{
	"":         {Propose: Rehearsing},
	Rehearsing: {PickUp: Rehearsing, Calling: Rehearsing, Note: Rehearsing, Wish: Rehearsing, Rehearse: Proposed, Cancel: Cancelled, Fail: Failed},
	Proposed:   {Vote: Proposed, Approve: Approved, Deny: Denied, Expire: Expired, Cancel: Cancelled},
	Approved:   {Begin: Closing, Deny: Denied, Expire: Expired, Cancel: Cancelled, Fail: Failed},
	Closing:    {PickUp: Closing, Calling: Closing, Note: Closing, Wish: Closing, Close: Saving, Revise: Proposed, Reopen: Reopening, Fail: Failed, Deny: Denied, Cancel: Cancelled},
	Saving:     {PickUp: Saving, Calling: Saving, Wish: Saving, Save: Deleting, Reopen: Reopening},
	Deleting:   {PickUp: Deleting, Calling: Deleting, Note: Deleting, Wish: Deleting, Delete: Creating, Reopen: Reopening},
	Creating:   {PickUp: Creating, Calling: Creating, Note: Creating, Create: Importing, Fail: Failed},
	Importing:  {PickUp: Importing, Calling: Importing, Note: Importing, Import: Restoring, Fail: Failed},
	Restoring:  {PickUp: Restoring, Calling: Restoring, Note: Restoring, Finish: Done, Fail: Failed},
	Reopening:  {PickUp: Reopening, Calling: Reopening, Revise: Proposed, Deny: Denied, Cancel: Cancelled, Fail: Failed},
}

func init() {
	kindRows[KindRevert] = kindRow{
		prefix: "r-",
		life:   revertLife,
		steps: map[State]stepFunc{
			Rehearsing: (*Engine).stepRehearsing,
			Proposed:   (*Engine).stepProposed, Approved: (*Engine).stepApproved,
			Closing: (*Engine).stepClosing, Saving: (*Engine).stepSaving, Deleting: (*Engine).stepDeleting,
			Creating: (*Engine).stepCreating, Importing: (*Engine).stepImporting, Restoring: (*Engine).stepRestoring,
			Reopening: (*Engine).stepReopening,
		},
		rule: func(_, reverts approvals.Policy) approvals.Policy { return reverts },
		refusals: []func(candidate) *Refusal{unsupportedKind, noRecreateInPlan, notCreatable, replicates, certificatesUnknown,
			passwordUnknown, noDeleteInMode, alreadyBack, noBackup, notActive, brokenSubscription},
		destroys: true,
		within:   true,
		cancel:   []State{Rehearsing, Proposed, Approved, Closing, Saving, Deleting},
		deny:     []State{Approved, Closing, Saving, Deleting},
		unwinds:  []State{Rehearsing, Closing, Saving, Deleting},
		whole:    func(b *Body) bool { return b.Revert != nil },
		empty:    func(b *Body) { b.Revert = &RevertWork{} },
		class: func(s Session) cloud.Class {
			if s.PastDelete() || s.callOut() && s.Call.Key == callDelete {
				return cloud.ClassRestore
			}
			return cloud.ClassWork
		},
		end: (*Engine).endRevert,
	}
}

// PastDelete reports a revert whose delete is recorded.
func (s Session) PastDelete() bool { return s.Revert != nil && !s.Revert.DeletedAt.IsZero() }

// NotBack reports a revert that failed after its delete: the database is deleted, and not
// built again.
func (s Session) NotBack() bool { return s.State == Failed && s.PastDelete() }

// RevertNotBack reports an upgrade whose revert failed after its delete: nothing is left
// that could be reverted once more.
func (s Session) RevertNotBack() bool {
	return s.Kind == KindUpgrade && s.State == Failed && s.Link != "" && s.Prior != Failed
}

// endRevert closes a revert: its databases are let go, its secrets are erased, and its
// upgrade moves on in the same write.
func (e *Engine) endRevert(ctx context.Context, s Session, m move, change func(*Body)) (Session, error) {
	up, err := e.Load(ctx, s.Link)
	if err != nil {
		return s, fmt.Errorf("close revert: %w", err)
	}
	mine, err := e.prepare(s, m, func(b *Body) {
		if change != nil {
			change(b)
		}
		b.Revert.erase(m.event)
	})
	if err != nil {
		return s, err
	}
	back, holds := handBack(s, up, m.event)
	theirs, err := e.prepare(up, move{event: back, by: m.by}, func(b *Body) {
		if s.PastDelete() && m.event != Finish {
			b.Problem, b.Upgrade.Gone = "Its revert failed after the delete; see "+s.ID+".", true
		}
	})
	if err != nil {
		return s, err
	}
	recs, err := e.store.AdvanceAll(ctx, []session.Move{mine, theirs}, holds...)
	if err != nil {
		err = fmt.Errorf("%s %s of %s: %w", s.ID, m.event, s.State, err)
	}
	if err != nil && !errors.Is(err, session.ErrUnconfirmed) {
		return s, err
	}
	e.poke()
	stored, unreadable := decode(recs[0])
	return stored, errors.Join(err, unreadable)
}

// erase forgets the secrets of a revert that ends so. Whoever builds a database again
// that is gone needs what it had, until that ended well.
func (w *RevertWork) erase(ev Event) {
	gone := !w.DeletedAt.IsZero() || w.Missing
	if w.Was != nil && (!gone || ev == Finish) {
		w.Was.Password, w.Was.Destination = "", ""
	}
	w.Marks = nil
}

// handBack says what an upgrade becomes when its revert ends, and who holds
// which database then.
func handBack(s, up Session, ev Event) (Event, []session.Hold) {
	holds := []session.Hold{{Database: s.Plan.Database, From: s.ID}}
	if s.Revert.NewRef != "" {
		holds = append(holds, session.Hold{Database: s.Revert.NewRef, From: s.ID})
	}
	if t := s.Revert.Trial; t.Ref != "" && !t.Deleted {
		holds = append(holds, session.Hold{Database: t.Ref, From: s.ID})
	}
	switch {
	case ev == Finish:
		return Undo, holds
	case !s.Revert.DeletedAt.IsZero() || up.Prior == Failed:
		return KeepFail, holds
	case up.Prior == Soaking:
		holds[0].To = up.ID
		return KeepWatch, holds
	}
	return KeepDone, holds
}
