package scenario

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// screen is what one person sees.
type screen struct {
	Channels []struct {
		ID       string    `json:"id"`
		IM       bool      `json:"is_im"`
		Messages []message `json:"messages"`
	} `json:"channels"`
	Modals []modal `json:"modals"`
}

// message is one message on it.
type message struct {
	TS          string   `json:"ts"`
	ThreadTS    string   `json:"thread_ts"`
	Text        string   `json:"text"`
	Blocks      []object `json:"blocks"`
	Metadata    object   `json:"metadata"`
	EphemeralTo string   `json:"ephemeral_to"`
	private     bool
}

// modal is an open modal.
type modal struct {
	ID     string            `json:"id"`
	Title  object            `json:"title"`
	Blocks []object          `json:"blocks"`
	Errors map[string]string `json:"errors"`
}

// channel is where everything happens.
const channel = "redis-ops"

func (p *play) screen(ctx context.Context, person string) (screen, error) {
	var s screen
	err := p.get(ctx, "/hooks/slack/state", url.Values{"user": {person}}, &s)
	return s, err
}

// messages lists all messages of a screen, oldest first.
func (s screen) messages() []message {
	var all []message
	for _, c := range s.Channels {
		for _, m := range c.Messages {
			m.private = c.IM || m.EphemeralTo != ""
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b message) int { return strings.Compare(a.TS, b.TS) })
	return all
}

// session is the session of a card, or "".
func (m message) session() string {
	payload, _ := m.Metadata["event_payload"].(object)
	id, _ := payload["session"].(string)
	return id
}

// isCard tells a card from a milestone. The card of a revert is a reply to that
// of its upgrade.
func (m message) isCard() bool { return m.EphemeralTo == "" && m.session() != "" }

// root is the time stamp of the thread that a message begins or belongs to.
func (m message) root() string { return cmp.Or(m.ThreadTS, m.TS) }

// title is a card's headline.
func (m message) title() string {
	for _, b := range m.Blocks {
		if b["type"] == "header" {
			return textOf(b["text"])
		}
	}
	return ""
}

// headline is a card's first line, without the mark before it.
func (m message) headline() string {
	for _, b := range m.Blocks {
		if b["type"] == "section" {
			_, text, _ := strings.Cut(textOf(b["text"]), " ")
			return text
		}
	}
	return ""
}

// button is something to click.
type button struct{ label, action, value string }

// buttons lists the buttons of blocks, in order.
func buttons(blocks []object) []button {
	var out []button
	for _, b := range blocks {
		elements, _ := b["elements"].([]any)
		for _, e := range append(elements, b["accessory"]) {
			if el, _ := e.(object); el["type"] == "button" {
				one := button{label: textOf(el["text"])}
				one.action, _ = el["action_id"].(string)
				one.value, _ = el["value"].(string)
				out = append(out, one)
			}
		}
	}
	return out
}

func labels(list []button) string {
	var out []string
	for _, b := range list {
		out = append(out, b.label)
	}
	return strings.Join(out, ", ")
}

// textOf is the text of a text object, as a person reads it.
func textOf(v any) string {
	o, _ := v.(object)
	s, _ := o["text"].(string)
	return plain(s)
}

// words are all texts in blocks but those of buttons, in reading order.
func words(blocks []object) string {
	var out []string
	for _, b := range blocks {
		for _, key := range []string{"text", "label", "hint"} {
			if t := textOf(b[key]); t != "" {
				out = append(out, t)
			}
		}
		for _, key := range []string{"fields", "elements"} {
			list, _ := b[key].([]any)
			for _, f := range list {
				o, _ := f.(object)
				if s, ok := o["text"].(string); ok {
					out = append(out, plain(s))
				}
			}
		}
		if el, ok := b["element"].(object); ok {
			out = append(out, optionTexts(el)...)
		}
	}
	return strings.Join(out, "\n")
}

func optionTexts(el object) []string {
	var out []string
	list, _ := el["options"].([]any)
	for _, v := range list {
		o, _ := v.(object)
		out = append(out, textOf(o["text"]))
	}
	return out
}

var (
	labelled = regexp.MustCompile(`<[^<>|]*\|([^<>]*)>`) // links, dates
	mention  = regexp.MustCompile(`<[@!](?:subteam\^)?([^<>|]*)>`)
)

// names are what mentions are read as.
var names = strings.NewReplacer("U0ANN", "ann", "U0BOB", "bob", "U0CAROL", "carol", "U0DAN", "dan", "U0EVE", "eve", "U0GUEST", "guest",
	"S0DBA", "dba", "S0ONCALL", "oncall")

// plain is mrkdwn as a person reads it: no markup, links by their label.
func plain(s string) string {
	s = labelled.ReplaceAllString(s, "$1")
	s = mention.ReplaceAllStringFunc(s, func(m string) string { return "@" + names.Replace(mention.FindStringSubmatch(m)[1]) })
	s = strings.NewReplacer("*", "", "`", "", "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
	return s
}

// squeezed is a text for comparing as people do: whatever the case and the spaces.
func squeezed(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

func contains(text, part string) bool { return strings.Contains(squeezed(text), squeezed(part)) }

// shown is a text for a failure, set off from it.
func shown(text string) string {
	if text == "" {
		return "nothing"
	}
	return "\n        " + strings.ReplaceAll(text, "\n", "\n        ")
}

// waitCard finds a card and waits for it.
func (p *play) waitCard(ctx context.Context, fits func(message) bool) error {
	return p.until(ctx, func() (bool, string, error) {
		s, err := p.screen(ctx, "ann")
		if err != nil {
			return false, "", err
		}
		var titles []string
		for _, m := range slices.Backward(s.messages()) {
			if m.isCard() && fits(m) {
				p.card = m.TS
				return true, "", nil
			}
			if m.isCard() {
				titles = append(titles, m.title())
			}
		}
		return false, "cards: " + shown(strings.Join(titles, "\n")) + "\n    and privately for " + p.actor + ":" + shown(p.privately(ctx, p.actor)), nil
	})
}

// current is "the card".
func (p *play) current(ctx context.Context) (message, error) {
	s, err := p.screen(ctx, "ann")
	if err != nil {
		return message{}, err
	}
	for _, m := range s.messages() {
		if m.TS == p.card {
			return m, nil
		}
	}
	return message{}, fmt.Errorf("    no card was seen yet; write: see the card \"…\"")
}

// top is the modal on a person's screen.
func (p *play) top(ctx context.Context, person string) (modal, bool, error) {
	s, err := p.screen(ctx, person)
	if err != nil || len(s.Modals) == 0 {
		return modal{}, false, err
	}
	return s.Modals[len(s.Modals)-1], true, nil
}

// field finds the element of a modal by its action id.
func (m modal) field(action string) (el object, block string) {
	for _, b := range m.Blocks {
		for _, key := range []string{"element", "accessory"} {
			if e, ok := b[key].(object); ok && e["action_id"] == action {
				block, _ = b["block_id"].(string)
				return e, block
			}
		}
	}
	return nil, ""
}

// read is everything a modal says.
func (m modal) read() string { return textOf(m.Title) + "\n" + words(m.Blocks) }
