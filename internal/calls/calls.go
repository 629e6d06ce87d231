package calls

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// Mode is how far the bot may go.
type Mode string

// The modes.
const (
	Observe  Mode = "observe" // no changing call
	Upgrades Mode = "upgrade" // no delete, create or redirect
	Full     Mode = "full"
)

// allows reports whether a call that needs a mode may be sent in this one.
func (m Mode) allows(needed Mode) bool {
	rank := map[Mode]int{Observe: 0, Upgrades: 1, Full: 2}
	return rank[m] >= rank[needed]
}

// PauseFlag is the flag under which every changing call is held back.
const PauseFlag = "pause"

// Config is what a Sender needs to know.
type Config struct {
	Mode        Mode
	Allow       []int         // subscriptions it may touch; empty: all
	SendTimeout time.Duration // from the intent to the last moment in which the request may leave
	Grace       time.Duration // after that, before anybody asks what happened
	Poll        time.Duration // between two passes over work in flight
	StatusEvery time.Duration // between two passes while people decide
	ProbeEvery  time.Duration // between two status tasks of the account
	Patience    time.Duration // how long a refusal that may pass by itself is tried again
}

// Reader reads the database that is about to be changed; [cloud.Client] does.
type Reader interface {
	Database(ctx context.Context, ref cloud.Ref) (cloud.Database, error)
}

// Sender sends changing requests. It is safe for concurrent use.
type Sender struct {
	cfg     Config
	changes *cloud.Changes
	read    Reader
	own     func(cloud.Ref) string
}

// New makes a Sender for the account. own names the database that holds the bot's own
// state, "" for every other.
func New(cfg Config, account cloud.Config, read Reader, own func(cloud.Ref) string) (*Sender, error) {
	changes, err := cloud.NewChanges(account)
	if err != nil {
		return nil, err
	}
	return &Sender{cfg: cfg, changes: changes, read: read, own: own}, nil
}

// Order is a request together with what allows it.
type Order struct {
	Request
	Label string // for people: "backup of cache-prod"
	Needs Mode   // the mode that allows it
	Name  string // of the database, as approved or as created by the session; empty: whatever it is called
	// Activated is when the database was created, as read when the session was asked
	// for; zero: not known, or the session made the database itself.
	Activated time.Time
	// Late is after when the approval that covers it is void, by Redis' clock; zero: never.
	Late time.Time
	// Urgent: a deleted database waits to be built again; not even a pause holds it back.
	Urgent bool
}

// Terms are what the write of an intent is bound to, in the script that makes it.
type Terms struct {
	Unless   string        // not while this flag is set
	NotAfter time.Time     // not after this, by Redis' clock; zero: no limit
	Within   time.Duration // how long the request may take to leave; belongs into the intent
}

// Ledger is the durable side of one order.
type Ledger interface {
	// Verify proves the whole journal of the session; an error stops the order.
	Verify(ctx context.Context) error
	// Intend writes the intent, bound to terms; an error stops the order. What is
	// written must be there after a failover.
	Intend(ctx context.Context, terms Terms) error
}

// Refused says, for people, why an order was not sent. Nothing left.
type Refused struct {
	Why  Reason
	Text string
}

// Reason tells refusals apart.
type Reason string

// The reasons.
const (
	ByMode   Reason = "mode"
	ByList   Reason = "allow list"
	OwnStore Reason = "own store"
	Target   Reason = "target" // the database is not the one that was meant

	Paused    Reason = "paused"     // no changing call is sent
	NotMade   Reason = "not made"   // the request could not be made
	Gone      Reason = "gone"       // the database no longer exists
	BackupOff Reason = "backup off" // remote backup is off
	NotTold   Reason = "not told"   // Redis Cloud does not tell a status
)

// Error is the refusal in words for people.
func (r *Refused) Error() string { return r.Text }

// Permitted tests mode, allow list and own store, which need no reading; nil: it may
// go on.
func (s *Sender) Permitted(ref cloud.Ref, needs Mode, label string) *Refused {
	switch {
	case !s.cfg.Mode.allows(needs):
		return &Refused{ByMode, fmt.Sprintf("This bot runs with MODE=%s, which does not allow the %s.", s.cfg.Mode, label)}
	case len(s.cfg.Allow) > 0 && !slices.Contains(s.cfg.Allow, ref.Subscription):
		return &Refused{ByList, fmt.Sprintf("Subscription %d is not in ALLOW_SUBSCRIPTIONS.", ref.Subscription)}
	}
	if name := s.own(ref); name != "" {
		return &Refused{OwnStore, fmt.Sprintf("%s is the Redis that stores this bot's state; changing it would interrupt the work.", name)}
	}
	return nil
}

// Send sends an order, at most once; see the package. left reports whether the request
// may have left: without it, err is why nothing did (a [*Refused], or an error of reading
// or of the ledger). With it, task and err are Redis Cloud's answer as [cloud.Changes]
// gives it. Once the intent is written, ctx no longer stops it.
func (s *Sender) Send(ctx context.Context, o Order, to Ledger) (task cloud.Task, left bool, err error) {
	if r := s.Permitted(o.ref, o.Needs, o.Label); r != nil {
		return cloud.Task{}, false, r
	}
	if err := s.readBack(ctx, o); err != nil {
		return cloud.Task{}, false, err
	}
	if err := to.Verify(ctx); err != nil {
		return cloud.Task{}, false, err
	}
	terms := Terms{Unless: PauseFlag, NotAfter: o.Late, Within: s.cfg.SendTimeout}
	if o.Urgent {
		terms.Unless = ""
	}
	begun := time.Now() // of this machine, with its monotonic reading: no clock that is set meanwhile prolongs the fence
	if err := to.Intend(ctx, terms); err != nil {
		return cloud.Task{}, false, err
	}
	ctx, cancel := context.WithTimeout(cloud.WithSendDeadline(context.WithoutCancel(ctx), begun.Add(s.cfg.SendTimeout)), s.cfg.SendTimeout+s.cfg.Grace/2)
	defer cancel()
	task, err = o.send(ctx, s.changes)
	return task, true, err
}

// readBack holds the database against the order. A database that is gone is left to
// Redis Cloud to say: nothing can be changed by it.
func (s *Sender) readBack(ctx context.Context, o Order) error {
	if o.fresh {
		return nil
	}
	db, err := s.read.Database(ctx, o.ref)
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("read the database before the %s: %w", o.Label, err)
	case o.Name != "" && db.Name != o.Name:
		return &Refused{Target, fmt.Sprintf("Database %d is named %s, not %s.", o.ref.Database, db.Name, o.Name)}
	case !o.Activated.IsZero() && !db.Activated.IsZero() && !db.Activated.Equal(o.Activated):
		return &Refused{Target, fmt.Sprintf("Database %d (%s) was created at another time than the one that was approved: it is another database.", o.ref.Database, db.Name)}
	}
	return nil
}

// DryRun asks Redis Cloud whether it would make a database, and makes none. It stands
// in the account's queue like a change, so it also proves that what was queued before it
// was processed.
func (s *Sender) DryRun(ctx context.Context, parent cloud.Ref, body cloud.Create) (cloud.Task, error) {
	return s.changes.DryRun(ctx, parent.Plan, parent.Subscription, body)
}
