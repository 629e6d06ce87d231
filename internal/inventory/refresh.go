package inventory

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// readTimeout bounds one reading of the account; at 300 calls a minute it is
// enough for 3,000 subscriptions.
const readTimeout = 10 * time.Minute

// Run keeps the index up to date until ctx ends, then returns nil. It loads every
// new snapshot, and reads the account when the snapshot is due and no other
// replica does. Errors are logged and tried again later, more and more slowly (a
// quarter of Every at first, four times Every at most).
func (x *Index) Run(ctx context.Context) error {
	last := "" // the trouble that was logged last, so that an outage is one line
	for {
		err := x.step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case err == nil:
			last = ""
		case err.Error() != last:
			last = err.Error()
			x.config.Log.WarnContext(ctx, "inventory not refreshed; the last one stays", "age", x.Age(), "error", err)
		}
		if x.pause(ctx, x.tick()) != nil {
			return nil
		}
	}
}

// step is one look of Run.
func (x *Index) step(ctx context.Context) error {
	now, err := x.follow(ctx)
	if err != nil {
		return err
	}
	if !now.due(x.config.Now(), x.config.Every) {
		return nil
	}
	token, held, err := x.lease(ctx)
	if err != nil || !held {
		return err
	}
	return x.refresh(ctx, token)
}

// follow loads the snapshot when it is another one than the view's.
func (x *Index) follow(ctx context.Context) (stamp, error) {
	x.swapping.Lock()
	defer x.swapping.Unlock()
	now, err := x.shared.stamp(ctx)
	if err != nil {
		return now, err
	}
	if now.generation == 0 || now.generation == x.view.Load().generation {
		return now, nil
	}
	a, generation, err := x.shared.load(ctx)
	if err != nil {
		// A snapshot that nobody can read must not stop the next reading.
		x.config.Log.WarnContext(ctx, "shared inventory unreadable", "error", err)
		return now, nil
	}
	if generation > 0 {
		x.view.Store(newView(&x.config, a, generation))
	}
	return now, nil
}

// due says whether the account should be read. A time far ahead comes from a
// clock that was wrong and counts for nothing.
func (s stamp) due(now time.Time, every time.Duration) bool {
	last, wait := s.done, every
	if s.failures > 0 {
		last, wait = s.tried, min(every/4<<min(s.failures-1, 8), 4*every)
	}
	return !now.Before(last.Add(wait)) || last.After(now.Add(every))
}

// Refresh reads the account now, by this replica, and shares the result. When
// another replica is reading it waits for its turn, because what that one reads
// may be older than the wish. An error means that the old snapshot stays; parts that
// could not be read are no error, see Problems.
func (x *Index) Refresh(ctx context.Context) error {
	for {
		token, held, err := x.lease(ctx)
		if err != nil {
			return err
		}
		if held {
			return x.refresh(ctx, token)
		}
		if err := x.pause(ctx, x.tick()); err != nil {
			return err
		}
	}
}

// lease tries to become the reader.
func (x *Index) lease(ctx context.Context) (token string, held bool, err error) {
	raw := make([]byte, 16)
	if _, err := io.ReadFull(x.config.Rand, raw); err != nil {
		return "", false, fmt.Errorf("inventory lease token: %w", err)
	}
	token = hex.EncodeToString(raw)
	held, err = x.shared.acquire(ctx, token)
	return token, held, err
}

// refresh reads the account under the lease and publishes it.
func (x *Index) refresh(ctx context.Context, token string) error {
	defer func() {
		// A shutdown must not leave the lease to its expiry.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := x.shared.release(ctx, token); err != nil {
			x.config.Log.WarnContext(ctx, "inventory lease left to expire", "error", err)
		}
	}()
	before, _, err := x.shared.load(ctx)
	if err != nil {
		x.config.Log.WarnContext(ctx, "shared inventory unreadable, reading all anew", "error", err)
	}
	if before == nil {
		before = &account{}
	}
	began := x.config.Now()
	if err := x.shared.began(ctx, began); err != nil {
		return err
	}
	a, err := x.readUnderLease(ctx, token, before)
	if err != nil {
		return err
	}
	if err := x.publish(ctx, token, a); err != nil {
		return err
	}
	x.report(ctx, before, a, began)
	return nil
}

// readUnderLease reads the account, and stops as soon as the lease is lost.
func (x *Index) readUnderLease(ctx context.Context, token string, before *account) (*account, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	ctx, lost := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	defer func() { lost(nil); <-renewed }()
	go func() {
		defer close(renewed)
		beat := time.NewTicker(leaseTTL / 3)
		defer beat.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-beat.C:
			}
			// Redis being away for a moment is no loss: publish has the last word.
			if err := x.shared.renew(ctx, token); errors.Is(err, errLeaseLost) {
				lost(err)
				return
			}
		}
	}()
	a, err := x.read(cloud.WithClass(ctx, cloud.ClassRefresh), before)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return a, err
}

// publish shares a and answers from it; no follow can slip an older one in between.
func (x *Index) publish(ctx context.Context, token string, a *account) error {
	x.swapping.Lock()
	defer x.swapping.Unlock()
	generation, err := x.shared.publish(ctx, token, a, x.config.Now())
	if err != nil {
		return err
	}
	x.view.Store(newView(&x.config, a, generation))
	return nil
}

// report logs a reading: its problems when they are others than before, the
// rest for those who look closely.
func (x *Index) report(ctx context.Context, before, a *account, began time.Time) {
	if !slices.Equal(before.Problems, a.Problems) {
		for _, p := range a.Problems {
			x.config.Log.WarnContext(ctx, "part of the account not read", "what", p.What, "error", p.Reason)
		}
	}
	x.config.Log.DebugContext(ctx, "inventory read", "subscriptions", len(a.Subscriptions),
		"databases", len(x.view.Load().entries), "problems", len(a.Problems), "took", x.config.Now().Sub(began))
}

// tick is the pause between two looks at Redis: a tenth of Every within reason,
// a quarter more or less, so that replicas started together drift apart.
func (x *Index) tick() time.Duration {
	base := min(max(x.config.Every/10, 20*time.Millisecond), 5*time.Second)
	var raw [8]byte
	if _, err := io.ReadFull(x.config.Rand, raw[:]); err != nil {
		return base
	}
	spread := int64(base / 2)
	return base*3/4 + time.Duration(binary.LittleEndian.Uint64(raw[:])%uint64(spread))
}

// pause waits for d; its error is that of ctx.
func (x *Index) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
