package slackemu

import (
	"fmt"
	"unicode/utf8"
)

// blockSpec is what one kind of block may hold and where it may stand.
// https://docs.slack.dev/reference/block-kit/blocks
type blockSpec struct {
	surface surface
	fields  shape
}

// standalone are the elements of context blocks and accessories that nobody
// can click: texts and images.
func standalone(kind string) check {
	if kind == "image" {
		return shape{need("type", anything), maybe("image_url", text(1, 3000)), maybe("slack_file", anything), need("alt_text", text(1, 2000))}.check
	}
	return eitherText(3000)
}

// blockSpecFor looks a block type up.
func blockSpecFor(kind string) (blockSpec, bool) {
	switch kind {
	case "section":
		return blockSpec{anywhere, shape{maybe("text", eitherText(3000)), maybe("fields", list(1, 10, eitherText(2000))),
			maybe("accessory", element("section", "image")), maybe("expand", boolean)}}, true
	case "divider":
		return blockSpec{anywhere, nil}, true
	case "header":
		return blockSpec{anywhere, shape{need("text", plainText(150)), maybe("level", whole(1, 4))}}, true
	case "context":
		return blockSpec{anywhere, shape{need("elements", list(1, 10, element("context", "plain_text", "mrkdwn", "image")))}}, true
	case "actions":
		return blockSpec{anywhere, shape{need("elements", list(1, 25, element("actions")))}}, true
	case "input":
		return blockSpec{anywhere, shape{need("label", plainText(2000)), need("element", element("input")),
			maybe("hint", plainText(2000)), maybe("optional", boolean), maybe("dispatch_action", boolean)}}, true
	case "image":
		return blockSpec{anywhere, shape{maybe("image_url", text(1, 3000)), maybe("slack_file", anything),
			need("alt_text", text(1, 2000)), maybe("title", plainText(2000))}}, true
	case "rich_text":
		return blockSpec{anywhere, shape{need("elements", list(1, 100, richTextPart))}}, true
	}
	return newerBlock(kind)
}

// newerBlock knows the blocks beyond the classic ones, with the limits that
// are documented.
func newerBlock(kind string) (blockSpec, bool) {
	switch kind {
	case "context_actions":
		return blockSpec{onMessage, shape{need("elements", list(1, 5, element("context_actions")))}}, true
	case "markdown":
		return blockSpec{onMessage, shape{need("text", text(1, 12000))}}, true
	case "table":
		return blockSpec{onMessage, shape{need("rows", list(1, 100, list(1, 20, anything))), maybe("column_settings", list(1, 20, anything))}}, true
	case "data_table":
		return blockSpec{onMessage, shape{need("caption", anything), need("rows", list(2, 101, list(1, 20, anything))), maybe("page_size", whole(1, 100))}}, true
	case "alert":
		return blockSpec{onModal, shape{need("text", eitherText(200)), maybe("level", oneOf("default", "info", "warning", "error", "success"))}}, true
	case "video":
		return blockSpec{anywhere, shape{need("title", plainText(199)), need("alt_text", text(1, 2000)), need("video_url", aLink), need("thumbnail_url", aLink),
			maybe("author_name", text(1, 49)), maybe("title_url", aLink), maybe("description", plainText(199)), maybe("provider_name", text(1, 49)), maybe("provider_icon_url", aLink)}}, true
	case "file":
		return blockSpec{onMessage, shape{need("external_id", anID), need("source", oneOf("remote"))}}, true
	case "card", "carousel", "plan", "task_card", "data_visualization":
		return blockSpec{onMessage, nil}, true
	case "container", "layout":
		return blockSpec{anywhere, nil}, true
	}
	return blockSpec{}, false
}

// loose are the blocks whose insides are not checked.
func loose(kind string) bool {
	switch kind {
	case "card", "carousel", "plan", "task_card", "data_visualization", "container", "layout":
		return true
	}
	return false
}

// blockList checks every block of a surface by itself.
func (c *checker) blockList(at string, v any, fewest, most int) {
	list(fewest, most, (*checker).block)(c, at, v)
}

