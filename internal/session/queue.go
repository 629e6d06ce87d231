package session

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Names of the three queues, as they appear in keys.
const (
	queueDue   = "due"
	queueDirty = "dirty"
	queueInbox = "inbox"
)

// Item is something claimed from a [Queue]. Whoever holds it may work until the
// lease ends, and afterwards for as long as nobody else has touched it.
type Item struct {
	ID      string        // session, or envelope in the inbox
	Token   int64         // the fence; see Queue.Done
	Late    time.Duration // how long it had been waiting to be claimed
	Lapsed  bool          // whoever had it before neither finished nor gave it back
	Payload []byte        // inbox only
	Receipt int64         // inbox only: grows in the order of receipt; see ClaimInbox
}

// Queue is a fenced queue: members with the time of their next look, in Redis.
type Queue struct {
	store *Store
	name  string
	keys  []string // queue, fence, and the payloads and notes of an inbox
}

// Due holds the sessions that want to be looked at. A move sets it.
func (s *Store) Due() *Queue { return s.queue(queueDue) }

// Dirty holds the sessions whose card is behind their record. A move and an
// observation set it.
func (s *Store) Dirty() *Queue { return s.queue(queueDirty) }

// Inbox holds what people did and nobody has worked off; [Store.Receive] sets it.
func (s *Store) Inbox() *Queue {
	q := s.queue(queueInbox)
	q.keys = append(q.keys, s.keys.inbox(), s.keys.notes())
	return q
}

func (s *Store) queue(name string) *Queue {
	return &Queue{store: s, name: name, keys: []string{s.keys.queue(name), s.keys.fence()}}
}

// claimScript moves what is due to the end of a lease.
//
//	KEYS  1 queue  2 fence  3 payloads (inbox)
//	ARGV  1 lease ms  2 max
//	→     {ms until the next may be claimed, -1 when empty; the store's time, µs;
//	       then per item: id, token, ms late, 1 if its last claim lapsed, payload or nil}
var claimScript = redis.NewScript(clockLua + `
local out = { -1, text(micros()) }
local now = math.floor(tonumber(out[2]) / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text(now * 1000 + 999), 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #due, 2 do
  local id = due[i]
  local token = stamp(KEYS[1], KEYS[2], id, now + tonumber(ARGV[1]), 1)
  redis.call('ZADD', KEYS[1], token, id)
  out[#out + 1] = id
  out[#out + 1] = token
  out[#out + 1] = now - math.floor(tonumber(due[i + 1]) / 1000)
  out[#out + 1] = tonumber(due[i + 1]) % 2
  out[#out + 1] = KEYS[3] and redis.call('HGET', KEYS[3], id) or false
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[2] then out[1] = math.max(0, math.floor(tonumber(first[2]) / 1000) - now) end
return out
`)

// Claim takes up to max members whose time has come, the longest waiting first,
// and hides them from everybody else for the lease. next is the time until there
// may be something to claim again (a date or the end of somebody's lease), 0 when
// more is waiting now, -1 when the queue is empty; state changes may come earlier.
// A claim whose answer is lost costs one lease.
func (q *Queue) Claim(ctx context.Context, lease time.Duration, max int) (items []Item, next time.Duration, err error) {
	if max < 1 {
		return nil, 0, fmt.Errorf("claim %d from queue %s", max, q.name)
	}
	answer, err := q.store.run(ctx, q.store.rdb, "claim from queue "+q.name, claimScript, q.keys, ms(lease), max)
	if err != nil {
		return nil, 0, err
	}
	if micros, err := strconv.ParseInt(fmt.Sprint(answer[1]), 10, 64); err == nil {
		q.store.time.told(micros)
	}
	wait, _ := answer[0].(int64)
	next = time.Duration(wait) * time.Millisecond
	if wait < 0 {
		next = -1
	}
	for i := 2; i+4 < len(answer); i += 5 {
		it, err := itemOf(answer[i : i+5])
		if err != nil {
			return nil, 0, fmt.Errorf("claim from queue %s: %w", q.name, err)
		}
		items = append(items, it)
	}
	return items, next, nil
}

// itemOf reads id, token, ms late, lapsed and payload of a script's answer.
func itemOf(answer []any) (Item, error) {
	id, _ := answer[0].(string)
	text, _ := answer[1].(string)
	late, _ := answer[2].(int64)
	token, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return Item{}, fmt.Errorf("script answered a token of %q", text)
	}
	lapsed, _ := answer[3].(int64)
	it := Item{ID: id, Token: token, Late: time.Duration(late) * time.Millisecond, Lapsed: lapsed == 1}
	if p, ok := answer[4].(string); ok {
		it.Payload = []byte(p)
	}
	return it, nil
}

