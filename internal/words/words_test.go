package words_test

import (
	"testing"
	"time"

	"github.com/redis-upgrade/bot/internal/words"
)

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		8 * time.Hour: "8 h", 90 * time.Second: "1 min 30 s", 25*time.Hour + 3*time.Second: "1 d 1 h", 250 * time.Millisecond: "250ms",
		24 * time.Hour: "1 d", time.Hour + time.Second: "1 h 1 s", 0: "0s",
	} {
		if got := words.Span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := words.Instant(time.Time{}); got != "an unknown time" {
		t.Error(got)
	}
}
