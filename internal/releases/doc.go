// Package releases knows the Redis versions that a Redis Cloud database can
// have: their order and support dates, which dump loads into which, and what
// changes for applications between two of them.
//
// It is a table with a few pure questions. The facts live in data/, one file
// per version, embedded into the binary; data/README.md explains every field,
// the rules, and how one would see a change coming in a running database.
// Nothing here talks to anybody: which targets a database really has is answered
// by the Redis Cloud API alone, and a version that this table does not know is
// Unknown, never guessed.
//
// Three things are easy to get wrong and are decided here once:
//
//   - 8.10 is newer than 8.6. Versions are two numbers, never text.
//   - Crossing a version brings its changes too: 7.2 to 8.2 crosses 7.4, 8.0 and
//     8.2 ([Crossed], [Between]).
//   - A dump loads only where its format is known ([Loads]). That decides, before
//     an upgrade, whether there will be a way back and by which backup.
package releases
