package commands

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

func mustRef(t *testing.T, text string) cloud.Ref {
	t.Helper()
	ref, err := upgrade.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func FuzzParsePlace(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"c":"C1","t":"1.1","s":"u-1","a":7,"v":"7.4"}`, `{"a":"x"}`, `[]`, `{"c":1}`, "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, metadata string) {
		p := parsePlace(metadata)
		if again := parsePlace(p.String()); strings.ToValidUTF8(p.Channel, "") == p.Channel && again != p {
			t.Errorf("%q became %+v and then %+v", metadata, p, again)
		}
	})
}

// watch makes the desk notice what a replica survives and only logs: a panic.
func (d *desk) watch() *panics {
	p := &panics{Handler: slog.DiscardHandler}
	d.h.log = slog.New(p)
	return p
}

type panics struct {
	slog.Handler
	mu   sync.Mutex // guards seen
	seen []string
}

// Enabled and Handle implement slog.Handler.
func (p *panics) Enabled(context.Context, slog.Level) bool { return true }

func (p *panics) Handle(_ context.Context, r slog.Record) error {
	if !strings.Contains(r.Message, "panicked") {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		p.seen = append(p.seen, a.String())
		return true
	})
	return nil
}

// forget empties what the desk wrote down, and checks what holds of every
// answer: one acknowledgement, no panic, metadata that Slack takes, and nobody
// pinged by a text that came from outside.
func (d *desk) forget(t testing.TB, input string, acknowledged int, p *panics) {
	t.Helper()
	acks := 0
	for _, what := range d.happened() {
		if what == "ack" {
			acks++
		}
	}
	if acks != acknowledged {
		t.Errorf("%q was acknowledged %d times, want %d", input, acks, acknowledged)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) > 0 {
		t.Errorf("%q panicked: %v", input, p.seen)
	}
	for _, v := range d.views {
		if len(v.PrivateMetadata) > 3000 {
			t.Errorf("%q made %d characters of metadata", input, len(v.PrivateMetadata))
		}
	}
	for _, m := range d.told {
		if n := noise.FindString(m.text); n != "" {
			t.Errorf("%q made the bot say %s: %s", input, n, m.text)
		}
	}
	for _, raw := range d.acks {
		if n := noiseJSON.FindString(raw); n != "" {
			t.Errorf("%q made the bot say %s: %s", input, n, raw)
		}
		if len(raw) >= 20<<10 {
			t.Errorf("%q was acknowledged with %d bytes, which Slack drops", input, len(raw))
		}
	}
	d.acks, d.told, d.views, p.seen = nil, nil, nil, nil
	d.inbox.mu.Lock()
	defer d.inbox.mu.Unlock()
	d.inbox.seen = nil
	clear(d.inbox.kept)
}

// noise is what rings everybody's phone; the second is the same as JSON.
var (
	noise     = regexp.MustCompile(`<!(channel|here|everyone)`)
	noiseJSON = regexp.MustCompile(`"text":"[^"]*(<|\\u003c)!(channel|here|everyone)`)
)

// record is everything that decides what is done: what nobody without a say can
// change.
func (d *desk) record() string {
	var out []string
	for _, key := range d.memory.Keys() {
		switch _, name, _ := strings.Cut(key, "}:"); {
		case strings.HasPrefix(name, "session:"):
			out = append(out, key+d.memory.HGet(key, "state")+d.memory.HGet(key, "revision"))
		case strings.HasPrefix(name, "active:"), strings.HasPrefix(name, "flag:"):
			out = append(out, key)
		}
	}
	return strings.Join(out, "\n")
}

// somebody picks one of the desk's people, the guest among them.
func somebody(n byte) string {
	return []string{"ann", "bob", "carol", "dan", "eve", "guest", "nobody"}[n%7]
}

// mayNothing says who can change no session, whatever they send.
func mayNothing(user string) bool { return user == "guest" || user == "nobody" }

// Whatever is typed, the command is acknowledged once and nothing panics.
func FuzzSlashText(f *testing.F) {
	for _, seed := range []string{"", "cache-prod", "cache-prod 7.4", "help", "LIST", "status u-3f7ka2mzq5", "cancel r-3f7ka2mzq5", "pause", "release u-3f7ka2mzq5", "history <!channel>",
		"cache-prod v8.2", strings.Repeat("x ", 3000), "cache-prod " + strings.Repeat("9", 4000), "\u00a0\t\n", "revert `"} {
		f.Add(seed)
	}
	d := newDesk(f)
	p := d.watch()
	f.Fuzz(func(t *testing.T, text string) {
		d.types("ann", text)
		d.forget(t, text, 1, p)
	})
}

