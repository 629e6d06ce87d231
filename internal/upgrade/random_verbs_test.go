package upgrade

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/calls"
)

// verbs are what the lines of a script do. Missing words are empty.
var verbs = map[string]func(*lives, []string){
	"propose": (*lives).propose,
	"approve": func(l *lives, a []string) { l.vote("approve", (*Engine).Approve, a) },
	"deny":    func(l *lives, a []string) { l.vote("deny", (*Engine).Deny, a) },
	"cancel": func(l *lives, a []string) {
		s, ok := l.latest(a[0], "")
		if !ok {
			return
		}
		by := l.voter(a[1])
		l.deliver(a[2], func(e *replica) (Session, error) { return e.Cancel(l.w.ctx, s.ID, by) }, said{s.ID, by.ID, "cancel"})
	},
	"recheck": func(l *lives, a []string) {
		l.click(a, func(e *replica, s Session, by approvals.Voter) (Session, error) { return e.Recheck(l.w.ctx, s.ID, by) })
	},
	"settle":  (*lives).settle,
	"revert":  (*lives).revert,
	"pause":   func(l *lives, a []string) { l.pause(a, true) },
	"resume":  func(l *lives, a []string) { l.pause(a, false) },
	"kill":    func(l *lives, a []string) { l.procs[a[0]].kill() },
	"trouble": (*lives).trouble,
	"clock": func(l *lives, a []string) { // is set, while the process goes on
		d, _ := time.ParseDuration(a[1])
		l.procs[a[0]].skew.Store(int64(d))
	},
	"away": func(l *lives, a []string) {
		d, _ := time.ParseDuration(a[1])
		l.gremlins[a[0]].set(func(g *gremlin) { g.awayUntil = time.Now().Add(d) })
	},
	"cut":  func(l *lives, a []string) { l.w.crash.start(number(a[0]), kindOf(a[1])) },
	"mute": func(l *lives, a []string) { l.w.pens.start(number(a[0]), kindOf(a[1])) },
	"room": func(l *lives, a []string) { l.w.room.Fault(a[0], number(a[1])); l.deaf = append(l.deaf, a[0]) },
	"down": func(l *lives, a []string) {
		d, _ := time.ParseDuration(a[0])
		l.downUntil = time.Now().Add(d)
		l.procs["A"].kill()
		l.procs["B"].kill()
	},
	"fault": func(l *lives, a []string) {
		if a[2] == "*" {
			a[2] = ""
		}
		l.w.fault(a[0], number(a[1]), a[2])
		if a[0] == "auto_minor" {
			l.meddle(1000*time.Hour, 0) // it strikes behind any later look
		}
	},
	"console": (*lives).console,
	"spoil":   (*lives).spoil,
	"dismiss": func(l *lives, a []string) {
		v := people[a[0]]
		v.Approver, v.OnCall = false, false
		l.w.roles.set(v)
	},
	"hire":     func(l *lives, a []string) { l.w.roles.set(people[a[0]]) },
	"config":   (*lives).config,
	"server":   (*lives).server,
	"opposite": (*lives).opposite,
	"forge":    (*lives).forge,
	"copy":     func(l *lives, _ []string) { l.copied = l.copy() },
	"put-back": func(l *lives, _ []string) {
		if l.copied != nil {
			l.rewind(l.copied)
		}
	},
	"slack": func(l *lives, a []string) { l.w.roles.silence(map[string]error{"away": errInjected}[a[0]]) },
}

func kindOf(word string) kind {
	return map[string]kind{"failed": failed, "lost": happens, "gone": gone, "frozen": frozen, "forgotten": forgotten}[word]
}

// propose <database> <version> <who> <how>
func (l *lives) propose(a []string) {
	db := l.w.find(a[0])
	if db.ID == 0 {
		return
	}
	r := Request{Origin: fmt.Sprint("modal ", time.Since(l.begin), a), By: l.voter(a[2]), Ref: db.ref(), To: a[1], Reason: "support ends", Home: "D0"}
	l.deliver(a[3], func(e *replica) (Session, error) { return e.Propose(l.w.ctx, r) })
}

// vote <database> <who> <how>: a decision about the newest session.
func (l *lives) vote(verb string, decide func(*Engine, ctx, Click) (Session, error), a []string) {
	s, ok := l.latest(a[0], "")
	if !ok {
		return
	}
	c := Click{Session: s.ID, Ask: s.Ask, By: l.voter(a[1]), Reason: "because", Typed: s.ConfirmText()}
	if a[2] == "stale" {
		c.Ask--
	}
	l.deliver(a[2], func(e *replica) (Session, error) { return decide(e.Engine, l.w.ctx, c) }, said{s.ID, c.By.ID, verb})
}

// click <database> <who> <how>: anything else about the newest session.
func (l *lives) click(a []string, do func(*replica, Session, approvals.Voter) (Session, error)) {
	s, ok := l.latest(a[0], "")
	if !ok {
		return
	}
	by := l.voter(a[1])
	l.deliver(a[2], func(e *replica) (Session, error) { return do(e, s, by) })
}

// settle <database> <who> <how>: the on-call group says the truth, everybody
// else lies and must be refused.
func (l *lives) settle(a []string) {
	s, ok := l.latest(a[0], "")
	if !ok || s.Call == nil || s.Call.Phase != Unknown {
		return
	}
	by, truth := l.voter(a[1]), l.w.happened(s)
	if !by.OnCall {
		truth = !truth
	}
	l.deliver(a[2], func(e *replica) (Session, error) { return e.Settle(l.w.ctx, Click{Session: s.ID, By: by}, truth) })
}

