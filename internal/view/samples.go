package view

import (
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/cloud"
	"github.com/redis-upgrade/bot/internal/inventory"
	"github.com/redis-upgrade/bot/internal/upgrade"
)

// Sample is one thing that people can see, drawn from made-up values. Exactly
// one of Message, Modal and Home is set.
type Sample struct {
	Name    string // unique; also the name of its golden file
	Note    string // when it is seen
	Message *Message
	Modal   *slack.ModalViewRequest
	Home    *slack.HomeTabViewRequest
}

// Samples are all cards, modals and notices side by side, the same every time:
// the sandbox's gallery, and the golden files of this package.
func Samples() []Sample {
	var out []Sample
	for _, group := range [][]Sample{upgradeSamples(), revertSamples(), nastySamples(), doubtedSamples(), requestSamples(), modalSamples(), noticeSamples(), answerSamples(), milestoneSamples(), listSamples()} {
		out = append(out, group...)
	}
	return out
}

func card(name, note string, s upgrade.Session) Sample {
	return cardUnder(name, note, samplePolicy(), s)
}

func cardUnder(name, note string, p Policy, s upgrade.Session) Sample {
	m := Card(s, p)
	return Sample{Name: name, Note: note, Message: &m}
}

func message(name, note string, m Message) Sample { return Sample{Name: name, Note: note, Message: &m} }

func modalSample(name, note string, v slack.ModalViewRequest) Sample {
	return Sample{Name: name, Note: note, Modal: &v}
}

