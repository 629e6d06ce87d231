package session

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// linkGrace is how long indexes and links outlive Retention: a session may be open
// for a while before its retention begins.
const linkGrace = 30 * 24 * time.Hour

// commitScript moves sessions and holds, all or nothing: it reads and compares
// everything first, then appends to the journals (the only write that can be
// refused: a memory limit or a read-only server stops a script at its first
// write only), then writes the rest.
//
//	KEYS  1 due  2 dirty  3 open  4 every  5 fence  6 counts  7 places,
//	      then per move: session, journal, thread, flag, active,
//	      then per hold: active, by-database
//	ARGV  1 moves  2 holds  3 nonce  4 retention ms (0: for ever)  5 indexes kept ms,
//	      then per move: id, kind, revision before, head before, ended 0/1, where it is counted,
//	        due ms (< 0: none), urgency ms (< 0: quiet),
//	        unless flag: its receipt number as known (< 0: whatever is set), not after ms (0: no limit), owner 0/1,
//	        n and n values of the entry, n and n values of the record,
//	      then per hold: from, to, lenient 0/1
//	→     {"stored", now ms, created ms of each move…}
//	      {"again", ms when it was stored, created…}  this nonce was stored before
//	      {"stale"|"exists"|"broken", move index}      "broken": the journal does not end where the record is
//	      {"held", hold index, owner}
//	      {"flagged"|"late", move index}, {"unowned", move index, owner}
var commitScript = redis.NewScript(clockLua + placeLua + commitReadLua + commitCheckLua + commitWriteLua)

// commitReadLua parses the arguments and reads what will be compared. Reading the
// keys that are written last also finds one of a wrong type before the first write.
const commitReadLua = `
local at = 5
local function take() at = at + 1; return ARGV[at] end
local function list()
  local out = {}
  for i = 1, tonumber(take()) do out[i] = take() end
  return out
end
local moves, holds = {}, {}
for i = 1, tonumber(ARGV[1]) do
  local k = 2 + i * 5
  local m = { session = KEYS[k + 1], journal = KEYS[k + 2], thread = KEYS[k + 3], flag = KEYS[k + 4], active = KEYS[k + 5] }
  m.id, m.kind, m.revision, m.head, m.ended, m.place = take(), take(), tonumber(take()), take(), take() == '1', take()
  m.due, m.urgency = tonumber(take()), tonumber(take())
  m.unless, m.notafter, m.owner = tonumber(take()), tonumber(take()), take() == '1'
  m.entry, m.record = list(), list()
  m.entryid = text(m.revision + 1) .. '-1'
  local now = redis.call('HMGET', m.session, 'revision', 'head', 'created', 'kind', 'ended')
  m.now = { revision = tonumber(now[1] or '0'), head = now[2] or '', created = now[3], kind = now[4], ended = now[5] == '1' }
  redis.call('HGET', m.thread, 'ts')
  redis.call('ZSCORE', KEYS[1], m.id)
  redis.call('ZSCORE', KEYS[2], m.id)
  moves[i] = m
end
for i = 1, tonumber(ARGV[2]) do
  local k = 6 + #moves * 5 + i * 2
  local h = { active = KEYS[k], bydatabase = KEYS[k + 1], from = take(), to = take(), lenient = take() == '1' }
  h.owner = redis.call('GET', h.active) or ''
  redis.call('ZSCORE', h.bydatabase, h.to)
  holds[i] = h
end
`

