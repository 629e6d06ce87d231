package view_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"pgregory.net/rapid"

	"github.com/redis-upgrade/bot/internal/sandbox/slackemu"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

var update = flag.Bool("update", false, "write the golden files again")

// golden is a sample as it goes over the wire.
func golden(t *testing.T, s samples.Sample) []byte {
	t.Helper()
	var v any
	switch {
	case s.Message != nil:
		v = map[string]any{"text": s.Message.Text, "blocks": s.Message.Blocks, "metadata": s.Message.Metadata}
	case s.Modal != nil:
		v = s.Modal
	default:
		v = s.Home
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEverySampleLooksAsItDid(t *testing.T) {
	known := map[string]bool{}
	for _, s := range samples.All() {
		t.Run(s.Name, func(t *testing.T) {
			if known[s.Name] {
				t.Fatal("two samples have this name")
			}
			known[s.Name] = true
			file, got := filepath.Join("testdata", s.Name+".json"), golden(t, s)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v\n(a new sample? write its golden file with: go test ./internal/view -update)", err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s (-golden +now):\n%s\nIf this is meant, write the golden files again with: go test ./internal/view -update", file, diff)
			}
		})
	}
	files, _ := filepath.Glob("testdata/*.json")
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); !known[name] {
			if *update {
				os.Remove(f)
				continue
			}
			t.Errorf("%s belongs to no sample; remove it with: go test ./internal/view -update", f)
		}
	}
}

// emulator is a strict Slack.
func emulator(t testing.TB) *slack.Client {
	t.Helper()
	s := slackemu.New(slackemu.Config{BotToken: "xoxb-test", AppToken: "xapp-test", Speed: func() float64 { return 1e6 }})
	srv := httptest.NewServer(s.API())
	t.Cleanup(func() { s.Close(); srv.Close() })
	return slack.New("xoxb-test", slack.OptionAPIURL(srv.URL+"/slack/api/"))
}

func TestSlackTakesEverySample(t *testing.T) {
	api := emulator(t)
	for _, s := range samples.All() {
		t.Run(s.Name, func(t *testing.T) {
			if problems := refusals(t, api, s); problems != "" {
				t.Error(problems)
			}
		})
	}
}

// refusals is what Slack says against a sample; "" for nothing. Modals are
// published nowhere: blocks.validate checks a view by the same rules.
func refusals(t rapid.TB, api *slack.Client, s samples.Sample) string {
	t.Helper()
	switch {
	case s.Message != nil:
		opts := []slack.MsgOption{slack.MsgOptionText(s.Message.Text, false), slack.MsgOptionBlocks(s.Message.Blocks...)}
		if s.Message.Metadata.EventType != "" {
			opts = append(opts, slack.MsgOptionMetadata(s.Message.Metadata))
		}
		if n := utf8.RuneCountInString(s.Message.Text); n > 4000 { // which only an update would refuse
			return fmt.Sprintf("a text of %d characters", n)
		}
		if _, _, err := api.PostMessageContext(context.Background(), "C0REDISOPS", opts...); err != nil {
			return explain(err)
		}
	case s.Home != nil:
		if _, err := api.PublishViewContext(context.Background(), slack.PublishViewContextRequest{UserID: "U0ANN", View: *s.Home}); err != nil {
			return explain(err)
		}
	default:
		_, err := api.OpenViewContext(context.Background(), "no-such-trigger", *s.Modal)
		if err != nil && !strings.Contains(err.Error(), "trigger") { // the view is checked first
			return explain(err)
		}
	}
	return ""
}

func explain(err error) string {
	var out []string
	if se, ok := err.(slack.SlackErrorResponse); ok {
		out = se.ResponseMetadata.Messages
	}
	return err.Error() + "\n" + strings.Join(out, "\n")
}
