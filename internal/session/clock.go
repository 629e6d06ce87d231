package session

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// The store's time is Redis' time without its steps. Redis tells the time of its
// machine, which is set back or ahead now and then, and after a failover it is the
// time of another machine. So what a script takes for the time is that clock plus
// an offset, which is kept in a hash beside everything else and takes up each step:
//
//	offset  µs that the store's time is ahead of Redis' clock
//	seen    µs, Redis' clock when it was last found to run on; never taken to be
//	        further than clockHorizon behind the present
//	steps   how many steps were taken up
//	at      µs, the store's time of the last of them
//	shift   µs that the store's time is ahead of the calendar; see Store.Shift
//
// [Store.Ping] looks after it. A step is seen as what Redis' clock moved between
// two pings, compared with what the monotonic clock of the replica moved; between
// the step and the ping that finds it the store's time runs on from seen for
// clockHorizon at most. The offset goes back to zero slowly afterwards (one part in
// clockSlew), so that no lease or wait is distorted by more than that.
const (
	clockHorizon = 5 * time.Second
	clockSlew    = 16
	clockSettled = time.Minute     // a step that old is believed: the calendar is Redis' clock
	stepAtLeast  = 3 * time.Second // less is not worth a word: it is time that passes, or stands
	stepDoubt    = time.Second     // by which two clocks may differ besides the time that a ping takes
)

// clockLua begins every script that needs the time. The clock's key follows from
// the tag, so that it need not be handed to every script.
//
//	clock()                          → the store's time, ms
//	micros()                         → the same in µs
//	stamp(queue, fence, id, at, 1)   → a score for that time (ms × 1000 + three digits of
//	                                   the counter fence) which id does not have now; odd
//	                                   for the end of a claim's lease (1), else even (0)
//	mark(queue, fence, id, at)       brings id forward to at, or keeps it where it is when
//	                                   that is earlier; always under a new score, so that
//	                                   whoever has claimed it is refused
const clockLua = `
local clockkey = string.match(KEYS[1], '^{[^}]*}:') .. 'clock'
local function redistime()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end
local function micros()
  local now, c = redistime(), redis.call('HMGET', clockkey, 'offset', 'seen')
  if not c[2] then return now end
  local seen = tonumber(c[2])
  return math.min(math.max(now, seen), seen + 5000000) + tonumber(c[1])
end
local function clock() return math.floor(micros() / 1000) end
local function text(n) return string.format('%.0f', n) end
local function stamp(queue, fence, id, at, claim)
  local now = redis.call('ZSCORE', queue, id)
  local score
  repeat
    score = text(at * 1000 + redis.call('INCR', fence) % 500 * 2 + claim)
  until not now or tonumber(score) ~= tonumber(now)
  return score
end
local function mark(queue, fence, id, at)
  local now = redis.call('ZSCORE', queue, id)
  if now then at = math.min(at, math.floor(tonumber(now) / 1000)) end
  redis.call('ZADD', queue, stamp(queue, fence, id, at, 0), id)
end
`

// pingScript tests that the server takes writes, and lets the store's time run on
// where Redis' clock did. The counter may skip numbers.
//
//	KEYS  1 fence
//	ARGV  1 µs of a step at least  2 part of the slew  3 µs until a step is believed
//	→     {store's time, Redis' time, offset, steps, shift (all µs), µs since the last step,
//	       1 where Redis' clock ran on, else 0}
var pingScript = redis.NewScript(clockLua + `
redis.call('INCR', KEYS[1])
local now, least = redistime(), tonumber(ARGV[1])
local c = redis.call('HMGET', clockkey, 'offset', 'seen', 'steps', 'at', 'shift')
local offset, seen, steps = tonumber(c[1] or '0'), tonumber(c[2] or text(now)), tonumber(c[3] or '0')
local at, shift = tonumber(c[4] or '0'), tonumber(c[5] or '0')
local gap = now - seen
local ran = gap > -least and gap < least
if ran and (gap > 0 or not c[2]) then
  local slew = math.min(math.abs(offset), math.floor(gap / tonumber(ARGV[2])))
  if offset < 0 then slew = -slew end
  offset = offset - slew
  if now + offset - at >= tonumber(ARGV[3]) then shift = offset end
  redis.call('HSET', clockkey, 'offset', text(offset), 'seen', text(now), 'steps', steps, 'shift', text(shift))
end
local time = micros()
return { text(time), text(now), text(offset), text(steps), text(shift), text(time - at), ran and '1' or '0' }
`)

// settleScript takes up a step, or says that the time in between has really passed.
// Whoever is late, or comes after another one, changes nothing.
//
//	KEYS  1 fence
//	ARGV  1 steps that the caller knows of  2 Redis' time that it saw, µs  3 µs of the step; 0: none
//	→     1 taken up, 0 not
var settleScript = redis.NewScript(clockLua + `
local now, before, by = redistime(), micros(), tonumber(ARGV[3])
local c = redis.call('HMGET', clockkey, 'offset', 'steps', 'seen')
local back = now - tonumber(c[3] or '0')
if by == 0 and back < 0 then by = back end
local since = now - tonumber(ARGV[2])
if tonumber(c[2] or '0') ~= tonumber(ARGV[1]) or since < 0 or since > 5000000 then return 0 end
local offset = tonumber(c[1] or '0') - by
if by ~= 0 then
  if now + offset < before and by < 0 then offset = before - now end
  redis.call('HSET', clockkey, 'steps', tonumber(ARGV[1]) + 1, 'at', text(now + offset))
end
redis.call('HSET', clockkey, 'offset', text(offset), 'seen', text(now))
return 1
`)

