// Package slacksocket receives what people do in Slack, over Socket Mode
// (https://docs.slack.dev/apis/events-api/using-socket-mode/): two WebSocket
// connections per replica, so that one is there while Slack refreshes the other.
//
// Slack waits three seconds for an acknowledgement, and takes it on no other
// connection than the one on which the payload came. So a connection that ends, for
// whatever reason, is kept until what is owed on it is acknowledged, while the next
// one is opened beside it. Without a store nothing could be recorded, so the
// connections are closed until it is back, and other replicas get the payloads.
//
// slack-go keeps connections too, but it does not tell why Slack ended one, takes up
// to a minute to notice silence, waits for a hello without end, and drops a connection
// with a warning at once, with the acknowledgements that are owed on it. And it loses a
// click on a message that holds anything it cannot decode, where [Decode] reads ids only.
package slacksocket