// revert <database> <who> <how>: takes the newest upgrade back, with the
// newest files from before it where there are any.
func (l *lives) revert(a []string) {
	up, ok := l.latest(a[0], KindUpgrade)
	if !ok {
		return
	}
	r := RevertRequest{Origin: fmt.Sprint("revert ", time.Since(l.begin), a), Upgrade: up.ID, By: l.voter(a[1]),
		Files: l.filesBefore(a[0], up.Upgrade.Sent), Name: a[0], Reason: "clients break", Home: "D0"}
	l.deliver(a[2], func(e *replica) (Session, error) { return e.ProposeRevert(l.w.ctx, r) })
}

// filesBefore are the files of the newest backup before that time.
func (l *lives) filesBefore(name string, sent time.Time) string {
	var all map[string][]storedFile
	l.w.hook("GET", "backups", nil, &all)
	text, of := "", time.Time{}
	for _, f := range all[name] {
		file, err := ParseFile(f.URI)
		switch {
		case err != nil, file.At.After(sent) && !sent.IsZero(), file.At.Before(of):
			continue
		case file.At.After(of):
			text, of = "", file.At
		}
		text += f.URI + "\n"
	}
	return text
}

func (l *lives) pause(a []string, on bool) {
	by := l.voter(a[0])
	l.deliver("once", func(e *replica) (Session, error) { return Session{}, e.Pause(l.w.ctx, by, on) })
}

// trouble <process> <n> <kind>: the nth write to Redis from now on goes wrong.
func (l *lives) trouble(a []string) {
	l.gremlins[a[0]].set(func(g *gremlin) { g.left, g.kind = number(a[1]), kindOf(a[2]) })
}

// meddle notes that somebody else changes a database, or any (0), within that time.
func (l *lives) meddle(within time.Duration, id int) {
	l.meddled[id] = time.Now().Add(within)
}

// console <database> <what>: somebody else changes it.
func (l *lives) console(a []string) {
	id := l.w.find(a[0]).ID
	if a[1] == "twin" && id == 0 {
		l.w.hook("POST", "create", map[string]any{"subscription": "shop", "database": map[string]any{"name": a[0], "port": 12077}}, nil)
	}
	if a[1] == "twin" || id == 0 {
		return
	}
	if a[1] == "delete" || a[1] == "version" {
		l.meddle(0, id)
	}
	l.w.console(a[0], map[string]map[string]any{
		"delete":       {"delete": true},
		"version":      {"redis_version": "7.4"},
		"backup-off":   {"backup_path": ""},
		"backup-moved": {"backup_path": "s3://acme/elsewhere"},
		"backup-now":   {"backup_now": true},
		"door":         {"source_ips": []string{"172.16.0.0/12"}},
		"open":         {"source_ips": []string{"0.0.0.0/0"}},
		"rename":       {"name": a[0] + "-old"},
		"rename-back":  {"name": strings.TrimSuffix(a[0], "-old")},
		"password":     {"password": otherPassword},
	}[a[1]])
}

// spoil <database> <what>: a stored file of its newest backup.
func (l *lives) spoil(a []string) {
	var all map[string][]storedFile
	l.w.hook("GET", "backups", nil, &all)
	files := all[a[0]]
	if len(files) == 0 {
		return
	}
	l.w.hook("POST", "backup", map[string]any{"uri": files[len(files)-1].URI, "set": map[string]any{a[1]: true}}, nil)
}

// calm ends all trouble: faults off, people back, everybody alive.
func (l *lives) calm() {
	var faults []struct {
		Fault string
		Times int
	}
	l.w.hook("GET", "faults", nil, &faults)
	for _, f := range faults {
		if f.Times != 0 {
			l.w.fault(f.Fault, 0, "")
		}
	}
	if l.set != nil {
		l.set(0)
	}
	for _, name := range slices.Collect(maps.Keys(l.configs)) {
		l.config([]string{name, "same"})
	}
	if l.differed { // what a card offers is up to the configuration of who drew it last
		for _, s := range l.sessions() {
			l.w.nil(l.w.store.Dirty().Set(l.w.ctx, s.ID, 0))
		}
	}
	for _, name := range l.deaf {
		l.w.room.Fault(name, 0)
	}
	l.w.crash.stop()
	l.w.pens.stop()
	for _, g := range l.gremlins {
		g.set(func(g *gremlin) { g.kind = nothing })
	}
	l.pass(max(time.Until(l.downUntil), 0) + 10*time.Minute) // the frozen thaw, the lost are found
	for _, v := range people {
		l.w.roles.set(v)
	}
	l.w.roles.silence(nil)
	for _, undo := range slices.Backward(l.repairs) {
		undo()
	}
	if l.set != nil {
		l.stopClock()
	}
	if len(l.repairs) > 0 {
		l.pass(70 * time.Minute) // what was noted against a record stands for an hour
	}
	l.w.nil(l.w.store.SetFlag(l.w.ctx, calls.PauseFlag, ""))
	l.clicks.Wait()
}

// end lets time pass until every session has ended. What only people can
// settle, on-call settles by what really happened. What is not believed stays
// as it is.
func (l *lives) end() {
	for begin := time.Now(); time.Since(begin) < 2*limit; l.pass(5 * time.Minute) {
		all := l.sessions()
		if !slices.ContainsFunc(all, func(s Session) bool { return open(s, all) }) {
			return
		}
		for _, s := range all {
			if s.Call == nil || s.Call.Phase != Unknown || s.Ended || s.Distrusted != "" {
				continue
			}
			truth := l.w.happened(s)
			for _, by := range []approvals.Voter{dan, dora} {
				l.deliver("once", func(e *replica) (Session, error) { return e.Settle(l.w.ctx, Click{Session: s.ID, By: by}, truth) })
			}
			l.clicks.Wait()
		}
	}
}
