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
	"strings"
	"sync"
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
	GetPermalinkContext(ctx context.Context, params *slack.PermalinkParameters) (string, error)
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
	cards Memory
	slack Slack
	log   *slog.Logger

	mu    sync.Mutex // guards what follows
	until time.Time  // no card can be drawn before: a limit holds
	calm  time.Time  // cards are drawn one by one until then, because a limit held
}

// New wires a Drawer; Run starts it.
func New(cfg Config, store *session.Store, api Slack, log *slog.Logger) *Drawer {
	cfg.Idle = cmp.Or(cfg.Idle, 100*time.Millisecond)
	return &Drawer{cfg: cfg, store: store, cards: Memory{store}, slack: api, log: log}
}

// Run draws until ctx ends, then waits for what is being drawn.
func (d *Drawer) Run(ctx context.Context) error {
	return d.store.Dirty().Work(ctx, session.Work{Lease: d.cfg.Lease, Workers: d.cfg.Workers, Idle: d.cfg.Idle, Do: d.take, Admit: d.admit, Log: d.log})
}

// errLimit says that one of Slack's limits holds: no card can be drawn for a while.
var errLimit = errors.New("limit holds")

// admit leaves cards in the queue, in their order, while a limit holds, and takes
// them one by one for a while after that: whoever is claimed and cannot be drawn is
// drawn in vain.
func (d *Drawer) admit(free int) (int, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	switch {
	case now.Before(d.until):
		return 0, d.until.Sub(now)
	case now.After(d.calm):
		return free, 0
	case free < d.cfg.Workers:
		return 0, d.cfg.Idle
	}
	return 1, 0
}

func (d *Drawer) hold(wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = time.Now().Add(wait)
	d.calm = d.until.Add(d.cfg.Window / 6)
}

// take draws one session and settles its claim, which it renews meanwhile.
func (d *Drawer) take(ctx context.Context, it session.Item) {
	c := &claim{dirty: d.store.Dirty(), it: it, lease: d.cfg.Lease}
	stop := session.KeepLease(ctx, d.cfg.Lease, c.renew)
	defer stop() // also where a bug panics: then the claim lapses
	wait, err := d.alone(ctx, it.ID)
	stop()
	switch {
	case ctx.Err() != nil: // stopping: another replica draws it, now
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = c.dirty.Reschedule(ctx, c.it, -it.Late) // else its lease lapses
		return
	case errors.Is(err, errLimit):
		d.hold(wait)
		wait = -it.Late // back to its place in the queue
	case err != nil:
		d.log.Warn("draw card", "session", it.ID, "error", err)
		wait = d.patience(err)
		if pause := d.pause(ctx, err); pause > 0 {
			d.hold(pause)
			wait = -it.Late
		}
	case wait == 0:
		if _, err := c.dirty.Done(ctx, c.it); err != nil {
			d.log.Warn("card drawn, claim not settled", "session", it.ID, "error", err)
		}
		return
	case wait == more:
		wait = -it.Late
	}
	if _, err := c.dirty.Reschedule(ctx, c.it, wait); err != nil {
		d.log.Warn("reschedule card", "session", it.ID, "error", err)
	}
}

// more means: at once, and in the place in the queue that it has.
const more = time.Nanosecond

// claim is what take has of the queue; its owner is KeepLease until that is stopped.
type claim struct {
	dirty *session.Queue
	it    session.Item
	lease time.Duration
}

func (c *claim) renew(ctx context.Context) bool {
	next, ok, err := c.dirty.Renew(ctx, c.it, c.lease)
	if err == nil && ok {
		c.it = next
	}
	return err != nil || ok // a store that is away is asked again; a lapsed claim is not
}

// busy is how long a drawer waits for another one at the same session.
const busy = 150 * time.Millisecond

