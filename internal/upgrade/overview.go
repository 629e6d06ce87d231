package upgrade

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// Open returns the sessions under way, newest first.
func (e *Engine) Open(ctx context.Context, max int) ([]Session, error) {
	recs, err := e.store.List(ctx, true, max)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return e.readable(recs), nil
}

// CountOpen is how many sessions are under way.
func (e *Engine) CountOpen(ctx context.Context) (int, error) {
	n, err := e.store.CountOpen(ctx)
	if err != nil {
		return 0, fmt.Errorf("count sessions: %w", err)
	}
	return n, nil
}

// readable decodes what this build can read; a newer replica's sessions are
// left out rather than failing the list.
func (e *Engine) readable(recs []session.Record) []Session {
	var out []Session
	for _, r := range recs {
		s, err := decode(r)
		if err != nil {
			e.log.Warn("session left out of a list", "session", r.ID, "error", err)
			continue
		}
		out = append(out, s)
	}
	return out
}

// History returns the sessions that a database ever had, newest first.
func (e *Engine) History(ctx context.Context, ref cloud.Ref, max int) ([]Session, error) {
	ids, err := e.store.History(ctx, ref.String(), max)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	var out []Session
	for _, id := range ids {
		s, err := e.Load(ctx, id)
		if _, gone := AsRefusal(err); gone {
			continue // past its retention
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		if s.Kind != KindRevert || slices.Contains(ids, s.Link) {
			continue
		}
		if up, err := e.Load(ctx, s.Link); err == nil { // of the id that the database had before
			out = append(out, up)
		}
	}
	return out, nil
}

// brokenFor is how long a revert that failed after its delete is named among what
// is under way: its database may still be missing.
const brokenFor = 7 * 24 * time.Hour

// Broken returns the reverts that failed after their delete within the last week,
// newest first.
func (e *Engine) Broken(ctx context.Context) ([]Session, error) {
	recs, err := e.store.List(ctx, false, 200)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return slices.DeleteFunc(e.readable(recs), func(s Session) bool {
		return !s.NotBack() || e.now().Sub(s.Updated) > brokenFor
	}), nil
}

// PausedBy is who paused all changing calls; "" when nobody did, or when the
// store cannot say.
func (e *Engine) PausedBy(ctx context.Context) string {
	by, err := e.store.Flag(ctx, calls.PauseFlag)
	if err != nil {
		e.log.Warn("read the pause", "error", err)
	}
	return by
}

// AbsentFrom is the time from which two people may declare that the call without
// an answer did not happen; zero where one may at once.
func (e *Engine) AbsentFrom(s Session) time.Time {
	if s.Call == nil || !Grave(s.Call) {
		return time.Time{}
	}
	return s.Call.SendBy.Add(e.cfg.Disbelief)
}

// Pause stops all new changing calls of every replica, or lets them go on.
// Calls that are out are followed to their end, and what follows a revert's
// delete is sent all the same.
func (e *Engine) Pause(ctx context.Context, by approvals.Voter, on bool) error {
	return e.PauseInOrder(ctx, by, on, 0)
}

// PauseInOrder is [Engine.Pause] for a word with a receipt number (0: received
// now): the last one received holds, in whatever order they are worked off. An
// earlier one is refused.
func (e *Engine) PauseInOrder(ctx context.Context, by approvals.Voter, on bool, receipt int64) error {
	if err := approvals.MayOperate(by); err != nil {
		return entitlement(err)
	}
	value := ""
	if on {
		value = by.ID
	}
	set, err := e.store.SetFlagInOrder(ctx, calls.PauseFlag, value, receipt)
	if err != nil {
		return fmt.Errorf("set pause: %w", err)
	}
	if !set {
		return refuse(TooLate, "Somebody paused or resumed after you; that holds, and your earlier word changes nothing.")
	}
	e.log.Info("changing calls", "paused", on, "by", by.ID)
	if on {
		return e.confirmed(ctx)
	}
	return nil
}
