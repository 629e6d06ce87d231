package session_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/session"
)

func TestReplicasCompareWhatTheyDecideBy(t *testing.T) {
	for _, on := range backends {
		t.Run(on.name, func(t *testing.T) {
			h := newHarness(t, on.start(t))
			compare := func(name, text string, silence time.Duration, want ...session.Rules) {
				t.Helper()
				got, err := h.CompareRules(h.ctx, name, text, silence)
				h.nil(err)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s sees (-want +got):\n%s", name, diff)
				}
			}
			compare("a", "MODE=full\nX", time.Minute)
			time.Sleep(2 * time.Millisecond)
			compare("b", "MODE=upgrade", time.Minute, session.Rules{Replica: "a", Text: "MODE=full\nX"})
			compare("a", "MODE=full\nX", time.Minute, session.Rules{Replica: "b", Text: "MODE=upgrade", Newer: true})
			time.Sleep(5 * time.Millisecond)
			compare("b", "MODE=upgrade", time.Millisecond) // a went silent
			h.nil(h.ForgetRules(h.ctx, "b"))
			compare("c", "", time.Minute)
		})
	}
}
