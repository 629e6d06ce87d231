package slackemu

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// times repeats a JSON value n times; %d in it becomes the index.
func times(n int, value string) string {
	var parts []string
	for i := range n {
		parts = append(parts, strings.ReplaceAll(value, "%d", fmt.Sprint(i)))
	}
	return strings.Join(parts, ",")
}

func chars(n int) string { return strings.Repeat("é", n) } // characters count, not bytes

const (
	divider  = `{"type":"divider"}`
	anOption = `{"text":{"type":"plain_text","text":"%d"},"value":"%d"}`
)

func section(text string) string {
	data, _ := json.Marshal(object{"type": "section", "text": mrkdwn(text)})
	return string(data)
}

func actions(elements string) string { return `{"type":"actions","elements":[` + elements + `]}` }

func input(element string) string {
	return `{"type":"input","block_id":"%d","label":{"type":"plain_text","text":"L"},"element":` + element + `}`
}

func button(more string) string {
	return `{"type":"button","action_id":"%d","text":{"type":"plain_text","text":"B"}` + more + `}`
}

func selectOf(options string) string {
	return `{"type":"static_select","action_id":"s","options":[` + options + `]}`
}

func TestMessageBlocksAreHeldToSlacksLimitsInSlacksWords(t *testing.T) {
	const all = "failed to match all allowed schemas"
	at := func(text, pointer string) string { return text + " [json-pointer:" + pointer + "]" }
	for _, row := range []struct {
		sentence, blocks string
		want             []string
	}{
		{"a section of 3000 characters is fine", section(chars(3000)), nil},
		{"a section of 3001 characters is too long, and says so after the failed choice", section(chars(3001)),
			[]string{at(all, "/blocks/0/text"), at("must be less than 3001 characters", "/blocks/0/text/text")}},
		{"an empty text is an error", section(""),
			[]string{at(all, "/blocks/0/text"), at("must be more than 0 characters", "/blocks/0/text/text")}},
		{"a section needs text or fields", `{"type":"section"}`, []string{at("must define either `text` or `fields`", "/blocks/0/type")}},
		{"50 blocks are fine", times(50, divider), nil},
		{"51 blocks are too many", times(51, divider), []string{at("no more than 50 items allowed", "/blocks")}},
		{"a block nobody knows", `{"type":"sparkles"}`, []string{at("unsupported type: sparkles", "/blocks/0/type")}},
		{"an alert is for modals", `{"type":"alert","text":{"type":"mrkdwn","text":"x"}}`, []string{at("unsupported type: alert", "/blocks/0/type")}},
		{"a divider holds nothing", `{"type":"divider","text":{"type":"mrkdwn","text":"x"}}`, []string{at("invalid additional property: text", "/blocks/0")}},
		{"a header is plain and short", `{"type":"header","text":{"type":"plain_text","text":"` + chars(151) + `"}}`,
			[]string{at("must be less than 151 characters", "/blocks/0/text/text")}},
		{"a header has no mark-up", `{"type":"header","text":{"type":"mrkdwn","text":"x"}}`, []string{at("must be a valid enum value", "/blocks/0/text/type")}},
		{"emoji is for plain text", `{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}`,
			[]string{at(all, "/blocks/0/text"), at("invalid additional property: emoji", "/blocks/0/text")}},
		{"text must be a string", `{"type":"section","text":{"type":"mrkdwn","text":7}}`,
			[]string{at(all, "/blocks/0/text"), at("must provide a string", "/blocks/0/text/text")}},
		{"ten fields are the most", `{"type":"section","fields":[` + times(11, `{"type":"mrkdwn","text":"x"}`) + `]}`,
			[]string{at("no more than 10 items allowed", "/blocks/0/fields")}},
		{"a field has 2000 characters at most", `{"type":"section","fields":[{"type":"mrkdwn","text":"` + chars(2001) + `"}]}`,
			[]string{at(all, "/blocks/0/fields/0"), at("must be less than 2001 characters", "/blocks/0/fields/0/text")}},
		{"25 buttons are fine", actions(times(25, button(""))), nil},
		{"26 buttons are too many", actions(times(26, button(""))), []string{at("no more than 25 items allowed", "/blocks/0/elements")}},
		{"an actions block needs elements", actions(""), []string{at("must provide at least 1 items", "/blocks/0/elements")}},
		{"a button's value has 2000 characters at most", actions(button(`,"value":"` + chars(2001) + `"`)),
			[]string{at("must be less than 2001 characters", "/blocks/0/elements/0/value")}},
		{"a button is primary, danger or plain", actions(button(`,"style":"default"`)), []string{at("must be a valid enum value", "/blocks/0/elements/0/style")}},
		{"a button cannot be disabled", actions(button(`,"disabled":true`)), []string{at("invalid additional property: disabled", "/blocks/0/elements/0")}},
		{"a confirm dialog needs all its texts", actions(button(`,"confirm":{"title":{"type":"plain_text","text":"T"}}`)), []string{
			at("missing required field: text", "/blocks/0/elements/0/confirm"), at("missing required field: confirm", "/blocks/0/elements/0/confirm"),
			at("missing required field: deny", "/blocks/0/elements/0/confirm")}},
		{"an input element stands in input blocks only", actions(`{"type":"plain_text_input","action_id":"a"}`),
			[]string{at("unsupported type: plain_text_input", "/blocks/0/elements/0/type")}},
		{"a context holds no buttons", `{"type":"context","elements":[` + button("") + `]}`, []string{at("unsupported type: button", "/blocks/0/elements/0/type")}},
		{"100 options are fine", actions(selectOf(times(100, anOption))), nil},
		{"101 options are too many", actions(selectOf(times(101, anOption))), []string{at("no more than 100 items allowed", "/blocks/0/elements/0/options")}},
		{"no options are too few", actions(selectOf("")), []string{at("must provide at least 1 items", "/blocks/0/elements/0/options")}},
		{"an option's text has 75 characters at most", actions(selectOf(`{"text":{"type":"plain_text","text":"` + chars(76) + `"},"value":"v"}`)),
			[]string{at("must be less than 76 characters", "/blocks/0/elements/0/options/0/text/text")}},
		{"an option's value has 150 characters at most", actions(selectOf(`{"text":{"type":"plain_text","text":"x"},"value":"` + chars(151) + `"}`)),
			[]string{at("must be less than 151 characters", "/blocks/0/elements/0/options/0/value")}},
		{"what is chosen at first must be on offer", actions(`{"type":"static_select","options":[` + times(2, anOption) + `],"initial_option":{"text":{"type":"plain_text","text":"0"},"value":"9"}}`),
			[]string{at("`initial_option` must match one of the provided options exactly", "/blocks/0/elements/0/initial_option")}},
		{"what is chosen at first may be an option exactly", actions(`{"type":"static_select","options":[` + times(2, anOption) + `],"initial_option":{"text":{"type":"plain_text","text":"1"},"value":"1"}}`), nil},
		{"a select brings options or groups", actions(`{"type":"static_select"}`), []string{at("must define either `options` or `option_groups`", "/blocks/0/elements/0")}},
		{"a block_id stands once", `{"type":"divider","block_id":"x"},{"type":"divider","block_id":"x"}`, []string{at("`block_id` already exists", "/blocks/1/block_id")}},
		{"an action_id stands once in a block", actions(`{"type":"button","action_id":"a","text":{"type":"plain_text","text":"1"}},{"type":"button","action_id":"a","text":{"type":"plain_text","text":"2"}}`),
			[]string{at("`action_id` already exists", "/blocks/0/elements/1/action_id")}},
		{"an action_id may stand in two blocks", actions(button("")) + "," + actions(button("")), nil},
		{"an image needs an alternative text", `{"type":"image","image_url":"https://a.test/b.png"}`, []string{at("missing required field: alt_text", "/blocks/0")}},
		{"markdown has 12000 characters in all", `{"type":"markdown","text":"` + chars(7000) + `"},{"type":"markdown","text":"` + chars(7000) + `"}`,
			[]string{at("markdown blocks must be less than 12001 characters together", "/blocks")}},
		{"one table is the most", times(2, `{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]}`), []string{at("only_one_table_allowed", "/blocks")}},
		{"rich text is looked into", `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text"}]}]}`,
			[]string{at("missing required field: text", "/blocks/0/elements/0/elements/0")}},
		{"all problems are told at once", `{"type":"section"},` + section("") + `,{"type":"sparkles"}`, []string{
			at("must define either `text` or `fields`", "/blocks/0/type"), at(all, "/blocks/1/text"),
			at("must be more than 0 characters", "/blocks/1/text/text"), at("unsupported type: sparkles", "/blocks/2/type")}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			blocks, _ := parse(t, "["+strings.ReplaceAll(row.blocks, "%d", "0")+"]").([]any)
			if diff := cmp.Diff(row.want, checkMessageBlocks(blocks, nil)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestViewsAreHeldToSlacksLimitsInSlacksWords(t *testing.T) {
	const (
		all   = "failed to match all allowed schemas [json-pointer:/view]"
		field = `{"type":"plain_text_input","action_id":"a"}`
	)
	modal := func(title, more, blocks string) string {
		return `{"type":"modal","title":{"type":"plain_text","text":"` + title + `"}` + more + `,"blocks":[` + blocks + `]}`
	}
	const submit = `,"submit":{"type":"plain_text","text":"Go"}`
	for _, row := range []struct {
		sentence, kind, view string
		want                 []string
	}{
		{"a small modal is fine", "modal", modal("T", submit, input(field)), nil},
		{"a title of 25 characters is too long", "modal", modal(chars(25), "", divider), []string{all, "must be less than 25 characters [json-pointer:/view/title/text]"}},
		{"an input needs a submit button", "modal", modal("T", "", divider+","+divider+","+input(field)),
			[]string{"must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/2/input]"}},
		{"a modal needs title and blocks", "modal", `{"type":"modal"}`, []string{all, "missing required field: title [json-pointer:/view]", "missing required field: blocks [json-pointer:/view]"}},
		{"a view without a type lacks it", "modal", `{"title":{"type":"plain_text","text":"T"},"blocks":[{"type":"divider"}]}`, []string{"missing required field: type [json-pointer:/view]"}},
		{"a view needs a block", "modal", modal("T", "", ""), []string{all, "must provide at least 1 items [json-pointer:/view/blocks]"}},
		{"100 blocks are fine", "modal", modal("T", "", times(100, divider)), nil},
		{"101 blocks are too many", "modal", modal("T", "", times(101, divider)), []string{all, "no more than 100 items allowed [json-pointer:/view/blocks]"}},
		{"a select in an input has 100 options at most", "modal", modal("T", submit, input(selectOf(times(101, anOption)))),
			[]string{all, "no more than 100 items allowed [json-pointer:/view/blocks/0/element/options]"}},
		{"markdown is for messages", "modal", modal("T", "", `{"type":"markdown","text":"x"}`), []string{all, "unsupported type: markdown [json-pointer:/view/blocks/0/type]"}},
		{"a chart is for messages", "modal", modal("T", "", `{"type":"data_visualization"}`), []string{all, "unsupported type: data_visualization [json-pointer:/view/blocks/0/type]"}},
		{"private_metadata has 3000 characters at most", "modal", modal("T", `,"private_metadata":"`+chars(3001)+`"`, divider),
			[]string{all, "must be less than 3001 characters [json-pointer:/view/private_metadata]"}},
		{"a property nobody knows", "modal", modal("T", `,"submit_disabled":true`, divider), []string{all, "invalid additional property: submit_disabled [json-pointer:/view]"}},
		{"a home tab has no title", "home", `{"type":"home","title":{"type":"plain_text","text":"T"},"blocks":[{"type":"divider"}]}`,
			[]string{all, "invalid additional property: title [json-pointer:/view]"}},
		{"a home tab needs no submit button for inputs", "home", `{"type":"home","blocks":[` + input(field) + `]}`, nil},
		{"a modal is no home tab", "home", modal("T", "", divider), []string{"unsupported type: modal [json-pointer:/view/type]"}},
		{"one element can have the focus", "modal", modal("T", submit, times(2, input(`{"type":"plain_text_input","action_id":"a","focus_on_load":true}`))),
			[]string{"only one element can have `focus_on_load` [json-pointer:/view/blocks/1]"}},
		{"the shortest length is not above the longest", "modal", modal("T", submit, input(`{"type":"plain_text_input","action_id":"a","min_length":9,"max_length":3}`)),
			[]string{all, "must be greater than or equal to `min_length` [json-pointer:/view/blocks/0/element/max_length]"}},
		{"a view is an object", "modal", `[]`, []string{"must provide an object [json-pointer:/view]"}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			view := parse(t, strings.ReplaceAll(row.view, "%d", "0"))
			if diff := cmp.Diff(row.want, checkView(view, row.kind, "/view")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryElementKindIsAcceptedWhereItMayStand(t *testing.T) {
	more := map[string]object{
		"button": {"text": plain("B")}, "workflow_button": {"text": plain("B"), "workflow": object{}},
		"feedback_buttons": {"positive_button": object{}, "negative_button": object{}},
		"icon_button":      {"icon": "trash", "text": plain("Delete")}, "number_input": {"is_decimal_allowed": false},
	}
	options := []any{object{"text": plain("1"), "value": "1"}, object{"text": plain("2"), "value": "2"}}
	for _, spec := range elementSpecs {
		el := object{"type": spec.kind, "action_id": "a"}
		if spec.options > 0 || spec.kind == "overflow" {
			el["options"] = options
		}
		for k, v := range more[spec.kind] {
			el[k] = v
		}
		for _, block := range []string{"section", "actions", "input", "context_actions"} {
			for _, where := range []surface{onMessage, onModal, onHome} {
				c := &checker{where: where}
				element(block)(c, "/e", el)
				allowed := spec.surface&where != 0 && slices.Contains(spec.in, block)
				if got := len(c.problems) == 0; got != allowed {
					t.Errorf("%s in %s on %d: accepted %v, want %v: %v", spec.kind, block, where, got, allowed, c.problems)
				}
			}
		}
	}
}

func FuzzBlocksNeverPanic(f *testing.F) {
	f.Add(`[{"type":"section","text":{"type":"mrkdwn","text":"x"},"accessory":{"type":"overflow","options":[{}]}}]`)
	f.Add(`[{"type":"input","element":{"type":"static_select","options":[1,null],"initial_option":{}}}]`)
	f.Add(`[{"type":"actions","elements":[null,{"type":7},{"type":"checkboxes","initial_options":[{}],"options":[[]]}]}]`)
	f.Fuzz(func(t *testing.T, s string) {
		var blocks []any
		if json.Unmarshal([]byte(s), &blocks) != nil {
			return
		}
		checkMessageBlocks(blocks, []any{object{"blocks": blocks}})
		checkView(object{"type": "modal", "blocks": blocks}, "modal", "/view")
		initialValues(elementsOf(blocks))
	})
}
