// Package chaos proves the promises of docs/reliability.md with real processes:
// cmd/bot replicas and cmd/sandbox as they are built, and redis-server.
//
// It holds tests only. Replicas are killed, frozen and thawed, Redis fails over,
// fills up or goes away, Slack's sockets are refreshed, while people upgrade
// databases and take upgrades back; then the emulators' ledgers and what people
// see in Slack are judged, never the bot's own memory.
//
// `go test` runs the short forms, within two minutes; without redis-server they
// are skipped, except where CI=true. `make chaos CHAOS=5m` runs the long ones,
// with up to 200 sessions, and the measurements that docs/benchmarks.md holds.
// Every run prints its seed; CHAOS_SEED repeats its choices, though not the
// timing of other processes. CHAOS_LOGS names a folder for what the processes said.
package chaos
