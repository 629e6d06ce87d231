package upgrade

import (
	"fmt"
)

// counted says how many backup files there were.
func counted(files int) string {
	if files == 1 {
		return "the one file"
	}
	return fmt.Sprintf("all %d files", files)
}

// stateWords are the states as people are told them.
var stateWords = map[State]string{
	Proposed: "waiting for approval", Approved: "approved", Checking: "being checked", Blocked: "blocked", BackingUp: "backing up",
	Upgrading: "upgrading", Verifying: "verifying", Soaking: "being monitored", Done: "done", Denied: "denied", Expired: "expired",
	Cancelled: "cancelled", Failed: "failed", Reverting: "being reverted", Reverted: "reverted",
	Rehearsing: "in its test restore", Closing: "blocking client access", Saving: "backing up the upgraded data", Deleting: "deleting",
	Creating: "creating the database again", Importing: "importing the backup", Restoring: "restoring settings", Reopening: "restoring client access",
}

// Words is a state as people are told it; a state that this build does not know
// is named as it is stored.
func (s State) Words() string {
	if w, ok := stateWords[s]; ok {
		return w
	}
	return string(s)
}

// Known reports whether this build knows the state.
func (s State) Known() bool { return stateWords[s] != "" }
