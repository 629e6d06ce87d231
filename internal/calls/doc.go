// Package calls carries the requests that change Redis Cloud from plan to end, and is the
// one place from which such a request leaves.
//
// # Sending
//
// It alone holds a [cloud.Changes] (a test holds every other package to that), and it
// sends nothing but a [Request] that its constructors made, with an [Order] that says what
// allows it. [Sender.Send] is the whole way out, in this order:
//
//  1. the mode and the allow list permit it, and it is not the store of the bot itself;
//  2. the database that it changes is read back: same id, same name, created when the
//     approved one was;
//  3. the session's whole sealed journal is verified;
//  4. the intent is written, by a script that refuses while the bot is paused, after the
//     approval has lapsed, or when the session has lost the lock of its database;
//  5. the request leaves, through a connection that refuses to write after the deadline
//     that stands in the intent.
//
// # From plan to end
//
// Redis Cloud's changing calls are not idempotent, so each has a small life of its own
// ([Transitions]), written ahead into the record of its session. [Runner.Run] makes one
// move of it, whatever replica made the last one: a planned call takes its locks (lock.go)
// and is sent (run.go); an answer settles it or has its effect followed; without an answer
// nobody sends it again. After the send deadline a harmless status task is queued behind it
// (recover.go): when that has ended, everything before it was processed, and the call's own
// rule reads what happened. What cannot be read becomes an unknown call, which people
// decide.
//
// The promise: at most one accepted request per recorded intent, as long as Redis keeps
// what it acknowledged.
//
// The package knows no kind of session. What a call is stands in a [Spec], and the session
// that it belongs to is a [Case], through which every move is written.
package calls
