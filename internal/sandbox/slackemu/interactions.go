package slackemu

import "maps"

// interaction is what all interaction payloads share.
// https://docs.slack.dev/reference/interaction-payloads
func (s *Server) interaction(kind string, who *person, more object) object {
	o := object{
		"type": kind, "team": s.payloadTeam(), "user": payloadUser(who), "api_app_id": appID, "token": "deprecated",
		"enterprise": s.payloadEnterprise(), "is_enterprise_install": s.orgInstall,
	}
	maps.Copy(o, more)
	return o
}

// actionObject is one entry of the actions of a block_actions payload.
// https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
func actionObject(p placed, state object, ts string) object {
	o := object{"type": p.kind, "action_id": p.actionID, "block_id": p.blockID, "action_ts": ts}
	for _, k := range []string{"text", "style", "placeholder", "confirm", "timezone", "url", "accessibility_label"} {
		if v, ok := p.el[k]; ok {
			o[k] = v
		}
	}
	if p.stateful() || p.kind == "overflow" {
		sl := slotOf(p.kind)
		o[sl.state] = state[sl.state]
		if v, ok := p.el[sl.initial]; ok {
			o[sl.initial] = v
		}
	} else if v, ok := p.el["value"]; ok {
		o["value"] = v
	}
	return o
}

// clicked is a person's act on one element of a message.
type clicked struct {
	who     *person
	message *message
	element placed
	state   object
	blocks  []any // what the person's client shows; nil for what is there now
}

// messageAction is the payload of a click on a message. mu is held.
func (s *Server) messageAction(base string, c clicked) object {
	m := c.message
	container := object{"type": "message", "message_ts": m.ts, "channel_id": m.room.id, "is_ephemeral": m.ephemeralTo != ""}
	if n := m.attachmentOf(c.element.blockID); n > 0 && c.blocks == nil {
		maps.Copy(container, object{"type": "message_attachment", "attachment_id": n, "is_app_unfurl": false})
	}
	if root := m.wire()["thread_ts"]; root != nil {
		container["thread_ts"] = root
	}
	o := s.interaction("block_actions", c.who, object{
		"container": container, "trigger_id": s.newTrigger(c.who.id, nil, m.room),
		"channel": object{"id": m.room.id, "name": m.room.payloadName()},
		"state":   object{"values": m.entered(c.who.id)},
		"response_url": s.newResponseURL(base, responseURL{
			room: m.room, user: c.who.id, original: m}),
		"actions": []any{actionObject(c.element, c.state, s.newTS())},
	})
	if m.ephemeralTo == "" {
		shown := m.wire()
		if c.blocks != nil {
			shown["blocks"] = c.blocks
			delete(shown, "attachments")
		}
		o["message"] = shown
	}
	return o
}

// entered is what a person has put into a message's elements.
func (m *message) entered(user string) values {
	if v, ok := m.state[user]; ok {
		return v
	}
	return initialValues(elementsOf(m.allBlocks()))
}

// viewAction is the payload of an act inside a modal or home tab. mu is held.
func (s *Server) viewAction(who *person, v *view, p placed, state object) object {
	return s.interaction("block_actions", who, object{
		"container": object{"type": "view", "view_id": v.id}, "trigger_id": s.newTrigger(who.id, v, v.origin),
		"view": v.wire(), "actions": []any{actionObject(p, state, s.newTS())},
	})
}

// shortcut is the payload of a message shortcut. mu is held.
func (s *Server) shortcut(base string, who *person, m *message, callbackID string) object {
	return s.interaction("message_action", who, object{
		"action_ts": s.newTS(), "callback_id": callbackID, "trigger_id": s.newTrigger(who.id, nil, m.room),
		"channel": object{"id": m.room.id, "name": m.room.payloadName()}, "message_ts": m.ts, "message": m.wire(),
		"response_url": s.newResponseURL(base, responseURL{room: m.room, user: who.id}),
	})
}

// submission is the payload of a submitted modal. mu is held.
func (s *Server) submission(base string, who *person, v *view) object {
	urls := []any{}
	for _, p := range elementsOf(v.blocks()) {
		room := s.room(chosenRoom(v.state.get(p)))
		if p.el["response_url_enabled"] != true || room == nil {
			continue
		}
		urls = append(urls, object{"block_id": p.blockID, "action_id": p.actionID, "channel_id": room.id,
			"response_url": s.newResponseURL(base, responseURL{room: room, user: who.id})})
	}
	return s.interaction("view_submission", who, object{
		"trigger_id": s.newTrigger(who.id, v, v.origin), "view": v.wire(), "response_urls": urls,
	})
}

// chosenRoom is the channel in the state of a conversations or channels menu.
func chosenRoom(state object) string {
	if id, ok := state["selected_conversation"].(string); ok {
		return id
	}
	id, _ := state["selected_channel"].(string)
	return id
}

// viewClosed is the payload of a modal that was left without submitting.
func (s *Server) viewClosed(who *person, v *view, cleared bool) object {
	shown := v.wire()
	shown["state"] = object{"values": object{}}
	return s.interaction("view_closed", who, object{"view": shown, "is_cleared": cleared})
}

// suggestion is the payload that asks for the options of an external menu.
func (s *Server) suggestion(who *person, p placed, query string, more object) object {
	o := object{"action_id": p.actionID, "block_id": p.blockID, "value": query}
	maps.Copy(o, more)
	return s.interaction("block_suggestion", who, o)
}
