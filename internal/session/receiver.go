package session

import (
	"context"
	"sync"
	"time"
)

// Receiver is the inbox as one replica uses it: whatever it receives or finds is
// claimed for Lease.
type Receiver struct {
	*Store
	Lease time.Duration
}

// Claimed is an envelope in this replica's hands. It is an alias, so that callers
// of a [Receiver] can declare the same methods on their side.
type Claimed = interface {
	Payload() []byte
	Receipt() int64 // grows in the order of receipt; 0: recorded by a release without receipts
	// Keep renews the claim until stop is called; see [KeepLease].
	Keep(ctx context.Context) (stop func())
	// Leave gives it back; another replica has a lease's time to find it first.
	Leave(ctx context.Context) error
	// Failed is [Store.Failed].
	Failed(ctx context.Context) (int, error)
	// Done takes it off the inbox.
	Done(ctx context.Context) error
}

// Receive is [Store.Receive]. The claim has the payload even where err is not nil or
// the envelope is not fresh.
func (r Receiver) Receive(ctx context.Context, envelope string, payload []byte) (Claimed, bool, error) {
	it, fresh, err := r.Store.Receive(ctx, envelope, payload, r.Lease)
	if it.Payload == nil {
		it.Payload = payload
	}
	return &claimed{Receiver: r, it: it}, fresh, err
}

// Abandoned claims up to max of what another replica received and did not work off.
func (r Receiver) Abandoned(ctx context.Context, max int) (found []Claimed, err error) {
	items, err := r.ClaimInbox(ctx, r.Lease, max)
	for _, it := range items {
		found = append(found, &claimed{Receiver: r, it: it})
	}
	return found, err
}

type claimed struct {
	Receiver
	mu sync.Mutex // guards it, whose token is renewed
	it Item
}

func (c *claimed) Payload() []byte { return c.it.Payload }
func (c *claimed) Receipt() int64  { return c.it.Receipt }

func (c *claimed) Leave(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Inbox().Reschedule(ctx, c.it, c.Lease)
	return err
}

func (c *claimed) Failed(ctx context.Context) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Store.Failed(ctx, c.it)
}

func (c *claimed) Keep(ctx context.Context) (stop func()) { return KeepLease(ctx, c.Lease, c.renew) }

func (c *claimed) renew(ctx context.Context) (held bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, ok, err := c.Inbox().Renew(ctx, c.it, c.Lease)
	if err == nil && ok {
		c.it = next
	}
	return err != nil || ok // a store that is away is asked again
}

func (c *claimed) Done(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Inbox().Done(ctx, c.it)
	return err
}
