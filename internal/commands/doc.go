// Package commands answers somebody who just acted: a slash command, a click,
// a submitted modal, a shortcut, a mention.
//
// The order is always the same: receive, record, acknowledge, open the modal
// if one is wanted, authorise and load, update or answer. Slash commands and
// clicks that only open a modal are safe to lose and are acknowledged at once.
// What decides something (a vote, a cancel, a submitted modal) goes into the
// inbox first, under its envelope's id and already claimed by this replica; if
// this replica dies, another one works it off when the claim lapses. If it
// cannot be recorded within [recordTimeout] there is no acknowledgement, so
// that the person sees Slack's error instead of silence.
//
// Modals are validated before they are acknowledged, from warm data only. What
// only a look at Redis Cloud can tell is answered privately afterwards.
//
// Everything here may be lost without harm to a session; what must arrive is
// package thread's business.
package commands
