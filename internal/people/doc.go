// Package people says who someone is in Slack: their name and time zone, whether
// they are a guest, a bot, deactivated or from another workspace, and in which of
// the groups that matter they are. Rights hang on these answers, so the package
// makes two promises:
//
//   - Nothing older than a minute is believed. Somebody who was taken out of a
//     group a minute ago decides nothing.
//   - What Slack does not say is unknown, and unknown means no: any failing call,
//     a rate limit included, makes the whole answer an error and leaves
//     [Person.Known] false. An old yes is never given instead. A group that Slack says
//     does not exist is no failing call: it has no members, and the others count.
//
// Our own are the members of the workspace, also those whose home is another
// workspace of the same organisation; where the app is installed for the whole
// organisation, all its people are. Somebody with an id of the workspace and one of
// the organisation is one person, [Person.ID] is the same for both.
//
// Within that minute answers come from memory, because usergroups.users.list
// allows only 20 calls a minute (tier 2,
// https://docs.slack.dev/apis/web-api/rate-limits): each group is read at most once
// per age, however many people click at once, and everybody who asks meanwhile waits
// for the same answer. After a 429 no call of that method leaves until the time
// that Slack named has passed.
package people
