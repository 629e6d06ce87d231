package upgrade

import "time"

// answer is what a step comes to, and each part of one. A step hands on whatever is not
// its own to judge.
type answer interface{ answers() }

type (
	later   time.Duration        // nothing to do before then
	moved   struct{}             // the session was moved, and that move set its next look
	settled struct{ call *Call } // the step's call has ended, however it did
	stopped struct{ gate }       // the step's call was not sent
	over    struct{}             // nobody has to look again
)

func (later) answers()   {}
func (moved) answers()   {}
func (settled) answers() {}
func (stopped) answers() {}
func (over) answers()    {}

// means is what the end of a step's call means for its session.
type means struct {
	stopped func(gate) (answer, error)  // nothing was sent
	failed  func(*Call) (answer, error) // it did not happen, or ended badly
	done    func() (answer, error)
}

// then says what an answer means, once there is something to mean.
func then(a answer, err error, m means) (answer, error) {
	if err != nil {
		return nil, err
	}
	switch a := a.(type) {
	case stopped:
		return m.stopped(a.gate)
	case settled:
		if a.call.Outcome != Happened {
			return m.failed(a.call)
		}
		return m.done()
	}
	return a, nil
}
