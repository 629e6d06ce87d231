package view_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
	"github.com/redis-upgrade/bot/internal/view/samples"
)

// A notification, a phone and a screen reader get the text alone.
func TestTheTextOfACardHoldsTheDecision(t *testing.T) {
	for _, s := range samples.All() {
		if s.Message == nil || s.Message.Metadata.EventType == "" {
			continue
		}
		first, rest, _ := strings.Cut(s.Message.Text, "\n")
		if n := utf8.RuneCountInString(first); n > view.MaxFirstLine {
			t.Errorf("%s: %d characters come first: %s", s.Name, n, first)
		}
		if !strings.Contains(first, " — ") && !strings.HasSuffix(first, "…") {
			t.Errorf("%s does not begin with its state: %s", s.Name, first)
		}
		says := func(words string) {
			t.Helper()
			if !strings.Contains(rest, words) {
				t.Errorf("%s lacks %q:\n%s", s.Name, words, s.Message.Text)
			}
		}
		state, kind := s.Message.Metadata.EventPayload["state"], s.Message.Metadata.EventPayload["kind"]
		if state == string(upgrade.Proposed) {
			says("To decide:") // who
			says("<!date^")    // until when
			says(map[any]string{"upgrade": "Revert: ", "revert": "What is lost"}[kind])
		}
		if state == string(upgrade.Blocked) || strings.Contains(s.Name, "failed-after-delete") {
			says(map[any]string{"upgrade": "the approval lapses <!date^", "revert": "<!subteam^S0ONCALL> has to act now"}[kind])
		}
		if strings.Contains(s.Name, "unknown") {
			says("<!subteam^S0ONCALL> decides")
		}
	}
}
