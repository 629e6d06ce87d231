package upgrade

import (
	"encoding/json"
	"slices"

	"github.com/redis-upgrade/bot/internal/calls"
	"github.com/redis-upgrade/bot/internal/session"
)

// State is where a session stands. Stored and shown in card metadata; never
// rename one.
type State string

// The states of both lives. What a crash in a state means is the step of that
// state: it runs again from the record.
const (
	Proposed State = "proposed" // people are asked
	Approved State = "approved" // enough people said yes; waits for its start

	Checking  State = "checking"   // preflight: the world is read again
	Blocked   State = "blocked"    // preflight refuses; says who or what can unblock
	BackingUp State = "backing-up" // the backup that makes the way back
	Upgrading State = "upgrading"  // the upgrade call is out or about to leave
	Verifying State = "verifying"  // the new version is confirmed
	Soaking   State = "soaking"    // watched for a while
	Reverting State = "reverting"  // a revert session has taken over

	Rehearsing State = "rehearsing" // the backup is imported into a temporary database, create is dry-run
	Closing    State = "closing"    // source IPs closed, so that nothing more is written
	Saving     State = "saving"     // safety backup of the upgraded data
	Deleting   State = "deleting"   // the point of no return
	Creating   State = "creating"   // same port, original version, still closed
	Importing  State = "importing"  // the pre-upgrade backup comes back
	Restoring  State = "restoring"  // import verified; default user, roles, tags, then the door
	Reopening  State = "reopening"  // given up before the delete: the door opens again

	Done      State = "done"      // ended well
	Denied    State = "denied"    // somebody said no
	Expired   State = "expired"   // nobody decided, or the start was missed
	Cancelled State = "cancelled" // called off before anything irreversible
	Failed    State = "failed"    // ended with a named failure
	Reverted  State = "reverted"  // an upgrade that was taken back
)

// Event is what moves a session. Stored in journals; never rename one.
type Event string

// The events of both lives.
const (
	Propose Event = "propose"
	Vote    Event = "vote" // a decision that does not settle the question yet
	Approve Event = "approve"
	Deny    Event = "deny"
	Expire  Event = "expire"
	Cancel  Event = "cancel"
	Revise  Event = "revise" // plan or decisive facts moved: asked again
	Begin   Event = "begin"
	Fit     Event = "fit" // preflight passed
	Block   Event = "block"
	Recheck Event = "recheck"
	Calling Event = "call"    // the outside call moved; the state did not
	Note    Event = "note"    // a fact worth keeping was learned; the state did not move
	Wish    Event = "wish"    // a person asked for something that has to wait: cancel when settled
	PickUp  Event = "pick-up" // whoever had it in hand went silent; the state did not move
	BackUp  Event = "backed-up"
	Upgrade Event = "upgraded"
	Verify  Event = "verified"
	Finish  Event = "finish"
	Fail    Event = "fail"

	Revert    Event = "revert"     // handed over to a revert
	Undo      Event = "undo"       // the revert succeeded
	KeepWatch Event = "keep-watch" // the revert was called off: watching goes on
	KeepDone  Event = "keep-done"
	KeepFail  Event = "keep-failed"

	Rehearse Event = "rehearsed"
	Close    Event = "closed"
	Save     Event = "saved"
	Delete   Event = "deleted"
	Create   Event = "created"
	Import   Event = "imported"
	Reopen   Event = "reopen"
)

// ended are the states in which a session lets go of its database. Some still
// have a way on: a revert takes the database again.
var ended = []State{Done, Denied, Expired, Cancelled, Failed, Reverted}

// Ended reports whether a session in this state has let go of its database.
func Ended(s State) bool { return slices.Contains(ended, s) }

// lifeVersion is pinned in every record. A change of the tables that older
// records cannot follow gets a new version beside this one.
const lifeVersion = 1

// Lives are the tables as the store looks moves up in them.
func Lives() []session.Life {
	var lives []session.Life
	for _, name := range Kinds() {
		life := session.LifeOf(string(name), lifeVersion, kindRows[name].life, Ended)
		life.Also = countedAlso
		lives = append(lives, life)
	}
	return lives
}

// CountedUnknown is the word under which sessions are counted whose call has no answer.
const CountedUnknown = "unknown"

// countedAlso is how a session is counted beside its state.
func countedAlso(body []byte) string {
	var b struct {
		Call *struct {
			Phase Phase `json:"phase"`
		} `json:"call"`
	}
	if json.Unmarshal(body, &b) == nil && b.Call != nil && b.Call.Phase == Unknown {
		return CountedUnknown
	}
	return ""
}

// Diagrams are the lives as Mermaid state diagrams, keyed by kind, and "call", for the
// documentation.
func Diagrams() map[string]string {
	out := map[string]string{"call": calls.Transitions.Mermaid("")}
	for name, k := range kindRows {
		out[string(name)] = k.life.Mermaid("")
	}
	return out
}
