package slackemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// upgradeModal is a form as the real client marshals it.
func upgradeModal() slack.ModalViewRequest {
	text := func(s string) *slack.TextBlockObject { return slack.NewTextBlockObject("plain_text", s, false, false) }
	database := slack.NewOptionsSelectBlockElement("external_select", text("Search"), "database")
	minimum := 0
	database.MinQueryLength = &minimum
	version := slack.NewOptionsSelectBlockElement("static_select", text("Version"), "version",
		slack.NewOptionBlockObject("7.4", text("7.4"), nil), slack.NewOptionBlockObject("8.0", text("8.0"), nil))
	reason := slack.NewPlainTextInputBlockElement(text("Why"), "reason")
	reason.MaxLength = 20
	databaseBlock := slack.NewInputBlock("db", text("Database"), nil, database)
	databaseBlock.DispatchAction = true
	return slack.ModalViewRequest{
		Type: "modal", Title: text("Upgrade"), Submit: text("Send"), Close: text("Cancel"), CallbackID: "request", NotifyOnClose: true,
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			databaseBlock, slack.NewInputBlock("ver", text("Version"), nil, version), slack.NewInputBlock("why", text("Reason"), nil, reason),
		}},
	}
}

// testBot is a bot that does one of everything.
type testBot struct {
	rig    *rig
	api    *slack.Client
	errs   chan error
	clicks chan slack.InteractionCallback
	events chan slackevents.EventsAPIEvent
	submit func(slack.InteractionCallback) any
}

func startBot(t *testing.T) *testBot {
	b := &testBot{rig: newRig(t), errs: make(chan error, 100), clicks: make(chan slack.InteractionCallback, 100), events: make(chan slackevents.EventsAPIEvent, 100)}
	b.submit = func(slack.InteractionCallback) any { return nil }
	b.api = b.rig.api()
	t.Cleanup(func() { // runs when the handlers have ended
		close(b.errs)
		for err := range b.errs {
			if err != nil {
				t.Error(err)
			}
		}
	})
	b.rig.bot(b.handle)
	return b
}

func (b *testBot) handle(c *socketmode.Client, evt socketmode.Event) {
	switch data := evt.Data.(type) {
	case slack.SlashCommand:
		b.errs <- c.Ack(*evt.Request, map[string]any{"response_type": "ephemeral", "text": "one moment, " + data.Text})
		_, err := b.api.OpenView(data.TriggerID, upgradeModal())
		b.errs <- err
		_, _, err = b.api.PostMessage("", slack.MsgOptionText("via response url", false), slack.MsgOptionResponseURL(data.ResponseURL, slack.ResponseTypeEphemeral))
		b.errs <- err
	case slackevents.EventsAPIEvent:
		b.errs <- c.Ack(*evt.Request)
		b.events <- data
	case slack.InteractionCallback:
		switch data.Type {
		case slack.InteractionTypeBlockSuggestion:
			name := strings.TrimPrefix(data.Value, "1:")
			b.errs <- c.Ack(*evt.Request, map[string]any{"options": []any{
				map[string]any{"text": map[string]any{"type": "plain_text", "text": name + "-prod"}, "value": "1:" + name}}})
		case slack.InteractionTypeViewSubmission:
			b.errs <- c.Ack(*evt.Request, b.submit(data))
			b.clicks <- data
		default:
			b.errs <- c.Ack(*evt.Request)
			b.clicks <- data
		}
	}
}

func (b *testBot) next(t *testing.T) slack.InteractionCallback {
	t.Helper()
	select {
	case c := <-b.clicks:
		return c
	case <-time.After(10 * time.Second):
		t.Fatal("the app got nothing")
		panic("unreachable")
	}
}

