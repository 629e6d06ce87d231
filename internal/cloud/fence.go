package cloud

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"time"
)

type sendDeadlineKey struct{}

// WithSendDeadline returns a context that allows changing calls to leave until
// t. After t not one byte of a change is written, also when the process was
// frozen in between. Where t has a monotonic reading (see package time), both
// clocks must agree that it is not too late: the wall clock may be set back, and
// the monotonic one stands still while a machine sleeps. Waiting for the answer
// may go on until the context itself ends.
func WithSendDeadline(ctx context.Context, t time.Time) context.Context {
	return context.WithValue(ctx, sendDeadlineKey{}, t)
}

// sendDeadline returns what WithSendDeadline set.
func sendDeadline(ctx context.Context) (time.Time, bool) {
	t, ok := ctx.Value(sendDeadlineKey{}).(time.Time)
	return t, ok && !t.IsZero()
}

// clocks is an instant on the machine's two clocks. Steady is monotonic where
// its time has such a reading.
type clocks struct{ wall, steady time.Time }

func onClocks(t time.Time) clocks { return clocks{wall: t.Round(0), steady: t} }

func readClocks() clocks { return onClocks(time.Now()) }

// before reports whether both clocks say so.
func (c clocks) before(d clocks) bool { return c.wall.Before(d.wall) && c.steady.Before(d.steady) }

// until is how much time is left on the clock that leaves less.
func (c clocks) until(d clocks) time.Duration {
	return min(d.wall.Sub(c.wall), d.steady.Sub(c.steady))
}

var (
	errFenceShut = errors.New("connection was given up")
	errOneShot   = errors.New("a change is sent on one connection only")
)

// fence stands between one changing call and its one connection, under TLS. It
// refuses every write after the deadline, and it knows whether a byte of the
// request may have left: bytes before the connection is ready (a TLS
// handshake, a proxy's CONNECT) do not count.
type fence struct {
	until clocks
	now   func() clocks // its own field for tests only

	mu    sync.Mutex // guards all below
	taken bool       // a connection was dialled
	ready bool       // what is written from now on is the request
	left  bool       // a byte of the request may have left
	late  bool       // a write was refused for being late
	shut  bool       // nothing may be written any more
}

func newFence(until time.Time) *fence { return &fence{until: onClocks(until), now: readClocks} }

type fenceKey struct{}

// guard returns a context in which the one-shot transport finds the fence.
func (f *fence) guard(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, fenceKey{}, f)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { f.makeReady() },
	})
}

func fenceOf(ctx context.Context) *fence {
	f, _ := ctx.Value(fenceKey{}).(*fence)
	return f
}

func (f *fence) makeReady() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready = true
}

// admit decides on one write. The lock is not held while writing, so left is
// set before: a write under way counts as a byte that left.
func (f *fence) admit() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.shut:
		return errFenceShut
	case !f.now().before(f.until):
		f.late, f.shut = true, true
		return ErrTooLate
	}
	f.left = f.left || f.ready
	return nil
}

// close forbids every further write and reports whether a byte of the request
// may have left. Its answer is final: a writer that is still running on behalf
// of a call already given up cannot prove it wrong.
func (f *fence) close() (left, late bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut = true
	return f.left, f.late
}

// take allows the first dial only.
func (f *fence) take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken {
		return errOneShot
	}
	f.taken = true
	return nil
}

// fencedConn asks the fence before each write. net.Conn is embedded as an
// interface, so no shortcut such as ReadFrom leads around Write.
type fencedConn struct {
	net.Conn
	fence *fence
}

// Write writes p if the fence lets it.
func (c *fencedConn) Write(p []byte) (int, error) {
	if err := c.fence.admit(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// fenced returns a dial function for the one-shot transport: one connection
// per fence, none without a fence, none after the deadline.
func fenced(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		f := fenceOf(ctx)
		if f == nil {
			return nil, ErrNoDeadline
		}
		if err := f.take(); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, f.now().until(f.until))
		defer cancel()
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		dropUnsent(conn, f.now().until(f.until))
		return &fencedConn{Conn: conn, fence: f}, nil
	}
}

// dropUnsent asks the kernel not to deliver late on our behalf: what is still
// unacknowledged when the socket closes (also by kill -9) is dropped, and
// where supported, what stays unacknowledged for the given time gives up.
func dropUnsent(conn net.Conn, within time.Duration) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	// Best effort: without it the promise still holds for what we write.
	_ = tcp.SetLinger(0)
	limitUnacknowledged(tcp, max(within, time.Second))
}
