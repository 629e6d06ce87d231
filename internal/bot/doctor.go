package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// Scopes are what the bot user needs, as in manifest.yml.
var Scopes = []string{"commands", "chat:write", "app_mentions:read", "users:read", "usergroups:read", "im:write", "channels:read", "groups:read"}

// ErrUnhealthy says that Doctor found something to mend.
var ErrUnhealthy = errors.New("something has to be mended")

// Doctor checks everything that an upgrade will depend on and says how to
// mend what is wrong. It changes nothing.
func Doctor(ctx context.Context, cfg Config, out io.Writer) error {
	b, err := New(cfg, Parts{})
	if err != nil {
		return err
	}
	defer b.rdb.Close()
	defer b.cloud.Close()
	d := &doctor{bot: b, out: out}
	for _, check := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"Slack bot token", d.botToken}, {"Slack app token", d.appToken}, {"Slack channel", d.channel}, {"user groups", d.groups},
		{"Redis", d.redis}, {"Redis settings", d.redisSettings}, {"Redis Cloud keys", d.cloudKeys}, {"mode", d.mode},
	} {
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		d.say(check.name, check.run, ctx)
		cancel()
	}
	if d.wrong > 0 {
		return fmt.Errorf("%w: %d of the checks above", ErrUnhealthy, d.wrong)
	}
	return nil
}

type doctor struct {
	bot   *Bot
	out   io.Writer
	wrong int
}

func (d *doctor) say(name string, run func(context.Context) (string, error), ctx context.Context) {
	found, err := run(ctx)
	mark, text := "ok  ", found
	if err != nil {
		mark, text = "MEND", err.Error()
		d.wrong++
	}
	fmt.Fprintf(d.out, "%s  %-17s %s\n", mark, name, text)
}

func (d *doctor) botToken(ctx context.Context) (string, error) {
	who, err := d.bot.slack.AuthTestContext(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: set SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-…) of OAuth & Permissions", err)
	}
	granted := strings.FieldsFunc(who.Header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	var missing []string
	for _, s := range Scopes {
		if !slices.Contains(granted, s) {
			missing = append(missing, s)
		}
	}
	if len(granted) > 0 && len(missing) > 0 {
		return "", fmt.Errorf("scopes missing: %s; add them (or update the app from manifest.yml) and install the app again", strings.Join(missing, ", "))
	}
	return fmt.Sprintf("%s in %s", who.User, who.Team), nil
}

func (d *doctor) appToken(ctx context.Context) (string, error) {
	if _, _, err := d.bot.slack.StartSocketModeContext(ctx); err != nil {
		return "", fmt.Errorf("%w: set SLACK_APP_TOKEN to an app-level token (xapp-…) with connections:write, and switch Socket Mode on", err)
	}
	return "Socket Mode opens", nil
}

func (d *doctor) channel(ctx context.Context) (string, error) {
	c, err := d.bot.slack.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: d.bot.cfg.SlackChannel})
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: SLACK_CHANNEL must be the id (C…) of a channel that the bot can see", err)
	case c.IsArchived:
		return "", fmt.Errorf("#%s is archived: choose another SLACK_CHANNEL", c.Name)
	case c.IsExtShared:
		return "", fmt.Errorf("#%s is shared with other workspaces: choose a channel of your own", c.Name)
	case !c.IsMember:
		return "", fmt.Errorf("the bot is not in #%s: type /invite @redis-upgrade there", c.Name)
	}
	return "#" + c.Name, nil
}

func (d *doctor) groups(ctx context.Context) (string, error) {
	var found []string
	for _, g := range d.bot.cfg.groups() {
		members, err := d.bot.slack.GetUserGroupMembersContext(ctx, g)
		if err != nil {
			return "", fmt.Errorf("group %s: %w: is the id right (S…), and is it of this workspace?", g, err)
		}
		if len(members) == 0 {
			return "", fmt.Errorf("group %s has no members, so nobody could decide", g)
		}
		found = append(found, fmt.Sprintf("%s (%d people)", g, len(members)))
	}
	if len(found) == 0 {
		return "none; approvers are named by APPROVER_USERS", nil
	}
	return strings.Join(found, ", "), nil
}

func (d *doctor) redis(ctx context.Context) (string, error) {
	if err := d.bot.store.Ping(ctx); err != nil {
		return "", fmt.Errorf("%w: is REDIS_URL right, and reachable from here?", err)
	}
	return "answers", nil
}

func (d *doctor) redisSettings(ctx context.Context) (string, error) {
	problems, err := d.bot.store.Check(ctx)
	if err != nil {
		return "", err
	}
	if len(problems) > 0 {
		return "", errors.New(strings.Join(problems, "; "))
	}
	return "nothing is evicted, and it is persisted", nil
}

func (d *doctor) cloudKeys(ctx context.Context) (string, error) {
	account, err := d.bot.cloud.Account(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: check REDIS_CLOUD_API_KEY, REDIS_CLOUD_SECRET_KEY, the key's CIDR allow list, and that the API is enabled", err)
	}
	return fmt.Sprintf("account %d %s (that the key's owner may change things is seen only when something is changed)", account.ID, account.Name), nil
}

func (d *doctor) mode(context.Context) (string, error) {
	if d.bot.cfg.OnCallGroup == "" {
		return "", errors.New("ONCALL_GROUP is not set: nobody could settle an unknown call, cancel for others, or pause")
	}
	return d.bot.cfg.Mode, nil
}