// alone draws a session unless somebody else is at it: two drawers would both
// post the milestone that the cursor has not passed yet. The right to draw is
// renewed for as long as Slack takes.
func (d *Drawer) alone(ctx context.Context, id string) (time.Duration, error) {
	end, ok, err := d.store.Draw(ctx, id, d.cfg.Lease)
	if err != nil {
		return 0, err
	}
	if !ok {
		return more, sleep(ctx, busy)
	}
	defer end(context.WithoutCancel(ctx))
	return d.draw(ctx, id)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
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

// passing are Slack's words for what may be over in a moment, by itself. Whatever
// else it says, somebody has to mend something first.
var passing = []string{"", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited", "team_added_to_org"}

// patience is how long to wait after an error: a moment where it may pass by
// itself, half a minute where somebody has to mend something first.
func (d *Drawer) patience(err error) time.Duration {
	if slices.Contains(passing, slackCode(err)) {
		return time.Second
	}
	return max(d.cfg.Window/2, time.Second)
}

// slackCode is what Slack answered; "" when it did not.
func slackCode(err error) string {
	var se slack.SlackErrorResponse
	if errors.As(err, &se) {
		return se.Err
	}
	return ""
}

// vanished reports that the message can never be changed or answered again:
// somebody deleted it, or it is too old for that.
func vanished(err error) bool {
	return slices.Contains([]string{"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"}, slackCode(err))
}

// draw brings card and thread in line. A positive wait means: the limits hold,
// come back then.
func (d *Drawer) draw(ctx context.Context, id string) (time.Duration, error) {
	rec, err := d.store.Load(ctx, id)
	if errors.Is(err, session.ErrNotFound) {
		return d.lost(ctx, id)
	}
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	s, err := upgrade.Decode(rec)
	if err != nil {
		return 0, err
	}
	t, err := d.cards.Card(ctx, id)
	if err != nil {
		return 0, err
	}
	if t.TS == "" {
		t.Channel = d.cfg.Channel
		if parent := s.Parent(); parent != "" {
			up, err := d.cards.Card(ctx, parent)
			if err != nil {
				return 0, err
			}
			if up.TS == "" && s.Distrusted == "" {
				return time.Second, nil // the card above it comes first
			}
			t.Channel, t.Parent = cmp.Or(up.Channel, t.Channel), cmp.Or(up.Parent, up.TS)
		}
	}
	if s.Distrusted != "" {
		return d.distrusted(ctx, s, t)
	}
	news, err := d.store.Journal(ctx, id, t.Cursor, entries)
	if err != nil {
		return 0, err
	}
	wait, err := d.card(ctx, s, &t, slices.ContainsFunc(news, worded))
	if err == nil && wait == 0 {
		wait, err = d.milestones(ctx, s, t, news)
	}
	if err == nil && wait == 0 {
		wait, err = d.believed(ctx, s, t, news)
	}
	if code := slackCode(err); !slices.Contains(passing, code) {
		d.tellElsewhere(ctx, s, t, code)
	}
	return wait, err
}

// A session that is not believed is looked at every lookAgain, by whichever replica,
// until it is, or until nothing is left of it. Its thread is told of each doubt once,
// and that it is believed again when it has been for settled: a doubt that is noted in
// Redis lapses, and stands again as soon as its reason is found again.
const (
	lookAgain = time.Minute
	settled   = 2 * time.Minute
	mostTold  = 8 // doubts that are remembered as told
)

// distrusted draws the card of a session that is not believed, and says so in its
// thread. Its journal is not told: anybody may have written it.
func (d *Drawer) distrusted(ctx context.Context, s upgrade.Session, t Card) (time.Duration, error) {
	told, doubt := strings.Fields(t.Doubt), short([]byte(s.Version()+" "+s.Distrusted))
	news := !slices.Contains(told, doubt)
	if wait, err := d.card(ctx, s, &t, news); err != nil || wait > 0 {
		return wait, err
	}
	if !news && t.Believed.IsZero() {
		return lookAgain, nil
	}
	if news && !s.Ended && s.Revision > 0 { // it may wait for a date, and be counted by nobody
		if err := d.store.Due().Set(ctx, s.ID, 0); err != nil {
			return 0, err
		}
	}
	if news {
		if wait, err := d.say(ctx, s, t, view.Distrusted(s, d.cfg.Policy)); err != nil {
			return wait, err
		}
		told = append(told, doubt)
	}
	told = told[max(0, len(told)-mostTold):]
	return lookAgain, d.cards.ToldDoubt(ctx, s.ID, strings.Join(told, " "), time.Time{})
}

// lost tells the thread of a session that nothing is left of it. Past its retention
// there is nothing to tell.
func (d *Drawer) lost(ctx context.Context, id string) (time.Duration, error) {
	orphaned, err := d.store.Orphaned(ctx, id)
	if err != nil || !orphaned {
		return 0, err
	}
	t, err := d.cards.Card(ctx, id)
	if err != nil || t.TS == "" {
		return 0, err
	}
	return d.distrusted(ctx, upgrade.Lost(id), t)
}

// believed says in the thread of a session that it is believed again, after a while in
// which it was, unless its release says so.
func (d *Drawer) believed(ctx context.Context, s upgrade.Session, t Card, news []session.Entry) (
	time.Duration, error,
) {
	released := slices.ContainsFunc(news, func(e session.Entry) bool {
		return e.Event == session.EventRelease
	})
	switch since := time.Since(t.Believed); {
	case t.Doubt == "":
		return 0, nil
	case released:
	case t.Believed.IsZero():
		return settled, d.cards.ToldDoubt(ctx, s.ID, t.Doubt, time.Now())
	case since < settled:
		return settled - since, nil
	default:
		if wait, err := d.say(ctx, s, t, view.Believed(s)); err != nil {
			return wait, err
		}
	}
	return 0, d.cards.ToldDoubt(ctx, s.ID, "", time.Time{})
}

// say posts in a session's thread; in one that somebody deleted there is nobody to tell.
func (d *Drawer) say(ctx context.Context, s upgrade.Session, t Card, m view.Message) (
	time.Duration, error,
) {
	if wait, err := d.budget(ctx, budgetPosts, postsPerMinute, postBurst); err != nil {
		return wait, err
	}
	root := slack.MsgOptionTS(cmp.Or(t.Parent, t.TS))
	_, _, err := d.slack.PostMessageContext(ctx, t.Channel, append(options(m), root)...)
	if err != nil && !vanished(err) {
		return 0, fmt.Errorf("post milestone: %w", describe(err))
	}
	if err != nil {
		d.log.Error("thread is gone", "session", s.ID, "error", err)
	}
	return 0, nil
}

// dead are Slack's words for a token with which nobody can be told anything.
var dead = []string{"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}

// tellElsewhere writes to whoever asked that Slack does not take the card, once a
// day. The drawer goes on trying.
func (d *Drawer) tellElsewhere(ctx context.Context, s upgrade.Session, t Card, code string) {
	if slices.Contains(dead, code) {
		return
	}
	drawn := t.TS != ""
	mark := fmt.Sprint("unposted ", s.ID, drawn)
	first, err := d.store.SeenWithin(ctx, mark, 24*time.Hour)
	if err != nil || !first {
		return
	}
	m := view.Unposted(s, t.Channel, code, drawn)
	if _, _, err := d.slack.PostMessageContext(ctx, s.By, options(m)...); err != nil {
		d.log.Error("nobody can be told that the card cannot be posted", "session", s.ID, "error", describe(err))
		if err := d.store.Unsee(ctx, mark); err != nil {
			d.log.Warn("unmark what nobody was told", "session", s.ID, "error", err)
		}
	}
}

const (
	budgetPosts   = "slack-posts"
	budgetUpdates = "slack-updates"
)

// card posts or updates the card if it differs from what was last sent, or if
// something is to be told in its thread: a thread is there as long as its card is.
func (d *Drawer) card(ctx context.Context, s upgrade.Session, t *Card, told bool) (time.Duration, error) {
	m := view.Card(s, d.cfg.Policy)
	digest, err := digestOf(m)
	if err != nil || digest == t.Digest && !told {
		return 0, err
	}
	if t.TS == "" {
		return d.post(ctx, s, t, m, digest)
	}
	if wait, err := d.budget(ctx, budgetUpdates, updatesPerMinute, updateBurst); err != nil {
		return wait, err
	}
	_, _, _, err = d.slack.UpdateMessageContext(ctx, t.Channel, t.TS, options(m)...)
	moved := t.Channel != d.cfg.Channel && !slices.Contains(passing, slackCode(err)) && !slices.Contains(dead, slackCode(err))
	switch {
	case (vanished(err) || moved) && (!s.Ended || told):
		return d.replace(ctx, s, t, m, digest, err)
	case vanished(err):
		d.log.Warn("card of an ended session is gone", "session", s.ID, "error", err)
	case err != nil:
		return 0, fmt.Errorf("update card: %w", describe(err))
	}
	return 0, d.drawn(ctx, s, digest)
}

// drawn notes what the card shows.
func (d *Drawer) drawn(ctx context.Context, s upgrade.Session, digest string) error {
	if s.Distrusted != "" {
		return d.cards.DrawnDoubted(ctx, s.ID, digest)
	}
	return d.cards.Drawn(ctx, s.ID, s.Revision, digest)
}

// budget takes one call of a budget of Slack's; errLimit and how long to wait
// where that is used up.
func (d *Drawer) budget(ctx context.Context, name string, perMinute, burst int) (time.Duration, error) {
	wait, err := d.store.TakeBudget(ctx, name, perMinute, d.cfg.Window, burst, 1)
	if err == nil && wait > 0 {
		err = errLimit
	}
	return wait, err
}

func (d *Drawer) post(ctx context.Context, s upgrade.Session, t *Card, m view.Message, digest string) (time.Duration, error) {
	channel, ts, wait, err := d.send(ctx, t, m)
	if err != nil {
		return wait, fmt.Errorf("post card: %w", err)
	}
	winner, won, err := d.cards.Claim(ctx, s.ID, channel, ts, t.Parent)
	if err != nil {
		return 0, err
	}
	if !won { // another replica's post was first; ours stays as a doubled card
		d.log.Warn("doubled card", "session", s.ID, "ts", ts, "card", winner.TS)
		return more, d.store.LinkThread(ctx, channel, ts, s.ID)
	}
	*t = winner
	return 0, d.drawn(ctx, s, digest)
}

// send posts the card into the channel and thread that t names. Where the thread of
// an upgrade is in a channel that takes no posts any more, and the bot has another
// one by now, the card becomes a root there.
func (d *Drawer) send(ctx context.Context, t *Card, m view.Message) (channel, ts string, wait time.Duration, err error) {
	if wait, err := d.budget(ctx, budgetPosts, postsPerMinute, postBurst); err != nil {
		return "", "", wait, err
	}
	opts := options(m)
	if t.Parent != "" {
		opts = append(opts, slack.MsgOptionTS(t.Parent))
	}
	channel, ts, err = d.slack.PostMessageContext(ctx, t.Channel, opts...)
	if code := slackCode(err); t.Channel != d.cfg.Channel && !slices.Contains(passing, code) && !slices.Contains(dead, code) {
		t.Channel, t.Parent = d.cfg.Channel, ""
		channel, ts, err = d.slack.PostMessageContext(ctx, t.Channel, options(m)...)
	}
	return channel, ts, 0, describe(err)
}

// replace posts a new card in the place of one that can be changed no more, and
// says so in its thread to those who are waited for. Somebody may delete that one
// too: at most one a minute.
func (d *Drawer) replace(ctx context.Context, s upgrade.Session, t *Card, m view.Message, digest string, why error) (time.Duration, error) {
	first, err := d.store.SeenWithin(ctx, "replaced "+s.ID, d.cfg.Window)
	if err != nil {
		return 0, err
	}
	if !first {
		return 0, fmt.Errorf("update card: %w", describe(why))
	}
	old := *t
	now := Card{Channel: d.cfg.Channel}
	if t.Channel == d.cfg.Channel {
		now.Parent = t.Parent
	}
	channel, ts, wait, err := d.send(ctx, &now, m)
	if err != nil {
		_ = d.store.Unsee(ctx, "replaced "+s.ID) // else tried again in a minute
		return wait, fmt.Errorf("post card anew: %w", err)
	}
	now.Channel, now.TS = channel, ts
	replaced, err := d.cards.Replace(ctx, s.ID, old, now)
	if err != nil {
		return 0, err
	}
	if !replaced {
		return more, d.store.LinkThread(ctx, channel, ts, s.ID)
	}
	d.log.Warn("card replaced by a new one", "session", s.ID, "error", describe(why))
	*t = Card{Channel: channel, TS: ts, Parent: now.Parent, Revision: old.Revision, Cursor: old.Cursor}
	link := d.permalink(ctx, old.Channel, old.TS)
	note := view.Replaced(s, d.cfg.Policy, link)
	if _, _, err := d.slack.PostMessageContext(ctx, channel, append(options(note), slack.MsgOptionTS(cmp.Or(now.Parent, ts)))...); err != nil {
		d.log.Warn("say that the card is new", "session", s.ID, "error", describe(err))
	}
	return 0, d.drawn(ctx, s, digest)
}

// permalink leads to a message; "" where Slack knows it no more.
func (d *Drawer) permalink(ctx context.Context, channel, ts string) string {
	link, err := d.slack.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: channel, Ts: ts})
	if err != nil {
		return ""
	}
	return link
}

// entries is how many milestones are told at a time.
const entries = 50

func worded(e session.Entry) bool {
	_, ok := view.Milestone(upgrade.Event(e.Event), e.By, e.Note)
	return ok
}

// milestones posts what the journal says beyond the cursor, in order, in the card's
// thread.
func (d *Drawer) milestones(ctx context.Context, s upgrade.Session, t Card, news []session.Entry) (time.Duration, error) {
	for _, e := range news {
		if m, ok := view.Milestone(upgrade.Event(e.Event), e.By, e.Note); ok {
			m = view.Summon(m, view.Summons(s, upgrade.Event(e.Event), e.Data, d.cfg.Policy))
			if wait, err := d.say(ctx, s, t, m); err != nil {
				return wait, err
			}
		}
		if err := d.cards.Milestone(ctx, s.ID, e.Revision); err != nil {
			return 0, err
		}
	}
	if len(news) == entries {
		return more, nil
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
	return short(raw), nil
}

func short(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12])
}

// describe adds Slack's own complaints, which Error() leaves out.
func describe(err error) error {
	var se slack.SlackErrorResponse
	if errors.As(err, &se) && len(se.ResponseMetadata.Messages) > 0 {
		return fmt.Errorf("%w: %v", err, se.ResponseMetadata.Messages)
	}
	return err
}
