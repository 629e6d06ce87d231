package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/releases"
)

// targetsTimeout bounds one live question, which goes on when the person who
// asked first has gone: others may be waiting for the same answer.
const targetsTimeout = 20 * time.Second

// keptTargets is how many TargetsTTL an answer stays in memory for CachedTargets.
const keptTargets = 12

// targetList is what Redis Cloud offered to one database at one time. It is
// bound to the version that the database had: an upgrade makes it worthless.
type targetList struct {
	Versions []string  `json:"versions"`
	From     string    `json:"from"`
	At       time.Time `json:"at"`
}

// targetCache holds target lists in memory.
type targetCache struct {
	mu    sync.Mutex
	lists map[cloud.Ref]targetList // guarded by mu
}

func (c *targetCache) get(ref cloud.Ref) (targetList, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.lists[ref]
	return l, ok
}

// put remembers a list and forgets those older than oldest.
func (c *targetCache) put(ref cloud.Ref, l targetList, oldest time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lists == nil {
		c.lists = map[cloud.Ref]targetList{}
	}
	for r, old := range c.lists {
		if old.At.Before(oldest) {
			delete(c.lists, r)
		}
	}
	c.lists[ref] = l
}

// Targets returns the versions that Redis Cloud offers this database now, oldest
// first; empty when there is nothing newer. The answer is at most TargetsTTL
// old: from memory, from what another replica asked, or from
// GET …/available-target-versions. Errors are those of [cloud].
func (x *Index) Targets(ctx context.Context, ref cloud.Ref) ([]string, error) {
	if l, ok := x.targets.get(ref); ok && x.fresh(ref, l) {
		return append([]string(nil), l.Versions...), nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	answer := x.flights.DoChan(ref.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), targetsTimeout)
		defer cancel()
		return x.askTargets(ctx, ref)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-answer:
		if r.Err != nil {
			return nil, r.Err
		}
		return append([]string(nil), r.Val.(targetList).Versions...), nil
	}
}

// CachedTargets is Targets without waiting: the last answer that this replica
// has and when it was given, false when it has none. It may be older than
// TargetsTTL, up to an hour at the default; the caller judges.
func (x *Index) CachedTargets(ref cloud.Ref) ([]string, time.Time, bool) {
	l, ok := x.targets.get(ref)
	if !ok || !x.valid(ref, l) {
		return nil, time.Time{}, false
	}
	return append([]string(nil), l.Versions...), l.At, true
}

// valid says whether the list belongs to the version that the database has now.
func (x *Index) valid(ref cloud.Ref, l targetList) bool {
	e, known := x.Get(ref)
	return !known || e.Version == l.From
}

// fresh says whether the list need not be asked for again.
func (x *Index) fresh(ref cloud.Ref, l targetList) bool {
	return x.valid(ref, l) && x.config.Now().Sub(l.At) < x.config.TargetsTTL
}

// askTargets looks in Redis, then asks Redis Cloud, and remembers the answer in
// both places. Without Redis it still answers.
func (x *Index) askTargets(ctx context.Context, ref cloud.Ref) (targetList, error) {
	now := x.config.Now()
	oldest := now.Add(-keptTargets * x.config.TargetsTTL)
	if l, err := x.shared.targets(ctx, ref); err != nil {
		x.config.Log.WarnContext(ctx, "read shared target versions", "database", ref.String(), "error", err)
	} else if l != nil && x.fresh(ref, *l) {
		x.targets.put(ref, *l, oldest)
		return *l, nil
	}
	versions, err := x.config.Cloud.TargetVersions(ctx, ref)
	if err != nil {
		return targetList{}, fmt.Errorf("target versions of %s: %w", ref, err)
	}
	l := targetList{Versions: releases.Offered(versions), At: now}
	if e, ok := x.Get(ref); ok {
		l.From = e.Version
	}
	x.targets.put(ref, l, oldest)
	if err := x.shared.putTargets(ctx, ref, l, x.config.TargetsTTL); err != nil {
		x.config.Log.WarnContext(ctx, "share target versions", "database", ref.String(), "error", err)
	}
	return l, nil
}

// targets reads the list that some replica shared; nil when there is none.
func (s shared) targets(ctx context.Context, ref cloud.Ref) (*targetList, error) {
	raw, err := s.redis.Get(ctx, s.targetsKey(ref)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l := new(targetList)
	if err := json.Unmarshal(raw, l); err != nil {
		return nil, err
	}
	return l, nil
}

// putTargets shares a list for as long as it is believed.
func (s shared) putTargets(ctx context.Context, ref cloud.Ref, l targetList, ttl time.Duration) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return s.redis.Set(ctx, s.targetsKey(ref), raw, ttl).Err()
}
