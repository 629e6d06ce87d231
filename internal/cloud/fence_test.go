package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// countingConn counts the bytes that reach the wire.
type countingConn struct {
	net.Conn
	written *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) {
	c.written.Add(int64(len(p)))
	return c.Conn.Write(p)
}

func TestFrozenBeforeConnecting(t *testing.T) {
	f := &fakeAPI{routes: map[string][]answer{"DELETE /subscriptions/1206/databases/51055": {{body: received}}}}
	srv := httptest.NewServer(f)
	defer srv.Close()
	var written atomic.Int64
	c := newClient(t, Config{URL: srv.URL, Dial: func(_ context.Context, network, addr string) (net.Conn, error) {
		conn, err := net.Dial(network, addr)
		time.Sleep(120 * time.Millisecond) // the process is stopped here and goes on late
		return countingConn{conn, &written}, err
	}})
	_, err := c.Delete(WithSendDeadline(t.Context(), time.Now().Add(50*time.Millisecond)), orders)
	if verdict(err) != "not sent" || !errors.Is(err, ErrTooLate) {
		t.Errorf("got %v, want not sent, too late", err)
	}
	if written.Load() != 0 || len(f.requests()) != 0 {
		t.Errorf("%d bytes and %d requests left", written.Load(), len(f.requests()))
	}
}

// TestFrozenAfterTheHandshake stops the process between a finished TLS
// handshake and the request: the fence sits under TLS, so it still holds.
func TestFrozenAfterTheHandshake(t *testing.T) {
	api := &fakeAPI{routes: map[string][]answer{"DELETE /subscriptions/1206/databases/51055": {{body: received}}}}
	srv := httptest.NewUnstartedServer(api)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	c := newClient(t, Config{URL: srv.URL, TLS: trusting(srv)})
	f := newFence(time.Now().Add(time.Hour))
	f.now = func() clocks { // asked under the fence's lock
		if f.ready {
			return f.until
		}
		return readClocks()
	}
	_, err := c.through(t.Context(), f, call{method: http.MethodDelete, path: orders.path()})
	if verdict(err) != "not sent" || !errors.Is(err, ErrTooLate) || !f.ready {
		t.Errorf("got %v (ready %v), want not sent, too late", err, f.ready)
	}
	if n := len(api.requests()); n != 0 {
		t.Errorf("%d requests left", n)
	}
}

func trusting(srv *httptest.Server) *tls.Config {
	return srv.Client().Transport.(*http.Transport).TLSClientConfig
}

func TestHandshakeBytesAreNotTheRequest(t *testing.T) {
	srv := httptest.NewUnstartedServer(&fakeAPI{})
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	c := newClient(t, Config{URL: srv.URL}) // does not trust the server
	_, err := c.Delete(sendable(t), orders)
	if verdict(err) != "not sent" {
		t.Errorf("got %v, want not sent", err)
	}
}

func TestChangeOverTLS(t *testing.T) {
	api := &fakeAPI{routes: map[string][]answer{"DELETE /subscriptions/1206/databases/51055": {{body: received}}}}
	srv := httptest.NewUnstartedServer(api)
	srv.EnableHTTP2 = true // changes stay on HTTP/1.1 all the same
	srv.StartTLS()
	defer srv.Close()
	c := newClient(t, Config{URL: srv.URL, TLS: trusting(srv)})
	if _, err := c.Delete(sendable(t), orders); err != nil || len(api.requests()) != 1 {
		t.Errorf("error %v, %d requests", err, len(api.requests()))
	}
}

func TestDialFailureIsNotSent(t *testing.T) {
	refused := errors.New("nobody there")
	c := newClient(t, Config{URL: "http://127.0.0.1:1", Dial: func(context.Context, string, string) (net.Conn, error) { return nil, refused }})
	if _, err := c.Delete(sendable(t), orders); verdict(err) != "not sent" || !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}

func TestEveryChangeHasItsOwnConnection(t *testing.T) {
	var dials atomic.Int64
	api := &fakeAPI{routes: map[string][]answer{"DELETE /subscriptions/1206/databases/51055": {{body: received}}}}
	srv := httptest.NewServer(api)
	defer srv.Close()
	c := newClient(t, Config{URL: srv.URL, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}})
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := c.Delete(sendable(t), orders); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if dials.Load() != 5 {
		t.Errorf("%d connections for 5 changes", dials.Load())
	}
}

