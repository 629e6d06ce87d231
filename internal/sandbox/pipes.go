package sandbox

import (
	"context"
	"errors"
	"net"
	"sync"
)

// Pipes is a network in memory: what is dialled arrives at its listener. Unlike
// sockets it may be used inside a testing/synctest bubble. Safe for concurrent
// use; make it with NewPipes, inside the bubble that uses it.
type Pipes struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

// NewPipes makes a network that nobody has dialled yet.
func NewPipes() *Pipes {
	return &Pipes{arriving: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to the listener, whatever the address.
func (p *Pipes) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	var err error
	select {
	case p.arriving <- theirs:
		return mine, nil
	case <-p.closed:
		err = errors.New("connection refused: the pipes are closed")
	case <-ctx.Done():
		err = ctx.Err()
	}
	mine.Close()
	theirs.Close()
	return nil, err
}

// Accept waits for the next who dials.
func (p *Pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.arriving:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial; connections stay.
func (p *Pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr is made up, but on this machine, as the bot's configuration demands.
func (p *Pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }
