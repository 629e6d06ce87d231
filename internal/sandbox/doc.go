// Package sandbox is the whole product in one process, to be tried and tested:
// both emulators, an in-memory Redis, the page, and the unmodified bot among
// them, on one address.
//
// # What stands where
//
//	/            the page (package web)
//	/events      pokes for the page: something changed
//	/slack/…     Slack's Web API and Socket Mode (package slackemu)
//	/cloud/v1/…  the Redis Cloud API (package cloudemu)
//	/hooks/…     what the page, scenario files and tests drive
//
// Page and emulators answer at once. Hooks answer 503 until the embedded bot
// has its first socket and inventory, so that whoever waits for a 200 can begin
// at once; once open they stay open, whatever happens to the bot.
//
// # The bot
//
// It is built by [bot.New] from a configuration that [New] makes up: the
// emulators' tokens and keys, MODE=full, every interval divided by the speed.
// Nothing is read from the environment, so real tokens in a shell stay unused.
// With Config.NoBot the same configuration is printed for another process.
//
// # Time
//
// One [Clock] serves everybody: wall time plus an offset that only grows. Speed
// divides what the emulators emulate; Slack's three seconds stay three seconds.
// The in-memory Redis reads the same clock whenever a script runs.
//
// # In a bubble
//
// With a Listener and a Dial in memory (package memnet) everything runs inside a
// testing/synctest bubble, where an hour passes in milliseconds.
package sandbox
