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

// Leave takes a replica that ends in good order off the list.
func (s *Store) Leave(ctx context.Context, name string) error {
	return orUnavailable("leave", s.rdb.ZRem(ctx, s.keys.replicas(), name).Err())
}