func TestFence(t *testing.T) {
	for _, tt := range []struct {
		sentence string
		do       func(*fence) error // the last write's error
		left     bool
		want     error
	}{
		{"before the connection is ready bytes do not count", func(f *fence) error { return f.admit() }, false, nil},
		{"from then on they do", func(f *fence) error { f.makeReady(); return f.admit() }, true, nil},
		{"after the deadline nothing is written", func(f *fence) error { f.until = f.now(); f.makeReady(); return f.admit() }, false, ErrTooLate},
		{"a wall clock that is set back lets nothing pass", func(f *fence) error {
			f.now = func() clocks { return clocks{wall: f.until.wall.Add(-time.Hour), steady: f.until.steady} }
			f.makeReady()
			return f.admit()
		}, false, ErrTooLate},
		{"a monotonic clock that slept lets nothing pass", func(f *fence) error {
			f.now = func() clocks { return clocks{wall: f.until.wall, steady: f.until.steady.Add(-time.Hour)} }
			f.makeReady()
			return f.admit()
		}, false, ErrTooLate},
		{"a refusal is for good, even if the clock goes back", func(f *fence) error {
			f.until = f.now()
			f.admit()
			f.until = onClocks(time.Now().Add(time.Hour))
			return f.admit()
		}, false, errFenceShut},
		{"nothing is written once it was judged", func(f *fence) error { f.makeReady(); f.close(); return f.admit() }, false, errFenceShut},
		{"a second connection is refused", func(f *fence) error { f.take(); return f.take() }, false, errOneShot},
	} {
		f := newFence(time.Now().Add(time.Hour))
		if err := tt.do(f); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.sentence, err, tt.want)
		}
		if left, _ := f.close(); left != tt.left {
			t.Errorf("%s: left = %v", tt.sentence, left)
		}
	}
}

func TestFencedDialNeedsAFence(t *testing.T) {
	dial := fenced(func(context.Context, string, string) (net.Conn, error) { panic("dialled") })
	if _, err := dial(t.Context(), "tcp", "127.0.0.1:1"); !errors.Is(err, ErrNoDeadline) {
		t.Errorf("got %v", err)
	}
}

// TestWaitingForTheAnswer: the send deadline ends the sending, the context
// ends the waiting, and without one the wait still ends.
func TestWaitingForTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		sentence string
		answers  time.Duration // when the server does, 0: never
		ctx      time.Duration // 0: no deadline
		want     string
		after    time.Duration // how long the call may take
	}{
		{"an answer after the send deadline counts", 30 * time.Second, 0, "ok", 30 * time.Second},
		{"no answer within the context is unknown", 0, 20 * time.Second, "unknown", 20 * time.Second},
		{"no answer at all is unknown in the end", 0, 0, "unknown", 5*time.Second + answerTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := pipeClient(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
				if tt.answers > 0 {
					time.Sleep(tt.answers)
					io.WriteString(w, received)
					return
				}
				<-r.Context().Done()
			})
			ctx := WithSendDeadline(t.Context(), time.Now().Add(5*time.Second))
			if tt.ctx > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tt.ctx)
				defer cancel()
			}
			start := time.Now()
			_, err := c.Delete(ctx, orders)
			if got := verdict(err); got != tt.want || time.Since(start) != tt.after {
				t.Errorf("%s: %s (%v) after %v, want %s after %v", tt.sentence, got, err, time.Since(start), tt.want, tt.after)
			}
		})
	}
}

func TestLimiterMayRefuseAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pipeClient(t, Config{Limiter: &budget{wait: time.Hour}}, func(http.ResponseWriter, *http.Request) { t.Error("sent") })
		start := time.Now()
		_, err := c.Delete(WithSendDeadline(t.Context(), start.Add(5*time.Second)), orders)
		if verdict(err) != "not sent" || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v, want not sent at the send deadline", err, time.Since(start))
		}
	})
}
