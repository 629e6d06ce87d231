// Package cloudemu is a strict emulator of the Redis Cloud REST API, with real
// keys inside its databases. It speaks the wire protocol from its own types
// and shares none with any client, so a wrong field name cannot pass on both
// sides.
//
// A [Server] is one Redis Cloud account. It has two doors: [Server.API], what
// a client sees, and [Server.Hooks], what a page or a test drives: ledger of
// accepted calls, contents of databases, stored backup files, faults, and the
// people who click in the cloud console.
//
// # Time
//
// There are no timers and no goroutines. Whatever will happen later (a task
// that ends, a database that becomes active, an application that writes) is an
// entry in one list ordered by time. Every request first plays the entries
// that have become due, in order, each at its own time; then it is answered.
// Config.Speed divides the durations; when it changes, what is still to come
// moves along. Config.Now may jump forward.
//
// # Life of a changing call
//
// HTTP level first, as the real service does it: keys, rate limit, strict JSON
// (an unknown field or enum word is a 400). Then a task is queued and the call
// is answered; the domain is checked only when the account's single worker
// takes the task up, so most refusals arrive inside the task. A task that
// completed has only started its work: the state of the database tells the rest.
//
// # Keys
//
// Databases hold keys and values; a backup file holds a copy of those of its
// shard, an import puts them back, and what the real service wipes is wiped.
// Applications write in the background through an address and a password, so a
// closed door stops them and a database rebuilt under the same address and
// password gets them back.
//
// # Faults
//
// Each unkindness of the real service is a named switch (see faults.go), on
// for a number of times or until switched off, for all calls or those whose
// "METHOD path" contains a text. Others in the same account (foreign.go) create
// databases by hand and call the API with keys of their own.
package cloudemu
