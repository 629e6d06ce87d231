package upgrade

import (
	"errors"
	"fmt"

	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/session"
)

// Refusal is a "no" in words for the person who asked: why, and what would
// help. Nothing was recorded and nothing was sent.
type Refusal struct {
	Code Code
	Text string // one or two sentences
	Hint string // the nearest alternative; may be empty
	Link string // the session to look at instead; may be empty

	Instead []Suggestion // what can be asked for instead, or first

	passes bool // it may pass by itself
}

// Suggestion is an upgrade that somebody could ask for.
type Suggestion struct {
	Ref  cloud.Ref
	Name string
	To   string
}

// Error is the refusal in one line, for logs and journals.
func (r *Refusal) Error() string {
	if r.Hint == "" {
		return r.Text
	}
	return r.Text + " " + r.Hint
}

// Code tells refusals apart.
type Code string

// The codes of refusals.
const (
	NotFound      Code = "not-found"      // no such database or session
	Unsupported   Code = "unsupported"    // memcached, Active-Active
	NothingNewer  Code = "nothing-newer"  // already on the newest version
	BadVersion    Code = "bad-version"    // not among the offered versions
	NotAllowed    Code = "not-allowed"    // subscription or mode
	OwnStore      Code = "own-store"      // the bot's own memory
	Busy          Code = "busy"           // the database has a session
	ReplicasFirst Code = "replicas-first" // Active-Passive order
	NoBackup      Code = "no-backup"      // no backup possible
	NotActive     Code = "not-active"     // database or subscription in transition
	BadInput      Code = "bad-input"      // empty reason, wrong files, wrong name
	Stale         Code = "stale"          // the question has moved on
	NotEntitled   Code = "not-entitled"   // this person may not
	TooLate       Code = "too-late"       // the state has no such move any more
	NoWayBack     Code = "no-way-back"    // a revert is not possible
	Unreachable   Code = "unreachable"    // Redis Cloud or Slack could not say
	Paused        Code = "paused"         // all changing calls are paused
	Distrusted    Code = "distrusted"     // record, journal and world disagree
	Unconfirmed   Code = "unconfirmed"    // recorded, but a failover may still forget it
)

// ErrTryAgain is in errors that may pass by themselves: the store did not
// answer, or another replica moved the session too often. Whoever recorded
// what a person wanted tries again; nothing was changed.
var ErrTryAgain = session.ErrUnavailable

func refuse(code Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

func (r *Refusal) hint(format string, args ...any) *Refusal {
	r.Hint = fmt.Sprintf(format, args...)
	return r
}

// AsRefusal is the refusal in err, if there is one.
func AsRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	return r, errors.As(err, &r)
}
