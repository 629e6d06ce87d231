package slackemu

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// fuzzed is a workspace that is made anew now and then.
type fuzzed struct {
	s     *Server
	calls int
}

func (z *fuzzed) serve(path, contentType string, body []byte) *httptest.ResponseRecorder {
	if z.calls++; z.s == nil || z.calls > 200 {
		z.close()
		z.calls, z.s = 0, New(Config{Seed: 7, BotToken: testBotToken, AppToken: testAppToken, Shortcuts: []string{"revert_upgrade"}})
		z.s.limits = limitsOff
	}
	req := httptest.NewRequest("POST", path, strings.NewReader(string(body)))
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+testBotToken)
	w := httptest.NewRecorder()
	if strings.HasPrefix(path, "/hooks/") {
		z.s.Hooks().ServeHTTP(w, req)
	} else {
		z.s.API().ServeHTTP(w, req)
	}
	return w
}

func (z *fuzzed) close() {
	if z.s != nil {
		z.s.Close()
	}
}

// Whatever an app sends to a method: the answer says ok, or names an error that
// is not the emulator's own.
func FuzzWebAPI(f *testing.F) {
	var names []string
	for name := range methodTable() {
		names = append(names, name)
	}
	slices.Sort(names)
	z := &fuzzed{}
	defer z.close()
	f.Add("chat.postMessage", "application/json; charset=utf-8", []byte(`{"channel":"C0REDISOPS","text":"hi"}`))
	f.Add("views.open", "application/x-www-form-urlencoded", []byte(`trigger_id=1.1.a&view=%7B%22type%22%3A%22modal%22%7D`))
	f.Fuzz(func(t *testing.T, method, contentType string, body []byte) {
		if !slices.Contains(names, method) {
			method = names[len(method)%len(names)]
		}
		w := z.serve("/slack/api/"+method, contentType, body)
		var answer struct {
			OK    *bool  `json:"ok"`
			Error string `json:"error"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.OK == nil {
			t.Fatalf("%s %q: HTTP %d %q: %v", method, body, w.Code, w.Body, err)
		}
		if w.Code != http.StatusOK || *answer.OK != (answer.Error == "") || answer.Error == "internal_error" {
			t.Errorf("%s %q: HTTP %d %s", method, body, w.Code, w.Body)
		}
	})
}

// Whatever a hook is sent: it is done or refused in words, and what is on the
// screen can still be read.
func FuzzHooks(f *testing.F) {
	z := &fuzzed{}
	defer z.close()
	hooks := []string{"command", "action", "options", "submit", "close", "message", "mention", "home", "disconnect", "limits", "faults"}
	f.Add("command", []byte(`{"user":"ann","channel":"C0REDISOPS","text":"help"}`))
	f.Add("message", []byte(`{"user":"ann","channel":"C0REDISOPS","text":"hi"}`))
	f.Fuzz(func(t *testing.T, hook string, body []byte) {
		if !slices.Contains(hooks, hook) {
			hook = hooks[len(hook)%len(hooks)]
		}
		w := z.serve("/hooks/slack/"+hook, "application/json", body)
		var answer map[string]any
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %q: HTTP %d %q", hook, body, w.Code, w.Body)
		}
		if w.Code != http.StatusOK && (json.Unmarshal(w.Body.Bytes(), &answer) != nil || answer["error"] == "" || w.Code >= 500) {
			t.Errorf("%s %q: HTTP %d %s", hook, body, w.Code, w.Body)
		}
		look := httptest.NewRecorder()
		z.s.Hooks().ServeHTTP(look, httptest.NewRequest("GET", "/hooks/slack/state?user=ann", nil))
		if look.Code != http.StatusOK || !json.Valid(look.Body.Bytes()) {
			t.Errorf("after %s %q: HTTP %d %s", hook, body, look.Code, look.Body)
		}
	})
}
