package session

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// receiveScript records an envelope, already claimed by its receiver, once, unless
// it comes too late.
//
//	KEYS  1 queue  2 fence  3 payloads  4 notes  5 received
//	ARGV  1 envelope  2 payload  3 lease ms  4 ms to remember it  5 nonce of this call
//	      6 last moment, ms of Redis time; 0: none
//	→     {token, "" when it was received before by another call, "late" when it came
//	       too late; Redis time, ms; receipt number}
var receiveScript = redis.NewScript(clockLua + `
local now = clock()
local by, score = redis.call('GET', KEYS[5]), redis.call('ZSCORE', KEYS[1], ARGV[1])
if by == ARGV[5] and score then
  return { text(tonumber(score)), now, tonumber(redis.call('HGET', KEYS[4], ARGV[1])) }
end
if by or score then return { '', now, 0 } end
local last = tonumber(ARGV[6])
if last > 0 and now > last then return { 'late', now, 0 } end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('SET', KEYS[5], ARGV[5], 'PX', ARGV[4])
local token = stamp(KEYS[1], KEYS[2], ARGV[1], now + tonumber(ARGV[3]), 1)
redis.call('ZADD', KEYS[1], token, ARGV[1])
local receipt = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[4], ARGV[1], receipt)
return { token, now, receipt }
`)

// timeScript tells the time of the server that holds our keys.
//
//	KEYS  1 any key of ours
//	→     Redis time, ms
var timeScript = redis.NewScript(clockLua + `return clock()`)

// Receive records what a person did, before it is acknowledged. The item comes
// back claimed by the caller; should the caller die, another replica claims it
// from the [Store.Inbox] when the lease ends. fresh is false, and the item empty,
// when the envelope was received before, within the hour or not worked off yet.
// The client's own repeat of the script after a lost reply is fresh all the same.
//
// Where ctx has a deadline, Redis itself refuses what reaches it in the last
// quarter of the time, or later, by its own clock: [ErrLate]. A caller that gives up
// at its deadline therefore leaves nothing behind in a server that was slow; what
// was recorded in time and whose answer was lost is taken back by [Store.Withdraw].
func (s *Store) Receive(ctx context.Context, envelope string, payload []byte, lease time.Duration) (it Item, fresh bool, err error) {
	nonce, err := s.nonce()
	if err != nil {
		return Item{}, false, err
	}
	inbox := s.Inbox().keys
	keys := append(inbox[:len(inbox):len(inbox)], s.keys.received(envelope))
	for again := false; ; again = true {
		last, err := s.lastMoment(ctx)
		if err != nil {
			return Item{}, false, unavailable("receive "+envelope, err)
		}
		answer, err := s.run(ctx, s.rdb, "receive "+envelope, receiveScript, keys, envelope, payload, ms(lease), ms(s.seenFor), nonce, last)
		if err != nil {
			return Item{}, false, err
		}
		text, _ := answer[0].(string)
		now, _ := answer[1].(int64)
		s.tell(now)
		switch {
		case text == "":
			return Item{}, false, nil
		case text == "late" && !again && s.early(ctx, now):
			continue // Redis' clock was set meanwhile
		case text == "late":
			return Item{}, false, fmt.Errorf("receive %s: %w", envelope, ErrLate)
		}
		if it, err = itemOf([]any{envelope, text, int64(0), int64(0), string(payload)}); err != nil {
			return Item{}, false, fmt.Errorf("receive %s: %w", envelope, err)
		}
		it.Receipt, _ = answer[2].(int64)
		return it, true, nil
	}
}

// lastMoment is the Redis time in ms from which on a call with this ctx is refused;
// 0 for a ctx without a deadline.
func (s *Store) lastMoment(ctx context.Context) (int64, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0, nil
	}
	if s.ahead.Load() == nil {
		now, err := timeScript.Run(ctx, s.rdb, []string{s.keys.fence()}).Int64()
		if err != nil {
			return 0, err
		}
		s.tell(now)
	}
	return time.Now().Add(time.Until(deadline)*3/4).UnixMilli() + *s.ahead.Load(), nil
}

// tell notes by how much Redis' clock is ahead of ours, from an answer of just now.
// What the answer took to come makes the difference smaller than it is, and so a
// last moment earlier.
func (s *Store) tell(now int64) {
	ahead := now - time.Now().UnixMilli()
	s.ahead.Store(&ahead)
}

// early reports whether a refusal at that Redis time was none by ctx.
func (s *Store) early(ctx context.Context, now int64) bool {
	last, err := s.lastMoment(ctx)
	return err == nil && now < last
}

// withdrawScript takes back what was recorded; the envelope stays known.
//
//	KEYS  1 queue  2 fence  3 payloads  4 notes
//	ARGV  1 envelope
//	→     1 taken back, 0 there was nothing
var withdrawScript = redis.NewScript(`
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1], ARGV[1] .. ':failed')
return redis.call('ZREM', KEYS[1], ARGV[1])
`)

