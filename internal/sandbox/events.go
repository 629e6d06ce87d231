package sandbox

import (
	"sync"
)

// pokes tells subscribers that something changed. The zero value has none.
type pokes struct {
	mu  sync.Mutex
	all map[chan struct{}]bool
}

// poke never blocks; pokes are dropped while one is pending.
func (p *pokes) poke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.all {
		send(c)
	}
}

func send(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *pokes) subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[chan struct{}]bool{}
	}
	p.all[c] = true
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.all, c)
	}
}

// events merges the changes of both emulators and the clock into one stream for
// the page.
func (s *Sandbox) events() (<-chan struct{}, func()) {
	slack, leaveSlack := s.slack.Subscribe()
	cloud, leaveCloud := s.cloud.Subscribe()
	clock, leaveClock := s.clockSub.subscribe()
	out, gone := make(chan struct{}, 1), make(chan struct{})
	go func() {
		for {
			select {
			case <-slack:
			case <-cloud:
			case <-clock:
			case <-gone:
				return
			}
			send(out)
		}
	}()
	var once sync.Once
	return out, func() {
		once.Do(func() {
			close(gone)
			leaveSlack()
			leaveCloud()
			leaveClock()
		})
	}
}
