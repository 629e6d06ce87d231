package inventory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// leaseTTL is how long a replica that died keeps others from reading the
// account. The reader renews at a third of it. It is real time in every setting:
// a lease guards against dead processes, not against emulated clouds.
const leaseTTL = 15 * time.Second

// errLeaseLost means that another replica may be reading by now; what was read
// under the lease must be thrown away.
var errLeaseLost = errors.New("inventory lease lost")

// shared is the inventory's part of Redis. All key names are in this type.
//
//	{prefix}:inventory:v1           hash: generation, at, done, tried, failures, chunks, 0, 1, …
//	{prefix}:inventory:v1:lease     string: token of the replica that reads the account
//	{prefix}:inventory:targets:<ref>  string: target versions of one database, JSON, expires
type shared struct {
	redis  redis.UniversalClient
	prefix string
}

func (s shared) snapshotKey() string { return "{" + s.prefix + "}:inventory:" + formatVersion }
func (s shared) leaseKey() string    { return s.snapshotKey() + ":lease" }
func (s shared) targetsKey(r cloud.Ref) string {
	return "{" + s.prefix + "}:inventory:targets:" + r.String()
}

// stamp is the small part of the snapshot: enough to know whether to load it
// and whether it is due.
type stamp struct {
	generation int64     // counts publications; 0: there is no snapshot
	done       time.Time // when the last good reading ended
	tried      time.Time // when the last reading began
	failures   int       // readings begun since the last good one ended
}

// stamp reads the small part of the snapshot.
func (s shared) stamp(ctx context.Context) (stamp, error) {
	v, err := s.redis.HMGet(ctx, s.snapshotKey(), "generation", "done", "tried", "failures").Result()
	if err != nil {
		return stamp{}, fmt.Errorf("read inventory stamp: %w", err)
	}
	n := make([]int64, len(v))
	for i := range v {
		if text, ok := v[i].(string); ok {
			n[i], _ = strconv.ParseInt(text, 10, 64) // unreadable means due, like absent
		}
	}
	return stamp{n[0], fromMillis(n[1]), fromMillis(n[2]), int(n[3])}, nil
}

// fromMillis turns a stored time back; 0 stays the zero time.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// load reads the whole snapshot with one command, so that it is of one generation.
// Without a snapshot it returns nil and generation 0.
func (s shared) load(ctx context.Context) (*account, int64, error) {
	fields, err := s.redis.HGetAll(ctx, s.snapshotKey()).Result()
	if err != nil {
		return nil, 0, fmt.Errorf("load inventory: %w", err)
	}
	generation, _ := strconv.ParseInt(fields["generation"], 10, 64)
	if generation == 0 {
		return nil, 0, nil
	}
	count, err := strconv.Atoi(fields["chunks"])
	if err != nil {
		return nil, 0, fmt.Errorf("load inventory: chunk count: %w", err)
	}
	if count < 0 || count > len(fields) {
		return nil, 0, fmt.Errorf("load inventory: %d chunks in %d fields", count, len(fields))
	}
	chunks := make([]string, count)
	for i := range chunks {
		chunks[i] = fields[strconv.Itoa(i)]
	}
	a, err := unpack(chunks)
	return a, generation, err
}

// acquireScript takes a free lease. The client repeats a script whose reply got
// lost, so finding our own token is success too.
//
//	KEYS[1] lease   ARGV[1] token, ARGV[2] milliseconds   → 1 taken, 0 held by another
var acquireScript = redis.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0`)

// acquire takes the lease for token; false means that another replica holds it.
func (s shared) acquire(ctx context.Context, token string) (bool, error) {
	n, err := acquireScript.Run(ctx, s.redis, []string{s.leaseKey()}, token, leaseTTL.Milliseconds()).Int()
	if err != nil {
		return false, fmt.Errorf("take inventory lease: %w", err)
	}
	return n == 1, nil
}

// renewScript prolongs a lease that is still ours.
//
//	KEYS[1] lease   ARGV[1] token, ARGV[2] milliseconds   → 1 prolonged, 0 lost
var renewScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

// renew prolongs the lease; errLeaseLost when it is no longer token's.
func (s shared) renew(ctx context.Context, token string) error {
	n, err := renewScript.Run(ctx, s.redis, []string{s.leaseKey()}, token, leaseTTL.Milliseconds()).Int()
	if err != nil {
		return fmt.Errorf("renew inventory lease: %w", err)
	}
	if n == 0 {
		return errLeaseLost
	}
	return nil
}

// releaseScript gives a lease back if it is still ours.
//
//	KEYS[1] lease   ARGV[1] token   → 1 released, 0 was not ours
var releaseScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

// release gives the lease back.
func (s shared) release(ctx context.Context, token string) error {
	if err := releaseScript.Run(ctx, s.redis, []string{s.leaseKey()}, token).Err(); err != nil {
		return fmt.Errorf("release inventory lease: %w", err)
	}
	return nil
}

// began notes that a reading starts, and counts it as a failure until it is
// published: a replica that dies while reading slows the next try down too.
func (s shared) began(ctx context.Context, now time.Time) error {
	_, err := s.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, s.snapshotKey(), "tried", now.UnixMilli())
		p.HIncrBy(ctx, s.snapshotKey(), "failures", 1)
		return nil
	})
	if err != nil {
		return fmt.Errorf("note inventory reading: %w", err)
	}
	return nil
}

// publishScript replaces the snapshot if the lease is still ours. The first
// write is the one that a full server refuses, so that it never ends half done.
//
//	KEYS[1] lease, KEYS[2] snapshot
//	ARGV[1] token, ARGV[2] at, ARGV[3] done (ms), ARGV[4…] chunks
//	→ new generation, or 0: the lease is lost and nothing was written
var publishScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local old = tonumber(redis.call('HGET', KEYS[2], 'chunks') or '0')
local n = #ARGV - 3
for i = 1, n do redis.call('HSET', KEYS[2], tostring(i - 1), ARGV[i + 3]) end
for i = n, old - 1 do redis.call('HDEL', KEYS[2], tostring(i)) end
redis.call('HSET', KEYS[2], 'chunks', n, 'at', ARGV[2], 'done', ARGV[3], 'failures', 0)
return redis.call('HINCRBY', KEYS[2], 'generation', 1)`)

// publish stores a as the newest snapshot and returns its generation;
// errLeaseLost when the lease is no longer token's.
func (s shared) publish(ctx context.Context, token string, a *account, done time.Time) (int64, error) {
	chunks, err := pack(a, chunkSize)
	if err != nil {
		return 0, err
	}
	args := []any{token, a.At.UnixMilli(), done.UnixMilli()}
	for _, c := range chunks {
		args = append(args, c)
	}
	n, err := publishScript.Run(ctx, s.redis, []string{s.leaseKey(), s.snapshotKey()}, args...).Int64()
	if err != nil {
		return 0, fmt.Errorf("publish inventory: %w", err)
	}
	if n == 0 {
		return 0, errLeaseLost
	}
	return n, nil
}
