package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Clocks that differ, and one that was set, are said on /readyz and in metrics.
func TestWrongClocksAreSaid(t *testing.T) {
	memory, b := idle(t)
	ping := func() {
		t.Helper()
		if err := b.store.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	says := func(word string) bool { return strings.Contains(fmt.Sprint(b.health.problems()), word) }
	ping()
	if says("clock") {
		t.Errorf("nothing is wrong: %v", b.health.problems())
	}
	memory.SetTime(time.Now().Add(-time.Hour))
	ping()
	ping()
	if !says("Redis' clock was set") || !says("clock is 1h0m0s ahead of Redis'") {
		t.Errorf("got %v", b.health.problems())
	}
	page := scrape(b)
	for _, line := range []string{"redis_upgrade_redis_clock_steps 1", "redis_upgrade_clock_ahead_of_redis_seconds 3", "redis_upgrade_time_ahead_of_redis_seconds 3"} {
		if !strings.Contains(page, line) {
			t.Errorf("metrics lack %q", line)
		}
	}
}
