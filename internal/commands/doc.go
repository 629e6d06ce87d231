// Package commands answers somebody who just acted: a slash command, a click,
// a submitted modal, a shortcut, a mention.
//
// The order is always the same: receive, record, acknowledge, open the modal
// if one is wanted, authorise and load, update or answer. Slash commands and
// clicks that only open a modal are safe to lose and are acknowledged at once.
// What decides something (a vote, a cancel, a submitted modal) goes into the
// inbox first, under its envelope's id and already claimed by this replica; if
// this replica dies, another one works it off when the claim lapses. If it
// cannot be recorded in time there is no acknowledgement, so that the person
// sees Slack's error instead of silence, and it is not carried out later.
//
// Recording and acknowledging wait for nobody else's answer. What one person may
// have in hand is bounded per kind of work, so that one person's flood, or one
// person's hanging form, is nobody else's.
//
// Modals are validated before they are acknowledged, from warm data only. What
// only a look at Redis Cloud can tell is answered privately afterwards. Every
// answer has time of its own: it also comes when the work on which it reports ran
// out of time. Nothing about databases or sessions is shown to somebody of whom
// Slack has not said who they are.
//
// Everything here may be lost without harm to a session; what must arrive is
// package thread's business.
package commands
