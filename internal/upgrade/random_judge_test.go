package upgrade

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

type ctx = context.Context

// anyNumber of messages may be there twice where answers were lost at random.
const anyNumber = 1 << 20

// judge lets everything come to its end and says which promises are broken.
func (l *lives) judge(ends map[string]int) []string {
	l.calm()
	stands := map[string]int64{} // sessions that are not believed, and their revisions
	for _, s := range l.sessions() {
		if s.Distrusted != "" {
			stands[s.ID] = s.Revision
		}
	}
	l.end()
	l.pass(l.w.cfg.Grace + l.w.cfg.Lease + 5*time.Minute) // and the last cards are drawn
	var ids, plain, drawn []string
	all := l.sessions()
	for _, s := range all {
		if s.Distrusted != "" {
			ends[string(s.Kind)+" stands"]++
			l.w.stands = append(l.w.stands, s.ID)
			if len(l.lost) == 0 && l.rewinds == 0 {
				l.problems = append(l.problems, fmt.Sprintf("not believed: %s: %s", s.Distrusted, describe(s)))
			}
			if r, stood := stands[s.ID]; stood && r != s.Revision {
				l.problems = append(l.problems, fmt.Sprintf("it moved from %d although it is not believed: %s: %s",
					r, s.Distrusted, describe(s)))
			}
			continue
		}
		ends[string(s.Kind)+" "+string(s.State)]++
		ids = append(ids, s.ID)
		if !l.doubted(s) {
			drawn = append(drawn, s.ID)
		}
		if !l.overtaken(s, all) {
			plain = append(plain, s.ID)
		}
		if open(s, all) {
			l.problems = append(l.problems, "stuck: "+describe(s))
		}
	}
	l.excuse()
	return slices.Concat(l.problems, l.checkLedger(all), l.w.checkMemory(ids...), l.checkCloud(all, plain), l.checkWords(all),
		l.checkPeople(all), l.checkReverts(all), l.w.checkCards(anyNumber, drawn...), l.w.checkSecrets(otherPassword))
}

// open reports whether a session has to come to an end yet. What is not believed does
// not, and an upgrade does not while its revert stands so.
func open(s Session, all []Session) bool {
	return !s.Ended && s.Distrusted == "" &&
		!slices.ContainsFunc(all, func(o Session) bool { return o.Distrusted != "" && o.Link == s.ID && s.State == Reverting })
}

// doubted reports whether a process does not believe what another one, which had not
// seen what Redis has forgotten, went on from: then the card is up to who draws it.
func (l *lives) doubted(s Session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.procs {
		if now, err := p.Load(l.w.ctx, s.ID); l.rewinds > 0 && err == nil && now.Distrusted != "" {
			return true
		}
	}
	return false
}

// overtaken reports whether what a session left is not there to be seen any
// more: somebody else, or a later session, changed the database since.
func (l *lives) overtaken(s Session, all []Session) bool {
	if s.Kind != KindUpgrade || s.State != Done {
		return false
	}
	return l.changedSince(s, all)
}

func (l *lives) changedSince(s Session, all []Session) bool {
	ended := l.w.heard.really(s.Updated)
	for _, e := range l.w.journal(s.ID) {
		if Event(e.Event) == Finish { // a revert that was called off leaves it done, later
			ended = l.w.heard.really(e.Stored)
		}
	}
	id := resultOf(s)
	for _, at := range []time.Time{l.meddled[0], l.meddled[id], l.undone[id]} {
		if !at.Before(ended) {
			return true
		}
	}
	return slices.ContainsFunc(all, func(o Session) bool {
		return o.Plan.Ref().Database == id && o.ID != s.ID && o.Created.After(s.Created) && o.Link != s.ID
	})
}

// resultOf is the database that a session left.
func resultOf(s Session) int {
	if s.Revert != nil && s.Revert.NewRef != "" {
		ref, _ := cloud.ParseRef(s.Revert.NewRef)
		return ref.Database
	}
	return s.Plan.Ref().Database
}

// excuse finds out which databases were changed by calls whose intents Redis has
// forgotten: they may have left before or after that.
func (l *lives) excuse() {
	for _, c := range l.w.ledger() {
		if slices.ContainsFunc(l.lost, func(in *intent) bool {
			return slices.Contains(senders(c), in.key) && !c.At.Before(in.at.Add(-l.w.odd)) && c.At.Before(in.at.Add(time.Minute))
		}) && l.undone[c.Resource].Before(c.At) {
			l.undone[c.Resource] = c.At
		}
	}
}

