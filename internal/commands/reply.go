package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// ephemeral is a slash command's answer; slack.Msg would carry empty metadata
// and null blocks.
type ephemeral struct {
	ResponseType string        `json:"response_type"`
	Text         string        `json:"text"`
	Blocks       []slack.Block `json:"blocks,omitempty"`
}

func private(m view.Message) ephemeral {
	return ephemeral{ResponseType: "ephemeral", Text: m.Text, Blocks: m.Blocks}
}

// maxAnswer is how large an answer in an acknowledgement may be: Slack drops larger
// ones without a word.
const maxAnswer = 19_000

// reply answers a command with what find says: in the acknowledgement where that is
// there in time, else privately afterwards.
func (h *Handler) reply(ctx context.Context, req *request, user string, at place, find func(context.Context) (view.Message, error)) {
	leave, ok := h.inHand.take(looking, user)
	if !ok {
		req.ack(private(view.TooMany()))
		return
	}
	found := make(chan view.Message, 1)
	h.later(ctx, func(ctx context.Context) {
		defer leave()
		m := view.NotDone()
		defer func() { found <- m }() // also when it panics
		ctx, cancel := context.WithTimeout(ctx, h.limits.work)
		defer cancel()
		said, err := find(ctx)
		if err != nil {
			said = h.complaint(ctx, err)
		}
		m = said
	})
	select {
	case m := <-found:
		if answer := private(m); !fits(answer) {
			req.ack()
		} else if req.ack(answer) {
			return
		}
		h.tell(ctx, user, at, m)
	case <-ctx.Done():
		req.ack()
		h.tell(ctx, user, at, <-found)
	}
}

func fits(answer ephemeral) bool {
	raw, err := json.Marshal(answer)
	return err == nil && len(raw) < maxAnswer
}

// opening acknowledges what opens a form, and opens it.
func (h *Handler) opening(ctx context.Context, req *request, user string, open func(context.Context)) {
	leave, ok := h.inHand.take(filling, user)
	switch {
	case ok:
		defer leave()
		req.ack()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.limits.work)
		defer cancel()
		open(ctx)
	case req.raw.Type == socketmode.RequestTypeSlashCommands:
		req.ack(private(view.TooMany()))
	default:
		req.ack()
		h.log.Warn("a form is not opened: its person has too many in hand", "user", user)
	}
}

// still runs do, and say once where do takes longer than it should. What say
// says is said before still returns.
func (h *Handler) still(ctx context.Context, say, do func(context.Context)) {
	said := make(chan struct{})
	timer := time.AfterFunc(h.limits.still, func() {
		defer close(said)
		defer h.survive("answer panicked")
		say(ctx)
	})
	defer func() {
		if !timer.Stop() {
			<-said
		}
	}()
	do(ctx)
}

// later runs an answer beside an acknowledgement; ctx does not end with it.
func (h *Handler) later(ctx context.Context, do func(context.Context)) {
	h.work.Go(func() {
		defer h.survive("answer panicked")
		do(context.WithoutCancel(ctx))
	})
}

// survive is deferred where a panic must end nothing else.
func (h *Handler) survive(what string) {
	if r := recover(); r != nil {
		h.log.Error(what, "panic", r, "stack", string(debug.Stack()))
	}
}

// saying is the context of one word to Slack. It is never that of the work on which
// it reports: that may be over because the work took too long.
func saying(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), sayTimeout)
}

// tell answers one person privately where they acted; where the bot or the
// person is not in that channel, in a direct message. It is false when Slack
// took neither.
func (h *Handler) tell(ctx context.Context, user string, at place, m view.Message) bool {
	ctx, cancel := saying(ctx)
	defer cancel()
	opts := []slack.MsgOption{slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...)}
	if at.Channel != "" {
		here := opts
		if at.Thread != "" {
			here = append(here[:len(here):len(here)], slack.MsgOptionTS(at.Thread))
		}
		_, err := h.parts.Slack.PostEphemeralContext(ctx, at.Channel, user, here...)
		if err == nil {
			return true
		}
		h.log.Info("private answer goes to a direct message", "channel", at.Channel, "error", err)
	}
	if _, _, err := h.parts.Slack.PostMessageContext(ctx, user, opts...); err != nil {
		h.log.Warn("private answer cannot be delivered", "user", user, "error", err)
		return false
	}
	return true
}

// complain answers a failed action: a refusal in its own words, anything else
// as trouble that the log explains. It is false when nobody could be told.
func (h *Handler) complain(ctx context.Context, user string, at place, err error) bool {
	if r, ok := upgrade.AsRefusal(err); ok && r.Link != "" {
		h.awaitCard(ctx, r.Link)
	}
	return h.tell(ctx, user, at, h.complaint(ctx, err))
}

// cardTimeout is how long a refusal waits for the card to which it leads: the
// session may have been opened a moment ago, by somebody else.
const cardTimeout = 3 * time.Second

func (h *Handler) awaitCard(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cardTimeout)
	defer cancel()
	for {
		if _, ts, err := h.parts.Threads.CardOf(ctx, id); err != nil || ts != "" {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(cardTimeout / 15):
		}
	}
}

