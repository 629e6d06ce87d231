package upgrade

import (
	"context"
	"slices"
	"strings"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/releases"
)

// Admissible says, from the warm index alone, why a database cannot be
// upgraded by this bot at all; nil when it might. It backs the modal's
// immediate answers; everything is read again before a request is recorded.
func (e *Engine) Admissible(entry inventory.Entry) *Refusal {
	switch {
	case entry.Protocol == "memcached":
		return refuse(Unsupported, "%s is a memcached database; Redis Cloud does not upgrade those.", entry.Name).
			hint("Create a Redis database beside it and move the clients.")
	case entry.ActiveActive:
		return refuse(Unsupported, "%s is Active-Active; this bot upgrades single-region databases only.", entry.Name).
			hint("Redis Cloud documents version upgrades for single-region databases only: ask Redis support whether and how this one can be upgraded.")
	case entry.Store:
		return refuse(OwnStore, "%s is the Redis that stores this bot's state; upgrading it would interrupt the upgrade.", entry.Name).
			hint("Upgrade it in the Redis Cloud console.")
	case e.mode == ModeObserve:
		return refuse(NotAllowed, "This bot runs with MODE=observe and changes nothing.").
			hint("Set MODE=upgrade or MODE=full to let it upgrade what people approve.")
	case !entry.Allowed || !e.allowed(entry.Ref):
		return refuse(NotAllowed, "%s is in subscription %d, which this bot may not touch (ALLOW_SUBSCRIPTIONS).", entry.Name, entry.Ref.Subscription)
	}
	return nil
}

// Warm says what is known, without asking Redis Cloud, to stand in the way of
// upgrading this database, to version where one is named; nil: nothing.
func (e *Engine) Warm(ctx context.Context, entry inventory.Entry, version string) *Refusal {
	if r := e.Admissible(entry); r != nil {
		return r
	}
	if r := e.Busy(ctx, entry.Ref); r != nil {
		return r
	}
	versions, _, cached := e.inventory.CachedTargets(entry.Ref)
	if cached && len(versions) == 0 || !cached && entry.Behind == 0 && entry.Newest != "" {
		return refuse(NothingNewer, "%s runs %s and Redis Cloud offers nothing newer for it.", entry.Name, entry.Version)
	}
	if cached {
		return NotOffered(entry, versions, version)
	}
	if version == "" {
		return nil
	}
	want, err := releases.Parse(version)
	newest, errNewest := releases.Parse(entry.Newest)
	if err != nil || !olderVersion(entry.Version, version) || errNewest == nil && newest.Less(want) {
		return notOffered(entry, nil, version)
	}
	return nil
}

// AtRest reports whether the warm index knows nothing that stands in the way of
// upgrading this database now, so that a form need not ask Redis Cloud. Everything
// is read again before a request is recorded.
func AtRest(entry inventory.Entry) bool {
	return cloud.Active(entry.Status) && entry.BackupOn && entry.Stale.IsZero() && !cloud.Subscription{Status: entry.SubscriptionStatus}.Failed()
}

// Offer reads Redis Cloud for somebody who is filling in a request: the
// versions on offer, or what stands in the way of any of them.
func (e *Engine) Offer(ctx context.Context, ref cloud.Ref, name string) ([]string, *Refusal) {
	f, db, err := e.read(ctx, ref, KindUpgrade)
	if err != nil {
		return nil, readRefusal(err, name)
	}
	return f.Targets, judgeFacts(candidate{KindUpgrade, ref, db.Name, "", e.mode, f})
}

// NotOffered refuses a version that is not among those on offer; nil where it
// is, or where none is named.
func NotOffered(entry inventory.Entry, versions []string, version string) *Refusal {
	if version == "" || slices.ContainsFunc(versions, func(v string) bool { return sameVersion(v, version) }) {
		return nil
	}
	return notOffered(entry, versions, version)
}

func notOffered(entry inventory.Entry, versions []string, version string) *Refusal {
	r := refuse(BadVersion, "%s (now %s) cannot go to %s.", entry.Name, entry.Version, version)
	if len(versions) > 0 {
		return r.hint("Offered: %s.", strings.Join(versions, ", "))
	}
	if entry.Newest != "" {
		return r.hint("The newest on offer is %s.", entry.Newest)
	}
	return r
}

func (e *Engine) allowed(ref cloud.Ref) bool {
	return len(e.cfg.Allow) == 0 || slices.Contains(e.cfg.Allow, ref.Subscription)
}
