package slackemu

import (
	"maps"
	"slices"
)

// maxStack is how many views a modal may pile up: the root and two more.
const maxStack = 3

// view is an open modal or a published home tab. Its definition is immutable;
// an update replaces it.
type view struct {
	id, user   string
	def        object
	hash       string
	rootID     string
	previousID string
	state      values
	errors     map[string]string // shown under their blocks
	trouble    bool              // "We had some trouble connecting"
	suggested  suggestions
	origin     *room // where the person was when it opened, if anywhere
}

func (v *view) blocks() []any       { b, _ := v.def["blocks"].([]any); return b }
func (v *view) str(k string) string { s, _ := v.def[k].(string); return s }
func (v *view) flag(k string) bool  { return v.def[k] == true }
func (v *view) home() bool          { return v.def["type"] == "home" }

// wire is the view as answers and payloads show it.
// https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
func (v *view) wire() object {
	o := object{
		"title": nil, "close": nil, "submit": nil, "private_metadata": "", "callback_id": "", "external_id": "",
		"clear_on_close": false, "notify_on_close": false,
	}
	maps.Copy(o, v.def)
	if v.home() {
		o["title"] = object{"type": "plain_text", "text": "View Title", "emoji": true} // what Slack puts there
	}
	o["id"], o["team_id"], o["app_id"], o["bot_id"], o["app_installed_team_id"] = v.id, teamID, appID, botID, teamID
	o["hash"], o["root_view_id"], o["previous_view_id"] = v.hash, v.rootID, nil
	if v.previousID != "" {
		o["previous_view_id"] = v.previousID
	}
	state := v.state
	if state == nil {
		state = values{}
	}
	o["state"] = object{"values": state}
	return o
}

// define sets what a view shows; what was entered survives where it can.
func (s *Server) define(v *view, def object) {
	stored, _ := normalise(def).(object)
	blocks, _ := def["blocks"].([]any)
	stored["blocks"] = s.adopt(blocks)
	v.def, v.hash = stored, s.newHash()
	v.state = v.startInOrigin(v.state, v.state.carriedTo(elementsOf(v.blocks())))
	v.errors, v.trouble = nil, false
	s.changed()
}

// startInOrigin chooses the conversation that the modal was opened in, for new
// menus that want it and have no choice of their own.
// https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element
func (v *view) startInOrigin(before, state values) values {
	for _, p := range elementsOf(v.blocks()) {
		sl := slotOf(p.kind)
		wanted := p.el["default_to_current_conversation"] == true && p.el[sl.initial] == nil
		if v.origin == nil || !wanted || before.get(p) != nil {
			continue
		}
		var chosen any = v.origin.id
		if sl.many {
			chosen = []any{chosen}
		}
		state = state.with(p, object{"type": p.kind, sl.state: chosen})
	}
	return state
}

// addView puts a new modal on top of somebody's screen, above previous or as a
// root of its own, opened in a room if the person was in one. mu is held.
func (s *Server) addView(user string, def object, previous *view, in *room) *view {
	v := &view{id: s.newID("V"), user: user, suggested: suggestions{}, origin: in}
	v.rootID = v.id
	if previous != nil {
		v.rootID, v.previousID = previous.rootID, previous.id
	}
	s.define(v, def)
	s.views[v.id] = v
	s.stacks[user] = append(s.stacks[user], v)
	return v
}

// dropViews closes views without telling anybody. mu is held.
func (s *Server) dropViews(user string, gone func(*view) bool) {
	s.stacks[user] = slices.DeleteFunc(s.stacks[user], func(v *view) bool {
		if gone(v) {
			delete(s.views, v.id)
			return true
		}
		return false
	})
	s.changed()
}

// stackOf lists the views of one modal, root first. mu is held.
func (s *Server) stackOf(v *view) []*view {
	var out []*view
	for _, other := range s.stacks[v.user] {
		if other.rootID == v.rootID {
			out = append(out, other)
		}
	}
	return out
}

// top is the view of a modal that the person sees, or nil. mu is held.
func (s *Server) top(user, rootID string) *view {
	for _, v := range slices.Backward(s.stacks[user]) {
		if v.rootID == rootID {
			return v
		}
	}
	return nil
}

// viewArg checks the view argument of a method. mu is held.
func (s *Server) viewArg(c *call, kind string, self *view) (object, error) {
	if c.args["view"] == nil {
		return nil, missingField("view")
	}
	if tooLarge(c.args["view"]) {
		return nil, refuse("view_too_large")
	}
	if problems := checkView(c.args["view"], kind, "/view"); len(problems) > 0 {
		return nil, invalidArguments(problems...)
	}
	def, _ := c.args["view"].(object)
	if id, _ := def["external_id"].(string); id != "" {
		if other := s.byExternalID(id); other != nil && other != self {
			return nil, refuse("duplicate_external_id")
		}
	}
	return def, nil
}

