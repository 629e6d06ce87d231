// Package bench holds the benchmarks of the product as a whole, and nothing
// else: `make bench` runs them, docs/benchmarks.md tells what came out.
//
// # What is measured
//
// The unmodified bot, over the wires it has in production: a real redis-server
// process that appends to a file, a real WebSocket and real HTTP on loopback,
// the emulators of Slack and Redis Cloud at the other end. Where a bar speaks of
// memory or of starting, the bot is the production binary in a process of its own.
//
// # Against what
//
// Every figure stands beside a baseline of the same run: the least that could
// do the job (a bare slack-go handler that records nothing, one plain SET, a
// substring scan). The two take turns, sample by sample or in short rounds, so
// that a noisy machine disturbs both alike; the ratio is the figure to trust.
//
// # What is promised
//
// Numbers are reported, never asserted: a benchmark fails when something is
// broken, not when it is slow. Each run is bounded, starts its own servers on
// free ports of this machine and ends them; without redis-server on the PATH
// the benchmarks that need it skip.
package bench
