package view_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

func TestProse(t *testing.T) {
	for plain, want := range map[string]string{
		"Backup done at 2026-03-04 12:31:07 UTC. Upgrading.":                 "Backup done <!date^1772627467^{date_short_pretty} at {time_secs}|2026-03-04 12:31:07 UTC>. Upgrading.",
		"It is at redis-12.c1.cloud.redislabs.com:12010.":                    "It is at `redis-12.c1.cloud.redislabs.com:12010`.",
		"was a.b.c:10 and is 10.0.0.1:6379, of <x>":                          "was `a.b.c:10` and is `10.0.0.1:6379`, of &lt;x&gt;",
		"at an unknown time, version 7.2, at 12:31:07, s3://bucket/a.rdb.gz": "at an unknown time, version 7.2, at 12:31:07, s3://bucket/a.rdb.gz",
		"2026-99-99 12:31:07 UTC":                                            "2026-99-99 12:31:07 UTC",
		"`open a.b:6379":                                                     "`open a.b:6379",
		"<!date^1^{time}|a.b.c:99>":                                          "&lt;!date^1^{time}|`a.b.c:99`&gt;",
	} {
		if got := view.Prose(plain); got != want {
			t.Errorf("%q:\n got %q\nwant %q", plain, got, want)
		}
	}
}

var (
	dates      = regexp.MustCompile(`<!date\^[^>]*>`)
	coded      = regexp.MustCompile("`[^`]*`")
	rawInstant = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d`)
)

// Whatever is shown has its instants in the reader's time zone and its endpoints as code.
func TestNoRawInstantOrEndpointIsShown(t *testing.T) {
	texts := 0
	for _, s := range samples.All() {
		var v any
		if err := json.Unmarshal(golden(t, s), &v); err != nil {
			t.Fatal(err)
		}
		var walk func(any)
		walk = func(v any) {
			switch v := v.(type) {
			case []any:
				for _, x := range v {
					walk(x)
				}
			case map[string]any:
				if text, ok := v["text"].(string); ok && (v["type"] == "mrkdwn" || v["type"] == nil) {
					texts++
					shown := coded.ReplaceAllString(dates.ReplaceAllString(text, ""), "")
					if raw := rawInstant.FindString(shown) + view.Endpoints.FindString(shown); raw != "" {
						t.Errorf("%s shows %q:\n%s", s.Name, raw, text)
					}
					if strings.Contains(text, "at <!date") { // Slack writes "at today at 12:31"
						t.Errorf("%s reads badly:\n%s", s.Name, text)
					}
				}
				for _, x := range v {
					walk(x)
				}
			}
		}
		walk(v)
	}
	if texts < 300 {
		t.Errorf("only %d texts were looked at", texts)
	}
	m, _ := view.Milestone(upgrade.Create, "", "endpoint a.b.c:12010, at 2026-03-04 12:31:07 UTC")
	if !strings.Contains(m.Text, "`a.b.c:12010`") || !strings.Contains(m.Text, "|2026-03-04 12:31:07 UTC>") {
		t.Error(m.Text)
	}
}