func upgradeSamples() []Sample {
	scheduled := with(upgradeAt(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.NotBefore = noon.Add(9 * time.Hour) })
	two := samplePolicy()
	two.Upgrades = approvals.Upgrade(2)
	waiting := with(upgradeAt(upgrade.Approved), func(s *upgrade.Session) { s.Plan.NotBefore = noon.Add(9 * time.Hour) })
	return []Sample{
		card("upgrade-proposed", "Just asked for: approvers read this.", upgradeAt(upgrade.Proposed)),
		card("upgrade-proposed-pending", "Asked for while another upgrade keeps the subscription pending.", with(upgradeAt(upgrade.Proposed), func(s *upgrade.Session) {
			s.Facts.SubStatus, s.Facts.Backup.Known = "pending", false
		})),
		cardUnder("upgrade-proposed-scheduled", "Asked for tonight; one of two has approved.", two, with(scheduled, voted(bob))),
		card("upgrade-approved", "Approved; it begins within seconds.", upgradeAt(upgrade.Approved)),
		card("upgrade-approved-scheduled", "Approved with a start; it can still be denied.", waiting),
		card("upgrade-checking", "Preflight: the world is read again.", upgradeAt(upgrade.Checking)),
		card("upgrade-blocked", "Preflight refuses, and says what would help.", with(upgradeAt(upgrade.Blocked), func(s *upgrade.Session) {
			s.Problem = "catalog-prod feeds catalog-replica (7.2) through Active-Passive. A target must not be older than its source, so targets go first. Upgrade catalog-replica to 7.4 or later, then ask again."
		})),
		card("upgrade-backing-up", "The backup runs.", with(upgradeAt(upgrade.BackingUp), doing(0, "backup running since 12:09 UTC"))),
		card("upgrade-backing-up-cancelling", "Cancel was clicked while the backup runs.", with(upgradeAt(upgrade.BackingUp), cancelled(ann), calling("backup", upgrade.Sent))),
		card("upgrade-waiting-turn", "Other upgrades of the account come first.", with(upgradeAt(upgrade.Upgrading), doing(0, "waiting for its turn: 2 ahead in this subscription"))),
		card("upgrade-upgrading", "The upgrade runs.", with(upgradeAt(upgrade.Upgrading), doing(62, "shard 1 of 2"), calling("upgrade", upgrade.Sent))),
		card("upgrade-unknown-call", "No answer came; the outcome is unknown.", with(upgradeAt(upgrade.Upgrading), calling("upgrade", upgrade.Unknown))),
		card("upgrade-verifying", "Nothing is believed that is not read back.", with(upgradeAt(upgrade.Verifying), doing(0, "waiting for the database: pending"))),
		card("upgrade-soaking", "Monitored for half an hour.", upgradeAt(upgrade.Soaking)),
		card("upgrade-done", "Done; it can be reverted.", upgradeAt(upgrade.Done)),
		card("upgrade-done-not-revertible", "Done; the old version cannot be created any more.", with(upgradeAt(upgrade.Done), func(s *upgrade.Session) {
			s.Plan.Database, s.Facts.AutoMinor = "essentials/104511/73002", true
			s.Facts.WayBack = upgrade.WayBack{Text: "Essentials databases cannot be created anew on the same port; a revert is a restore into another database, by hand."}
		})),
		card("upgrade-failed", "Redis Cloud refused the upgrade.", with(failedAt(upgrade.Upgrading), func(s *upgrade.Session) {
			s.Problem = "Redis Cloud refused the upgrade: the target version 7.4 is not available for this database"
		})),
		card("upgrade-failed-unmoved", "It failed at the old version: looked at for a day.", with(failedAt(upgrade.Upgrading), func(s *upgrade.Session) {
			s.Upgrade.Sent, s.Upgrade.Unmoved, s.Problem = noon.Add(32*time.Minute), true, "The upgrade failed: Redis Cloud reports the upgrade to 7.4 as failed; the database reads 7.2, active"
		})),
		card("upgrade-failed-arrived", "It arrived after all: revert is offered.", with(failedAt(upgrade.Upgrading), func(s *upgrade.Session) {
			s.Upgrade.Sent, s.Upgrade.Arrived = noon.Add(32*time.Minute), noon.Add(3*time.Hour)
			s.Problem = "The upgrade failed: Redis Cloud reports the upgrade to 7.4 as failed; the database reads 7.2, active. cache-prod is on 7.4 now, although Redis Cloud reported the upgrade as failed."
		})),
		card("upgrade-failed-while-monitored", "It fell over after the upgrade: revert is offered.", with(failedAt(upgrade.Soaking), func(s *upgrade.Session) {
			s.Problem = "While being monitored, cache-prod turned to version 7.4, status error."
		})),
		card("upgrade-denied", "Somebody said no.", with(upgradeAt(upgrade.Denied), denied(carol, "Black Friday freeze until Monday. Ask again then, and please try 7.4 on staging first."))),
		card("upgrade-expired", "Nobody decided in time.", upgradeAt(upgrade.Expired)),
		card("upgrade-cancelled", "Called off by its requester.", with(upgradeAt(upgrade.Cancelled), cancelled(ann))),
		card("upgrade-reverting", "A revert has taken over.", with(upgradeAt(upgrade.Reverting), linked)),
		card("upgrade-reverted", "Taken back.", with(upgradeAt(upgrade.Reverted), linked)),
		card("upgrade-revert-failed", "Its revert failed after the delete.", with(upgradeAt(upgrade.Failed), linked)),
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
		card("revert-test-restore", "Before anybody is asked: the backup is tried out.", with(revertAt(upgrade.Rehearsing), doing(0, "importing into cache-prod-rehearsal-k3v9qd"))),
		card("revert-proposed", "Two people decide on the deletion.", revertAt(upgrade.Proposed)),
		card("revert-proposed-one-vote", "One of two has approved.", with(revertAt(upgrade.Proposed), func(s *upgrade.Session) { s.Decisions = votes(s, dan); s.Decisions[0].OnCall = true })),
		card("revert-approved", "Approved.", revertAt(upgrade.Approved)),
		card("revert-closing", "Client access is being blocked.", with(revertAt(upgrade.Closing), calling("close door", upgrade.Sent))),
		card("revert-saving", "Backup of the upgraded data, client access blocked.", with(revertAt(upgrade.Saving), doing(0, "backup running"))),
		card("revert-deleting", "The last moment to cancel.", revertAt(upgrade.Deleting)),
		card("revert-deleting-sent", "The delete is out.", with(revertAt(upgrade.Deleting), calling("delete", upgrade.Sent))),
		card("revert-unknown-delete", "No answer came to the delete.", with(revertAt(upgrade.Deleting), calling("delete", upgrade.Unknown), func(s *upgrade.Session) { s.Call.Settlers = []string{dan} })),
		card("revert-creating", "Created again, client access still blocked.", with(revertAt(upgrade.Creating), doing(0, "the port is still taken; trying again"))),
		card("revert-importing", "The backup comes back.", with(revertAt(upgrade.Importing), doing(0, "import running"))),
		card("revert-unknown-import", "No answer came to the import.", with(revertAt(upgrade.Importing), calling("import", upgrade.Unknown))),
		card("revert-restoring", "Users, tags and roles, then client access.", revertAt(upgrade.Restoring)),
		card("revert-done", "Reverted.", revertAt(upgrade.Done)),
		card("revert-done-loose-ends", "Done, with manual follow-up.", with(revertAt(upgrade.Done), left)),
		card("revert-failed-after-delete", "The worst day: deleted, and not back.", with(revertFailed(upgrade.Importing), left, func(s *upgrade.Session) {
			s.Problem = "The import did not succeed: file-corrupted. The database was deleted at 2026-03-04 14:31:00 UTC. Its backup: " + s.Plan.Files[0] +
				". Backup of the upgraded data: s3://acme-redis-backups/cache-prod, at 2026-03-04 14:30:00 UTC. The new database exists, with client access blocked: pro/1206/51177."
		})),
		card("revert-failed-test-restore", "The test restore failed; nothing was changed.", with(revertFailed(upgrade.Rehearsing), func(s *upgrade.Session) {
			s.Revert.Trial.Result, s.Revert.Trial.Passed = "the import did not succeed: file-does-not-exist", false
			s.Problem = "The test restore failed: the import did not succeed: file-does-not-exist. Nothing was changed."
		})),
		card("revert-reopening", "Given up before the delete.", with(revertAt(upgrade.Reopening), func(s *upgrade.Session) {
			s.Problem = "The backup of the upgraded data did not succeed: no-permission."
		})),
		card("revert-denied", "Somebody said no to the deletion.", with(revertAt(upgrade.Denied), denied(carol, "The new version is fine; the timeouts came from the load balancer."))),
		card("revert-expired", "Nobody decided in time.", revertAt(upgrade.Expired)),
		card("revert-cancelled", "Cancelled; client access is restored.", with(revertAt(upgrade.Cancelled), cancelled(dan))),
	}
}

