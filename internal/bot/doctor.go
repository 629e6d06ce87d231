package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
)

// Scopes are what the bot user needs, as in manifest.yml.
var Scopes = []string{"commands", "chat:write", "app_mentions:read", "users:read", "usergroups:read", "im:write", "channels:read", "groups:read"}

// ErrUnhealthy says that Doctor found something to mend.
var ErrUnhealthy = errors.New("something has to be mended")

// Doctor checks everything that an upgrade will depend on and says how to
// mend what is wrong: a line for each fault. It changes nothing.
func Doctor(ctx context.Context, cfg Config, parts Parts, out io.Writer) error {
	b, err := assemble(cfg, parts, true)
	if err != nil {
		return err
	}
	defer b.rdb.Close()
	defer b.cloud.Close()
	d := &doctor{bot: b, out: out, failed: map[string]bool{}}
	for _, c := range []check{
		{"configuration", "", d.configuration}, {"Slack bot token", "", d.botToken}, {"Slack app token", "", d.appToken},
		{"Slack channel", "Slack bot token", b.checkChannel}, {"user groups", "Slack bot token", b.checkGroups}, {"approvers", "Slack bot token", b.checkApprovers},
		{"Redis", "", d.redis}, {"Redis settings", "Redis", d.redisSettings}, {"sessions", "Redis", d.sessions},
		{"Redis Cloud keys", "", d.cloudKeys}, {"subscriptions", "Redis Cloud keys", b.checkScope}, {"own Redis", "Redis Cloud keys", d.ownStore}, {"mode", "", d.mode},
	} {
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		d.say(ctx, c)
		cancel()
	}
	if d.wrong > 0 {
		return fmt.Errorf("%w: %d of the checks above", ErrUnhealthy, d.wrong)
	}
	return nil
}

// check is one thing that the doctor looks at.
type check struct {
	name  string
	needs string // another check without which this one can find nothing
	run   func(context.Context) (string, error)
}

type doctor struct {
	bot    *Bot
	out    io.Writer
	failed map[string]bool
	wrong  int
}

func (d *doctor) say(ctx context.Context, c check) {
	if d.failed[c.needs] {
		d.failed[c.name] = true
		fmt.Fprintf(d.out, "--    %-17s not checked: it needs the %s\n", c.name, c.needs)
		return
	}
	found, err := c.run(ctx)
	mark, text := "ok  ", found
	if err != nil {
		mark, text = "MEND", err.Error()
		d.failed[c.name] = true
		d.wrong++
	}
	fmt.Fprintf(d.out, "%s  %-17s %s\n", mark, c.name, text)
}

// configuration shows what a misspelt variable would change.
func (d *doctor) configuration(context.Context) (string, error) {
	c := d.bot.cfg
	return fmt.Sprintf("version %s, MODE=%s, subscriptions %s, channel %s, approvers %s (%d must approve), prefix %s", cmp.Or(d.bot.parts.Version, "unknown"),
		c.Mode, c.scope(), c.SlackChannel, c.deciders(), c.ApprovalsRequired, c.RedisPrefix), nil
}

// sessions verifies the journal of everything that is under way.
func (d *doctor) sessions(ctx context.Context) (string, error) {
	open, err := d.bot.store.List(ctx, true, 0)
	if err != nil {
		return "", err
	}
	var wrong []string
	for _, r := range open {
		if err := d.bot.store.Verify(ctx, r.ID); errors.Is(err, session.ErrTampered) {
			wrong = append(wrong, fmt.Sprintf("%v (bot verify %s shows it)", err, r.ID))
		} else if err != nil && !errors.Is(err, session.ErrNotFound) {
			return "", err
		}
	}
	if len(wrong) > 0 {
		return "", errors.New(strings.Join(wrong, "; "))
	}
	return fmt.Sprintf("%d under way, each as its journal says", len(open)), nil
}

func (d *doctor) botToken(ctx context.Context) (string, error) {
	who, err := d.bot.authTest(ctx)
	switch {
	case errors.As(err, new(*missingScopes)):
		return "", err
	case err != nil && passing(err):
		return "", fmt.Errorf("%w: Slack does not answer at %s", err, d.bot.cfg.SlackAPIURL)
	case err != nil:
		return "", fmt.Errorf("%w: set SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-…) of OAuth & Permissions", err)
	}
	return fmt.Sprintf("%s in %s", who.User, who.Team), nil
}

func (d *doctor) appToken(ctx context.Context) (string, error) {
	if _, _, err := d.bot.slack.StartSocketModeContext(ctx); err != nil {
		return "", fmt.Errorf("%w: set SLACK_APP_TOKEN to an app-level token (xapp-…) with connections:write, and switch Socket Mode on", err)
	}
	return "Socket Mode opens", nil
}

func (d *doctor) redis(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	if err := d.bot.store.Ping(ctx); err != nil {
		return "", fmt.Errorf("%w: is REDIS_URL right, and reachable from here? %s", err, tlsHint(d.bot.cfg.RedisURL))
	}
	return "answers", nil
}

// redisTimeout is how long the doctor waits for Redis.
const redisTimeout = 5 * time.Second

// tlsHint says what to try where a server answers nothing that can be understood.
func tlsHint(url string) string {
	if strings.HasPrefix(url, "rediss") {
		return "If that port speaks no TLS, write redis:// in place of rediss://."
	}
	return "If that port speaks TLS only, write rediss:// in place of redis://."
}

func (d *doctor) redisSettings(ctx context.Context) (string, error) {
	problems, notes, err := d.bot.store.Check(ctx)
	if err != nil {
		return "", err
	}
	if len(problems) > 0 {
		return "", errors.New(strings.Join(append(problems, notes...), "; "))
	}
	if len(notes) > 0 {
		return strings.Join(notes, "; "), nil
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

// ownStore reads the account when the address alone does not tell.
func (d *doctor) ownStore(ctx context.Context) (string, error) {
	if !d.bot.storeIsHere() && d.bot.cfg.RedisStoreDatabaseID == "" {
		if err := d.bot.inventory.Refresh(ctx); err != nil {
			return "", err
		}
	}
	return d.bot.checkStore(ctx)
}

func (d *doctor) mode(context.Context) (string, error) {
	if d.bot.cfg.OnCallGroup == "" {
		return "", errors.New("ONCALL_GROUP is not set: nobody could settle an unknown call, cancel for others, or pause")
	}
	return d.bot.cfg.Mode, nil
}
