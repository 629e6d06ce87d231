package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Clock is the time of the sandbox: wall time plus an offset that only grows,
// and the speed by which the emulators divide durations. Safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
	speed  float64
	moved  func() // told after every change; never nil
}

func newClock(speed float64, moved func()) *Clock { return &Clock{speed: speed, moved: moved} }

// Now is the present moment of the sandbox.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// Speed is how many times faster emulated durations pass.
func (c *Clock) Speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

// clockChange is what POST /hooks/clock takes.
type clockChange struct {
	Advance json.RawMessage `json:"advance"` // "9h", or a number of seconds
	Speed   *float64        `json:"speed"`
}

// maxAdvance keeps a slip of the finger from reaching the year 2262.
const maxAdvance = 10 * 365 * 24 * time.Hour

// step reads the advance of a change.
func (c clockChange) step() (time.Duration, error) {
	if len(c.Advance) == 0 || string(c.Advance) == "null" {
		return 0, nil
	}
	var text string
	var seconds float64
	if json.Unmarshal(c.Advance, &seconds) == nil {
		text = fmt.Sprintf("%fs", seconds)
	} else if err := json.Unmarshal(c.Advance, &text); err != nil {
		return 0, fmt.Errorf("advance: a duration like \"9h\" or a number of seconds is wanted")
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("advance: %q is not a duration like \"9h\" or \"90m\"", text)
	case d < 0:
		return 0, fmt.Errorf("advance: time does not go back")
	case d > maxAdvance:
		return 0, fmt.Errorf("advance: more than ten years at once")
	}
	return d, nil
}

// change applies all of it or nothing.
func (c *Clock) change(to clockChange) error {
	step, err := to.step()
	if err != nil {
		return err
	}
	if to.Speed != nil && !(*to.Speed > 0 && *to.Speed <= 1e6) {
		return fmt.Errorf("speed: must be more than 0 and at most a million")
	}
	c.mu.Lock()
	c.offset += step
	if to.Speed != nil {
		c.speed = *to.Speed
	}
	c.mu.Unlock()
	c.moved()
	return nil
}

// ServeHTTP is /hooks/clock: GET shows, POST changes.
func (c *Clock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		var to clockChange
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
		d.DisallowUnknownFields()
		err := d.Decode(&to)
		if err == io.EOF {
			err = fmt.Errorf("body: a JSON object is wanted")
		}
		if err == nil {
			err = c.change(to)
		}
		if err != nil {
			answer(w, http.StatusBadRequest, map[string]any{"error": err.Error() + `; accepted: {"advance":"9h"} and {"speed":50}`})
			return
		}
	default:
		answer(w, http.StatusMethodNotAllowed, map[string]any{"error": "GET shows the clock, POST changes it"})
		return
	}
	c.mu.Lock()
	body := map[string]any{"now": time.Now().Add(c.offset).UTC().Format(time.RFC3339Nano), "offset": c.offset.String(), "speed": c.speed}
	c.mu.Unlock()
	answer(w, http.StatusOK, body)
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away is no matter of ours
}
