package people

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"
)

const (
	// callTimeout ends a call that Slack does not answer. It belongs to the call
	// and not to who asked first, since others wait for the same answer.
	callTimeout = 5 * time.Second

	// unnamedPause follows a 429 that does not say how long to wait.
	unnamedPause = 30 * time.Second
)

// memory keeps the answers of one Slack method for maxAge, has one call at a time
// in flight per key, and stays silent as long as Slack has asked it to.
type memory[T any] struct {
	method string
	call   func(ctx context.Context, key string) (T, error)
	now    func() time.Time
	maxAge time.Duration
	flight singleflight.Group

	mu      sync.Mutex
	answers map[string]answer[T] // under mu
	silent  time.Time            // under mu; no call leaves before
}

type answer[T any] struct {
	value T
	asked time.Time // when the call left: the answer is at least that old
}

func newMemory[T any](method string, now func() time.Time, maxAge time.Duration, call func(context.Context, string) (T, error)) *memory[T] {
	return &memory[T]{method: method, call: call, now: now, maxAge: maxAge, answers: map[string]answer[T]{}}
}

// ask starts to find the answer and returns a function that waits for it, until
// ctx ends.
func (m *memory[T]) ask(ctx context.Context, key string) func() (T, error) {
	if value, ok := m.recall(key); ok {
		return func() (T, error) { return value, nil }
	}
	found := m.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		defer cancel()
		return m.fetch(ctx, key)
	})
	return func() (T, error) {
		var none T
		select {
		case <-ctx.Done():
			return none, m.unknown(key, context.Cause(ctx))
		case r := <-found:
			if r.Err != nil {
				return none, m.unknown(key, r.Err)
			}
			return r.Val.(T), nil
		}
	}
}

func (m *memory[T]) unknown(key string, cause error) error {
	return fmt.Errorf("%w: %s %s: %w", ErrUnknown, m.method, key, cause)
}

// recall forgets everything that is too old while it looks, so that memory is
// bounded by the people seen within maxAge. A clock that went back makes answers
// too old as well.
func (m *memory[T]) recall(key string) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for k, a := range m.answers {
		if age := now.Sub(a.asked); age < 0 || age > m.maxAge {
			delete(m.answers, k)
		}
	}
	a, ok := m.answers[key]
	return a.value, ok
}

func (m *memory[T]) fetch(ctx context.Context, key string) (T, error) {
	if value, ok := m.recall(key); ok { // the flight before this one landed just now
		return value, nil
	}
	var none T
	asked := m.now()
	if wait := m.silence().Sub(asked); wait > 0 {
		return none, &slack.RateLimitedError{RetryAfter: wait}
	}
	value, err := m.call(ctx, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		if pause := pauseAfter(err); pause > 0 {
			m.silent = m.now().Add(pause)
		}
		return none, err
	}
	m.answers[key] = answer[T]{value, asked}
	return value, nil
}

func (m *memory[T]) silence() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.silent
}

// pauseAfter is how long Slack wants no calls after this error; 0 when it is not
// about the rate.
func pauseAfter(err error) time.Duration {
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		return max(limited.RetryAfter, time.Second)
	}
	var status slack.StatusCodeError
	var said slack.SlackErrorResponse
	switch {
	case errors.As(err, &status) && status.Code == http.StatusTooManyRequests,
		errors.As(err, &said) && (said.Err == "ratelimited" || said.Err == "rate_limited"):
		return unnamedPause
	}
	return 0
}