// timekeeper is what one replica knows of the store's time.
type timekeeper struct {
	wall   func() time.Time // this machine's clock, which decides nothing
	steady func() time.Time // its clock that nobody sets

	mu     sync.Mutex // guards the rest
	store  time.Time  // the store's time …
	heard  time.Time  // … when this machine's steady clock read that; zero: not known yet
	last   ping       // zero: none yet
	odd    time.Time  // since when Redis' clock does not fit; zero: it does
	status Clock
}

// ping is one answer of pingScript between the moments of its request and reply.
type ping struct {
	sent, got           time.Time
	redis               time.Duration // since 1970
	offset, shift, step time.Duration
	steps               int64
	ran                 bool
}

// Clock is what a replica has seen of the clocks.
type Clock struct {
	Known  bool          // Redis was asked
	Offset time.Duration // by which the store's time is ahead of Redis' clock: what is left of its steps
	Steps  int64         // steps of Redis' clock that were taken up, by all replicas together
	Recent bool          // the last of them less than a minute ago
	Skew   time.Duration // by which this machine's clock is ahead of Redis'
}

// Clock reports how the clocks stood at the last ping.
func (s *Store) Clock() Clock {
	s.time.mu.Lock()
	defer s.time.mu.Unlock()
	return s.time.status
}

// Now is the store's time: the same at every replica, and without the steps of any
// clock. Everything that is measured from one moment to another goes by it. It is
// the last time that a script told, moved on by this machine's steady clock; before
// the first one it is this machine's time.
func (s *Store) Now() time.Time {
	s.time.mu.Lock()
	defer s.time.mu.Unlock()
	if s.time.heard.IsZero() {
		return s.time.wall()
	}
	return s.time.store.Add(s.time.steady().Sub(s.time.heard))
}

// Shift is by how much the store's time is ahead of the calendar: of the dates that
// people and other services name. It is zero but for some hours after a step of
// Redis' clock, which is the calendar once it has held for a minute.
func (s *Store) Shift() time.Duration {
	s.time.mu.Lock()
	defer s.time.mu.Unlock()
	return s.time.last.shift
}

// told notes the store's time of an answer that has just come.
func (t *timekeeper) told(micros int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.store, t.heard = time.UnixMicro(micros).UTC(), t.steady()
}

// Ping asks the server that holds our keys whether it takes writes: a full server
// and a replica that is not to be written answer reads all the same. It keeps the
// store's time as well, so that every replica calls it about once a second.
func (s *Store) Ping(ctx context.Context) error {
	p := ping{sent: s.time.steady()}
	// A key of ours reaches the right node of a cluster; PING would not.
	keys := []string{s.keys.fence()}
	answer, err := pingScript.Run(ctx, s.rdb, keys, stepAtLeast.Microseconds(), clockSlew, clockSettled.Microseconds()).Int64Slice()
	if err != nil || len(answer) != 7 {
		if c, ok := s.rdb.(*redis.ClusterClient); ok {
			c.ReloadState(ctx) // our master may be another by now; by itself the client looks once a minute
		}
		return orUnavailable("ping", err)
	}
	micros := func(i int) time.Duration { return time.Duration(answer[i]) * time.Microsecond }
	p.got, p.redis, p.offset, p.steps = s.time.steady(), micros(1), micros(2), answer[3]
	p.shift, p.step, p.ran = micros(4), micros(5), answer[6] == 1
	s.time.told(answer[0])
	by, sure := s.time.judge(p)
	if p.ran || !sure {
		return nil
	}
	taken, err := s.runInt(ctx, "keep the time", settleScript, keys, p.steps, p.redis.Microseconds(), by.Microseconds())
	if err == nil && taken == 1 && by != 0 {
		s.log.Warn("Redis' clock was set, or another server with another clock answers; waits and leases go on as if it had not been", "by", by)
	}
	return err
}

// judge notes a ping. Where Redis' clock does not fit to where it was last seen, it
// says by how much the clock was set, 0 for not at all, once that is sure.
func (t *timekeeper) judge(p ping) (by time.Duration, sure bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.last
	t.last = p
	t.status = Clock{Known: true, Offset: p.offset, Steps: p.steps, Recent: p.steps > 0 && p.step < clockSettled,
		Skew: t.wall().Sub(time.UnixMicro(p.redis.Microseconds())) - p.got.Sub(p.sent)/2}
	if p.ran {
		t.odd = time.Time{}
		return 0, false
	}
	if t.odd.IsZero() {
		t.odd = p.sent
	}
	moved, fewest, most := p.redis-last.redis, p.sent.Sub(last.got), p.got.Sub(last.sent)
	switch known := !last.got.IsZero() && last.steps == p.steps; {
	case known && moved < fewest-stepDoubt, known && moved > most+stepDoubt:
		return moved - (fewest+most)/2, true
	case known && last.ran:
		return 0, true // nobody looked for a while
	}
	// What happened was before this replica's time. Others may know better.
	return 0, p.sent.Sub(t.odd) >= stepAtLeast
}
