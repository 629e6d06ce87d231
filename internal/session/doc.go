// Package session is the bot's memory: a durable state machine in Redis, and the
// only state there is. Processes are disposable; everything they must not forget
// goes through a [Store].
//
// # Sessions
//
// A session is one durable piece of work. Its [Record] names a kind, a state of
// that kind's life ([Table]), a revision, and a body that only the kind reads.
// [Store.Advance] is the only way a session moves, and one script does it:
// compare revision and journal head, check who holds the databases, append to
// the journal, write the record, move the timers. All of it happens or none.
//
//	err == nil          stored; the record returned is the new one
//	ErrNotAllowed       the life has no such move; nothing was written
//	ErrStale            somebody moved it first; load, think again
//	ErrHeld             another session may act on the database (a *HeldError)
//	ErrExists           this opening was stored before; here is its record
//	ErrUnavailable      no answer: it may or may not be stored; never half
//	ErrUnconfirmed      stored, but on fewer replicas than asked
//
// Every move carries a nonce, kept in its journal entry, so a script repeated
// after a lost reply answers "stored", however far the session has moved since.
//
// The journal is appended first, under the explicit id <revision>-1: Lua does not
// roll back, so the first write is the one that can refuse (memory limit,
// read-only replica, a journal that is ahead of its record). Each entry carries
// an HMAC over itself and the one before, under a key that Redis never sees; the
// last one is the record's head. Each load holds the record against the last entry
// and says in [Record].Doubt when they do not belong together; such a record cannot be
// moved, so no forgery gets a valid seal from the next honest move. [Store.Verify]
// proves the whole chain. An older record put back together with its older journal
// passes every seal: a process remembers how far it has seen each open session and
// doubts a record that lies before a move with [Move].Confirm; besides, every move is
// a log line that names its head. [Store.Release] takes a doubted record into a new
// journal once enough people vouch for it.
//
// A database belongs to at most one session: an opening takes it, a [Hold] hands
// it over, and the move into an ended state releases whatever is still held.
//
// # Time
//
// Every due date, lease and pause is measured by Redis' clock without its steps
// (see clock.go), in whole milliseconds, so that replicas with different clocks
// agree, and neither a clock that is set nor a failover to a server with another
// one changes a wait. [Store.Now] is that time; [Store.Ping] keeps it. [Move].At is
// for people only. Correctness never hangs on a key's expiry.
//
// # Fenced queues
//
// [Store.Due] (sessions to look at), [Store.Dirty] (cards to draw) and
// [Store.Inbox] (what people did) are one primitive, [Queue]: a sorted set whose
// score is the next look. [Queue.Claim] moves the score to the end of the lease
// and hands it out as the token; [Queue.Done], [Queue.Reschedule] and
// [Queue.Renew] act only while the score still is the token; a state change sets
// the score without asking. So whoever was slow, frozen or overtaken is refused,
// and whoever died is followed after one lease. A score is milliseconds × 1000
// plus three digits of a counter, so no two writes of one member make the same.
//
// # Turns, budgets, flags, threads
//
// A turn ([Store.TakeTurn]) is a mutual exclusion held by a session, not by a
// process: it survives every restart and falls when the session ends. A budget
// ([Store.TakeBudget]) is a rate shared by all replicas. A flag is one word that
// all replicas see. The thread of a session ([Store.RunThread]) is a hash beside its
// record, in which package thread keeps what it has drawn, so that drawing never
// races the engine.
//
// # Keys
//
// All names are made in keys.go, under one prefix and one hash tag, and every
// script names every key it touches, but for the clock's: the same code runs on a
// single server, Sentinel and Cluster. The server must not evict (maxmemory-policy noeviction).
package session
