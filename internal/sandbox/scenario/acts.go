package scenario

import (
	"context"
	"fmt"
	"strings"
)

// ack is what a hook says about a delivery.
type ack struct {
	Acked          bool              `json:"acked"`
	Sent           *bool             `json:"sent"`
	Error          string            `json:"error"`
	ResponseAction string            `json:"response_action"`
	Errors         map[string]string `json:"errors"`
}

// heard is the failure of something that Slack would call failed.
func (a ack) heard() error {
	if a.Acked || a.Sent != nil && !*a.Sent {
		return nil
	}
	return fmt.Errorf("    the bot did not acknowledge: %s %v", a.Error, a.Errors)
}

// act drives a hook as a person and remembers what the person had seen before.
func (p *play) act(ctx context.Context, person, path string, body object) (ack, error) {
	s, err := p.screen(ctx, person)
	if err != nil {
		return ack{}, err
	}
	p.marks[person], p.actor = "", person
	if all := s.messages(); len(all) > 0 {
		p.marks[person] = all[len(all)-1].TS
	}
	body["user"] = person
	var a ack
	err = p.post(ctx, path, body, &a)
	return a, err
}

// must is act for what has to be acknowledged.
func (p *play) must(ctx context.Context, person, path string, body object) error {
	a, err := p.act(ctx, person, path, body)
	if err != nil {
		return err
	}
	return a.heard()
}

// types is PERSON: TEXT.
func (p *play) types(ctx context.Context, args []string) error {
	person, text := args[0], args[1]
	if strings.Contains(text, "{session}") {
		card, err := p.current(ctx)
		if err != nil {
			return err
		}
		text = strings.ReplaceAll(text, "{session}", card.session())
	}
	body := object{"channel": channel, "text": text}
	switch {
	case strings.HasPrefix(text, "/"):
		return p.must(ctx, person, "/hooks/slack/command", body)
	case strings.HasPrefix(text, "@redis-upgrade"):
		card, err := p.current(ctx)
		if err != nil {
			return err
		}
		body["thread_ts"] = card.root()
		return p.must(ctx, person, "/hooks/slack/mention", body)
	}
	_, err := p.act(ctx, person, "/hooks/slack/message", body)
	return err
}

func (p *play) clicks(ctx context.Context, args []string) error {
	person, label := args[0], args[1]
	var found button
	err := p.until(ctx, func() (bool, string, error) {
		card, err := p.current(ctx)
		if err != nil {
			return false, "", err
		}
		all := buttons(card.Blocks)
		for _, b := range all {
			if b.label == label {
				found = b
				return true, "", nil
			}
		}
		return false, "buttons: " + labels(all), nil
	})
	if err != nil {
		return err
	}
	return p.must(ctx, person, "/hooks/slack/action", object{"channel": channel, "ts": p.card, "action_id": found.action, "value": found.value})
}

// clicksAnswer looks among the private answers to what the person did last.
func (p *play) clicksAnswer(ctx context.Context, args []string) error {
	person, label := args[0], args[1]
	var found button
	var ts string
	err := p.until(ctx, func() (bool, string, error) {
		s, err := p.screen(ctx, person)
		if err != nil {
			return false, "", err
		}
		seen := "no button"
		for _, m := range s.messages() {
			if !m.private || m.TS <= p.marks[person] {
				continue
			}
			for _, b := range buttons(m.Blocks) {
				if seen = "button: " + b.label; b.label == label {
					found, ts = b, m.TS
					return true, "", nil
				}
			}
		}
		return false, seen, nil
	})
	if err != nil {
		return err
	}
	return p.must(ctx, person, "/hooks/slack/action", object{"channel": channel, "ts": ts, "action_id": found.action, "value": found.value})
}

// clicksOld names the button by its action id, which old screens still know.
func (p *play) clicksOld(ctx context.Context, args []string) error {
	action := strings.ToLower(strings.TrimRight(args[1], "…"))
	return p.must(ctx, args[0], "/hooks/slack/action", object{"channel": channel, "ts": p.card, "action_id": action, "stale": true})
}

func (p *play) usesShortcut(ctx context.Context, args []string) error {
	return p.must(ctx, args[0], "/hooks/slack/action", object{"channel": channel, "ts": p.card, "shortcut": "revert_upgrade"})
}

// fieldOf waits for a field of the modal on a person's screen.
func (p *play) fieldOf(ctx context.Context, person, action string) (m modal, el object, block string, err error) {
	err = p.until(ctx, func() (bool, string, error) {
		var open bool
		if m, open, err = p.top(ctx, person); err != nil || !open {
			return false, "no modal", err
		}
		el, block = m.field(action)
		return el != nil, "a modal without it: " + shown(m.read()), nil
	})
	return m, el, block, err
}

