package commands

import (
	"context"
	"strings"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// event handles what Slack delivers at least once: deduplicated by its id.
func (h *Handler) event(ctx context.Context, req *request, data any) {
	req.ack()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.limits.work)
	defer cancel()
	outer, ok := data.(slackevents.EventsAPIEvent)
	if !ok {
		return
	}
	if call, ok := outer.Data.(*slackevents.EventsAPICallbackEvent); ok && call.EventID != "" {
		first, err := h.parts.Inbox.Seen(ctx, call.EventID)
		if err != nil || !first {
			return
		}
	}
	switch ev := outer.InnerEvent.Data.(type) {
	case *slackevents.AppMentionEvent:
		h.look(ev.User, func() { h.mentioned(ctx, ev) })
	case *slackevents.AppHomeOpenedEvent:
		if ev.Tab == "home" {
			h.look(ev.User, func() { h.home(ctx, ev.User) })
		}
	}
}

// look answers a person who looks, unless they have enough in hand.
func (h *Handler) look(user string, answer func()) {
	leave, ok := h.inHand.take(looking, user)
	if !ok {
		h.log.Warn("an event is not answered: its person has too much in hand", "user", user)
		return
	}
	defer leave()
	answer()
}

// mentioned answers in the thread, where slash commands do not run.
func (h *Handler) mentioned(ctx context.Context, ev *slackevents.AppMentionEvent) {
	if ev.BotID != "" || ev.User == h.cfg.Bot {
		return
	}
	at := place{Channel: ev.Channel, Thread: ev.ThreadTimeStamp}
	if err := h.mayLook(ctx, ev.User); err != nil {
		h.complain(ctx, ev.User, at, err)
		return
	}
	if ev.ThreadTimeStamp == "" || strings.Contains(strings.ToLower(ev.Text), "help") {
		h.tell(ctx, ev.User, at, view.Help())
		return
	}
	id, err := h.parts.Threads.SessionAt(ctx, ev.Channel, ev.ThreadTimeStamp)
	if err != nil || id == "" {
		h.tell(ctx, ev.User, at, view.Help())
		return
	}
	s, err := h.parts.Engine.Load(ctx, id)
	if err == nil && s.State == upgrade.Reverting && s.Link != "" {
		s, err = h.parts.Engine.Load(ctx, s.Link) // its revert is what goes on in this thread
	}
	if err != nil {
		h.complain(ctx, ev.User, at, err)
		return
	}
	h.tell(ctx, ev.User, at, view.Paused(h.parts.Engine.PausedBy(ctx), view.MentionReply(s, h.cfg.Policy)))
}

// home draws the bot's Home tab: what is under way.
func (h *Handler) home(ctx context.Context, user string) {
	var v slack.HomeTabViewRequest
	if err := h.mayLook(ctx, user); err != nil {
		v = view.HomeRefused(h.complaint(ctx, err))
	} else {
		open, more, err := h.open15(ctx)
		if err != nil {
			h.log.Warn("draw home", "error", err)
			return
		}
		soon, cancel := context.WithTimeout(ctx, linkTimeout)
		defer cancel()
		v = view.Home(open, more, func(id string) string { return h.permalink(soon, id) })
	}
	ctx, cancel := saying(ctx)
	defer cancel()
	if _, err := h.parts.Slack.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: v}); err != nil {
		h.log.Warn("publish home", "error", explained(err))
	}
}
