package slackemu

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// elementSpec is what one kind of block element may hold, and in which blocks
// it may stand.
// https://docs.slack.dev/reference/block-kit/block-elements
type elementSpec struct {
	kind    string
	in      []string // block types
	surface surface
	fields  shape
	options int // most options; 0 when it has none of its own
}

var (
	buttonLike  = []string{"section", "actions"}
	fieldLike   = []string{"section", "actions", "input"}
	inputOnly   = []string{"input"}
	actionInput = []string{"actions", "input"}
)

func isDate(s string) bool   { _, err := time.Parse("2006-01-02", s); return err == nil }
func isClock(s string) bool  { _, err := time.Parse("15:04", s); return err == nil && len(s) == 5 }
func isZone(s string) bool   { return zoneName.MatchString(s) }
func isLink(s string) bool   { return strings.Contains(s, ":") && len(s) <= 3000 }
func isNumber(s string) bool { return json.Valid([]byte(s)) && strings.Trim(s, "0123456789.-") == "" }

var (
	zoneName    = regexp.MustCompile(`^[A-Za-z]+([/_+-][A-Za-z0-9_+-]+)*$`)
	anID        = text(1, 255)
	aLink       = matching(isLink, "must be a valid URL")
	placeholder = maybe("placeholder", plainText(150))
	confirmBox  = maybe("confirm", shape{
		need("title", plainText(100)), need("text", eitherText(300)),
		need("confirm", plainText(30)), need("deny", plainText(30)), maybe("style", oneOf("primary", "danger")),
	}.check)
	focus       = maybe("focus_on_load", boolean)
	dispatching = maybe("dispatch_action_config", shape{
		maybe("trigger_actions_on", list(1, 2, oneOf("on_enter_pressed", "on_character_entered"))),
	}.check)
)

// option checks https://docs.slack.dev/reference/block-kit/composition-objects/option-object
func option(label check, url bool) check {
	sh := shape{need("text", label), need("value", text(1, 150)), maybe("description", label)}
	if url {
		sh = append(sh, maybe("url", aLink))
	}
	return sh.check
}

var (
	plainOption  = option(plainText(75), false)
	eitherOption = option(eitherText(75), false)
	linkOption   = option(plainText(75), true)
	optionGroup  = shape{need("label", plainText(75)), need("options", list(1, 100, plainOption))}.check
)

// choices are the properties of a menu that brings its options along.
func choices(label string, initial check) shape {
	return shape{
		placeholder, maybe("options", list(1, 100, plainOption)), maybe("option_groups", list(1, 100, optionGroup)),
		maybe(label, initial), confirmBox, focus,
	}
}

// picker are the properties of a menu whose choices Slack knows.
func picker(more ...field) shape {
	return append(shape{placeholder, confirmBox, focus}, more...)
}

// typed are the properties of a one-line input.
func typed(more ...field) shape {
	return append(shape{placeholder, dispatching, focus}, more...)
}

var (
	atMost     = maybe("max_selected_items", whole(1, 1000))
	convFilter = maybe("filter", anything)
	withURL    = maybe("response_url_enabled", boolean)
	shortest   = maybe("min_length", whole(0, 3000))
	longest    = maybe("max_length", whole(1, 3000))
	startText  = maybe("initial_value", text(0, 3000))
)