// acrossBlocks checks what blocks must not share or exceed together.
func (c *checker) acrossBlocks(at string, v any) {
	blocks, _ := v.([]any)
	c.uniqueIDs(at, blocks)
	c.sums(at, blocks)
}

// block checks one block by its type.
func (c *checker) block(at string, v any) {
	o, ok := v.(object)
	if !ok {
		c.add(at, "must provide an object")
		return
	}
	kind, _ := o["type"].(string)
	if kind == "" {
		c.add(at, "missing required field: type")
		return
	}
	spec, known := blockSpecFor(kind)
	if !known || spec.surface&c.where == 0 {
		c.add(at+"/type", "unsupported type: %s", kind)
		return
	}
	if loose(kind) {
		return
	}
	sh := append(shape{need("type", anything), maybe("block_id", anID)}, spec.fields...)
	sh.check(c, at, o)
	c.acrossFields(at, kind, o)
}

// acrossFields are the rules between properties of one block.
func (c *checker) acrossFields(at, kind string, o object) {
	switch kind {
	case "section":
		if o["text"] == nil && o["fields"] == nil {
			c.add(at+"/type", "must define either `text` or `fields`")
		}
	case "image":
		if o["image_url"] == nil && o["slack_file"] == nil {
			c.add(at+"/type", "must define either `image_url` or `slack_file`")
		}
	case "input":
		el, _ := o["element"].(object)
		if o["dispatch_action"] == true && el["type"] == "file_input" {
			c.add(at+"/dispatch_action", "cannot be used with `file_input`")
		}
	}
}

// uniqueIDs finds block_ids used twice, and action_ids used twice in a block.
func (c *checker) uniqueIDs(at string, blocks []any) {
	seen := map[string]bool{}
	for i, b := range blocks {
		o, ok := b.(object)
		if !ok {
			continue
		}
		if id, _ := o["block_id"].(string); id != "" {
			if seen[id] {
				c.add(at+pointer(i, "block_id"), "`block_id` already exists")
			}
			seen[id] = true
		}
		actions := map[string]bool{}
		elements, _ := o["elements"].([]any)
		for j, e := range elements {
			el, _ := e.(object)
			if id, _ := el["action_id"].(string); id != "" {
				if actions[id] {
					c.add(at+pointer(i, "elements", j, "action_id"), "`action_id` already exists")
				}
				actions[id] = true
			}
		}
	}
}

// sums are the limits over all blocks together.
func (c *checker) sums(at string, blocks []any) {
	markdown, tables, charts, focused := 0, 0, 0, 0
	for i, b := range blocks {
		o, _ := b.(object)
		switch o["type"] {
		case "markdown":
			s, _ := o["text"].(string)
			markdown += utf8.RuneCountInString(s)
		case "table":
			tables++
		case "data_visualization":
			charts++
		}
		for _, el := range elementsIn(o) {
			if el.el["focus_on_load"] == true {
				if focused++; focused == 2 {
					c.add(fmt.Sprintf("%s/%d", at, i), "only one element can have `focus_on_load`")
				}
			}
		}
	}
	if markdown > 12000 {
		c.add(at, "markdown blocks must be less than 12001 characters together")
	}
	if tables > 1 {
		c.add(at, "only_one_table_allowed")
	}
	if charts > 2 {
		c.add(at, "no more than 2 `data_visualization` blocks allowed")
	}
}

// checkMessageBlocks validates blocks and attachments of a message.
func checkMessageBlocks(blocks, attachments []any) []string {
	c := &checker{where: onMessage}
	if blocks != nil {
		c.blockList("/blocks", any(blocks), 0, 50)
		c.acrossBlocks("/blocks", any(blocks))
	}
	for i, a := range attachments {
		att, ok := a.(object)
		if !ok {
			c.add(pointer("attachments", i), "must provide an object")
			continue
		}
		if att["blocks"] != nil {
			at := pointer("attachments", i, "blocks")
			c.blockList(at, att["blocks"], 0, 50)
			c.acrossBlocks(at, att["blocks"])
		}
	}
	return c.problems
}
