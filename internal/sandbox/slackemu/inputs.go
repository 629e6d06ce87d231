package slackemu

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// slot says where an element kind keeps its value: the property in
// state.values and actions, and the one that holds the initial value.
type slot struct {
	state, initial string
	many           bool // a list; empty is [] and not null
	option         bool // holds option objects
}

// slotOf is the table of where values live.
// https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
func slotOf(kind string) slot {
	switch kind {
	case "static_select", "external_select", "radio_buttons", "overflow":
		return slot{"selected_option", "initial_option", false, true}
	case "multi_static_select", "multi_external_select", "checkboxes":
		return slot{"selected_options", "initial_options", true, true}
	case "users_select":
		return slot{"selected_user", "initial_user", false, false}
	case "multi_users_select":
		return slot{"selected_users", "initial_users", true, false}
	case "conversations_select":
		return slot{"selected_conversation", "initial_conversation", false, false}
	case "multi_conversations_select":
		return slot{"selected_conversations", "initial_conversations", true, false}
	case "channels_select":
		return slot{"selected_channel", "initial_channel", false, false}
	case "multi_channels_select":
		return slot{"selected_channels", "initial_channels", true, false}
	case "datepicker":
		return slot{"selected_date", "initial_date", false, false}
	case "timepicker":
		return slot{"selected_time", "initial_time", false, false}
	case "datetimepicker":
		return slot{"selected_date_time", "initial_date_time", false, false}
	case "rich_text_input":
		return slot{"rich_text_value", "initial_value", false, false}
	case "file_input":
		return slot{"files", "", true, false}
	}
	return slot{"value", "initial_value", false, false}
}

// initialState is the state object of an element that nobody has touched.
func initialState(p placed) object {
	sl := slotOf(p.kind)
	value := p.el[sl.initial]
	if value == nil && sl.many {
		value = []any{}
	}
	return object{"type": p.kind, sl.state: value}
}

// enter turns what a person chose, as a hook says it, into a state object. The
// known options are those that a person has been offered by the app.
func enter(p placed, raw any, known map[string]object) (object, error) {
	sl := slotOf(p.kind)
	value, err := enteredValue(p, sl, raw, known)
	if err != nil {
		return nil, err
	}
	return object{"type": p.kind, sl.state: value}, nil
}

func enteredValue(p placed, sl slot, raw any, known map[string]object) (any, error) {
	if raw == nil || raw == "" {
		if sl.many {
			return []any{}, nil
		}
		return nil, nil
	}
	if !sl.many {
		return enteredOne(p, sl, raw, known)
	}
	items, ok := raw.([]any)
	if !ok {
		items = []any{raw}
	}
	out := []any{}
	for _, it := range items {
		one, err := enteredOne(p, sl, it, known)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// enteredOne converts one chosen or typed value.
func enteredOne(p placed, sl slot, raw any, known map[string]object) (any, error) {
	if p.kind == "datetimepicker" {
		n, ok := raw.(float64)
		if !ok {
			return nil, badRequest("%s wants epoch seconds as a number, not %v", p.key(), raw)
		}
		return n, nil
	}
	if p.kind == "rich_text_input" {
		if _, ok := raw.(object); ok {
			return raw, nil
		}
		return object{"type": "rich_text", "elements": []any{object{"type": "rich_text_section",
			"elements": []any{object{"type": "text", "text": fmt.Sprint(raw)}}}}}, nil
	}
	s, ok := raw.(string)
	if n, number := raw.(float64); number {
		s, ok = strings.TrimSuffix(fmt.Sprintf("%f", n), ".000000"), true
	}
	if !ok {
		return nil, badRequest("%s wants a string, not %v", p.key(), raw)
	}
	if !sl.option {
		return s, nil
	}
	if opt := offered(p, s, known); opt != nil {
		return opt, nil
	}
	return nil, noSuchOption{p, s}
}

// offered finds the option with a value among those of the element and those
// the app has suggested, or nil.
func offered(p placed, value string, known map[string]object) object {
	options := optionsOf(p.el)
	if i := slices.IndexFunc(options, func(o object) bool { return o["value"] == value }); i >= 0 {
		return options[i]
	}
	if opt, ok := known[value]; ok {
		return opt
	}
	initial := initialState(p)
	if one, _ := initial["selected_option"].(object); one != nil && one["value"] == value {
		return one
	}
	many, _ := initial["selected_options"].([]any)
	for _, m := range many {
		if one, _ := m.(object); one["value"] == value {
			return one
		}
	}
	return nil
}

// noSuchOption is a choice that no browser would show.
type noSuchOption struct {
	element placed
	value   string
}

func (e noSuchOption) Error() string {
	var have []string
	for _, o := range optionsOf(e.element.el) {
		have = append(have, fmt.Sprint(o["value"]))
	}
	return fmt.Sprintf("%s offers no option %q; it offers [%s]", e.element.key(), e.value, strings.Join(have, ", "))
}

// browserProblems are what Slack's client refuses before it sends a modal: by
// block id, in the words a person would read.
func browserProblems(elements []placed, v values) map[string]string {
	out := map[string]string{}
	for _, p := range elements {
		if !p.isInput() {
			continue
		}
		if problem := browserProblem(p, v.get(p)); problem != "" {
			out[p.blockID] = problem
		}
	}
	return out
}

func browserProblem(p placed, state object) string {
	sl := slotOf(p.kind)
	value := state[sl.state]
	items, _ := value.([]any)
	s, _ := value.(string)
	if value == nil || value == "" || sl.many && len(items) == 0 {
		if p.block["optional"] == true {
			return ""
		}
		return "Please complete this required field."
	}
	n := utf8.RuneCountInString(s)
	switch {
	case p.kind == "plain_text_input" && n < int(numberOr(p.el["min_length"], 0)):
		return fmt.Sprintf("Please enter at least %d characters.", int(numberOr(p.el["min_length"], 0)))
	case p.kind == "plain_text_input" && n > int(numberOr(p.el["max_length"], 3000)):
		return fmt.Sprintf("Please enter no more than %d characters.", int(numberOr(p.el["max_length"], 3000)))
	case p.kind == "email_text_input" && !strings.Contains(s, "@"):
		return "Please enter a valid email address."
	case p.kind == "url_text_input" && !strings.Contains(s, "://"):
		return "Please enter a valid URL."
	case p.kind == "number_input":
		return numberProblem(p, s)
	case p.kind == "datepicker" && !isDate(s), p.kind == "timepicker" && !isClock(s):
		return "Please choose a valid date or time."
	case sl.many && float64(len(items)) > numberOr(p.el["max_selected_items"], 1000):
		return fmt.Sprintf("Please choose no more than %v items.", p.el["max_selected_items"])
	}
	return ""
}

func numberProblem(p placed, s string) string {
	var n, lo, hi float64
	if _, err := fmt.Sscanf(s, "%g", &n); err != nil || !isNumber(s) {
		return "Please enter a number."
	}
	if p.el["is_decimal_allowed"] != true && strings.Contains(s, ".") {
		return "Please enter a whole number."
	}
	if _, err := fmt.Sscan(fmt.Sprint(p.el["min_value"]), &lo); err == nil && n < lo {
		return fmt.Sprintf("Please enter a number that is at least %v.", p.el["min_value"])
	}
	if _, err := fmt.Sscan(fmt.Sprint(p.el["max_value"]), &hi); err == nil && n > hi {
		return fmt.Sprintf("Please enter a number that is at most %v.", p.el["max_value"])
	}
	return ""
}
