package scenario

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

func (p *play) seesModal(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		m, open, err := p.top(ctx, args[0])
		if err != nil || !open {
			return false, "no modal; private messages: " + p.privately(ctx, args[0]), err
		}
		return textOf(m.Title) == args[1], "the modal " + strconv.Quote(textOf(m.Title)) + shown(m.read()), nil
	})
}

func (p *play) seesNoModal(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		m, open, err := p.top(ctx, args[0])
		return !open, "the modal" + shown(m.read()), err
	})
}

func (p *play) readsModal(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		m, _, err := p.top(ctx, args[0])
		return contains(m.read(), args[1]), shown(m.read()), err
	})
}

// isTold also looks at modals that only tell something.
func (p *play) isTold(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		text := p.privately(ctx, args[0])
		return contains(text, args[1]), "privately since then: " + shown(text), nil
	})
}

// privately is everything that only this person was told since their last act.
func (p *play) privately(ctx context.Context, person string) string {
	s, err := p.screen(ctx, person)
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, m := range s.messages() {
		if m.private && m.TS > p.marks[person] {
			out = append(out, m.read())
		}
	}
	for _, m := range s.Modals {
		out = append(out, m.read())
	}
	return strings.Join(out, "\n")
}

// read is everything a message says.
func (m message) read() string {
	if len(m.Blocks) == 0 {
		return plain(m.Text)
	}
	return words(m.Blocks)
}

func (p *play) seeCard(ctx context.Context, args []string) error {
	return p.waitCard(ctx, func(m message) bool { return m.title() == args[0] })
}

func (p *play) cardIs(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		card, err := p.current(ctx)
		if err != nil {
			return false, "", err
		}
		return strings.HasPrefix(squeezed(card.headline()), squeezed(args[0])), p.whole(ctx, card), nil
	})
}

// whole is a card and its thread, for failures.
func (p *play) whole(ctx context.Context, card message) string {
	return shown(card.title()+"\n"+card.read()) + "\n    and in its thread:" + shown(p.thread(ctx))
}

func (p *play) cardSays(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		card, err := p.current(ctx)
		if err != nil {
			return false, "", err
		}
		return contains(card.read(), args[0]), p.whole(ctx, card), nil
	})
}

func (p *play) cardDoesNotSay(ctx context.Context, args []string) error {
	card, err := p.current(ctx)
	if err == nil && contains(card.read(), args[0]) {
		err = fmt.Errorf("    it does: %s", shown(card.read()))
	}
	return err
}

func (p *play) cardButtons(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		card, err := p.current(ctx)
		have := labels(buttons(card.Blocks))
		return err == nil && have == args[0], have, err
	})
}

func (p *play) cardNoButtons(ctx context.Context, _ []string) error {
	return p.cardButtons(ctx, []string{""})
}

func (p *play) threadSays(ctx context.Context, args []string) error {
	return p.until(ctx, func() (bool, string, error) {
		text := p.thread(ctx)
		return contains(text, args[0]), shown(text), nil
	})
}

// thread is everything said to everybody in the card's thread.
func (p *play) thread(ctx context.Context) string {
	card, err := p.current(ctx)
	if err != nil {
		return err.Error()
	}
	s, err := p.screen(ctx, "ann")
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, m := range s.messages() {
		if m.ThreadTS == card.root() && !m.isCard() && !m.private {
			out = append(out, m.read())
		}
	}
	return strings.Join(out, "\n")
}

func (p *play) cardCount(ctx context.Context, args []string) error {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	return p.until(ctx, func() (bool, string, error) {
		s, err := p.screen(ctx, "ann")
		n := 0
		for _, m := range s.messages() {
			if m.isCard() {
				n++
			}
		}
		return n == want, fmt.Sprint(n), err
	})
}