func TestARealClientOpensAModalFromACommandAndGetsWhatWasEntered(t *testing.T) {
	b := startBot(t)
	r := b.rig
	got := r.do("command", object{"user": "ann", "channel": "#redis-ops", "text": "/redis-upgrade cache-prod 7.4"})
	if got["acked"] != true || dig(got, "response", "text") != "one moment, cache-prod 7.4" {
		t.Fatalf("command: %v", got)
	}
	r.wait("the modal", func() bool { return len(r.state("ann").Modals) == 1 })
	r.wait("both answers", func() bool { return len(r.messages("ann")) == 2 })
	if n := len(r.messages("bob")); n != 0 {
		t.Errorf("bob sees %d messages that are only for ann", n)
	}
	view := r.state("ann").Modals[0]["id"]

	options := r.do("options", object{"user": "ann", "view_id": view, "action_id": "database", "query": "cache"})
	if dig(options, "options", 0, "text") != "cache-prod" || dig(options, "options", 0, "value") != "1:cache" {
		t.Fatalf("options: %v", options)
	}
	if got := r.do("action", object{"user": "ann", "view_id": view, "action_id": "version", "value": "7.4"}); got["sent"] != false {
		t.Errorf("a select in an input block told the app at once: %v", got)
	}
	if got := r.do("action", object{"user": "ann", "view_id": view, "action_id": "database", "value": "1:cache"}); got["sent"] != true || got["acked"] != true {
		t.Errorf("a dispatching select did not tell the app: %v", got)
	}
	click := b.next(t)
	if a := click.ActionCallback.BlockActions[0]; a.SelectedOption.Value != "1:cache" || click.View.State.Values["ver"]["version"].SelectedOption.Value != "7.4" {
		t.Errorf("block_actions: %+v, state %+v", a, click.View.State)
	}

	got = r.do("submit", object{"user": "ann", "view_id": view, "values": object{"why/reason": "faster"}})
	if got["acked"] != true || got["view"] != nil || got["response_action"] != "" {
		t.Errorf("submit: %v", got)
	}
	sub := b.next(t)
	values := sub.View.State.Values
	if values["why"]["reason"].Value != "faster" || values["db"]["database"].SelectedOption.Value != "1:cache" || sub.View.CallbackID != "request" {
		t.Errorf("view_submission: %+v", values)
	}
}

func TestARealClientAnswersASubmission(t *testing.T) {
	b := startBot(t)
	r := b.rig
	open := func() any {
		r.do("command", object{"user": "ann", "channel": "redis-ops", "text": ""})
		r.wait("the modal", func() bool { return len(r.state("ann").Modals) == 1 })
		return r.state("ann").Modals[0]["id"]
	}
	values := object{"database": "1:cache", "version": "8.0", "reason": "why not"}
	small := upgradeModal()
	small.Title.Text, small.Blocks.BlockSet = "Second", small.Blocks.BlockSet[2:]

	t.Run("errors stay in the modal, under the input named", func(t *testing.T) {
		view := open()
		b.submit = func(slack.InteractionCallback) any {
			return slack.NewErrorsViewSubmissionResponse(map[string]string{"why": "say more"})
		}
		got := r.do("submit", object{"user": "ann", "view_id": view, "values": values})
		if got["acked"] != true || got["response_action"] != "errors" || dig(got, "errors", "why") != "say more" {
			t.Fatalf("submit: %v", got)
		}
		if m := r.state("ann").Modals[0]; dig(m, "errors", "why") != "say more" || dig(m, "state", "values", "why", "reason", "value") != "why not" {
			t.Errorf("modal: %v", m)
		}
	})
	t.Run("update replaces the view under the same id", func(t *testing.T) {
		view := r.state("ann").Modals[0]["id"]
		b.submit = func(slack.InteractionCallback) any { return slack.NewUpdateViewSubmissionResponse(&small) }
		got := r.do("submit", object{"user": "ann", "view_id": view, "values": object{}})
		if dig(got, "view", "id") != view || dig(got, "view", "title", "text") != "Second" {
			t.Errorf("submit: %v", got)
		}
	})
	t.Run("push adds a view, and submitting it shows the one below", func(t *testing.T) {
		view := r.state("ann").Modals[0]["id"]
		b.submit = func(slack.InteractionCallback) any { return slack.NewPushViewSubmissionResponse(&small) }
		got := r.do("submit", object{"user": "ann", "view_id": view, "values": object{}})
		if dig(got, "view", "previous_view_id") != view || dig(got, "view", "root_view_id") != view {
			t.Fatalf("submit: %v", got)
		}
		b.submit = func(slack.InteractionCallback) any { return nil }
		got = r.do("submit", object{"user": "ann", "view_id": dig(got, "view", "id"), "values": object{"reason": "x"}})
		if dig(got, "view", "id") != view {
			t.Errorf("submit: %v", got)
		}
	})
	t.Run("clear drops everything", func(t *testing.T) {
		view := r.state("ann").Modals[0]["id"]
		b.submit = func(slack.InteractionCallback) any { return slack.NewClearViewSubmissionResponse() }
		if got := r.do("submit", object{"user": "ann", "view_id": view, "values": object{}}); got["view"] != nil {
			t.Errorf("submit: %v", got)
		}
	})
}

