package session

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Work is how a replica works off a [Queue].
type Work struct {
	Lease   time.Duration               // how long a claimed member is left to Do
	Workers int                         // members in hand at the same time
	Idle    time.Duration               // longest sleep between two claims: what others put, or leave behind, is seen that late
	Wake    <-chan struct{}             // ends a sleep early; may be nil
	Do      func(context.Context, Item) // ends its claim with Done or Reschedule; otherwise the lease lapses

	// Admit says how many of the free hands may claim now, or how long none may; nil:
	// all. What waits for something that all members need (a limit of calls) stays in
	// the queue in its order, instead of being claimed and put back.
	Admit func(free int) (n int, wait time.Duration)
	Log   *slog.Logger
}

// Work claims what is due and hands it to w.Do until ctx ends; then it waits
// for what is in hand. It never gives up: while the store is away it says so
// once, and goes on when it is back. A panic of Do costs one lease.
func (q *Queue) Work(ctx context.Context, w Work) error {
	var hands sync.WaitGroup
	defer hands.Wait()
	slots, freed := make(chan struct{}, w.Workers), make(chan struct{}, 1)
	away := false
	for ctx.Err() == nil {
		sleep := w.Idle
		free := cap(slots) - len(slots)
		if free > 0 && w.Admit != nil {
			var wait time.Duration
			if free, wait = w.Admit(free); free == 0 {
				sleep = wait
			}
		}
		if free > 0 {
			items, next, err := q.Claim(ctx, w.Lease, free)
			away = q.tell(ctx, w.Log, away, err)
			for _, it := range items {
				slots <- struct{}{}
				hands.Go(func() {
					defer func() { <-slots; poke(freed) }()
					w.do(ctx, q.name, it)
				})
			}
			if len(items) == free {
				continue
			}
			if err == nil && next >= 0 {
				sleep = min(next, w.Idle)
			}
		}
		w.sleep(ctx, max(sleep, time.Millisecond), freed)
	}
	return ctx.Err()
}

func (w Work) do(ctx context.Context, queue string, it Item) {
	defer func() {
		if r := recover(); r != nil {
			w.Log.Error("work panicked", "queue", queue, "session", it.ID, "panic", r)
		}
	}()
	w.Do(ctx, it)
}

// sleep ends early when somebody wakes it, or when what was in hand is done: it
// may have set a nearer date.
func (w Work) sleep(ctx context.Context, d time.Duration, freed <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-w.Wake:
	case <-freed:
	}
}

// tell logs that claims begin or cease to fail, once each.
func (q *Queue) tell(ctx context.Context, log *slog.Logger, away bool, err error) bool {
	switch {
	case ctx.Err() != nil:
	case err != nil && !away:
		log.Warn("queue cannot be read; trying on", "queue", q.name, "error", err)
	case err == nil && away:
		log.Info("queue is read again", "queue", q.name)
	}
	return err != nil
}

func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// KeepLease calls renew every third of a lease, until stop is called, ctx ends or
// renew says that there is no more to renew. stop waits for a renewal under way, and
// may be called twice. Everything that is held under a lease is kept by this.
func KeepLease(ctx context.Context, lease time.Duration, renew func(context.Context) (held bool)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if !renew(ctx) {
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}
