package slackemu

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
)

// What grows without end can be asked for in parts.
func TestLongListsCanBeAskedForInParts(t *testing.T) {
	r := newRig(t)
	for i := range 12 {
		r.do("message", object{"user": "ann", "channel": "C0REDISOPS", "text": fmt.Sprint("n", i), "thread_ts": ""})
	}
	var all, part struct {
		Channels []struct {
			ID       string
			Older    int
			Messages []struct{ TS, Text string }
		}
	}
	look := func(path string, into any) int {
		t.Helper()
		w := httptest.NewRecorder()
		r.s.Hooks().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code == 200 {
			if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
				t.Fatal(err)
			}
		}
		return w.Code
	}
	look("/hooks/slack/state?user=ann", &all)
	look("/hooks/slack/state?user=ann&last=3&thread="+all.Channels[0].Messages[2].TS, &part)
	if c := all.Channels[0]; c.Older != 0 || len(c.Messages) < 12 {
		t.Errorf("without a bound: %d messages, %d older", len(c.Messages), c.Older)
	}
	c := part.Channels[0]
	if c.Older != len(all.Channels[0].Messages)-3 || len(c.Messages) != 4 || c.Messages[0].Text != all.Channels[0].Messages[2].Text || c.Messages[3].Text != "n11" {
		t.Errorf("the newest 3 and a thread: %+v", c)
	}
	r.must("auth.test", object{})
	r.must("auth.test", object{})
	var calls []callEntry
	look("/hooks/slack/calls?last=1", &calls)
	if len(calls) != 1 || calls[0].Method != "auth.test" {
		t.Errorf("the newest call: %+v", calls)
	}
	var none []any
	if look("/hooks/slack/envelopes?last=1", &none); len(none) > 1 {
		t.Errorf("%d envelopes", len(none))
	}
	for _, bad := range []string{"0", "-1", "x"} {
		for _, path := range []string{"state?user=ann&", "calls?", "envelopes?"} {
			if code := look("/hooks/slack/"+path+"last="+bad, &none); code != 400 {
				t.Errorf("%slast=%s: %d", path, bad, code)
			}
		}
	}
}