func TestARealClientPostsAndEditsACardWhoseButtonsWork(t *testing.T) {
	b := startBot(t)
	r := b.rig
	button := slack.NewButtonBlockElement("approve", "s1:1", slack.NewTextBlockObject("plain_text", "Approve", false, false)).WithStyle(slack.StylePrimary)
	button.Confirm = slack.NewConfirmationBlockObject(slack.NewTextBlockObject("plain_text", "Sure?", false, false),
		slack.NewTextBlockObject("mrkdwn", "Really", false, false), slack.NewTextBlockObject("plain_text", "Yes", false, false), slack.NewTextBlockObject("plain_text", "No", false, false))
	_, ts, err := b.api.PostMessage("C0REDISOPS", slack.MsgOptionText("card", false),
		slack.MsgOptionBlocks(slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", "*card*", false, false), nil, nil), slack.NewActionBlock("buttons", button)),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "redis_upgrade", EventPayload: map[string]any{"session": "s1"}}))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.do("action", object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": "approve", "value": "s1:1"}); got["acked"] != true {
		t.Fatalf("click: %v", got)
	}
	click := b.next(t)
	if click.User.ID != "U0BOB" || click.ActionCallback.BlockActions[0].Value != "s1:1" || click.Message.Timestamp != ts || click.Container.ChannelID != "C0REDISOPS" {
		t.Errorf("block_actions: %+v", click)
	}
	if _, _, _, err := b.api.UpdateMessage("C0REDISOPS", ts, slack.MsgOptionText("approved", false), slack.MsgOptionBlocks()); err != nil {
		t.Fatal(err)
	}
	m := r.messages("eve")[0]
	if m["text"] != "approved" || len(m["blocks"].([]any)) != 0 || dig(m, "edited", "user") != "UBOT" || dig(m, "metadata", "event_payload", "session") != "s1" {
		t.Errorf("message after the edit: %v", m)
	}

	status, gone := r.try("action", object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": "approve", "value": "s1:1"})
	if status != 409 || !strings.Contains(gone["error"].(string), "approve") {
		t.Errorf("a button that is gone: HTTP %d %v", status, gone)
	}
	if got := r.do("action", object{"user": "carol", "channel": "redis-ops", "ts": ts, "action_id": "approve", "value": "s1:1", "stale": true}); got["acked"] != true {
		t.Errorf("an old client's click: %v", got)
	}
	if old := b.next(t); old.ActionCallback.BlockActions[0].BlockID != "buttons" || len(old.Message.Blocks.BlockSet) != 2 {
		t.Errorf("an old client's click: %+v", old)
	}
	if _, _, err := b.api.PostMessage("", slack.MsgOptionText("replaced", false), slack.MsgOptionReplaceOriginal(click.ResponseURL)); err != nil {
		t.Error(err)
	}
	if m := r.messages("eve")[0]; m["text"] != "replaced" {
		t.Errorf("after the response url: %v", m)
	}
}

func TestARealClientHearsShortcutsMentionsAndTheHomeTab(t *testing.T) {
	b := startBot(t)
	r := b.rig
	_, ts, err := b.api.PostMessage("C0REDISOPS", slack.MsgOptionText("card", false))
	if err != nil {
		t.Fatal(err)
	}
	r.do("action", object{"user": "dan", "channel": "redis-ops", "ts": ts, "shortcut": "revert_upgrade"})
	short := b.next(t)
	if short.Type != slack.InteractionTypeMessageAction || short.CallbackID != "revert_upgrade" || short.MessageTs != ts || short.TriggerID == "" {
		t.Errorf("message_action: %+v", short)
	}
	pub := slack.PublishViewContextRequest{UserID: "U0DAN", View: slack.HomeTabViewRequest{Type: "home", Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewDividerBlock()}}}}
	if _, err := b.api.PublishViewContext(context.Background(), pub); err != nil {
		t.Error(err)
	}
	r.do("mention", object{"user": "dan", "channel": "redis-ops", "thread_ts": ts, "text": "revert"})
	mention := (<-b.events).InnerEvent.Data.(*slackevents.AppMentionEvent)
	if mention.Text != "<@UBOT> revert" || mention.ThreadTimeStamp != ts || mention.User != "U0DAN" || mention.BotID != "" {
		t.Errorf("app_mention: %+v", mention)
	}
	r.do("home", object{"user": "dan"})
	home := (<-b.events).InnerEvent.Data.(*slackevents.AppHomeOpenedEvent)
	if home.User != "U0DAN" || home.Tab != "home" || home.View.Hash == "" {
		t.Errorf("app_home_opened: %+v", home)
	}
	if r.state("dan").Home == nil || r.state("eve").Home != nil {
		t.Error("the home tab is not dan's alone")
	}
}

