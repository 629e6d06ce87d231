package session

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// BoundError says that the keys of this prefix belong to somebody else.
type BoundError struct {
	What       string // "account" or "workspace"
	Have, Want string // whom they belong to, and who asked
}

// Error implements error.
func (e *BoundError) Error() string {
	return fmt.Sprintf("its %s is %s, not %s", e.What, e.Have, e.Want)
}

// bindScript binds once, and says to whom.
//
//	KEYS  1 binding
//	ARGV  1 what  2 value
//	→     the value that is bound
var bindScript = redis.NewScript(`
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])
`)

// Bind binds the keys of this prefix to an account or a workspace the first time,
// and fails with [BoundError] when they are bound to another one: its sessions are
// not ours. It also fails with [ErrUnavailable].
func (s *Store) Bind(ctx context.Context, what, value string) error {
	have, err := bindScript.Run(ctx, s.rdb, []string{s.keys.binding()}, what, value).Text()
	switch {
	case err != nil:
		return unavailable("bind the "+what, err)
	case have != value:
		return &BoundError{What: what, Have: have, Want: value}
	}
	return nil
}