func (s *Server) byExternalID(id string) *view {
	for _, v := range s.views {
		if v.str("external_id") == id {
			return v
		}
	}
	return nil
}

// viewsOpen is https://docs.slack.dev/reference/methods/views.open
func (s *Server) viewsOpen(c *call) (object, error) {
	def, err := s.viewArg(c, "modal", nil)
	if err != nil {
		return nil, err
	}
	t, err := s.trigger(c.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	t.used = true
	return object{"view": s.addView(t.user, def, nil, t.origin).wire()}, nil
}

// viewsPush is https://docs.slack.dev/reference/methods/views.push
func (s *Server) viewsPush(c *call) (object, error) {
	def, err := s.viewArg(c, "modal", nil)
	if err != nil {
		return nil, err
	}
	t, err := s.trigger(c.str("trigger_id"))
	if err != nil {
		return nil, err
	}
	from := s.views[t.viewID]
	switch {
	case from == nil:
		return nil, refuse("not_found")
	case from.home():
		return nil, invalidArguments("must match the `type` of the root view whose stack we're pushing onto [json-pointer:/view/type]")
	case len(s.stackOf(from)) >= maxStack:
		return nil, refuse("push_limit_reached")
	}
	t.used = true
	return object{"view": s.addView(t.user, def, s.top(from.user, from.rootID), t.origin).wire()}, nil
}

// viewsUpdate is https://docs.slack.dev/reference/methods/views.update
func (s *Server) viewsUpdate(c *call) (object, error) {
	v := s.views[c.str("view_id")]
	if id := c.str("external_id"); id != "" && c.str("view_id") == "" {
		v = s.byExternalID(id)
	}
	kind := "modal"
	if v != nil && v.home() {
		kind = "home"
	}
	def, err := s.viewArg(c, kind, v)
	switch {
	case err != nil:
		return nil, err
	case c.str("view_id") == "" && c.str("external_id") == "":
		return nil, invalidArguments("must provide either `view_id` or `external_id` [json-pointer:/view_id]")
	case v == nil:
		return nil, refuse("not_found")
	case c.str("hash") != "" && c.str("hash") != v.hash:
		return nil, refuse("hash_conflict")
	}
	s.define(v, def)
	return object{"view": v.wire()}, nil
}

// viewsPublish is https://docs.slack.dev/reference/methods/views.publish
func (s *Server) viewsPublish(c *call) (object, error) {
	user := c.str("user_id")
	p := s.personByID(user)
	v := s.homes[user]
	def, err := s.viewArg(c, "home", v)
	switch {
	case err != nil:
		return nil, err
	case user == "":
		return nil, missingField("user_id")
	case p == nil || !p.human():
		return nil, invalidArguments("invalid `user_id` [json-pointer:/user_id]")
	case c.str("hash") != "" && (v == nil || c.str("hash") != v.hash):
		return nil, refuse("hash_conflict")
	}
	if v == nil {
		v = &view{id: s.newID("V"), user: user, suggested: suggestions{}}
		v.rootID = v.id
		s.homes[user], s.views[v.id] = v, v
	}
	s.define(v, def)
	return object{"view": v.wire()}, nil
}

// blocksValidate is https://docs.slack.dev/reference/methods/blocks.validate
func (s *Server) blocksValidate(c *call) (object, error) {
	code, problems := "", []string(nil)
	switch {
	case c.args["blocks"] != nil:
		blocks, err := listArg(c.args["blocks"], "invalid_blocks")
		if err != nil {
			return nil, err
		}
		code, problems = "invalid_blocks", checkMessageBlocks(blocks, nil)
	case c.args["view"] != nil:
		def, _ := c.args["view"].(object)
		kind, _ := def["type"].(string)
		if kind != "home" {
			kind = "modal"
		}
		code, problems = "invalid_view", checkView(c.args["view"], kind, "/view")
	case c.args["message"] != nil:
		def, _ := c.args["message"].(object)
		blocks, _ := def["blocks"].([]any)
		attachments, _ := def["attachments"].([]any)
		code, problems = "invalid_message", checkMessageBlocks(blocks, attachments)
	default:
		return nil, invalidArguments("must provide `blocks`, `view` or `message`")
	}
	if len(problems) == 0 {
		return object{}, nil
	}
	return nil, &refusal{code: code, extra: object{"errors": validationErrors(problems)}}
}
