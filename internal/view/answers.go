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