func (h *Handler) complaint(ctx context.Context, err error) view.Message {
	if r, ok := upgrade.AsRefusal(err); ok {
		return view.Refused(r, h.permalink(ctx, r.Link))
	}
	h.log.Error("action failed", "error", err)
	return view.NotDone()
}

// mayLook says whether somebody may see databases and sessions, mayAsk whether they
// may ask for something; nil: yes. While Slack does not say who somebody is, they
// may neither: what cannot be known is a no.
func (h *Handler) mayLook(ctx context.Context, user string) error {
	v, err := h.parts.Roles.Voter(ctx, user)
	v.Known = h.known(user, err) && v.Known
	return upgrade.MayLook(v)
}

func (h *Handler) mayAsk(ctx context.Context, user string) error {
	v, err := h.parts.Roles.Voter(ctx, user)
	v.Known = h.known(user, err) && v.Known
	return upgrade.MayRequest(v)
}

func (h *Handler) known(user string, err error) bool {
	if err != nil {
		h.log.Warn("who is this", "user", user, "error", err)
	}
	return err == nil
}

// knownSoon asks what somebody may within loadTimeout; known is false when Slack
// has not said in that time who they are.
func (h *Handler) knownSoon(ctx context.Context, user string, may func(context.Context, string) error) (known bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	err = may(ctx, user)
	return err == nil || ctx.Err() == nil, err
}

// linkTimeout bounds how long an answer waits for its links.
const linkTimeout = time.Second

// permalink leads to a session's card; empty when it has none yet, or when Slack
// does not give it within ctx.
func (h *Handler) permalink(ctx context.Context, id string) string {
	if id == "" {
		return ""
	}
	channel, ts, err := h.parts.Threads.CardOf(ctx, id)
	if err != nil || ts == "" {
		return ""
	}
	url, err := h.parts.Slack.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: channel, Ts: ts})
	if err != nil {
		h.log.Info("no permalink", "session", id, "error", err)
	}
	return url
}

// open shows a modal. It is the first call out after an acknowledgement: the
// trigger lives three seconds.
func (h *Handler) open(ctx context.Context, trigger string, v slack.ModalViewRequest) (*slack.ViewResponse, error) {
	res, err := h.parts.Slack.OpenViewContext(ctx, trigger, v)
	if err != nil {
		return nil, fmt.Errorf("open modal: %w", explained(err))
	}
	return res, nil
}

// form is an open modal that is filled in while its person goes on: an answer that
// comes late must not overwrite a newer one.
type form struct {
	handler *Handler
	id      string
	hash    string // Slack's, of what was shown last; "": whatever is shown
	pick    int64  // when what this is about was picked; 0: when the modal was opened
}

// show replaces what the modal shows, unless something else was picked in it since.
// The hash catches who looked a moment too early; who picked last may overwrite
// that, because an answer about an older pick may have been quicker.
func (f *form) show(ctx context.Context, v slack.ModalViewRequest) {
	if !f.newest(ctx) {
		return
	}
	err := f.update(ctx, v)
	if slackCode(err) == "hash_conflict" && f.pick > 0 && f.newest(ctx) {
		f.hash = ""
		err = f.update(ctx, v)
	}
	switch slackCode(err) {
	case "not_found", "hash_conflict": // it was closed, or shows something newer
		return
	}
	if err != nil {
		f.handler.log.Warn("update modal", "view", f.id, "error", explained(err))
	}
}

func (f *form) update(ctx context.Context, v slack.ModalViewRequest) error {
	ctx, cancel := saying(ctx)
	defer cancel()
	res, err := f.handler.parts.Slack.UpdateViewContext(ctx, v, "", f.hash, f.id)
	if err == nil {
		f.hash = res.Hash
	}
	return err
}

// newest reports whether nothing was picked in the modal since; while the store
// does not say, the hash alone decides.
func (f *form) newest(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
	defer cancel()
	newest, err := f.handler.parts.Inbox.Newest(ctx, "pick:"+f.id, f.pick)
	if err != nil {
		f.handler.log.Warn("which pick is the newest", "error", err)
	}
	return newest || err != nil
}

// replace shows something in place of the form, whatever it shows by now.
func (h *Handler) replace(ctx context.Context, viewID string, err error) {
	m := h.complaint(ctx, err)
	f := &form{handler: h, id: viewID, pick: math.MaxInt64}
	f.show(ctx, view.InfoModal("That is not possible", m.Text))
}

// slackCode is what Slack answered; "" when it did not.
func slackCode(err error) string {
	var se slack.SlackErrorResponse
	if errors.As(err, &se) {
		return se.Err
	}
	return ""
}

// explained adds Slack's own messages, which its error leaves out.
func explained(err error) error {
	var se slack.SlackErrorResponse
	if errors.As(err, &se) && len(se.ResponseMetadata.Messages) > 0 {
		return fmt.Errorf("%w: %v", err, se.ResponseMetadata.Messages)
	}
	return err
}
