package session_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
)

// BenchmarkAdvance measures one durable move, the journal of its session growing.
func BenchmarkAdvance(b *testing.B) {
	for _, on := range backends {
		b.Run(on.name, func(b *testing.B) {
			h := newHarness(b, on.start(b))
			m := opening("s1", "db1")
			m.Body = make([]byte, 4096)
			r := h.must(h.Advance(h.ctx, m))
			for b.Loop() {
				r = h.must(h.Advance(h.ctx, session.Move{Record: r, Event: "vote", By: "U0BOB", Note: "yes", Body: m.Body, Due: time.Second}))
			}
		})
	}
}

// BenchmarkReceive measures what comes before the acknowledgement of a click.
func BenchmarkReceive(b *testing.B) {
	for _, on := range backends {
		b.Run(on.name, func(b *testing.B) {
			h := newHarness(b, on.start(b))
			payload := make([]byte, 4096)
			for n := 0; b.Loop(); n++ {
				if _, _, err := h.Receive(h.ctx, fmt.Sprint(n), payload, time.Minute); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkClaim measures claiming one of 5,000 sessions and giving it back.
func BenchmarkClaim(b *testing.B) {
	for _, on := range backends {
		b.Run(on.name, func(b *testing.B) {
			h := newHarness(b, on.start(b))
			for i := range 5000 {
				h.nil(h.Due().Set(h.ctx, fmt.Sprint(i), 0))
			}
			for b.Loop() {
				items, _, err := h.Due().Claim(h.ctx, time.Minute, 1)
				if err != nil || len(items) != 1 {
					b.Fatal(items, err)
				}
				if ok, err := h.Due().Reschedule(h.ctx, items[0], 0); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
