package samples

import (
	"github.com/redis-upgrade/bot/internal/upgrade"
	"github.com/redis-upgrade/bot/internal/view"
)

// answerSamples are what the command answers beside lists and refusals.
func answerSamples() []Sample {
	out := []Sample{
		Message("answer-still-asking", "A request that takes longer than a few seconds.", view.StillAsking()),
		Message("answer-still-working", "A decision that takes longer than a few seconds.", view.StillWorking()),
		Message("answer-too-many", "The fifth question while four are being answered.", view.TooMany()),
		Message("answer-not-done", "Something failed that only the log explains.", view.NotDone()),
		Message("answer-released", "`/redis-upgrade release`, by the second person: it worked.", view.ReleasedAnswer()),
		Message("pause-news", "`/redis-upgrade pause`: in the bot's channel.", view.PauseNews(Dan, true)),
		Message("pause-answer", "`/redis-upgrade pause`, typed in another channel: to who typed it.", view.PauseAnswer("C0REDISOPS", true, "")),
		Message("pause-answer-alone", "`/redis-upgrade pause` while the bot cannot post in its channel.", view.PauseAnswer("C0REDISOPS", true, "is_archived")),
		Message("pause-back", "A failover of Redis had forgotten the pause.", view.PauseBack(Dan)),
		Message("resume-news", "`/redis-upgrade resume`: in the bot's channel.", view.PauseNews(Dan, false)),
	}
	for _, u := range []view.Use{view.UseDatabase, view.UseHistory, view.UseCancel, view.UseRevert, view.UseRelease, view.UsePause} {
		out = append(out, Message("usage-"+string(u), "The command, typed in a way that means nothing.", view.Usage(u, "/redis-upgrade")))
	}
	replaced := view.Replaced(Upgrade(upgrade.Proposed), Policy(), "https://acme.slack.com/archives/C0REDISOPS/p1772625600000100")
	refused := view.HomeRefused(view.Refused(&upgrade.Refusal{Code: upgrade.NotEntitled, Text: "People from other workspaces and guests cannot see databases here."}, ""))
	return append(out,
		Message("replaced", "Somebody deleted the card: in the thread of the new one.", replaced),
		Sample{Name: "home-refused", Note: "The Home tab of somebody who may not look.", Home: &refused})
}

// milestoneSamples are the replies in a thread: one for each event that is told.
func milestoneSamples() []Sample {
	type told struct {
		event     upgrade.Event
		by, words string
	}
	var out []Sample
	add := func(kind, note string, all ...told) {
		for _, t := range all {
			m, _ := view.Milestone(t.event, t.by, t.words)
			out = append(out, Message("milestone-"+kind+"-"+string(t.event), note, m))
		}
	}
	add("upgrade", "In the thread of an upgrade.",
		told{upgrade.Vote, Bob, "Approved (1 of 2)."},
		told{upgrade.Approve, Carol, "Approved (2 of 2)."},
		told{upgrade.Deny, Carol, "Denied: Black Friday freeze until Monday.\nAsk again then."},
		told{upgrade.Expire, "", "Nobody decided within 24 h. Nothing was done."},
		told{upgrade.Cancel, Ann, "Cancelled. Nothing was changed."},
		told{upgrade.Wish, Ann, "Asked to cancel; that happens as soon as the call that is out is settled."},
		told{upgrade.Block, "", "Blocked: cache-prod is being changed in Redis Cloud (status pending). It goes on by itself when that is over."},
		told{upgrade.Revise, "", "cache-prod is on 7.4 by now, not on 7.2. Please decide again."},
		told{upgrade.PickUp, "", "Picked up: the replica that had this in hand went silent. Going on from what is recorded."},
		told{upgrade.Fit, "", "Preflight passed. Backing up first."},
		told{upgrade.BackUp, "", "Backup done at 2026-03-04 12:31:07 UTC. Upgrading."},
		told{upgrade.Calling, "", "No answer came to the upgrade of cache-prod, but Redis Cloud shows that it happened. Going on from there."},
		told{upgrade.Upgrade, "", "Redis Cloud says the upgrade is done. Verifying."},
		told{upgrade.Verify, "", "Version 7.4 confirmed; endpoint and shards unchanged. Monitoring for 30 min. Application health is not checked."},
		told{upgrade.Finish, "", "Done: cache-prod is on 7.4. Version confirmed; application health not checked."},
		told{upgrade.Fail, "", "The upgrade failed: the database is in an error state"},
		told{upgrade.Note, "", "cache-prod is on 7.4 now, although Redis Cloud reported the upgrade as failed. It can be reverted: its card has a Revert… button."})
	add("revert", "In the thread of an upgrade that is being reverted.",
		told{upgrade.Propose, Dan, "Revert requested. A test restore comes first; nothing is changed yet."},
		told{upgrade.Note, "", "Verified: version 7.2, port 12010, import reported as succeeded."},
		told{upgrade.Rehearse, "", "Test restore passed: all 2 files imported into a temporary database on 7.2 (806 MB used afterwards). Two people decide now."},
		told{upgrade.Close, "", "Client access is blocked. Backing up the upgraded data."},
		told{upgrade.Save, "", "Upgraded data backed up at 2026-03-04 14:30:00 UTC. Deleting now."},
		told{upgrade.Delete, "", "Deleted. Creating it again on 7.2, same port, client access still blocked."},
		told{upgrade.Create, "", "Created on 7.2 with id 51177, endpoint redis-12010.c1.us-east-1-2.ec2.cloud.redislabs.com:12010. Importing the backup."},
		told{upgrade.Import, "", "Imported at 2026-03-04 14:35:00 UTC. Verifying, then restoring users, roles and tags."},
		told{upgrade.Reopen, "", "The backup of the upgraded data did not succeed: no-permission. Restoring client access; this revert deleted nothing."},
		told{upgrade.Finish, "", "Done: cache-prod is back on 7.2 at redis-12010.c1.us-east-1-2.ec2.cloud.redislabs.com:12010 with the data of 2026-03-04 12:30:00 UTC. Its id is now 51177 (was 51055)."},
		told{upgrade.Fail, "", "The import did not succeed: file-corrupted."})
	failed, _ := view.Milestone(upgrade.Fail, "", "The upgrade failed: the database is in an error state")
	out = append(out, Message("milestone-mention", "One that concerns somebody: they are notified.", view.Summon(failed, "<@"+Ann+">")))
	return out
}
