package session_test

import (
	"errors"
	"testing"

	"github.com/redis-upgrade/bot/internal/session"
)

func TestAPrefixIsBoundOnce(t *testing.T) {
	for _, on := range backends {
		t.Run(on.name, func(t *testing.T) {
			h := newHarness(t, on.start(t))
			for range 2 {
				h.nil(h.Bind(h.ctx, "account", "6796"))
			}
			h.nil(h.Bind(h.ctx, "workspace", "T1"))
			var bound *session.BoundError
			if err := h.Bind(h.ctx, "account", "1"); !errors.As(err, &bound) || bound.Have != "6796" || bound.Want != "1" || bound.What != "account" {
				t.Errorf("another account: %v", err)
			}
			h.nil(h.Bind(h.ctx, "account", "6796"))
		})
	}
}
