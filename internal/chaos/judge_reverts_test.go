package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// judgeReverts: each step of a revert was taken at most once, what its card says
// is so, and nothing is left behind of which no card speaks.
func (c *chaos) judgeReverts(reverts map[string][]card, databases map[string]database, done map[int]map[string]int) {
	c.t.Helper()
	made := c.made()
	ends := map[string]int{}
	for name, all := range reverts {
		for _, k := range all {
			ends[c.end(k)]++
			if err := c.judgeRevert(k, databases[name], done, made); err != nil {
				c.t.Errorf("%s, revert of %s: %v", k.session(), name, err)
			}
		}
		old := done[c.before[name].ID]
		if n := len(all); old["backup"] > n+1 || old["update"] > 2*n {
			c.t.Errorf("%s, taken back %d times: %d backups, %d changes of its door", name, n, old["backup"], old["update"])
		}
	}
	c.judgeLeftovers(reverts, databases, made)
	said := map[string]int{}
	for _, v := range c.verdicts {
		said[v]++
	}
	c.t.Logf("reverts: %v; settled by on-call: %v", ends, said)
	for name, b := range c.back {
		if b.chosen.uris != nil && len(reverts[name]) == 0 {
			c.t.Errorf("%s: its revert was acknowledged and nothing came of it", name)
		}
	}
}

// made are the databases that were created, by name.
func (w *world) made() map[string][]int {
	out := map[string][]int{}
	for _, e := range w.ledger() {
		if name, _ := e.Body["name"].(string); e.verb() == "create" && e.Outcome != "error" {
			out[name] = append(out[name], e.Resource)
		}
	}
	return out
}

// end is how a revert ended: its state, and the name of its failure.
func (c *chaos) end(k card) string {
	why, _, _ := strings.Cut(k.problem(), ". ")
	return strings.TrimSuffix(k.state()+": "+strings.ReplaceAll(why, k.database, "db"), ": ")
}

// steps are the accepted calls of one revert.
type steps struct{ trials, trialImports, trialDeletes, deletes, creates, imports, passwords, opened int }

// allOnce is a revert that went all the way.
var allOnce = steps{1, 1, 1, 1, 1, 1, 1, 1}

func stepsOf(k card, old database, done map[int]map[string]int, made map[string][]int) steps {
	s := steps{trials: len(made[rehearsal(k)]), creates: len(made[k.database]), deletes: done[old.ID]["delete"]}
	for _, id := range made[rehearsal(k)] {
		s.trialImports += done[id]["import"]
		s.trialDeletes += done[id]["delete"]
	}
	for _, id := range made[k.database] {
		s.imports += done[id]["import"]
		s.passwords += done[id]["password"]
		s.opened += done[id]["update"]
	}
	return s
}

func (s steps) twice() bool {
	return max(s.trials, s.trialImports, s.trialDeletes, s.deletes, s.creates, s.imports, s.passwords, s.opened) > 1
}

// deleted reports whether a revert's card says that the database was deleted.
func deleted(k card) bool { return strings.Contains(k.words(), "The database was deleted ") }

func (c *chaos) judgeRevert(k card, db database, done map[int]map[string]int, made map[string][]int) error {
	old := c.before[k.database]
	s := stepsOf(k, old, done, made)
	switch {
	case s.twice(), done[old.ID]["import"] > 0:
		return fmt.Errorf("done more than once: %+v (%d imports over the original)", s, done[old.ID]["import"])
	case k.state() == "done":
		return c.takenBack(k, db, s)
	case k.state() != "failed" && k.state() != "cancelled":
		return fmt.Errorf("it ended as %s", k.state())
	case k.state() == "failed" && k.problem() == "":
		return fmt.Errorf("it failed, and its card does not say why")
	case c.saysDone(k):
		return fmt.Errorf("it ended as %s, and its thread says done", k.state())
	case s.deletes > 0 || deleted(k):
		return lostWithName(k, db, s, made)
	case db.ID != old.ID || db.Version != target || db.Status != "active" || !db.Open || db.Digest != c.back[k.database].spoiled:
		return fmt.Errorf("it ended as %s before its delete; the database is not as it was: %+v", k.state(), db)
	}
	return nil
}

// takenBack: the database is there on the old version at the old port, open, with
// the keys of the backup that was chosen.
func (c *chaos) takenBack(k card, db database, s steps) error {
	old := c.before[k.database]
	want := database{ID: db.ID, Sub: old.Sub, Name: old.Name, Version: old.Version, Status: "active", Port: old.Port,
		Digest: c.back[k.database].chosen.digest, Open: true}
	switch {
	case db != want || db.ID == old.ID:
		return fmt.Errorf("its card says done; the database is %+v, wanted %+v", db, want)
	case s != allOnce:
		return fmt.Errorf("its card says done; sent was %+v", s)
	case !strings.Contains(k.words(), "approved"):
		return fmt.Errorf("done, and nobody approved it")
	}
	return nil
}

// lostWithName: where the bot could not finish, the card says what exists.
func lostWithName(k card, db database, s steps, made map[string][]int) error {
	switch {
	case k.state() != "failed" || s.deletes == 0 || !deleted(k):
		return fmt.Errorf("%d deletes were accepted; its card says %s: %s", s.deletes, k.state(), k.problem())
	case db.ID == 0 && s.creates > 0:
		return fmt.Errorf("the new database %v is gone", made[k.database])
	case db.ID != 0 && !strings.Contains(k.problem(), fmt.Sprint(db.ID)):
		return fmt.Errorf("its card does not name the new database %d: %s", db.ID, k.problem())
	case db.ID != 0 && db.Open:
		return fmt.Errorf("it failed, and the door of database %d is open", db.ID)
	}
	return nil
}

// saysDone reports whether the thread of a revert tells of a success.
func (c *chaos) saysDone(k card) bool {
	return slices.ContainsFunc(c.messages("bob"), func(m message) bool {
		return m.EphemeralTo == "" && strings.Contains(m.words(), "Done: "+k.database+" is back")
	})
}

// judgeLeftovers: no database is there that was not, unless a card names it, and
// none was made or is missing without a revert.
func (c *chaos) judgeLeftovers(reverts map[string][]card, databases map[string]database, made map[string][]int) {
	c.t.Helper()
	known, left := map[string]bool{}, ""
	for name, all := range reverts {
		known[name] = true
		for _, k := range all {
			known[rehearsal(k)] = true
			_, loose, _ := strings.Cut(k.words(), "Manual follow-up")
			left += loose
		}
	}
	for name := range made {
		if !known[name] {
			c.t.Errorf("%s was created, and no card tells of its revert", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(databases)) {
		if _, had := c.before[name]; !had && !strings.Contains(left, name) {
			c.t.Errorf("%s was left behind, and no card says so", name)
		}
	}
	for name := range c.before {
		if _, there := databases[name]; !there && !known[name] {
			c.t.Errorf("%s is gone, and nobody took it back", name)
		}
	}
}
