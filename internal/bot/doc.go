// Package bot is the assembly: the one place that knows every part. It reads
// and validates the configuration, wires the parts by hand, top to bottom, and
// runs their long-lived goroutines until its context ends.
//
// The sandbox and the end-to-end tests run this same bot, unmodified; what
// differs is [Config] (where Slack, Redis and Redis Cloud are) and [Parts]
// (one dial function, one clock, one source of chance), so that whole
// conversations also run in a testing/synctest bubble over in-memory pipes.
//
// A replica is disposable: it keeps nothing that is not in Redis. Any number
// may run; there is no leader.
package bot
