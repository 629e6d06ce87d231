package session

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"
)

// A flag is a word that all replicas see: who paused everything. It has the receipt
// number of the last decision about it, which only grows. A failover, or a copy of the
// store that is put back, may forget a decision that people were told of; whoever has
// seen it notices that the number is lower, and sets the flag again.

// flagScript sets a flag unless what was received later has set it.
//
//	KEYS  1 flag  2 its receipt  3 fence
//	ARGV  1 value, "" to take it away  2 receipt number; 0: received now
//	→     its receipt number, 0 something later has set it
var flagScript = redis.NewScript(`
local receipt = tonumber(ARGV[2])
if receipt == 0 then receipt = redis.call('INCR', KEYS[3]) end
if receipt < tonumber(redis.call('GET', KEYS[2]) or '0') then return 0 end
redis.call('SET', KEYS[2], string.format('%.0f', receipt))
if ARGV[1] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[1]) end
return receipt
`)

// putBackScript sets a flag that was forgotten, and lets what is received from now on
// have greater numbers again.
//
//	KEYS  1 flag  2 its receipt  3 fence
//	ARGV  1 value  2 receipt number
//	→     1 set, 0 it is not forgotten
var putBackScript = redis.NewScript(`
local receipt, has = tonumber(ARGV[2]), tonumber(redis.call('GET', KEYS[2]) or '0')
if has > receipt or has == receipt and (redis.call('GET', KEYS[1]) or '') ~= '' then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], string.format('%.0f', receipt))
if tonumber(redis.call('GET', KEYS[3]) or '0') < receipt then redis.call('SET', KEYS[3], string.format('%.0f', receipt)) end
return 1
`)

// flags are what a process has seen of them.
type flags struct {
	mu   sync.Mutex
	seen map[string]flag // guarded by mu
}

type flag struct {
	value   string
	receipt int64
}

// see notes a flag as it was read or set. forgotten says that it was set before, and
// that nobody has taken it away. A flag that was taken away and is there again is
// believed: it only holds something back.
func (f *flags) see(name string, now flag) (before flag, forgotten bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before = f.seen[name]
	if before.value != "" && (now.receipt < before.receipt || now.receipt == before.receipt && now.value == "") {
		return before, true
	}
	if f.seen == nil {
		f.seen = map[string]flag{}
	}
	f.seen[name] = now
	return before, false
}

// known is the receipt number of the decision that set a flag, where this process knows
// of one that nobody has taken back; else 0.
func (f *flags) known(name string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[name].value == "" {
		return 0
	}
	return f.seen[name].receipt
}

func (s *Store) flagKeys(name string) []string {
	return []string{s.keys.flag(name), s.keys.flag(name + ":receipt"), s.keys.fence()}
}

// SetFlag sets a flag as a decision of now; "" takes it away.
func (s *Store) SetFlag(ctx context.Context, name, value string) error {
	_, err := s.SetFlagInOrder(ctx, name, value, 0)
	return err
}

// SetFlagInOrder is [Store.SetFlag] for what people decide: decisions about a flag
// hold in the order in which they were received ([Item.Receipt]; 0: now), whoever
// works them off and when. False, and nothing set, when a later one has set it.
func (s *Store) SetFlagInOrder(ctx context.Context, name, value string, receipt int64) (bool, error) {
	n, err := s.runInt(ctx, "set flag "+name, flagScript, s.flagKeys(name), value, receipt)
	if err != nil || n == 0 {
		return false, err
	}
	s.flags.see(name, flag{value, n})
	return true, nil
}

// Flag reads a flag; "" when it is not set. One that was set when this process saw it
// last, and that the store has forgotten since, is set again: Config.PutBack hears of
// that from the process that did it.
func (s *Store) Flag(ctx context.Context, name string) (string, error) {
	keys, pipe := s.flagKeys(name), s.rdb.TxPipeline()
	value, receipt := pipe.Get(ctx, keys[0]), pipe.Get(ctx, keys[1])
	_, err := pipe.Exec(ctx)
	for _, err := range []error{err, value.Err(), receipt.Err()} {
		if err != nil && !errors.Is(err, redis.Nil) {
			return "", unavailable("read flag "+name, err)
		}
	}
	now := flag{value: value.Val()}
	now.receipt, _ = strconv.ParseInt(receipt.Val(), 10, 64) // 0: nobody has decided yet
	before, forgotten := s.flags.see(name, now)
	if !forgotten {
		return now.value, nil
	}
	n, err := s.runInt(ctx, "put flag back "+name, putBackScript, s.flagKeys(name), before.value, before.receipt)
	if err != nil {
		return before.value, err
	}
	if n == 1 {
		s.log.WarnContext(ctx, "Redis has forgotten a flag; it is set again", "flag", name, "value", before.value)
		if s.cfg.PutBack != nil {
			s.cfg.PutBack(name, before.value)
		}
	}
	return before.value, nil
}