// fencedLua is the condition under which a claim still counts.
const fencedLua = `
local function fenced(queue, id, token)
  local score = redis.call('ZSCORE', queue, id)
  return score and tonumber(score) == tonumber(token)
end
`

// doneScript removes a member that is still claimed.
//
//	KEYS  1 queue  2 fence  3 payloads, 4 notes (inbox)
//	ARGV  1 id  2 token
//	→     1 removed, 0 somebody else's
var doneScript = redis.NewScript(fencedLua + `
if not fenced(KEYS[1], ARGV[1], ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
if KEYS[3] then redis.call('HDEL', KEYS[3], ARGV[1]) end
if KEYS[4] then redis.call('HDEL', KEYS[4], ARGV[1], ARGV[1] .. ':failed') end
return 1
`)

// Done removes a claimed member, and its payload. It is false, and does nothing,
// when the member was claimed again, moved or removed meanwhile; also when it was
// this call's own lost first try that removed it. Either way the caller is through.
func (q *Queue) Done(ctx context.Context, it Item) (bool, error) {
	n, err := q.store.runInt(ctx, "finish in queue "+q.name, doneScript, q.keys, it.ID, it.Token)
	return n == 1, err
}

// moveScript sets the next look of a member that is still claimed.
//
//	KEYS  1 queue  2 fence
//	ARGV  1 id  2 token  3 ms from now  4 1 while it stays claimed, else 0
//	→     the new token, "" when it is somebody else's
var moveScript = redis.NewScript(clockLua + fencedLua + `
if not fenced(KEYS[1], ARGV[1], ARGV[2]) then return '' end
local token = stamp(KEYS[1], KEYS[2], ARGV[1], clock() + tonumber(ARGV[3]), tonumber(ARGV[4]))
redis.call('ZADD', KEYS[1], token, ARGV[1])
return token
`)

// Reschedule gives a claimed member back, to be claimed after in. False as in Done.
func (q *Queue) Reschedule(ctx context.Context, it Item, in time.Duration) (bool, error) {
	_, ok, err := q.move(ctx, it, in, false)
	return ok, err
}

// Renew prolongs a claim to lease from now; the returned item replaces the old one.
// False as in Done.
func (q *Queue) Renew(ctx context.Context, it Item, lease time.Duration) (Item, bool, error) {
	return q.move(ctx, it, lease, true)
}

func (q *Queue) move(ctx context.Context, it Item, in time.Duration, claimed bool) (Item, bool, error) {
	what := "reschedule in queue " + q.name
	text, err := moveScript.Run(ctx, q.store.rdb, q.keys[:2], it.ID, it.Token, ms(in), bit(claimed)).Text()
	if err != nil {
		return it, false, unavailable(what, err)
	}
	if text == "" {
		return it, false, nil
	}
	token, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return it, false, fmt.Errorf("%s: script answered a token of %q", what, text)
	}
	it.Token = token
	return it, true, nil
}

// setScript sets the next look of a member without asking.
//
//	KEYS  1 queue  2 fence
//	ARGV  1 id  2 ms from now
//	→     1
var setScript = redis.NewScript(clockLua + `
redis.call('ZADD', KEYS[1], stamp(KEYS[1], KEYS[2], ARGV[1], clock() + tonumber(ARGV[2]), 0), ARGV[1])
return 1
`)

// Set puts a member into the queue, to be claimed after in; a claim of it lapses.
func (q *Queue) Set(ctx context.Context, id string, in time.Duration) error {
	_, err := q.store.runInt(ctx, "set in queue "+q.name, setScript, q.keys[:2], id, ms(in))
	return err
}

// Queues are all queues by name.
func (s *Store) Queues() map[string]*Queue {
	return map[string]*Queue{queueDue: s.Due(), queueDirty: s.Dirty(), queueInbox: s.Inbox()}
}

// waitingScript looks at what is due and changes nothing.
//
//	KEYS  1 queue
//	→     {members due, ms late of the first}
var waitingScript = redis.NewScript(clockLua + `
local now = clock()
local due = text(now * 1000 + 999)
local first = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', due, 'WITHSCORES', 'LIMIT', 0, 1)
if not first[1] then return { 0, 0 } end
return { redis.call('ZCOUNT', KEYS[1], '-inf', due), now - math.floor(tonumber(first[2]) / 1000) }
`)

// Waiting is how many members' time has come without anybody claiming them, and
// how long the first of them has waited.
func (q *Queue) Waiting(ctx context.Context) (n int, late time.Duration, err error) {
	answer, err := waitingScript.Run(ctx, q.store.rdb, q.keys[:1]).Int64Slice()
	if err != nil || len(answer) != 2 {
		return 0, 0, orUnavailable("look at queue "+q.name, err)
	}
	return int(answer[0]), time.Duration(answer[1]) * time.Millisecond, nil
}
