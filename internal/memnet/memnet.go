// Package memnet is a network in memory, for tests alone. Unlike a socket it may
// be used inside a testing/synctest bubble, which can tell that everybody waits.
package memnet

import (
	"context"
	"errors"
	"net"
	"sync"
)

// Listener is a network with one server: whatever is dialled arrives there. It is
// safe for concurrent use.
type Listener struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

// Listen makes a network. A bubble makes the one that it uses.
func Listen() *Listener {
	return &Listener{arriving: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to the server, whatever the address.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	var err error
	select {
	case l.arriving <- far:
		return near, nil
	case <-l.closed:
		err = errors.New("connection refused: the listener is closed")
	case <-ctx.Done():
		err = ctx.Err()
	}
	near.Close()
	far.Close()
	return nil, err
}

// Accept waits for the next connection; the error is net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.arriving:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial; connections stay.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is made up, but of this machine, as the bot's configuration demands.
func (l *Listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }
