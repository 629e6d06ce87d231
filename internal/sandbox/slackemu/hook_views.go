package slackemu

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

type submitRequest struct {
	User   string         `json:"user"`
	ViewID string         `json:"view_id"`
	Values map[string]any `json:"values"`
}

// submitAnswer says what became of a submitted modal and what is visible now.
type submitAnswer struct {
	Acked          bool              `json:"acked"`
	AckMS          float64           `json:"ack_ms"`
	ResponseAction string            `json:"response_action"`
	Errors         map[string]string `json:"errors"`
	View           object            `json:"view"`
	Error          string            `json:"error"`
}

// hookSubmit fills a modal's fields and presses its submit button. What a
// browser would refuse is not sent.
// https://docs.slack.dev/surfaces/modals#handling_submissions
func (s *Server) hookSubmit(in submitRequest) (any, error) {
	who, v, err := s.fill(in)
	if s.learn(err, optionsRequest{User: in.User, ViewID: in.ViewID}) {
		who, v, err = s.fill(in)
	}
	var missing noSuchOption
	wrong := map[string]string{}
	switch {
	case errors.As(err, &missing):
		wrong[missing.element.blockID] = missing.Error()
	case err != nil:
		return nil, err
	default:
		wrong = s.refusedByBrowser(v)
	}
	if len(wrong) > 0 {
		return submitAnswer{Errors: wrong, Error: clientValidation, View: s.visible(in.User)}, nil
	}
	answer := submitAnswer{Errors: map[string]string{}}
	out := s.deliver(delivery{
		kind: "interactive", payload: "view_submission", accepts: true,
		build: func(base string) any { return s.submission(base, who, v) },
		apply: func(payload any) (problem string) {
			answer.ResponseAction, answer.Errors, problem = s.respond(v, payload)
			v.trouble = problem != ""
			return problem
		},
	})
	answer.Acked, answer.AckMS, answer.Error = out.acked, milliseconds(out.took), out.err
	if !out.acked {
		s.mu.Lock()
		v.trouble = true
		s.changed()
		s.mu.Unlock()
	}
	answer.View = s.visible(in.User)
	return answer, nil
}

// fill puts values into a modal's fields, all or none.
func (s *Server) fill(in submitRequest) (*person, *view, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, err := s.actor(in.User)
	if err != nil {
		return nil, nil, err
	}
	v, err := s.viewOf(who, in.ViewID)
	switch {
	case err != nil:
		return nil, nil, err
	case v.home() || v.def["submit"] == nil:
		return nil, nil, conflict("view %s has no submit button", v.id)
	}
	state := v.state
	elements := elementsOf(v.blocks())
	for _, key := range slices.Sorted(maps.Keys(in.Values)) {
		found := slices.DeleteFunc(slices.Clone(elements), func(p placed) bool {
			return !p.stateful() || p.actionID != key && p.key() != key
		})
		if len(found) == 0 {
			return who, v, conflict("view %s has no field %q; it has [%s]", v.id, key, strings.Join(fieldNames(elements), ", "))
		}
		entered, err := enter(found[0], in.Values[key], v.suggested[found[0].key()])
		if err != nil {
			return who, v, err
		}
		state = state.with(found[0], entered)
	}
	v.state = state
	s.changed()
	return who, v, nil
}

func fieldNames(elements []placed) []string {
	var out []string
	for _, p := range elements {
		if p.stateful() {
			out = append(out, p.key())
		}
	}
	return out
}

// refusedByBrowser are the problems that a browser shows by itself.
func (s *Server) refusedByBrowser(v *view) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := browserProblems(elementsOf(v.blocks()), v.state)
	v.errors, v.trouble = wrong, false
	s.changed()
	return wrong
}

// visible is the view that is on top of a person's screen, or nil.
func (s *Server) visible(user string) object {
	s.mu.Lock()
	defer s.mu.Unlock()
	who, err := s.actor(user)
	if err != nil || len(s.stacks[who.id]) == 0 {
		return nil
	}
	stack := s.stacks[who.id]
	return stack[len(stack)-1].wire()
}

