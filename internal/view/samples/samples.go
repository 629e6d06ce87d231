// Package samples draws what people can see from made-up values: for the sandbox's
// gallery, and for the golden files of package view.
package samples

import (
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// Sample is one thing that people can see, drawn from made-up values. Exactly
// one of Message, Modal and Home is set.
type Sample struct {
	Name    string // unique; also the name of its golden file
	Note    string // when it is seen
	Message *view.Message
	Modal   *slack.ModalViewRequest
	Home    *slack.HomeTabViewRequest
}

// All are all cards, modals and notices side by side, the same every time.
func All() []Sample {
	var out []Sample
	for _, group := range [][]Sample{upgradeSamples(), revertSamples(), nastySamples(), doubtedSamples(), requestSamples(), modalSamples(), noticeSamples(), answerSamples(), milestoneSamples(), listSamples()} {
		out = append(out, group...)
	}
	return out
}

// Card is the card of a session.
func Card(name, note string, s upgrade.Session) Sample {
	return cardUnder(name, note, Policy(), s)
}

func cardUnder(name, note string, p view.Policy, s upgrade.Session) Sample {
	m := view.Card(s, p)
	return Sample{Name: name, Note: note, Message: &m}
}

// Message is a sample of a message.
func Message(name, note string, m view.Message) Sample {
	return Sample{Name: name, Note: note, Message: &m}
}

// Modal is a sample of a modal.
func Modal(name, note string, v slack.ModalViewRequest) Sample {
	return Sample{Name: name, Note: note, Modal: &v}
}

func upgradeSamples() []Sample {
	scheduled := With(Upgrade(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.NotBefore = Noon.Add(9 * time.Hour) })
	two := Policy()
	two.Upgrades = approvals.Upgrade(2)
	waiting := With(Upgrade(upgrade.Approved), func(s *upgrade.Session) { s.Plan.NotBefore = Noon.Add(9 * time.Hour) })
	return []Sample{
		Card("upgrade-proposed", "Just asked for: approvers read this.", Upgrade(upgrade.Proposed)),
		Card("upgrade-proposed-pending", "Asked for while another upgrade keeps the subscription pending.", With(Upgrade(upgrade.Proposed), func(s *upgrade.Session) {
			s.Facts.SubStatus, s.Facts.Backup.Known = "pending", false
		})),
		cardUnder("upgrade-proposed-scheduled", "Asked for tonight; one of two has approved.", two, With(scheduled, Voted(Bob))),
		Card("upgrade-approved", "Approved; it begins within seconds.", Upgrade(upgrade.Approved)),
		Card("upgrade-approved-scheduled", "Approved with a start; it can still be denied.", waiting),
		Card("upgrade-checking", "Preflight: the world is read again.", Upgrade(upgrade.Checking)),
		Card("upgrade-blocked", "Preflight refuses, and says what would help.", With(Upgrade(upgrade.Blocked), func(s *upgrade.Session) {
			s.Problem = "catalog-prod feeds catalog-replica (7.2) through Active-Passive. A target must not be older than its source, so targets go first. Upgrade catalog-replica to 7.4 or later, then ask again."
		})),
		Card("upgrade-backing-up", "The backup runs.", With(Upgrade(upgrade.BackingUp), Doing(0, "backup running since 12:09 UTC"))),
		Card("upgrade-backing-up-cancelling", "Cancel was clicked while the backup runs.", With(Upgrade(upgrade.BackingUp), Cancelled(Ann), Calling("backup", upgrade.Sent))),
		Card("upgrade-waiting-turn", "Other upgrades of the account come first.", With(Upgrade(upgrade.Upgrading), Doing(0, "waiting for its turn: 2 ahead in this subscription"))),
		Card("upgrade-upgrading", "The upgrade runs.", With(Upgrade(upgrade.Upgrading), Doing(62, "shard 1 of 2"), Calling("upgrade", upgrade.Sent))),
		Card("upgrade-unknown-call", "No answer came; the outcome is unknown.", With(Upgrade(upgrade.Upgrading), Calling("upgrade", upgrade.Unknown))),
		Card("upgrade-verifying", "Nothing is believed that is not read back.", With(Upgrade(upgrade.Verifying), Doing(0, "waiting for the database: pending"))),
		Card("upgrade-soaking", "Monitored for half an hour.", Upgrade(upgrade.Soaking)),
		Card("upgrade-done", "Done; it can be reverted.", Upgrade(upgrade.Done)),
		Card("upgrade-done-not-revertible", "Done; the old version cannot be created any more.", With(Upgrade(upgrade.Done), func(s *upgrade.Session) {
			s.Plan.Database, s.Facts.AutoMinor = "essentials/104511/73002", true
			s.Facts.WayBack = upgrade.WayBack{Text: "Essentials databases cannot be created anew on the same port; a revert is a restore into another database, by hand."}
		})),
		Card("upgrade-failed", "Redis Cloud refused the upgrade.", With(Failed(upgrade.Upgrading), func(s *upgrade.Session) {
			s.Problem = "Redis Cloud refused the upgrade: the target version 7.4 is not available for this database"
		})),
		Card("upgrade-failed-unmoved", "It failed at the old version: looked at for a day.", With(Failed(upgrade.Upgrading), func(s *upgrade.Session) {
			s.Upgrade.Sent, s.Upgrade.Unmoved, s.Problem = Noon.Add(32*time.Minute), true, "The upgrade failed: Redis Cloud reports the upgrade to 7.4 as failed; the database reads 7.2, active"
		})),
		Card("upgrade-failed-arrived", "It arrived after all: revert is offered.", With(Failed(upgrade.Upgrading), func(s *upgrade.Session) {
			s.Upgrade.Sent, s.Upgrade.Arrived = Noon.Add(32*time.Minute), Noon.Add(3*time.Hour)
			s.Problem = "The upgrade failed: Redis Cloud reports the upgrade to 7.4 as failed; the database reads 7.2, active. cache-prod is on 7.4 now, although Redis Cloud reported the upgrade as failed."
		})),
		Card("upgrade-failed-while-monitored", "It fell over after the upgrade: revert is offered.", With(Failed(upgrade.Soaking), func(s *upgrade.Session) {
			s.Problem = "While being monitored, cache-prod turned to version 7.4, status error."
		})),
		Card("upgrade-denied", "Somebody said no.", With(Upgrade(upgrade.Denied), Denied(Carol, "Black Friday freeze until Monday. Ask again then, and please try 7.4 on staging first."))),
		Card("upgrade-expired", "Nobody decided in time.", Upgrade(upgrade.Expired)),
		Card("upgrade-cancelled", "Called off by its requester.", With(Upgrade(upgrade.Cancelled), Cancelled(Ann))),
		Card("upgrade-reverting", "A revert has taken over.", With(Upgrade(upgrade.Reverting), Linked)),
		Card("upgrade-reverted", "Taken back.", With(Upgrade(upgrade.Reverted), Linked)),
		Card("upgrade-revert-failed", "Its revert failed after the delete.", With(Upgrade(upgrade.Failed), Linked)),
	}
}

func revertSamples() []Sample {
	left := func(s *upgrade.Session) {
		s.Revert.Loose = []string{
			"bind the ACL role shop-app (Read-Write) to database id 51177: Redis Cloud refused: the user needs the role Owner",
			"the endpoint was redis-12010.c1.us-east-1-2.ec2.cloud.redislabs.com:12010 and is redis-12010.c7.us-east-1-2.ec2.cloud.redislabs.com:12010: clients must be told",
		}
	}
	return []Sample{
		Card("revert-test-restore", "Before anybody is asked: the backup is tried out.", With(Revert(upgrade.Rehearsing), Doing(0, "importing into cache-prod-rehearsal-k3v9qd"))),
		Card("revert-proposed", "Two people decide on the deletion.", Revert(upgrade.Proposed)),
		Card("revert-proposed-one-vote", "One of two has approved.", With(Revert(upgrade.Proposed), func(s *upgrade.Session) { s.Decisions = votes(s, Dan); s.Decisions[0].OnCall = true })),
		Card("revert-approved", "Approved.", Revert(upgrade.Approved)),
		Card("revert-closing", "Client access is being blocked.", With(Revert(upgrade.Closing), Calling("close door", upgrade.Sent))),
		Card("revert-saving", "Backup of the upgraded data, client access blocked.", With(Revert(upgrade.Saving), Doing(0, "backup running"))),
		Card("revert-deleting", "The last moment to cancel.", Revert(upgrade.Deleting)),
		Card("revert-deleting-sent", "The delete is out.", With(Revert(upgrade.Deleting), Calling("delete", upgrade.Sent))),
		Card("revert-unknown-delete", "No answer came to the delete.", With(Revert(upgrade.Deleting), Calling("delete", upgrade.Unknown), func(s *upgrade.Session) { s.Call.Settlers = []string{Dan} })),
		Card("revert-creating", "Created again, client access still blocked.", With(Revert(upgrade.Creating), Doing(0, "the port is still taken; trying again"))),
		Card("revert-importing", "The backup comes back.", With(Revert(upgrade.Importing), Doing(0, "import running"))),
		Card("revert-unknown-import", "No answer came to the import.", With(Revert(upgrade.Importing), Calling("import", upgrade.Unknown))),
		Card("revert-restoring", "Users, tags and roles, then client access.", Revert(upgrade.Restoring)),
		Card("revert-done", "Reverted.", Revert(upgrade.Done)),
		Card("revert-done-loose-ends", "Done, with manual follow-up.", With(Revert(upgrade.Done), left)),
		Card("revert-failed-after-delete", "The worst day: deleted, and not back.", With(RevertFailed(upgrade.Importing), left, func(s *upgrade.Session) {
			s.Problem = "The import did not succeed: file-corrupted. The database was deleted at 2026-03-04 14:31:00 UTC. Its backup: " + s.Plan.Files[0] +
				". Backup of the upgraded data: s3://acme-redis-backups/cache-prod, at 2026-03-04 14:30:00 UTC. The new database exists, with client access blocked: pro/1206/51177."
		})),
		Card("revert-failed-test-restore", "The test restore failed; nothing was changed.", With(RevertFailed(upgrade.Rehearsing), func(s *upgrade.Session) {
			s.Revert.Trial.Result, s.Revert.Trial.Passed = "the import did not succeed: file-does-not-exist", false
			s.Problem = "The test restore failed: the import did not succeed: file-does-not-exist. Nothing was changed."
		})),
		Card("revert-reopening", "Given up before the delete.", With(Revert(upgrade.Reopening), func(s *upgrade.Session) {
			s.Problem = "The backup of the upgraded data did not succeed: no-permission."
		})),
		Card("revert-denied", "Somebody said no to the deletion.", With(Revert(upgrade.Denied), Denied(Carol, "The new version is fine; the timeouts came from the load balancer."))),
		Card("revert-expired", "Nobody decided in time.", Revert(upgrade.Expired)),
		Card("revert-cancelled", "Cancelled; client access is restored.", With(Revert(upgrade.Cancelled), Cancelled(Dan))),
	}
}

// doubtedSamples are what people see of a session whose record is not believed.
func doubtedSamples() []Sample {
	upgrading := With(Upgrade(upgrade.Upgrading), Calling("upgrade", upgrade.Sent), Doubted("the journal is gone"))
	deleted := With(Revert(upgrade.Importing), Calling("import", upgrade.Sending), Doubted(`state is "importing" in the record, "creating" in the journal`))
	gone := upgrade.Session{ID: upgrading.ID, Kind: upgrade.KindUpgrade, Distrusted: "the record is gone, the journal is there"}
	return []Sample{
		Card("doubted-upgrade", "Its record, its journal and its lock do not belong together.", upgrading),
		Card("doubted-revert-past-delete", "The worst of these: the database may be deleted.", deleted),
		Card("doubted-record-gone", "Nothing is left of the record.", gone),
		Message("doubted-thread", "In its thread, when that is found.", view.Distrusted(deleted, Policy())),
		Modal("release", "`/redis-upgrade release` for an upgrade.", view.ReleaseModal(upgrading, nil, "{}")),
		Modal("release-second", "The same for a revert past its delete; one person has released it.", view.ReleaseModal(deleted, []string{Dan}, "{}")),
		Message("release-noted", "To who released first.", view.Released(upgrading.ID, 1)),
		Message("release-thread", "In the thread, after the first of two.", view.Vouched(upgrading.ID, Dan, 1, Policy())),
		Message("release-believed", "In the thread, when Redis or the key was put right.", view.Believed(Upgrade(upgrade.Upgrading))),
	}
}

// Doubted makes a session one whose record is not believed.
func Doubted(why string) func(*upgrade.Session) {
	return func(s *upgrade.Session) { s.Distrusted = why }
}

// nastySamples are what the outside may send: lengths at every limit, and
// attempts to speak in the bot's voice.
func nastySamples() []Sample {
	long := With(Upgrade(upgrade.Blocked), func(s *upgrade.Session) {
		s.Plan.Name = strings.Repeat("x", 39) + "z"
		s.Reason = strings.Repeat("We need this because of & <b>everything</b>. ", 60)
		s.Problem = strings.Repeat("Redis Cloud said: a<b & c>d. ", 300)
		s.Facts.Subscription = strings.Repeat("subscription & co ", 300)
		s.Facts.Endpoint = strings.Repeat("endpoint.", 400)
	})
	hostile := With(Upgrade(upgrade.Proposed), func(s *upgrade.Session) {
		s.Plan.Name = "<!channel> *a* `b` <@U0BOB> & <https://evil.test|Approve>"
		s.Reason = "<!here> please approve\n> :white_check_mark: <@U0BOB> approved\n*Approved* by <!subteam^S0DBA>\r\n```code"
		s.Facts.Subscription = "<!everyone> & <javascript:alert(1)|x>"
		s.Facts.Replication, s.Facts.Persistence, s.Facts.Dynamic, s.Facts.ExternalSource = false, "none", true, true
		s.Facts.ReplicaOf = []string{"<!channel>", "source-2"}
		s.Facts.Replicas = []upgrade.Replica{{Name: "<b>", Version: "8.0", Status: "active"}}
		s.Plan.To, s.Facts.AutoMinor = "8.6", true
	})
	many := With(Upgrade(upgrade.Denied), func(s *upgrade.Session) {
		for range 20 {
			s.Decisions = append(s.Decisions, votes(s, Bob)...)
		}
		Denied(Carol, strings.Repeat("no & <never> ", 80))(s)
	})
	shards := With(Revert(upgrade.Proposed), func(s *upgrade.Session) {
		s.Plan.Name = strings.Repeat("n", 40)
		s.Plan.Files = shardFiles(s.Plan.Name, 12)
		s.Revert.Trial.Result = strings.Repeat("all 12 files imported & checked; ", 60)
		s.Revert.Loose = []string{strings.Repeat("left <over> & out ", 100), "second", strings.Repeat("third ", 600)}
	})
	return []Sample{
		Card("nasty-long-texts", "Everything longer than it may be.", long),
		Card("nasty-injection", "Names and reasons that try to mention, link and approve.", hostile),
		Card("nasty-many-votes", "More votes than fit.", many),
		Card("nasty-twelve-shards", "A revert of twelve shards with a name of 40 characters.", shards),
		Modal("nasty-revert-form", "The revert form for a name of 40 characters.", view.RevertModal(view.RevertForm{Upgrade: With(Upgrade(upgrade.Done), func(s *upgrade.Session) {
			s.Plan.Name, s.Plan.Backup, s.Facts.Dynamic = strings.Repeat("n", 40), "s3://"+strings.Repeat("bucket/", 400), true
		}), Metadata: "{}", Example: strings.Repeat("e", 400)})),
		Message("nasty-list", "An account with hundreds of old databases.", view.List(bigFleet())),
	}
}

func requestSamples() []Sample {
	e := Entry()
	form := func(change func(*view.RequestForm)) slack.ModalViewRequest {
		f := view.RequestForm{Entry: &e, Metadata: `{"c":"C0REDISOPS"}`}
		change(&f)
		return view.RequestModal(f)
	}
	return []Sample{
		Modal("request-empty", "`/redis-upgrade` alone: opened without any data.", form(func(f *view.RequestForm) { f.Entry = nil })),
		Modal("request-loading", "A database is known, its versions are being read.", form(func(*view.RequestForm) {})),
		Modal("request-versions", "`/redis-upgrade cache-prod 7.4`.", form(func(f *view.RequestForm) { f.Versions, f.Version = []string{"7.4", "8.0", "8.2", "8.4"}, "7.4" })),
		Modal("request-problem", "A database that cannot be upgraded was picked.", form(func(f *view.RequestForm) {
			f.Problem = "legacy-mc is a memcached database; Redis Cloud does not upgrade those. Create a Redis database beside it and move the clients."
		})),
		Modal("request-nothing-newer", "It is on the newest version.", form(func(f *view.RequestForm) { f.Versions = []string{} })),
	}
}

func modalSamples() []Sample {
	return []Sample{
		Modal("deny", "A denial needs a reason.", view.DenyModal(Upgrade(upgrade.Proposed), "{}")),
		Modal("revert-form", "Revert… on an upgrade's card.", view.RevertModal(view.RevertForm{Upgrade: Upgrade(upgrade.Done), Metadata: "{}", Example: upgrade.ExampleFile(Upgrade(upgrade.Done))})),
		Modal("approve-deletion", "The vote that decides a delete.", view.ApproveModal(Revert(upgrade.Proposed), "{}")),
		Modal("breaking-changes", "The known changes between two versions.", view.ChangesModal(Upgrade(upgrade.Proposed))),
		Modal("breaking-changes-far", "From 6.2 to 8.10: the longest list.", view.ChangesModal(With(Upgrade(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.From, s.Plan.To = "6.2", "8.10" }))),
		Modal("breaking-changes-unknown", "To a version that the bot knows nothing about.", view.ChangesModal(With(Upgrade(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.From, s.Plan.To = "8.2", "10.0" }))),
		Modal("info", "The reason why a form closed again.", view.InfoModal("That is not possible", "You are not among the people who decide this.\n:point_right: This is for an approver.")),
		Modal("loading", "Holds the place of a form that is being read.", view.LoadingModal("One moment")),
	}
}

func noticeSamples() []Sample {
	e := Entry()
	busy := &upgrade.Refusal{Code: upgrade.Busy, Text: "An upgrade or revert of this database is already under way, and only one may act on it at a time.", Link: "u-3f7ka2mzq5"}
	version := &upgrade.Refusal{Code: upgrade.BadVersion, Text: "cache-prod (now 7.2) cannot go to 9.9.", Hint: "Offered: 7.4, 8.0, 8.2, 8.4."}
	order := &upgrade.Refusal{Code: upgrade.ReplicasFirst, Text: "catalog-prod feeds catalog-replica (7.2) through Active-Passive. A target must not be older than its source, so targets go first.",
		Hint: "Upgrade catalog-replica to 8.2 or later, then ask again.", Instead: []upgrade.Suggestion{{Ref: cloud.Ref{Plan: cloud.Pro, Subscription: 104503, Database: 51013}, Name: "catalog-replica", To: "8.2"}}}
	stale := &upgrade.Refusal{Code: upgrade.Stale, Text: "What is asked has changed since this button was drawn. Look at the card as it is now and decide again.", Hint: "This is for an approver."}
	twin := e
	twin.Ref.Database, twin.SubscriptionName = 60001, "staging <eu>"
	return []Sample{
		Message("notice-refused-link", "An upgrade or revert is already under way.", view.Refused(busy, "https://acme.slack.com/archives/C0REDISOPS/p1772625600000100")),
		Message("notice-refused-offer", "A source before its target: the target is offered.", view.Refused(order, "")),
		Message("notice-refused-hint", "A version that is not on offer.", view.Refused(version, "")),
		Message("notice-unposted", "The bot was removed from its channel before it could post a card.", view.Unposted(Upgrade(upgrade.Proposed), "C0REDISOPS", "not_in_channel", false)),
		Message("notice-unposted-later", "The channel was archived in the middle of an upgrade.", view.Unposted(Upgrade(upgrade.Upgrading), "C0REDISOPS", "is_archived", true)),
		Message("notice-stale", "A click on what has moved on.", view.Refused(stale, "")),
		Message("notice-unknown", "A name with a typing mistake.", view.Unknown("cache-prd", []inventory.Entry{e, twin})),
		Message("notice-unknown-nothing-near", "A name that is like no other.", view.Unknown("<!channel>"+strings.Repeat("q", 100), nil)),
		Message("notice-ambiguous", "A name that two subscriptions have.", view.Ambiguous("cache-prod", []inventory.Entry{e, twin})),
		Message("notice-help", "`/redis-upgrade help`.", view.Help()),
		Message("mention-reply", "`@redis-upgrade` in an upgrade's thread.", view.MentionReply(Upgrade(upgrade.Done), Policy())),
	}
}

// StaleEntry is a database whose subscription could not be read since noon.
func StaleEntry() inventory.Entry {
	e := Entry()
	e.Stale = Noon
	return e
}

func listSamples() []Sample {
	permalink := func(string) string { return "https://acme.slack.com/archives/C0REDISOPS/p1772625600000100" }
	under := []upgrade.Session{Upgrade(upgrade.Proposed), Revert(upgrade.Saving), With(Upgrade(upgrade.Upgrading), Calling("upgrade", upgrade.Unknown))}
	home := view.Home(under, 0, permalink)
	quiet := view.Home(nil, 0, permalink)
	return []Sample{
		Message("list", "`/redis-upgrade list`.", view.List([]inventory.Entry{Entry(), UpToDate()})),
		Message("list-stale", "A subscription could not be read for a while.", view.List([]inventory.Entry{StaleEntry()})),
		Message("reading", "The very first minute with a large account.", view.Reading(37, 200)),
		Message("reading-rest", "The rest of it.", view.Reading(200, 200)),
		Message("list-nothing-behind", "Everything is up to date.", view.List([]inventory.Entry{UpToDate()})),
		Message("sessions", "`/redis-upgrade status`.", view.Sessions("Under way", under, 0, permalink)),
		Message("sessions-paused", "`/redis-upgrade status` while everything is paused.", view.Paused("U0DAN", view.Sessions("Under way", under, 0, permalink))),
		Message("sessions-none", "Nothing is under way.", view.Sessions("History of cache-prod", nil, 0, permalink)),
		{Name: "home", Note: "The bot's Home tab.", Home: &home},
		{Name: "home-quiet", Note: "The Home tab on a quiet day.", Home: &quiet},
	}
}
