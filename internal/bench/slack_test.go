package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/sandbox/slackemu"
)

const (
	botToken = "xoxb-bench"
	appToken = "xapp-bench"
	channel  = "C0REDISOPS"
)

// workspace is an emulated Slack on loopback. People act on it in this process,
// without a network; apps reach it over theirs.
type workspace struct {
	b     *testing.B
	srv   *slackemu.Server
	hooks http.Handler
	url   string

	opened atomic.Int64  // views.open answered
	open   chan struct{} // one element each, if anybody listens
	log    atomic.Pointer[callLog]
	last   atomic.Int64 // when the app last called a method, in ns
}

// callLog notes what the app called, in order.
type callLog struct {
	mu    sync.Mutex
	calls []string
}

func (l *callLog) add(name string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, name)
}

func newWorkspace(b *testing.B) *workspace {
	srv := slackemu.New(slackemu.Config{Seed: 7, BotToken: botToken, AppToken: appToken, Shortcuts: []string{"revert_upgrade"}})
	w := &workspace{b: b, srv: srv, hooks: srv.Hooks(), open: make(chan struct{}, 1<<16)}
	web := httptest.NewServer(w.noting(srv.API()))
	w.url = web.URL
	b.Cleanup(func() { srv.Close(); web.Close() })
	w.do("limits", map[string]any{"mode": "off"}, nil)
	return w
}

// noting counts and notes what apps call.
func (w *workspace) noting(api http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		name, isMethod := strings.CutPrefix(r.URL.Path, "/slack/api/")
		if isMethod {
			w.log.Load().add(name)
		}
		api.ServeHTTP(rw, r)
		w.last.Store(time.Now().UnixNano())
		if name == "views.open" {
			w.opened.Add(1)
			select {
			case w.open <- struct{}{}:
			default:
			}
		}
	})
}

// do is what a person does or sees; into may be nil.
func (w *workspace) do(path string, in, into any) {
	w.b.Helper()
	verb, body := http.MethodGet, io.Reader(http.NoBody)
	if in != nil {
		raw, err := json.Marshal(in)
		must(w.b, err)
		verb, body = http.MethodPost, bytes.NewReader(raw)
	}
	rec := httptest.NewRecorder()
	w.hooks.ServeHTTP(rec, httptest.NewRequest(verb, "/hooks/slack/"+path, body))
	if rec.Code != http.StatusOK {
		w.b.Errorf("%s %v: HTTP %d %s", path, in, rec.Code, rec.Body)
		return
	}
	if into != nil {
		must(w.b, json.Unmarshal(rec.Body.Bytes(), into))
	}
}

// acked is what hooks say about a delivery.
type acked struct {
	Acked   bool    `json:"acked"`
	AckMS   float64 `json:"ack_ms"`
	Error   string  `json:"error"`
	Options []any   `json:"options"`
}

func (a acked) took() time.Duration { return time.Duration(a.AckMS * float64(time.Millisecond)) }

// act delivers one payload and returns its acknowledgement.
func (w *workspace) act(path string, in map[string]any) acked {
	w.b.Helper()
	var a acked
	w.do(path, in, &a)
	if !a.Acked {
		w.b.Errorf("%s %v: not acknowledged: %s", path, in, a.Error)
	}
	return a
}

func (w *workspace) command(user, text string) acked {
	return w.act("command", map[string]any{"user": user, "channel": channel, "text": text})
}

// rest waits until the app has answered what just happened and has nothing more
// to say; not for ever, because not everything is answered.
func (w *workspace) rest() {
	since := time.Now()
	for time.Since(since) < 500*time.Millisecond {
		time.Sleep(settle)
		if last := time.Unix(0, w.last.Load()); last.After(since) && time.Since(last) > 2*settle {
			return
		}
	}
}

// seen is what a person sees.
type seen struct {
	Channels []struct {
		ID       string
		Messages []message
	}
	Modals []struct{ ID string }
}

type message struct {
	TS       string
	ThreadTS string `json:"thread_ts"`
	Text     string
	Blocks   json.RawMessage
	Metadata struct {
		EventPayload map[string]any `json:"event_payload"`
	}
}

func (w *workspace) see(user string) seen {
	var s seen
	w.do("state?user="+user, nil, &s)
	return s
}

// cards are the roots of the channel that are about a session.
func (w *workspace) cards() []message {
	var out []message
	for _, c := range w.see("bob").Channels {
		for _, m := range c.Messages {
			if c.ID == channel && m.Metadata.EventPayload["session"] != nil && (m.ThreadTS == "" || m.ThreadTS == m.TS) {
				out = append(out, m)
			}
		}
	}
	return out
}

// closeModals leaves everything that is open.
func (w *workspace) closeModals(users []string) {
	for _, u := range users {
		for s := w.see(u); len(s.Modals) > 0; s = w.see(u) {
			w.do("close", map[string]any{"user": u, "view_id": s.Modals[len(s.Modals)-1].ID, "all": true}, nil)
		}
	}
}

// post puts a message there in the bot's name.
func (w *workspace) post(m message) string {
	var blocks slack.Blocks
	must(w.b, json.Unmarshal(m.Blocks, &blocks))
	_, ts, err := w.api(nil).PostMessage(channel, slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(blocks.BlockSet...))
	must(w.b, err)
	return ts
}

// api is slack-go as it comes, or with a transport.
func (w *workspace) api(t http.RoundTripper) *slack.Client {
	return slack.New(botToken, slack.OptionAppLevelToken(appToken), slack.OptionAPIURL(w.url+"/slack/api/"),
		slack.OptionHTTPClient(&http.Client{Transport: t, Timeout: 10 * time.Second}))
}

// bare runs the handler that everything is compared with: slack-go's socket
// client, a goroutine per payload, and nothing recorded.
func (w *workspace) bare(api *slack.Client, handle func(*socketmode.Client, socketmode.Event)) {
	client := socketmode.New(api)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	w.b.Cleanup(func() { cancel(); wg.Wait() })
	wg.Go(func() { client.RunContext(ctx) })
	wg.Go(func() {
		for {
			select {
			case evt := <-client.Events:
				if evt.Request != nil && evt.Request.EnvelopeID != "" {
					wg.Go(func() { handle(client, evt) })
				}
			case <-ctx.Done():
				return
			}
		}
	})
	eventually(w.b, "a socket", 10*time.Second, func() bool { return w.srv.Connected() > 0 })
}
