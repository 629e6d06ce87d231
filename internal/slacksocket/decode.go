package slacksocket

import (
	"cmp"
	"encoding/json"
	"errors"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// Decode reads one message as slack-go's types, as far as this bot uses them. What it
// cannot read becomes an [socketmode.EventTypeErrorBadMessage], to be acknowledged all
// the same. Every event has a Request.
func Decode(data []byte) socketmode.Event {
	req := &socketmode.Request{}
	bad := func(err error) socketmode.Event {
		cause := &socketmode.ErrorBadMessage{Cause: err, Message: data}
		return socketmode.Event{Type: socketmode.EventTypeErrorBadMessage, Request: req, Data: cause}
	}
	if err := json.Unmarshal(data, req); err != nil {
		return bad(err)
	}
	var into any
	var err error
	switch req.Type {
	case socketmode.RequestTypeHello:
		return socketmode.Event{Type: socketmode.EventTypeHello, Request: req}
	case socketmode.RequestTypeDisconnect:
		return socketmode.Event{Type: socketmode.EventTypeDisconnect, Request: req}
	case socketmode.RequestTypeEventsAPI:
		into, err = eventOf(req.Payload)
	case socketmode.RequestTypeSlashCommands:
		var cmd slack.SlashCommand
		err = json.Unmarshal(req.Payload, &cmd)
		into = cmd
	case socketmode.RequestTypeInteractive:
		into, err = interactionOf(req.Payload)
	default:
		err = errors.New("unknown type")
	}
	if err != nil {
		return bad(err)
	}
	return socketmode.Event{Type: socketmode.EventType(req.Type), Request: req, Data: into}
}

// A payload carries the whole message or modal in which somebody clicked, and
// somebody else's message may hold what slack-go cannot decode: then all of the
// click would be lost. Ids are enough, so only those are decoded; what else a
// payload holds is passed over, and the largest part of the work with it.

// interaction is what is used of a click, a menu, a shortcut or a submitted modal.
// https://docs.slack.dev/reference/interaction-payloads
type interaction struct {
	Type       slack.InteractionType `json:"type"`
	CallbackID string                `json:"callback_id"`
	TriggerID  string                `json:"trigger_id"`
	ActionID   string                `json:"action_id"`
	Value      string                `json:"value"`
	MessageTS  string                `json:"message_ts"`
	User       named                 `json:"user"`
	Channel    named                 `json:"channel"`
	Container  struct {
		MessageTS string `json:"message_ts"`
		ThreadTS  string `json:"thread_ts"`
		ChannelID string `json:"channel_id"`
	} `json:"container"`
	Message struct {
		TS       string `json:"ts"`
		ThreadTS string `json:"thread_ts"`
	} `json:"message"`
	Actions []action `json:"actions"`
	View    struct {
		ID              string `json:"id"`
		Hash            string `json:"hash"`
		CallbackID      string `json:"callback_id"`
		PrivateMetadata string `json:"private_metadata"`
		State           struct {
			Values map[string]map[string]action `json:"values"`
		} `json:"state"`
	} `json:"view"`
}

type named struct {
	ID string `json:"id"`
}

// action is an element that was used, or one of a modal's inputs.
type action struct {
	ActionID         string   `json:"action_id"`
	ActionTS         string   `json:"action_ts"`
	Value            string   `json:"value"`
	SelectedDateTime int64    `json:"selected_date_time"`
	SelectedOption   option   `json:"selected_option"`
	SelectedOptions  []option `json:"selected_options"`
}

type option struct {
	Value string `json:"value"`
}

func (a action) block() slack.BlockAction {
	out := slack.BlockAction{
		ActionID: a.ActionID, ActionTs: a.ActionTS, Value: a.Value, SelectedDateTime: a.SelectedDateTime,
		SelectedOption: slack.OptionBlockObject{Value: a.SelectedOption.Value},
	}
	for _, o := range a.SelectedOptions {
		out.SelectedOptions = append(out.SelectedOptions, slack.OptionBlockObject{Value: o.Value})
	}
	return out
}

// interactionOf decodes an interactive payload as far as it is used.
func interactionOf(payload []byte) (slack.InteractionCallback, error) {
	var in interaction
	if err := decodeIDs(payload, &in); err != nil || in.Type == "" {
		return slack.InteractionCallback{}, cmp.Or(err, errors.New("an interaction without a type"))
	}
	at := in.Container
	out := slack.InteractionCallback{
		Type: in.Type, CallbackID: in.CallbackID, TriggerID: in.TriggerID, ActionID: in.ActionID, Value: in.Value,
		MessageTs: in.MessageTS, User: slack.User{ID: in.User.ID},
		Container: slack.Container{MessageTs: at.MessageTS, ThreadTs: at.ThreadTS, ChannelID: at.ChannelID},
	}
	out.Channel.ID = cmp.Or(in.Channel.ID, in.Container.ChannelID)
	out.Message.Timestamp = cmp.Or(in.Message.TS, in.MessageTS)
	out.Message.ThreadTimestamp = in.Message.ThreadTS
	for _, a := range in.Actions {
		block := a.block()
		out.ActionCallback.BlockActions = append(out.ActionCallback.BlockActions, &block)
	}
	v := in.View
	out.View = slack.View{ID: v.ID, Hash: v.Hash, CallbackID: v.CallbackID, PrivateMetadata: v.PrivateMetadata}
	if v.State.Values != nil {
		values := map[string]map[string]slack.BlockAction{}
		for block, actions := range v.State.Values {
			values[block] = map[string]slack.BlockAction{}
			for id, a := range actions {
				values[block][id] = a.block()
			}
		}
		out.View.State = &slack.ViewState{Values: values}
	}
	return out, nil
}

// eventOf decodes the events that are handled as far as they are used, and leaves
// others to slack-go.
func eventOf(payload []byte) (slackevents.EventsAPIEvent, error) {
	var in struct {
		Type    string `json:"type"`
		EventID string `json:"event_id"`
		Event   struct {
			Type     string `json:"type"`
			User     string `json:"user"`
			BotID    string `json:"bot_id"`
			Text     string `json:"text"`
			TS       string `json:"ts"`
			ThreadTS string `json:"thread_ts"`
			Channel  string `json:"channel"`
			Tab      string `json:"tab"`
		} `json:"event"`
	}
	if err := decodeIDs(payload, &in); err != nil {
		return slackevents.EventsAPIEvent{}, err
	}
	ev := in.Event
	var inner any
	switch slackevents.EventsAPIType(ev.Type) {
	case slackevents.AppMention:
		inner = &slackevents.AppMentionEvent{
			Type: ev.Type, User: ev.User, BotID: ev.BotID, Text: ev.Text, TimeStamp: ev.TS, ThreadTimeStamp: ev.ThreadTS, Channel: ev.Channel,
		}
	case slackevents.AppHomeOpened:
		inner = &slackevents.AppHomeOpenedEvent{Type: ev.Type, User: ev.User, Channel: ev.Channel, Tab: ev.Tab}
	default:
		return slackevents.ParseEvent(payload, slackevents.OptionNoVerifyToken())
	}
	return slackevents.EventsAPIEvent{
		Type: in.Type, Data: &slackevents.EventsAPICallbackEvent{Type: in.Type, EventID: in.EventID},
		InnerEvent: slackevents.EventsAPIInnerEvent{Type: ev.Type, Data: inner},
	}, nil
}

// decodeIDs decodes JSON, and leaves out what is of another type than it should be.
func decodeIDs(payload []byte, into any) error {
	err := json.Unmarshal(payload, into)
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) && mistyped.Field != "" {
		return nil // json has decoded the rest
	}
	return err
}