// doubtedSamples are what people see of a session whose record is not believed.
func doubtedSamples() []Sample {
	upgrading := with(upgradeAt(upgrade.Upgrading), calling("upgrade", upgrade.Sent), doubted("the journal is gone"))
	deleted := with(revertAt(upgrade.Importing), calling("import", upgrade.Sending), doubted(`state is "importing" in the record, "creating" in the journal`))
	gone := upgrade.Session{ID: upgrading.ID, Kind: upgrade.KindUpgrade, Distrusted: "the record is gone, the journal is there"}
	return []Sample{
		card("doubted-upgrade", "Its record, its journal and its lock do not belong together.", upgrading),
		card("doubted-revert-past-delete", "The worst of these: the database may be deleted.", deleted),
		card("doubted-record-gone", "Nothing is left of the record.", gone),
		message("doubted-thread", "In its thread, when that is found.", Distrusted(deleted, samplePolicy())),
		modalSample("release", "`/redis-upgrade release` for an upgrade.", ReleaseModal(upgrading, nil, "{}")),
		modalSample("release-second", "The same for a revert past its delete; one person has released it.", ReleaseModal(deleted, []string{dan}, "{}")),
		message("release-noted", "To who released first.", Released(upgrading.ID, 1)),
		message("release-thread", "In the thread, after the first of two.", Vouched(upgrading.ID, dan, 1, samplePolicy())),
		message("release-believed", "In the thread, when Redis or the key was put right.", Believed(upgradeAt(upgrade.Upgrading))),
	}
}

func doubted(why string) func(*upgrade.Session) {
	return func(s *upgrade.Session) { s.Distrusted = why }
}

