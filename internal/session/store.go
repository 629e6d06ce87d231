package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config is what a [Store] needs to know.
type Config struct {
	// Prefix of every key, and their hash tag: "redis-upgrade" (the default) makes
	// "{redis-upgrade}:session:<id>". Braces are dropped.
	Prefix string
	// SealKey makes the journal unforgeable. Required in production; the journal's
	// own key is derived from it.
	SealKey []byte
	// SealKeyOld still verifies entries written before the key was changed. Optional.
	SealKeyOld []byte
	// Rand gives the nonces; default crypto/rand.Reader. It need not be safe for
	// concurrent use.
	Rand io.Reader
	// Retention is how long an ended session and its journal are kept; 0: for ever.
	Retention time.Duration
	// Lives are the kinds of session, each in every version that may be in flight.
	Lives []Life
	// WaitReplicas is how many replicas must confirm a move that asks for it
	// (Move.Confirm); 0: none; [WaitWhereThereAre]: one, while any is connected.
	WaitReplicas int
	// WaitTimeout is how long to wait for them; default 1 s.
	WaitTimeout time.Duration
	// Now is this machine's clock. It decides nothing: it is compared with Redis', and
	// stands in for it until Redis has answered. Default time.Now.
	Now func() time.Time
	// Steady is this machine's clock that nobody sets: times of it are only compared
	// with each other. Default time.Now, whose times have a monotonic reading.
	Steady func() time.Time
	// Log takes one line per move; default none.
	Log *slog.Logger
	// Moved hears of every move that this store has made, after it is stored: each at
	// most once, and not those of other replicas. It must not block. Optional.
	Moved func(before, after Record)
	// PutBack hears of every flag that this store has set again after Redis had
	// forgotten it; see [Store.Flag]. It must not block. Optional.
	PutBack func(flag, value string)
}

// Store is the durable memory. It is safe for concurrent use. Besides its connection
// pool it holds only how far it has seen each session, to notice an older copy, and
// what it knows of Redis' time.
type Store struct {
	rdb  redis.UniversalClient
	cfg  Config
	keys keys
	seal seal
	log  *slog.Logger
	time timekeeper

	randMu sync.Mutex // guards cfg.Rand

	marks marks // how far this process has seen each session
	flags flags // how this process has seen each flag

	turnPatience time.Duration // a waiter who has not asked for so long is passed over
	seenFor      time.Duration // how long dedupe marks stay

	ahead atomic.Pointer[int64] // ms of Redis' clock before ours, from its last answer; nil: it has given none
}

// New makes a store over a client of a single server, of Sentinel or of Cluster.
// It opens nothing; see [Store.Ping] and [Store.Check].
func New(rdb redis.UniversalClient, cfg Config) *Store {
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.WaitTimeout <= 0 {
		cfg.WaitTimeout = time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Steady == nil {
		cfg.Steady = time.Now
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	keys := newKeys(cfg.Prefix)
	return &Store{
		rdb:          rdb,
		cfg:          cfg,
		keys:         keys,
		seal:         newSeal(keys.tag, cfg.SealKey, cfg.SealKeyOld),
		log:          log,
		time:         timekeeper{wall: cfg.Now, steady: cfg.Steady},
		turnPatience: time.Minute,
		seenFor:      time.Hour,
	}
}

// nonce returns 16 random bytes in hex.
func (s *Store) nonce() (string, error) {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	b := make([]byte, 16)
	if _, err := io.ReadFull(s.cfg.Rand, b); err != nil {
		return "", fmt.Errorf("draw a nonce: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// run runs a script that answers a list, on the pool or a pinned connection.
func (s *Store) run(ctx context.Context, on redis.Scripter, what string, script *redis.Script, keys []string, args ...any) ([]any, error) {
	out, err := script.Run(ctx, on, keys, args...).Slice()
	if err != nil {
		return nil, unavailable(what, err)
	}
	return out, nil
}

// runInt runs a script that answers a number.
func (s *Store) runInt(ctx context.Context, what string, script *redis.Script, keys []string, args ...any) (int64, error) {
	n, err := script.Run(ctx, s.rdb, keys, args...).Int64()
	if err != nil {
		return 0, unavailable(what, err)
	}
	return n, nil
}

// ms is a duration in whole milliseconds, the unit of every script; a part of one
// counts as a whole, so that who has to wait is not back in no time.
func ms(d time.Duration) int64 {
	if d > 0 {
		d += time.Millisecond - 1
	}
	return d.Milliseconds()
}

// fromMS is the time of so many milliseconds since 1970; the zero time for 0.
func fromMS(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
