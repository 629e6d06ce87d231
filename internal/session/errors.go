package session

import (
	"errors"
	"fmt"
)

// What can come back from a [Store]; branch with errors.Is.
var (
	// ErrStale: the session has moved since it was loaded. Nothing was written.
	ErrStale = errors.New("session moved meanwhile")
	// ErrNotAllowed: the session's life has no such move. Nothing was written.
	ErrNotAllowed = errors.New("move not allowed")
	// ErrHeld: a database is not held by whom the [Hold] said; see [HeldError].
	// Nothing was written.
	ErrHeld = errors.New("database held by another session")
	// ErrExists: a session of this id and kind was opened before. The record
	// returned with it is the stored one. Nothing was written.
	ErrExists = errors.New("session exists")
	// ErrNotFound: no such session, thread or link (any more).
	ErrNotFound = errors.New("session not found")
	// ErrUnavailable: Redis gave no usable answer (network, time-out, READONLY,
	// LOADING, OOM, …). A read told nothing; a write happened whole or not at all.
	ErrUnavailable = errors.New("session store unavailable")
	// ErrUnconfirmed: the move is stored on the master, but fewer replicas than
	// Config.WaitReplicas have it. The records returned with it are valid.
	ErrUnconfirmed = errors.New("move not confirmed by replicas")
	// ErrFlagged: the flag of Move.Unless is set. Nothing was written.
	ErrFlagged = errors.New("held back by a flag")
	// ErrLate: Move.NotAfter is past, or what was to be received reached Redis after
	// its caller's deadline. Nothing was written.
	ErrLate = errors.New("too late")
	// ErrTampered: record and journal do not belong together, or an entry was not
	// written by a holder of the seal key. Going on with this session is unsafe.
	ErrTampered = errors.New("session record and journal disagree")
)

// HeldError says which database stood in the way, and whose it is. It is an
// [ErrHeld].
type HeldError struct {
	Database string
	Owner    string // session id; "" when the database is free though an owner was expected
}

// Error names database and owner.
func (e *HeldError) Error() string {
	if e.Owner == "" {
		return fmt.Sprintf("database %s is held by no session", e.Database)
	}
	return fmt.Sprintf("database %s is held by session %s", e.Database, e.Owner)
}

// Is makes errors.Is(err, ErrHeld) true.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// unavailable wraps an error of the Redis client; tried says what was tried.
func unavailable(tried string, err error) error {
	return fmt.Errorf("%s: %w: %w", tried, ErrUnavailable, err)
}