// Withdraw takes an envelope off the inbox, whoever has it: its person was shown
// that it failed. It is true when there was something to take back.
func (s *Store) Withdraw(ctx context.Context, envelope string) (bool, error) {
	n, err := s.runInt(ctx, "withdraw "+envelope, withdrawScript, s.Inbox().keys, envelope)
	return n == 1, err
}

// ClaimInbox claims from the inbox like [Queue.Claim], with the receipt numbers.
func (s *Store) ClaimInbox(ctx context.Context, lease time.Duration, max int) ([]Item, error) {
	items, _, err := s.Inbox().Claim(ctx, lease, max)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	var fields []string
	for _, it := range items {
		fields = append(fields, it.ID)
	}
	notes, err := s.rdb.HMGet(ctx, s.keys.notes(), fields...).Result()
	if err != nil {
		return nil, unavailable("read receipts", err)
	}
	for i, n := range notes {
		text, _ := n.(string)
		items[i].Receipt, _ = strconv.ParseInt(text, 10, 64) // 0: recorded by a release without receipts
	}
	return items, nil
}

// failedScript counts a failure of a claimed envelope.
//
//	KEYS  1 queue  2 fence  3 payloads  4 notes
//	ARGV  1 envelope  2 token
//	→     failures so far, 0 when it is somebody else's
var failedScript = redis.NewScript(fencedLua + `
if not fenced(KEYS[1], ARGV[1], ARGV[2]) then return 0 end
return redis.call('HINCRBY', KEYS[4], ARGV[1] .. ':failed', 1)
`)

// Failed counts that working off a claimed envelope went wrong in a way that will
// not pass by itself, and says how often it has; 0 when the claim has lapsed.
func (s *Store) Failed(ctx context.Context, it Item) (int, error) {
	n, err := s.runInt(ctx, "count a failure of "+it.ID, failedScript, s.Inbox().keys, it.ID, it.Token)
	return int(n), err
}

// Seen marks an event and says whether this was the first time within the hour.
// It is for events that are safe to lose: after a lost answer nobody was first.
func (s *Store) Seen(ctx context.Context, event string) (first bool, err error) {
	return s.SeenWithin(ctx, event, s.seenFor)
}

// SeenWithin is [Store.Seen] with another time than an hour.
func (s *Store) SeenWithin(ctx context.Context, event string, within time.Duration) (first bool, err error) {
	first, err = s.rdb.SetNX(ctx, s.keys.seen(event), "1", within).Result()
	if err != nil {
		return false, unavailable("mark event "+event, err)
	}
	return first, nil
}

// newestScript keeps the greatest number of a name.
//
//	KEYS  1 name
//	ARGV  1 number, 16 digits at most  2 ms to remember it
//	→     1 nothing greater was noted, 0 something was
var newestScript = redis.NewScript(`
if tonumber(ARGV[1]) < tonumber(redis.call('GET', KEYS[1]) or '0') then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

// Newest notes a number under a name for an hour and says whether nothing greater
// was noted before: what is older is overtaken.
func (s *Store) Newest(ctx context.Context, name string, n int64) (bool, error) {
	ok, err := s.runInt(ctx, "note "+name, newestScript, []string{s.keys.newest(name)}, n, ms(s.seenFor))
	return ok == 1, err
}

// Unsee takes the mark of an event away: what was to be done once was not done.
func (s *Store) Unsee(ctx context.Context, event string) error {
	return orUnavailable("unmark event "+event, s.rdb.Del(ctx, s.keys.seen(event)).Err())
}

// observeScript stores progress under a claim.
//
//	KEYS  1 due  2 fence  3 session  4 dirty
//	ARGV  1 id  2 token  3 progress
//	→     1 the claim holds, 0 it has lapsed or the session is gone
var observeScript = redis.NewScript(clockLua + fencedLua + `
if not fenced(KEYS[1], ARGV[1], ARGV[2]) or redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
if redis.call('HGET', KEYS[3], 'progress') ~= ARGV[3] then
  redis.call('HSET', KEYS[3], 'progress', ARGV[3])
  mark(KEYS[4], KEYS[2], ARGV[1], clock())
end
return 1
`)

// Observe stores what was seen of a session claimed from [Store.Due]: progress,
// not a decision, so no revision and no journal entry. The card becomes dirty when
// the progress differs from the last. False, and nothing stored, when the claim
// has lapsed.
func (s *Store) Observe(ctx context.Context, it Item, progress []byte) (bool, error) {
	keys := []string{s.keys.queue(queueDue), s.keys.fence(), s.keys.session(it.ID), s.keys.queue(queueDirty)}
	n, err := s.runInt(ctx, "observe session "+it.ID, observeScript, keys, it.ID, it.Token, s.seal.sealProgress(it.ID, progress))
	return n == 1, err
}
