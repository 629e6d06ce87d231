package slackemu

import (
	"maps"
	"slices"
)

// placed is an interactive element and where it stands.
type placed struct {
	block    object
	el       object
	blockID  string
	actionID string
	kind     string
}

// elementsIn lists the interactive elements of one block.
func elementsIn(block object) []placed {
	var found []any
	switch block["type"] {
	case "section":
		found = []any{block["accessory"]}
	case "input":
		found = []any{block["element"]}
	case "actions", "context_actions":
		found, _ = block["elements"].([]any)
	}
	var out []placed
	for _, f := range found {
		el, ok := f.(object)
		kind, _ := el["type"].(string)
		if !ok || kind == "image" {
			continue
		}
		p := placed{block: block, el: el, kind: kind}
		p.blockID, _ = block["block_id"].(string)
		p.actionID, _ = el["action_id"].(string)
		out = append(out, p)
	}
	return out
}

// elementsOf lists the interactive elements of blocks, top to bottom.
func elementsOf(blocks []any) []placed {
	var out []placed
	for _, b := range blocks {
		if block, ok := b.(object); ok {
			out = append(out, elementsIn(block)...)
		}
	}
	return out
}

// isInput reports whether the element stands in an input block.
func (p placed) isInput() bool { return p.block["type"] == "input" }

// dispatches reports whether using the element tells the app at once.
func (p placed) dispatches() bool { return !p.isInput() || p.block["dispatch_action"] == true }

// key names the element within its view or message.
func (p placed) key() string { return p.blockID + "/" + p.actionID }

// stateful reports whether the element has a value in state.values.
func (p placed) stateful() bool {
	switch p.kind {
	case "button", "overflow", "workflow_button", "feedback_buttons", "icon_button":
		return false
	}
	return true
}

// normalise returns a copy of a tree in which text objects carry the defaults
// that Slack fills in.
func normalise(v any) any {
	switch t := v.(type) {
	case object:
		out := make(object, len(t)+1)
		for k, v := range t {
			if v != nil {
				out[k] = normalise(v)
			}
		}
		if _, isText := out["text"].(string); isText {
			switch {
			case out["type"] == "plain_text" && out["emoji"] == nil:
				out["emoji"] = true
			case out["type"] == "mrkdwn" && out["verbatim"] == nil:
				out["verbatim"] = false
			}
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, v := range t {
			out[i] = normalise(v)
		}
		return out
	}
	return v
}

// adopt prepares checked blocks for storage: defaults filled in, and an id for
// every block and element that has none. mu is held.
func (s *Server) adopt(blocks []any) []any {
	out, _ := normalise(blocks).([]any)
	for _, b := range out {
		block, ok := b.(object)
		if !ok {
			continue
		}
		if id, _ := block["block_id"].(string); id == "" {
			block["block_id"] = s.random(anyAlnum, 5)
		}
		for _, p := range elementsIn(block) {
			if p.actionID == "" {
				p.el["action_id"] = s.random(anyAlnum, 5)
			}
		}
	}
	return out
}

// values is what was entered: block id, action id, state object. A values is
// never changed in place, so payloads may share it.
type values map[string]map[string]object

// with returns a copy in which one element has another value.
func (v values) with(p placed, state object) values {
	out := maps.Clone(v)
	if out == nil {
		out = values{}
	}
	block := maps.Clone(out[p.blockID])
	if block == nil {
		block = map[string]object{}
	}
	block[p.actionID] = state
	out[p.blockID] = block
	return out
}

// get returns an element's value, or nil.
func (v values) get(p placed) object { return v[p.blockID][p.actionID] }

// initialValues are the values of elements that nobody has touched.
func initialValues(elements []placed) values {
	v := values{}
	for _, p := range elements {
		if p.stateful() {
			v = v.with(p, initialState(p))
		}
	}
	return v
}

// carriedTo returns the values for new content: what was entered survives where
// block_id, action_id and type are the same and the choice still exists.
func (v values) carriedTo(elements []placed) values {
	out := initialValues(elements)
	for _, p := range elements {
		old := v.get(p)
		if old != nil && p.stateful() && old["type"] == p.kind && stillOffered(p, old) {
			out = out.with(p, old)
		}
	}
	return out
}

// stillOffered reports whether all that is chosen is among the options of a
// menu that brings its own.
func stillOffered(p placed, state object) bool {
	options := optionsOf(p.el)
	if len(options) == 0 {
		return true
	}
	chosen, _ := state["selected_options"].([]any)
	if one, ok := state["selected_option"].(object); ok {
		chosen = []any{one}
	}
	for _, c := range chosen {
		opt, _ := c.(object)
		if !slices.ContainsFunc(options, func(o object) bool { return o["value"] == opt["value"] }) {
			return false
		}
	}
	return true
}
