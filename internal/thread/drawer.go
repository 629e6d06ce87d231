package thread

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// Slack is what a Drawer needs of a *slack.Client.
type Slack interface {
	PostMessageContext(ctx context.Context, channel string, options ...slack.MsgOption) (string, string, error)
	UpdateMessageContext(ctx context.Context, channel, ts string, options ...slack.MsgOption) (string, string, string, error)
}

// Config is what a Drawer needs to know.
type Config struct {
	Channel string        // where cards go
	Policy  view.Policy   // who decides, for the cards
	Lease   time.Duration // how long a claimed card is left to its replica
	Window  time.Duration // the minute that Slack's limits count in; the sandbox shortens it
	Workers int
	Idle    time.Duration // longest sleep between two looks for what is to be drawn; zero: a tenth of a second
}

// Slack's limits, a little under what it documents. Per workspace and channel.
const (
	updatesPerMinute = 45
	updateBurst      = 10
	postsPerMinute   = 55 // about one a second and channel
	postBurst        = 4
)

// Drawer draws.
type Drawer struct {
	cfg   Config
	store *session.Store
	slack Slack
	log   *slog.Logger
}

// New wires a Drawer; Run starts it.
func New(cfg Config, store *session.Store, api Slack, log *slog.Logger) *Drawer {
	cfg.Idle = cmp.Or(cfg.Idle, 100*time.Millisecond)
	return &Drawer{cfg: cfg, store: store, slack: api, log: log}
}

// Run draws until ctx ends, then waits for what is being drawn.
func (d *Drawer) Run(ctx context.Context) error {
	return d.store.Dirty().Work(ctx, session.Work{Lease: d.cfg.Lease, Workers: d.cfg.Workers, Idle: d.cfg.Idle, Do: d.take, Log: d.log})
}

// take draws one session and settles its claim.
func (d *Drawer) take(ctx context.Context, it session.Item) {
	wait, err := d.alone(ctx, it.ID)
	switch {
	case ctx.Err() != nil: // stopping: another replica draws it, now
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = d.store.Dirty().Reschedule(ctx, it, 0) // else its lease lapses
		return
	case err != nil:
		d.log.Warn("draw card", "session", it.ID, "error", err)
		wait = max(d.pause(ctx, err), d.patience(err))
	case wait == 0:
		if _, err := d.store.Dirty().Done(ctx, it); err != nil {
			d.log.Warn("card drawn, claim not settled", "session", it.ID, "error", err)
		}
		return
	}
	if _, err := d.store.Dirty().Reschedule(ctx, it, wait); err != nil {
		d.log.Warn("reschedule card", "session", it.ID, "error", err)
	}
}

// busy is how long a drawer waits for another one at the same session.
const busy = 150 * time.Millisecond

// alone draws a session unless somebody else is at it: two drawers would both
// post the milestone that the cursor has not passed yet.
func (d *Drawer) alone(ctx context.Context, id string) (time.Duration, error) {
	end, ok, err := d.store.Draw(ctx, id, d.cfg.Lease)
	if err != nil {
		return 0, err
	}
	if !ok {
		return busy, nil
	}
	defer end(context.WithoutCancel(ctx))
	return d.draw(ctx, id)
}

// pause holds all replicas back when Slack asked for it.
func (d *Drawer) pause(ctx context.Context, err error) time.Duration {
	var limited *slack.RateLimitedError
	if !errors.As(err, &limited) {
		return 0
	}
	for _, budget := range []string{budgetPosts, budgetUpdates} {
		if err := d.store.SetBudgetPause(ctx, budget, limited.RetryAfter); err != nil {
			d.log.Warn("pause slack budget", "error", err)
		}
	}
	return limited.RetryAfter
}

// patience is how long to wait after an error: a moment where it may pass by
// itself, half a minute where somebody has to mend something first.
func (d *Drawer) patience(err error) time.Duration {
	switch code := slackCode(err); code {
	case "", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited":
		return time.Second
	default:
		return max(d.cfg.Window/2, time.Second)
	}
}

// slackCode is what Slack answered; "" when it did not.
func slackCode(err error) string {
	var se slack.SlackErrorResponse
	if errors.As(err, &se) {
		return se.Err
	}
	return ""
}

// vanished reports that the message is no longer there to be changed or
// answered: somebody deleted it. Trying again would not bring it back.
func vanished(err error) bool {
	return slices.Contains([]string{"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"}, slackCode(err))
}

// draw brings card and thread in line. A positive wait means: the limits hold,
// come back then.
func (d *Drawer) draw(ctx context.Context, id string) (time.Duration, error) {
	rec, err := d.store.Load(ctx, id)
	if errors.Is(err, session.ErrNotFound) {
		return 0, nil // past its retention
	}
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	s, err := upgrade.Decode(rec)
	if err != nil {
		return 0, err
	}
	t, err := d.store.Thread(ctx, id)
	if err != nil {
		return 0, err
	}
	if t.Parent == "" && s.Kind == upgrade.KindRevert {
		up, err := d.store.Thread(ctx, s.Link)
		if err != nil {
			return 0, err
		}
		if up.TS == "" {
			return time.Second, nil // its upgrade's card comes first
		}
		t.Parent = up.TS
	}
	wait, err := d.card(ctx, s, &t)
	if err == nil && wait == 0 {
		wait, err = d.milestones(ctx, s, t)
	}
	if code := slackCode(err); slices.Contains(shut, code) {
		d.tellElsewhere(ctx, s, t, code)
	}
	return wait, err
}

