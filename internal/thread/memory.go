package thread

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis-upgrade/bot/internal/session"
)

// Memory is what is remembered of cards, beside the sessions in their store. Its
// errors are [session.ErrUnavailable] only.
type Memory struct{ Store *session.Store }

// Card is what is remembered of a session's card and thread; the zero value when
// nothing was drawn.
type Card struct {
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

// fields are the stored form; the rule for changing it is that of a record.
var fields = []string{"channel", "ts", "parent", "revision", "digest", "cursor", "doubt", "believed"}

// Card reads what was drawn of a session.
func (m Memory) Card(ctx context.Context, id string) (Card, error) {
	stored, err := m.Store.ThreadFields(ctx, id, fields...)
	if err != nil {
		return Card{}, err
	}
	return cardOf(stored), nil
}

func cardOf(stored []any) Card {
	word := func(i int) string { w, _ := stored[i].(string); return w }
	number := func(i int) int64 {
		n, err := strconv.ParseInt(word(i), 10, 64)
		if err != nil {
			return 0 // and not the largest number, which ParseInt gives for a larger one
		}
		return n
	}
	c := Card{
		Channel: word(0), TS: word(1), Parent: word(2),
		Revision: number(3), Digest: word(4), Cursor: number(5), Doubt: word(6),
	}
	if since := number(7); since != 0 {
		c.Believed = time.UnixMilli(since).UTC()
	}
	return c
}

// SessionAt returns the session that a message leads to; "" when there is none.
func (m Memory) SessionAt(ctx context.Context, channel, ts string) (id string, err error) {
	id, err = m.Store.ByThread(ctx, channel, ts)
	if errors.Is(err, session.ErrNotFound) {
		return "", nil
	}
	return id, err
}

// CardOf returns the message that is a session's card; "" when there is none yet.
func (m Memory) CardOf(ctx context.Context, id string) (channel, ts string, err error) {
	c, err := m.Card(ctx, id)
	return c.Channel, c.TS, err
}

// ThreadOf returns the root under which a session is told; "" when there is none yet.
func (m Memory) ThreadOf(ctx context.Context, id string) (channel, ts string, err error) {
	c, err := m.Card(ctx, id)
	return c.Channel, cmp.Or(c.Parent, c.TS), err
}

// The scripts' KEYS and first three ARGV are those of [session.NewThreadScript].

// linkLua lets a message lead to the session.
const linkLua = `
local function link()
  redis.call('SET', KEYS[5], ARGV[1])
  if tonumber(ARGV[3]) > 0 then redis.call('PEXPIRE', KEYS[5], ARGV[3]) end
end
`

// claimScript makes a message the card, unless there is one.
//
//	ARGV  4 channel  5 ts  6 parent
//	→     {1 won | 0 lost, then fields}
var claimScript = session.NewThreadScript(linkLua + `
local won = redis.call('HSETNX', KEYS[1], 'ts', ARGV[5])
if won == 0 and redis.call('HGET', KEYS[1], 'ts') == ARGV[5] and redis.call('HGET', KEYS[1], 'channel') == ARGV[4] then
  won = 1
end
if won == 1 then
  redis.call('HSET', KEYS[1], 'channel', ARGV[4], 'parent', ARGV[6])
  age(KEYS[1], KEYS[2], ARGV[2])
  link()
end
local out = redis.call('HMGET', KEYS[1], 'channel', 'ts', 'parent', 'revision', 'digest', 'cursor', 'doubt', 'believed')
table.insert(out, 1, won)
return out
`)

// Claim makes a posted message the session's card; parent is the root of its thread
// where it is itself a reply: the section of a revert in its upgrade's thread. The
// first post wins, and its message then leads to the session; a loser learns the
// winner. The winner's own repeat wins again.
func (m Memory) Claim(ctx context.Context, id, channel, ts, parent string) (winner Card, won bool, err error) {
	answer, err := m.Store.RunThread(ctx, "claim card", claimScript, id, channel, ts, channel, ts, parent)
	if err != nil {
		return Card{}, false, err
	}
	return cardOf(answer[1:]), answer[0] == int64(1), nil
}

// replaceScript puts another message in the place of a card.
//
//	ARGV  4 ts before  5 channel  6 ts  7 parent
//	→     {1 replaced | 0 another message is the card by now}
var replaceScript = session.NewThreadScript(linkLua + `
local now = redis.call('HGET', KEYS[1], 'ts')
if now == ARGV[6] then return { 1 } end
if now ~= ARGV[4] then return { 0 } end
redis.call('HSET', KEYS[1], 'channel', ARGV[5], 'ts', ARGV[6], 'parent', ARGV[7])
redis.call('HDEL', KEYS[1], 'digest')
age(KEYS[1], KEYS[2], ARGV[2])
link()
return { 1 }
`)

// Replace makes a posted message the session's card in place of old, which can be
// changed no more. Both lead to the session. replaced is false when old is not the
// card any more.
func (m Memory) Replace(ctx context.Context, id string, old, now Card) (replaced bool, err error) {
	answer, err := m.Store.RunThread(ctx, "replace card", replaceScript, id, now.Channel, now.TS, old.TS, now.Channel, now.TS, now.Parent)
	return err == nil && answer[0] == int64(1), err
}

// forwardScript moves a mark of the drawer forward. A revision that is behind the
// mark was sent late, by a drawer that was slow or frozen, and may stand over the
// newer card: nobody knows what the card shows, so it is to be drawn again. So it is
// after one that was drawn from a record that a failover made forgotten.
//
//	ARGV  4 field  5 value  6 digest (with the revision)
//	→     {1 moved | 0 it was further already or the record is not as far}
var forwardScript = session.NewThreadScript(`
local value, top = tonumber(ARGV[5]), redis.call('HGET', KEYS[2], 'revision')
if tonumber(redis.call('HGET', KEYS[1], ARGV[4]) or '0') > value or top and value > tonumber(top) then
  if ARGV[4] == 'revision' then
    redis.call('HDEL', KEYS[1], 'digest')
    mark(KEYS[3], KEYS[4], ARGV[1], clock())
  end
  return { 0 }
end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
if ARGV[4] == 'revision' then redis.call('HSET', KEYS[1], 'digest', ARGV[6]) end
age(KEYS[1], KEYS[2], ARGV[2])
return { 1 }
`)

// Drawn notes which revision the card shows, and the digest of what was sent. It
// never goes back: after a slow drawer's older revision the card is dirty again,
// because the newer one may have been overwritten.
func (m Memory) Drawn(ctx context.Context, id string, revision int64, digest string) error {
	return m.note(ctx, forwardScript, id, "revision", revision, digest)
}

// Milestone notes the last journal revision that the thread has told. It never
// goes back.
func (m Memory) Milestone(ctx context.Context, id string, cursor int64) error {
	return m.note(ctx, forwardScript, id, "cursor", cursor, "")
}

// doubtedScript notes the digest of a card without a mark.
//
//	ARGV  4 digest
//	→     {1}
var doubtedScript = session.NewThreadScript(`
redis.call('HSET', KEYS[1], 'digest', ARGV[4])
redis.call('HDEL', KEYS[1], 'revision')
return { 1 }
`)

// DrawnDoubted notes the digest of a card that was drawn of a record which is not
// believed. Its revision is no mark: it may be any number, and what is believed later is
// drawn whatever its revision.
func (m Memory) DrawnDoubted(ctx context.Context, id, digest string) error {
	return m.note(ctx, doubtedScript, id, digest)
}

// toldScript notes what a thread was told of a doubt.
//
//	ARGV  4 doubt  5 believed since, ms; 0: not
//	→     {1}
var toldScript = session.NewThreadScript(`
redis.call('HSET', KEYS[1], 'doubt', ARGV[4], 'believed', ARGV[5])
age(KEYS[1], KEYS[2], ARGV[2])
return { 1 }
`)

// ToldDoubt notes what the thread was told of a record that is not believed; see
// [Card].Doubt. The thread of a record that is gone lapses from then on.
func (m Memory) ToldDoubt(ctx context.Context, id, doubt string, believed time.Time) error {
	since := int64(0)
	if !believed.IsZero() {
		since = believed.UnixMilli()
	}
	return m.note(ctx, toldScript, id, doubt, since)
}

func (m Memory) note(ctx context.Context, script session.ThreadScript, id string, args ...any) error {
	_, err := m.Store.RunThread(ctx, "note drawing", script, id, "", "", args...)
	return err
}