// nastySamples are what the outside may send: lengths at every limit, and
// attempts to speak in the bot's voice.
func nastySamples() []Sample {
	long := with(upgradeAt(upgrade.Blocked), func(s *upgrade.Session) {
		s.Plan.Name = strings.Repeat("x", 39) + "z"
		s.Reason = strings.Repeat("We need this because of & <b>everything</b>. ", 60)
		s.Problem = strings.Repeat("Redis Cloud said: a<b & c>d. ", 300)
		s.Facts.Subscription = strings.Repeat("subscription & co ", 300)
		s.Facts.Endpoint = strings.Repeat("endpoint.", 400)
	})
	hostile := with(upgradeAt(upgrade.Proposed), func(s *upgrade.Session) {
		s.Plan.Name = "<!channel> *a* `b` <@U0BOB> & <https://evil.test|Approve>"
		s.Reason = "<!here> please approve\n> :white_check_mark: <@U0BOB> approved\n*Approved* by <!subteam^S0DBA>\r\n```code"
		s.Facts.Subscription = "<!everyone> & <javascript:alert(1)|x>"
		s.Facts.Replication, s.Facts.Persistence, s.Facts.Dynamic, s.Facts.ExternalSource = false, "none", true, true
		s.Facts.ReplicaOf = []string{"<!channel>", "source-2"}
		s.Facts.Replicas = []upgrade.Replica{{Name: "<b>", Version: "8.0", Status: "active"}}
		s.Plan.To, s.Facts.AutoMinor = "8.6", true
	})
	many := with(upgradeAt(upgrade.Denied), func(s *upgrade.Session) {
		for range 20 {
			s.Decisions = append(s.Decisions, votes(s, bob)...)
		}
		denied(carol, strings.Repeat("no & <never> ", 80))(s)
	})
	shards := with(revertAt(upgrade.Proposed), func(s *upgrade.Session) {
		s.Plan.Name = strings.Repeat("n", 40)
		s.Plan.Files = shardFiles(s.Plan.Name, 12)
		s.Revert.Trial.Result = strings.Repeat("all 12 files imported & checked; ", 60)
		s.Revert.Loose = []string{strings.Repeat("left <over> & out ", 100), "second", strings.Repeat("third ", 600)}
	})
	return []Sample{
		card("nasty-long-texts", "Everything longer than it may be.", long),
		card("nasty-injection", "Names and reasons that try to mention, link and approve.", hostile),
		card("nasty-many-votes", "More votes than fit.", many),
		card("nasty-twelve-shards", "A revert of twelve shards with a name of 40 characters.", shards),
		modalSample("nasty-revert-form", "The revert form for a name of 40 characters.", RevertModal(RevertForm{Upgrade: with(upgradeAt(upgrade.Done), func(s *upgrade.Session) {
			s.Plan.Name, s.Plan.Backup, s.Facts.Dynamic = strings.Repeat("n", 40), "s3://"+strings.Repeat("bucket/", 400), true
		}), Metadata: "{}", Example: strings.Repeat("e", 400)})),
		message("nasty-list", "An account with hundreds of old databases.", List(bigFleet())),
	}
}

func requestSamples() []Sample {
	e := sampleEntry()
	form := func(change func(*RequestForm)) slack.ModalViewRequest {
		f := RequestForm{Entry: &e, Metadata: `{"c":"C0REDISOPS"}`}
		change(&f)
		return RequestModal(f)
	}
	return []Sample{
		modalSample("request-empty", "`/redis-upgrade` alone: opened without any data.", form(func(f *RequestForm) { f.Entry = nil })),
		modalSample("request-loading", "A database is known, its versions are being read.", form(func(*RequestForm) {})),
		modalSample("request-versions", "`/redis-upgrade cache-prod 7.4`.", form(func(f *RequestForm) { f.Versions, f.Version = []string{"7.4", "8.0", "8.2", "8.4"}, "7.4" })),
		modalSample("request-problem", "A database that cannot be upgraded was picked.", form(func(f *RequestForm) {
			f.Problem = "legacy-mc is a memcached database; Redis Cloud does not upgrade those. Create a Redis database beside it and move the clients."
		})),
		modalSample("request-nothing-newer", "It is on the newest version.", form(func(f *RequestForm) { f.Versions = []string{} })),
	}
}

func modalSamples() []Sample {
	return []Sample{
		modalSample("deny", "A denial needs a reason.", DenyModal(upgradeAt(upgrade.Proposed), "{}")),
		modalSample("revert-form", "Revert… on an upgrade's card.", RevertModal(RevertForm{Upgrade: upgradeAt(upgrade.Done), Metadata: "{}", Example: upgrade.ExampleFile(upgradeAt(upgrade.Done))})),
		modalSample("approve-deletion", "The vote that decides a delete.", ApproveModal(revertAt(upgrade.Proposed), "{}")),
		modalSample("breaking-changes", "The known changes between two versions.", ChangesModal(upgradeAt(upgrade.Proposed))),
		modalSample("breaking-changes-far", "From 6.2 to 8.10: the longest list.", ChangesModal(with(upgradeAt(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.From, s.Plan.To = "6.2", "8.10" }))),
		modalSample("breaking-changes-unknown", "To a version that the bot knows nothing about.", ChangesModal(with(upgradeAt(upgrade.Proposed), func(s *upgrade.Session) { s.Plan.From, s.Plan.To = "8.2", "10.0" }))),
		modalSample("info", "The reason why a form closed again.", InfoModal("That is not possible", "You are not among the people who decide this.\n:point_right: This is for an approver.")),
		modalSample("loading", "Holds the place of a form that is being read.", LoadingModal("One moment")),
	}
}

