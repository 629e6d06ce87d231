package session

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// beatScript notes that a replica lives and forgets those that have been silent for
// a day. Nothing but words depends on it: who died is told in threads.
//
//	KEYS  1 replicas
//	ARGV  1 name  2 ms after which one counts as silent
//	→     names of the silent ones
var beatScript = redis.NewScript(clockLua + `
local now = clock()
redis.call('ZADD', KEYS[1], text(now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now - 86400000))
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. text(now - tonumber(ARGV[2])))
`)

// Beat says that the replica of this name lives, and returns the names of those
// that were not heard for longer than silence and have not left.
func (s *Store) Beat(ctx context.Context, name string, silence time.Duration) (silent []string, err error) {
	silent, err = beatScript.Run(ctx, s.rdb, []string{s.keys.replicas()}, name, ms(silence)).StringSlice()
	return silent, orUnavailable("beat", err)
}

// staleScript sets a flag, unless it is set, in a store in which work is open and
// no replica was heard for a while.
//
//	KEYS  1 replicas  2 open  3 flag
//	ARGV  1 ms of silence  2 value of the flag
//	→     1 set, 0 not
var staleScript = redis.NewScript(clockLua + `
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
if not last or clock() - tonumber(last) <= tonumber(ARGV[1]) or redis.call('ZCARD', KEYS[2]) == 0 then return 0 end
return redis.call('SETNX', KEYS[3], ARGV[2])
`)

// FlagIfStale sets a flag, unless it is set, when this store has open sessions and
// its last heartbeat ([Store.Beat]) is older than silence: all replicas were away
// for so long, or it is an older copy of the store that was put back. Whoever beats
// asks before its first beat, and while it beats regularly.
func (s *Store) FlagIfStale(ctx context.Context, flag, value string, silence time.Duration) (set bool, err error) {
	keys := []string{s.keys.replicas(), s.keys.open(), s.keys.flag(flag)}
	n, err := s.runInt(ctx, "look for the last heartbeat", staleScript, keys, ms(silence), value)
	return n == 1, err
}

// Leave takes a replica that ends in good order off the list.
func (s *Store) Leave(ctx context.Context, name string) error {
	return orUnavailable("leave", s.rdb.ZRem(ctx, s.keys.replicas(), name).Err())
}
