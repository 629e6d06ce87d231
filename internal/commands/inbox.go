package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// intent is what somebody decided, as the inbox holds it until it is worked
// off. It carries no response_url, no trigger and no secret. The stored form:
// fields are added, never renamed.
type intent struct {
	Do     deed      `json:"do"`
	User   string    `json:"user"`
	At     place     `json:"at"`
	Origin string    `json:"origin,omitempty"` // the modal's id
	Ref    string    `json:"ref,omitempty"`
	To     string    `json:"to,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Typed  string    `json:"typed,omitempty"`
	Ticked bool      `json:"ticked,omitempty"` // of an approved revert: writers have stopped; of a release: looked in the console
	Files  string    `json:"files,omitempty"`
	Start  time.Time `json:"start,omitzero"`
	On     bool      `json:"on,omitempty"`   // pause: yes; settle: it happened
	Since  time.Time `json:"since,omitzero"` // when it was received
	V      int       `json:"v,omitempty"`    // of the stored form; see intentVersion
}

// intentVersion moves when a field is added without which an intent would be
// carried out wrongly. A replica leaves later ones to those who know them.
const intentVersion = 1

// deed names what is to be done. Stored; never rename one.
type deed string

const (
	doRequest deed = "request"
	doApprove deed = "approve"
	doDeny    deed = "deny"
	doCancel  deed = "cancel"
	doRecheck deed = "recheck"
	doRevert  deed = "revert"
	doSettle  deed = "settle"
	doPause   deed = "pause"
	doRelease deed = "release"
)

// decide records an intent, acknowledges it, and works it off. What cannot be
// recorded in time is not acknowledged, and what is not acknowledged is not carried
// out: the person sees Slack's error and clicks again.
func (h *Handler) decide(ctx context.Context, req *request, i intent) {
	leave, ok := h.inHand.take(deciding, i.User)
	if !ok {
		h.log.Warn("too many decisions of one person in hand; not recorded, so not acknowledged", "user", i.User, "do", i.Do)
		return
	}
	defer leave()
	i.Since, i.V = h.parts.Now().UTC(), intentVersion
	payload, err := json.Marshal(i)
	if err != nil {
		h.log.Error("encode intent", "error", err)
		return
	}
	claim, fresh, err := h.parts.Inbox.Receive(ctx, req.raw.EnvelopeID, payload)
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		h.log.Error("not recorded, so not acknowledged", "envelope", req.raw.EnvelopeID, "do", i.Do, "error", err)
		h.withdraw(ctx, req.raw.EnvelopeID) // its answer may be lost only
		return
	}
	if time.Since(req.received) > ackLatest || !req.ack() {
		h.log.Error("recorded, but not acknowledged; taken back", "envelope", req.raw.EnvelopeID, "do", i.Do)
		if fresh {
			h.withdraw(ctx, req.raw.EnvelopeID)
		}
		return
	}
	if fresh {
		h.workOff(ctx, claim, true)
	}
}

// withdrawFor is how long a withdrawal is tried while the store is away.
const withdrawFor = time.Minute

// withdraw takes an intent back that Slack has shown as failed.
func (h *Handler) withdraw(ctx context.Context, envelope string) {
	h.later(ctx, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, withdrawFor)
		defer cancel()
		for {
			_, err := h.parts.Inbox.Withdraw(ctx, envelope)
			if err == nil {
				return
			}
			select {
			case <-ctx.Done():
				h.log.Error("not acknowledged, and not taken back: it may be carried out", "envelope", envelope, "error", err)
				return
			case <-time.After(withdrawFor / 100):
			}
		}
	})
}

const (
	// giveUp is how long an intent is tried again that cannot be carried out, or that
	// was refused while Slack takes no answer to its person: a decision that Slack
	// showed as taken is carried out, or its person is told why not.
	giveUp = time.Hour

	// maxPanics is how often an intent may panic before its person is told so instead.
	maxPanics = 3
)

// errNewer is a deed that this release does not know.
var errNewer = errors.New("a newer replica received it")

// workOff does what an intent says and answers its person, within its limits and
// what an answer takes; where it takes long its person hears so meanwhile. A failure
// that may pass, and a refusal that nobody hears, leave the claim to lapse, so that
// it is tried again. fresh is false for what another replica left.
func (h *Handler) workOff(ctx context.Context, c Claim, fresh bool) {
	stop := c.Keep(ctx)
	defer stop()
	var i intent
	if err := json.Unmarshal(c.Payload(), &i); err != nil {
		h.log.Error("intent cannot be read; dropped", "error", err)
		h.settle(ctx, c, stop)
		return
	}
	defer func() {
		if r := recover(); r != nil {
			h.panicked(ctx, c, i, r, stop)
		}
	}()
	young := h.parts.Now().Sub(i.Since) < giveUp
	err := h.carryOut(ctx, i, c.Receipt(), fresh)
	switch {
	case errors.Is(err, errNewer) && young:
		h.log.Warn("intent of a newer release; left to it", "do", i.Do, "version", i.V)
		stop()
		if err := c.Leave(ctx); err != nil {
			h.log.Warn("give an intent back", "error", err)
		}
		return
	case errors.Is(err, errNewer):
		err = &upgrade.Refusal{Code: upgrade.Unreachable, Text: "The release of this bot that runs now does not know what you asked for, so it was not done."}
	case errors.Is(err, upgrade.ErrTryAgain) && young:
		h.log.Warn("intent is tried again", "do", i.Do, "session", i.At.Session, "error", err)
		return
	case errors.Is(err, upgrade.ErrTryAgain):
		err = &upgrade.Refusal{Code: upgrade.Unreachable, Text: "What you asked for could not be done for an hour, because this bot could not reach its Redis. It is not tried any more.", Hint: "Look at the card, then ask again."}
	}
	if err != nil && !h.complain(ctx, i.User, i.At, err) && young {
		h.log.Warn("refused, and nobody could be told; tried again", "do", i.Do, "session", i.At.Session, "refusal", err)
		return
	}
	h.settle(ctx, c, stop)
}

// carryOut performs an intent, and says after a while that it is at it.
func (h *Handler) carryOut(ctx context.Context, i intent, receipt int64, fresh bool) (err error) {
	work, cancel := context.WithTimeout(ctx, h.limits.work)
	defer cancel()
	do := func(ctx context.Context) { err = h.perform(ctx, i, receipt) }
	if !fresh { // its person has heard so
		do(work)
		return err
	}
	h.still(work, func(ctx context.Context) { h.tell(ctx, i.User, i.At, stillAt(i.Do)) }, do)
	return err
}

func stillAt(do deed) view.Message {
	if do == doRequest || do == doRevert {
		return view.StillAsking()
	}
	return view.StillWorking()
}

func (h *Handler) settle(ctx context.Context, c Claim, stop func()) {
	stop()
	ctx, cancel := saying(ctx)
	defer cancel()
	if err := c.Done(ctx); err != nil {
		h.log.Warn("intent worked off, claim not settled", "error", err)
	}
}

// panicked leaves an intent that panicked to be tried again, a few times; then its
// person is told, and it is not tried any more.
func (h *Handler) panicked(ctx context.Context, c Claim, i intent, r any, stop func()) {
	h.log.Error("intent panicked", "do", i.Do, "session", i.At.Session, "panic", r, "stack", string(debug.Stack()))
	stop()
	count, cancel := saying(ctx)
	defer cancel()
	n, err := c.Failed(count)
	if err != nil || n < maxPanics {
		return // somebody else has it, or will
	}
	defer h.settle(ctx, c, stop)
	defer h.survive("answer panicked")
	h.complain(ctx, i.User, i.At, &upgrade.Refusal{Code: upgrade.Unreachable,
		Text: "An error in this bot keeps it from doing what you asked for. It was tried three times and is not tried any more.",
		Hint: "Look at the card before you ask again, and tell whoever runs this bot."})
}

// Adopt works off what other replicas received and left, until ctx ends.
func (h *Handler) Adopt(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for away := false; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		room := h.cfg.Workers - int(h.adopted.Load())
		if room <= 0 {
			continue
		}
		claims, err := h.parts.Inbox.Abandoned(ctx, room)
		if err != nil && !away && ctx.Err() == nil { // said once: it lasts as long as the store is away
			h.log.Warn("look for abandoned intents; trying on", "error", err)
		}
		away = err != nil
		for _, c := range claims {
			h.log.Info("working off what another replica left")
			h.adopted.Add(1)
			h.later(ctx, func(ctx context.Context) {
				defer h.adopted.Add(-1)
				h.workOff(ctx, c, false)
			})
		}
	}
}

// perform carries an intent out. Doing one twice is harmless: requests open
// nothing twice, votes count once.
func (h *Handler) perform(ctx context.Context, i intent, receipt int64) error {
	if i.V > intentVersion {
		return errNewer
	}
	voter, err := h.parts.Roles.Voter(ctx, i.User)
	voter.Known = h.known(i.User, err) && voter.Known // an unknown one is refused in words below
	e := h.parts.Engine
	click := upgrade.Click{Session: i.At.Session, Ask: i.At.Ask, By: voter, Reason: i.Reason, Typed: i.Typed, WritersStopped: i.Ticked}
	switch i.Do {
	case doRequest:
		ref, err := upgrade.ParseRef(i.Ref)
		if err != nil {
			return err
		}
		_, err = e.Propose(ctx, upgrade.Request{Origin: i.Origin, By: voter, Ref: ref, To: i.To, Reason: i.Reason, NotBefore: i.Start, Home: i.At.Channel})
		return err
	case doApprove:
		_, err = e.Approve(ctx, click)
	case doDeny:
		_, err = e.Deny(ctx, click)
	case doCancel:
		_, err = e.Cancel(ctx, i.At.Session, voter)
	case doRecheck:
		_, err = e.Recheck(ctx, i.At.Session, voter)
	case doRevert:
		_, err = e.ProposeRevert(ctx, upgrade.RevertRequest{Origin: i.Origin, Upgrade: i.At.Session, By: voter, Files: i.Files, Name: i.Typed, Reason: i.Reason, Home: i.At.Channel})
	case doSettle:
		_, err = e.Settle(ctx, click, i.On)
	case doRelease:
		missing, err := e.Release(ctx, i.At.Session, i.At.Record, voter)
		return h.released(ctx, i, missing, err)
	case doPause:
		return h.paused(ctx, i, e.PauseInOrder(ctx, voter, i.On, receipt))
	default:
		return fmt.Errorf("unknown deed %q: %w", i.Do, errNewer)
	}
	return err
}

// paused tells everybody who waits for something, in the bot's channel; who typed it
// elsewhere, or could not be heard there, is answered privately too.
func (h *Handler) paused(ctx context.Context, i intent, err error) error {
	if err != nil {
		return err
	}
	news, word := view.PauseNews(i.User, i.On), ""
	saying, cancel := saying(ctx)
	defer cancel()
	if _, _, err := h.parts.Slack.PostMessageContext(saying, h.cfg.Channel, slack.MsgOptionText(news.Text, false), slack.MsgOptionBlocks(news.Blocks...)); err != nil {
		word = cmp.Or(slackCode(err), "nothing")
		h.log.Warn("a pause or resume is told to one person only", "channel", h.cfg.Channel, "error", explained(err))
	}
	if word != "" || i.At.Channel != h.cfg.Channel {
		h.tell(ctx, i.User, i.At, view.PauseAnswer(h.cfg.Channel, i.On, word))
	}
	return nil
}

// released tells whoever vouched for a record how many more have to, and so its thread.
// That it is believed again its milestone tells.
func (h *Handler) released(ctx context.Context, i intent, missing int, err error) error {
	if err != nil {
		return err
	}
	if missing == 0 {
		h.tell(ctx, i.User, i.At, view.ReleasedAnswer())
		return nil
	}
	m := view.Vouched(i.At.Session, i.User, missing, h.cfg.Policy)
	say, cancel := saying(ctx)
	defer cancel()
	channel, root, err := h.parts.Threads.ThreadOf(say, i.At.Session)
	if err == nil && root != "" {
		_, _, err = h.parts.Slack.PostMessageContext(say, channel, slack.MsgOptionText(m.Text, false),
			slack.MsgOptionBlocks(m.Blocks...), slack.MsgOptionTS(root))
	}
	if err != nil || root == "" {
		h.log.Warn("a release is told to one person only", "session", i.At.Session, "error", explained(err))
	}
	h.tell(ctx, i.User, i.At, view.Released(i.At.Session, missing))
	return nil
}
