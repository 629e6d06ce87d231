package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-upgrade/bot/internal/approvals"
	"github.com/redis-upgrade/bot/internal/session"
)

// Verbs of what somebody does to Redis, to a process's configuration, or at the
// same moment as somebody else.

// copied is what Redis held at a moment, and what was known then.
type copied struct {
	restore func()
	said    int // decisions that were confirmed before
	words   int
	calls   int // that Redis Cloud had accepted
}

// copy reads all of Redis while no process writes.
func (l *lives) copy() *copied {
	l.still.Lock()
	defer l.still.Unlock()
	l.mu.Lock()
	c := &copied{said: len(l.said), words: len(l.words)}
	l.mu.Unlock()
	c.calls = len(l.w.ledger())
	c.restore = l.w.snapshot()
	return c
}

// rewind puts an older copy of Redis back. From then on it may have forgotten what
// people were told since, and the intents of calls that were accepted since: those
// promises are suspended, for exactly these decisions, intents and databases.
func (l *lives) rewind(c *copied) {
	l.still.Lock()
	defer l.still.Unlock()
	before := l.everyIntent()
	c.restore()
	after := l.everyIntent()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rewinds++
	l.said, l.words = l.said[:min(c.said, len(l.said))], l.words[:min(c.words, len(l.words))]
	for key, in := range before {
		if after[key] == nil {
			in.forgotten = true
			l.lost = append(l.lost, in)
		}
	}
	for _, call := range l.w.ledger()[c.calls:] {
		l.undone[call.Resource] = time.Now()
	}
}

// everyIntent is what the journals hold, forged ones too.
func (l *lives) everyIntent() map[string]*intent {
	out := map[string]*intent{}
	store := l.w.newStore(l.w.rdb, time.Now) // the test's own is of its goroutine only
	for _, k := range l.w.rdb.Keys(l.w.ctx, tag+"journal:*").Val() {
		for _, in := range l.w.intentsIn(store, strings.TrimPrefix(k, tag+"journal:")) {
			out[fmt.Sprint(in.session, in.revision, in.key, in.number, in.at)] = in
		}
	}
	return out
}

// server <ahead>: Redis' clock is set. Processes look after the time as a bot does, and
// one that does nothing else is never away: what nobody sees is taken for time that passed.
func (l *lives) server(a []string) {
	d, _ := time.ParseDuration(a[0])
	if l.set == nil {
		c := &court{TB: l.w.t} // ends with the trouble: virtual days of it cost real minutes
		l.w.odd = 10 * time.Second
		watch := l.w.newStore(l.w.rdb, time.Now)
		l.w.nil(watch.Ping(l.w.ctx))
		l.w.heard = &heard{}
		l.set = l.w.setClock(c, 2*time.Second, func() []*session.Store {
			l.w.heard.add(watch.Now())
			all := []*session.Store{watch}
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, p := range l.procs {
				if !p.dead.Load() {
					all = append(all, p.store)
				}
			}
			return all
		})
		l.stopClock = func() {
			c.close()
			l.w.nil(l.w.rdb.Del(l.w.ctx, tag+"clock").Err()) // nobody looks after it any more
			l.w.heard.add(time.Now())
		}
	}
	l.set(d)
}

// heard is the store's time in a life in which Redis' clock is set.
type heard struct {
	sync.Mutex
	at []struct{ store, really time.Time }
}

func (h *heard) add(store time.Time) {
	h.Lock()
	defer h.Unlock()
	h.at = append(h.at, struct{ store, really time.Time }{store, time.Now()})
}

// really is when it was that time of the store, within [world.odd].
func (h *heard) really(store time.Time) time.Time {
	if h == nil {
		return store
	}
	h.Lock()
	defer h.Unlock()
	for _, at := range slices.Backward(h.at) {
		if !at.store.After(store) {
			return at.really.Add(store.Sub(at.store))
		}
	}
	return store
}

// config <process> {two|observe|same}: it is started anew with other settings.
func (l *lives) config(a []string) {
	l.differed = true
	delete(l.configs, a[0])
	if a[1] != "same" {
		cfg := l.w.cfg
		if cfg.Mode = ModeObserve; a[1] == "two" {
			cfg.Mode, cfg.Upgrades, cfg.Reverts = ModeFull, approvals.Upgrade(2), approvals.Revert(3)
		}
		l.configs[a[0]] = &cfg
	}
	l.procs[a[0]].kill()
}

// opposite <database> <verb> <verb>: two people want that of the newest session at the
// same moment; the first of them is at a slow process.
func (l *lives) opposite(a []string) {
	s, ok := l.latest(a[0], "")
	if !ok {
		return
	}
	slow := &replica{w: l.w, done: make(chan struct{})}
	g := &gremlin{l: l, r: slow}
	l.w.launch(slow, &slowHook{g}, g)
	l.w.mu.Lock()
	l.w.all = append(l.w.all, slow)
	l.w.mu.Unlock()
	time.AfterFunc(time.Minute, slow.kill)
	by := map[string]approvals.Voter{"cancel": ann, "approve": carol, "deny": carol}
	l.deliver("once", func(e *replica) (Session, error) {
		if !slow.dead.Load() {
			e = slow
		}
		return l.word(e, a[1], s)
	}, said{s.ID, by[a[1]].ID, a[1]})
	l.deliver("once", func(e *replica) (Session, error) { return l.word(e, a[2], s) },
		said{s.ID, by[a[2]].ID, a[2]})
}

