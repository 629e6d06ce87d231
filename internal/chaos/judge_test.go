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
	reverts := map[string][]card{}
	for _, k := range cards {
		states[k.kind()+" "+k.state()]++
		states["(doubled cards)"] += k.doubles
		if k.kind() == "revert" {
			reverts[k.database] = append(reverts[k.database], k)
		} else {
			sessions[k.database]++
		}
	}
	c.t.Logf("%d sessions: %v; trouble: %v; acknowledged acts: %d", len(cards), states, c.hits, len(c.acts))
	done := c.tally()
	for name, db := range c.before {
		if n := done[db.ID]["upgrade"]; n > sessions[name] {
			c.t.Errorf("%s: %d accepted upgrade calls for %d sessions", name, n, sessions[name])
		}
		if sessions[name] == 0 {
			c.t.Errorf("%s: its request was acknowledged and nothing came of it", name)
		}
	}
	for id, k := range cards {
		if k.kind() == "revert" {
			continue
		}
		if err := c.agrees(k, databases[k.database], done[c.before[k.database].ID]["upgrade"], reverts[k.database]); err != nil {
			c.t.Errorf("%s of %s: %v", id, k.database, err)
		}
	}
	c.judgeReverts(reverts, databases, done)
	c.judgeDecisions(cards)
}

// tally counts the accepted calls by database and by what they do: "upgrade",
// "backup", "import", "delete", "create", "update". A call whose task ended with an
// error was answered: it did not happen, and may be sent again under a new intent.
func (w *world) tally() map[int]map[string]int {
	out := map[int]map[string]int{}
	for _, e := range w.ledger() {
		if e.Outcome == "error" {
			continue
		}
		if out[e.Resource] == nil {
			out[e.Resource] = map[string]int{}
		}
		out[e.Resource][e.verb()]++
	}
	return out
}

func (e entry) verb() string {
	last := e.Path[strings.LastIndex(e.Path, "/")+1:]
	switch {
	case e.Method == "DELETE":
		return "delete"
	case last == "tags":
		return "tags"
	case e.Method == "PUT" && e.Body["password"] != nil:
		return "password"
	case e.Method == "PUT":
		return "update"
	case last == "databases":
		return "create"
	}
	return last
}

// agrees compares the card of an upgrade that ended with its database and with
// what was sent. Where it was taken back the revert's judgement says more.
func (c *chaos) agrees(k card, db database, upgrades int, reverts []card) error {
	state, version := c.outcome(k, reverts)
	if k.state() != state {
		return fmt.Errorf("it ended as %s and should be %s: %s", k.state(), state, k.problem())
	}
	if state == "failed" {
		return nil // the database may be gone
	}
	sent := 1
	if state != "done" && state != "reverted" {
		sent = 0
	}
	if db.Version != version || upgrades != sent {
		return fmt.Errorf("its card says %s; the database is on %s after %d upgrade calls", state, db.Version, upgrades)
	}
	if db.Status != "active" || !db.Open {
		return fmt.Errorf("its card says %s; the database is %s, open: %v", state, db.Status, db.Open)
	}
	if was := c.before[k.database]; c.back[k.database] == nil && (db.ID != was.ID || db.Digest != was.Digest) {
		return fmt.Errorf("nobody took it back, and its keys are others")
	}
	if sent == 1 && !strings.Contains(k.words(), "approved") {
		return fmt.Errorf("%s, and nobody approved it", state)
	}
	return nil
}

// outcome is what an upgrade must read, and the version its database must have.
func (c *chaos) outcome(k card, reverts []card) (state, version string) {
	state = k.state()
	if !slices.Contains([]string{"denied", "cancelled", "expired"}, state) {
		state = "done"
	}
	for _, r := range reverts {
		switch {
		case r.state() == "done":
			return "reverted", c.before[k.database].Version
		case deleted(r):
			return "failed", ""
		}
	}
	if state != "done" {
		return state, c.before[k.database].Version
	}
	return state, target
}

// judgeDecisions: what was acknowledged is on the card, or the person was told
// why not, or somebody else's decision came first: one approval is enough, and a
// vote that waited in a dead replica's hands may find the question settled.
func (c *chaos) judgeDecisions(cards map[string]card) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	told := map[string]int{}
	for who := range c.people {
		told[who] = c.world.told(who)
	}
	for _, a := range c.acts {
		k, ok := cards[a.session]
		voted := strings.Contains(k.words(), "@U0"+strings.ToUpper(a.user)+"> approved") || strings.Contains(k.words(), "@U0"+strings.ToUpper(a.user)+"\\u003e approved")
		done := k.state() == "done" || k.state() == "reverted"
		switch {
		case !ok:
			c.t.Errorf("%s: the card of %s is gone", a.database, a.session)
		case a.did == "approve" && done && !voted && !strings.Contains(k.words(), "approved \\u003c!date") && !strings.Contains(k.words(), "approved <!date"):
			c.t.Errorf("%s: %s's approval was acknowledged, nobody's is on the card, and it says %s", a.database, a.user, k.state())
		case a.did == "approve" && !done && !voted && told[a.user] == 0 && !slices.Contains([]string{"denied", "cancelled"}, k.state()):
			c.t.Errorf("%s: %s's approval was acknowledged, and the card says %s", a.database, a.user, k.state())
		case a.did == "deny" && done && !voted && told[a.user] == 0:
			c.t.Errorf("%s: %s's denial was acknowledged, %s was told nothing, and the card says done", a.database, a.user, a.user)
		case a.did == "cancel" && done && told[a.user] == 0 && !c.wished(a.user, k):
			c.t.Errorf("%s: %s's cancel was acknowledged, %s was told nothing, and the card says done", a.database, a.user, a.user)
		}
	}
}

// wished reports whether a card's thread says that somebody asked to cancel while
// a request was out that may have left: then it goes on if Redis Cloud took it.
func (c *chaos) wished(user string, k card) bool {
	return slices.ContainsFunc(c.messages("bob"), func(m message) bool {
		return m.ThreadTS == k.TS && strings.Contains(m.Text, "@U0"+strings.ToUpper(user)+">: Asked to cancel.")
	})
}
