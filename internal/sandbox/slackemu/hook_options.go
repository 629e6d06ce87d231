package slackemu

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

type optionsRequest struct {
	User     string `json:"user"`
	ViewID   string `json:"view_id"`
	Channel  string `json:"channel"`
	TS       string `json:"ts"`
	BlockID  string `json:"block_id"`
	ActionID string `json:"action_id"`
	Query    string `json:"query"`
}

// shownOption is an option as a person sees it.
type shownOption struct {
	Text        string `json:"text"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Group       string `json:"group,omitempty"`
}

type optionsAnswer struct {
	Options []shownOption `json:"options"`
	Sent    bool          `json:"sent"`
	ackAnswer
}

// asked is an external menu that somebody types into.
type asked struct {
	who     *person
	element placed
	more    object                  // where it stands, for the payload
	offer   func(map[string]object) // remembers what may be chosen; mu is held
}

// hookOptions types into an external menu and returns what it then offers.
func (s *Server) hookOptions(in optionsRequest) (any, error) {
	s.mu.Lock()
	a, err := s.askedMenu(in)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.suggest(a, in.Query), nil
}

// askedMenu finds the menu that a request means. mu is held.
func (s *Server) askedMenu(in optionsRequest) (asked, error) {
	who, err := s.actor(in.User)
	if err != nil {
		return asked{}, err
	}
	find := actionRequest{ActionID: in.ActionID, BlockID: in.BlockID}
	if in.ViewID == "" {
		r, err := s.actorRoom(who, in.Channel)
		if err != nil {
			return asked{}, err
		}
		m := r.find(in.TS)
		if m == nil || !m.visibleTo(who.id) {
			return asked{}, notFound("no message %q for %s in %s", in.TS, who.name, r.title())
		}
		found := named(elementsOf(m.allBlocks()), find)
		if len(found) == 0 || !found[0].external() {
			return asked{}, vanished("message "+m.ts, find, elementsOf(m.allBlocks()))
		}
		return asked{who, found[0], object{
			"container": object{"type": "message", "message_ts": m.ts, "channel_id": r.id, "is_ephemeral": m.ephemeralTo != ""},
			"channel":   object{"id": r.id, "name": r.payloadName()}, "message": m.wire(),
		}, func(o map[string]object) { m.suggest(who.id, found[0], o) }}, nil
	}
	v, err := s.viewOf(who, in.ViewID)
	if err != nil {
		return asked{}, err
	}
	found := named(elementsOf(v.blocks()), find)
	if len(found) == 0 || !found[0].external() {
		return asked{}, vanished("view "+v.id, find, elementsOf(v.blocks()))
	}
	return s.askedInView(who, v, found[0]), nil
}

// askedInView is an external menu of a view. mu is held.
func (s *Server) askedInView(who *person, v *view, p placed) asked {
	return asked{who, p, object{"container": object{"type": "view", "view_id": v.id}, "view": v.wire()},
		func(o map[string]object) { v.suggest(p, o) }}
}

// external reports whether the app supplies the element's options.
func (p placed) external() bool {
	return p.kind == "external_select" || p.kind == "multi_external_select"
}

// suggest asks the app for options. A query that is too short is not sent.
func (s *Server) suggest(a asked, query string) optionsAnswer {
	answer := optionsAnswer{Options: []shownOption{}}
	if utf8.RuneCountInString(query) < int(numberOr(a.element.el["min_query_length"], 3)) {
		return answer
	}
	out := s.deliver(delivery{
		kind: "interactive", payload: "block_suggestion", accepts: true,
		build: func(string) any { return s.suggestion(a.who, a.element, query, a.more) },
		apply: func(payload any) (problem string) {
			if problem = checkSuggestions(payload); problem == "" {
				answer.Options = shownOptions(payload.(object))
				a.offer(optionsByValue(payload.(object)))
			}
			return problem
		},
	})
	answer.Sent, answer.ackAnswer = true, answerOf(out)
	return answer
}

// learn asks the app for an option that somebody chose in an external menu
// without having searched first: a browser would have, by typing. It reports
// whether it is worth choosing again.
func (s *Server) learn(err error, in optionsRequest) bool {
	var unknown noSuchOption
	if !errors.As(err, &unknown) || !unknown.element.external() {
		return false
	}
	in.ActionID = unknown.element.key()
	s.mu.Lock()
	a, err := s.askedMenu(in)
	s.mu.Unlock()
	if err != nil {
		return false
	}
	for _, query := range []string{unknown.value, ""} {
		for _, o := range s.suggest(a, query).Options {
			if o.Value == unknown.value {
				return true
			}
		}
	}
	return false
}

// checkSuggestions validates what came back; empty is good.
func checkSuggestions(payload any) string {
	o, ok := payload.(object)
	if !ok || (o["options"] == nil) == (o["option_groups"] == nil) {
		return "the acknowledgement must hold either `options` or `option_groups`; an empty list is `\"options\":[]`"
	}
	c := &checker{where: anywhere}
	shape{
		maybe("options", list(0, 100, plainOption)),
		maybe("option_groups", list(0, 100, shape{need("label", plainText(75)), need("options", list(0, 100, plainOption))}.check)),
	}.check(c, "", o)
	if len(c.problems) > 0 {
		return fmt.Sprint(c.problems)
	}
	return ""
}

// shownOptions flattens options and groups.
func shownOptions(o object) []shownOption {
	out := []shownOption{}
	add := func(group string, items any) {
		for _, opt := range optionsOf(object{"options": items}) {
			shown := shownOption{Text: textOf(opt["text"]), Description: textOf(opt["description"]), Group: group}
			shown.Value, _ = opt["value"].(string)
			out = append(out, shown)
		}
	}
	add("", o["options"])
	groups, _ := o["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(object)
		add(textOf(group["label"]), group["options"])
	}
	return out
}

func textOf(v any) string {
	o, _ := v.(object)
	s, _ := o["text"].(string)
	return s
}

// optionsByValue indexes what was offered, in stored form.
func optionsByValue(o object) map[string]object {
	out := map[string]object{}
	for _, opt := range optionsOf(o) {
		value, _ := opt["value"].(string)
		out[value], _ = normalise(opt).(object)
	}
	return out
}
