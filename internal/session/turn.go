package session

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// maxPriority bounds the priority of a turn, so that place in line fits one score.
const maxPriority = 1000

// takeTurnScript takes a turn or a place in line. Sessions that are not open, or
// have not asked for a while, lose turn or place when somebody else asks.
//
//	KEYS  1 turn  2 waiting  3 asked  4 open  5 fence  6 session
//	ARGV  1 session  2 priority  3 patience ms  4 revision
//	→     {1, 0} it has the turn; {0, number ahead} it waits; {-1, 0} it is not open;
//	      {-2, 0} it has another revision
var takeTurnScript = redis.NewScript(clockLua + `
local me, now, span = ARGV[1], clock(), 1000000000000
local function isopen(id) return redis.call('ZSCORE', KEYS[4], id) end
local function drop(id)
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
end
if not isopen(me) then
  drop(me)
  return { -1, 0 }
end
if redis.call('HGET', KEYS[6], 'revision') ~= ARGV[4] then return { -2, 0 } end
local holder = redis.call('GET', KEYS[1])
if holder == me then return { 1, 0 } end
local place = redis.call('ZSCORE', KEYS[2], me)
local arrival = (place and tonumber(place) or redis.call('INCR', KEYS[5])) % span
redis.call('ZADD', KEYS[2], text(arrival - tonumber(ARGV[2]) * span), me)
redis.call('HSET', KEYS[3], me, text(now))
if holder and isopen(holder) then
  return { 0, redis.call('ZRANK', KEYS[2], me) + 1 }
end
while true do
  local first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if first == me then
    drop(me)
    redis.call('SET', KEYS[1], me)
    return { 1, 0 }
  end
  local asked = tonumber(redis.call('HGET', KEYS[3], first) or '0')
  if isopen(first) and now - asked <= tonumber(ARGV[3]) then
    return { 0, redis.call('ZRANK', KEYS[2], me) }
  end
  drop(first)
end
`)

// TakeTurn asks for a turn on behalf of an open session, which then holds it until
// [Store.LeaveTurn] or its end, whatever happens to processes. Until then it has a
// place in line, and ahead is how many come before it, the holder included. Ask
// again at least once a minute: after that a waiter is passed over and lines up
// anew. A higher priority (within ±1000) goes first; equals go by arrival. For a
// session that is not open: [ErrNotFound]. For one that is not at this revision:
// [ErrStale], so that a replica which stood still takes no turn for a session that
// has gone on without it and would not give it back.
func (s *Store) TakeTurn(ctx context.Context, name, session string, revision int64, priority int) (held bool, ahead int, err error) {
	priority = min(max(priority, -maxPriority), maxPriority)
	keys := append(s.turnKeys(name), s.keys.open(), s.keys.fence(), s.keys.session(session))
	answer, err := s.run(ctx, s.rdb, "take turn "+name, takeTurnScript, keys, session, priority, ms(s.turnPatience), revision)
	if err != nil {
		return false, 0, err
	}
	state, _ := answer[0].(int64)
	n, _ := answer[1].(int64)
	switch state {
	case -2:
		return false, 0, fmt.Errorf("take turn %s: %w", name, ErrStale)
	case -1:
		return false, 0, fmt.Errorf("take turn %s: %w: %s is not open", name, ErrNotFound, session)
	}
	return state == 1, int(n), nil
}

// leaveTurnScript gives up a turn or a place in line.
//
//	KEYS  1 turn  2 waiting  3 asked
//	ARGV  1 session
//	→     1
var leaveTurnScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return 1
`)

// LeaveTurn gives up a turn, or the place in line for it. Leaving what one does
// not have is no error.
func (s *Store) LeaveTurn(ctx context.Context, name, session string) error {
	_, err := s.runInt(ctx, "leave turn "+name, leaveTurnScript, s.turnKeys(name), session)
	return err
}

// turnHolderScript reads who has a turn.
//
//	KEYS  1 turn  2 open
//	→     session, "" when it is free
var turnHolderScript = redis.NewScript(`
local holder = redis.call('GET', KEYS[1])
if holder and redis.call('ZSCORE', KEYS[2], holder) then return holder end
return ''
`)

// TurnHolder returns the session that has a turn, "" when it is free.
func (s *Store) TurnHolder(ctx context.Context, name string) (string, error) {
	holder, err := turnHolderScript.Run(ctx, s.rdb, []string{s.keys.turn(name), s.keys.open()}).Text()
	return holder, orUnavailable("read turn "+name, err)
}

func (s *Store) turnKeys(name string) []string {
	return []string{s.keys.turn(name), s.keys.waiting(name), s.keys.asked(name)}
}