// picks chooses an option by what it reads as.
func (p *play) picks(ctx context.Context, args []string) error {
	person, action, want := args[0], args[1], args[2]
	m, el, _, err := p.fieldOf(ctx, person, action)
	if err != nil {
		return err
	}
	options, err := p.options(ctx, person, m, el, want)
	if err != nil {
		return err
	}
	var have []string
	for _, o := range options {
		if strings.HasPrefix(o.text, want) {
			return p.must(ctx, person, "/hooks/slack/action", object{"view_id": m.ID, "action_id": action, "value": o.value})
		}
		have = append(have, o.text)
	}
	return fmt.Errorf("    not offered; there is: %s", strings.Join(have, ", "))
}

type option struct{ text, value string }

// options are what a menu offers, after typing into it where it searches.
func (p *play) options(ctx context.Context, person string, m modal, el object, query string) ([]option, error) {
	var out []option
	if el["type"] == "external_select" {
		var answer struct {
			Options []struct{ Text, Value string } `json:"options"`
		}
		err := p.post(ctx, "/hooks/slack/options", object{"user": person, "view_id": m.ID, "action_id": el["action_id"], "query": query}, &answer)
		for _, o := range answer.Options {
			out = append(out, option{o.Text, o.Value})
		}
		return out, err
	}
	list, _ := el["options"].([]any)
	for _, v := range list {
		o, _ := v.(object)
		value, _ := o["value"].(string)
		out = append(out, option{textOf(o["text"]), value})
	}
	return out, nil
}

func (p *play) writes(ctx context.Context, args []string) error {
	person, action, text := args[0], args[1], args[2]
	m, _, _, err := p.fieldOf(ctx, person, action)
	if err != nil {
		return err
	}
	return p.must(ctx, person, "/hooks/slack/action", object{"view_id": m.ID, "action_id": action, "value": text})
}

// ticks waits for a modal with a box and ticks its first one.
func (p *play) ticks(ctx context.Context, args []string) error {
	var m modal
	var box object
	err := p.until(ctx, func() (bool, string, error) {
		var open bool
		var err error
		if m, open, err = p.top(ctx, args[0]); err != nil || !open {
			return false, "no modal", err
		}
		for _, b := range m.Blocks {
			if el, _ := b["element"].(object); box == nil && el["type"] == "checkboxes" {
				box = el
			}
		}
		return box != nil, "a modal without a box: " + shown(m.read()), nil
	})
	if err != nil {
		return err
	}
	options, err := p.options(ctx, args[0], m, box, "")
	if err != nil {
		return err
	}
	return p.must(ctx, args[0], "/hooks/slack/action", object{"view_id": m.ID, "action_id": box["action_id"], "value": []string{options[0].value}})
}

func (p *play) submit(ctx context.Context, person string) (modal, ack, error) {
	m, open, err := p.top(ctx, person)
	if err != nil {
		return m, ack{}, err
	}
	if !open {
		return m, ack{}, fmt.Errorf("    %s has no modal open", person)
	}
	a, err := p.act(ctx, person, "/hooks/slack/submit", object{"view_id": m.ID})
	return m, a, err
}

func (p *play) submits(ctx context.Context, args []string) error {
	_, a, err := p.submit(ctx, args[0])
	switch {
	case err != nil:
		return err
	case a.heard() != nil:
		return a.heard()
	case len(a.Errors) > 0:
		return fmt.Errorf("    the modal stays, with errors: %v", a.Errors)
	}
	return nil
}

// submitsInVain also takes what the browser itself refuses.
func (p *play) submitsInVain(ctx context.Context, args []string) error {
	m, a, err := p.submit(ctx, args[0])
	if err != nil {
		return err
	}
	_, block := m.field(args[1])
	if block == "" {
		return fmt.Errorf("    the modal has no field %q", args[1])
	}
	if a.Error != "" && a.Error != "client_validation" {
		return a.heard()
	}
	if !contains(a.Errors[block], args[2]) || a.Errors[block] == "" {
		return fmt.Errorf("    there is under %s: %q; all errors: %v", args[1], a.Errors[block], a.Errors)
	}
	return nil
}

func (p *play) closesModal(ctx context.Context, args []string) error {
	m, open, err := p.top(ctx, args[0])
	if err != nil {
		return err
	}
	if !open {
		return fmt.Errorf("    %s has no modal open", args[0])
	}
	_, err = p.act(ctx, args[0], "/hooks/slack/close", object{"view_id": m.ID})
	return err
}
