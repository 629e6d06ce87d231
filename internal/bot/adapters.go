package bot

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/people"
	"github.com/redis-upgrade/bot/internal/session"
)

// What one part needs of another it declares as a small interface at its own
// side; here is where they meet.

// limiter shares Redis Cloud's budget among all replicas.
type limiter struct {
	store  *session.Store
	window time.Duration
	lines  [len(reserves)]chan struct{} // by class: holds whoever asks the store
}

func newLimiter(store *session.Store, window time.Duration) *limiter {
	l := &limiter{store: store, window: window}
	for i := range l.lines {
		l.lines[i] = make(chan struct{}, 1)
	}
	return l
}

// Redis Cloud allows 400 calls a minute and key in fixed windows; a burst on
// the edge of two windows must not reach that.
const (
	cloudBudget         = "redis-cloud"
	cloudCallsPerMinute = 300
	cloudBurst          = 80
)

// reserves is how much of the burst each class leaves to those above it.
var reserves = [...]int{cloud.ClassRestore: 0, cloud.ClassWork: 20, cloud.ClassCheck: 30, cloud.ClassPerson: 40, cloud.ClassRefresh: 50}

// Wait takes cost calls from the budget, or waits for them. Of each class only
// one request asks the store; the others line up behind it, in order of arrival.
func (l *limiter) Wait(ctx context.Context, cost int) error {
	class := cloud.ClassOf(ctx)
	line := l.lines[class]
	select {
	case <-ctx.Done():
		return ctx.Err()
	case line <- struct{}{}:
		defer func() { <-line }()
	}
	for {
		wait, err := l.store.TakeBudget(ctx, cloudBudget, cloudCallsPerMinute, l.window, cloudBurst, cost, reserves[class])
		if err != nil || wait <= 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// Pause holds every replica back.
func (l *limiter) Pause(ctx context.Context, d time.Duration) {
	_ = l.store.SetBudgetPause(ctx, cloudBudget, d) // without Redis nobody calls anyway
}

// slackClient has a transport of its own: the default one has no timeout and
// keeps two connections per host.
func slackClient(cfg Config, parts Parts, around func(http.RoundTripper) http.RoundTripper) *slack.Client {
	dial := parts.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dial, MaxIdleConns: 64, MaxIdleConnsPerHost: 64,
		IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true}
	url := cfg.SlackAPIURL
	if url[len(url)-1] != '/' {
		url += "/" // slack-go concatenates
	}
	return slack.New(cfg.SlackBotToken, slack.OptionAppLevelToken(cfg.SlackAppToken), slack.OptionAPIURL(url),
		slack.OptionHTTPClient(&http.Client{Transport: around(transport), Timeout: 10 * time.Second}))
}

// roles says what people may do: who they are comes from Slack, what that
// means from the configuration. Until know was called nobody is known.
type roles struct {
	cfg       Config
	directory atomic.Pointer[people.Directory]
}

// know says where people are looked up from now on.
func (r *roles) know(d *people.Directory) { r.directory.Store(d) }

func (c Config) groups() []string {
	out := append([]string{}, c.ApproverGroups...)
	out = append(out, c.RequesterGroups...)
	if c.OnCallGroup != "" {
		out = append(out, c.OnCallGroup)
	}
	return out
}

// Voter answers from Slack's word of less than a minute ago. With an error the
// voter is unknown and may do nothing.
func (r *roles) Voter(ctx context.Context, user string) (approvals.Voter, error) {
	return r.Under(ctx, user, r.cfg.rule(approvals.Policy{}))
}

// Under is Voter by a rule, which may name groups that are not configured now.
func (r *roles) Under(ctx context.Context, user string, rule approvals.Policy) (approvals.Voter, error) {
	directory := r.directory.Load()
	if directory == nil {
		return approvals.Voter{ID: user, Name: user}, fmt.Errorf("%w: it has not said yet who this bot is", people.ErrUnknown)
	}
	isUser := func(id string) bool { return !strings.HasPrefix(id, "S") }
	p, err := directory.Lookup(ctx, user, slices.DeleteFunc(slices.Concat(rule.Approvers, rule.OnCall), isUser)...)
	if err != nil {
		return approvals.Voter{ID: user, Name: user}, err
	}
	v := approvals.Voter{ID: p.ID, Name: p.Name, Guest: p.Guest, Bot: p.Bot, Deactivated: p.Deactivated, Foreign: p.Foreign, Known: p.Known}
	v.Approver = p.In(rule.Approvers...) || slices.ContainsFunc(rule.Approvers, p.Is)
	v.OnCall = p.In(rule.OnCall...)
	v.Member = len(r.cfg.RequesterGroups) == 0 || p.In(r.cfg.RequesterGroups...)
	return v, nil
}

// A person may have Redis Cloud looked at so often in a window, by all replicas
// together: upgrades and reverts at work need its budget more.
const (
	lookups     = 12
	lookupBurst = 6
)

// lookup takes one of a person's look-ups; while the store does not answer there
// are none.
func (b *Bot) lookup(ctx context.Context, user string) bool {
	wait, err := b.store.TakeBudget(ctx, "lookups:"+user, lookups, b.cfg.RateWindow, lookupBurst, 1)
	return err == nil && wait <= 0
}
