// Package slackemu is a strict emulator of the parts of Slack that a Socket
// Mode app uses: Web API, Socket Mode and the person at the keyboard. It speaks
// Slack's wire protocol from its own types (plain JSON objects) and shares none
// with any client library, so a wrong field name cannot pass on both sides.
//
// # Shape
//
// A [Server] has two faces. [Server.API] is what an app sees: methods under
// /slack/api/, the socket at /slack/link, response URLs and uploads.
// [Server.Hooks] is what the page and end-to-end tests see: what a person does
// (type a command, click, choose, submit), what a person sees, and the faults.
// Between them lies one world behind one mutex, [Server.mu]: rooms with their
// messages, view stacks, triggers, sockets, envelopes in flight, journals.
// Nothing is written to a network while the mutex is held. Block trees are
// immutable once stored, which is why answers may share them.
//
// # Strictness
//
// Everything that Slack refuses is refused here, in Slack's words: unknown
// tokens and scopes, rate limits, Block Kit limits (all problems at once),
// triggers older than three seconds or used twice, stale view hashes,
// acknowledgements that are late, too large or malformed. Where Slack's
// behaviour is not documented the unkind reading was chosen: an
// acknowledgement that arrives on another connection than the envelope does
// not count, and a redelivered event has a new envelope id.
//
// # Held to real clients
//
// Two clients that were not written here run unmodified against it in the
// tests: slack-go, and Slack's own framework @slack/bolt (testdata/bolt, which
// needs Node.js and fetches its packages by "npm ci" once).
//
// # Other workspaces
//
// There is one workspace, until a hook adds a partner's, reached by Slack
// Connect, or an Enterprise Grid organisation around it: see organisation.go.
//
// # Time
//
// Visible times come from [Config.Now]. Slack's three-second rules run on real
// timers and are never scaled. [Config.Speed] multiplies rate limits and
// divides the delays between redeliveries of an event.
//
// Web API: https://docs.slack.dev/apis/web-api/ ·
// Socket Mode: https://docs.slack.dev/apis/events-api/using-socket-mode/ ·
// Block Kit: https://docs.slack.dev/reference/block-kit/
package slackemu
