package slackemu

import (
	"math"
	"time"
)

// tier is a rate limit class in calls per minute.
// https://docs.slack.dev/apis/web-api/rate-limits
type tier float64

const (
	tier2   tier = 20
	tier3   tier = 50
	tier4   tier = 100
	special tier = 600 // "hundreds per minute"

	perWorkspace  tier = 300 // chat.postMessage, all channels together
	perChannel    tier = 60  // chat.postMessage, one channel
	channelBurst       = 4
	strictDivisor      = 10
)

// limitMode switches rate limiting: off, on (a minute's allowance may be used
// at once), strict (only a tenth of it).
type limitMode string

const (
	limitsOff    limitMode = "off"
	limitsOn     limitMode = "on"
	limitsStrict limitMode = "strict"
)

// bucket is a token bucket over real time.
type bucket struct {
	tokens float64
	last   time.Time
}

// allow takes one token, or says how long to wait for one. Rate and burst are
// multiplied by the sandbox's speed. mu is held.
func (s *Server) allow(key string, perMinute tier, burst float64) (wait time.Duration, ok bool) {
	if s.limits == limitsOff {
		return 0, true
	}
	speed := max(s.cfg.Speed(), 1)
	if s.limits == limitsStrict {
		burst = max(1, burst/strictDivisor)
	}
	size, rate := burst*speed, float64(perMinute)/60*speed
	now := time.Now()
	b := s.buckets[key]
	if b == nil {
		b = &bucket{tokens: size, last: now}
		s.buckets[key] = b
	}
	b.tokens = min(size, b.tokens+now.Sub(b.last).Seconds()*rate)
	b.last = now
	if b.tokens < 1 {
		return secondsOf((1 - b.tokens) / rate), false
	}
	b.tokens--
	return 0, true
}

// allowCall holds a method call against its tier, and posts against the limit
// of their channel. mu is held.
func (s *Server) allowCall(m method, a args) (time.Duration, bool) {
	if m.name == "chat.postMessage" {
		if wait, ok := s.allow("channel:"+a.str("channel"), perChannel, channelBurst); !ok {
			return wait, false
		}
		return s.allow(m.name, perWorkspace, float64(perWorkspace))
	}
	return s.allow(m.name, m.tier, float64(m.tier))
}

// retryAfter is a wait as the header says it: whole seconds, at least one.
func retryAfter(wait time.Duration) int { return max(1, int(math.Ceil(wait.Seconds()))) }