// elementSpecs is the table of all interactive elements.
var elementSpecs = []elementSpec{
	{kind: "button", in: buttonLike, surface: anywhere, fields: shape{
		need("text", plainText(75)), maybe("url", aLink), maybe("value", text(0, 2000)),
		maybe("style", oneOf("primary", "danger")), confirmBox, maybe("accessibility_label", text(1, 75))}},
	{kind: "workflow_button", in: buttonLike, surface: onMessage, fields: shape{
		need("text", plainText(75)), need("workflow", anything), maybe("style", oneOf("primary", "danger")),
		maybe("accessibility_label", text(1, 75))}},
	{kind: "feedback_buttons", in: []string{"context_actions"}, surface: onMessage, fields: shape{
		need("positive_button", anything), need("negative_button", anything)}},
	{kind: "icon_button", in: []string{"context_actions"}, surface: onMessage, fields: shape{
		need("icon", oneOf("trash")), need("text", plainText(75)), maybe("value", text(0, 2000)), confirmBox,
		maybe("accessibility_label", text(1, 75)), maybe("visible_to_user_ids", list(1, 100, anID))}},
	{kind: "overflow", in: buttonLike, surface: anywhere, fields: shape{
		need("options", list(1, 5, linkOption)), confirmBox}},
	{kind: "static_select", in: fieldLike, surface: anywhere, fields: choices("initial_option", plainOption), options: 100},
	{kind: "multi_static_select", in: fieldLike, surface: anywhere,
		fields: append(choices("initial_options", list(1, 100, plainOption)), atMost), options: 100},
	{kind: "external_select", in: fieldLike, surface: anywhere,
		fields: picker(maybe("initial_option", plainOption), maybe("min_query_length", whole(0, 255)))},
	{kind: "multi_external_select", in: fieldLike, surface: anywhere,
		fields: picker(maybe("initial_options", list(1, 100, plainOption)), maybe("min_query_length", whole(0, 255)), atMost)},
	{kind: "users_select", in: fieldLike, surface: anywhere, fields: picker(maybe("initial_user", anID))},
	{kind: "multi_users_select", in: fieldLike, surface: anywhere, fields: picker(maybe("initial_users", list(1, 100, anID)), atMost)},
	{kind: "conversations_select", in: fieldLike, surface: anywhere, fields: picker(maybe("initial_conversation", anID),
		maybe("default_to_current_conversation", boolean), withURL, convFilter)},
	{kind: "multi_conversations_select", in: fieldLike, surface: anywhere, fields: picker(
		maybe("initial_conversations", list(1, 100, anID)), maybe("default_to_current_conversation", boolean), convFilter, atMost)},
	{kind: "channels_select", in: fieldLike, surface: anywhere, fields: picker(maybe("initial_channel", anID), withURL)},
	{kind: "multi_channels_select", in: fieldLike, surface: anywhere, fields: picker(maybe("initial_channels", list(1, 100, anID)), atMost)},
	{kind: "radio_buttons", in: fieldLike, surface: anywhere, fields: shape{
		need("options", list(1, 10, eitherOption)), maybe("initial_option", eitherOption), confirmBox, focus}, options: 10},
	{kind: "checkboxes", in: fieldLike, surface: anywhere, fields: shape{
		need("options", list(1, 10, eitherOption)), maybe("initial_options", list(1, 10, eitherOption)), confirmBox, focus}, options: 10},
	{kind: "datepicker", in: fieldLike, surface: anywhere,
		fields: picker(maybe("initial_date", matching(isDate, "must be a valid date in the format YYYY-MM-DD")))},
	{kind: "timepicker", in: fieldLike, surface: anywhere, fields: picker(
		maybe("initial_time", matching(isClock, "must be a valid time in the format HH:mm")),
		maybe("timezone", matching(isZone, "must be a valid IANA time zone")))},
	{kind: "datetimepicker", in: actionInput, surface: onMessage | onModal, fields: shape{
		maybe("initial_date_time", whole(1e9, 9999999999)), confirmBox, focus}},
	{kind: "plain_text_input", in: inputOnly, surface: anywhere,
		fields: typed(startText, maybe("multiline", boolean), shortest, longest)},
	{kind: "email_text_input", in: inputOnly, surface: anywhere, fields: typed(startText)},
	{kind: "url_text_input", in: inputOnly, surface: anywhere, fields: typed(startText)},
	{kind: "number_input", in: inputOnly, surface: anywhere, fields: typed(need("is_decimal_allowed", boolean),
		maybe("initial_value", matching(isNumber, "must be a number")), maybe("min_value", matching(isNumber, "must be a number")),
		maybe("max_value", matching(isNumber, "must be a number")))},
	{kind: "rich_text_input", in: inputOnly, surface: anywhere, fields: typed(maybe("initial_value", anything))},
	{kind: "file_input", in: inputOnly, surface: onModal, fields: shape{
		maybe("filetypes", list(1, 100, text(1, 20))), maybe("max_files", whole(1, 10))}},
}

// element checks an element that stands in a block of the given type.
func element(block string, more ...string) check {
	return func(c *checker, at string, v any) {
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
		if slices.Contains(more, kind) {
			standalone(kind)(c, at, v)
			return
		}
		i := slices.IndexFunc(elementSpecs, func(e elementSpec) bool { return e.kind == kind })
		if i < 0 || !slices.Contains(elementSpecs[i].in, block) || elementSpecs[i].surface&c.where == 0 {
			c.add(at+"/type", "unsupported type: %s", kind)
			return
		}
		elementSpecs[i].check(c, at, o)
	}
}

// check holds an element against its row and the rules across properties.
func (e elementSpec) check(c *checker, at string, o object) {
	sh := append(shape{need("type", anything), maybe("action_id", anID)}, e.fields...)
	sh.check(c, at, o)
	if e.options == 100 && (o["options"] != nil) == (o["option_groups"] != nil) {
		c.add(at, "must define either `options` or `option_groups`")
	}
	if e.options > 0 {
		checkInitial(c, at, o)
	}
	if lo, hi := o["min_length"], o["max_length"]; lo != nil && hi != nil {
		if low, ok := lo.(float64); ok && low > numberOr(hi, low) {
			c.add(at+"/max_length", "must be greater than or equal to `min_length`")
		}
	}
}

// checkInitial insists that what is chosen at first equals an option exactly.
func checkInitial(c *checker, at string, o object) {
	offered := optionsOf(o)
	offers := func(v any) bool {
		return slices.ContainsFunc(offered, func(opt object) bool { return reflect.DeepEqual(normalise(opt), normalise(v)) })
	}
	if v := o["initial_option"]; v != nil && !offers(v) {
		c.add(at+"/initial_option", "`initial_option` must match one of the provided options exactly")
	}
	initial, _ := o["initial_options"].([]any)
	for i, v := range initial {
		if !offers(v) {
			c.add(at+pointer("initial_options", i), "`initial_options` must match the provided options exactly")
		}
	}
}

// optionsOf lists the options of an element, those in groups included.
func optionsOf(o object) []object {
	var out []object
	add := func(v any) {
		items, _ := v.([]any)
		for _, it := range items {
			if opt, ok := it.(object); ok {
				out = append(out, opt)
			}
		}
	}
	add(o["options"])
	groups, _ := o["option_groups"].([]any)
	for _, g := range groups {
		if group, ok := g.(object); ok {
			add(group["options"])
		}
	}
	return out
}

func numberOr(v any, fallback float64) float64 {
	if n, ok := v.(float64); ok {
		return n
	}
	return fallback
}
