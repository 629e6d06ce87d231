package view

import (
	"strconv"
	"strings"
)

// Action ids. They are part of the contract with old messages: never rename one.
const (
	ActionApprove  = "approve"
	ActionDeny     = "deny"
	ActionCancel   = "cancel"
	ActionRevert   = "revert"
	ActionRecheck  = "recheck"
	ActionChanges  = "changes"
	ActionHappened = "settle_happened"
	ActionAbsent   = "settle_absent"
	ActionDatabase = "database"
	ActionVersion  = "version"
	ActionReason   = "reason"
	ActionStart    = "start"
	ActionFiles    = "files"
	ActionName     = "name"
	ActionWriters  = "writers_stopped"
	ActionLooked   = "looked_in_console"
	ActionRequest  = "request" // with a number behind it: one message may offer several
)

// Callback ids of modals.
const (
	CallbackRequest = "request_upgrade"
	CallbackDeny    = "deny_session"
	CallbackApprove = "approve_revert"
	CallbackRevert  = "revert_upgrade"
	CallbackRelease = "release_session"
	CallbackInfo    = "info"
)

// ShortcutRevert is the message shortcut's callback id.
const ShortcutRevert = "revert_upgrade"

// Target is what a button is about: a session, and the ask as it was when the
// button was drawn.
type Target struct {
	Session string
	Ask     int64
}

// Value is the target as a button's value.
func (t Target) Value() string { return t.Session + "#" + strconv.FormatInt(t.Ask, 10) }

// Wish is what a button offers to ask for: a database and a version.
type Wish struct{ Ref, Version string }

// Value is the wish as a button's value.
func (w Wish) Value() string { return w.Ref + "@" + w.Version }

// ParseWish reads such a value. Nothing in it is trusted: it only fills in a form.
func ParseWish(value string) (Wish, bool) {
	ref, version, ok := strings.Cut(value, "@")
	return Wish{ref, version}, ok && ref != "" && version != "" && len(value) <= 100
}

// ParseTarget reads a button's value. Nothing in it is trusted: the session
// is loaded and the person judged afresh.
func ParseTarget(value string) (Target, bool) {
	id, ask, ok := strings.Cut(value, "#")
	n, err := strconv.ParseInt(ask, 10, 64)
	if !ok || err != nil || n < 0 || len(id) < 3 || len(id) > 40 {
		return Target{}, false
	}
	return Target{Session: id, Ask: n}, true
}
