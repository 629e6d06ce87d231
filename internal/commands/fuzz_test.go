package commands

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/upgrade"
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

// Whatever is typed, the command is acknowledged once and nothing panics.
func FuzzSlashText(f *testing.F) {
	for _, seed := range []string{"", "cache-prod", "cache-prod 7.4", "help", "LIST", "status u-3f7ka2mzq5", "cancel r-3f7ka2mzq5", "pause", "history <!channel>",
		"cache-prod v8.2", strings.Repeat("x ", 3000), "cache-prod " + strings.Repeat("9", 4000), "\u00a0\t\n", "revert `"} {
		f.Add(seed)
	}
	d := newDesk(f)
	f.Fuzz(func(t *testing.T, text string) {
		d.types("ann", text)
		acks := 0
		for _, what := range d.happened() {
			if what == "ack" {
				acks++
			}
		}
		if acks != 1 {
			t.Errorf("%q was acknowledged %d times", text, acks)
		}
		for _, v := range d.views[max(0, len(d.views)-2):] {
			if len(v.PrivateMetadata) > 3000 {
				t.Errorf("%q made %d characters of metadata", text, len(v.PrivateMetadata))
			}
		}
	})
}

var (
	_ Slack = (*slack.Client)(nil)
	_ Acker = (*socketmode.Client)(nil)
)
