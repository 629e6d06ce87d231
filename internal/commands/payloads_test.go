package commands

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

const home = "C0REDISOPS"

// botChannel is where the bot posts its cards.
const botChannel = "C0REDISPROD"

// send hands a payload over as a socket does, under an envelope of its own.
func (d *desk) send(kind socketmode.EventType, data any) string {
	d.mu.Lock()
	d.envlps++
	id := fmt.Sprintf("envelope-%d", d.envlps)
	d.mu.Unlock()
	d.resend(id, kind, data)
	return id
}

func (d *desk) resend(envelope string, kind socketmode.EventType, data any) {
	d.h.Handle(d.ctx, socketmode.Event{Type: kind, Data: data, Request: &socketmode.Request{Type: string(kind), EnvelopeID: envelope}}, d)
	d.h.Wait()
}

// types is somebody typing the slash command.
func (d *desk) types(user, text string) {
	d.send(socketmode.EventTypeSlashCommand, slack.SlashCommand{Command: "/redis-upgrade", Text: text, UserID: user, ChannelID: home, TriggerID: "T1"})
}

// clicks is a click on a button of a card.
func (d *desk) clicks(user, action string, s upgrade.Session) string {
	return d.send(socketmode.EventTypeInteractive, click(user, action, view.Target{Session: s.ID, Ask: s.Ask}.Value()))
}

func click(user, action, value string) slack.InteractionCallback {
	cb := slack.InteractionCallback{Type: slack.InteractionTypeBlockActions, User: slack.User{ID: user}, TriggerID: "T1", Container: slack.Container{MessageTs: "1.1"}}
	cb.Channel.ID = home
	cb.ActionCallback.BlockActions = []*slack.BlockAction{{ActionID: action, Value: value}}
	return cb
}

// picks is a choice in the request modal.
func (d *desk) picks(user, ref, metadata string) {
	cb := click(user, view.ActionDatabase, "")
	cb.ActionCallback.BlockActions[0].SelectedOption.Value = ref
	cb.View = slack.View{ID: "V1", CallbackID: view.CallbackRequest, PrivateMetadata: metadata}
	d.send(socketmode.EventTypeInteractive, cb)
}

// values are what stands in a modal: block → action → value.
type values map[string]map[string]slack.BlockAction

// submits is a submitted modal.
func (d *desk) submits(user, callback string, at place, v values) string {
	cb := slack.InteractionCallback{Type: slack.InteractionTypeViewSubmission, User: slack.User{ID: user}}
	cb.View = slack.View{ID: "V1", CallbackID: callback, PrivateMetadata: at.String(), State: &slack.ViewState{Values: v}}
	return d.send(socketmode.EventTypeInteractive, cb)
}

func typed(action, text string) map[string]slack.BlockAction {
	return map[string]slack.BlockAction{action: {Value: text}}
}

func chosen(action, value string) map[string]slack.BlockAction {
	return map[string]slack.BlockAction{action: {SelectedOption: slack.OptionBlockObject{Value: value}}}
}

func at(t time.Time) map[string]slack.BlockAction {
	return map[string]slack.BlockAction{view.ActionStart: {SelectedDateTime: t.Unix()}}
}

// wrongs are the errors of the last acknowledgement, by block.
func (d *desk) wrongs() map[string]string {
	d.t.Helper()
	var r refused
	if err := json.Unmarshal([]byte(d.lastAck()), &r); err != nil {
		return nil // an empty acknowledgement
	}
	return r.Errors
}

// mentions is a mention of the bot.
func (d *desk) mentions(user, thread, id, text string) {
	ev := slackevents.EventsAPIEvent{
		Data:       &slackevents.EventsAPICallbackEvent{EventID: id},
		InnerEvent: slackevents.EventsAPIInnerEvent{Data: &slackevents.AppMentionEvent{User: user, Channel: home, ThreadTimeStamp: thread, Text: text}},
	}
	d.send(socketmode.EventTypeEventsAPI, ev)
}

// homeOpened is somebody looking at the bot's Home tab.
func homeOpened(user string) slackevents.EventsAPIEvent {
	return slackevents.EventsAPIEvent{Data: &slackevents.EventsAPICallbackEvent{},
		InnerEvent: slackevents.EventsAPIInnerEvent{Data: &slackevents.AppHomeOpenedEvent{User: user, Tab: "home"}}}
}

// proposed is an upgrade that ann asked for.
func (d *desk) proposed(name string) upgrade.Session { return d.proposedBy("ann", name) }

func (d *desk) proposedBy(user, name string) upgrade.Session {
	d.t.Helper()
	e, err := d.index.Find(name)
	if err != nil {
		d.t.Fatal(err)
	}
	s, err := d.engine.Propose(d.ctx, upgrade.Request{Origin: "test-" + name, By: d.people[user], Ref: e.Ref, To: "8.2", Reason: "because", Home: home})
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

func (d *desk) load(id string) upgrade.Session {
	d.t.Helper()
	s, err := d.engine.Load(d.ctx, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}
