package view

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// Slack's limits, in characters. https://docs.slack.dev/reference/block-kit
const (
	maxHeader      = 150
	maxSection     = 3000
	maxField       = 2000
	maxLabel       = 2000
	maxHint        = 2000
	maxPlaceholder = 150
	maxTitle       = 24
	maxButton      = 75
	maxOption      = 75
	maxBlocks      = 50
	maxText        = 4000 // chat.update refuses more
	maxFirstLine   = 100  // ours: what a notification shows
	maxReason      = 600  // ours: what a card shows in full, and so what its form takes
)

// entities are Slack's three control characters and what stands for them.
var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Escape makes outside text safe inside a line of ours in mrkdwn: no links, no
// mentions, and no line breaks, behind which it could pose as a line of the
// bot's. Formatting characters stay; Slack has no way to quote them. Text that
// may have lines of its own goes through [Quote].
func Escape(s string) string { return entities.Replace(oneLine(s)) }

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// breaks are all characters that a client may show as the end of a line.
var breaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// Quote shows what somebody typed, escaped, with a bar in front of every line: it
// begins no line of the bot's. It is cut to what a form takes.
func Quote(s string) string {
	s = Cut(strings.TrimSpace(breaks.Replace(s)), maxReason)
	return ">" + strings.ReplaceAll(entities.Replace(s), "\n", "\n>")
}

var (
	utcStamps = regexp.MustCompile(`(?:\bat )?\b\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} UTC\b`)
	endpoints = regexp.MustCompile(`(?i)\b(?:[a-z0-9][a-z0-9-]*\.)+[a-z0-9-]+:\d{2,5}\b`)
)

// prose is Escape for sentences of the engine, which are stored as plain text: an
// instant in them shows in the reader's time zone, an endpoint as code.
func prose(s string) string {
	s = Escape(s)
	if !strings.Contains(s, "`") {
		s = endpoints.ReplaceAllString(s, "`$0`")
	}
	return utcStamps.ReplaceAllStringFunc(s, func(text string) string {
		stamp := strings.TrimPrefix(text, "at ") // Slack writes "today at 12:31"
		t, err := time.Parse("2006-01-02 15:04:05 UTC", stamp)
		if err != nil || t.Unix() <= 0 {
			return text
		}
		return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time_secs}|%s>", t.Unix(), stamp)
	})
}

// Cut shortens plain text to n characters, visibly. Text that is escaped
// already is shortened by cutMarkup.
func Cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// cutMarkup is Cut for text that holds entities, links and mentions: it never
// ends inside one.
func cutMarkup(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	s = string([]rune(s)[:n-1])
	if open := strings.LastIndexByte(s, '<'); open > strings.LastIndexByte(s, '>') {
		s = s[:open]
	}
	if amp := strings.LastIndexByte(s, '&'); amp >= 0 && !strings.Contains(s[amp:], ";") {
		s = s[:amp]
	}
	return s + "…"
}

// lines joins lines of markup below a limit: what does not fit is counted, not
// cut in half.
func lines(all []string, limit int) string { return linesOf(all, 0, limit) }

// linesOf is lines with more of them that are not here but counted all the same.
func linesOf(all []string, more, limit int) string {
	const reserve = 24 // "\n… and 999999 more"
	var b strings.Builder
	size := 0
	for i, l := range all {
		size += utf8.RuneCountInString(l) + 1
		if size > limit-reserve && i > 0 {
			more += len(all) - i
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l)
	}
	if more > 0 {
		fmt.Fprintf(&b, "\n… and %d more", more)
	}
	return b.String()
}

// code shows outside text as code: names, paths, addresses. A backtick would
// end it early, so it becomes an apostrophe.
func code(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + Escape(strings.ReplaceAll(s, "`", "'")) + "`"
}

// person mentions a user; an empty id is the bot.
func person(id string) string {
	if id == "" {
		return "the bot"
	}
	return "<@" + Escape(id) + ">"
}

func people(ids []string) string {
	var out []string
	for _, id := range ids {
		out = append(out, person(id))
	}
	return strings.Join(out, ", ")
}

// when shows an instant in the reader's time zone.
func when(t time.Time) string {
	if t.Unix() <= 0 {
		return "never"
	}
	return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}

// link is a labelled link. Label is outside text; url is ours.
func link(url, label string) string { return "<" + url + "|" + Escape(label) + ">" }

func plain(s string, n int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, Cut(oneLine(s), n), true, false)
}

// mrkdwn is markup of ours. It is verbatim: Slack makes no links and no mentions
// of plain words in it, which may come from outside.
func mrkdwn(s string, n int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, cutMarkup(s, n), false, true)
}

func section(s string) slack.Block {
	return slack.NewSectionBlock(mrkdwn(s, maxSection), nil, nil)
}

func fields(texts ...string) slack.Block {
	var out []*slack.TextBlockObject
	for _, t := range texts {
		out = append(out, mrkdwn(t, maxField))
	}
	return slack.NewSectionBlock(nil, out, nil)
}

func note(s string) slack.Block {
	return slack.NewContextBlock("", mrkdwn(s, maxSection))
}

// plural is "1 change", "2 changes".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// callNames are the calls whose stored name is not what people call them.
var callNames = map[string]string{
	"close door": "blocking of client access", "open door": "restoration of client access", "reopen door": "restoration of client access",
	"safety backup": "backup of the upgraded data", "rehearsal create": "creation of the temporary database",
	"rehearsal import": "test import", "rehearsal delete": "removal of the temporary database",
}

// callWords name a call that changes something.
func callWords(key string) string {
	if words, ok := callNames[key]; ok {
		return words
	}
	if strings.HasPrefix(key, "role ") {
		return "binding of ACL " + Escape(key)
	}
	return Escape(key)
}
