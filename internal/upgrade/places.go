package upgrade

import (
	"sync/atomic"
	"time"
)

// Redis Cloud answers some three hundred calls a minute, whoever asks. Without
// order, looks that wait for that budget would fill all workers, and a session
// whose next step needs no call would wait behind them, as would people who
// just submitted a form.

// readers is how many looks may wait for the budget at the same time: enough to
// use it up, few enough that a person's request is soon served among them.
const readers = 8

// places are what looks that will read Redis Cloud share in this process.
type places struct {
	taken chan struct{}
	back  atomic.Uint32 // looks that were put back, to spread them
}

func newPlaces() *places { return &places{taken: make(chan struct{}, readers)} }

// take gets a place, if one is free.
func (p *places) take() bool {
	select {
	case p.taken <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p *places) leave() { <-p.taken }

// later is when to look again without a place: a quarter to a half of a poll,
// spread so that those who were refused together do not come back together.
func (p *places) later(poll time.Duration) time.Duration {
	const steps = 32
	return poll/4 + poll/4*time.Duration(p.back.Add(1)%steps)/steps
}

// reads reports whether a look at this session will ask Redis Cloud and can
// wait. A call that is out holds a turn, and a revert may stand between a
// delete and its data: they never wait for a place.
func (e *Engine) reads(s Session) bool {
	if s.Kind == KindRevert || s.callOut() {
		return false
	}
	switch s.State {
	case Proposed, Approved, Blocked, Reverting:
		return false
	case Soaking:
		return !s.Upgrade.SoakUntil.After(e.now()) || !e.looksWell(s)
	}
	return true
}
