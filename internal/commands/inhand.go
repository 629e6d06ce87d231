package commands

import "sync"

// kind is a kind of work that a payload asks for.
type kind string

// The kinds of work.
const (
	looking  kind = "looking"  // reads and tells
	filling  kind = "filling"  // opens a form, or fills it
	deciding kind = "deciding" // carries a decision out
)

// mostInHand is how much of each kind one person may have in hand at a time. Beyond
// that a question is answered with "one after the other", a form is not opened, and
// a decision is neither recorded nor acknowledged.
var mostInHand = map[kind]int{looking: 4, filling: 4, deciding: 16}

// inHand counts what each person has in hand, so that one person's hanging requests
// stop nobody else's.
type inHand struct {
	most map[kind]int

	mu    sync.Mutex
	count map[owner]int // guarded by mu
}

type owner struct {
	kind kind
	user string
}

// take begins something of a person's; false when they have enough in hand. leave
// ends it and is harmless when called twice.
func (i *inHand) take(k kind, user string) (leave func(), ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	o := owner{k, user}
	if i.count[o] >= i.most[k] {
		return nil, false
	}
	if i.count == nil {
		i.count = map[owner]int{}
	}
	i.count[o]++
	return sync.OnceFunc(func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.count[o]--; i.count[o] == 0 {
			delete(i.count, o)
		}
	}), true
}
