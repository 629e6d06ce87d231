package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Rules is what one living replica was configured to decide by.
type Rules struct {
	Replica string
	Text    string // the same at all replicas that decide alike
	Newer   bool   // it began after the replica that asked
}

// rulesScript notes what a replica decides by, forgets those that have been silent,
// and tells what the others have noted.
//
//	KEYS  1 rules
//	ARGV  1 name  2 text  3 ms after which one counts as silent
//	→     per other replica: name, text, 1 if it began later
var rulesScript = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local order = function(name, value) return string.format('%020d', tonumber(string.match(value, '^(%d+) '))) .. name end
local own = redis.call('HGET', KEYS[1], ARGV[1])
local since = own and string.match(own, '^(%d+) ') or string.format('%.0f', now)
own = since .. ' ' .. string.format('%.0f', now) .. ' ' .. ARGV[2]
redis.call('HSET', KEYS[1], ARGV[1], own)
local out, all = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local heard, text = string.match(all[i + 1], '^%d+ (%d+) (.*)$')
  if math.abs(now - tonumber(heard)) > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then
    out[#out + 1] = all[i]
    out[#out + 1] = text
    out[#out + 1] = order(all[i], all[i + 1]) > order(ARGV[1], own) and '1' or '0'
  end
end
return out
`)

// CompareRules notes what a replica decides by and returns what the others, heard
// within silence, have noted, by name.
func (s *Store) CompareRules(ctx context.Context, name, text string, silence time.Duration) ([]Rules, error) {
	got, err := rulesScript.Run(ctx, s.rdb, []string{s.keys.rules()}, name, text, ms(silence)).StringSlice()
	if err != nil {
		return nil, unavailable("compare rules", err)
	}
	if len(got)%3 != 0 {
		return nil, fmt.Errorf("compare rules: %d values", len(got))
	}
	var out []Rules
	for row := range slices.Chunk(got, 3) {
		out = append(out, Rules{Replica: row[0], Text: row[1], Newer: row[2] == "1"})
	}
	slices.SortFunc(out, func(a, b Rules) int { return strings.Compare(a.Replica, b.Replica) })
	return out, nil
}

// ForgetRules takes a replica that ends off that list.
func (s *Store) ForgetRules(ctx context.Context, name string) error {
	return orUnavailable("forget rules", s.rdb.HDel(ctx, s.keys.rules(), name).Err())
}
