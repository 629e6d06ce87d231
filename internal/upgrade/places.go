package upgrade

import (
	"sync/atomic"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Redis Cloud answers some three hundred calls a minute, whoever asks. Without
// order, looks that wait for that budget would fill all workers, and a session
// whose next step needs no call would wait behind them, as would people who
// just submitted a form.

// readers is how many looks may wait for the budget at the same time: enough to
// use it up, few enough that a person's request is soon served among them.
const readers = 8

// checkers is how many looks at approved sessions may wait: what has begun does not
// wait behind them, for it goes first in the budget as well.
const checkers = 4

// closers is how many last looks of a watch may wait beside them: one call each,
// and people wait for the word "done".
const closers = 2

// places are what looks that will read Redis Cloud share in this process.
type places struct {
	work, check, last chan struct{}
	back              atomic.Uint32 // looks that were put back, to spread them
}

func newPlaces() *places {
	return &places{work: make(chan struct{}, readers), check: make(chan struct{}, checkers), last: make(chan struct{}, closers)}
}

// take gets a place for a session, if one is free; it is given back with leave.
func (p *places) take(s Session) (leave func(), ok bool) {
	room := p.work
	switch {
	case s.State == Soaking:
		room = p.last
	case s.class() == cloud.ClassCheck:
		room = p.check
	}
	select {
	case room <- struct{}{}:
		return func() { <-room }, true
	default:
		return nil, false
	}
}

// later is when to look again without a place: a quarter to a half of a poll,
// spread so that those who were refused together do not come back together.
func (p *places) later(poll time.Duration) time.Duration {
	const steps = 32
	return poll/4 + poll/4*time.Duration(p.back.Add(1)%steps)/steps
}

// class is how urgent what a look at this session asks of Redis Cloud is.
func (s Session) class() cloud.Class {
	switch s.State {
	case Proposed, Approved, Checking, Blocked, Soaking:
		return cloud.ClassCheck
	}
	return s.row().class(s)
}

// reads reports whether a look at this session will ask Redis Cloud and can
// wait. A call that is out holds a turn, and a revert may stand between a
// delete and its data: they never wait for a place.
func (e *Engine) reads(s Session) bool {
	if !s.row().waits || s.callOut() {
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
