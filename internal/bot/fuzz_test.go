package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/commands"
	"github.com/redis-upgrade/bot/internal/slacksocket"
)

// acked writes acknowledgements down.
type acked []string

func (a *acked) Ack(req socketmode.Request, _ ...any) error {
	*a = append(*a, req.EnvelopeID)
	return nil
}

// Whatever comes over the socket: it is one of the types that the handler knows,
// or it is bad; and what is bad is acknowledged if it can be, so that the socket
// does not wait for it and Slack does not send it again.
func FuzzSocketMessage(f *testing.F) {
	f.Add([]byte(`{"type":"hello","num_connections":1,"debug_info":{"host":"applink","build_number":10,"approximate_connection_time":18060},"connection_info":{"app_id":"A111"}}`))
	f.Add([]byte(`{"type":"slash_commands","envelope_id":"e-1","accepts_response_payload":true,"payload":{"command":"/redis-upgrade","text":"cache-prod","user_id":"U1","channel_id":"C1","is_enterprise_install":"false"}}`))
	f.Add([]byte(`{"type":"interactive","envelope_id":"e-1","payload":7}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		evt := slacksocket.Decode(bytes.Clone(data))
		if evt.Request == nil {
			t.Fatalf("%q has no request: %+v", data, evt)
		}
		ok := true
		switch evt.Type {
		case socketmode.EventTypeHello, socketmode.EventTypeDisconnect:
			ok = evt.Data == nil
		case socketmode.EventTypeSlashCommand:
			_, ok = evt.Data.(slack.SlashCommand)
		case socketmode.EventTypeInteractive:
			_, ok = evt.Data.(slack.InteractionCallback)
		case socketmode.EventTypeEventsAPI:
			_, ok = evt.Data.(slackevents.EventsAPIEvent)
		case socketmode.EventTypeErrorBadMessage:
			checkBad(t, evt, data)
		default:
			ok = false
		}
		if !ok {
			t.Errorf("%q became a %s with a %T", data, evt.Type, evt.Data)
		}
		var envelope struct {
			ID *string `json:"envelope_id"`
		}
		if json.Unmarshal(data, &envelope) == nil && envelope.ID != nil && *envelope.ID != evt.Request.EnvelopeID {
			t.Errorf("%q is owed as %q", data, evt.Request.EnvelopeID)
		}
	})
}

func checkBad(t *testing.T, evt socketmode.Event, data []byte) {
	t.Helper()
	bad, ok := evt.Data.(*socketmode.ErrorBadMessage)
	if !ok || bad.Cause == nil || !bytes.Equal(bad.Message, data) {
		t.Fatalf("%q is bad without a reason: %+v", data, evt.Data)
	}
	var acks acked
	h := commands.New(commands.Config{Workers: 1}, commands.Parts{Log: slog.New(slog.DiscardHandler)})
	h.Handle(context.Background(), evt, &acks)
	h.Wait()
	var want acked
	if id := evt.Request.EnvelopeID; id != "" {
		want = acked{id}
	}
	if diff := cmp.Diff(want, acks); diff != "" {
		t.Errorf("%q is acknowledged otherwise than it is owed (-owed +acknowledged):\n%s", data, diff)
	}
}

// secretMark is the part of a secret that no error may show.
const secretMark = "s3cr3tS3CR3T"

// Whatever stands in REDIS_URL: it is an address with all its parts, or an error
// that does not show the password.
func FuzzRedisURL(f *testing.F) {
	f.Add("redis://user:", "@localhost:6379/3")
	f.Add("redis+sentinel://:", "@a:1,b:2/mymaster?db=4")
	f.Add("rediss+cluster://u:", "%@a:1,b")
	f.Fuzz(func(t *testing.T, before, after string) {
		o, err := redisOptions(before + secretMark + after)
		if err != nil {
			if strings.Contains(err.Error(), secretMark) {
				t.Errorf("%q…%q shows the password: %v", before, after, err)
			}
			return
		}
		if len(o.Addrs) == 0 || o.IsClusterMode && o.MasterName != "" {
			t.Errorf("%q…%q was taken as %q", before, after, o.Addrs)
		}
		scheme, _, _ := strings.Cut(before+secretMark+after, "://")
		if _, topology, _ := strings.Cut(scheme, "+"); topology == "" {
			return
		}
		for _, a := range o.Addrs {
			if _, _, err := net.SplitHostPort(a); err != nil {
				t.Errorf("%q…%q was taken as %q: %v", before, after, o.Addrs, err)
			}
		}
		if (o.MasterName == "") == strings.HasSuffix(scheme, "sentinel") {
			t.Errorf("%q…%q has the master %q", before, after, o.MasterName)
		}
	})
}

// Whatever one variable holds: the whole configuration is taken and survives
// being handed on, or the error names the variable and shows no secret.
func FuzzConfiguration(f *testing.F) {
	all := variables()
	for i, value := range []string{"upgrade", "7,8", "xoxb-1", "xapp-1", "https://slack.com/api/", "C1", "S1, S2,"} {
		f.Add(byte(i), value)
	}
	f.Fuzz(func(t *testing.T, which byte, value string) {
		if strings.Contains(value, "\x00") {
			return // the environment holds none
		}
		name := all[int(which)%len(all)].Tag.Get("envconfig")
		if strings.Contains(name, "KEY") || strings.Contains(name, "TOKEN") {
			value += secretMark
		}
		environment(t, append(append([]string{}, good...), name+"="+value)...)
		c, err := FromEnvironment()
		if err != nil {
			if !strings.Contains(err.Error(), name) && name != "APPROVER_GROUPS" {
				t.Errorf("%s=%q: the error names other variables: %v", name, value, err)
			}
			if strings.Contains(err.Error(), secretMark) {
				t.Errorf("%s=%q is shown: %v", name, value, err)
			}
			return
		}
		environment(t, c.Environ()...)
		again, err := FromEnvironment()
		if err != nil {
			t.Fatalf("%s=%q is taken once and refused when it is handed on: %v", name, value, err)
		}
		if diff := cmp.Diff(c, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s=%q is lost when it is handed on (-want +got):\n%s", name, value, diff)
		}
	})
}
