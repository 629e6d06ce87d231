// Package cloudtest proves that the client of Redis Cloud (package cloud) and
// its emulator (package cloudemu) agree with the published API, and that every
// unkindness of the service ends as designed. It holds tests only.
//
//   - Conformance: a recorder stands between client and emulator; whatever
//     either says is held to Redis Cloud's OpenAPI description. Where reality is
//     known to differ, differences says so and why, and a row that nothing needs
//     any more fails. The description is not part of this repository; without
//     it these tests are skipped.
//   - Official client: the sequences that Redis's own Go client relies on, such
//     as paging and patience with young tasks, are played against the emulator.
//   - Faults: every fault that the emulator can switch on meets both lives of a
//     session, an upgrade and an upgrade taken back; fates says how each ends.
//   - Plans: what the bot says to each kind of database before it begins.
//   - Smoke: `make smoke` reads a real account, and can do nothing but read.
package cloudtest
