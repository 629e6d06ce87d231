package slackemu

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// surface is where blocks are shown; it decides which are allowed.
type surface int

const (
	onMessage surface = 1 << iota
	onModal
	onHome

	anywhere = onMessage | onModal | onHome
)

// checker walks a payload and collects every problem in Slack's words.
type checker struct {
	where    surface
	problems []string
}

// check is one rule about the value at a JSON pointer.
type check func(c *checker, at string, v any)

// add notes a problem at a JSON pointer.
func (c *checker) add(at, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...)+" [json-pointer:"+at+"]")
}

// field is one property of an object.
type field struct {
	name     string
	required bool
	check    check
}

func need(name string, ch check) field  { return field{name, true, ch} }
func maybe(name string, ch check) field { return field{name, false, ch} }

// shape is all properties that an object may have; any other is a problem.
type shape []field

// check holds an object against the shape. A property that is null counts as
// absent.
func (sh shape) check(c *checker, at string, v any) {
	o, ok := v.(object)
	if !ok {
		c.add(at, "must provide an object")
		return
	}
	known := map[string]bool{}
	for _, f := range sh {
		known[f.name] = true
		switch v := o[f.name]; {
		case v != nil:
			f.check(c, at+"/"+f.name, v)
		case f.required:
			c.add(at, "missing required field: %s", f.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !known[name] {
			c.add(at, "invalid additional property: %s", name)
		}
	}
}

// grouped runs a check that stands for a choice among several schemas: Slack
// reports the choice as failed before it reports why.
func grouped(inner check) check {
	return func(c *checker, at string, v any) {
		before := len(c.problems)
		inner(c, at, v)
		if len(c.problems) > before {
			line := "failed to match all allowed schemas [json-pointer:" + at + "]"
			c.problems = slices.Insert(c.problems, before, line)
		}
	}
}

func anything(*checker, string, any) {}

// text checks a string's length in characters.
func text(shortest, longest int) check {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		switch n := utf8.RuneCountInString(s); {
		case !ok:
			c.add(at, "must provide a string")
		case n < shortest:
			c.add(at, "must be more than %d characters", shortest-1)
		case n > longest:
			c.add(at, "must be less than %d characters", longest+1)
		}
	}
}

func boolean(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.add(at, "must provide a boolean")
	}
}

// whole checks an integer's range.
func whole(least, most float64) check {
	return func(c *checker, at string, v any) {
		n, ok := v.(float64)
		switch {
		case !ok || n != float64(int64(n)):
			c.add(at, "must provide an integer")
		case n < least:
			c.add(at, "must be greater than %d", int64(least)-1)
		case n > most:
			c.add(at, "must be less than %d", int64(most)+1)
		}
	}
}

// oneOf checks a word against an enumeration.
func oneOf(words ...string) check {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		switch {
		case !ok:
			c.add(at, "must provide a string")
		case !slices.Contains(words, s):
			c.add(at, "must be a valid enum value")
		}
	}
}

// matching checks a string with a predicate and reports it in the given words.
func matching(good func(string) bool, problem string) check {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		switch {
		case !ok:
			c.add(at, "must provide a string")
		case !good(s):
			c.add(at, "%s", problem)
		}
	}
}

// list checks an array's size and its items.
func list(fewest, most int, item check) check {
	return func(c *checker, at string, v any) {
		items, ok := v.([]any)
		switch {
		case !ok:
			c.add(at, "must provide an array")
			return
		case len(items) < fewest:
			c.add(at, "must provide at least %d items", fewest)
		case len(items) > most:
			c.add(at, "no more than %d items allowed", most)
		}
		for i, it := range items {
			item(c, fmt.Sprintf("%s/%d", at, i), it)
		}
	}
}

// plainText is a text object that allows no mark-up.
func plainText(longest int) check { return textObject(1, longest, "plain_text") }

// eitherText is a text object of either kind.
func eitherText(longest int) check {
	return grouped(textObject(1, longest, "plain_text", "mrkdwn"))
}

// textObject checks https://docs.slack.dev/reference/block-kit/composition-objects/text-object
func textObject(shortest, longest int, kinds ...string) check {
	return func(c *checker, at string, v any) {
		o, ok := v.(object)
		if !ok {
			c.add(at, "must provide an object")
			return
		}
		sh := shape{need("type", oneOf(kinds...)), need("text", text(shortest, longest))}
		if o["type"] == "mrkdwn" {
			sh = append(sh, maybe("verbatim", boolean))
		} else {
			sh = append(sh, maybe("emoji", boolean))
		}
		sh.check(c, at, v)
	}
}

// pointer joins a JSON pointer.
func pointer(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "/%v", p)
	}
	return b.String()
}

// validationErrors are problems in the form of blocks.validate.
func validationErrors(problems []string) []any {
	var out []any
	for _, p := range problems {
		text, at, _ := strings.Cut(strings.TrimSuffix(p, "]"), " [json-pointer:")
		out = append(out, object{"code": "invalid", "message": text, "pointer": at, "constraint": nil})
	}
	return out
}
