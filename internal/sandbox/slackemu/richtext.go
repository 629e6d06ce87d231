package slackemu

import (
	"regexp"
	"strconv"
	"strings"
)

// marked finds what is more than letters in a text: <…> and :emoji:.
var marked = regexp.MustCompile(`<[^<>\s][^<>]*>|:[a-z0-9_+'-]+:`)

// richText is the block in which Slack gives a text back that came without
// blocks. Mentions, links, dates and emoji become elements; bold and the other
// styles stay as they were typed.
// https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
func richText(id, text string) []any {
	elements, from := []any{}, 0
	plain := func(s string) {
		if s != "" {
			elements = append(elements, object{"type": "text", "text": strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)})
		}
	}
	for _, at := range marked.FindAllStringIndex(text, -1) {
		plain(text[from:at[0]])
		elements = append(elements, richElement(text[at[0]:at[1]]))
		from = at[1]
	}
	plain(text[from:])
	return []any{object{"type": "rich_text", "block_id": id, "elements": []any{
		object{"type": "rich_text_section", "elements": elements}}}}
}

// richElement is one mention, link, date or emoji.
// https://docs.slack.dev/messaging/formatting-message-text
func richElement(s string) object {
	if s[0] == ':' {
		return object{"type": "emoji", "name": s[1 : len(s)-1]}
	}
	inner, label, labelled := strings.Cut(s[1:len(s)-1], "|")
	date := strings.Split(inner, "^")
	switch {
	case strings.HasPrefix(inner, "@"):
		return object{"type": "user", "user_id": inner[1:]}
	case strings.HasPrefix(inner, "#"):
		return object{"type": "channel", "channel_id": inner[1:]}
	case strings.HasPrefix(inner, "!subteam^"):
		return object{"type": "usergroup", "usergroup_id": date[1]}
	case date[0] == "!date" && len(date) > 2:
		at, _ := strconv.ParseInt(date[1], 10, 64)
		return object{"type": "date", "timestamp": at, "format": date[2], "fallback": label}
	case strings.HasPrefix(inner, "!"):
		return object{"type": "broadcast", "range": inner[1:]}
	}
	o := object{"type": "link", "url": inner}
	if labelled {
		o["text"] = label
	}
	return o
}
