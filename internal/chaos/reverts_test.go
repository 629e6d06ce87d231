package chaos

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// back is an upgrade that is taken back. Its people's goroutine owns it until
// everybody is done.
type back struct {
	chosen  backup // empty: it did not come to that
	spoiled string // the digest of what was written since the upgrade
}

// backup is one set of stored files.
type backup struct {
	uris   []string
	digest string // of all its keys
}

// backups are those of a database as it was at the start, oldest first.
func (c *chaos) backups(name string) ([]backup, error) {
	var all map[string][]struct {
		URI      string `json:"uri"`
		Database int    `json:"database_id"`
		At       string `json:"at"`
		Digest   string `json:"set_digest"`
	}
	if err := c.hook("GET", "/hooks/cloud/backups", nil, &all); err != nil {
		return nil, err
	}
	var out []backup
	last := ""
	for _, f := range all[name] {
		if f.Database != c.before[name].ID {
			continue
		}
		if f.At != last {
			out = append(out, backup{digest: f.Digest})
			last = f.At
		}
		set := &out[len(out)-1]
		set.uris = append(set.uris, f.URI)
	}
	return out, nil
}

// write is somebody who writes into a database.
func (w *world) write(name, key string) error {
	return w.hook("POST", "/hooks/cloud/database", object{"name": name, "set": object{"keys": object{key: "written"}}}, nil)
}

// takeBack is a revert as people see it: a complaint once the upgrade is done, a
// backup that somebody picks, two people who agree, and now and then somebody
// who thinks better of it.
func (c *chaos) takeBack(who, name string) {
	up, err := c.await("upgrade", name, func(k card) bool { return k.offers("revert") || k.final() })
	if err == nil && !up.offers("revert") {
		err = fmt.Errorf("its upgrade is %s, and nothing can be taken back", up.state())
	}
	if err == nil {
		err = c.choose(name)
	}
	var asked card
	if err == nil {
		asked, err = c.complain(who, up)
	}
	if err == nil {
		err = c.agree(who, asked)
	}
	if err != nil {
		c.t.Errorf("revert of %s: %v", name, err)
	}
}

// await waits for a card of a database for as long as anything moves.
func (c *chaos) await(kind, name string, is func(card) bool) (card, error) {
	for ; ; time.Sleep(100 * time.Millisecond) {
		k, ok := c.watch.about(kind, name)
		if ok && is(k) {
			return k, nil
		}
		if c.watch.stands() {
			return k, fmt.Errorf("waited too long for the %s; it is %s (%s)", kind, k.state(), k.Text)
		}
	}
}

// choose writes something that the revert will lose, and picks one of the
// backups from before the upgrade.
func (c *chaos) choose(name string) error {
	if err := c.write(name, "after the upgrade"); err != nil {
		return err
	}
	all, err := c.backups(name)
	if err != nil || len(all) == 0 {
		return fmt.Errorf("backups of %s: %d, %w", name, len(all), err)
	}
	*c.back[name] = back{chosen: all[c.chance(len(all))], spoiled: c.databases()[name].Digest}
	return nil
}

// complain asks for the revert until there is a card. It is refused, in private,
// while the subscription is busy with another database.
func (c *chaos) complain(who string, up card) (card, error) {
	values := object{"files": strings.Join(c.back[up.database].chosen.uris, "\n"), "name": up.database, "reason": "clients fail"}
	var last error
	for range 30 {
		before := c.watch.private(who)
		refused, err := c.modal(who, up, "revert", "revert_upgrade", values)
		last = err
		for deadline := time.Now().Add(8 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			if k, ok := c.watch.about("revert", up.database); ok {
				return k, nil
			}
			if refused != "" || err != nil || c.watch.private(who) > before {
				break
			}
		}
		c.count("revert asked again")
		c.pause(200*time.Millisecond, time.Second)
	}
	return card{}, fmt.Errorf("%s could not ask for it: %v", who, last)
}

// modal is fillsIn with one's own hands.
func (c *chaos) modal(who string, k card, action, callback string, values object) (refused string, err error) {
	defer c.hands(who)()
	return c.fillsIn(who, k.message, action, callback, values)
}

// agree waits for the rehearsal and lets two people approve the deletion, and
// again where somebody was told that it could not be done just then. Whoever
// asked may think better of it.
func (c *chaos) agree(who string, asked card) error {
	k, err := c.await("revert", asked.database, func(k card) bool { return k.state() == "proposed" || k.final() })
	if err != nil || k.final() {
		return err // the rehearsal failed; the judge reads why
	}
	for range 5 {
		before := c.told(who)
		c.vote(k)
		if c.chance(6) == 0 {
			if err := c.thinkBetter(who, k); err != nil {
				return err
			}
		}
		if c.decided(k) {
			return nil
		}
		c.count("decided again")
		if c.told(who) == before {
			return fmt.Errorf("approvals were acknowledged, the card still waits, and nobody was told why")
		}
	}
	return fmt.Errorf("it could not be decided")
}

