package chaos

import (
	"slices"
	"time"
)

// meddle lets somebody else do something now and then: in Redis Cloud's console, to
// the app in Slack, or two of on-call who want opposite things. Each stretch ends
// before the next begins.
func (c *chaos) meddle(stop chan struct{}) {
	strikes := []struct {
		name string
		do   func()
	}{
		{"console open", c.opensDoor},
		{"console rename", c.renames},
		{"slack token revoked", func() { c.spell("token_revoked", "bot") }},
		{"slack http_500 for a while", func() { c.spell("http_500", "") }},
		{"pause and resume at once", c.disagree},
	}
	for i := c.chance(len(strikes)); ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(c.rest(2*time.Second, 4*time.Second)):
		}
		s := strikes[i%len(strikes)]
		c.count(s.name)
		s.do()
	}
}

// underway is a database that is upgraded just now and not taken back; "" when none is.
func (c *chaos) underway() string {
	var names []string
	for _, k := range c.watch.all() {
		if k.kind() == "upgrade" && !k.final() && c.back[k.database] == nil {
			names = append(names, k.database)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return names[c.chance(len(names))]
}

// opensDoor lets everybody connect to a database.
func (c *chaos) opensDoor() {
	if name := c.underway(); name != "" {
		c.console(name, object{"source_ips": []string{"0.0.0.0/0"}})
	}
}

// renames gives a database another name for a while.
func (c *chaos) renames() {
	name := c.underway()
	if name == "" {
		return
	}
	c.console(name, object{"name": name + "-renamed"})
	c.pause(200*time.Millisecond, time.Second)
	c.console(name+"-renamed", object{"name": name})
}

func (c *chaos) console(name string, set object) {
	if err := c.hook("POST", "/hooks/cloud/database", object{"name": name, "set": set}, nil); err != nil {
		c.t.Error(err)
	}
}

// spell is a fault of Slack for a while.
func (c *chaos) spell(fault, match string) {
	for _, times := range []int{-1, 0} {
		if err := c.hook("POST", "/hooks/slack/faults", object{"fault": fault, "times": times, "match": match}, nil); err != nil {
			c.t.Error(err)
		}
		if times != 0 {
			c.pause(300*time.Millisecond, 1500*time.Millisecond)
		}
	}
}

// disagree lets two of on-call pause and resume the bot at the same moment; then it is
// resumed.
func (c *chaos) disagree() {
	says := func(who, what string) {
		if _, err := again(func() (answer, error) { return c.command(who, what) }); err != nil {
			c.t.Errorf("%s: %v", what, err)
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); says("bob", "pause") }()
	says("carol", "resume")
	<-done
	c.pause(0, time.Second)
	says("carol", "resume")
}
