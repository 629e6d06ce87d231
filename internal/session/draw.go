package session

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// undrawScript ends a drawing, if it is still ours.
//
//	KEYS  1 drawing
//	ARGV  1 nonce
//	→     1 ended, 0 it had lapsed
var undrawScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

// keepDrawingScript prolongs a drawing, if it is still ours.
//
//	KEYS  1 drawing
//	ARGV  1 nonce  2 lease ms
//	→     1 prolonged, 0 it had lapsed
var keepDrawingScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

// Draw lets one drawer at a time work on a session's thread. A state change
// makes a session dirty again while it is still being drawn, so the queue's
// claim alone would let two drawers post the same milestone. ok is false while
// somebody else draws. The lease is renewed until end, however long Slack takes;
// nothing but tidiness hangs on it: when its drawer dies, another one goes on from
// the cursor.
func (s *Store) Draw(ctx context.Context, id string, lease time.Duration) (end func(context.Context), ok bool, err error) {
	nonce, err := s.nonce()
	if err != nil {
		return nil, false, err
	}
	key := s.keys.drawing(id)
	ok, err = s.rdb.SetNX(ctx, key, nonce, lease).Result()
	if err != nil {
		return nil, false, unavailable("begin to draw "+id, err)
	}
	stop := KeepLease(ctx, lease, func(ctx context.Context) bool {
		n, err := s.runInt(ctx, "keep drawing "+id, keepDrawingScript, []string{key}, nonce, ms(lease))
		return err != nil || n == 1 // a store that is away is asked again
	})
	end = func(ctx context.Context) {
		stop()
		_, _ = s.runInt(ctx, "end drawing of "+id, undrawScript, []string{key}, nonce) // else it lapses
	}
	return end, ok, nil
}
