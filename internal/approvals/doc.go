// Package approvals says who may decide, how many it takes, and until when. It
// is pure policy over recorded decisions: it asks nobody, stores nothing and has
// no clock; whoever calls it brings the people as they were just looked up, the
// decisions so far, and the time.
//
//   - [Policy.May] is asked at the click: may this person say this now? The
//     answer is nil or a [*Refusal], which holds the reason in words for that
//     person and who could do it instead.
//   - [Policy.Outcome] reads the decisions: [Pending], [Approved], [Denied] or
//     [Expired].
//   - [Policy.Recheck] is asked when an approval is about to be used, with the
//     people looked up again: who has lost the right since then no longer counts.
//
// A decision binds to what was asked: the plan's hash and the number of the ask.
// The number moves only when what is asked changes, so votes of different people
// never make each other stale, and an edited plan voids what was said about the
// old one. The same person counts once, any denial wins, and where four eyes are
// wanted an author (whoever asked for it or edited the plan) counts not at all.
//
// What cannot be known is a no: a person whom Slack could not name, or whose
// groups it could not list, decides nothing.
//
// # Upgrade and revert
//
// [Upgrade]: approvers decide, never on their own request. Being on call gives no
// vote.
//
// [Revert]: it deletes a database, so it always takes two people, whatever the
// configuration says. Approvers decide; on-call "counts as one of the two", which
// is read here as: all on-call votes together count as at most one, so at least
// one approver is always among the two. Somebody who is both votes as an approver.
// Their own request is allowed, since a revert is often asked for by those who have
// to decide it at night, and the second person is the check.
package approvals
