package calls

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Redis Cloud works off the changes of an account one after the other, and changes one
// thing of a subscription at a time. So a call takes two locks, which its session holds:
// the account's from the send to the task's end, the subscription's until it is settled.
const accountLock = "account"

func subscriptionLock(ref cloud.Ref) string { return fmt.Sprintf("subscription:%d", ref.Subscription) }

func (r *Runner) lock(ctx context.Context, c Case, s Spec) (bool, error) {
	priority := 0 // higher goes first
	switch {
	case s.Urgent:
		priority = 10
	case s.Locked:
		priority = 5
	}
	for _, l := range []struct{ name, word string }{{subscriptionLock(s.Ref), "subscription"}, {accountLock, "account"}} {
		held, ahead, err := r.store.TakeTurn(ctx, l.name, c.ID(), c.Revision(), priority)
		if err != nil {
			return false, fmt.Errorf("take lock: %w", err)
		}
		if !held {
			c.Observe(ctx, Progress{Text: fmt.Sprintf("waiting for its turn: %d ahead in this %s", max(ahead, 1), l.word)})
			return false, nil
		}
	}
	return true, nil
}

func (r *Runner) leave(ctx context.Context, session, name string) error {
	if err := r.store.LeaveTurn(ctx, name, session); err != nil {
		return fmt.Errorf("leave lock: %w", err)
	}
	return nil
}

func (r *Runner) unlockAccount(ctx context.Context, c Case) error {
	return r.leave(ctx, c.ID(), accountLock)
}

func (r *Runner) unlock(ctx context.Context, c Case, s Spec) error {
	return errors.Join(r.unlockAccount(ctx, c), r.leave(ctx, c.ID(), subscriptionLock(s.Ref)))
}
