package cloud

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-upgrade/bot/internal/memnet"
)

// pipeClient returns a client of a server in the same synctest bubble. Retries
// start at one second and are not jittered.
func pipeClient(t *testing.T, cfg Config, handle http.HandlerFunc) both {
	t.Helper()
	lis := memnet.Listen()
	srv := &http.Server{Handler: handle}
	go srv.Serve(lis)
	cfg.URL, cfg.Dial = "http://127.0.0.1", lis.Dial
	if cfg.RetryBase == 0 {
		cfg.RetryBase = time.Second
	}
	cfg.Jitter = func(n time.Duration) time.Duration { return n - 1 }
	c := newClient(t, cfg)
	t.Cleanup(func() { c.Close(); srv.Close() })
	return c
}

// budget is a Limiter that takes its time and keeps a diary.
type budget struct {
	wait time.Duration
	fail error

	mu     sync.Mutex
	asked  int
	pauses []time.Duration
}

func (b *budget) Wait(ctx context.Context, cost int) error {
	b.mu.Lock()
	b.asked += cost
	b.mu.Unlock()
	select {
	case <-time.After(b.wait):
		return b.fail
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *budget) Pause(_ context.Context, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pauses = append(b.pauses, d)
}

func TestReadsRepeat(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		sentence string
		answers  []answer // the last one forever
		want     string
		tries    int
		took     time.Duration
	}{
		{"a good answer is asked for once", []answer{{body: `{"account":{}}`}}, "ok", 1, 0},
		{"a server error passes", []answer{{status: 500}, {status: 502}, {status: 503}, {status: 504}, {body: `{}`}}, "ok", 5, 15 * s},
		{"so does a rate limit", []answer{{status: 429}, {body: `{}`}}, "ok", 2, s},
		{"a wait the server names is kept", []answer{{status: 429, header: map[string]string{"Retry-After": "17"}}, {body: `{}`}}, "ok", 2, 17 * s},
		{"so does a cut connection", []answer{{drop: true}, {body: `{}`}}, "ok", 2, s},
		{"a slow request body is the server's word for trouble", []answer{{status: 408}, {body: `{}`}}, "ok", 2, s},
		{"after ten tries it is enough", []answer{{status: 503}}, "unavailable", 10, (1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 + 60) * s},
		{"a refusal is not repeated", []answer{{status: 400}}, "rejected", 1, 0},
		{"nor a denial", []answer{{status: 401, body: nginx401}}, "denied", 1, 0},
		{"nor a missing feature", []answer{{status: 412}}, "denied", 1, 0},
		{"nor an absence", []answer{{status: 404}}, "not found", 1, 0},
		{"nor what is not implemented", []answer{{status: 501}}, "unavailable", 1, 0},
		{"nor a redirect", []answer{{status: 307, header: map[string]string{"Location": "/v1/elsewhere"}}}, "unavailable", 1, 0},
		{"nor nonsense", []answer{{body: "<html>"}}, "other", 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeAPI{routes: map[string][]answer{"GET /": tt.answers}}
			c := pipeClient(t, Config{}, f.ServeHTTP)
			start := time.Now()
			_, err := c.Account(t.Context())
			took := time.Since(start).Round(time.Millisecond)
			if got := verdict(err); got != tt.want || len(f.requests()) != tt.tries || took != tt.took {
				t.Errorf("%s: %s (%v) after %d tries and %v; want %s, %d, %v",
					tt.sentence, got, err, len(f.requests()), took, tt.want, tt.tries, tt.took)
			}
		})
	}
}

func TestOneAttemptIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int64
		c := pipeClient(t, Config{ReadTimeout: 3 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
			if tries.Add(1) == 1 {
				<-r.Context().Done()
				return
			}
			io.WriteString(w, "{}")
		})
		start := time.Now()
		_, err := c.Account(t.Context())
		if took := time.Since(start).Round(time.Millisecond); err != nil || took != 4*time.Second {
			t.Errorf("error %v after %v, want success after 4s", err, took)
		}
	})
}

func TestRepeatingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAPI{routes: map[string][]answer{"GET /": {{status: 503, body: `{"message":"busy"}`}}}}
		c := pipeClient(t, Config{}, f.ServeHTTP)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Account(ctx)
		var u *Unavailable
		// After 1 s and 2 s the next pause would be 4 s: no use waiting for it.
		if !errors.As(err, &u) || u.Status != 503 || u.Text != "busy" || time.Since(start).Round(time.Millisecond) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestRepeatingEndsWithCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeAPI{routes: map[string][]answer{"GET /": {{status: 503}}}}
		c := pipeClient(t, Config{}, f.ServeHTTP)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2500*time.Millisecond, cancel)
		if _, err := c.Account(ctx); !errors.Is(err, context.Canceled) || len(f.requests()) != 2 {
			t.Errorf("%v after %d tries", err, len(f.requests()))
		}
	})
}

func TestBudget(t *testing.T) {
	remaining := func(n string) map[string]string { return map[string]string{"X-Rate-Limit-Remaining": n} }
	for _, tt := range []struct {
		sentence string
		answers  []answer
		asked    int
		pauses   []time.Duration
	}{
		{"one request costs one", []answer{{body: "{}", header: remaining("399")}}, 1, nil},
		{"every try is paid for", []answer{{status: 500}, {status: 500}, {body: "{}"}}, 3, nil},
		{"a good answer with nothing remaining pauses everybody", []answer{{body: "{}", header: remaining("0")}}, 1, []time.Duration{10 * time.Second}},
		{"a rate limit pauses everybody", []answer{{status: 429}, {body: "{}"}}, 2, []time.Duration{10 * time.Second}},
		{"as long as it says", []answer{{status: 429, header: map[string]string{"Retry-After": "3"}}, {body: "{}"}}, 2, []time.Duration{3 * time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeAPI{routes: map[string][]answer{"GET /": tt.answers}}
			b := &budget{}
			c := pipeClient(t, Config{Limiter: b}, f.ServeHTTP)
			if _, err := c.Account(t.Context()); err != nil {
				t.Error(err)
			}
			if b.asked != tt.asked || !cmp.Equal(b.pauses, tt.pauses) {
				t.Errorf("%s: asked %d, pauses %v", tt.sentence, b.asked, b.pauses)
			}
		})
	}
}

func TestBudgetRefuses(t *testing.T) {
	broke := errors.New("store is down")
	c, f := serve(t, nil)
	c.Client.limiter = &budget{fail: broke}
	c.Changes.limiter = c.Client.limiter
	if _, err := c.Account(t.Context()); !errors.Is(err, broke) || len(f.requests()) != 0 {
		t.Errorf("read: %v, %d requests", err, len(f.requests()))
	}
	if _, err := c.Delete(sendable(t), orders); verdict(err) != "not sent" || !errors.Is(err, broke) || len(f.requests()) != 0 {
		t.Errorf("change: %v, %d requests", err, len(f.requests()))
	}
}

// TestRedirectsAreNotFollowed: the keys would go where the server says.
func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := &fakeAPI{}
	thief := httptest.NewServer(elsewhere)
	defer thief.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		a := []answer{{status: status, header: map[string]string{"Location": thief.URL}}}
		c, f := serveAnswers(t, map[string][]answer{"GET /": a, "DELETE /subscriptions/1206/databases/51055": a})
		if _, err := c.Account(t.Context()); verdict(err) != "unavailable" {
			t.Errorf("%d, read: %v", status, err)
		}
		if _, err := c.Delete(sendable(t), orders); verdict(err) != "unknown" {
			t.Errorf("%d, change: %v", status, err)
		}
		if len(f.requests()) != 2 || len(elsewhere.requests()) != 0 {
			t.Errorf("%d: %d requests", status, len(f.requests()))
		}
	}
}
