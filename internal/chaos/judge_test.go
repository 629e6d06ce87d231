package chaos

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
)

const (
	stopSignal = syscall.SIGSTOP
	contSignal = syscall.SIGCONT
)

// judge holds the invariants, from the emulators' ledgers and from what people
// see alone.
func (c *chaos) judge() {
	c.t.Helper()
	cards, databases := c.cards(), c.databases()
	sessions, states := map[string]int{}, map[string]int{}
	for _, k := range cards {
		sessions[k.database]++
		states[k.state()]++
		states["(doubled cards)"] += k.doubles
	}
	c.t.Logf("%d sessions: %v; trouble: %v; acknowledged acts: %d", len(cards), states, c.hits, len(c.acts))
	upgrades, imports := c.counted(databases)
	for name := range databases {
		if n := upgrades[name]; n > sessions[name] {
			c.t.Errorf("%s: %d accepted upgrade calls for %d sessions", name, n, sessions[name])
		}
	}
	for id, n := range imports {
		if n > 1 {
			c.t.Errorf("database %d: %d accepted imports", id, n)
		}
	}
	for id, k := range cards {
		if err := agrees(k, databases[k.database], upgrades[k.database]); err != nil {
			c.t.Errorf("%s of %s: %v", id, k.database, err)
		}
	}
	for _, name := range c.names {
		if sessions[name] == 0 {
			c.t.Errorf("%s: its request was acknowledged and nothing came of it", name)
		}
	}
	c.judgeDecisions(cards)
}

// counted are the accepted upgrade calls by database and imports by database id.
// A call whose task ended with an error was answered: it did not happen, and may
// be sent again under a new intent.
func (c *chaos) counted(databases map[string]database) (upgrades map[string]int, imports map[int]int) {
	names := map[int]string{}
	for name, db := range databases {
		names[db.ID] = name
	}
	upgrades, imports = map[string]int{}, map[int]int{}
	refused := map[string]int{}
	for _, e := range c.ledger() {
		switch {
		case e.Outcome == "error":
			refused[e.Error]++
		case e.is("POST", "upgrade"):
			upgrades[names[e.Resource]]++
		case e.is("POST", "import"):
			imports[e.Resource]++
		}
	}
	c.t.Logf("tasks that ended with an error: %v", refused)
	return upgrades, imports
}

// agrees compares a card that ended with its database and with what was sent.
func agrees(k card, db database, upgrades int) error {
	switch k.state() {
	case "done":
		if db.Version != target || upgrades != 1 {
			return fmt.Errorf("its card says done; the database is on %s after %d upgrade calls", db.Version, upgrades)
		}
	case "denied", "cancelled", "expired":
		if db.Version != "7.2" || upgrades != 0 {
			return fmt.Errorf("its card says %s; the database is on %s after %d upgrade calls", k.state(), db.Version, upgrades)
		}
	default:
		return fmt.Errorf("it ended as %s: %s", k.state(), k.problem())
	}
	if db.Status != "active" {
		return fmt.Errorf("its card says %s; the database is %s", k.state(), db.Status)
	}
	if k.state() == "done" && !strings.Contains(k.words(), "approved") {
		return fmt.Errorf("done, and nobody approved it")
	}
	return nil
}

// problem is the first warning on a card.
func (c card) problem() string {
	_, after, _ := strings.Cut(c.words(), ":rotating_light: ")
	return after[:min(len(after), 200)]
}

// judgeDecisions: what was acknowledged is on the card, or the person was told
// why not, or somebody else's decision came first: one approval is enough, and a
// vote that waited in a dead replica's hands may find the question settled.
func (c *chaos) judgeDecisions(cards map[string]card) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	told := map[string]int{}
	for _, who := range []string{"ann", "bob", "carol", "dan", "eve"} {
		for _, m := range c.messages(who) {
			if m.EphemeralTo != "" {
				told[who]++
			}
		}
	}
	for _, a := range c.acts {
		k, ok := cards[a.session]
		voted := strings.Contains(k.words(), "@U0"+strings.ToUpper(a.user)+"> approved") || strings.Contains(k.words(), "@U0"+strings.ToUpper(a.user)+"\\u003e approved")
		switch {
		case !ok:
			c.t.Errorf("%s: the card of %s is gone", a.database, a.session)
		case a.did == "approve" && k.state() == "done" && !voted && !strings.Contains(k.words(), "approved \\u003c!date") && !strings.Contains(k.words(), "approved <!date"):
			c.t.Errorf("%s: %s's approval was acknowledged, nobody's is on the card, and it says %s", a.database, a.user, k.state())
		case a.did == "approve" && !voted && !slices.Contains([]string{"done", "denied", "cancelled"}, k.state()):
			c.t.Errorf("%s: %s's approval was acknowledged, and the card says %s", a.database, a.user, k.state())
		case a.did == "deny" && k.state() == "done" && !voted && told[a.user] == 0:
			c.t.Errorf("%s: %s's denial was acknowledged, %s was told nothing, and the card says done", a.database, a.user, a.user)
		case a.did == "cancel" && k.state() == "done" && told[a.user] == 0:
			c.t.Errorf("%s: %s's cancel was acknowledged, %s was told nothing, and the card says done", a.database, a.user, a.user)
		}
	}
}
