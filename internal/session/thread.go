package session

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Thread is what the card drawer remembers of a session. It lives beside the
// record, under its own key, so that drawing never makes a move stale.
type Thread struct {
	Channel, TS string // the one card; TS "" until it is posted
	Parent      string // root of the thread, when the card itself is a reply
	Revision    int64  // of the record as last drawn
	Digest      string // of the card as last sent
	Cursor      int64  // last journal revision told as a milestone

	// Doubt names what the thread was told of a record that is not believed, with a
	// blank between two doubts; "" when it was told that it is believed. Believed is
	// since when it is believed again although the thread was not told so yet.
	Doubt    string
	Believed time.Time
}

// Thread reads what was drawn of a session; the zero value when nothing was.
func (s *Store) Thread(ctx context.Context, id string) (Thread, error) {
	h, err := s.rdb.HMGet(ctx, s.keys.thread(id), threadFields...).Result()
	if err != nil {
		return Thread{}, unavailable("read thread of "+id, err)
	}
	return threadOf(h), nil
}

// threadFields are the stored form; the rule for changing it is that of a record.
var threadFields = []string{"channel", "ts", "parent", "revision", "digest", "cursor", "doubt", "believed"}

func threadOf(v []any) Thread {
	word := func(i int) string { w, _ := v[i].(string); return w }
	number := func(i int) int64 {
		n, err := strconv.ParseInt(word(i), 10, 64)
		if err != nil {
			return 0 // and not the largest number, which ParseInt gives for a larger one
		}
		return n
	}
	return Thread{
		Channel: word(0), TS: word(1), Parent: word(2),
		Revision: number(3), Digest: word(4), Cursor: number(5),
		Doubt: word(6), Believed: fromMS(number(7)),
	}
}

// ageLua lets a thread live as long as its record, whichever is written last.
const ageLua = `
local function age(thread, session, retention)
  local left = redis.call('PTTL', session)
  if left == -2 then left = tonumber(retention) end
  if left > 0 then redis.call('PEXPIRE', thread, left) end
  if left == -1 then redis.call('PERSIST', thread) end
end
`

// claimCardScript makes a message the card, unless there is one.
//
//	KEYS  1 thread  2 session  3 by-thread
//	ARGV  1 id  2 channel  3 ts  4 parent  5 retention ms  6 links kept ms (0: for ever)
//	→     {1 won | 0 lost, then threadFields}
var claimCardScript = redis.NewScript(ageLua + `
local won = redis.call('HSETNX', KEYS[1], 'ts', ARGV[3])
if won == 0 and redis.call('HGET', KEYS[1], 'ts') == ARGV[3] and redis.call('HGET', KEYS[1], 'channel') == ARGV[2] then
  won = 1
end
if won == 1 then
  redis.call('HSET', KEYS[1], 'channel', ARGV[2], 'parent', ARGV[4])
  age(KEYS[1], KEYS[2], ARGV[5])
  redis.call('SET', KEYS[3], ARGV[1])
  if tonumber(ARGV[6]) > 0 then redis.call('PEXPIRE', KEYS[3], ARGV[6]) end
end
local out = redis.call('HMGET', KEYS[1], 'channel', 'ts', 'parent', 'revision', 'digest', 'cursor', 'doubt', 'believed')
table.insert(out, 1, won)
return out
`)

// ClaimCard makes a posted message the session's card. The first post wins, and
// its message then leads to the session ([Store.ByThread]); a loser learns the
// winner. The winner's own repeat wins again.
func (s *Store) ClaimCard(ctx context.Context, id, channel, ts string) (winner Thread, won bool, err error) {
	return s.ClaimReply(ctx, id, channel, ts, "")
}

// ClaimReply is [Store.ClaimCard] for a card that is itself a reply in the thread
// of parent: the section of a revert in its upgrade's thread.
func (s *Store) ClaimReply(ctx context.Context, id, channel, ts, parent string) (winner Thread, won bool, err error) {
	keys := []string{s.keys.thread(id), s.keys.session(id), s.keys.byThread(channel, ts)}
	answer, err := s.run(ctx, s.rdb, "claim card of "+id, claimCardScript, keys, id, channel, ts, parent, ms(s.cfg.Retention), ms(s.linksKept()))
	if err != nil {
		return Thread{}, false, err
	}
	return threadOf(answer[1:]), answer[0] == int64(1), nil
}

