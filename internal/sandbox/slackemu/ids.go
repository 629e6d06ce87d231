package slackemu

import (
	"fmt"
	"time"
)

// object is a JSON object. Everything on the wire is built from and read into
// these, never into types shared with a client.
type object = map[string]any

const (
	upperAlnum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	anyAlnum   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	hexDigits  = "0123456789abcdef"
)

// random returns n characters of an alphabet. mu is held.
func (s *Server) random(alphabet string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[s.rand.IntN(len(alphabet))]
	}
	return string(out)
}

// newID returns an id in Slack's form: a letter for the kind and ten more.
func (s *Server) newID(kind string) string { return kind + s.random(upperAlnum, 10) }

// newUUID returns an envelope or client message id.
func (s *Server) newUUID() string {
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", s.random(hexDigits, 8), s.random(hexDigits, 4),
		s.random(hexDigits, 3), s.random(hexDigits, 3), s.random(hexDigits, 12))
}

// newTS returns the next message time stamp: seconds and microseconds, later
// than every one before, even when the clock stands still. mu is held.
func (s *Server) newTS() string {
	now := s.cfg.Now().UnixMicro()
	if now <= s.lastTS {
		now = s.lastTS + 1
	}
	s.lastTS = now
	return fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
}

// newHash returns the next hash of a view. mu is held.
func (s *Server) newHash() string {
	return fmt.Sprintf("%d.%s", s.cfg.Now().Unix(), s.random(hexDigits, 8))
}

// stamp is how journals write a moment.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// stopwatch measures real time, for the rules that no clock may bend.
type stopwatch struct{ started time.Time }

func startWatch() stopwatch                { return stopwatch{time.Now()} }
func (w stopwatch) elapsed() time.Duration { return time.Since(w.started) }
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
func secondsOf(ms float64) time.Duration   { return time.Duration(ms * float64(time.Second)) }
func scaled(d time.Duration, speed float64) time.Duration {
	if speed <= 0 {
		return d
	}
	return time.Duration(float64(d) / speed)
}
