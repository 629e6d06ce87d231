// Package calls is the one place from which a request that changes Redis Cloud leaves.
//
// It alone holds a [cloud.Changes] (a test holds every other package to that), and
// it sends nothing but a [Request] that its constructors made, with an [Order] that says
// what allows it. [Sender.Send] is the whole way out, in this order:
//
//  1. the mode and the allow list permit it, and it is not the store of the bot itself;
//  2. the database that it changes is read back: same id, same name, created
//     when the approved one was;
//  3. the session's whole sealed journal is verified;
//  4. the intent is written, by a script that refuses while the bot is paused, after the
//     approval has lapsed, or when the session has lost the lock of its database;
//  5. the request leaves, through a connection that refuses to write after the deadline
//     that stands in the intent.
//
// Whoever dies in between leaves an intent or nothing. What becomes of an intent without
// an answer is the caller's to find out, by reading; nobody sends it again before.
//
// The package knows no session: it writes through a [Ledger], which its caller is.
package calls
