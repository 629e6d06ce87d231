package upgrade

import (
	"context"
	"maps"
	"slices"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// Kind is what a session is about. Stored; never rename one.
type Kind string

// kindRow is all that tells one kind of session from the others: whoever adds one adds a
// row. What is not in a row is the same for all.
type kindRow struct {
	prefix string // of its sessions' ids
	life   session.Table[State, Event]
	steps  map[State]stepFunc

	rule     func(upgrades, reverts approvals.Policy) approvals.Policy // who decides, as configured now
	refusals []func(candidate) *Refusal                                // why none is begun, in this order; the first is told
	offered  bool                                                      // a plan whose facts moved is asked again while its version is on offer
	destroys bool                                                      // who approves types what is deleted

	cancel  []State // Cancel has a meaning in these
	deny    []State // a denial still wins over the approvals
	unwinds []State // something has begun that is put in order before the session is called off

	within bool // it is shown in the thread of the session that it is linked to

	whole func(*Body) bool // false: a part is missing without which nothing can be done
	empty func(*Body)      // makes it whole, to be shown
	class func(Session) cloud.Class
	waits bool // its looks wait for a place; see places
	// end closes a session with this move; change says what becomes of its body.
	end func(*Engine, context.Context, Session, move, func(*Body)) (Session, error)
}

// kindRows are the rows. Each kind's file adds its own: their steps lead back to here, which
// a composite literal must not.
var kindRows = map[Kind]kindRow{}

// Kinds are the kinds of session, sorted.
func Kinds() []Kind { return slices.Sorted(maps.Keys(kindRows)) }

// Ends are the states in which sessions of this kind end, sorted.
func (k Kind) Ends() []State {
	return slices.DeleteFunc(kindRows[k].life.States(), func(s State) bool { return !Ended(s) })
}

// row is the session's row; an empty one, whose lists are empty, for a kind that this
// build does not know.
func (s Session) row() kindRow { return kindRows[s.Kind] }

// Parent is the session in whose thread this one is shown; "" where it has its own.
func (s Session) Parent() string {
	if s.row().within {
		return s.Link
	}
	return ""
}

// Destroys reports whether what people decide on deletes a database.
func (k Kind) Destroys() bool { return kindRows[k].destroys }
