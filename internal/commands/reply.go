package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/slack-go/slack"

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

// tell answers one person privately where they acted; where the bot or the
// person is not in that channel, in a direct message. It is false when Slack
// took neither.
func (h *Handler) tell(ctx context.Context, user string, at place, m view.Message) bool {
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
	return h.tell(ctx, user, at, h.complaint(ctx, err))
}

func (h *Handler) complaint(ctx context.Context, err error) view.Message {
	if r, ok := upgrade.AsRefusal(err); ok {
		return view.Refused(r, h.permalink(ctx, r.Link))
	}
	h.log.Error("action failed", "error", err)
	return view.Notice(":warning: That did not work, and nothing was changed by it. Try again in a moment; if it stays so, tell whoever runs this bot.")
}

// permalink leads to a session's card; empty when it has none yet.
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

// update replaces an open modal; one that was closed meanwhile is no trouble.
func (h *Handler) update(ctx context.Context, id string, v slack.ModalViewRequest) {
	_, err := h.parts.Slack.UpdateViewContext(ctx, v, "", "", id)
	var se slack.SlackErrorResponse
	if errors.As(err, &se) && se.Err == "not_found" {
		return
	}
	if err != nil {
		h.log.Warn("update modal", "view", id, "error", explained(err))
	}
}

// explained adds Slack's own messages, which its error leaves out.
func explained(err error) error {
	var se slack.SlackErrorResponse
	if errors.As(err, &se) && len(se.ResponseMetadata.Messages) > 0 {
		return fmt.Errorf("%w: %v", err, se.ResponseMetadata.Messages)
	}
	return err
}
