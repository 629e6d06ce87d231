package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever the clock is told: all of it or nothing, in words; it never goes back
// and never stops.
func FuzzClock(f *testing.F) {
	f.Add(`{"advance":"9h"}`)
	f.Add(`{"advance":90,"speed":50}`)
	f.Fuzz(func(t *testing.T, body string) {
		moves := 0
		c := newClock(30, func() { moves++ })
		before := c.Now()
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequest("POST", "/hooks/clock", strings.NewReader(body)))
		var answer struct{ Error, Now string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%q: HTTP %d %q", body, w.Code, w.Body)
		}
		switch {
		case w.Code == http.StatusOK:
			if c.Now().Before(before) || c.offset < 0 || c.offset > maxAdvance || c.Speed() <= 0 || moves != 1 {
				t.Errorf("%q: %s, offset %s, speed %g, %d moves", body, w.Body, c.offset, c.Speed(), moves)
			}
		case w.Code != http.StatusBadRequest || answer.Error == "" || c.offset != 0 || c.Speed() != 30 || moves != 0:
			t.Errorf("%q is refused with HTTP %d %q, and yet: offset %s, speed %g", body, w.Code, answer.Error, c.offset, c.Speed())
		}
	})
}
