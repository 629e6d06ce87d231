package session

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// budgetScript takes from a shared budget by GCRA: the key holds the time at which
// the whole burst would be there again; taking moves it on by what was taken, and
// is allowed while that stays within one burst from now.
//
//	KEYS  1 budget  2 pause
//	ARGV  1 µs per unit  2 burst, less what is left to others  3 cost
//	→     µs to wait; 0: taken
var budgetScript = redis.NewScript(clockLua + `
local now, unit = micros(), tonumber(ARGV[1])
local paused = tonumber(redis.call('GET', KEYS[2]) or '0') - now
if paused > 0 then return paused end
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + unit * tonumber(ARGV[3])
local wait = full - now - unit * tonumber(ARGV[2])
if wait >= 1 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', math.ceil((full - now) / 1000) + 1))
return 0
`)

// TakeBudget takes cost from a rate of limit per period that all replicas share
// and that allows bursts of burst (at least cost). wait 0: taken. Otherwise nothing
// was taken; ask again after wait. A name always goes with the same rate.
//
// reserve, one number or none, is how much of the burst is left to others who are
// more urgent and name a smaller reserve. As long as they do not need the whole
// rate they never wait for whoever names a larger one: what they take is refilled
// before that one may take again.
func (s *Store) TakeBudget(ctx context.Context, name string, limit int, per time.Duration, burst, cost int, reserve ...int) (wait time.Duration, err error) {
	if limit <= 0 || per <= 0 || cost < 0 {
		return 0, fmt.Errorf("budget %s: %d per %s at cost %d", name, limit, per, cost)
	}
	unit := float64(per.Microseconds()) / float64(limit)
	for _, n := range reserve {
		burst -= n
	}
	keys := []string{s.keys.budget(name), s.keys.pause(name)}
	n, err := s.runInt(ctx, "take budget "+name, budgetScript, keys, unit, max(burst, cost, 1), cost)
	return time.Duration(n) * time.Microsecond, err
}

// pauseScript closes a budget until a time, or leaves it closed for longer.
//
//	KEYS  1 pause
//	ARGV  1 µs from now
//	→     1
var pauseScript = redis.NewScript(clockLua + `
local now = micros()
local till = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now + tonumber(ARGV[1]))
redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', string.format('%.0f', math.ceil((till - now) / 1000) + 1))
return 1
`)

// SetBudgetPause closes a budget for d, for all replicas: what a Retry-After told
// one of them. A pause is never shortened.
func (s *Store) SetBudgetPause(ctx context.Context, name string, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	_, err := s.runInt(ctx, "pause budget "+name, pauseScript, []string{s.keys.pause(name)}, d.Microseconds())
	return err
}