// Whatever a click, a menu, a shortcut or a submitted modal carries: it is
// acknowledged once, and who may nothing changes nothing.
func FuzzInteraction(f *testing.F) {
	d := newDesk(f)
	p := d.watch()
	s := d.proposed("cache-prod")
	d.threads[home+"/1700000000.000100"] = s.ID
	f.Add(byte(2), []byte(`{"type":"block_actions","container":{"message_ts":"1.1"},"channel":{"id":"C0REDISOPS"},"actions":[{"action_id":"approve","value":"`+view.Target{Session: s.ID, Ask: s.Ask}.Value()+`"}]}`))
	f.Add(byte(5), []byte(`{"type":"view_submission","view":{"id":"V1","callback_id":"deny_session","private_metadata":"{}","state":{"values":{"reason":{"reason":{"value":"<!channel>"}}}}}}`))
	d.forget(f, "", 0, p)
	f.Fuzz(func(t *testing.T, who byte, payload []byte) {
		var cb slack.InteractionCallback
		if json.Unmarshal(payload, &cb) != nil {
			return
		}
		cb.User.ID = somebody(who)
		before := d.record()
		d.send(socketmode.EventTypeInteractive, cb)
		d.forget(t, string(payload), 1, p)
		if mayNothing(cb.User.ID) && d.record() != before {
			t.Errorf("%s changed something with %s", cb.User.ID, payload)
		}
	})
}

// Whatever event comes: it is acknowledged once, and changes nothing at all.
func FuzzEvent(f *testing.F) {
	d := newDesk(f)
	p := d.watch()
	d.threads[home+"/1700000000.000100"] = d.proposed("cache-prod").ID
	f.Add([]byte(`{"type":"event_callback","event_id":"Ev111","event":{"type":"app_mention","user":"ann","text":"<@UBOT> revert","ts":"1700000005.000300","thread_ts":"1700000000.000100","channel":"C0REDISOPS"}}`))
	d.forget(f, "", 0, p)
	f.Fuzz(func(t *testing.T, payload []byte) {
		ev, err := slackevents.ParseEvent(payload, slackevents.OptionNoVerifyToken())
		if err != nil {
			return
		}
		before := d.record()
		d.send(socketmode.EventTypeEventsAPI, ev)
		d.forget(t, string(payload), 1, p)
		if d.record() != before {
			t.Errorf("%s changed something", payload)
		}
	})
}

// Whatever the inbox holds, written by whichever release: it is worked off or
// dropped, never left to be tried for ever, and who may nothing changes nothing.
func FuzzIntent(f *testing.F) {
	d := newDesk(f)
	p := d.watch()
	s := d.proposed("cache-prod")
	f.Add(byte(2), []byte(`{"do":"approve","at":{"c":"C0REDISOPS","s":"`+s.ID+`","a":1}}`))
	f.Add(byte(0), []byte(`{"do":"teleport"}`))
	d.forget(f, "", 0, p)
	f.Fuzz(func(t *testing.T, who byte, payload []byte) {
		var i intent
		if json.Unmarshal(payload, &i) == nil {
			i.User = somebody(who)
			var err error
			if payload, err = json.Marshal(i); err != nil {
				return // a time that JSON has no form for
			}
		}
		before := d.record()
		c, _, err := d.inbox.Receive(t.Context(), "envelope", payload)
		if err != nil {
			t.Fatal(err)
		}
		d.h.workOff(t.Context(), c, true)
		if n := d.inbox.left(); n != 0 {
			t.Errorf("%q is left in the inbox", payload)
		}
		d.forget(t, string(payload), 0, p)
		if mayNothing(i.User) && d.record() != before {
			t.Errorf("%s changed something with %s", i.User, payload)
		}
	})
}

var (
	_ Slack = (*slack.Client)(nil)
	_ Acker = (*socketmode.Client)(nil)
)
