package commands

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

func TestTheOrderOfAnAnswer(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	for _, row := range []struct {
		sentence string
		act      func()
		want     []string
	}{
		{"the bare command is acknowledged, then its form is the first call out", func() { d.types("ann", "") }, []string{"ack", "views.open Upgrade a database"}},
		{"with a database the form is opened first and filled in afterwards", func() { d.types("ann", "search-prod") }, []string{"ack", "views.open Upgrade a database", "views.update Upgrade a database"}},
		{"what is known to be impossible is answered in the acknowledgement", func() { d.types("ann", "no-such-database") }, []string{"ack"}},
		{"help is an acknowledgement", func() { d.types("ann", "help") }, []string{"ack"}},
		{"the list is an acknowledgement", func() { d.types("ann", "list") }, []string{"ack"}},
		{"a status that is there in time is an acknowledgement", func() { d.types("ann", "status") }, []string{"ack"}},
		{"a click that opens a form is acknowledged first", func() { d.clicks("bob", view.ActionDeny, s) }, []string{"ack", "views.open Deny"}},
		{"breaking changes are shown, not recorded", func() { d.clicks("eve", view.ActionChanges, s) }, []string{"ack", "views.open Breaking changes"}},
		{"a vote is recorded before it is acknowledged", func() { d.clicks("bob", view.ActionApprove, s) }, []string{"record", "ack"}},
		{"a second vote is a friendly no", func() { d.clicks("bob", view.ActionApprove, s) }, []string{"record", "ack", "chat.postEphemeral"}},
		{"a cancel is recorded before it is acknowledged", func() { d.clicks("ann", view.ActionCancel, s) }, []string{"record", "ack"}},
		{"a pause is recorded, then told to everybody", func() { d.types("dan", "pause") }, []string{"record", "ack", "chat.postMessage", "chat.postEphemeral"}},
	} {
		row.act()
		if diff := cmp.Diff(row.want, d.happened()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.sentence, diff)
		}
	}
	if n := d.inbox.left(); n != 0 {
		t.Errorf("%d intents were not settled", n)
	}
}

func TestWhatCannotBeRecordedIsNotAcknowledged(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.inbox.away = true
	for sentence, act := range map[string]func(){
		"a vote":            func() { d.clicks("bob", view.ActionApprove, s) },
		"a cancel":          func() { d.clicks("ann", view.ActionCancel, s) },
		"a cancel in words": func() { d.types("ann", "cancel "+s.ID) },
		"a pause":           func() { d.types("dan", "pause") },
		"a release":         func() { d.submits("dan", view.CallbackRelease, place{Session: s.ID, Record: "x"}, looked()) },
		"a submitted denial": func() {
			d.submits("bob", view.CallbackDeny, place{Session: s.ID, Ask: s.Ask}, values{"reason": typed(view.ActionReason, "no")})
		},
	} {
		act()
		if got := d.happened(); len(got) != 0 {
			t.Errorf("%s: %v happened", sentence, got)
		}
	}
	if got := d.load(s.ID); got.State != upgrade.Proposed || got.Revision != s.Revision {
		t.Errorf("the session moved to %s", got.State)
	}
}

func TestWhatOpensAFormNeedsNoInbox(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.inbox.away = true
	d.types("ann", "")
	d.clicks("bob", view.ActionDeny, s)
	if diff := cmp.Diff([]string{"ack", "views.open Upgrade a database", "ack", "views.open Deny"}, d.happened()); diff != "" {
		t.Error(diff)
	}
}

func TestAPayloadThatComesTwiceIsDoneOnce(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	cb := click("bob", view.ActionApprove, view.Target{Session: s.ID, Ask: s.Ask}.Value())
	envelope := d.send(socketmode.EventTypeInteractive, cb)
	d.happened()
	d.resend(envelope, socketmode.EventTypeInteractive, cb)
	if diff := cmp.Diff([]string{"record", "ack"}, d.happened()); diff != "" {
		t.Errorf("the repeat must be acknowledged and not answered:\n%s", diff)
	}
	if n := len(d.load(s.ID).Decisions); n != 1 {
		t.Errorf("%d votes", n)
	}
}

