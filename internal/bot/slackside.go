package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/sync/errgroup"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/commands"
	"github.com/redis-upgrade/bot/internal/people"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/slacksocket"
	"github.com/redis-upgrade/bot/internal/thread"
	"github.com/redis-upgrade/bot/internal/view"
)

// Begun work needs no Slack: engine, inventory and health run without it. What
// needs to know who this bot is in Slack (people, sockets, cards) begins here, as
// soon as Slack has said so. No answer of Slack ends the process.

// converse runs what talks with people until ctx ends, and returns when
// everything that was taken is answered.
func (b *Bot) converse(ctx context.Context) error {
	if err := b.settleStore(ctx); err != nil {
		return err
	}
	who, err := b.identify(ctx)
	if err != nil {
		return err
	}
	b.people.know(b.directory(who.TeamID))
	handler := commands.New(commands.Config{Command: Command, Bot: who.UserID, Channel: b.cfg.SlackChannel, Policy: b.policy, Workers: 64}, commands.Parts{
		Engine: b.engine, Inventory: b.inventory, Roles: b.people, Inbox: session.Receiver{Store: b.store, Lease: b.cfg.Lease},
		Threads: thread.Memory{Store: b.store}, Slack: b.slack, Lookups: b.lookup, Now: b.store.Now, Log: b.log,
	})
	drawer := thread.New(thread.Config{Channel: b.cfg.SlackChannel, Policy: b.policy, Lease: b.cfg.Lease, Window: b.cfg.RateWindow, Workers: 4}, b.store, b.slack, b.log)
	sockets := slacksocket.New(slacksocket.Config{
		API: slackClient(b.cfg, b.parts, b.metrics.around), Dial: b.parts.Dial, Store: b.health.waitStore, Watch: b.health, Log: b.log,
		Take: func(ctx context.Context, evt socketmode.Event, c *slacksocket.Conn) {
			handler.Handle(ctx, evt, b.metrics.arrived(evt, c))
		},
	})

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return drawer.Run(ctx) })
	g.Go(func() error { return handler.Adopt(ctx, min(b.cfg.Lease/5, time.Second)) })
	g.Go(func() error { return sockets.Run(ctx) })
	g.Go(func() error { return b.watchSlack(ctx) })
	err = g.Wait()
	handler.Wait()
	return err
}

// putBack tells everybody that a pause which Redis had forgotten holds again.
func (b *Bot) putBack(flag, by string) {
	if flag != calls.PauseFlag {
		return
	}
	go func() {
		m := view.PauseBack(by)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, _, err := b.slack.PostMessageContext(ctx, b.cfg.SlackChannel, slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...))
		if err != nil {
			b.log.Warn("a pause that was put back is told to nobody", "channel", b.cfg.SlackChannel, "error", err)
		}
	}()
}

// directory looks people up in a workspace, or in an organisation.
func (b *Bot) directory(team string) *people.Directory {
	return people.New(b.slack, people.Config{Team: team, Groups: b.cfg.groups(), Now: b.parts.Now, Missing: func(group string, err error) {
		b.log.Error("a user group that decides has no members: it does not exist or is disabled", "group", group, "error", err)
	}})
}

// identify asks Slack who this bot is, until Slack says so and it is the workspace
// that the sessions belong to.
func (b *Bot) identify(ctx context.Context) (*slack.AuthTestResponse, error) {
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, b.slackPace.often) {
		if wait > 500*time.Millisecond && sleep(ctx, wait, nil) || ctx.Err() != nil {
			return nil, ctx.Err()
		}
		who, err := b.slack.AuthTestContext(ctx)
		if err == nil {
			err = b.store.Bind(ctx, "workspace", who.TeamID)
		}
		var foreign *session.BoundError
		switch {
		case err == nil:
			b.log.Info("slack knows this bot", "user", who.UserID, "team", who.TeamID)
			return who, nil
		case errors.As(err, &foreign):
			b.health.setSlack(b.notOurs(foreign))
			continue
		case errors.Is(err, session.ErrUnavailable): // readiness says so by itself
			continue
		}
		b.health.setSlack(slackTrouble(err))
	}
}

// pace is how often Slack is asked whether it still knows this bot.
type pace struct {
	seldom time.Duration // while it does
	often  time.Duration // while it does not, or may have answered by accident
}

// productionPace names a dead token within a minute.
var productionPace = pace{seldom: 30 * time.Second, often: 5 * time.Second}

// placesEvery is so many looks at the token to one look at channel and groups.
const placesEvery = 10

// watchSlack keeps the condition of the bot token, the channel and the groups
// until ctx ends.
func (b *Bot) watchSlack(ctx context.Context) error {
	failed := 0
	for looks := 0; ; looks++ {
		err := b.checkScopes(ctx)
		if errors.As(err, new(*slack.RateLimitedError)) { // who limits the rate, answers
			err = nil
		}
		wait, wake := b.slackPace.seldom, b.metrics.refused
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			failed = 0
			b.health.setSlack("")
			if looks%placesEvery == 0 {
				b.checkPlaces(ctx)
			}
		default:
			if failed++; failed > 1 || !passing(err) {
				b.health.setSlack(slackTrouble(err))
				looks = -1 // then look at channel and groups as soon as it is mended
			}
			wait, wake = b.slackPace.often, nil
		}
		if sleep(ctx, wait, wake) {
			return ctx.Err()
		}
	}
}

// slackTrouble says in words why Slack's Web API cannot be used.
func slackTrouble(err error) string {
	var scopes *missingScopes
	switch remedy := slacksocket.Remedy(err); {
	case errors.As(err, &scopes):
		return err.Error()
	case remedy != "":
		return fmt.Sprintf("Slack refuses the bot token: %v: %s", err, remedy)
	}
	return fmt.Sprintf("Slack does not answer: %v", err)
}

// checkPlaces looks at everything else in Slack that an operator has set.
func (b *Bot) checkPlaces(ctx context.Context) {
	for what, check := range map[string]func(context.Context) (string, error){
		"slack_channel": b.checkChannel, "user_groups": b.checkGroups, "approvers": b.checkApprovers,
	} {
		_, err := check(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			b.health.setDegraded(what, "")
		case !passing(err):
			b.health.setDegraded(what, err.Error())
		}
	}
}

// sleep waits, for at most d; it is true when ctx has ended.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) (ended bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	}
	return ctx.Err() != nil
}