// checkLedger: calls of forgotten intents have those.
func (l *lives) checkLedger(all []Session) []string {
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return l.w.checkCalls(0, append(l.w.intents(ids...), l.lost...))
}

// checkCloud leaves out temporary databases of sessions that stand, and such as were
// made by calls that Redis has forgotten.
func (l *lives) checkCloud(all []Session, plain []string) (problems []string) {
	var kept []string
	for _, d := range l.w.databases() {
		if !l.undone[d.ID].IsZero() || slices.ContainsFunc(all, func(s Session) bool {
			return s.Distrusted != "" && s.Revert != nil && s.Revert.Trial.Name == d.Name
		}) {
			kept = append(kept, fmt.Sprintf(leftOver, d.Name))
		}
	}
	return slices.DeleteFunc(l.w.checkCloud(plain...), func(p string) bool { return slices.Contains(kept, p) })
}

// checkWords: after a person was told that it is cancelled or denied, no intent of
// what people approved is written.
func (l *lives) checkWords(all []Session) (problems []string) {
	for _, word := range l.words {
		if !slices.ContainsFunc(all, func(s Session) bool { return s.ID == word.session }) {
			continue
		}
		for _, in := range l.w.intents(word.session) {
			if traitsOf[in.key].covered && in.revision > word.revision {
				problems = append(problems, fmt.Sprintf("%s of %s was confirmed at revision %d, and %s was sent at %d",
					word.verb, word.session, word.revision, in.key, in.revision))
			}
		}
	}
	return problems
}

// checkPeople: what was confirmed is in the journal, once per question, and
// nobody who may not decide is in there.
func (l *lives) checkPeople(all []Session) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, s := range all {
		questions, votes, waiting := 1, map[said]int{}, map[said]bool{}
		for _, e := range l.w.journal(s.ID) {
			switch Event(e.Event) {
			case Revise:
				questions++
			case Vote, Approve:
				votes[said{s.ID, e.By, "approve"}]++
			case Wish: // a deny or cancel that waits for a call is recorded as that
				waiting[said{s.ID, e.By, "deny"}] = true
				waiting[said{s.ID, e.By, "cancel"}] = true
			case Cancel:
				votes[said{s.ID, e.By, "cancel"}]++
			case Deny:
				votes[said{s.ID, e.By, "deny"}]++
			}
			if e.By == guest.ID || e.By == eve.ID && Event(e.Event) != Recheck {
				add("%s of %s is by %s, who may not", e.Event, s.ID, e.By)
			}
		}
		for v, n := range votes {
			if n > questions {
				add("%s's %s of %s is recorded %d times for %d questions", v.by, v.verb, s.ID, n, questions)
			}
			if v.by == s.By && v.verb != "cancel" && s.Kind == KindUpgrade {
				add("%s's %s of its own %s is recorded", v.by, v.verb, s.ID)
			}
		}
		for _, v := range l.said {
			if v.session == s.ID && votes[v] == 0 && !waiting[v] {
				add("%s's %s of %s was confirmed and is lost", v.by, v.verb, v.session)
			}
		}
	}
	return problems
}

// checkReverts: what is called taken back is, and no door stays shut in silence.
func (l *lives) checkReverts(all []Session) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, s := range all {
		if s.Kind != KindRevert {
			continue
		}
		up := l.w.load(s.Link)
		if s.State == Done && up.State != Reverted {
			add("%s is done and its upgrade is %s", s.ID, up.State)
		}
		if open(up, all) && up.State == Reverting {
			add("%s is %s and its upgrade waits for it", s.ID, s.State)
		}
		i := slices.IndexFunc(l.w.databases(), func(d fleetDB) bool { return d.ID == resultOf(s) })
		if i < 0 || s.Distrusted != "" || l.changedSince(s, all) {
			continue
		}
		db := l.w.databases()[i]
		shut := slices.Equal(db.SourceIPs, closedDoor)
		switch {
		case s.State == Done && !sameVersion(db.Version, s.Plan.To):
			add("%s is done and %s reads %s", s.ID, s.Plan.Name, db.Version)
		case s.State != Failed && shut:
			add("%s is %s and its door is shut", s.ID, s.State)
		case s.State == Failed && shut && s.Problem == "":
			add("%s failed without a word about its shut door", s.ID)
		}
	}
	return problems
}
