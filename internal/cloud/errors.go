package cloud

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrNotFound is met by every answer that says the thing is not there: HTTP
// 404, and the codes DATABASE_NOT_FOUND, SUBSCRIPTION_NOT_FOUND and their
// like, also inside a TaskError. A task can be "not found" for a moment right
// after it was made, because the task service learns of it late.
var ErrNotFound = errors.New("not found")

// ErrTooLate is the cause of a NotSent whose send deadline had passed.
var ErrTooLate = errors.New("send deadline passed before the first byte left")

// ErrNoDeadline is the cause of a NotSent that came without WithSendDeadline.
var ErrNoDeadline = errors.New("changing call without a send deadline")

// RateLimited is HTTP 429: too many requests, or too many resources of the
// account changing at once. The request was not accepted.
type RateLimited struct {
	Wait time.Duration // how long to leave the API alone; never zero
	Text string
}

func (e *RateLimited) Error() string {
	return withText(fmt.Sprintf("rate limited by Redis Cloud, wait %s", e.Wait), e.Text)
}

// Denied is HTTP 401, 403 or 412: these keys, this address or this account may
// not do that. Repeating does not help.
type Denied struct {
	Status  int    // 401, 403 or 412
	Missing string // which permission or feature, for people
	Code    string // domain code, if any
	Text    string
}

func (e *Denied) Error() string {
	return withText(fmt.Sprintf("denied (HTTP %d), missing: %s", e.Status, e.Missing), joinCode(e.Code, e.Text))
}

// Rejected is an answer that the request was refused: it did not happen.
type Rejected struct {
	Status int    // HTTP status, 4xx
	Code   string // domain code such as DATABASE_NAME_EXISTS, if any
	Text   string
}

func (e *Rejected) Error() string {
	return withText(fmt.Sprintf("rejected (HTTP %d)", e.Status), joinCode(e.Code, e.Text))
}

// Retryable reports whether the same request may succeed after a wait.
func (e *Rejected) Retryable() bool {
	return retryableCode(e.Code) || e.Status == http.StatusRequestTimeout // 408: the request was not read to its end
}

// Unknown means that a change may have left and no answer came. Never repeat
// it: read the world back first.
type Unknown struct {
	Status int   // HTTP status when one came (5xx or 3xx, or 2xx nobody can read), else 0
	Cause  error // what went wrong
}

func (e *Unknown) Error() string {
	return fmt.Sprintf("no answer, it may have happened: %v", e.Cause)
}

func (e *Unknown) Unwrap() error { return e.Cause }

// NotSent means that a change surely never left this process.
type NotSent struct {
	Cause error // ErrTooLate, ErrNoDeadline, a dial error, the limiter's refusal, …
}

func (e *NotSent) Error() string { return fmt.Sprintf("not sent: %v", e.Cause) }

func (e *NotSent) Unwrap() error { return e.Cause }

// Unavailable means that a read got no usable answer: a server error, or a
// connection that failed, on the last of its tries.
type Unavailable struct {
	Status int    // HTTP status, 0 when no answer came
	Text   string // what the server said, if anything
	Cause  error  // the connection's error, if any
}

func (e *Unavailable) Error() string {
	switch {
	case e.Cause != nil:
		return fmt.Sprintf("Redis Cloud unavailable: %v", e.Cause)
	default:
		return withText(fmt.Sprintf("Redis Cloud unavailable (HTTP %d)", e.Status), e.Text)
	}
}

func (e *Unavailable) Unwrap() error { return e.Cause }

// TaskError is why a task failed. It is an answer: it did not happen.
type TaskError struct {
	Code   string // e.g. SUBSCRIPTION_NOT_ACTIVE; "" if none was given
	Status int    // the leading digits of "403 FORBIDDEN"; 0 if none
	Text   string
}

func (e *TaskError) Error() string {
	return withText("task failed", joinCode(e.Code, e.Text))
}

// Retryable reports whether the same request may succeed after a wait.
func (e *TaskError) Retryable() bool { return retryableCode(e.Code) }

// Is makes the "no such thing" codes match ErrNotFound.
func (e *TaskError) Is(target error) bool { return target == ErrNotFound && notFoundCode(e.Code) }

// notFound is a 404 or one of the codes that mean the same.
type notFound struct{ Code, Text string }

func (e *notFound) Error() string { return withText("not found", joinCode(e.Code, e.Text)) }

// Is matches ErrNotFound.
func (e *notFound) Is(target error) bool { return target == ErrNotFound }

// DidNotHappen reports whether err of a changing call (or of its task) is an
// answer that nothing was changed. False for nil and for everything unclear.
func DidNotHappen(err error) bool {
	var (
		limited  *RateLimited
		denied   *Denied
		rejected *Rejected
		notSent  *NotSent
		task     *TaskError
		unknown  *Unknown
	)
	switch {
	case err == nil || errors.As(err, &unknown):
		return false
	case errors.As(err, &limited), errors.As(err, &denied), errors.As(err, &rejected),
		errors.As(err, &notSent), errors.As(err, &task):
		return true
	}
	return errors.Is(err, ErrNotFound)
}

// notFoundCode leaves out the codes that end the same but name something else
// (a payment method, an import file, a plan).
func notFoundCode(code string) bool {
	switch code {
	case "DATABASE_NOT_FOUND", "SUBSCRIPTION_NOT_FOUND", "ENTITY_NOT_FOUND", "ACL_ROLE_NOT_FOUND",
		"DATABASE_UPGRADE_WORKFLOW_NOT_FOUND":
		return true
	}
	return false
}

func withText(s, text string) string {
	if text == "" {
		return s
	}
	return s + ": " + text
}

func joinCode(code, text string) string {
	switch {
	case code == "":
		return text
	case text == "":
		return code
	}
	return code + ": " + text
}