func TestARealClientReadsTheDirectory(t *testing.T) {
	r := newRig(t)
	api := r.api()
	who, err := api.AuthTest()
	if err != nil || who.UserID != "UBOT" || who.BotID != "B0REDISUP" || who.TeamID != "T0SANDBOX" {
		t.Errorf("auth.test: %+v %v", who, err)
	}
	if !strings.Contains(who.Header.Get("X-OAuth-Scopes"), "usergroups:read") {
		t.Errorf("scopes: %q", who.Header.Get("X-OAuth-Scopes"))
	}
	members, err := api.GetUserGroupMembers("S0DBA")
	if err != nil || !slices.Equal(members, []string{"U0BOB", "U0CAROL"}) {
		t.Errorf("dba: %v %v", members, err)
	}
	groups, err := api.GetUserGroups(slack.GetUserGroupsOptionIncludeUsers(true))
	if err != nil || len(groups) != 2 || groups[1].Handle != "oncall" || groups[1].Users[0] != "U0DAN" {
		t.Errorf("groups: %+v %v", groups, err)
	}
	guest, err := api.GetUserInfo("U0GUEST")
	if err != nil || !guest.IsRestricted || guest.IsBot || guest.Deleted {
		t.Errorf("guest: %+v %v", guest, err)
	}
	users, err := api.GetUsers(slack.GetUsersOptionLimit(3))
	if err != nil || len(users) != 9 {
		t.Errorf("users in pages of three: %d %v", len(users), err)
	}
	ch, err := api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: "C0REDISOPS"})
	if err != nil || !ch.IsMember || ch.Name != "redis-ops" || ch.IsExtShared || ch.IsIM {
		t.Errorf("channel: %+v %v", ch, err)
	}
	dm, _, _, err := api.OpenConversation(&slack.OpenConversationParameters{Users: []string{"U0ANN"}})
	if err != nil || dm.ID != "D0ANN" {
		t.Errorf("direct message: %+v %v", dm, err)
	}
}

func TestARealClientReadsThreads(t *testing.T) {
	r := newRig(t, readers)
	api := r.api()
	_, root, _ := api.PostMessage("C0REDISOPS", slack.MsgOptionText("root", false))
	_, first, _ := api.PostMessage("C0REDISOPS", slack.MsgOptionText("one", false), slack.MsgOptionTS(root))
	_, _, res, err := api.PostMessageWithResponse("C0REDISOPS", slack.MsgOptionText("a reply to a reply", false), slack.MsgOptionTS(first))
	if err != nil || res.ThreadTimestamp != root {
		t.Errorf("a reply to a reply joins its thread: %+v %v", res, err)
	}
	_, _, lost, err := api.PostMessageWithResponse("C0REDISOPS", slack.MsgOptionText("lost", false), slack.MsgOptionTS("1.000001"))
	if err != nil || lost.ThreadTimestamp != "" {
		t.Errorf("a reply to nothing is posted alone: %+v %v", lost, err)
	}
	msgs, _, _, err := api.GetConversationReplies(&slack.GetConversationRepliesParameters{ChannelID: "C0REDISOPS", Timestamp: root})
	if err != nil || len(msgs) != 3 || msgs[0].ReplyCount != 2 || msgs[0].ThreadTimestamp != root || msgs[1].ParentUserId != "UBOT" {
		t.Errorf("replies: %+v %v", msgs, err)
	}
	link, err := api.GetPermalink(&slack.PermalinkParameters{Channel: "C0REDISOPS", Ts: first})
	want := r.url + "/archives/C0REDISOPS/p" + strings.ReplaceAll(first, ".", "") + "?thread_ts=" + root + "&cid=C0REDISOPS"
	if err != nil || link != want {
		t.Errorf("permalink %s, want %s, %v", link, want, err)
	}
}

