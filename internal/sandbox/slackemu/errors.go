package slackemu

import (
	"errors"
	"fmt"
	"net/http"
)

// refusal is how the Web API says no: a code, sometimes details, HTTP 200.
type refusal struct {
	code     string
	problems []string // in Slack's words, with JSON pointers
	errors   bool     // chat.* repeats the problems under "errors"
	extra    object
}

func (r *refusal) Error() string { return r.code }

// refuse answers a method with a bare code.
func refuse(code string) error { return &refusal{code: code} }

// invalidArguments answers a method with what is wrong with its arguments.
func invalidArguments(problems ...string) error {
	return &refusal{code: "invalid_arguments", problems: problems}
}

// missingField is the problem of an argument that must be there.
func missingField(name string) error {
	return invalidArguments("missing required field: " + name + " [json-pointer:/" + name + "]")
}

// invalidBlocks answers a chat method with what is wrong with its blocks.
func invalidBlocks(problems []string) error {
	return &refusal{code: "invalid_blocks", problems: problems, errors: true}
}

// hookError is how a hook says no to whoever drives it.
type hookError struct {
	status int
	text   string
}

func (e *hookError) Error() string { return e.text }

func notFound(format string, args ...any) error {
	return &hookError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return &hookError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &hookError{http.StatusConflict, fmt.Sprintf(format, args...)}
}

// statusOf is the HTTP status of a hook's refusal.
func statusOf(err error) int {
	var he *hookError
	if errors.As(err, &he) {
		return he.status
	}
	var gone noSuchOption
	if errors.As(err, &gone) {
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}