// shut are Slack's words for a channel in which the bot cannot post. It goes on
// trying, but people must hear of it in another place.
var shut = []string{"is_archived", "is_inactive", "not_in_channel", "channel_not_found", "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_locked"}

// tellElsewhere writes to whoever asked, once a day.
func (d *Drawer) tellElsewhere(ctx context.Context, s upgrade.Session, t session.Thread, code string) {
	drawn := t.TS != ""
	first, err := d.store.SeenWithin(ctx, fmt.Sprint("unposted ", s.ID, code, drawn), 24*time.Hour)
	if err != nil || !first {
		return
	}
	m := view.Unposted(s, cmp.Or(t.Channel, d.cfg.Channel), code, drawn)
	if _, _, err := d.slack.PostMessageContext(ctx, s.By, options(m)...); err != nil {
		d.log.Error("nobody can be told that the channel is shut", "session", s.ID, "error", describe(err))
	}
}

const (
	budgetPosts   = "slack-posts"
	budgetUpdates = "slack-updates"
)

// card posts or updates the card if it differs from what was last sent.
func (d *Drawer) card(ctx context.Context, s upgrade.Session, t *session.Thread) (time.Duration, error) {
	m := view.Card(s, d.cfg.Policy)
	digest, err := digestOf(m)
	if err != nil || digest == t.Digest {
		return 0, err
	}
	if t.TS == "" {
		return d.post(ctx, s, t, m, digest)
	}
	if wait, err := d.store.TakeBudget(ctx, budgetUpdates, updatesPerMinute, d.cfg.Window, updateBurst, 1); err != nil || wait > 0 {
		return wait, err
	}
	_, _, _, err = d.slack.UpdateMessageContext(ctx, t.Channel, t.TS, options(m)...)
	if vanished(err) {
		d.log.Error("the card is gone; its thread goes on", "session", s.ID, "error", err)
		err = nil
	}
	if err != nil {
		return 0, fmt.Errorf("update card: %w", describe(err))
	}
	return 0, d.store.Drawn(ctx, s.ID, s.Revision, digest)
}

func (d *Drawer) post(ctx context.Context, s upgrade.Session, t *session.Thread, m view.Message, digest string) (time.Duration, error) {
	if wait, err := d.store.TakeBudget(ctx, budgetPosts, postsPerMinute, d.cfg.Window, postBurst, 1); err != nil || wait > 0 {
		return wait, err
	}
	opts := options(m)
	if t.Parent != "" {
		opts = append(opts, slack.MsgOptionTS(t.Parent))
	}
	channel, ts, err := d.slack.PostMessageContext(ctx, d.cfg.Channel, opts...)
	if err != nil {
		return 0, fmt.Errorf("post card: %w", describe(err))
	}
	winner, won, err := d.store.ClaimReply(ctx, s.ID, channel, ts, t.Parent)
	if err != nil {
		return 0, err
	}
	if !won { // another replica's post was first; ours stays as a doubled card
		d.log.Warn("doubled card", "session", s.ID, "ts", ts, "card", winner.TS)
		return time.Millisecond, d.store.LinkThread(ctx, channel, ts, s.ID)
	}
	*t = winner
	return 0, d.store.Drawn(ctx, s.ID, s.Revision, digest)
}

// milestones posts what the journal says beyond the cursor, in order.
func (d *Drawer) milestones(ctx context.Context, s upgrade.Session, t session.Thread) (time.Duration, error) {
	entries, err := d.store.Journal(ctx, s.ID, t.Cursor, 50)
	if err != nil {
		return 0, err
	}
	root := t.TS
	if t.Parent != "" {
		root = t.Parent
	}
	for _, e := range entries {
		if m, ok := view.Milestone(upgrade.Event(e.Event), e.By, e.Note); ok {
			if wait, err := d.store.TakeBudget(ctx, budgetPosts, postsPerMinute, d.cfg.Window, postBurst, 1); err != nil || wait > 0 {
				return wait, err
			}
			m = view.Summon(m, view.Summons(s, upgrade.Event(e.Event), e.Data, d.cfg.Policy))
			_, _, err := d.slack.PostMessageContext(ctx, t.Channel, append(options(m), slack.MsgOptionTS(root))...)
			if vanished(err) {
				d.log.Error("the thread is gone", "session", s.ID, "error", err)
				err = nil
			}
			if err != nil {
				return 0, fmt.Errorf("post milestone: %w", describe(err))
			}
		}
		if err := d.store.Milestone(ctx, s.ID, e.Revision); err != nil {
			return 0, err
		}
	}
	if len(entries) == 50 {
		return time.Millisecond, nil
	}
	return 0, nil
}

func options(m view.Message) []slack.MsgOption {
	opts := []slack.MsgOption{slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl()}
	if m.Metadata.EventType != "" {
		opts = append(opts, slack.MsgOptionMetadata(m.Metadata))
	}
	return opts
}

func digestOf(m view.Message) (string, error) {
	raw, err := json.Marshal([]any{m.Text, m.Blocks, m.Metadata})
	if err != nil {
		return "", fmt.Errorf("encode card: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12]), nil
}

// describe adds Slack's own complaints, which Error() leaves out.
func describe(err error) error {
	var se slack.SlackErrorResponse
	if errors.As(err, &se) && len(se.ResponseMetadata.Messages) > 0 {
		return fmt.Errorf("%w: %v", err, se.ResponseMetadata.Messages)
	}
	return err
}
