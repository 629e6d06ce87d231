package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// claimAccount returns when Redis Cloud has said whose account this is, and the
// sessions in Redis belong to it; the first bot of a prefix binds them. It fails
// when they belong to another account.
func (b *Bot) claimAccount(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, 10*time.Second) {
		account, err := b.cloud.Account(ctx)
		if err == nil {
			err = b.store.Bind(ctx, "account", strconv.Itoa(account.ID))
		}
		var foreign *session.BoundError
		switch {
		case err == nil:
			b.health.setAccount("")
			return nil
		case errors.As(err, &foreign):
			return errors.New(b.notOurs(foreign))
		case !errors.Is(err, session.ErrUnavailable): // Redis away is said by itself
			b.health.setAccount(fmt.Sprintf("Redis Cloud does not say whose account this is: %v", err))
		}
		if sleep(ctx, wait, nil) {
			return ctx.Err()
		}
	}
}

// notOurs says that the sessions in Redis belong to somebody else, and what to do.
func (b *Bot) notOurs(e *session.BoundError) string {
	return fmt.Sprintf("the sessions in this Redis under REDIS_PREFIX %q are another bot's: %v; set another REDIS_PREFIX, or, if this is the same bot that has moved and no session is open, delete the key {%s}:binding",
		b.cfg.RedisPrefix, e, b.cfg.RedisPrefix)
}

// watchScope says, until ctx ends, whether ALLOW_SUBSCRIPTIONS names subscriptions
// that do not exist.
func (b *Bot) watchScope(ctx context.Context) error {
	if len(b.cfg.AllowSubscriptions) == 0 {
		return nil
	}
	for {
		wait := time.Hour
		_, err := b.checkScope(ctx)
		switch {
		case err == nil:
			b.health.setDegraded("allow_subscriptions", "")
		case errors.As(err, new(*mend)):
			b.health.setDegraded("allow_subscriptions", err.Error())
		default:
			wait = time.Minute
		}
		if sleep(ctx, wait, nil) {
			return ctx.Err()
		}
	}
}

// checkScope looks whether every allowed subscription exists.
func (b *Bot) checkScope(ctx context.Context) (string, error) {
	if len(b.cfg.AllowSubscriptions) == 0 {
		return "all subscriptions may be touched", nil
	}
	var known []string
	for _, read := range []func(context.Context) ([]cloud.Subscription, error){b.cloud.Subscriptions, b.cloud.EssentialsSubscriptions} {
		subscriptions, err := read(ctx)
		if err != nil && !errors.Is(err, cloud.ErrNotFound) {
			return "", err
		}
		for _, s := range subscriptions {
			known = append(known, strconv.Itoa(s.ID))
		}
	}
	missing := slices.DeleteFunc(slices.Clone(b.cfg.AllowSubscriptions), func(id string) bool { return slices.Contains(known, id) })
	if len(missing) > 0 {
		return "", mendf("ALLOW_SUBSCRIPTIONS: no subscription has the id %s", strings.Join(missing, ", "))
	}
	return "only " + b.cfg.scope() + " may be touched", nil
}
