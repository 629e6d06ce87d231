package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	Files  string    `json:"files,omitempty"`
	Start  time.Time `json:"start,omitzero"`
	On     bool      `json:"on,omitempty"`   // pause: yes; settle: it happened
	Since  time.Time `json:"since,omitzero"` // when it was received
}

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
)

// decide records an intent, acknowledges it, and works it off. What cannot be
// recorded is not acknowledged: the person sees Slack's error and clicks again.
func (h *Handler) decide(ctx context.Context, req *request, i intent) {
	i.Since = h.parts.Now().UTC()
	payload, err := json.Marshal(i)
	if err != nil {
		h.log.Error("encode intent", "error", err)
		return
	}
	record, cancel := context.WithTimeout(ctx, recordTimeout)
	claim, fresh, err := h.parts.Inbox.Receive(record, req.raw.EnvelopeID, payload)
	cancel()
	if err != nil {
		h.log.Error("not recorded, so not acknowledged", "envelope", req.raw.EnvelopeID, "do", i.Do, "error", err)
		return
	}
	req.ack()
	if fresh {
		h.workOff(ctx, claim)
	}
}

// untold is how long an intent that was refused is tried again while Slack takes
// no answer to its person: a decision that Slack showed as taken is carried out,
// or its person is told why not.
const untold = time.Hour

// workOff does what an intent says and answers its person. A failure that may
// pass, and a refusal that nobody hears, leave the claim to lapse, so that it is
// tried again.
func (h *Handler) workOff(ctx context.Context, c Claim) {
	stop := c.Keep(ctx)
	defer stop()
	var i intent
	if err := json.Unmarshal(c.Payload(), &i); err != nil {
		h.log.Error("intent cannot be read; dropped", "error", err)
	} else if err := h.perform(ctx, i); err != nil {
		if errors.Is(err, upgrade.ErrTryAgain) {
			h.log.Warn("intent is tried again", "do", i.Do, "session", i.At.Session, "error", err)
			return
		}
		if !h.complain(ctx, i.User, i.At, err) && h.parts.Now().Sub(i.Since) < untold {
			h.log.Warn("refused, and nobody could be told; tried again", "do", i.Do, "session", i.At.Session, "refusal", err)
			return
		}
	}
	stop()
	if err := c.Done(ctx); err != nil {
		h.log.Warn("intent worked off, claim not settled", "error", err)
	}
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
		claims, err := h.parts.Inbox.Abandoned(ctx, cap(h.slots))
		if err != nil && !away && ctx.Err() == nil { // said once: it lasts as long as the store is away
			h.log.Warn("look for abandoned intents; trying on", "error", err)
		}
		away = err != nil
		for _, c := range claims {
			h.log.Info("working off what another replica left")
			h.later(ctx, func(ctx context.Context) { h.workOff(ctx, c) })
		}
	}
}

// perform carries an intent out. Doing one twice is harmless: requests open
// nothing twice, votes count once.
func (h *Handler) perform(ctx context.Context, i intent) error {
	voter, err := h.parts.Roles.Voter(ctx, i.User)
	if err != nil {
		h.log.Warn("who is this", "user", i.User, "error", err) // an unknown voter is refused in words below
	}
	e := h.parts.Engine
	click := upgrade.Click{Session: i.At.Session, Ask: i.At.Ask, By: voter, Reason: i.Reason, Typed: i.Typed}
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
	case doPause:
		return h.paused(ctx, i, e.Pause(ctx, voter, i.On))
	default:
		return fmt.Errorf("unknown deed %q: a newer replica received it", i.Do)
	}
	return err
}

func (h *Handler) paused(ctx context.Context, i intent, err error) error {
	if err != nil {
		return err
	}
	m := view.Notice(":arrow_forward: Resumed: changing calls are sent again.")
	if i.On {
		m = view.Notice(":double_vertical_bar: Paused: no new changing call is sent, by any replica, until somebody resumes. Calls that are out are followed to their end, and a revert that has deleted its database goes on until the data is back.")
	}
	said := view.Notice("<@%s>: %s", i.User, m.Text) // everybody who waits for something should know
	if _, _, err := h.parts.Slack.PostMessageContext(ctx, i.At.Channel, slack.MsgOptionText(said.Text, false), slack.MsgOptionBlocks(said.Blocks...)); err != nil {
		h.log.Info("a pause is told to one person only", "channel", i.At.Channel, "error", err)
		h.tell(ctx, i.User, i.At, m)
	}
	return nil
}
