package slacksocket

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// undecodable are parts of somebody's message that slack-go does not take.
var undecodable = []string{
	`"attachments":[{"id":"1","text":"x"}]`,
	`"attachments":[{"id":1,"color":7}]`,
	`"attachments":[{"id":1,"fields":[{"title":"x","value":"y","short":"true"}]}]`,
	`"blocks":[{"type":"actions","elements":[{"type":"teleporter","action_id":"x"}]}]`,
	`"blocks":[{"type":"context","elements":[{"type":"teleporter"}]}]`,
	`"blocks":[{"type":"input","element":{"type":"teleporter"}}]`,
	`"blocks":7`,
}

// Whatever stands in the message, a click, a shortcut and a mention arrive with
// their ids.
func TestIdsAreEnough(t *testing.T) {
	unable := 0
	for _, part := range undecodable {
		message := `"message":{"type":"message","user":"U9","ts":"1.2","thread_ts":"1.1",` + part + `}`
		click := `{"type":"block_actions","user":{"id":"U1"},"trigger_id":"T1","channel":{"id":"C1"},"container":{"message_ts":"1.2","thread_ts":"1.1"},` + message +
			`,"actions":[{"action_id":"approve","block_id":"b","type":"button","value":"u-aaaaaaaaaa#1","action_ts":"3.4"}]}`
		shortcut := `{"type":"message_action","user":{"id":"U1"},"trigger_id":"T1","channel":{"id":"C1"},"callback_id":"revert_upgrade","message_ts":"1.2",` + message + `}`
		mention := `{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention","user":"U1","channel":"C1","text":"<@UBOT>","ts":"1.2","thread_ts":"1.1",` + part + `}}`
		if json.Unmarshal([]byte(click), new(slack.InteractionCallback)) != nil {
			unable++
		}

		got, ok := Decode(envelope("interactive", click)).Data.(slack.InteractionCallback)
		if !ok || got.User.ID != "U1" || got.TriggerID != "T1" || got.Channel.ID != "C1" || got.Container.ThreadTs != "1.1" ||
			len(got.ActionCallback.BlockActions) != 1 || got.ActionCallback.BlockActions[0].Value != "u-aaaaaaaaaa#1" {
			t.Errorf("a click on a message with %s: %+v", part, got)
		}
		got, ok = Decode(envelope("interactive", shortcut)).Data.(slack.InteractionCallback)
		if !ok || got.User.ID != "U1" || got.CallbackID != "revert_upgrade" || got.Message.Timestamp != "1.2" || got.Message.ThreadTimestamp != "1.1" {
			t.Errorf("a shortcut on a message with %s: %+v", part, got)
		}
		ev, _ := Decode(envelope("events_api", mention)).Data.(slackevents.EventsAPIEvent)
		said, ok := ev.InnerEvent.Data.(*slackevents.AppMentionEvent)
		if !ok || said.User != "U1" || said.Channel != "C1" || said.ThreadTimeStamp != "1.1" || said.Text != "<@UBOT>" || ev.Data.(*slackevents.EventsAPICallbackEvent).EventID != "Ev1" {
			t.Errorf("a mention with %s: %+v", part, ev)
		}
	}
	if unable < len(undecodable)/2 {
		t.Errorf("slack-go decodes all but %d of them; the test proves little", unable)
	}
}

func envelope(kind, payload string) []byte {
	return fmt.Appendf(nil, `{"type":%q,"envelope_id":"E1","payload":%s}`, kind, payload)
}

// Our decoding and slack-go's agree on everything that is used.
func TestWhatIsDecodedIsWhatSlackGoDecodes(t *testing.T) {
	for sentence, payload := range map[string]string{
		"a click in a private answer": `{"type":"block_actions","user":{"id":"U1","team_id":"T1"},"container":{"type":"message","message_ts":"1.2","channel_id":"C1","is_ephemeral":true,"thread_ts":"1.1"},"trigger_id":"x","channel":{"id":"C1","name":"ops"},"actions":[{"action_id":"request_0","block_id":"b","value":"pro/1/2@8.2","type":"button","action_ts":"3.4"}]}`,
		"a pick in a modal":           `{"type":"block_actions","user":{"id":"U1"},"trigger_id":"x","container":{"type":"view","view_id":"V1"},"view":{"id":"V1","type":"modal","hash":"h1","callback_id":"request_upgrade","private_metadata":"{}","state":{"values":{}}},"actions":[{"type":"external_select","action_id":"database","block_id":"database","selected_option":{"text":{"type":"plain_text","text":"x"},"value":"pro/1/2"},"action_ts":"3.4"}]}`,
		"a submitted modal":           `{"type":"view_submission","user":{"id":"U1"},"view":{"id":"V1","type":"modal","hash":"h1","callback_id":"request_upgrade","private_metadata":"{}","state":{"values":{"reason":{"reason":{"type":"plain_text_input","value":"because"}},"start":{"start":{"type":"datetimepicker","selected_date_time":1700000000}},"database":{"database":{"type":"external_select","selected_option":{"text":{"type":"plain_text","text":"x"},"value":"pro/1/2"}}},"v":{"version":{"type":"static_select","selected_option":null}}}}}}`,
		"a ticked box":                `{"type":"view_submission","user":{"id":"U1"},"view":{"id":"V1","type":"modal","callback_id":"approve_revert","private_metadata":"{}","state":{"values":{"writers":{"writers_stopped":{"type":"checkboxes","selected_options":[{"text":{"type":"plain_text","text":"x"},"value":"stopped"}]}},"looked":{"looked_in_console":{"type":"checkboxes","selected_options":[]}}}}}}`,
		"a search":                    `{"type":"block_suggestion","user":{"id":"U1"},"action_id":"database","block_id":"database","value":"cac","view":{"id":"V1","type":"modal"}}`,
		"a closed modal":              `{"type":"view_closed","user":{"id":"U1"},"view":{"id":"V1","type":"modal"},"is_cleared":true}`,
	} {
		var want slack.InteractionCallback
		if err := json.Unmarshal([]byte(payload), &want); err != nil {
			t.Fatal(err)
		}
		evt := Decode(envelope("interactive", payload))
		got, ok := evt.Data.(slack.InteractionCallback)
		if !ok || evt.Type != socketmode.EventTypeInteractive {
			t.Fatalf("%s became %T", sentence, evt.Data)
		}
		if diff := cmp.Diff(used(want), used(got)); diff != "" {
			t.Errorf("%s (-slack-go +ours):\n%s", sentence, diff)
		}
	}
}

// used is everything that is used of a payload.
func used(cb slack.InteractionCallback) []any {
	out := []any{cb.Type, cb.User.ID, cb.TriggerID, cb.CallbackID, cb.ActionID, cb.Value, cb.Channel.ID, cb.Container.ThreadTs, cb.Container.MessageTs,
		cb.View.ID, cb.View.Hash, cb.View.CallbackID, cb.View.PrivateMetadata}
	for _, a := range cb.ActionCallback.BlockActions {
		out = append(out, a.ActionID, a.ActionTs, a.Value, a.SelectedOption.Value)
	}
	if cb.View.State != nil {
		values := map[string]string{}
		for block, actions := range cb.View.State.Values {
			for id, a := range actions {
				values[block+"/"+id] = fmt.Sprint(a.Value, a.SelectedOption.Value, a.SelectedDateTime)
				for _, o := range a.SelectedOptions {
					values[block+"/"+id] += " " + o.Value
				}
			}
		}
		out = append(out, values)
	}
	return out
}
