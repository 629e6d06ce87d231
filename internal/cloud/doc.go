// Package cloud is the Redis Cloud REST API as Go methods, values and typed
// errors: one method per endpoint, one path for request, decoding and error.
//
// # Reads and changes
//
// A [Client] only reads; what changes anything is a method of [Changes], which is
// built apart from it, so whoever holds a Client can change nothing.
//
// A read may be repeated, so it is: 429, 408, 500, 502, 503, 504 and
// connection trouble are tried again with growing, jittered pauses, up to ten
// times within the context. Reading the state of a backup or an import makes a
// task at Redis Cloud but changes nothing, so it counts as a read.
//
// A change is sent at most once. No changing call of the API is idempotent and
// there is no idempotency key, so a change travels on a connection of its own
// that is dialled for it, never reused, never redirected and never retried. A
// fence under TLS refuses to write once the send deadline (WithSendDeadline)
// has passed on the wall clock; a process that was frozen and thawed cannot
// send late. A change without a send deadline is refused.
//
// # What a change answers
//
// Every changing call ends in one of three ways, and callers tell them apart
// with errors.Is and errors.As:
//
//   - nil: accepted, and the answer is at hand (mostly a Task, whose end is
//     only "planned", not "done");
//   - it did not happen: Rejected, Denied, RateLimited, ErrNotFound, NotSent
//     (DidNotHappen reports all of them);
//   - Unknown: the request may have left and no answer came (timeout, cut
//     connection, 5xx, an answer nobody can read). Only reading the world back
//     can tell.
//
// # Trust
//
// What arrives is decoded leniently: unknown status words are kept, times and
// numbers may come in several forms, and a field of a wrong type is dropped
// rather than the whole answer. Passwords are Secret and storage addresses are
// URI: both print redacted everywhere and give their value only when asked.
// Texts from the server pass through a scrubber before they become an error.
//
// The package deletes databases but has no method that deletes a subscription
// or flushes a database, and it imports nothing else of this program.
//
// API reference: https://redis.io/docs/latest/operate/rc/api/api-reference/
// (each method names its operation there).
package cloud
