package slackemu

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	testBotToken = "xoxb-test"
	testAppToken = "xapp-test"
)

// rig is an emulator on loopback, and what tests do with it.
type rig struct {
	t   *testing.T
	s   *Server
	url string
}

func newRig(t *testing.T, change ...func(*Config)) *rig {
	t.Helper()
	c := Config{Seed: 7, BotToken: testBotToken, AppToken: testAppToken, Shortcuts: []string{"revert_upgrade"}}
	for _, f := range change {
		f(&c)
	}
	return rigOf(t, New(c))
}

// readers grants the scopes to read what is written in channels, which the
// manifest does not ask for.
func readers(c *Config) { c.Scopes = append(grantedScopes(), "channels:history", "groups:history") }

// hastyRig gives up on acknowledgements sooner than Slack does.
func hastyRig(t *testing.T) *rig {
	t.Helper()
	s := New(Config{Seed: 7, BotToken: testBotToken, AppToken: testAppToken, Speed: func() float64 { return 1000 }})
	s.patience = time.Second
	return rigOf(t, s)
}

func rigOf(t *testing.T, s *Server) *rig {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/slack/", s.API())
	mux.Handle("/hooks/slack/", s.Hooks())
	srv := httptest.NewServer(mux)
	t.Cleanup(func() { s.Close(); srv.Close() })
	return &rig{t: t, s: s, url: srv.URL}
}

// api is the real client, pointed here.
func (r *rig) api() *slack.Client {
	return slack.New(testBotToken, slack.OptionAppLevelToken(testAppToken), slack.OptionAPIURL(r.url+"/slack/api/"))
}

// bot runs a real Socket Mode client; each payload goes to handle, in its own
// goroutine, which acknowledges.
func (r *rig) bot(handle func(*socketmode.Client, socketmode.Event)) *slack.Client {
	r.t.Helper()
	api := r.api()
	client := socketmode.New(api)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	r.t.Cleanup(func() { cancel(); wg.Wait() })
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
	r.wait("a connection", func() bool { return r.s.Connected() > 0 })
	return api
}

func (r *rig) wait(what string, good func() bool) {
	r.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if good() {
			return
		}
	}
	r.t.Fatalf("never saw %s", what)
}

// do posts to a hook and decodes its answer.
func (r *rig) do(path string, in object) object {
	r.t.Helper()
	status, out := r.try(path, in)
	if status != http.StatusOK {
		r.t.Fatalf("%s %v: HTTP %d %v", path, in, status, out)
	}
	return out
}

func (r *rig) try(path string, in object) (int, object) {
	r.t.Helper()
	body, _ := json.Marshal(in)
	res, err := http.Post(r.url+"/hooks/slack/"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	var out object
	json.NewDecoder(res.Body).Decode(&out)
	return res.StatusCode, out
}

// look reads a hook.
func (r *rig) look(path string, into any) {
	r.t.Helper()
	res, err := http.Get(r.url + "/hooks/slack/" + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		r.t.Fatal(err)
	}
}

// seen is what a person sees.
type seen struct {
	Channels []struct {
		ID       string
		Messages []object
	}
	Modals []object
	Home   object
}

func (r *rig) state(user string) seen {
	r.t.Helper()
	var st seen
	r.look("state?user="+user, &st)
	return st
}

// messages are those of redis-ops.
func (r *rig) messages(user string) []object { r.t.Helper(); return r.state(user).Channels[0].Messages }

func (r *rig) envelopes() []envelopeEntry {
	r.t.Helper()
	var out []envelopeEntry
	r.look("envelopes", &out)
	return out
}

// call posts a form to a method, as slack-go does.
func (r *rig) call(method string, a object) (*http.Response, object) {
	r.t.Helper()
	form := url.Values{"token": {testBotToken}}
	for k, v := range a {
		if s, ok := v.(string); ok {
			form.Set(k, s)
			continue
		}
		data, _ := json.Marshal(v)
		form.Set(k, string(data))
	}
	return r.raw(http.MethodPost, method, "application/x-www-form-urlencoded", form.Encode(), "")
}

func (r *rig) raw(verb, method, kind, body, bearer string) (*http.Response, object) {
	r.t.Helper()
	req, _ := http.NewRequest(verb, r.url+"/slack/api/"+method, strings.NewReader(body))
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	var out object
	json.Unmarshal(data, &out)
	return res, out
}

// must calls a method and fails unless it succeeds.
func (r *rig) must(method string, a object) object {
	r.t.Helper()
	_, out := r.call(method, a)
	if out["ok"] != true {
		r.t.Fatalf("%s: %v", method, out)
	}
	return out
}

// dig walks objects and lists.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			o, _ := v.(object)
			v = o[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func plain(s string) object  { return object{"type": "plain_text", "text": s} }
func mrkdwn(s string) object { return object{"type": "mrkdwn", "text": s} }

func parse(t *testing.T, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

func uploadOf(name, content, thread string) slack.UploadFileParameters {
	return slack.UploadFileParameters{Filename: name, Content: content, FileSize: len(content), Channel: "C0REDISOPS",
		InitialComment: "the log", ThreadTimestamp: thread}
}
