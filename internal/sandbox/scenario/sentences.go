package scenario

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

// sentence is one thing that can be written in a file. Words in capitals are
// places for something: see placeholders.
type sentence struct {
	says    string
	means   string
	do      func(p *play, ctx context.Context, args []string) error
	pattern *regexp.Regexp
}

// placeholders say what may stand in a place.
var placeholders = map[string]string{
	"PERSON":   `(ann|bob|carol|dan|eve|guest)`,
	"TEXT":     `(.+)`,
	"QUOTE":    `"([^"]*)"`,
	"FIELD":    `(database|version|reason|start|files|name)`,
	"DATABASE": `([A-Za-z][A-Za-z0-9-]*)`,
	"VERSION":  `([0-9.]+)`,
	"KEY":      `([^ ]+)`,
	"NUMBER":   `([0-9]+)`,
	"TIME":     `([0-9]+(?:h|m|s))`,
	"NAME":     `([a-z0-9_]+)`,
	"METHOD":   `([A-Za-z.]+)`,
	"LIST":     `(.+)`,
}

// language is every sentence; the first that fits is meant.
func language() []sentence {
	typed := sentence{says: `PERSON: TEXT`, do: (*play).types,
		means: "types this in #redis-ops; what begins with @redis-upgrade goes into the thread of the card; {session} is the card's session"}
	return compile(slices.Concat(acts(), combined(), sights(), cloudSentences(), world(), []sentence{typed}))
}

// acts are what people do.
func acts() []sentence {
	return []sentence{
		{says: `PERSON clicks QUOTE`, means: "clicks that button of the card", do: (*play).clicks},
		{says: `PERSON clicks QUOTE in the answer`, means: "clicks that button of a message that only this person sees", do: (*play).clicksAnswer},
		{says: `PERSON clicks the old QUOTE`, means: "clicks a button that the card no longer shows, as somebody whose screen is behind can", do: (*play).clicksOld},
		{says: `PERSON picks FIELD QUOTE`, means: "types into that menu of the modal and picks what begins with the text", do: (*play).picks},
		{says: `PERSON writes FIELD QUOTE`, means: "fills in that field of the modal", do: (*play).writes},
		{says: `PERSON pastes the newest backup of DATABASE`, means: "puts the files of its newest backup into the modal", do: (*play).pastesNewest},
		{says: `PERSON pastes all but one file of the newest backup of DATABASE`, means: "forgets one", do: (*play).pastesSome},
		{says: `PERSON submits`, means: "submits the modal, which closes", do: (*play).submits},
		{says: `PERSON submits, but at FIELD reads QUOTE`, means: "the modal stays, with this error under that field", do: (*play).submitsInVain},
		{says: `PERSON writes name as the modal asks`, means: "types the text that the modal wants to see typed", do: (*play).writesAsked},
		{says: `PERSON ticks the box`, means: "the first one of the modal", do: (*play).ticks},
		{says: `PERSON closes the modal`, means: "leaves it without submitting", do: (*play).closesModal},
		{says: `PERSON uses the shortcut on the card`, means: "picks “Revert this upgrade” from the menu of the card", do: (*play).usesShortcut},
	}
}

// combined are several steps at once, for files that are about what comes
// after them.
func combined() []sentence {
	return []sentence{
		{says: `PERSON asks for DATABASE on VERSION, because QUOTE`, means: "the command, the modal, and seeing the card", do: (*play).asksUpgrade},
		{says: `PERSON asks for the revert of DATABASE with its newest backup, because QUOTE`, means: "“Revert…”, the modal, and seeing the card", do: (*play).asksRevert},
		{says: `PERSON approves the deletion`, means: "“Approve deletion…” and the modal behind it", do: (*play).approvesDeletion},
	}
}

