package upgrade

import (
	"fmt"
	"strings"
	"time"
)

// stamp is an instant in a sentence for people: UTC, to the second. Package view shows
// this form in the zone of whoever reads it.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// words is a duration as people say it, to its two largest units.
func words(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	var parts []string
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / u.size; n > 0 && len(parts) < 2 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
			d -= n * u.size
		}
	}
	return strings.Join(parts, " ")
}

// Words is words, for those who show a session.
func Words(d time.Duration) string { return words(d) }

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
