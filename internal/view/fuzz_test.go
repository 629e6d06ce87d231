package view_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

// Whatever a record holds, of whichever release: it is drawn, within Slack's
// limits and with no markup in it but ours.
func FuzzCard(f *testing.F) {
	f.Add("upgrade", "proposed", []byte(`{"plan":{"database":"pro/1206/51055","name":"cache-prod","from":"7.2","to":"7.4"},"reason":"<!channel>","by":"U0ANN"}`))
	f.Add("revert", "proposed", []byte(`{"plan":{"database":"pro/1206/51055","name":"cache-prod","from":"7.4","to":"7.2","files":["s3://a/b"]},"revert":{"upgraded":"7.4"}}`))
	f.Fuzz(func(t *testing.T, kind, state string, body []byte) {
		s, err := upgrade.Decode(session.Record{ID: "u-3f7ka2mzq5", Kind: kind, State: state, Revision: 1, Life: 1, Body: body, Created: time.Unix(1779494400, 0)})
		if err != nil {
			return
		}
		for _, sample := range []samples.Sample{
			{Name: "card", Message: ptr(view.Card(s, samples.Policy()))},
			{Name: "changes", Modal: ptr(view.ChangesModal(s))},
			{Name: "mention", Message: ptr(view.MentionReply(s, samples.Policy()))},
		} {
			for _, text := range markup(t, sample) {
				if problem := strange(text); problem != "" {
					t.Errorf("%s of %s: %s", sample.Name, body, problem)
				}
			}
			checkSizes(t, sample)
		}
	})
}

func ptr[T any](v T) *T { return &v }

// checkSizes is the part of Slack's limits that depends on what was stored.
func checkSizes(t *testing.T, s samples.Sample) {
	t.Helper()
	var v any = s.Modal
	if s.Message != nil {
		if len(s.Message.Blocks) > 50 {
			t.Errorf("%s has %d blocks", s.Name, len(s.Message.Blocks))
		}
		v = s.Message.Blocks
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	for _, text := range mrkdwnOf(tree) {
		if n := len([]rune(text)); n > 3000 || n == 0 {
			t.Errorf("%s has a text of %d characters", s.Name, n)
		}
	}
}