// commitCheckLua compares, and answers a script that is repeated after its reply
// was lost.
const commitCheckLua = `
local function field(entry, name)
  for i = 1, #entry, 2 do if entry[i] == name then return entry[i + 1] end end
end
local function created(answer)
  for _, m in ipairs(moves) do answer[#answer + 1] = m.now.created or '0' end
  return answer
end
if moves[1].now.revision > moves[1].revision then
  local entry = redis.call('XRANGE', moves[1].journal, moves[1].entryid, moves[1].entryid)[1]
  if entry and field(entry[2], 'nonce') == ARGV[3] then
    return created({ 'again', field(entry[2], 'clock') })
  end
end
for i, m in ipairs(moves) do
  if m.revision == 0 and m.now.revision > 0 and m.now.kind == m.kind then return { 'exists', i } end
  if m.now.revision ~= m.revision or m.now.head ~= m.head then return { 'stale', i } end
end
for i, m in ipairs(moves) do
  local owner = m.owner and (redis.call('GET', m.active) or '')
  if owner and owner ~= m.id then return { 'unowned', i, owner } end
  if m.unless >= 0 and ((redis.call('GET', m.flag) or '') ~= '' or
    tonumber(redis.call('GET', m.flag .. ':receipt') or '0') < m.unless) then return { 'flagged', i } end
  if m.notafter > 0 and clock() > m.notafter then return { 'late', i } end
end
for i, h in ipairs(holds) do
  if h.owner ~= h.from and not h.lenient then return { 'held', i, h.owner } end
end
for i, m in ipairs(moves) do
  local last = redis.call('XREVRANGE', m.journal, '+', '-', 'COUNT', 1)[1]
  if (last and last[1] or '0-1') ~= text(m.revision) .. '-1' then return { 'broken', i } end
end
`

// commitWriteLua writes: journals, records, indexes and timers, holds.
const commitWriteLua = `
local now = text(clock())
local retention, cutoff = tonumber(ARGV[4]), text((tonumber(now) - tonumber(ARGV[5])) * 1000)
for _, m in ipairs(moves) do
  local e = m.entry
  e[#e + 1] = 'clock'
  e[#e + 1] = now
  redis.call('XADD', m.journal, m.entryid, unpack(e))
end
for _, m in ipairs(moves) do
  local r = m.record
  r[#r + 1] = 'updated'
  r[#r + 1] = now
  if m.revision == 0 then
    m.now.created = now
    r[#r + 1] = 'created'
    r[#r + 1] = now
    if retention > 0 then redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', cutoff) end
    redis.call('ZADD', KEYS[4], stamp(KEYS[4], KEYS[5], m.id, tonumber(now), 0), m.id)
  end
  redis.call('HSET', m.session, unpack(r))
  placed(KEYS[6], KEYS[7], m.id, m.place)
  if m.ended then
    redis.call('ZREM', KEYS[3], m.id)
  elseif not redis.call('ZSCORE', KEYS[3], m.id) then
    redis.call('ZADD', KEYS[3], stamp(KEYS[3], KEYS[5], m.id, tonumber(m.now.created), 0), m.id)
  end
  for _, key in ipairs({ m.session, m.journal, m.thread }) do
    if m.ended and retention > 0 then
      redis.call('PEXPIRE', key, text(retention))
    elseif m.now.ended or m.revision == 0 then
      redis.call('PERSIST', key)
    end
  end
  if m.due < 0 then
    redis.call('ZREM', KEYS[1], m.id)
  else
    redis.call('ZADD', KEYS[1], stamp(KEYS[1], KEYS[5], m.id, tonumber(now) + m.due, 0), m.id)
  end
  if m.urgency >= 0 then mark(KEYS[2], KEYS[5], m.id, tonumber(now) - m.urgency) end
end
for _, h in ipairs(holds) do
  if h.to ~= '' then
    redis.call('SET', h.active, h.to)
    if retention > 0 then redis.call('ZREMRANGEBYSCORE', h.bydatabase, '-inf', cutoff) end
    if not redis.call('ZSCORE', h.bydatabase, h.to) then
      redis.call('ZADD', h.bydatabase, stamp(h.bydatabase, KEYS[5], h.to, tonumber(now), 0), h.to)
    end
  elseif h.owner == h.from then
    redis.call('DEL', h.active)
  end
end
return created({ 'stored', now })
`

