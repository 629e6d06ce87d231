package view

import (
	"fmt"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// Use is a way in which the command was typed that means nothing.
type Use string

// The ways that are answered with how it is typed.
const (
	UseDatabase Use = "database" // more than a database and a version
	UseHistory  Use = "history"
	UseCancel   Use = "cancel"
	UseRevert   Use = "revert"
	UseRelease  Use = "release"
	UsePause    Use = "pause" // also of resume
)

// uses are the answers; %[1]s is the command.
var uses = map[Use]string{
	UseDatabase: "That is more than a database and a version. Try `%[1]s help`.",
	UseHistory:  "Which database? `%[1]s history &lt;database&gt;`",
	UseCancel:   "Which upgrade or revert? `%[1]s cancel &lt;id&gt;`; `%[1]s status` shows them.",
	UseRevert:   "Which upgrade? `%[1]s revert &lt;id&gt;`; `%[1]s history &lt;database&gt;` shows them.",
	UseRelease:  "Which upgrade or revert? `%[1]s release &lt;id&gt;`: its card says that its record is not believed.",
	UsePause:    "`%[1]s pause` and `resume` are for all databases at once; write nothing behind them. `cancel &lt;id&gt;` stops one.",
}

// Usage is the answer to a command that was typed in a way that means nothing.
func Usage(u Use, command string) Message {
	return notice(":grey_question: " + fmt.Sprintf(uses[u], command))
}

// StillAsking is said while Redis Cloud takes long to tell what a request needs.
func StillAsking() Message {
	return notice(":hourglass_flowing_sand: Still asking Redis Cloud, which answers slowly. You will hear of it here, or see the card.")
}

// StillWorking is said while a decision takes long to be carried out.
func StillWorking() Message {
	return notice(":hourglass_flowing_sand: Still working on it. You will hear of it here, or see it on the card.")
}

// TooMany is the answer to somebody who has enough in hand.
func TooMany() Message {
	return notice(":hourglass: One after the other, please: your last few requests are still being answered. Ask again when they are.")
}

// NotDone is the answer to an action that failed for a reason that only the log tells.
func NotDone() Message {
	return notice(":warning: That did not work, and nothing was changed by it. Try again in a moment; if it stays so, tell whoever runs this bot.")
}

// ReleasedAnswer tells the person who released a doubted record that it is believed now.
func ReleasedAnswer() Message {
	return notice(":white_check_mark: Released: the bot goes on from this record. Its thread follows.")
}

// pauseWords say what a pause or a resume means.
func pauseWords(on bool) string {
	if on {
		return ":double_vertical_bar: Paused: no new changing call is sent, by any replica, until somebody resumes. Calls that are out are followed to their end, and a revert that has deleted its database goes on until the data is back."
	}
	return ":arrow_forward: Resumed: changing calls are sent again."
}

// PauseNews says in the bot's channel that somebody paused or resumed all changing calls.
func PauseNews(by string, on bool) Message {
	return notice(person(by) + ": " + pauseWords(on))
}

// PauseBack says in the bot's channel that a pause was forgotten, and is there again.
func PauseBack(by string) Message {
	who := person(by)
	if by == upgrade.PausedBySilence {
		who = "the bot, because no replica had been at work,"
	}
	return notice(":double_vertical_bar: Redis failed over, or was put back to an older state, and had forgotten that " + who +
		" paused all changing calls. They are paused again. If it was resumed meanwhile, on-call types `/redis-upgrade resume` once more.")
}

// PauseAnswer tells the person who paused or resumed that it holds. word is what Slack
// said when it did not take the news in the bot's channel; "" when it did.
func PauseAnswer(channel string, on bool, word string) Message {
	if word == "" {
		return notice(pauseWords(on) + fmt.Sprintf("\nPosted in <#%s>.", channel))
	}
	return notice(pauseWords(on) + fmt.Sprintf("\nIt could not be posted in <#%s> (Slack says %s), so nobody else has heard of it: please tell them.", channel, code(word)))
}

// answerSamples are what the command answers beside lists and refusals.
func answerSamples() []Sample {
	out := []Sample{
		message("answer-still-asking", "A request that takes longer than a few seconds.", StillAsking()),
		message("answer-still-working", "A decision that takes longer than a few seconds.", StillWorking()),
		message("answer-too-many", "The fifth question while four are being answered.", TooMany()),
		message("answer-not-done", "Something failed that only the log explains.", NotDone()),
		message("answer-released", "`/redis-upgrade release`, by the second person: it worked.", ReleasedAnswer()),
		message("pause-news", "`/redis-upgrade pause`: in the bot's channel.", PauseNews(dan, true)),
		message("pause-answer", "`/redis-upgrade pause`, typed in another channel: to who typed it.", PauseAnswer("C0REDISOPS", true, "")),
		message("pause-answer-alone", "`/redis-upgrade pause` while the bot cannot post in its channel.", PauseAnswer("C0REDISOPS", true, "is_archived")),
		message("pause-back", "A failover of Redis had forgotten the pause.", PauseBack(dan)),
		message("resume-news", "`/redis-upgrade resume`: in the bot's channel.", PauseNews(dan, false)),
	}
	for _, u := range []Use{UseDatabase, UseHistory, UseCancel, UseRevert, UseRelease, UsePause} {
		out = append(out, message("usage-"+string(u), "The command, typed in a way that means nothing.", Usage(u, "/redis-upgrade")))
	}
	replaced := Replaced(upgradeAt(upgrade.Proposed), samplePolicy(), "https://acme.slack.com/archives/C0REDISOPS/p1772625600000100")
	refused := HomeRefused(Refused(&upgrade.Refusal{Code: upgrade.NotEntitled, Text: "People from other workspaces and guests cannot see databases here."}, ""))
	return append(out,
		message("replaced", "Somebody deleted the card: in the thread of the new one.", replaced),
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
			m, _ := Milestone(t.event, t.by, t.words)
			out = append(out, message("milestone-"+kind+"-"+string(t.event), note, m))
		}
	}
	add("upgrade", "In the thread of an upgrade.",
		told{upgrade.Vote, bob, "Approved (1 of 2)."},
		told{upgrade.Approve, carol, "Approved (2 of 2)."},
		told{upgrade.Deny, carol, "Denied: Black Friday freeze until Monday.\nAsk again then."},
		told{upgrade.Expire, "", "Nobody decided within 24 h. Nothing was done."},
		told{upgrade.Cancel, ann, "Cancelled. Nothing was changed."},
		told{upgrade.Wish, ann, "Asked to cancel; that happens as soon as the call that is out is settled."},
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
		told{upgrade.Propose, dan, "Revert requested. A test restore comes first; nothing is changed yet."},
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
	failed, _ := Milestone(upgrade.Fail, "", "The upgrade failed: the database is in an error state")
	out = append(out, message("milestone-mention", "One that concerns somebody: they are notified.", Summon(failed, person(ann))))
	return out
}
