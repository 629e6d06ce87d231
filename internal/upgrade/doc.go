// Package upgrade is what this bot is for: it upgrades a Redis Cloud database
// after people said yes, and takes it back when people ask for that.
//
// # Sessions
//
// Both jobs are sessions: durable state machines whose record lives in Redis
// (package session). Each kind has one row (kind_upgrade.go, kind_revert.go): every move it
// can make, what is done in each state, who decides, and how it ends; [Engine] is the only
// caller that moves one. Whatever a person wants arrives through [Engine.Propose],
// [Engine.ProposeRevert], [Engine.Approve], [Engine.Deny], [Engine.Cancel],
// [Engine.Recheck] and [Engine.Settle], which answer with the moved session or a [Refusal]
// in words for the person.
//
// # Looks
//
// Everything else happens in looks. A session that is due is claimed under a
// lease, loaded, and its state's step runs: it reads the world and makes at
// most a few moves, each durable before the next. A process that dies is
// forgotten; the next look, by whoever makes it, runs the same code from what
// the record says. There is no recovery code beside the steps.
//
// # Outside calls
//
// A step that changes something in Redis Cloud hands a call to package calls, which
// carries it from plan to end, and says what its end means for the session (call.go,
// answer.go). The two files calls_*.go say of each call how it is sent and how it is seen
// to have happened. Upgrade and import are sent at most once per session.
//
// # What is never done
//
// Nothing is sent that people did not approve in the form in which they saw
// it: an approval binds to the plan's hash, and if the plan or a decisive fact
// moves, it is void and asked again. The safety rules that refuse a request and the
// facts on which a card rests are one list (gates.go): the form, the request, the
// check after the approval and the last moment before the call that cannot be taken
// back judge with it, over facts that were just read.
// A delete needs two people, a rehearsed import, and a safety backup behind a
// closed door. Until the delete, Cancel reopens the door.
package upgrade
