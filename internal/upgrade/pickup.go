package upgrade

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/session"
)

// Whoever follows a thread should know when the replica that worked on it is gone
// and another one goes on. Nothing else depends on any of this.

// beat tells the other replicas that this one lives, until ctx ends; then it
// leaves, so that nobody takes a wanted end for a death.
func (e *Engine) beat(ctx context.Context) {
	tick := time.NewTicker(e.cfg.Lease / 3)
	defer tick.Stop()
	var last time.Time
	for ctx.Err() == nil {
		if last.IsZero() || e.now().Sub(last) < time.Minute { // else it is we who were away
			e.pauseIfStale(ctx)
		}
		e.PausedBy(ctx) // whoever has seen a pause puts it back where a failover forgot it
		if silent, err := e.store.Beat(ctx, e.name, e.cfg.Lease); err == nil {
			e.silent.Store(&silent)
			last = e.now()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOver)
	defer cancel()
	if err := e.store.Leave(ctx, e.name); err != nil {
		e.log.Info("leave the list of replicas", "error", err)
	}
}

// PausedBySilence, as [Engine.PausedBy], is nobody: the store's last heartbeat was
// old, so it may be an older copy of what was.
const PausedBySilence = calls.PausedBySilence

// tooSilent is how old the last heartbeat is of a store that is not believed.
const tooSilent = 10 * time.Minute

// pauseIfStale holds changing calls back in a store that may be an older copy: what
// its sessions are about to do may have been done. What follows a delete goes on.
func (e *Engine) pauseIfStale(ctx context.Context) {
	switch set, err := e.store.FlagIfStale(ctx, calls.PauseFlag, calls.PausedBySilence, tooSilent); {
	case err != nil:
		e.log.Info("look for the last heartbeat", "error", err)
	case set:
		e.log.Warn("paused: no replica was heard for long, or the store is an older copy; on-call resumes", "silence", tooSilent)
	}
}

// died reports whether the replica of this name went silent without leaving.
func (e *Engine) died(name string) bool {
	silent := e.silent.Load()
	return name != "" && name != e.name && silent != nil && slices.Contains(*silent, name)
}

// quietly is how long nothing more is said of sessions that are picked up again
// and again.
const quietly = 5 * time.Minute

// pickUp tells people, in the thread, that a session in the middle of its work was
// left by the replica that had it in hand. It is false where there is nothing to
// tell, or where it could not be told: the work goes on all the same.
func (e *Engine) pickUp(ctx context.Context, l *lease) bool {
	s := l.s
	left := l.item().Lapsed || e.died(s.Worker)
	atWork := s.row().life[s.State][PickUp] != ""
	if !left || !atWork || e.now().Sub(s.Picked) < quietly {
		return false
	}
	_, err := e.advance(ctx, s, move{event: PickUp, note: "Picked up: the replica that had this in hand went silent. Going on from what is recorded."},
		func(b *Body) { b.Picked = e.now() })
	if err != nil {
		e.log.Warn("tell that a session was picked up", "session", s.ID, "error", err)
	}
	return err == nil || errors.Is(err, session.ErrStale)
}
