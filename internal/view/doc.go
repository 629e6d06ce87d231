// Package view draws what people see in Slack: pure functions from values to
// Block Kit. No client, no store, no clock: values in, blocks out, so one
// golden file per state is a whole test, and the sandbox's gallery is a list
// of named sample values.
//
// Buttons come from what the engine says is possible, so the screen cannot
// offer what the engine refuses. Every button carries session and ask in its
// value ([Target]), so an old click is recognised and answered kindly.
//
// Text from outside (names, reasons, errors) is escaped in one place, [Escape],
// and cut to Slack's limits in one place, [Cut].
package view
