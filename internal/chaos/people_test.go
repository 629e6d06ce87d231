package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// answer is what Slack tells a person about a payload.
type answer struct {
	Acked  bool              `json:"acked"`
	AckMS  float64           `json:"ack_ms"`
	Error  string            `json:"error"`
	Errors map[string]string `json:"errors"`
}

// patience is how often a person tries again after Slack's error: replicas die,
// and a payload to a frozen one is lost.
const patience = 40

// again repeats an act until it is acknowledged, as people do.
func again(act func() (answer, error)) (answer, error) {
	var a answer
	var err error
	for range patience {
		if a, err = act(); err == nil && a.Acked {
			return a, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err == nil {
		err = fmt.Errorf("never acknowledged: %s", a.Error)
	}
	return a, err
}

func (w *world) command(user, text string) (answer, error) {
	var a answer
	err := w.hook("POST", "/hooks/slack/command", object{"user": user, "channel": "redis-ops", "text": text}, &a)
	return a, err
}

// click presses a button of a message once. A stale one is pressed on a screen
// that has not been drawn again yet.
func (w *world) click(user string, m message, action string, stale bool) (answer, error) {
	var a answer
	err := w.hook("POST", "/hooks/slack/action", object{"user": user, "channel": "redis-ops", "ts": m.TS, "action_id": action, "stale": stale}, &a)
	return a, err
}

// asks is the whole way of a request: command, modal, submission. It returns
// when the submission was acknowledged. A person does one thing at a time, so
// nobody may ask for two databases at once.
func (w *world) asks(user, database, version string) error {
	var err error
	for range patience {
		if _, err = again(func() (answer, error) { return w.command(user, database+" "+version) }); err != nil {
			return fmt.Errorf("%s asks for %s: %w", user, database, err)
		}
		var m modal
		m, err = w.filled(user, database)
		if err == nil {
			err = w.submits(user, m, object{"reason": "tests need it"})
		}
		if err == nil {
			return nil
		}
		if strings.Contains(err.Error(), "is already under way") || w.asked(database) {
			return nil // an earlier submission arrived although its acknowledgement did not
		}
		_ = w.hook("POST", "/hooks/slack/close", object{"user": user, "view_id": m.ID, "all": true}, nil)
		time.Sleep(250 * time.Millisecond)
	}
	return fmt.Errorf("%s could not ask for %s: %w", user, database, err)
}

// asked reports whether there is a card for a database.
func (w *world) asked(database string) bool {
	for _, c := range w.cards() {
		if c.database == database && c.kind() == "upgrade" {
			return true
		}
	}
	return false
}

// filled waits for the modal of a database with its versions. The replica that
// should fill it in may die.
func (w *world) filled(user, database string) (modal, error) {
	var m modal
	for deadline := time.Now().Add(4 * time.Second); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		all := w.screen(user).Modals
		if len(all) == 0 {
			continue
		}
		m = all[len(all)-1]
		raw, _ := json.Marshal(m.Blocks)
		if strings.Contains(string(raw), database) && strings.Contains(string(raw), `"action_id":"version"`) {
			return m, nil
		}
	}
	return m, fmt.Errorf("no modal with the versions of %s", database)
}

func (w *world) submits(user string, m modal, values object) error {
	var a answer
	err := w.hook("POST", "/hooks/slack/submit", object{"user": user, "view_id": m.ID, "values": values}, &a)
	switch {
	case err != nil:
		return err
	case len(a.Errors) > 0:
		return fmt.Errorf("refused: %v", a.Errors)
	case !a.Acked:
		return fmt.Errorf("not acknowledged: %s", a.Error)
	}
	return nil
}

// errNoModal: whoever should have opened it was killed, or said no in private.
var errNoModal = errors.New("no modal came")

// fillsIn clicks a button that opens a modal, and submits that. refused is what
// another modal says in its place. Whoever does that has no other modal open.
func (w *world) fillsIn(user string, m message, action, callback string, values object) (refused string, err error) {
	if _, err := again(func() (answer, error) { return w.click(user, m, action, true) }); err != nil {
		return "", err
	}
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		all := w.screen(user).Modals
		if len(all) == 0 {
			continue
		}
		top := all[len(all)-1]
		switch says := top.words(); {
		case strings.Contains(says, "One moment"):
			continue
		case top.Callback != callback:
			refused = says
		default:
			if err = w.submits(user, top, values); err == nil {
				return "", nil
			}
		}
		_ = w.hook("POST", "/hooks/slack/close", object{"user": user, "view_id": top.ID, "all": true}, nil)
		return refused, err
	}
	return "", errNoModal
}

// denies goes through the modal that asks why; false when another modal says why
// that is not possible.
func (w *world) denies(user string, m message) (bool, error) {
	for range patience {
		switch refused, err := w.fillsIn(user, m, "deny", "deny_session", object{"reason": "not now"}); {
		case refused != "":
			return false, nil
		case err == nil:
			return true, nil
		}
	}
	return false, fmt.Errorf("%s could not deny", user)
}

// told counts what some people were told in private.
func (w *world) told(people ...string) int {
	n := 0
	for _, who := range people {
		for _, m := range w.messages(who) {
			if m.EphemeralTo != "" {
				n++
			}
		}
	}
	return n
}

// cardOf waits for the card of a database's upgrade.
func (w *world) cardOf(database string, within time.Duration) (card, error) {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, c := range w.cards() {
			if c.database == database && c.kind() == "upgrade" {
				return c, nil
			}
		}
	}
	var private []string
	for _, m := range w.messages("ann") {
		if m.EphemeralTo != "" {
			private = append(private, m.Text)
		}
	}
	return card{}, fmt.Errorf("no card for %s within %s; ann was told %q", database, within, private)
}