// replaceCardScript puts another message in the place of a card.
//
//	KEYS  1 thread  2 session  3 by-thread
//	ARGV  1 id  2 ts before  3 channel  4 ts  5 parent  6 retention ms  7 links kept ms (0: for ever)
//	→     1 replaced, 0 another message is the card by now
var replaceCardScript = redis.NewScript(ageLua + `
local now = redis.call('HGET', KEYS[1], 'ts')
if now == ARGV[4] then return 1 end
if now ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'channel', ARGV[3], 'ts', ARGV[4], 'parent', ARGV[5])
redis.call('HDEL', KEYS[1], 'digest')
age(KEYS[1], KEYS[2], ARGV[6])
redis.call('SET', KEYS[3], ARGV[1])
if tonumber(ARGV[7]) > 0 then redis.call('PEXPIRE', KEYS[3], ARGV[7]) end
return 1
`)

// ReplaceCard makes a posted message the session's card in place of old, which can
// be changed no more. Both lead to the session. replaced is false when old is not
// the card any more.
func (s *Store) ReplaceCard(ctx context.Context, id string, old, now Thread) (replaced bool, err error) {
	keys := []string{s.keys.thread(id), s.keys.session(id), s.keys.byThread(now.Channel, now.TS)}
	n, err := s.runInt(ctx, "replace card of "+id, replaceCardScript, keys, id, old.TS, now.Channel, now.TS, now.Parent, ms(s.cfg.Retention), ms(s.linksKept()))
	return n == 1, err
}

// forwardScript moves a mark of the drawer forward. A revision that is behind the
// mark was sent late, by a drawer that was slow or frozen, and may stand over the
// newer card: nobody knows what the card shows, so it is to be drawn again. So it is
// after one that was drawn from a record that a failover made forgotten.
//
//	KEYS  1 thread  2 session  3 dirty  4 fence
//	ARGV  1 field  2 value  3 digest (with the revision)  4 retention ms  5 id
//	→     1 moved, 0 it was further already or the record is not as far
var forwardScript = redis.NewScript(clockLua + ageLua + `
local value, top = tonumber(ARGV[2]), redis.call('HGET', KEYS[2], 'revision')
if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') > value or top and value > tonumber(top) then
  if ARGV[1] == 'revision' then
    redis.call('HDEL', KEYS[1], 'digest')
    mark(KEYS[3], KEYS[4], ARGV[5], clock())
  end
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[1] == 'revision' then redis.call('HSET', KEYS[1], 'digest', ARGV[3]) end
age(KEYS[1], KEYS[2], ARGV[4])
return 1
`)

// Drawn notes which revision the card shows, and the digest of what was sent. It
// never goes back: after a slow drawer's older revision the card is dirty again,
// because the newer one may have been overwritten.
func (s *Store) Drawn(ctx context.Context, id string, revision int64, digest string) error {
	return s.forward(ctx, id, "revision", revision, digest)
}

// Milestone notes the last journal revision that the thread has told. It never
// goes back.
func (s *Store) Milestone(ctx context.Context, id string, cursor int64) error {
	return s.forward(ctx, id, "cursor", cursor, "")
}

func (s *Store) forward(ctx context.Context, id, field string, value int64, digest string) error {
	keys := []string{s.keys.thread(id), s.keys.session(id), s.keys.queue(queueDirty), s.keys.fence()}
	_, err := s.runInt(ctx, "note drawing of "+id, forwardScript, keys, field, value, digest, ms(s.cfg.Retention), id)
	return err
}

// DrawnDoubted notes the digest of a card that was drawn of a record which is not
// believed. Its revision is no mark: it may be any number, and what is believed later is
// drawn whatever its revision.
func (s *Store) DrawnDoubted(ctx context.Context, id, digest string) error {
	pipe := s.rdb.TxPipeline()
	pipe.HSet(ctx, s.keys.thread(id), "digest", digest)
	pipe.HDel(ctx, s.keys.thread(id), "revision")
	_, err := pipe.Exec(ctx)
	return orUnavailable("note drawing of "+id, err)
}

// toldScript notes what a thread was told of a doubt.
//
//	KEYS  1 thread  2 session
//	ARGV  1 doubt  2 believed since, ms; 0: not  3 retention ms
//	→     1
var toldScript = redis.NewScript(ageLua + `
redis.call('HSET', KEYS[1], 'doubt', ARGV[1], 'believed', ARGV[2])
age(KEYS[1], KEYS[2], ARGV[3])
return 1
`)

// ToldDoubt notes what the thread was told of a record that is not believed; see
// [Thread].Doubt. The thread of a record that is gone lapses from then on.
func (s *Store) ToldDoubt(ctx context.Context, id, doubt string, believed time.Time) error {
	since := int64(0)
	if !believed.IsZero() {
		since = believed.UnixMilli()
	}
	_, err := s.runInt(ctx, "note what was told of "+id, toldScript, []string{s.keys.thread(id), s.keys.session(id)}, doubt, since, ms(s.cfg.Retention))
	return err
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