// decided waits for a card that asks for nothing any more.
func (c *chaos) decided(k card) bool {
	for deadline := time.Now().Add(widened(8 * time.Second)); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if now, ok := c.watch.about(k.kind(), k.database); ok && now.state() != "proposed" {
			return true
		}
	}
	return false
}

// vote lets both approvers approve at once, each of them twice at times.
func (c *chaos) vote(k card) {
	var both sync.WaitGroup
	for _, voter := range []string{"bob", "carol"} {
		both.Go(func() {
			for range 1 + c.chance(2) {
				if err := c.approves(voter, k); err != nil {
					c.t.Errorf("revert of %s: %v", k.database, err)
				}
			}
		})
	}
	both.Wait()
}

// thinkBetter cancels at some moment, perhaps too late.
func (c *chaos) thinkBetter(who string, k card) error {
	c.pause(0, 5*time.Second)
	_, err := again(func() (answer, error) { return c.click(who, k.message, "cancel", true) })
	if err == nil {
		c.did(who, "cancel", k)
	}
	return err
}

// approves types what the modal wants until that is taken, or somebody says why
// it is not.
func (c *chaos) approves(who string, k card) error {
	typed := fmt.Sprintf("%s/%d", k.database, c.before[k.database].ID)
	for range patience {
		refused, err := c.modal(who, k, "approve", "approve_revert", object{"name": typed})
		switch {
		case refused != "":
			c.informed.Add(1)
			return nil
		case err == nil:
			c.did(who, "approve", k)
			return nil
		}
	}
	return fmt.Errorf("%s could not approve", who)
}

// cutImports lets every third import lose its request or its answer. Only
// reverts make databases, and each of those gets one import.
func (c *chaos) cutImports(stop chan struct{}) {
	faults := []string{"drop_before_accept", "drop_after_accept", "drop_before_accept", "error_500_after_accept"}
	seen, turn := map[int]bool{}, c.chance(3*len(faults))
	for {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
		for name, db := range c.databases() {
			if c.before[name].ID == db.ID || seen[db.ID] {
				continue
			}
			seen[db.ID] = true
			if turn++; turn%3 > 0 {
				continue
			}
			f := faults[turn/3%len(faults)]
			c.count("import " + f)
			match := fmt.Sprintf("POST /v1/subscriptions/%d/databases/%d/import", db.Sub, db.ID)
			if err := c.hook("POST", "/hooks/cloud/faults", object{"fault": f, "times": 1, "match": match}, nil); err != nil {
				c.t.Error(err)
			}
		}
	}
}

// operate is on-call: whenever a card says that nobody can tell, they look into
// the console and press what is true, as often as it takes.
func (c *chaos) operate(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(500 * time.Millisecond):
		}
		for _, k := range c.watch.all() {
			if k.offers("settle_happened") {
				c.findOut(k)
			}
		}
	}
}

var untold = regexp.MustCompile(`utcome of the (.+) is unknown`)

// findOut settles one call. Those that must not be declared absent so soon are
// refused for a while.
func (c *chaos) findOut(k card) {
	m := untold.FindStringSubmatch(k.Text)
	if m == nil {
		return
	}
	happened, err := c.happened(k, m[1])
	if err != nil && c.cards()[k.session()].Text == k.Text { // the card that was seen may be behind
		c.puzzled[k.session()]++
	}
	if c.puzzled[k.session()] > 20 {
		c.t.Errorf("on-call cannot settle %s of %s: %v", k.session(), k.database, err)
	}
	if err != nil {
		return
	}
	delete(c.puzzled, k.session())
	verdict, action, people := m[1]+" happened", "settle_happened", onCall[:1]
	if !happened {
		verdict, action, people = m[1]+" did not happen", "settle_absent", onCall
	}
	c.mu.Lock()
	c.verdicts[k.session()+" "+m[1]] = verdict
	c.mu.Unlock()
	for _, who := range people {
		_, _ = c.click(who, k.message, action, true) // tried again in a moment
	}
}

// happened reads from the ledger what became of a call. One whose task ended
// with an error did not happen.
func (c *chaos) happened(k card, call string) (bool, error) {
	name := k.database
	if call == "test import" {
		name = rehearsal(k)
	}
	db := c.databases()[name]
	if !slices.Contains([]string{"import", "test import"}, call) || db.ID == 0 {
		return false, fmt.Errorf("the console does not tell about the %s of %s", call, name)
	}
	return c.tally()[db.ID]["import"] > 0, nil
}

// rehearsal is the name of a revert's temporary database.
func rehearsal(k card) string { return k.database + "-rehearsal-" + k.session()[2:8] }
