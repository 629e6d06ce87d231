package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// A session has a hash beside its record, its thread, so that drawing never makes a
// move stale. Package thread gives its fields their names and meaning and brings the
// scripts that change it. What happens to it here is that it lapses with its record,
// that [Store.CatchUp] has it drawn again, and that messages lead to its session.

// ageLua lets a thread live as long as its record, whichever is written last.
const ageLua = `
local function age(thread, session, retention)
  local left = redis.call('PTTL', session)
  if left == -2 then left = tonumber(retention) end
  if left > 0 then redis.call('PEXPIRE', thread, left) end
  if left == -1 then redis.call('PERSIST', thread) end
end
`

// ThreadScript changes the thread of a session; see [Store.RunThread].
type ThreadScript struct{ *redis.Script }

// NewThreadScript makes one, which begins with these functions: clock() is the time
// in ms, mark(dirty, fence, id, time) has the card drawn, and age(thread, session,
// retention) lets a thread live as long as its record, whichever is written last.
//
//	KEYS  1 thread  2 session  3 dirty  4 fence  5 by-thread, of a message
//	ARGV  1 id  2 retention ms  3 links kept ms (0: for ever)  4… the caller's
//	→     a list
func NewThreadScript(lua string) ThreadScript {
	return ThreadScript{redis.NewScript(clockLua + ageLua + lua)}
}

// RunThread runs a script over the thread of a session and the link of a message; what
// says so in an error, which is [ErrUnavailable] only.
func (s *Store) RunThread(ctx context.Context, what string, script ThreadScript, id, channel, ts string, args ...any) ([]any, error) {
	keys := []string{s.keys.thread(id), s.keys.session(id), s.keys.queue(queueDirty), s.keys.fence(), s.keys.byThread(channel, ts)}
	args = append([]any{id, ms(s.cfg.Retention), ms(s.linksKept())}, args...)
	return s.run(ctx, s.rdb, what+" of "+id, script.Script, keys, args...)
}

// ThreadFields reads fields of a session's thread, each a string; nil for what is not
// there.
func (s *Store) ThreadFields(ctx context.Context, id string, fields ...string) ([]any, error) {
	stored, err := s.rdb.HMGet(ctx, s.keys.thread(id), fields...).Result()
	return stored, orUnavailable("read thread of "+id, err)
}

// HasThread reports whether anything was ever shown of a session.
func (s *Store) HasThread(ctx context.Context, id string) (bool, error) {
	n, err := s.rdb.Exists(ctx, s.keys.thread(id)).Result()
	return n == 1, orUnavailable("read thread of "+id, err)
}

// Orphaned reports whether a session's thread is kept although nothing is left of its
// record, which had not ended: something was lost. A record that has ended goes at the
// end of its retention, and its thread with it.
func (s *Store) Orphaned(ctx context.Context, id string) (bool, error) {
	pipe := s.rdb.TxPipeline()
	left, record := pipe.PTTL(ctx, s.keys.thread(id)), pipe.Exists(ctx, s.keys.session(id), s.keys.journal(id))
	if _, err := pipe.Exec(ctx); err != nil {
		return false, unavailable("read thread of "+id, err)
	}
	return left.Val() == -1 && record.Val() == 0, nil
}

// ByThread returns the session that a message leads to, or [ErrNotFound].
func (s *Store) ByThread(ctx context.Context, channel, ts string) (id string, err error) {
	id, err = s.rdb.Get(ctx, s.keys.byThread(channel, ts)).Result()
	if errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("%w: no session for message %s in %s", ErrNotFound, ts, channel)
	}
	return id, orUnavailable("read link of message "+ts, err)
}

// LinkThread makes one more message lead to a session: a doubled card, a root
// under which a card is a reply.
func (s *Store) LinkThread(ctx context.Context, channel, ts, id string) error {
	return orUnavailable("link message "+ts, s.rdb.Set(ctx, s.keys.byThread(channel, ts), id, s.linksKept()).Err())
}

// linksKept is how long a link lives; 0: for ever.
func (s *Store) linksKept() time.Duration {
	if s.cfg.Retention <= 0 {
		return 0
	}
	return s.cfg.Retention + linkGrace
}
