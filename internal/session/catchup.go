package session

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// CatchUp notices a server that has not answered before: one that became master in
// a failover, or that was started again. It may not know the last writes, so what
// stands in Slack may come from a record that nobody has any more, for instance a
// card that says "approved" and offers no button, over a session that still asks.
// Every open session is drawn again from the record that there is, newest first,
// one every apart, so that the cards of what moves meanwhile need not wait behind
// hundreds of others. cards is how many. err is [ErrUnavailable] only, and then it
// is done again with the next call; a server that does not tell who it is counts as
// the same.
func (s *Store) CatchUp(ctx context.Context, apart time.Duration) (cards int, err error) {
	master, err := s.master(ctx)
	if err != nil {
		return 0, err
	}
	who, err := identity(ctx, master)
	if err != nil || who == "" {
		return 0, err
	}
	key := s.keys.server(who)
	known, err := s.rdb.Exists(ctx, key).Result()
	if err != nil {
		return 0, unavailable("look whether the server is known", err)
	}
	if known == 0 {
		if cards, err = s.redraw(ctx, apart); err != nil {
			return 0, err
		}
	}
	if err := s.rdb.Set(ctx, key, 1, serverKept).Err(); err != nil { // last: else a process that dies here leaves it to nobody
		return 0, unavailable("remember the server", err)
	}
	return cards, nil
}

// serverKept is how long a server is remembered after it was last asked.
const serverKept = 24 * time.Hour

// identity names a server's process and the history that it writes: the one changes
// with a restart, the other with a failover. "" when it does not tell.
func identity(ctx context.Context, server informant) (string, error) {
	process, err := info(ctx, server, "server", "run_id")
	if err == nil {
		var history string
		history, err = info(ctx, server, "replication", "master_replid")
		process += history
	}
	if err != nil {
		err = unlessRefused(err, nil)
		return "", err
	}
	return process, nil
}

// redrawScript has cards drawn again, whatever was sent before: the digest of that is
// the one field of a thread that is known here.
//
//	KEYS  1 dirty  2 fence  3… thread of each session
//	ARGV  1 in how many ms the first  2 ms between two  3… id of each session
//	→     1
var redrawScript = redis.NewScript(clockLua + `
local at = clock() + tonumber(ARGV[1])
for i = 3, #KEYS do
  redis.call('HDEL', KEYS[i], 'digest')
  mark(KEYS[1], KEYS[2], ARGV[i], at)
  at = at + tonumber(ARGV[2])
end
return 1
`)

// redrawn is how many sessions one script takes: thousands must be done within the
// second that the caller has, and no script may hold the server up.
const redrawn = 500

func (s *Store) redraw(ctx context.Context, apart time.Duration) (cards int, err error) {
	ids, err := s.rdb.ZRevRange(ctx, s.keys.open(), 0, -1).Result()
	if err != nil {
		return 0, unavailable("list open sessions", err)
	}
	for some := range slices.Chunk(ids, redrawn) {
		keys := []string{s.keys.queue(queueDirty), s.keys.fence()}
		args := []any{ms(time.Duration(cards) * apart), ms(apart)}
		for _, id := range some {
			keys, args = append(keys, s.keys.thread(id)), append(args, id)
		}
		if _, err := s.runInt(ctx, "draw cards again", redrawScript, keys, args...); err != nil {
			return 0, err
		}
		cards += len(some)
	}
	return cards, nil
}
