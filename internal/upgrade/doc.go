// Package upgrade is what this bot is for: it upgrades a Redis Cloud database
// after people said yes, and takes it back when people ask for that.
//
// # Sessions
//
// Both jobs are sessions: durable state machines whose record lives in Redis
// (package session). The tables in life.go are every move they can make;
// [Engine] is the only caller that moves one. Whatever a person wants arrives
// through [Engine.Propose], [Engine.ProposeRevert], [Engine.Approve], [Engine.Deny],
// [Engine.Cancel], [Engine.Recheck] and [Engine.Settle], which answer with the
// moved session or a [Refusal] in words for the person.
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
// Redis Cloud's changing calls are not idempotent, so each has a small life of
// its own (call.go): it is planned, the world is read again, the intent and a
// send deadline are written, then the request leaves (package calls) through a
// connection that refuses to write after the deadline. An answer settles it. Without an answer
// nobody sends again: after the deadline a harmless status task goes behind
// the account's serial queue; when it has ended, everything before it was
// processed, and the call's own rule reads what happened. What cannot be read
// goes to people as an unknown call.
//
// The promise: at most one accepted call per recorded intent, as long as Redis
// keeps what it acknowledged; upgrade and import at most once per session.
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