func noticeSamples() []Sample {
	e := sampleEntry()
	busy := &upgrade.Refusal{Code: upgrade.Busy, Text: "An upgrade or revert of this database is already under way, and only one may act on it at a time.", Link: "u-3f7ka2mzq5"}
	version := &upgrade.Refusal{Code: upgrade.BadVersion, Text: "cache-prod (now 7.2) cannot go to 9.9.", Hint: "Offered: 7.4, 8.0, 8.2, 8.4."}
	order := &upgrade.Refusal{Code: upgrade.ReplicasFirst, Text: "catalog-prod feeds catalog-replica (7.2) through Active-Passive. A target must not be older than its source, so targets go first.",
		Hint: "Upgrade catalog-replica to 8.2 or later, then ask again.", Instead: []upgrade.Suggestion{{Ref: cloud.Ref{Plan: cloud.Pro, Subscription: 104503, Database: 51013}, Name: "catalog-replica", To: "8.2"}}}
	stale := &upgrade.Refusal{Code: upgrade.Stale, Text: "What is asked has changed since this button was drawn. Look at the card as it is now and decide again.", Hint: "This is for an approver."}
	twin := e
	twin.Ref.Database, twin.SubscriptionName = 60001, "staging <eu>"
	return []Sample{
		message("notice-refused-link", "An upgrade or revert is already under way.", Refused(busy, "https://acme.slack.com/archives/C0REDISOPS/p1772625600000100")),
		message("notice-refused-offer", "A source before its target: the target is offered.", Refused(order, "")),
		message("notice-refused-hint", "A version that is not on offer.", Refused(version, "")),
		message("notice-unposted", "The bot was removed from its channel before it could post a card.", Unposted(upgradeAt(upgrade.Proposed), "C0REDISOPS", "not_in_channel", false)),
		message("notice-unposted-later", "The channel was archived in the middle of an upgrade.", Unposted(upgradeAt(upgrade.Upgrading), "C0REDISOPS", "is_archived", true)),
		message("notice-stale", "A click on what has moved on.", Refused(stale, "")),
		message("notice-unknown", "A name with a typing mistake.", Unknown("cache-prd", []inventory.Entry{e, twin})),
		message("notice-unknown-nothing-near", "A name that is like no other.", Unknown("<!channel>"+strings.Repeat("q", 100), nil)),
		message("notice-ambiguous", "A name that two subscriptions have.", Ambiguous("cache-prod", []inventory.Entry{e, twin})),
		message("notice-help", "`/redis-upgrade help`.", Help()),
		message("mention-reply", "`@redis-upgrade` in an upgrade's thread.", MentionReply(upgradeAt(upgrade.Done), samplePolicy())),
	}
}

// staleEntry is a database whose subscription could not be read since noon.
func staleEntry() inventory.Entry {
	e := sampleEntry()
	e.Stale = noon
	return e
}

func listSamples() []Sample {
	permalink := func(string) string { return "https://acme.slack.com/archives/C0REDISOPS/p1772625600000100" }
	under := []upgrade.Session{upgradeAt(upgrade.Proposed), revertAt(upgrade.Saving), with(upgradeAt(upgrade.Upgrading), calling("upgrade", upgrade.Unknown))}
	home := Home(under, 0, permalink)
	quiet := Home(nil, 0, permalink)
	return []Sample{
		message("list", "`/redis-upgrade list`.", List([]inventory.Entry{sampleEntry(), upToDate()})),
		message("list-stale", "A subscription could not be read for a while.", List([]inventory.Entry{staleEntry()})),
		message("reading", "The very first minute with a large account.", Reading(37, 200)),
		message("reading-rest", "The rest of it.", Reading(200, 200)),
		message("list-nothing-behind", "Everything is up to date.", List([]inventory.Entry{upToDate()})),
		message("sessions", "`/redis-upgrade status`.", Sessions("Under way", under, 0, permalink)),
		message("sessions-paused", "`/redis-upgrade status` while everything is paused.", Paused("U0DAN", Sessions("Under way", under, 0, permalink))),
		message("sessions-none", "Nothing is under way.", Sessions("History of cache-prod", nil, 0, permalink)),
		{Name: "home", Note: "The bot's Home tab.", Home: &home},
		{Name: "home-quiet", Note: "The Home tab on a quiet day.", Home: &quiet},
	}
}