func TestWhatNobodyUnderstandsIsAcknowledged(t *testing.T) {
	d := newDesk(t)
	request := &socketmode.Request{Type: "unheard_of", EnvelopeID: "E1"}
	for sentence, row := range map[string]struct {
		event socketmode.Event
		want  []string
	}{
		"a payload that cannot be decoded": {socketmode.Event{Type: socketmode.EventTypeErrorBadMessage, Data: &socketmode.ErrorBadMessage{
			Cause: errors.New("json: cannot unmarshal"), Message: []byte(`{"envelope_id":"E1","type":"interactive","payload":7}`)}}, []string{"ack"}},
		"bytes that are no envelope":                  {socketmode.Event{Type: socketmode.EventTypeErrorBadMessage, Data: &socketmode.ErrorBadMessage{Cause: errors.New("json"), Message: []byte(`{"env`)}}, nil},
		"a kind of payload that Slack invented":       {socketmode.Event{Type: "unheard_of", Request: request}, []string{"ack"}},
		"an event without content":                    {socketmode.Event{Type: socketmode.EventTypeEventsAPI, Data: nil, Request: request}, []string{"ack"}},
		"an interaction that Slack invented":          {socketmode.Event{Type: socketmode.EventTypeInteractive, Data: slack.InteractionCallback{Type: "unheard_of"}, Request: request}, []string{"ack"}},
		"a closed view":                               {socketmode.Event{Type: socketmode.EventTypeInteractive, Data: slack.InteractionCallback{Type: slack.InteractionTypeViewClosed}, Request: request}, []string{"ack"}},
		"a click without an action":                   {socketmode.Event{Type: socketmode.EventTypeInteractive, Data: slack.InteractionCallback{Type: slack.InteractionTypeBlockActions}, Request: request}, []string{"ack"}},
		"a button of another life":                    {socketmode.Event{Type: socketmode.EventTypeInteractive, Data: click("ann", "approve", "v0:17"), Request: request}, []string{"ack"}},
		"a button that a newer replica has":           {socketmode.Event{Type: socketmode.EventTypeInteractive, Data: click("ann", "postpone", "u-3f7ka2mzq5#1"), Request: request}, []string{"ack"}},
		"a modal of another life":                     {socketmode.Event{Type: socketmode.EventTypeInteractive, Data: slack.InteractionCallback{Type: slack.InteractionTypeViewSubmission}, Request: request}, []string{"ack"}},
		"a connection's own news, which need no acks": {socketmode.Event{Type: socketmode.EventTypeHello}, nil},
	} {
		d.h.Handle(t.Context(), row.event, d)
		if diff := cmp.Diff(row.want, d.happened()); diff != "" {
			t.Errorf("%s:\n%s", sentence, diff)
		}
	}
}

func TestAPanicEndsOnePayloadOnly(t *testing.T) {
	d := newDesk(t)
	d.spoil = func(string) error { panic("a bug") }
	for range 20 { // more than there are workers
		d.types("ann", "")
	}
	d.spoil = nil
	d.happened()
	d.types("ann", "")
	if diff := cmp.Diff([]string{"ack", "views.open Upgrade a database"}, d.happened()); diff != "" {
		t.Errorf("after the panics:\n%s", diff)
	}
}

// A replica that recorded a vote and died before it was worked off.
func TestAnotherReplicaWorksOffWhatIsLeft(t *testing.T) {
	for sentence, spoil := range map[string]func(string) error{
		"quietly":                  nil,
		"while its answers panic":  func(string) error { panic("a bug") },
		"while Slack takes nobody": func(string) error { return errors.New("slack is away") },
	} {
		t.Run(sentence, func(t *testing.T) {
			d := newDesk(t)
			d.spoil = spoil
			s := d.proposed("cache-prod")
			d.inbox.kept["E1"] = []byte(`{"do":"approve","user":"bob","at":{"s":"` + s.ID + `","a":1}}`)
			d.inbox.kept["E2"] = []byte(`{"do":"approve","user":"eve","at":{"s":"` + s.ID + `","a":1}}`) // is told no
			d.inbox.kept["E3"] = []byte(`not an intent`)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			other := d.handler()
			go func() { ended <- other.Adopt(ctx, time.Millisecond) }()
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && (d.load(s.ID).State != upgrade.Approved || spoil == nil && d.inbox.left() > 0); {
				time.Sleep(time.Millisecond)
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("Adopt ended with %v", err)
			}
			other.Wait()
			if got := d.load(s.ID).State; got != upgrade.Approved {
				t.Errorf("the vote is lost: %s", got)
			}
		})
	}
}

