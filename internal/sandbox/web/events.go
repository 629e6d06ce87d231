package web

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// pokeGap is the shortest time between two events of one stream. A bot at
	// work changes state far more often than a person can see.
	pokeGap = 100 * time.Millisecond

	// heartbeat keeps proxies from closing a quiet stream, and lets the page
	// notice a dead one.
	heartbeat = 15 * time.Second
)

// stream serves server-sent events: a "state" event whenever something
// changed (coalesced, so that the last change is always followed by an event),
// and a "beat" event when nothing did for a while. Both carry {"speed":…}.
type stream struct {
	subscribe func() (<-chan struct{}, func())
	speed     func() float64
}

// ServeHTTP holds the connection until the client leaves or the subscription's
// channel is closed.
func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	var pokes <-chan struct{} // nil blocks for ever: beats only
	if s.subscribe != nil {
		ch, cancel := s.subscribe()
		defer cancel()
		pokes = ch
	}
	w.Header().Set("Content-Type", "text/event-stream")

	send := func(event string) bool {
		_, err := fmt.Fprintf(w, "event: %s\ndata: {\"speed\":%g}\n\n", event, s.speed())
		return err == nil && out.Flush() == nil
	}
	if !send("state") { // whoever connects anew may have missed changes
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	var gap <-chan time.Time // runs while an event was sent just now
	dirty := false
	for {
		ok := true
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			ok = send("beat")
		case <-gap:
			gap = nil
		case _, open := <-pokes:
			ok, dirty = open, true
		}
		if ok && dirty && gap == nil {
			ok, dirty = send("state"), false
			gap = time.After(pokeGap)
			beat.Reset(heartbeat)
		}
		if !ok {
			return
		}
	}
}
