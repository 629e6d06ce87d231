package upgrade

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/session"
)

// A session whose record, journal and world disagree is left as it is: nothing is
// sent, nothing is recorded, and its card says what differs. It goes on when Redis or
// SEAL_KEY is put right, or when people release the record that is there.

// Distrusted are the sessions that this replica last found not to be believed, sorted.
// They are looked at every StatusEvery, by any replica; one that is fine again is no
// longer among them, nor one that was not looked at here for a while.
func (e *Engine) Distrusted() []string {
	e.distrust.Lock()
	defer e.distrust.Unlock()
	maps.DeleteFunc(e.distrust.at, func(_ string, at time.Time) bool {
		return time.Since(at) > 4*e.cfg.StatusEvery
	})
	return slices.Sorted(maps.Keys(e.distrust.at))
}

// stand leaves a claimed session alone, and has its card drawn when that is news. What
// only this replica can know it tells the others.
func (e *Engine) stand(ctx context.Context, l *lease, why string) {
	e.distrust.Lock()
	_, known := e.distrust.at[l.s.ID]
	e.distrust.at[l.s.ID] = time.Now()
	e.distrust.Unlock()
	if l.s.record.Own {
		if err := e.store.Distrust(ctx, l.s.record, why); err != nil {
			e.log.Warn("cannot tell other replicas of a doubt", "session", l.s.ID, "error", err)
		}
	}
	if !known {
		e.log.Error("session is not believed: nothing is sent for it",
			"session", l.s.ID, "state", l.s.State, "problem", why)
		e.redraw(ctx, l.s.ID)
	}
	l.reschedule(ctx, e.cfg.StatusEvery)
}

// standLost does the same for a session of which nothing is left but its thread. Of
// which there is no thread either was never shown to anybody: it is not looked at again.
func (e *Engine) standLost(ctx context.Context, l *lease) {
	l.s = Lost(l.it.ID)
	shown, err := e.store.HasThread(ctx, l.s.ID)
	if err == nil && !shown {
		e.log.Error("nothing is known of a session that is due; not looked at again", "session", l.s.ID)
		_, _ = e.store.Due().Done(ctx, l.item())
		return
	}
	e.stand(ctx, l, l.s.Distrusted)
}

// believed counts a session off, and has its card drawn when that is news.
func (e *Engine) believed(ctx context.Context, id string) {
	e.distrust.Lock()
	_, known := e.distrust.at[id]
	delete(e.distrust.at, id)
	e.distrust.Unlock()
	if known {
		e.log.Info("session is believed again", "session", id)
		e.redraw(ctx, id)
	}
}

// lookSoon has a session looked at that somebody just found not to be believed: it may
// wait for a date, and its card still shows what was.
func (e *Engine) lookSoon(ctx context.Context, id string) {
	if err := e.store.Due().Set(ctx, id, 0); err != nil {
		e.log.Warn("cannot have a session looked at", "session", id, "error", err)
	}
	e.poke()
}

func (e *Engine) redraw(ctx context.Context, id string) {
	if err := e.store.Dirty().Set(ctx, id, 0); err != nil {
		e.log.Warn("cannot have the card drawn", "session", id, "error", err)
	}
}

// Lost is what is left to show of a session of which nothing is left but its card.
func Lost(id string) Session {
	return Session{ID: id, Distrusted: "its record and its journal are gone"}.legible()
}

// prove reads the session's whole journal before something that cannot be taken back.
// A journal that does not hold is noted for all replicas; the error is an
// [session.ErrTampered] then.
func (e *Engine) prove(ctx context.Context, s Session) error {
	err := e.store.Verify(ctx, s.ID)
	if !errors.Is(err, session.ErrTampered) {
		return err
	}
	return e.suspect(ctx, s, strings.TrimPrefix(err.Error(), session.ErrTampered.Error()+": "))
}

// suspect notes for all replicas why a session is not believed, and is the
// [session.ErrTampered] that stops its step.
func (e *Engine) suspect(ctx context.Context, s Session, why string) error {
	return errors.Join(fmt.Errorf("%w: %s", session.ErrTampered, why), e.store.Distrust(ctx, s.record, why))
}

// notBelieved refuses whatever somebody wants of such a session.
func (s Session) notBelieved() *Refusal {
	return refuse(Distrusted, "The record of %s is not to be believed: %s. Nothing is done for it.", s.ID, s.Distrusted).
		hint("Its card says who can release it.")
}

// Released is the journal's word for a record that people released. It is no event
// of a life: it begins the journal anew, in whatever state the record is.
const Released Event = session.EventRelease

// MayRelease says who may release a record that is not believed: on-call and the
// approvers; nil: yes. Two different people have to.
func MayRelease(v approvals.Voter) error { return entitlement(approvals.MayConfirm(v)) }

// Releasable says whether people can release the record of a session as it is, who did
// so already, and else why not.
func (e *Engine) Releasable(ctx context.Context, s Session) (by []string, err error) {
	if s.Distrusted == "" {
		return nil, refuse(TooLate, "The record of %s is in order; there is nothing to release.", s.ID)
	}
	believed := s.record
	believed.Doubt = ""
	if _, err := decode(believed); err != nil || e.store.Releasable(s.record) != nil {
		return nil, refuse(TooLate, "Too much of the record of %s is lost: nothing can go on from it.", s.ID).
			hint("Put Redis right from a copy, or do by hand what is left to do.")
	}
	return e.store.Releasers(ctx, s.record)
}

// Release notes that a person vouches for the record of a session that is not
// believed, of which version was shown to that person. Two different people do, each of
// on-call or an approver; then the session goes on from that record. missing is how
// many more have to.
func (e *Engine) Release(ctx context.Context, id, version string, by approvals.Voter) (missing int, err error) {
	if err := approvals.MayConfirm(by); err != nil {
		return 0, entitlement(err)
	}
	s, err := e.Load(ctx, id)
	if err != nil {
		return 0, err
	}
	so, err := e.Releasable(ctx, s)
	switch {
	case err != nil:
		return 0, err
	case s.Version() == version && slices.Contains(so, by.ID):
		return 0, refuse(TooLate, "You released it already; "+
			"a second, different person, of on-call or the approvers, has to do it too.")
	}
	missing, err = e.store.Release(ctx, id, by.ID, version, releasers)
	var held *session.HeldError
	switch {
	case errors.As(err, &held):
		return 0, &Refusal{
			Code: Busy, Link: held.Owner,
			Text: "Another upgrade or revert has its database by now, and only one may act on it at a time.",
		}
	case errors.Is(err, session.ErrNotThis):
		return 0, refuse(Stale, "The record of %s changed after it was shown to you. Look at it again.", id)
	case err != nil:
		return 0, fmt.Errorf("release %s: %w", id, err)
	}
	e.log.Warn("release of a session that is not believed", "session", id, "by", by.ID, "missing", missing)
	e.poke()
	return missing, nil
}

// releasers is how many people release a record.
const releasers = 2
