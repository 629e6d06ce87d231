package slackemu

import (
	"slices"
	"strings"
)

type actionRequest struct {
	User     string `json:"user"`
	Channel  string `json:"channel"`
	TS       string `json:"ts"`
	ViewID   string `json:"view_id"`
	BlockID  string `json:"block_id"` // only where one action_id stands in several blocks
	ActionID string `json:"action_id"`
	Value    any    `json:"value"`
	Stale    bool   `json:"stale"`
	Shortcut string `json:"shortcut"`
}

// actionAnswer says in addition whether there was anything to send.
type actionAnswer struct {
	ackAnswer
	Sent bool `json:"sent"`
}

// hookAction uses an element of a message, modal or home tab, or a message
// shortcut. A confirm dialog counts as confirmed.
func (s *Server) hookAction(in actionRequest) (any, error) {
	d, err := s.actionDelivery(in)
	if s.learn(err, optionsRequest{User: in.User, ViewID: in.ViewID, Channel: in.Channel, TS: in.TS}) {
		d, err = s.actionDelivery(in)
	}
	if err != nil {
		return nil, err
	}
	if d == nil {
		return actionAnswer{}, nil
	}
	return actionAnswer{answerOf(s.deliver(*d)), true}, nil
}

// actionDelivery finds what was meant, stores what was entered and says what
// to send: nil for an element that does not dispatch.
func (s *Server) actionDelivery(in actionRequest) (*delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, err := s.actor(in.User)
	switch {
	case err != nil:
		return nil, err
	case in.ViewID != "":
		return s.useView(who, in)
	}
	r, err := s.actorRoom(who, in.Channel)
	if err != nil {
		return nil, err
	}
	m := r.find(in.TS)
	if m == nil || m.ephemeralTo != "" && m.ephemeralTo != who.id {
		return nil, notFound("no message %q for %s in %s", in.TS, who.name, r.title())
	}
	if in.Shortcut != "" {
		return s.useShortcut(who, m, in.Shortcut)
	}
	return s.useMessage(who, m, in)
}

// useShortcut picks a message shortcut from a message's menu. mu is held.
func (s *Server) useShortcut(who *person, m *message, id string) (*delivery, error) {
	switch {
	case !slices.Contains(s.cfg.Shortcuts, id):
		return nil, notFound("unknown shortcut %q; there are %s", id, strings.Join(s.cfg.Shortcuts, ", "))
	case m.deleted || m.ephemeralTo != "":
		return nil, conflict("message %s has no shortcuts: it was deleted or is ephemeral", m.ts)
	}
	return &delivery{kind: "interactive", payload: "message_action",
		build: func(base string) any { return s.shortcut(base, who, m, id) }}, nil
}

// useMessage clicks or chooses in a message. mu is held.
func (s *Server) useMessage(who *person, m *message, in actionRequest) (*delivery, error) {
	c := clicked{who: who, message: m}
	found := named(elementsOf(m.allBlocks()), in)
	if (len(found) == 0 || m.deleted) && in.Stale {
		for _, blocks := range slices.Backward(append(slices.Clone(m.past), m.allBlocks())) {
			if found = named(elementsOf(blocks), in); len(found) > 0 {
				c.blocks = blocks
				break
			}
		}
	} else if m.deleted {
		found = nil
	}
	if len(found) == 0 {
		return nil, vanished("message "+m.ts, in, elementsOf(m.allBlocks()))
	}
	c.element = found[0]
	var err error
	if c.state, err = stateFor(c.element, in.Value, m.suggestedTo(who.id, c.element)); err != nil {
		return nil, err
	}
	if c.element.stateful() && c.blocks == nil {
		m.state[who.id] = m.entered(who.id).with(c.element, c.state)
		s.changed()
	}
	if c.blocks == nil && !c.element.dispatches() {
		return nil, nil
	}
	return &delivery{kind: "interactive", payload: "block_actions",
		build: func(base string) any { return s.messageAction(base, c) }}, nil
}

// useView clicks or chooses in a modal or home tab. mu is held.
func (s *Server) useView(who *person, in actionRequest) (*delivery, error) {
	v, err := s.viewOf(who, in.ViewID)
	if err != nil {
		return nil, err
	}
	found := named(elementsOf(v.blocks()), in)
	if len(found) == 0 {
		return nil, vanished("view "+v.id, in, elementsOf(v.blocks()))
	}
	p := found[0]
	state, err := stateFor(p, in.Value, v.suggested[p.key()])
	if err != nil {
		return nil, err
	}
	if p.stateful() {
		v.state = v.state.with(p, state)
		s.changed()
	}
	if !p.dispatches() {
		return nil, nil
	}
	return &delivery{kind: "interactive", payload: "block_actions",
		build: func(string) any { return s.viewAction(who, v, p, state) }}, nil
}

// viewOf finds a view that a person can use now. mu is held.
func (s *Server) viewOf(who *person, id string) (*view, error) {
	v := s.views[id]
	if v == nil || v.user != who.id {
		var have []string
		for _, open := range s.stacks[who.id] {
			have = append(have, open.id)
		}
		return nil, notFound("no view %q for %s; open are [%s]", id, who.name, strings.Join(have, ", "))
	}
	if top := s.top(who.id, v.rootID); !v.home() && top != v {
		return nil, conflict("view %s is covered by %s", v.id, top.id)
	}
	return v, nil
}

// named lists the elements that a request means: by action_id (or
// "block_id/action_id"), and for buttons by value.
func named(all []placed, in actionRequest) []placed {
	want, isText := in.Value.(string)
	return slices.DeleteFunc(slices.Clone(all), func(p placed) bool {
		if p.actionID != in.ActionID && p.key() != in.ActionID || in.BlockID != "" && p.blockID != in.BlockID {
			return true
		}
		has, _ := p.el["value"].(string)
		return !p.stateful() && p.kind != "overflow" && isText && want != "" && want != has
	})
}

// vanished says that an element is not there, and what is.
func vanished(where string, in actionRequest, all []placed) error {
	var have []string
	for _, p := range all {
		one := p.actionID
		if v, _ := p.el["value"].(string); v != "" {
			one += "=" + v
		}
		have = append(have, one)
	}
	value, _ := in.Value.(string)
	return conflict("%s has no element %q with value %q; it has [%s]", where, in.ActionID, value, strings.Join(have, ", "))
}

// stateFor is the state object that using an element leaves.
func stateFor(p placed, value any, known map[string]object) (object, error) {
	if !p.stateful() && p.kind != "overflow" {
		return nil, nil
	}
	return enter(p, value, known)
}
