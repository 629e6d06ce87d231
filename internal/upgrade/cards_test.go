package upgrade_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/sandbox/slackemu"
	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/thread"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

const channel = "C0REDISOPS"

func init() { upgrade.NewRoom = newRoom }

// room is an emulated Slack in which cards are drawn.
type room struct {
	t    testing.TB
	emu  *slackemu.Server
	idle time.Duration
}

func newRoom(t testing.TB, idle time.Duration) upgrade.Room {
	return &room{idle: idle, t: t, emu: slackemu.New(slackemu.Config{BotToken: "xoxb-1", AppToken: "xapp-1", Now: time.Now})}
}

func (r *room) Close() { r.emu.Close() }

func (r *room) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.emu.API().ServeHTTP(w, req) }

func policy(e *upgrade.Engine) view.Policy {
	return view.Policy{Upgrades: approvals.Upgrade(1), Reverts: approvals.Revert(2), Approvers: "<!subteam^S0DBA>", OnCall: "<!subteam^S0ONCALL>", Engine: e}
}

func (r *room) Draw(ctx context.Context, e *upgrade.Engine, store *session.Store, client *http.Client) {
	cfg := thread.Config{Channel: channel, Policy: policy(e), Lease: 10 * time.Second, Window: time.Minute, Workers: 2, Idle: r.idle}
	api := slack.New("xoxb-1", slack.OptionAPIURL("http://127.0.0.1:8080/slack/api/"), slack.OptionHTTPClient(client))
	_ = thread.New(cfg, store, api, slog.New(slog.DiscardHandler)).Run(ctx)
}

func (r *room) Fault(name string, times int) {
	r.t.Helper()
	body := fmt.Sprintf(`{"fault":%q,"times":%d}`, name, times)
	w := httptest.NewRecorder()
	r.emu.Hooks().ServeHTTP(w, httptest.NewRequest("POST", "/hooks/slack/faults", strings.NewReader(body)))
	if w.Code != http.StatusOK {
		r.t.Fatalf("fault %s: %s", name, w.Body)
	}
}

// message is one as everybody sees it.
type message struct {
	TS     string
	Thread string `json:"thread_ts"`
	Text   string
	Blocks []any
}

func (r *room) messages() []message {
	r.t.Helper()
	var state struct {
		Channels []struct {
			ID       string
			Messages []message
		}
	}
	w := httptest.NewRecorder()
	r.emu.Hooks().ServeHTTP(w, httptest.NewRequest("GET", "/hooks/slack/state?user=ann", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil {
		r.t.Fatalf("%v in %s", err, w.Body)
	}
	for _, c := range state.Channels {
		if c.ID == channel {
			return c.Messages
		}
	}
	return nil
}

func (r *room) Look(ctx context.Context, e *upgrade.Engine, store *session.Store, twice int, ids ...string) (problems []string) {
	r.t.Helper()
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	must := func(err error) {
		if err != nil {
			r.t.Fatal(err)
		}
	}
	all := r.messages()
	known, told := 0, map[string][]string{} // by root
	for _, id := range ids {
		rec, err := store.Load(ctx, id)
		must(err)
		s, err := upgrade.Decode(rec)
		must(err)
		t, err := thread.Memory{Store: store}.Card(ctx, id)
		must(err)
		i := slices.IndexFunc(all, func(m message) bool { return m.TS == t.TS })
		if i < 0 {
			add("%s has no card (%q)", id, t.TS)
			continue
		}
		known++
		if want := view.Card(s, policy(e)); all[i].Text != want.Text || !within(generic(r.t, want.Blocks), all[i].Blocks) {
			add("the card of %s says %q and %s, want %q and %s", id, all[i].Text, compact(all[i].Blocks), want.Text, compact(want.Blocks))
		}
		root := t.TS
		if t.Parent != "" {
			root = t.Parent
		}
		entries, err := store.Journal(ctx, id, 0, 0)
		must(err)
		var want []string
		for _, entry := range entries {
			if m, ok := view.Milestone(upgrade.Event(entry.Event), entry.By, entry.Note); ok {
				want = append(want, m.Text)
			}
		}
		known += len(want)
		told[root] = append(told[root], id)
		if missing := outOfOrder(want, replies(all, root)); missing != "" {
			add("the thread of %s lacks, or tells too late: %q\nit says\n%s", id, missing, strings.Join(replies(all, root), "\n"))
		}
	}
	if len(all) > known+twice {
		add("%d messages, want %d and at most %d of them twice: %v", len(all), known, twice, told)
	}
	return problems
}

func replies(all []message, root string) (out []string) {
	for _, m := range all {
		if m.Thread == root && m.TS != root {
			out = append(out, m.Text)
		}
	}
	return out
}

// outOfOrder is the first of want that is not among got behind those before
// it; mentions may follow a text.
func outOfOrder(want, got []string) string {
	for _, text := range want {
		i := slices.IndexFunc(got, func(g string) bool { return strings.HasPrefix(g, text) })
		if i < 0 {
			return text
		}
		got = got[i+1:]
	}
	return ""
}

func generic(t testing.TB, v any) (out any) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// within reports whether got is want, with nothing but members of objects added
// (Slack gives every block an id).
func within(want, got any) bool {
	switch want := want.(type) {
	case map[string]any:
		of, ok := got.(map[string]any)
		for k, v := range want {
			ok = ok && within(v, of[k])
		}
		return ok
	case []any:
		of, ok := got.([]any)
		ok = ok && len(of) == len(want)
		for i := range want {
			ok = ok && within(want[i], of[i])
		}
		return ok
	}
	return want == got
}

func compact(v any) string {
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(v)
	return b.String()
}
