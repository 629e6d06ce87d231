// Package inventory knows what the account owns: every Redis Cloud database of
// every subscription, Pro and Essentials, which Redis versions are offered to
// it, and which databases feed which.
//
// # One reader, many copies
//
// Slack gives three seconds, and an account can hold ten thousand databases
// behind 400 calls a minute. So nothing a person waits for calls Redis Cloud:
// [Index.Search], [Index.Find], [Index.Get], [Index.Near] and [Index.All] answer
// from an immutable view in memory, which is swapped as a whole. A view is never
// changed after it was swapped in, therefore readers take no lock.
//
// The view is made from a snapshot in Redis that all replicas share. Run looks
// every few seconds whether there is a newer one and loads it. When the snapshot
// is due, the replica that gets the lease reads the account and publishes; the
// lease is renewed while it reads, and the script that publishes compares the
// lease's token, so that a replica that was frozen meanwhile cannot overwrite
// newer facts with older ones. Losing the snapshot costs one reading, nothing else.
//
// # Old facts rather than none
//
// An error keeps what was known before. One subscription that cannot be listed
// keeps its last databases, marked with the time they were last read
// ([Entry.Stale]); if nothing at all can be listed, the old snapshot stays, and
// [Index.Age] grows. What is about to be changed must be read again from
// [cloud] anyway: the inventory suggests, it never decides.
//
// # No secrets
//
// Passwords, backup destinations and the user part of replication sources do not
// enter the snapshot: the stored form is a struct of its own, filled field by field.
package inventory