// sights are what people see.
func sights() []sentence {
	return []sentence{
		{says: `PERSON sees the modal QUOTE`, means: "a modal with this title is on the screen", do: (*play).seesModal},
		{says: `PERSON sees no modal`, means: "none is", do: (*play).seesNoModal},
		{says: `PERSON reads in the modal QUOTE`, means: "the modal says this", do: (*play).readsModal},
		{says: `PERSON is told QUOTE`, means: "a message that only this person sees says this, in answer to what the person did last", do: (*play).isTold},
		{says: `see the card QUOTE`, means: "there is a card with this title; from here on it is “the card”", do: (*play).seeCard},
		{says: `the card is QUOTE`, means: "its first line begins with this, or soon will: where the work stands", do: (*play).cardIs},
		{says: `the card says QUOTE`, means: "it does, or soon will", do: (*play).cardSays},
		{says: `the card does not say QUOTE`, means: "it does not now", do: (*play).cardDoesNotSay},
		{says: `the card has the buttons LIST`, means: "these, in this order", do: (*play).cardButtons},
		{says: `the card has no buttons`, means: "none", do: (*play).cardNoButtons},
		{says: `the thread says QUOTE`, means: "a reply in its thread says this", do: (*play).threadSays},
		{says: `there are NUMBER cards`, means: "so many, of all sessions together", do: (*play).cardCount},
	}
}

// cloudSentences are about Redis Cloud.
func cloudSentences() []sentence {
	return []sentence{
		{says: `DATABASE runs VERSION`, means: "it does, or soon will", do: (*play).runs},
		{says: `note DATABASE`, means: "remembers its keys, port, endpoint, source addresses, tags and id", do: (*play).note},
		{says: `DATABASE has the noted keys, one by one`, means: "each key with its value, and no other", do: (*play).notedKeys},
		{says: `DATABASE has the noted port, endpoint, addresses and tags`, means: "as they were", do: (*play).notedPlace},
		{says: `DATABASE has a new id`, means: "not the noted one", do: (*play).newID},
		{says: `the newest backup of DATABASE holds the noted keys`, means: "by number and digest", do: (*play).backupHolds},
		{says: `the door of DATABASE is open`, means: "its source addresses let somebody in", do: (*play).doorOpen},
		{says: `the door of DATABASE is closed`, means: "nobody", do: (*play).doorClosed},
		{says: `the programs of DATABASE are connected`, means: "whatever used to write to it can", do: (*play).programsConnected},
		{says: `somebody writes KEY into DATABASE`, means: "the key gets a new value", do: (*play).writesKey},
		{says: `somebody deletes DATABASE in the console`, means: "behind the bot's back", do: (*play).deletes},
		{says: `somebody upgrades DATABASE to VERSION in the console`, means: "behind the bot's back", do: (*play).upgrades},
		{says: `the cloud did for DATABASE: LIST`, means: "exactly these changing calls were accepted, in this order, or soon will be", do: (*play).didFor},
		{says: `the cloud did nothing`, means: "no changing call was accepted, for any database", do: (*play).didNothing},
	}
}

// world is what happens to everybody.
func world() []sentence {
	return []sentence{
		{says: `Redis Cloud has a bad day: NAME`, means: "this fault strikes once", do: (*play).cloudFault},
		{says: `Slack has a bad day: NAME at METHOD`, means: "this fault strikes the next call of that method", do: (*play).slackFault},
		{says: `TIME pass`, means: "the clock jumps", do: (*play).pass},
		{says: `time slows down`, means: "what the cloud is doing takes long enough to act meanwhile", do: (*play).slow},
		{says: `time goes on`, means: "as fast as before", do: (*play).quick},
	}
}

// word finds a placeholder.
var word = regexp.MustCompile(`[A-Z]{3,}`)

// compile turns the text of each sentence into its pattern.
func compile(list []sentence) []sentence {
	for i, s := range list {
		pattern := word.ReplaceAllStringFunc(regexp.QuoteMeta(s.says), func(w string) string {
			if p, ok := placeholders[w]; ok {
				return p
			}
			return w
		})
		list[i].pattern = regexp.MustCompile(`^` + strings.ReplaceAll(pattern, " ", " +") + `$`)
	}
	return list
}

// understand finds the sentence that was meant, and what stands in its places.
func understand(language []sentence, said string) (sentence, []string, bool) {
	for _, s := range language {
		if m := s.pattern.FindStringSubmatch(said); m != nil {
			return s, m[1:], true
		}
	}
	return sentence{}, nil, false
}
