// Package scenario plays whole conversations, written as text that a
// non-programmer can follow, against a sandbox:
//
//	ann: /redis-upgrade cache-prod
//	ann sees the modal "Upgrade a database"
//	ann picks version "8.2"
//	ann writes reason "Need the new hash commands"
//	ann submits
//	see the card "Upgrade cache-prod: 7.2 → 8.2"
//	bob clicks "Approve"
//	the card is "done"
//	the cloud did for cache-prod: backup, upgrade
//
// README.md beside this file explains the language; the sentences are the table
// in sentences.go, and a test keeps both in step.
//
// A [Player] knows a sandbox by its address only and drives it through the
// hooks, so the same files run against an embedded sandbox, one whose bot is
// another process, or one in a testing/synctest bubble. A sentence that looks
// waits until it is true; one that acts must be acknowledged. A failure names
// file and line, what was expected and what is there.
package scenario
