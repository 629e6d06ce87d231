package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"
)

// What an operator has set up in Slack, as the doctor and a running replica look
// at it. Each check says what it found, or what has to be mended and how; an
// error that is passing says nothing about the setup.

// passing reports whether an error of Slack's Web API may pass by itself.
func passing(err error) bool {
	var said slack.SlackErrorResponse
	if !errors.As(err, &said) {
		return !errors.As(err, new(*mend)) && !errors.As(err, new(*missingScopes))
	}
	return slices.Contains([]string{"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "team_added_to_org"}, said.Err)
}

// mend is what somebody has to mend, in words.
type mend struct{ text string }

// Error implements error.
func (m *mend) Error() string { return m.text }

func mendf(format string, args ...any) error { return &mend{fmt.Sprintf(format, args...)} }

// missingScopes are those of [Scopes] that the bot token was not granted.
type missingScopes struct{ scopes []string }

// Error implements error.
func (m *missingScopes) Error() string {
	return fmt.Sprintf("missing_scope: the bot token lacks %s: update the app from manifest.yml and install it again", strings.Join(m.scopes, ", "))
}

// checkScopes asks whether Slack knows the bot token, and with all scopes.
func (b *Bot) checkScopes(ctx context.Context) error {
	_, err := b.authTest(ctx)
	return err
}

func (b *Bot) authTest(ctx context.Context) (*slack.AuthTestResponse, error) {
	who, err := b.slack.AuthTestContext(ctx)
	if err != nil {
		return nil, err
	}
	granted := strings.FieldsFunc(who.Header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
	lacking := slices.DeleteFunc(slices.Clone(Scopes), func(s string) bool { return slices.Contains(granted, s) })
	if len(granted) > 0 && len(lacking) > 0 {
		return nil, &missingScopes{lacking}
	}
	return who, nil
}

// checkChannel looks whether cards can be posted where they shall be.
func (b *Bot) checkChannel(ctx context.Context) (string, error) {
	c, err := b.slack.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: b.cfg.SlackChannel})
	switch {
	case err != nil && passing(err):
		return "", err
	case err != nil:
		return "", mendf("%s: %v: SLACK_CHANNEL must be the id (C…) of a channel that the bot can see", b.cfg.SlackChannel, err)
	case c.IsArchived:
		return "", mendf("#%s is archived: choose another SLACK_CHANNEL, or unarchive it", c.Name)
	case c.IsExtShared || c.IsPendingExtShared:
		return "", mendf("#%s is shared with other workspaces: choose a channel of your own as SLACK_CHANNEL", c.Name)
	case !c.IsMember:
		return "", mendf("the bot is not in #%s: type /invite @redis-upgrade there", c.Name)
	}
	return "#" + c.Name, nil
}

// checkGroups looks whether the user groups that decide have members.
func (b *Bot) checkGroups(ctx context.Context) (string, error) {
	var found, wrong []string
	for _, g := range unique(b.cfg.groups()) {
		members, err := b.slack.GetUserGroupMembersContext(ctx, g)
		switch {
		case err != nil && passing(err):
			return "", fmt.Errorf("group %s: %w", g, err)
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("group %s: %v: it is unknown here or disabled; set the id (S…) of a group of this workspace, or enable it", g, err))
		case len(members) == 0:
			wrong = append(wrong, fmt.Sprintf("group %s has no members, so nobody could decide for it", g))
		default:
			found = append(found, fmt.Sprintf("%s (%d people)", g, len(members)))
		}
	}
	switch {
	case len(wrong) > 0:
		return "", mendf("%s", strings.Join(wrong, "; "))
	case len(found) == 0:
		return "none; approvers are named by APPROVER_USERS", nil
	}
	return strings.Join(found, ", "), nil
}

// checkApprovers looks whether enough people can approve.
func (b *Bot) checkApprovers(ctx context.Context) (string, error) {
	able := map[string]bool{}
	var wrong []string
	for _, id := range unique(b.cfg.ApproverUsers) {
		u, err := b.slack.GetUserInfoContext(ctx, id)
		switch {
		case err != nil && passing(err):
			return "", fmt.Errorf("%s: %w", id, err)
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("APPROVER_USERS: %s: %v", id, err))
		case u.Deleted, u.IsBot, u.IsRestricted, u.IsUltraRestricted, u.IsStranger:
			wrong = append(wrong, fmt.Sprintf("APPROVER_USERS: %s is a guest, a bot, deactivated or of another workspace, and cannot approve", id))
		default:
			able[id] = true
		}
	}
	for _, g := range unique(b.cfg.ApproverGroups) {
		members, err := b.slack.GetUserGroupMembersContext(ctx, g)
		if err != nil && passing(err) {
			return "", fmt.Errorf("group %s: %w", g, err)
		}
		for _, id := range members {
			able[id] = true
		}
	}
	if n := len(able); n < b.cfg.ApprovalsRequired {
		wrong = append(wrong, fmt.Sprintf("APPROVALS_REQUIRED is %d, and only %d people can approve", b.cfg.ApprovalsRequired, n))
	}
	if len(wrong) > 0 {
		return "", mendf("%s", strings.Join(wrong, "; "))
	}
	return fmt.Sprintf("%d people can approve; %d must", len(able), b.cfg.ApprovalsRequired), nil
}

// unique are the ids without repetitions, in their order.
func unique(ids []string) []string {
	var out []string
	for _, id := range ids {
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