// respond does what the acknowledgement of a submission says. A problem means
// that the person sees "trouble connecting". mu is held.
func (s *Server) respond(v *view, payload any) (action string, errs map[string]string, problem string) {
	errs = map[string]string{}
	if s.views[v.id] == nil { // left meanwhile
		return "", errs, ""
	}
	if payload == nil {
		s.dropViews(v.user, func(o *view) bool { return o == v })
		return "", errs, ""
	}
	body, _ := payload.(object)
	action, _ = body["response_action"].(string)
	switch action {
	case "clear":
		s.dropViews(v.user, func(o *view) bool { return o.rootID == v.rootID })
	case "errors":
		errs, problem = fieldErrors(v, body["errors"])
		if problem == "" {
			v.errors = errs
			s.changed()
		}
	case "update", "push":
		problem = s.respondWithView(v, action, body["view"])
	default:
		problem = fmt.Sprintf("unknown response_action %q", action)
	}
	return action, errs, problem
}

// respondWithView shows the view that an acknowledgement carried. mu is held.
func (s *Server) respondWithView(v *view, action string, shown any) string {
	self := v
	if action == "push" {
		self = nil
		if len(s.stackOf(v)) >= maxStack {
			return "push_limit_reached"
		}
	}
	def, err := s.viewArg(&call{args: args{"view": shown}}, "modal", self)
	if err != nil {
		return "invalid view in response_action: " + describe(err)
	}
	if action == "push" {
		s.addView(v.user, def, v, v.origin)
	} else {
		s.define(v, def)
	}
	return ""
}

// fieldErrors checks the errors of an acknowledgement: texts under input
// blocks of the view.
func fieldErrors(v *view, given any) (map[string]string, string) {
	out := map[string]string{}
	o, _ := given.(object)
	if len(o) == 0 {
		return out, "response_action \"errors\" without errors"
	}
	inputs := map[string]bool{}
	for _, p := range elementsOf(v.blocks()) {
		inputs[p.blockID] = inputs[p.blockID] || p.isInput()
	}
	for _, block := range slices.Sorted(maps.Keys(o)) {
		text, ok := o[block].(string)
		if !ok || text == "" {
			return map[string]string{}, fmt.Sprintf("the error for block %q is not a text", block)
		}
		if !inputs[block] {
			return map[string]string{}, fmt.Sprintf("errors name block %q, which is not an input block of the view", block)
		}
		out[block] = text
	}
	return out, ""
}

type closeRequest struct {
	User   string `json:"user"`
	ViewID string `json:"view_id"`
	All    bool   `json:"all"`
}

// hookClose leaves a modal: Cancel closes the view (all of them with
// clear_on_close), ✕ ("all") always all. The answer tells of the first
// view_closed that the app gets, if it asked for any.
func (s *Server) hookClose(in closeRequest) (any, error) {
	who, gone, cleared, err := s.leaveViews(in)
	if err != nil {
		return nil, err
	}
	var answer actionAnswer
	for _, v := range gone {
		if !v.flag("notify_on_close") {
			continue
		}
		out := s.deliver(delivery{kind: "interactive", payload: "view_closed",
			build: func(string) any { return s.viewClosed(who, v, cleared) }})
		if !answer.Sent {
			answer = actionAnswer{answerOf(out), true}
		}
	}
	return answer, nil
}

// leaveViews closes what a person leaves and returns it, top first.
func (s *Server) leaveViews(in closeRequest) (who *person, gone []*view, cleared bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if who, err = s.actor(in.User); err != nil {
		return nil, nil, false, err
	}
	v, err := s.viewOf(who, in.ViewID)
	switch {
	case err != nil:
		return nil, nil, false, err
	case v.home():
		return nil, nil, false, conflict("view %s is the home tab", v.id)
	}
	cleared = in.All || v.flag("clear_on_close")
	gone = []*view{v}
	if cleared {
		gone = s.stackOf(v)
		slices.Reverse(gone)
	}
	s.dropViews(who.id, func(o *view) bool { return slices.Contains(gone, o) })
	return who, gone, cleared, nil
}
