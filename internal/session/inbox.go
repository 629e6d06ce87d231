package session

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// receiveScript records an envelope, already claimed by its receiver, once.
//
//	KEYS  1 queue  2 fence  3 payloads  4 received
//	ARGV  1 envelope  2 payload  3 lease ms  4 ms to remember it  5 nonce of this call
//	→     token, "" when it was received before by another call
var receiveScript = redis.NewScript(clockLua + `
local by, score = redis.call('GET', KEYS[4]), redis.call('ZSCORE', KEYS[1], ARGV[1])
if by == ARGV[5] and score then return text(tonumber(score)) end
if by or score then return '' end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('SET', KEYS[4], ARGV[5], 'PX', ARGV[4])
local token = stamp(KEYS[1], KEYS[2], ARGV[1], clock() + tonumber(ARGV[3]), 1)
redis.call('ZADD', KEYS[1], token, ARGV[1])
return token
`)

// Receive records what a person did, before it is acknowledged. The item comes
// back claimed by the caller; should the caller die, another replica claims it
// from the [Store.Inbox] when the lease ends. fresh is false, and the item empty,
// when the envelope was received before, within the hour or not worked off yet.
// The client's own repeat of the script after a lost reply is fresh all the same.
func (s *Store) Receive(ctx context.Context, envelope string, payload []byte, lease time.Duration) (it Item, fresh bool, err error) {
	nonce, err := s.nonce()
	if err != nil {
		return Item{}, false, err
	}
	keys := append(s.Inbox().keys, s.keys.received(envelope))
	text, err := receiveScript.Run(ctx, s.rdb, keys, envelope, payload, ms(lease), ms(s.seenFor), nonce).Text()
	if err != nil {
		return Item{}, false, unavailable("receive "+envelope, err)
	}
	if text == "" {
		return Item{}, false, nil
	}
	it, err = itemOf([]any{envelope, text, int64(0), int64(0), string(payload)})
	if err != nil {
		return Item{}, false, fmt.Errorf("receive %s: %w", envelope, err)
	}
	return it, true, nil
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