func TestARealClientUnderstandsRefusals(t *testing.T) {
	r := newRig(t)
	api := r.api()
	long := strings.Repeat("x", 3001)
	_, _, err := api.PostMessage("C0REDISOPS", slack.MsgOptionBlocks(slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", long, false, false), nil, nil)))
	var no slack.SlackErrorResponse
	if !errors.As(err, &no) || no.Err != "invalid_blocks" || len(no.Errors) != 2 ||
		*no.Errors[1].Message != "must be less than 3001 characters [json-pointer:/blocks/0/text/text]" ||
		no.ResponseMetadata.Messages[0] != "[ERROR] failed to match all allowed schemas [json-pointer:/blocks/0/text]" {
		t.Errorf("invalid blocks: %+v", err)
	}
	if err := api.AddReaction("eyes", slack.NewRefToMessage("C0REDISOPS", "1.1")); !errors.As(err, &no) || no.Err != "missing_scope" || no.Needed != "reactions:write" {
		t.Errorf("missing scope: %+v", err)
	}
	r.do("faults", object{"fault": "rate_limited", "match": "chat.postMessage", "retry_after": 7})
	var slow *slack.RateLimitedError
	if _, _, err := api.PostMessage("C0REDISOPS", slack.MsgOptionText("x", false)); !errors.As(err, &slow) || slow.RetryAfter != 7*time.Second {
		t.Errorf("rate limited: %v", err)
	}
	if _, _, err := api.PostMessage("C0REDISOPS", slack.MsgOptionText("x", false)); err != nil {
		t.Errorf("the fault struck twice: %v", err)
	}
}

func TestARealClientReconnectsAfterADisconnectFrame(t *testing.T) {
	b := startBot(t)
	r := b.rig
	for _, reason := range []string{"refresh_requested", "warning"} {
		before := r.s.connections()
		if got := r.do("disconnect", object{"reason": reason}); got["disconnected"] != 1.0 {
			t.Fatalf("disconnect: %v", got)
		}
		r.wait("a new connection", func() bool { return r.s.Connected() == 1 && r.s.connections() > before })
	}
	if got := r.do("mention", object{"user": "eve", "channel": "redis-ops", "text": "hello"}); got["acked"] != true {
		t.Errorf("after two reconnects: %v", got)
	}
}

// connections counts all sockets there ever were.
func (s *Server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connSeq
}

func TestJournalsHoldCallsAndEnvelopes(t *testing.T) {
	b := startBot(t)
	r := b.rig
	r.do("command", object{"user": "ann", "channel": "redis-ops", "text": "x"})
	r.wait("the modal", func() bool { return len(r.state("ann").Modals) == 1 })
	var calls []callEntry
	r.look("calls", &calls)
	i := slices.IndexFunc(calls, func(c callEntry) bool { return c.Method == "views.open" })
	if i < 0 || !calls[i].OK || dig(object(calls[i].Args), "view", "title", "text") != "Upgrade" {
		t.Errorf("calls: %+v", calls)
	}
	if data, _ := json.Marshal(calls); strings.Contains(string(data), "xoxb") || strings.Contains(string(data), "xapp") {
		t.Error("a token is in the journal")
	}
	e := r.envelopes()[0]
	if e.Type != "slash_commands" || !e.Acked || e.AckMS <= 0 || e.Connection != 1 || len(e.ID) != 36 {
		t.Errorf("envelope: %+v", e)
	}
}

// What Slack adds to messages, and clicks, must decode in the real client too.
func TestARealClientDecodesWhatSlackAdds(t *testing.T) {
	b := startBot(t)
	r := b.rig
	button := slack.NewButtonBlockElement("ok", "1", slack.NewTextBlockObject("plain_text", "OK", false, false))
	_, ts, m, err := b.api.PostMessageWithResponse("C0REDISOPS", slack.MsgOptionText("look, <@U0ANN>", false),
		slack.MsgOptionAttachments(slack.Attachment{Color: "#D93025", Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewActionBlock("b", button)}}}))
	if err != nil || len(m.Attachments) != 1 || m.Attachments[0].ID != 1 || m.Attachments[0].Fallback == "" {
		t.Fatalf("message: %+v %v", m, err)
	}
	rich, ok := m.Blocks.BlockSet[0].(*slack.RichTextBlock)
	if !ok || rich.Elements[0].(*slack.RichTextSection).Elements[1].(*slack.RichTextSectionUserElement).UserID != "U0ANN" {
		t.Errorf("blocks: %+v", m.Blocks.BlockSet[0])
	}
	r.do("action", object{"user": "bob", "channel": "redis-ops", "ts": ts, "action_id": "ok"})
	if c := b.next(t).Container; c.Type != "message_attachment" || c.MessageTs != ts || c.ChannelID != "C0REDISOPS" || c.AttachmentID.String() != "1" {
		t.Errorf("container: %+v", c)
	}
	_, _, reply, err := b.api.PostMessageWithResponse("C0REDISOPS", slack.MsgOptionText("x", false), slack.MsgOptionTS(ts), slack.MsgOptionBroadcast())
	if err != nil || reply.SubType != "thread_broadcast" || reply.Root == nil || reply.Root.Timestamp != ts {
		t.Errorf("broadcast: %+v %v", reply, err)
	}
	if channel, at, text, err := b.api.UpdateMessage("C0REDISOPS", ts, slack.MsgOptionText("y", false)); err != nil || channel != "C0REDISOPS" || at != ts || text != "y" {
		t.Errorf("update: %s %s %s %v", channel, at, text, err)
	}
	if _, _, err := b.api.ScheduleMessage("C0REDISOPS", fmt.Sprint(time.Now().Add(time.Hour).Unix()), slack.MsgOptionText("later", false)); err != nil {
		t.Error(err)
	}
	if list, _, err := b.api.GetScheduledMessages(&slack.GetScheduledMessagesParameters{Channel: "C0REDISOPS"}); err != nil || len(list) != 1 || list[0].DateCreated == 0 {
		t.Errorf("scheduled: %+v %v", list, err)
	}
}

