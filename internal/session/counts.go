package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Open sessions are counted where they move, so that nobody has to load thousands of
// them to say how many there are. The script that writes a record also writes the
// place under which the session is counted, and moves the count of the place before
// and of that one. What is written past that script (a key lost or put back, another
// release of the bot) makes them wrong until the next Recount.

// Count is how many open sessions are in one place.
type Count struct {
	Kind, State string // both [Other] where no life of this build knows them
	Also        string // what Life.Also says of them
	Sessions    int
}

// Other stands for a kind and state that no life of this build knows.
const Other = "other"

// place is where a record is counted; "" for one that has ended.
func (s *Store) place(r Record) string {
	if r.Ended {
		return ""
	}
	life, err := s.life(r.Kind, r.Life)
	if err != nil || !life.Has(r.State) {
		return Other + " " + Other + " "
	}
	also := ""
	if life.Also != nil {
		also = life.Also(r.Body)
	}
	return r.Kind + " " + r.State + " " + also
}

// placeLua counts a session at a place ("": at none). A key of another type stops no
// session from moving: Recount puts it right.
const placeLua = `
local function placed(counts, places, id, place)
  local was = redis.pcall('HGET', places, id) or ''
  if type(was) ~= 'string' or was == place then return 0 end
  if was ~= '' then
    local left = redis.pcall('HINCRBY', counts, was, -1)
    if type(left) == 'number' and left < 1 then redis.pcall('HDEL', counts, was) end
  end
  if place ~= '' then
    redis.pcall('HINCRBY', counts, place, 1)
    redis.pcall('HSET', places, id, place)
  else
    redis.pcall('HDEL', places, id)
  end
  return 1
end
`

// Counts is how many sessions have not ended, by where they stand; one read, however
// many there are. It is [ErrUnavailable] only.
func (s *Store) Counts(ctx context.Context) ([]Count, error) {
	all, err := s.rdb.HGetAll(ctx, s.keys.counts()).Result()
	if err != nil {
		return nil, unavailable("count sessions by state", err)
	}
	var out []Count
	for place, n := range all {
		words := strings.SplitN(place, " ", 3)
		sessions, err := strconv.Atoi(n)
		if len(words) != 3 || err != nil || sessions < 1 {
			continue // not ours
		}
		out = append(out, Count{words[0], words[1], words[2], sessions})
	}
	return out, nil
}

// Recount holds what [Store.Counts] tells against the sessions themselves and puts it
// right, unless some replica did so within every. wrong is how much it had to change.
// Sessions may move meanwhile. It is [ErrUnavailable] only.
func (s *Store) Recount(ctx context.Context, every time.Duration) (wrong int, err error) {
	done, err := s.rdb.Exists(ctx, s.keys.counted()).Result()
	if err != nil || done == 1 {
		return 0, orUnavailable("look when sessions were counted", err)
	}
	keys := []string{s.keys.counts(), s.keys.places()}
	if _, err := s.runInt(ctx, "make room for counts", countableScript, keys); err != nil {
		return 0, err
	}
	pipe := s.rdb.Pipeline()
	open, counted := pipe.ZRange(ctx, s.keys.open(), 0, -1), pipe.HGetAll(ctx, s.keys.places())
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, unavailable("list sessions to count", err)
	}
	ids := slices.AppendSeq(open.Val(), maps.Keys(counted.Val()))
	slices.Sort(ids)
	for some := range slices.Chunk(slices.Compact(ids), loadedAtOnce) {
		n, err := s.recount(ctx, some...)
		if err != nil {
			return wrong, err
		}
		wrong += n
	}
	n, err := s.runInt(ctx, "add up counts", sumScript, keys)
	if err != nil {
		return wrong, err
	}
	if every > 0 {
		err = s.rdb.Set(ctx, s.keys.counted(), 1, every).Err()
	}
	return wrong + int(n), orUnavailable("note that sessions were counted", err)
}

// countableScript removes keys that cannot hold counts.
//
//	KEYS  hashes
//	→     1
var countableScript = redis.NewScript(`
for _, key in ipairs(KEYS) do
  local read = redis.pcall('HGET', key, '')
  if type(read) == 'table' and read.err and string.find(read.err, 'WRONGTYPE') then redis.call('DEL', key) end
end
return 1
`)

// recountScript counts sessions where they were found to be, those that have moved
// since excepted: the move has counted them.
//
//	KEYS  1 counts  2 places  3… session
//	ARGV  per session: id, revision as found ("": there is none), place
//	→     number of sessions that were counted elsewhere
var recountScript = redis.NewScript(placeLua + `
local wrong = 0
for i = 3, #KEYS do
  local at = (i - 3) * 3
  local revision = redis.pcall('HGET', KEYS[i], 'revision') or ''
  if type(revision) ~= 'string' then revision = ARGV[at + 2] end
  if revision == ARGV[at + 2] then wrong = wrong + placed(KEYS[1], KEYS[2], ARGV[at + 1], ARGV[at + 3]) end
end
return wrong
`)

// recount puts the places of some sessions right.
func (s *Store) recount(ctx context.Context, ids ...string) (wrong int, err error) {
	pipe := s.rdb.TxPipeline()
	replies := make([]recordReply, len(ids))
	for i, id := range ids {
		replies[i] = s.askRecord(ctx, pipe, id)
	}
	if _, err := pipe.Exec(ctx); err != nil && !answered(err) {
		return 0, unavailable("load sessions to count", err)
	}
	keys, args := []string{s.keys.counts(), s.keys.places()}, []any{}
	for i, id := range ids {
		r, err := s.recordOf(id, replies[i])
		place := s.place(r)
		if errors.Is(err, ErrNotFound) {
			place = ""
		} else if err != nil {
			return 0, err
		}
		keys, args = append(keys, s.keys.session(id)), append(args, id, replies[i].hash.Val()[fieldRevision], place)
	}
	n, err := s.runInt(ctx, fmt.Sprintf("count %d sessions", len(ids)), recountScript, keys, args...)
	return int(n), err
}

// sumScript adds the places up.
//
//	KEYS  1 counts  2 places
//	→     number of counts that were wrong
var sumScript = redis.NewScript(`
local want, wrong = {}, 0
local places = redis.call('HGETALL', KEYS[2])
for i = 2, #places, 2 do want[places[i]] = (want[places[i]] or 0) + 1 end
local have = redis.call('HGETALL', KEYS[1])
for i = 1, #have, 2 do
  if not want[have[i]] then
    redis.call('HDEL', KEYS[1], have[i])
    wrong = wrong + 1
  elseif want[have[i]] == tonumber(have[i + 1]) then
    want[have[i]] = nil
  end
end
for place, n in pairs(want) do
  redis.call('HSET', KEYS[1], place, n)
  wrong = wrong + 1
end
return wrong
`)