// word is what one of two people says.
func (l *lives) word(e *replica, verb string, s Session) (Session, error) {
	c := Click{Session: s.ID, Ask: s.Ask, By: carol, Reason: "no", Typed: s.ConfirmText()}
	switch verb {
	case "cancel":
		return e.Cancel(l.w.ctx, s.ID, ann)
	case "deny":
		return e.Deny(l.w.ctx, c)
	}
	return e.Approve(l.w.ctx, c)
}

// forge <database> {version|vote|state|entry|lock}: somebody writes into the newest
// session past the bot. At the end on-call puts right what is still as it was forged;
// until then nothing may have been done for it.
func (l *lives) forge(a []string) {
	s, ok := l.latest(a[0], "")
	if !ok || s.Ended {
		return
	}
	l.still.Lock()
	defer l.still.Unlock()
	s = l.w.load(s.ID)
	if s.Ended || s.Distrusted != "" {
		return
	}
	hash := tag + "session:" + s.ID
	var undo func() bool
	field := func(name string, forge func()) {
		was := l.w.rdb.HGet(l.w.ctx, hash, name).Val()
		forge()
		forged := l.w.rdb.HGet(l.w.ctx, hash, name).Val()
		undo = func() bool {
			still := l.w.rdb.HGet(l.w.ctx, hash, name).Val() == forged && forged != was
			if still {
				l.w.forge(s.ID, map[string]any{name: was})
			}
			return still
		}
	}
	switch a[1] {
	case "version":
		field("body", func() { l.w.forgeBody(s.ID, func(b *Body) { b.Plan.To = "8.6" }) })
	case "vote":
		field("body", func() {
			l.w.forgeBody(s.ID, func(b *Body) { b.Decisions = append(b.Decisions, forgedVote(s, carol)) })
		})
	case "state":
		field("state", func() { l.w.forge(s.ID, map[string]any{"state": string(Approved)}) })
	case "lock":
		name := tag + "active:" + s.Plan.Database
		was := l.w.rdb.Get(l.w.ctx, name).Val()
		l.w.nil(l.w.rdb.Set(l.w.ctx, name, "u-zzzzzzzzzz", 0).Err())
		undo = func() bool {
			still := l.w.rdb.Get(l.w.ctx, name).Val() == "u-zzzzzzzzzz"
			switch {
			case still && l.w.load(s.ID).Ended: // it would have let go
				l.w.nil(l.w.rdb.Del(l.w.ctx, name).Err())
			case still:
				l.w.nil(l.w.rdb.Set(l.w.ctx, name, was, 0).Err())
			}
			return still
		}
	case "entry":
		all := l.w.rdb.XRange(l.w.ctx, tag+"journal:"+s.ID, "-", "+").Val()
		last := all[len(all)-1]
		was := last.Values["by"]
		l.rewrite(s.ID, last.ID, "U0MALLORY")
		undo = func() bool {
			found := l.w.rdb.XRange(l.w.ctx, tag+"journal:"+s.ID, last.ID, last.ID).Val()
			still := len(found) == 1 && found[0].Values["by"] == "U0MALLORY"
			if still {
				l.rewrite(s.ID, last.ID, was)
			}
			return still
		}
	}
	moves := func() int { return len(l.w.journal(s.ID)) }
	if a[1] == "lock" { // which is looked at before something is sent
		moves = func() int { return len(l.w.intents(s.ID)) }
	}
	before := moves()
	l.mu.Lock()
	rewinds := l.rewinds
	l.mu.Unlock()
	l.repairs = append(l.repairs, func() {
		l.still.Lock()
		defer l.still.Unlock()
		if !undo() {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if now := moves(); now != before && rewinds == l.rewinds {
			l.problems = append(l.problems,
				fmt.Sprintf("%s moved from %d to %d after its %s was forged", s.ID, before, now, a[1]))
		}
	})
}

// rewrite writes who did it into one entry of a journal.
func (l *lives) rewrite(id, entry string, by any) {
	name := tag + "journal:" + id
	all := l.w.rdb.XRange(l.w.ctx, name, "-", "+").Val()
	l.w.nil(l.w.rdb.Del(l.w.ctx, name).Err())
	for _, m := range all {
		if m.ID == entry {
			m.Values["by"] = by
		}
		l.w.nil(l.w.rdb.XAdd(l.w.ctx, &redis.XAddArgs{Stream: name, ID: m.ID, Values: m.Values}).Err())
	}
}