// The store is away for a moment: the intent stays, and is worked off later.
func TestWhatMayPassIsTriedAgain(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.memory.SetError("LOADING Redis is loading the dataset in memory")
	d.clicks("bob", view.ActionApprove, s)
	if n := d.inbox.left(); n != 1 {
		t.Fatalf("%d intents are left to be tried again, want 1", n)
	}
	if got := d.answers(); len(got) != 0 {
		t.Errorf("bob was told %v", got)
	}
	d.memory.SetError("")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go d.h.Adopt(ctx, time.Millisecond)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && d.inbox.left() > 0; {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if got := d.load(s.ID).State; got != upgrade.Approved {
		t.Errorf("the vote is lost: %s", got)
	}
}

func TestAnEventThatComesTwiceIsAnsweredOnce(t *testing.T) {
	d := newDesk(t)
	d.mentions("ann", "", "Ev1", "<@UBOT> help")
	d.mentions("ann", "", "Ev1", "<@UBOT> help")
	if diff := cmp.Diff([]string{"ack", "chat.postEphemeral", "ack"}, d.happened()); diff != "" {
		t.Error(diff)
	}
}

func TestAMention(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	d.threads[home+"/5.5"] = s.ID
	for n, row := range []struct {
		sentence, user, thread, text, want string
	}{
		{"outside of a thread helps", "ann", "", "<@UBOT> hello", "Upgrading Redis Cloud databases together"},
		{"in an upgrade's thread says how it is", "ann", "5.5", "<@UBOT> status", "cache-prod: 7.2 → 8.2* is waiting for approval"},
		{"asking for help helps anywhere", "ann", "5.5", "<@UBOT> HELP", "Upgrading Redis Cloud databases together"},
		{"in another thread helps", "ann", "6.6", "<@UBOT> status", "Upgrading Redis Cloud databases together"},
		{"by the bot itself is left alone", "UBOT", "5.5", "<@UBOT>", ""},
	} {
		before := len(d.answers())
		d.mentions(row.user, row.thread, "Ev-mention-"+string(rune('a'+n)), row.text)
		told := d.answers()[before:]
		switch {
		case row.want == "" && len(told) == 0:
		case len(told) != 1 || !strings.Contains(told[0].text, row.want) || told[0].user != row.user || told[0].thread != row.thread:
			t.Errorf("a mention %s: got %+v", row.sentence, told)
		}
	}
	if got := d.happened(); slices.Contains(got, "chat.postMessage") {
		t.Errorf("a mention was answered in public: %v", got)
	}
}

// Slack can say neither who clicked nor take an answer: the click is kept, and
// counts when Slack is back.
func TestARefusalThatNobodyHearsIsNotTheEnd(t *testing.T) {
	d := newDesk(t)
	s := d.proposed("cache-prod")
	bob := d.people["bob"]
	delete(d.people, "bob")
	d.spoil = func(method string) error { return errors.New("slack is away") }
	d.clicks("bob", view.ActionApprove, s)
	d.h.Wait()
	if got, left := d.load(s.ID).State, d.inbox.left(); got != upgrade.Proposed || left != 1 {
		t.Fatalf("%s, and %d clicks are kept; want one", got, left)
	}
	d.mu.Lock()
	d.people["bob"], d.spoil = bob, nil
	d.mu.Unlock()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go d.h.Adopt(ctx, 10*time.Millisecond)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && d.inbox.left() > 0; {
		time.Sleep(10 * time.Millisecond)
	}
	if got := d.load(s.ID).State; got != upgrade.Approved {
		t.Errorf("the session is %s; want approved", got)
	}
}
