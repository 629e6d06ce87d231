package session

import (
	"context"
	"strings"
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
func identity(ctx context.Context, server *redis.Client) (string, error) {
	var who []string
	for _, part := range []struct{ section, field string }{{"server", "run_id:"}, {"replication", "master_replid:"}} {
		info, err := server.Info(ctx, part.section).Result()
		if err != nil {
			_, err := unlessRefused(err, "")
			return "", err
		}
		for line := range strings.Lines(info) {
			if id, ok := strings.CutPrefix(line, part.field); ok {
				who = append(who, strings.TrimSpace(id))
			}
		}
	}
	return strings.Join(who, ":"), nil
}

// redrawScript has a card drawn again, whatever was sent before.
//
//	KEYS  1 thread  2 dirty  3 fence
//	ARGV  1 id  2 in how many ms
//	→     1
var redrawScript = redis.NewScript(clockLua + `
redis.call('HDEL', KEYS[1], 'digest')
mark(KEYS[2], KEYS[3], ARGV[1], clock() + tonumber(ARGV[2]))
return 1
`)

func (s *Store) redraw(ctx context.Context, apart time.Duration) (int, error) {
	ids, err := s.rdb.ZRevRange(ctx, s.keys.open(), 0, -1).Result()
	if err != nil {
		return 0, unavailable("list open sessions", err)
	}
	for i, id := range ids {
		keys := []string{s.keys.thread(id), s.keys.queue(queueDirty), s.keys.fence()}
		if _, err := s.runInt(ctx, "draw "+id+" again", redrawScript, keys, id, ms(time.Duration(i)*apart)); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
