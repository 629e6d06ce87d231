package view

import (
	"github.com/slack-go/slack"

	"github.com/redis-upgrade/bot/internal/upgrade"
)

// A session whose record, journal and lock do not belong together: what stands in its
// record may be anybody's, so little of it is shown, and nothing can be clicked.

// distrustedWords are its state, wherever it is named.
const distrustedWords = "record not to be believed; nothing is sent"

func distrustedBlocks(s upgrade.Session, p Policy) []slack.Block {
	return []slack.Block{
		section(":rotating_light: *" + Escape(Cut(sessionTitle(s), 150)) + ": " + distrustedWords + "*\n" + distrustedNext(s, p)),
	}
}

// distrustedNext says what differs, and what helps.
func distrustedNext(s upgrade.Session, p Policy) string {
	return "What differs: " + Escape(Cut(s.Distrusted, 400)) + ".\n" +
		p.OnCall + " looks at the database in Redis Cloud's console, and at this bot's Redis: `bot verify " + Escape(s.ID) + "` shows the journal entry by entry. " +
		"It goes on by itself when Redis or SEAL_KEY is put right."
}

// Distrusted tells people in a session's thread that it stands, once.
func Distrusted(s upgrade.Session, p Policy) Message {
	text := ":rotating_light: " + Escape(Cut(sessionTitle(s), 150)) + ": " + distrustedWords + ". " + distrustedNext(s, p)
	return Message{Text: cutMarkup(text, maxText), Blocks: []slack.Block{section(text)}, Metadata: metadata(s)}
}
