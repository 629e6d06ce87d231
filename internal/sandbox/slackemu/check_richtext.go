package slackemu

// richTextPart checks a sub-element of a rich_text block.
// https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
func richTextPart(c *checker, at string, v any) {
	o, ok := v.(object)
	if !ok {
		c.add(at, "must provide an object")
		return
	}
	leaves := need("elements", list(0, 1000, richTextLeaf))
	switch kind, _ := o["type"].(string); kind {
	case "rich_text_section":
		shape{need("type", anything), leaves}.check(c, at, o)
	case "rich_text_preformatted":
		shape{need("type", anything), leaves, maybe("border", whole(0, 1)), maybe("language", text(1, 50))}.check(c, at, o)
	case "rich_text_quote":
		shape{need("type", anything), leaves, maybe("border", whole(0, 1))}.check(c, at, o)
	case "rich_text_list":
		shape{need("type", anything), need("style", oneOf("bullet", "ordered")), need("elements", list(1, 1000, richTextPart)),
			maybe("indent", whole(0, 8)), maybe("offset", whole(0, 1e6)), maybe("border", whole(0, 1))}.check(c, at, o)
	default:
		c.add(at+"/type", "unsupported type: %s", kind)
	}
}

// richTextLeaf checks what stands inside a line of rich text.
func richTextLeaf(c *checker, at string, v any) {
	o, ok := v.(object)
	if !ok {
		c.add(at, "must provide an object")
		return
	}
	style := maybe("style", shape{
		maybe("bold", boolean), maybe("italic", boolean), maybe("strike", boolean), maybe("code", boolean), maybe("underline", boolean),
		maybe("highlight", boolean), maybe("client_highlight", boolean), maybe("unlink", boolean),
	}.check)
	sh := shape{need("type", anything), style}
	switch kind, _ := o["type"].(string); kind {
	case "text":
		sh = append(sh, need("text", text(1, 12000)))
	case "link":
		sh = append(sh, need("url", aLink), maybe("text", text(0, 3000)), maybe("unsafe", boolean))
	case "user":
		sh = append(sh, need("user_id", anID))
	case "usergroup":
		sh = append(sh, need("usergroup_id", anID))
	case "team":
		sh = append(sh, need("team_id", anID))
	case "channel":
		sh = append(sh, need("channel_id", anID))
	case "emoji":
		sh = append(sh, need("name", text(1, 255)), maybe("unicode", text(1, 100)), maybe("skin_tone", whole(1, 6)))
	case "broadcast":
		sh = append(sh, need("range", oneOf("here", "channel", "everyone")))
	case "color":
		sh = append(sh, need("value", text(1, 20)))
	case "date":
		sh = append(sh, need("timestamp", whole(0, 1e11)), need("format", text(1, 255)), maybe("url", aLink), maybe("fallback", text(1, 255)))
	default:
		c.add(at+"/type", "unsupported type: %s", kind)
		return
	}
	sh.check(c, at, o)
}
