package slackemu

import "encoding/json"

// maxViewBytes is the largest view definition.
const maxViewBytes = 250 * 1024

// viewShape is every property a view may have; a home tab has no title, submit
// or close. https://docs.slack.dev/reference/views
func viewShape(kind string) shape {
	sh := shape{
		need("type", anything), maybe("private_metadata", text(0, 3000)),
		maybe("callback_id", text(0, 255)), maybe("external_id", text(0, 255)),
	}
	if kind == "home" {
		return sh
	}
	return append(sh, need("title", plainText(24)), maybe("close", plainText(24)), maybe("submit", plainText(24)),
		maybe("clear_on_close", boolean), maybe("notify_on_close", boolean))
}

// checkView validates a view definition for the given type of surface. The
// problems point below at, which is where the view stands in the request.
func checkView(v any, kind, at string) []string {
	o, ok := v.(object)
	if !ok {
		c := &checker{}
		c.add(at, "must provide an object")
		return c.problems
	}
	c := &checker{where: onModal}
	if kind == "home" {
		c.where = onHome
	}
	if o["type"] == nil {
		c.add(at, "missing required field: type")
	} else if o["type"] != kind {
		c.add(at+"/type", "unsupported type: %v", o["type"])
		return c.problems
	}
	rest := object{}
	for k, v := range o {
		if k != "blocks" {
			rest[k] = v
		}
	}
	schema := func(c *checker, at string, _ any) {
		if o["type"] == nil {
			rest["type"] = kind // reported above
		}
		viewShape(kind).check(c, at, rest)
		if o["blocks"] == nil {
			c.add(at, "missing required field: blocks")
			return
		}
		c.blockList(at+"/blocks", o["blocks"], 1, 100)
	}
	if o["type"] == nil {
		schema(c, at, o)
	} else {
		grouped(schema)(c, at, o)
	}
	c.acrossBlocks(at+"/blocks", o["blocks"])
	c.submitForInputs(at, kind, o)
	return c.problems
}

// submitForInputs insists on a submit button when there is something to submit.
func (c *checker) submitForInputs(at, kind string, o object) {
	blocks, _ := o["blocks"].([]any)
	if kind != "modal" || o["submit"] != nil {
		return
	}
	for i, b := range blocks {
		if block, _ := b.(object); block["type"] == "input" {
			c.add(at+pointer("blocks", i, "input"), "must define `submit` to use an `input` block in modals")
		}
	}
}

// tooLarge reports whether a view definition is over Slack's limit.
func tooLarge(v any) bool {
	data, err := json.Marshal(v)
	return err != nil || len(data) > maxViewBytes
}
