package upgrade

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Turns are held by sessions: the account's from the send to the task's end,
// the subscription's until the call is settled.
const accountTurn = "account"

func subscriptionTurn(ref cloud.Ref) string { return fmt.Sprintf("subscription:%d", ref.Subscription) }

func (e *Engine) takeTurns(ctx context.Context, l *lease, o outside) (bool, error) {
	priority := 0 // higher goes first
	switch {
	case o.rush:
		priority = 10
	case o.locked:
		priority = 5
	}
	for _, name := range []string{subscriptionTurn(o.ref), accountTurn} {
		held, ahead, err := e.store.TakeTurn(ctx, name, l.s.ID, priority)
		if err != nil {
			return false, fmt.Errorf("take turn: %w", err)
		}
		if !held {
			l.observe(ctx, Progress{Text: fmt.Sprintf("waiting for its turn: %d ahead in this %s", max(ahead, 1), turnWord(name))})
			return false, nil
		}
	}
	return true, nil
}

func turnWord(name string) string {
	if name == accountTurn {
		return "account"
	}
	return "subscription"
}

func (e *Engine) leaveTurn(ctx context.Context, s Session, name string) error {
	if err := e.store.LeaveTurn(ctx, name, s.ID); err != nil {
		return fmt.Errorf("leave turn: %w", err)
	}
	return nil
}

func (e *Engine) leaveTurns(ctx context.Context, s Session, o outside) error {
	return errors.Join(e.leaveTurn(ctx, s, accountTurn), e.leaveTurn(ctx, s, subscriptionTurn(o.ref)))
}