// commit runs the script and turns its answer into an error, or into the times of
// the records.
func (s *Store) commit(ctx context.Context, steps []*step, grips []gripped, nonce string) error {
	keys, args, err := s.commitArgs(steps, grips, nonce)
	if err != nil {
		return err
	}
	answer, unconfirmed, err := s.runConfirmed(ctx, steps, keys, args)
	if err != nil {
		return err
	}
	word, _ := answer[0].(string)
	switch word {
	case "stored", "again":
		return stamped(steps, answer, unconfirmed)
	case "held":
		g, owner := grips[index(answer)], answer[2].(string)
		return fmt.Errorf("advance: %w", &HeldError{Database: g.Database, Owner: owner})
	}
	st := steps[index(answer)]
	switch word {
	case "stale":
		return fmt.Errorf("%w: %s is no longer at revision %d", ErrStale, st.before.ID, st.before.Revision)
	case "exists":
		return fmt.Errorf("%w: %s", ErrExists, st.before.ID)
	case "flagged":
		return fmt.Errorf("%w: %s of session %s: %s is set", ErrFlagged, st.move.Event, st.before.ID, st.move.Unless)
	case "late":
		return fmt.Errorf("%w: %s of session %s after %s", ErrLate, st.move.Event, st.before.ID, st.move.NotAfter)
	case "unowned":
		owner, _ := answer[2].(string)
		return fmt.Errorf("advance: %w", &HeldError{Database: st.before.Database, Owner: owner})
	case "broken":
		return fmt.Errorf("%w: journal of session %s does not end at revision %d", ErrTampered, st.before.ID, st.before.Revision)
	}
	return fmt.Errorf("commit script answered %q", word)
}

// index is the Lua index in the second place of an answer, counted from 0.
func index(answer []any) int {
	n, _ := answer[1].(int64)
	return int(n) - 1
}

// stamped puts the times that Redis gave into the records.
func stamped(steps []*step, answer []any, unconfirmed error) error {
	times := make([]int64, 0, len(answer))
	for _, a := range answer[1:] {
		text, _ := a.(string)
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("commit script answered a time of %q", text)
		}
		times = append(times, n)
	}
	for i, st := range steps {
		st.after.Updated, st.after.Created = fromMS(times[0]), fromMS(times[1+i])
	}
	return unconfirmed
}

// commitArgs lays out KEYS and ARGV as commitScript documents them.
func (s *Store) commitArgs(steps []*step, grips []gripped, nonce string) (keys []string, args []any, err error) {
	keys = []string{s.keys.queue(queueDue), s.keys.queue(queueDirty), s.keys.open(), s.keys.every(), s.keys.fence(), s.keys.counts(), s.keys.places()}
	args = []any{len(steps), len(grips), nonce, ms(s.cfg.Retention), ms(s.cfg.Retention + linkGrace)}
	for _, st := range steps {
		id := st.after.ID
		keys = append(keys, s.keys.session(id), s.keys.journal(id), s.keys.thread(id),
			s.keys.flag(st.move.Unless), s.keys.active(st.before.Database))
		urgency := ms(max(st.move.Urgency, 0))
		if st.move.Quiet {
			urgency = -1
		}
		due := ms(st.move.Due)
		if st.move.Due < 0 || st.after.Ended && !st.move.Linger {
			due = -1
		}
		unless := int64(-1)
		if st.move.Unless != "" {
			unless = s.flags.known(st.move.Unless)
		}
		notAfter := int64(0)
		if !st.move.NotAfter.IsZero() {
			notAfter = st.move.NotAfter.UnixMilli()
		}
		args = append(args, id, st.after.Kind, st.before.Revision, st.before.Head, bit(st.after.Ended), s.place(st.after), due, urgency,
			unless, notAfter, bit(st.move.Owner))
		args = counted(args, st.entry.stored())
		fields, err := st.after.fields()
		if err != nil {
			return nil, nil, err
		}
		if st.move.Body != nil {
			fields = append(fields, fieldBody, st.move.Body)
		}
		args = counted(args, fields)
	}
	for _, g := range grips {
		keys = append(keys, s.keys.active(g.Database), s.keys.byDatabase(g.Database))
		args = append(args, g.From, g.To, bit(g.lenient))
	}
	return keys, args, nil
}

// counted appends a list preceded by its length.
func counted(args, list []any) []any {
	return append(append(args, len(list)), list...)
}