// Everything that stands beyond the workspace, as the real client sees it.
func TestARealClientSeesAnOrganisation(t *testing.T) {
	b := startBot(t)
	r := b.rig
	r.do("workspace", object{"partner": true, "org_install": true})
	who, err := b.api.AuthTest()
	if err != nil || who.TeamID != "E0ACME" || who.EnterpriseID != "E0ACME" {
		t.Errorf("auth.test: %+v %v", who, err)
	}
	for id, want := range map[string]struct {
		team     string
		stranger bool
		teams    []string
	}{
		"U0GITA":  {"T0ACMEUK", false, []string{"T0ACMEUK", "T0SANDBOX"}},
		"U0HUGO":  {"", false, []string{"T0SANDBOX", "T0ACMEUK"}},
		"W0OLGA":  {"E0ACME", false, []string{"T0SANDBOX"}},
		"U0FRANK": {"T0PARTNER", true, nil},
		"U0FAY":   {"T0PARTNER", false, []string{"T0PARTNER"}},
	} {
		u, err := b.api.GetUserInfo(id)
		if err != nil || u.TeamID != want.team || u.IsStranger != want.stranger || !slices.Equal(u.Enterprise.Teams, want.teams) {
			t.Errorf("%s: %+v %v", id, u, err)
		}
	}
	groups, err := b.api.GetUserGroups(slack.GetUserGroupsOptionTeamID("T0SANDBOX"), slack.GetUserGroupsOptionIncludeUsers(true))
	if err != nil || len(groups) != 3 || groups[2].TeamID != "E0ACME" || groups[2].Users[0] != "W0DAN" {
		t.Errorf("groups: %+v %v", groups, err)
	}
	r.do("mention", object{"user": "frank", "channel": "redis-partner", "text": "help"})
	if e := <-b.events; e.InnerEvent.Data.(*slackevents.AppMentionEvent).User != "U0FRANK" || e.TeamID != "T0SANDBOX" {
		t.Errorf("mention: %+v", e)
	}
}
