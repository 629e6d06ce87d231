// Package importlaw holds the package map as data and a test that fails on any
// import which the map does not allow. It has no code of its own: the law is in
// law_test.go, the test that enforces it in importlaw_test.go.
//
// Imports only go one way:
//
//	cmd/bot ─────► bot ──► commands ─┐              ┌► session
//	                   ──► thread ───┴► view ──► upgrade ► approvals | inventory ► cloud | releases
//	cmd/sandbox ─► sandbox ──► bot, slackemu, cloudemu, web
//
// A new package, a new dependency or a new arrow is one changed row there, made on
// purpose and seen in review. The law is for the programs; test files may import
// what they need.
//
// The manifest of the Slack app is checked here as well, since it belongs to no
// package.
package importlaw
